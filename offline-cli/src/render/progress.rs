//! The progress of a download: one line on a terminal, one event a line as JSON.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;

use super::output::{self, Output};
use super::text::{clock, printable, size};
use crate::session::DownloadEvent;
use crate::{Error, Result};

const STEPS: u64 = 10_000;
/// A log file gets a line this often.
const LOG_EVERY: Duration = Duration::from_secs(10);
/// Progress events as JSON come at most this often; all others at once.
const JSON_EVERY: Duration = Duration::from_millis(250);

/// Shows the events of one download.
#[derive(Debug)]
pub(crate) struct Progress {
    output: Output,
    /// Of which asset, where several are shown.
    asset: Option<String>,
    bar: Option<ProgressBar>,
    /// The lines of all downloads, where several are shown.
    bars: Option<MultiProgress>,
    started: Instant,
    shown: Option<Instant>,
    start_share: Option<f64>,
    retries: u64,
    /// Why events could not be written.
    pub(crate) failed: Option<Error>,
}

impl Progress {
    /// The only download.
    pub(crate) fn new(output: Output) -> Self {
        Self::with(None, None, output)
    }

    /// One of several downloads.
    pub(crate) fn among(bars: &MultiProgress, asset: &str, output: Output) -> Self {
        Self::with(Some(bars.clone()), Some(asset.to_owned()), output)
    }

    fn with(bars: Option<MultiProgress>, asset: Option<String>, output: Output) -> Self {
        let visible = !output.json && !output.quiet && std::io::stderr().is_terminal();
        let bar = visible.then(|| {
            let bar = match &bars {
                Some(bars) => bars.add(ProgressBar::new(STEPS)),
                None => ProgressBar::with_draw_target(
                    Some(STEPS),
                    ProgressDrawTarget::stderr_with_hz(8),
                ),
            };
            if let Ok(style) =
                ProgressStyle::with_template("{prefix}{percent:>3} % {bar:20} {wide_msg}")
            {
                bar.set_style(style.progress_chars("━╸─"));
            }
            if let Some(asset) = &asset {
                bar.set_prefix(format!("{} ", cut(asset)));
            }
            bar
        });
        Self {
            output,
            asset,
            bar,
            bars,
            started: Instant::now(),
            shown: Some(Instant::now()),
            start_share: None,
            retries: 0,
            failed: None,
        }
    }

    /// Takes the line away and says how it ended.
    pub(crate) fn end(&self, message: &str) {
        self.say(message);
        self.clear();
    }

    /// Takes the line away.
    pub(crate) fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    pub(crate) fn show(&mut self, event: &DownloadEvent) {
        if self.output.json {
            let is_progress = matches!(
                event,
                DownloadEvent::Progress { .. } | DownloadEvent::Recording { .. }
            );
            if (!is_progress || self.is_due(JSON_EVERY))
                && let Err(error) = self.json(event)
            {
                self.failed.get_or_insert(error);
            }
            return;
        }
        match event {
            DownloadEvent::Resolved {
                id,
                title,
                duration,
                tracks,
                resources,
                resources_stored,
                notes,
                ..
            } => {
                let left = resources.saturating_sub(*resources_stored);
                let time = clock(Duration::try_from_secs_f64(*duration).unwrap_or_default());
                let tracks = tracks.join(", ");
                let have = if *resources_stored > 0 {
                    format!(", {resources_stored} already here")
                } else {
                    String::new()
                };
                self.say(&format!(
                    "{} [{id}] {time}, {tracks}: {left} to fetch{have}",
                    printable(title)
                ));
                for note in notes {
                    self.say(&format!("note: {}", printable(note)));
                }
            }
            DownloadEvent::MadeRoom { purged, .. } => {
                for asset in purged {
                    let line = crate::render::text::purged(asset);
                    self.say(&format!("removed {line}"));
                }
            }
            DownloadEvent::Progress {
                bytes,
                media_time,
                duration,
                ..
            } => self.advance(*bytes, *media_time, *duration),
            DownloadEvent::RecordingStarted {
                id,
                title,
                tracks,
                notes,
            } => {
                let tracks = tracks.join(", ");
                let title = printable(title);
                self.say(&format!(
                    "{title} [{id}] {tracks}: recording, Ctrl-C ends it"
                ));
                for note in notes {
                    self.say(&format!("note: {}", printable(note)));
                }
            }
            DownloadEvent::Recording {
                bytes,
                media_time,
                duration,
                gaps,
            } => self.record(*bytes, *media_time, *duration, *gaps),
            DownloadEvent::Waiting { url, error } => {
                tracing::info!(%url, %error, "waiting for the stream");
            }
            DownloadEvent::Retrying { url, error, after } => {
                self.retries += 1;
                tracing::info!(%url, %error, after, "trying again");
            }
            DownloadEvent::FailedOver { track, url, error } => {
                let (url, error) = (printable(url), printable(error));
                self.say(&format!("{track} goes on from {url}: {error}"));
            }
            DownloadEvent::Gap { url, error } => {
                self.say(&format!("gap: {}: {}", printable(url), printable(error)));
            }
            DownloadEvent::Note { note } => self.say(&format!("note: {}", printable(note))),
            DownloadEvent::InterstitialLeftOut { id, url, error } => {
                self.say(&format!(
                    "interstitial {id} is left out: {}: {}",
                    printable(url),
                    printable(error)
                ));
            }
            // The command says how it ended.
            _ => {}
        }
    }

