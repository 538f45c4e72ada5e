//! The progress of a download: a line for each track and one for all on a terminal, a line now and then in a log, one event a line as JSON.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde::Serialize;

use super::lines::{Block, Lines};
use super::output::{self, Output};
use super::text::{clock, printable};
use super::view::View;
use crate::session::DownloadEvent;
use crate::{Error, Result};

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
    view: Arc<Mutex<View>>,
    shown: Option<Instant>,
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
        let now = Instant::now();
        let view = Arc::new(Mutex::new(View::new(asset.clone(), now)));
        Self {
            output,
            asset,
            lines: lines.clone(),
            block: lines.block(),
            view,
            shown: Some(now),
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
            self.tell(event);
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
                self.view().resolved(tracks, Instant::now());
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
                tracks,
                ..
            } => {
                let now = Instant::now();
                self.view()
                    .advance(now, *bytes, *media_time, *duration, tracks);
                self.draw();
            }
            DownloadEvent::Loaded { track, ranges } => {
                let seconds = ranges.iter().map(|(start, end)| end - start).sum();
                self.view().loaded(track, seconds);
            }
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
            } => {
                let now = Instant::now();
                self.view()
                    .record(now, *bytes, *media_time, *duration, *gaps);
                self.draw();
            }
            DownloadEvent::Waiting { url, error } => {
                tracing::info!(%url, %error, "waiting for the stream");
            }
            DownloadEvent::Retrying { url, error, after } => {
                self.view().retries += 1;
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

    fn tell(&mut self, event: &DownloadEvent) {
        let is_progress = matches!(
            event,
            DownloadEvent::Progress { .. } | DownloadEvent::Recording { .. }
        );
        if (!is_progress || self.is_due(JSON_EVERY))
            && let Err(error) = self.json(event)
        {
            self.failed.get_or_insert(error);
        }
    }

    fn note(&self, notes: &[String]) {
        for note in notes {
            self.say(&format!("note: {}", printable(note)));
        }
    }

    fn view(&self) -> MutexGuard<'_, View> {
        self.view.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows how far it is: at once on a terminal, now and then in a log.
    fn draw(&mut self) {
        if self.lines.are_shown() {
            let view = Arc::clone(&self.view);
            self.block.show(move |now, room| {
                let mut view = view.lock().unwrap_or_else(PoisonError::into_inner);
                view.lines(now, room)
            });
        } else if self.is_due(LOG_EVERY) {
            let line = self.view().logged(Instant::now());
            self.output.message(&line);
        }
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
            self.output.message(message);
        }
    }

    fn json(&self, event: &DownloadEvent) -> Result<()> {
        match &self.asset {
            Some(asset) => output::json(&Of { asset, event }),
            None => output::json(event),
        }
    }
}

/// An event of one of several downloads.
#[derive(Serialize)]
struct Of<'a> {
    asset: &'a str,
    #[serde(flatten)]
    event: &'a DownloadEvent,
}
