//! What is written down of a recording, while it goes on and at its end.

use asset_store::AssetWriter;
use segment_fetch::Reach;

use super::Ended;
use super::recorder::Recorder;
use super::saved::{self, Saved, SavedTrack};
use super::track::Track;
use crate::Result;
use crate::session::download::{Gap, Outcome};
use crate::session::event::seconds;
use crate::session::prepare::pin_pieces;
use crate::session::record::{self, DownloadState, StateRecord};
use crate::session::run::Totals;
use crate::session::{DownloadEvent, layout};

/// A playlist is pinned anew when it has grown by this share, so that what is written stays in proportion to it; what it has grown since is saved beside it.
const GROWTH: u64 = 16;

impl Recorder<'_> {
    /// Whether every track has something.
    pub(super) fn has_media(&self) -> bool {
        !self.tracks.is_empty() && self.tracks.iter().all(|track| track.stored > 0)
    }

    /// Whether there is anything worth keeping.
    pub(super) fn has_anything(&self) -> bool {
        self.tracks.iter().any(|track| track.stored > 0)
    }

    /// Writes down what is settled; at the end, all of it as playlists.
    pub(super) fn save(&mut self, writer: &AssetWriter, is_last: bool) -> Result<()> {
        if self.saved.is_none() {
            // Nobody who sees a playlist takes it for a finished one.
            self.save_beside()?;
        }
        self.saved = Some(self.clock.now());
        for track in &mut self.tracks {
            let (Some(whole), Some(tail)) = (&track.whole, &track.tail) else {
                continue;
            };
            if is_last || tail.len.saturating_mul(GROWTH) >= whole.len {
                let pieces = whole.pieces(&track.url, track.ranges.tags())?;
                let pieces = pieces.iter().map(|piece| piece.as_bytes());
                let path = layout::playlist(&track.name);
                pin_pieces(writer, &path, &track.url, pieces)?;
                track.tail = None;
                track.ranges.pinned();
            }
        }
        self.save_beside()?;
        // Last, since it is listed from here on.
        self.metadata.duration = self.media_time();
        self.metadata.resources = self.resources();
        record::set_metadata(&self.session.store, &self.id, &self.metadata)
    }

    /// Writes down what is beside the playlists.
    fn save_beside(&self) -> Result<()> {
        let store = &self.session.store;
        let tracks = self.tracks.iter().map(SavedTrack::of);
        let tracks = tracks.chain(self.others.iter().cloned().map(Ok));
        let saved = Saved {
            public_only: self.reach == Reach::PublicOnly,
            tracks: tracks.collect::<Result<_>>()?,
        };
        saved::save(store, &self.id, &saved)?;
        let mut state = StateRecord::new(DownloadState::Downloading, self.resources());
        state.gaps = self.all_gaps();
        record::set_state(store, &self.id, &state)
    }

    /// Ends all tracks with what they have.
    pub(super) fn finish(&mut self) {
        for track in &mut self.tracks {
            track.finish();
        }
    }

    /// Makes what is saved a finished asset.
    pub(super) fn seal(mut self, writer: &AssetWriter, ended: Ended) -> Result<Outcome> {
        for track in &mut self.tracks {
            // It is pinned, and long; sealing takes memory too.
            track.whole = None;
        }
        let asset = writer.seal()?;
        let mut state = StateRecord::new(DownloadState::Completed, self.resources());
        state.gaps = self.all_gaps();
        state.reason = ended.is_doubtful().then(|| ended.reason().to_owned());
        record::set_state(&self.session.store, &self.id, &state)?;
        Ok(Outcome {
            id: self.id,
            title: self.metadata.title,
            bytes: asset.logical_bytes(),
            bytes_received: self.bytes,
            gaps: state.gaps,
            left_out: Vec::new(),
        })
    }

    /// What it has come to, when it breaks off.
    pub(super) fn totals(&self) -> Totals {
        Totals {
            bytes: self.bytes,
            stored: self.resources(),
            // Those that are saved are known.
            gaps: Vec::new(),
            ..Totals::default()
        }
    }

    pub(super) fn progress(&self) -> DownloadEvent {
        DownloadEvent::Recording {
            bytes: self.bytes,
            media_time: self.media_time(),
            duration: self.live.duration.map(seconds),
            gaps: self.tracks.iter().map(|track| track.gaps.len()).sum(),
        }
    }

    pub(super) fn started(&self) -> DownloadEvent {
        DownloadEvent::RecordingStarted {
            id: self.id.to_string(),
            title: self.metadata.title.clone(),
            tracks: self.metadata.tracks.clone(),
            notes: self.notes.clone(),
        }
    }

    fn all_gaps(&self) -> Vec<Gap> {
        let now = self.tracks.iter().flat_map(|track| &track.gaps);
        self.gaps_before.iter().chain(now).cloned().collect()
    }

    fn resources(&self) -> u64 {
        let tracks = self.tracks.iter().map(Track::resources);
        tracks.fold(0, u64::saturating_add)
    }

    fn media_time(&self) -> f64 {
        let tracks = self.tracks.iter().filter_map(|track| track.whole.as_ref());
        seconds(tracks.map(|whole| whole.duration).max().unwrap_or_default())
    }
}