    fn advance(&mut self, bytes: u64, media_time: f64, duration: f64) {
        let share = if duration > 0.0 {
            (media_time / duration).clamp(0.0, 1.0)
        } else {
            0.0
        };
        let start = *self.start_share.get_or_insert(share);
        let line = self.line(bytes, media_time, duration, share, start);
        let due = self.bar.is_none() && self.is_due(LOG_EVERY);
        match &self.bar {
            Some(bar) => {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    clippy::cast_precision_loss,
                    reason = "a share between 0 and 1"
                )]
                bar.set_position((share * STEPS as f64) as u64);
                bar.set_message(line);
            }
            None if due => {
                let of = self.asset.as_ref();
                let of = of.map_or_else(String::new, |asset| format!("{asset} "));
                self.output
                    .message(&format!("{of}{:3.0} % {line}", share * 100.0));
            }
            None => {}
        }
    }

    /// A recording has no end to be a share of, unless one was asked for.
    fn record(&mut self, bytes: u64, media_time: f64, duration: Option<f64>, gaps: usize) {
        if let Some(duration) = duration {
            self.advance(bytes, media_time.min(duration), duration);
            return;
        }
        let time = clock(Duration::try_from_secs_f64(media_time).unwrap_or_default());
        let mut line = format!("{}  {time} recorded", size(bytes));
        if gaps > 0 {
            line.extend(["  ", &gaps.to_string(), " gaps"]);
        }
        let is_due = self.bar.is_none() && self.is_due(LOG_EVERY);
        match &self.bar {
            Some(bar) => bar.set_message(line),
            None if is_due => self.output.message(&line),
            None => {}
        }
    }

    /// `12.3 MB  1:05/10:00  4.2 MB/s  0:20 left`
    fn line(&self, bytes: u64, media_time: f64, duration: f64, share: f64, start: f64) -> String {
        let of = |seconds: f64| clock(Duration::try_from_secs_f64(seconds).unwrap_or_default());
        let elapsed = self.started.elapsed().as_secs_f64();
        let mut line = format!("{}  {}/{}", size(bytes), of(media_time), of(duration));
        if elapsed > 0.5 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "shown with one decimal"
            )]
            let speed = (bytes as f64 / elapsed) as u64;
            line.extend(["  ", &size(speed), "/s"]);
            if share > start && share < 1.0 {
                let left = of(elapsed * (1.0 - share) / (share - start));
                line.extend(["  ", &left, " left"]);
            }
        }
        if self.retries > 0 {
            line.extend(["  ", &self.retries.to_string(), " retries"]);
        }
        line
    }

    fn is_due(&mut self, every: Duration) -> bool {
        let due = self.shown.is_none_or(|shown| shown.elapsed() >= every);
        if due {
            self.shown = Some(Instant::now());
        }
        due
    }

    fn say(&self, message: &str) {
        match (&self.bar, &self.bars) {
            (Some(_), Some(bars)) => bars.suspend(|| self.output.message(message)),
            (Some(bar), None) => bar.suspend(|| self.output.message(message)),
            (None, _) if self.output.json => {}
            (None, _) => self.output.message(message),
        }
    }

    fn json(&self, event: &DownloadEvent) -> Result<()> {
        match &self.asset {
            Some(asset) => output::json(&Of { asset, event }),
            None => output::json(event),
        }
    }
}

/// A name short enough to leave room for a bar beside it; ids are plain ASCII.
fn cut(name: &str) -> String {
    const ROOM: usize = 20;
    match name.get(..ROOM) {
        Some(start) if name.len() > ROOM => format!("{start}…"),
        _ => name.to_owned(),
    }
}

/// An event of one of several downloads.
#[derive(Serialize)]
struct Of<'a> {
    asset: &'a str,
    #[serde(flatten)]
    event: &'a DownloadEvent,
}
