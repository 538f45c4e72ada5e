//! WebVTT: its header with the time map (RFC 8216bis section 3.5), and when its cues are.

use std::time::Duration;

use serde::Serialize;

use super::clock;
use super::problem::{Problem, ProblemKind, Problems};
use super::stream::{Stream, StreamKind};
use crate::inspection::{optional_seconds, seconds};

/// What a WebVTT file has.
///
/// ```
/// use std::time::Duration;
/// use cache_inspect::media::webvtt::WebVtt;
///
/// let text = b"WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000\n\n00:04.500 --> 00:07.000\nHello\n";
/// let subtitles = WebVtt::read(text);
/// assert_eq!(subtitles.cues, 1);
/// assert_eq!(subtitles.media_time(subtitles.first.unwrap()), Duration::from_millis(14_500));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct WebVtt {
    /// How its times relate to those of other media (`X-TIMESTAMP-MAP`).
    pub time_map: Option<TimeMap>,
    /// How many cues there are.
    pub cues: u64,
    /// When the earliest begins, in its own time.
    #[serde(serialize_with = "optional_seconds")]
    pub first: Option<Duration>,
    /// When the last ends, in its own time.
    #[serde(serialize_with = "optional_seconds")]
    pub last: Option<Duration>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// Two names of one instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct TimeMap {
    /// The time of cues (`LOCAL`).
    #[serde(serialize_with = "seconds")]
    pub local: Duration,
    /// Ticks of the [clock] (`MPEGTS`).
    pub ticks: u64,
}

impl WebVtt {
    /// Reads a file.
    pub fn read(bytes: &[u8]) -> Self {
        let mut problems = Problems::default();
        let mut found = Self {
            time_map: None,
            cues: 0,
            first: None,
            last: None,
            problems: Vec::new(),
        };
        if let Err(error) = std::str::from_utf8(bytes) {
            let (kind, what) = match error.error_len() {
                Some(_) => (ProblemKind::Damaged, "a character that is not UTF-8"),
                None => (ProblemKind::Truncated, "the text ends inside a character"),
            };
            problems.push(Problem::at(kind, error.valid_up_to(), what));
        }
        let mut in_header = true;
        let mut offset = 0;
        let line_end = if bytes.contains(&b'\n') { b'\n' } else { b'\r' };
        for line in bytes.split_inclusive(|byte| *byte == line_end) {
            let text = line.trim_ascii_end();
            let place = offset;
            offset += line.len();
            in_header &= !text.is_empty();
            if in_header && let Some(map) = text.strip_prefix(b"X-TIMESTAMP-MAP=") {
                found.time_map = time_map(map);
                if found.time_map.is_none() {
                    let what = "the X-TIMESTAMP-MAP cannot be read";
                    problems.push(Problem::at(ProblemKind::Damaged, place, what));
                }
            }
            if let Some(arrow) = text.windows(3).position(|part| part == b"-->") {
                if let Some((start, end)) = timings(text, arrow) {
                    found.cues += 1;
                    found.first = Some(found.first.map_or(start, |first| first.min(start)));
                    found.last = Some(found.last.map_or(end, |last| last.max(end)));
                } else {
                    let what = format!("the times of the cue at byte {place} cannot be read");
                    problems.push(Problem::at(ProblemKind::Damaged, place, what));
                }
            }
        }
        found.problems = problems.into_vec();
        found
    }

    /// A time of a cue on the clock of the media. Without a map, both clocks are the same.
    pub fn media_time(&self, cue: Duration) -> Duration {
        let Some(TimeMap { local, ticks }) = self.time_map else {
            return cue;
        };
        let mapped = clock::time(ticks);
        if let Some(after) = cue.checked_sub(local) {
            return mapped.saturating_add(after);
        }
        let before = local.saturating_sub(cue);
        (mapped.checked_sub(before))
            .or_else(|| {
                clock::wrap_time()
                    .saturating_add(mapped)
                    .checked_sub(before)
            })
            .unwrap_or_default()
    }

    pub(crate) fn stream(&self) -> Stream {
        Stream {
            id: 0,
            kind: StreamKind::Text,
            codec: "WebVTT".to_owned(),
            encrypted: false,
            samples: self.cues,
            start: self.first.map(|first| self.media_time(first)),
            duration: (self.first.zip(self.last)).map(|(first, last)| last.saturating_sub(first)),
            unit: Duration::ZERO,
            starts_independent: Some(true),
        }
    }
}

/// `LOCAL:00:00:00.000,MPEGTS:900000`, in any order.
fn time_map(text: &[u8]) -> Option<TimeMap> {
    let (mut local, mut ticks) = (None, None);
    for part in text.split(|byte| *byte == b',') {
        let part = part.trim_ascii();
        if let Some(time) = part.strip_prefix(b"LOCAL:") {
            local = Some(timestamp(time)?);
        } else if let Some(time) = part.strip_prefix(b"MPEGTS:") {
            let number: u64 = std::str::from_utf8(time).ok()?.parse().ok()?;
            ticks = Some(number % clock::WRAP);
        }
    }
    Some(TimeMap {
        local: local?,
        ticks: ticks?,
    })
}

/// `00:04.500 --> 00:07.000 align:start`, with the arrow at this place.
fn timings(text: &[u8], arrow: usize) -> Option<(Duration, Duration)> {
    let start = timestamp(text.get(..arrow)?.trim_ascii())?;
    let after = text.get(arrow + 3..)?.trim_ascii_start();
    let end = after.split(u8::is_ascii_whitespace).next()?;
    let end = timestamp(end)?;
    (start <= end).then_some((start, end))
}

/// `00:00:04.500` or `00:04.500`; there may be more than two digits of hours.
fn timestamp(text: &[u8]) -> Option<Duration> {
    let text = std::str::from_utf8(text).ok()?;
    let (clock, milliseconds) = text.rsplit_once('.')?;
    let number = |digits: &str, length: Option<usize>| -> Option<u64> {
        let is_number = !digits.is_empty()
            && digits.bytes().all(|byte| byte.is_ascii_digit())
            && length.is_none_or(|length| digits.len() == length);
        is_number.then(|| digits.parse().ok()).flatten()
    };
    let (rest, seconds) = clock.rsplit_once(':')?;
    let (hours, minutes) = match rest.rsplit_once(':') {
        Some((hours, minutes)) => (number(hours, None)?, minutes),
        None => (0, rest),
    };
    let (minutes, seconds) = (number(minutes, Some(2))?, number(seconds, Some(2))?);
    let total = (hours.checked_mul(3_600)?)
        .checked_add(minutes * 60)?
        .checked_add(seconds)?;
    (minutes < 60 && seconds < 60)
        .then(|| number(milliseconds, Some(3)))
        .flatten()
        .map(|part| Duration::from_secs(total).saturating_add(Duration::from_millis(part)))
}
