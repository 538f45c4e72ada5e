//! The progress of a download: a line for each track and one for all on a terminal, a line now and then in a log, one event a line as JSON.

use std::time::{Duration, Instant};

use console::{measure_text_width, truncate_str};
use serde::Serialize;

use super::lines::{self, Block, Lines};
use super::output::{self, Output};
use super::text::{clock, printable, size};
use crate::session::DownloadEvent;
use crate::{Error, Result};

/// So many tracks have a line each.
const MOST_TRACKS: usize = 8;
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
    lines: Lines,
    block: Block,
    /// The tracks and the seconds that are there of each.
    tracks: Vec<(String, f64)>,
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
        Self::with(&Lines::new(output), None, output)
    }

    /// One of several downloads, which share their lines.
    pub(crate) fn among(lines: &Lines, asset: &str, output: Output) -> Self {
        Self::with(lines, Some(asset.to_owned()), output)
    }

    fn with(lines: &Lines, asset: Option<String>, output: Output) -> Self {
        Self {
            output,
            asset,
            lines: lines.clone(),
            block: lines.block(),
            tracks: Vec::new(),
            started: Instant::now(),
            shown: Some(Instant::now()),
            start_share: None,
            retries: 0,
            failed: None,
        }
    }

    /// Takes the lines away and says how it ended.
    pub(crate) fn end(&self, message: &str) {
        self.clear();
        self.say(message);
    }

    /// Takes the lines away.
    pub(crate) fn clear(&self) {
        self.block.clear();
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
                self.tracks = tracks.iter().map(|name| (printable(name), 0.0)).collect();
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
                self.note(notes);
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
            DownloadEvent::Loaded { track, ranges } => self.loaded(track, ranges),
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
                self.note(notes);
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

    fn note(&self, notes: &[String]) {
        for note in notes {
            self.say(&format!("note: {}", printable(note)));
        }
    }

    fn loaded(&mut self, track: &str, ranges: &[(f64, f64)]) {
        let known = self.tracks.iter_mut().find(|(name, _)| name == track);
        if let Some((_, seconds)) = known {
            *seconds = ranges.iter().map(|(start, end)| end - start).sum();
        }
    }

    fn advance(&mut self, bytes: u64, media_time: f64, duration: f64) {
        let share = if duration > 0.0 {
            (media_time / duration).clamp(0.0, 1.0)
        } else {
            0.0
        };
        let start = *self.start_share.get_or_insert(share);
        let parts = self.parts(bytes, media_time, duration, share, start);
        match self.lines.room() {
            Some(room) => self.block.set(self.shares(share, duration, &parts, room)),
            None if self.is_due(LOG_EVERY) => {
                let of = self.asset.as_ref();
                let of = of.map_or_else(String::new, |asset| format!("{asset} "));
                let line: Vec<&str> = parts.iter().map(|part| part.trim()).collect();
                let line = line.join("  ");
                self.output
                    .message(&format!("{of}{:3.0} % {line}", (share * 100.0).floor()));
            }
            None => {}
        }
    }

    /// One line for each track and one for all; of many tracks those that are not whole yet. Among other downloads there is only the latter.
    fn shares(&self, whole: f64, duration: f64, parts: &[String], room: usize) -> Vec<String> {
        if let Some(asset) = &self.asset {
            let name = truncate_str(asset, room / 3, "…");
            return vec![lines::share(&format!("{name} "), whole, parts, room)];
        }
        let share = |seconds: f64| {
            if duration > 0.0 {
                (seconds / duration).clamp(0.0, 1.0)
            } else {
                0.0
            }
        };
        let is_open = |(_, seconds): &&(String, f64)| share(*seconds) < 0.9995;
        let few = self.tracks.len() <= MOST_TRACKS;
        let shown = self.tracks.iter().filter(|track| few || is_open(track));
        let shown: Vec<&(String, f64)> = shown.take(MOST_TRACKS).collect();
        let widths = shown.iter().map(|(name, _)| measure_text_width(name));
        let width = widths.max().unwrap_or_default().clamp(5, room / 3 + 5);
        let name = |name: &str| {
            let name = truncate_str(name, width, "…");
            let padding = " ".repeat(width.saturating_sub(measure_text_width(&name)) + 1);
            format!("{name}{padding}")
        };
        let tracks = shown.iter().map(|(track, seconds)| {
            let times = [times(*seconds, duration)];
            lines::share(&name(track), share(*seconds), &times, room)
        });
        let total = lines::share(&name("total"), whole, parts, room);
        tracks.chain([total]).collect()
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
        match self.lines.room() {
            Some(_) => self.block.set(vec![line]),
            None if self.is_due(LOG_EVERY) => self.output.message(&line),
            None => {}
        }
    }

    /// ` 12.3 MB`, `1:05/10:00`, `  4.2 MB/s`, `0:20 left`, `2 retries`, as far as there is something to say.
    fn parts(
        &self,
        bytes: u64,
        media_time: f64,
        duration: f64,
        share: f64,
        start: f64,
    ) -> Vec<String> {
        let elapsed = self.started.elapsed().as_secs_f64();
        let mut parts = vec![format!("{:>8}", size(bytes)), times(media_time, duration)];
        if elapsed > 0.5 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "shown with one decimal"
            )]
            let speed = (bytes as f64 / elapsed) as u64;
            parts.push(format!("{:>10}", format!("{}/s", size(speed))));
            if share > start && share < 1.0 {
                let left = elapsed * (1.0 - share) / (share - start);
                parts.push(format!("{} left", time(left)));
            }
        }
        match self.retries {
            0 => {}
            1 => parts.push("1 retry".to_owned()),
            retries => parts.push(format!("{retries} retries")),
        }
        parts
    }

    fn is_due(&mut self, every: Duration) -> bool {
        let due = self.shown.is_none_or(|shown| shown.elapsed() >= every);
        if due {
            self.shown = Some(Instant::now());
        }
        due
    }

    fn say(&self, message: &str) {
        if !self.output.json {
            self.lines.say(self.output, message);
        }
    }

    fn json(&self, event: &DownloadEvent) -> Result<()> {
        match &self.asset {
            Some(asset) => output::json(&Of { asset, event }),
            None => output::json(event),
        }
    }
}

fn time(seconds: f64) -> String {
    clock(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// `1:05/10:00`
fn times(seconds: f64, duration: f64) -> String {
    let duration = time(duration);
    format!("{:>1$}/{duration}", time(seconds), duration.len())
}

/// An event of one of several downloads.
#[derive(Serialize)]
struct Of<'a> {
    asset: &'a str,
    #[serde(flatten)]
    event: &'a DownloadEvent,
}
