//! What has to hold for the queue to be worked off: room, the hour, the user's own condition.

use std::process::{ExitStatus, Stdio};
use std::str::FromStr;
use std::time::Duration;

use asset_store::Store;
use tokio::process::Command;

use crate::render::text;
use crate::{Error, ErrorKind, Result};

/// A condition that takes longer does not hold.
const CONDITION_TIMEOUT: Duration = Duration::from_secs(60);

/// What has to hold for downloads of the queue to run. They begin when it does, and pause when it no longer does.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Requirements {
    /// So many bytes have to be free where the store is.
    pub min_free: Option<u64>,
    /// The time of the day has to be one of these.
    pub hours: Option<Hours>,
    /// This command has to succeed; the shell of the system runs it.
    pub only_if: Option<String>,
}

impl Requirements {
    /// Why the queue is not worked off now; `None` when everything holds.
    ///
    /// # Errors
    /// When the file system or the clock cannot be asked, or the command cannot be run.
    pub async fn unmet(&self, store: &Store) -> Result<Option<String>> {
        if let Some(needed) = self.min_free {
            let free = store.free_bytes()?;
            if free < needed {
                let (free, needed) = (text::size(free), text::size(needed));
                return Ok(Some(format!("{free} are free, not {needed}")));
            }
        }
        if let Some(hours) = self.hours {
            let now = jiff::Zoned::now();
            let minute =
                u16::from(now.hour().unsigned_abs()) * 60 + u16::from(now.minute().unsigned_abs());
            if !hours.contains(minute) {
                let now = now.strftime("%H:%M");
                return Ok(Some(format!("it is {now}, and that is not in {hours}")));
            }
        }
        if let Some(command) = &self.only_if {
            let ended = run(command).await?;
            if !ended.is_some_and(|status| status.success()) {
                let command = text::printable(command);
                return Ok(Some(match ended {
                    Some(status) => format!("`{command}` says no ({status})"),
                    None => format!("`{command}` takes too long"),
                }));
            }
        }
        Ok(None)
    }
}

/// How the command ended; `None` when it takes too long.
async fn run(command: &str) -> Result<Option<ExitStatus>> {
    let (shell, option) = if cfg!(windows) {
        ("cmd", "/C")
    } else {
        ("sh", "-c")
    };
    let mut command = Command::new(shell)
        .args([option, command])
        .stdin(Stdio::null())
        // Standard output is for answers.
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .map_err(not_run)?;
    match tokio::time::timeout(CONDITION_TIMEOUT, command.wait()).await {
        Ok(ended) => ended.map(Some).map_err(not_run),
        Err(_) => Ok(None),
    }
}

fn not_run(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Usage, "the command of --only-if cannot be run").because(error)
}

/// A part of each day in local time, perhaps over midnight: `22-6`, `22:30-06:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    /// Minutes after midnight, the last one excluded.
    from: u16,
    to: u16,
}

impl Hours {
    /// Whether a minute of the day is one of them.
    fn contains(self, minute: u16) -> bool {
        if self.from < self.to {
            (self.from..self.to).contains(&minute)
        } else {
            minute >= self.from || minute < self.to
        }
    }
}

impl FromStr for Hours {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "`{}` is no part of a day; write 22-6 or 22:30-06:00",
                text::printable(text)
            )
        };
        let minute = |time: &str| {
            let (hour, minute) = time.trim().split_once(':').unwrap_or((time.trim(), "0"));
            let digits = |text: &str, below: u16| {
                let is_number = text.len() <= 2 && text.bytes().all(|byte| byte.is_ascii_digit());
                let number = text.parse().ok().filter(|_| is_number)?;
                (number < below).then_some(number)
            };
            // 24 is the end of the day.
            match (digits(hour, 25)?, digits(minute, 60)?) {
                (24, 0) => Some(0),
                (24, _) => None,
                (hour, minute) => Some(hour * 60 + minute),
            }
        };
        let (from, to) = text.split_once('-').ok_or_else(wrong)?;
        let (from, to) = (minute(from), minute(to));
        let hours = from.zip(to).map(|(from, to)| Self { from, to });
        hours
            .filter(|hours| hours.from != hours.to)
            .ok_or_else(wrong)
    }
}

impl std::fmt::Display for Hours {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { from, to } = self;
        write!(
            f,
            "{:02}:{:02}-{:02}:{:02}",
            from / 60,
            from % 60,
            to / 60,
            to % 60
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn hours_may_go_over_midnight() {
        let night: Hours = "22-6".parse().unwrap();
        let at = |hour: u16, minute: u16| night.contains(hour * 60 + minute);
        assert!(at(22, 0) && at(23, 59) && at(0, 0) && at(5, 59));
        assert!(!at(6, 0) && !at(12, 0) && !at(21, 59));
        let evening: Hours = " 18:30 - 24 ".parse().unwrap();
        assert!(evening.contains(18 * 60 + 30) && evening.contains(1439));
        assert!(!evening.contains(0) && !evening.contains(18 * 60 + 29));
        for wrong in [
            "", "22", "22-", "-", "25-3", "24:01-3", "1:60-2", "3-3", "1-2-3", "+1-2", "001-2",
            "a-b",
        ] {
            assert!(wrong.parse::<Hours>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn hours_are_shown_as_they_are_read(from in 0..1440u16, to in 0..1440u16) {
            prop_assume!(from != to);
            let hours = Hours { from, to };
            prop_assert_eq!(hours.to_string().parse(), Ok(hours));
            // Each minute is in the hours or in those between them.
            let others = Hours { from: to, to: from };
            for minute in 0..1440 {
                prop_assert!(hours.contains(minute) != others.contains(minute));
            }
        }
    }
}
