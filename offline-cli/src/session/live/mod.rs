//! Recording: from a stream that goes on to a finished asset that plays like any other.
//!
//! Each track is a [state machine](track) that is told what its playlist lists and what has come; the
//! [recorder] looks at the playlists, fetches and stores, and from time to time pins what is settled as
//! a playlist that is finished at any moment.

mod clock;
mod fetching;
mod known;
mod looking;
mod memory;
mod opening;
mod parts;
mod pinning;
mod ranges;
mod recorder;
mod room;
mod row;
mod running;
mod saved;
mod settling;
#[cfg(test)]
mod simulation;
mod source;
mod start;
mod track;
#[cfg(test)]
mod week;
mod written;

use std::future::Future;
use std::pin::pin;
use std::sync::OnceLock;
use std::time::Duration;

use asset_store::{AssetId, AssetWriter};

use super::download::{Outcome, interrupted};
use super::record::{self, DownloadState, Metadata, StateRecord};
use super::redundancy::Detours;
use super::{
    DownloadEvent, DownloadRequest, Session, admission, artwork, companions, layout, prepare,
    queue, session_data, source as address,
};
use crate::{Error, ErrorKind, Result};
use recorder::Recorder;

pub(super) use saved::{recorded, tails};

/// How to record a live stream.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LiveOptions {
    /// How much media to record; by default all that comes.
    pub duration: Option<Duration>,
    /// Whether to begin with the oldest segment that is listed, not at the live edge.
    pub from_start: bool,
    /// How long a stream may bring nothing new, reachable or not, before its recording ends. At least three target durations; by default 10 minutes.
    pub patience: Duration,
    /// How many times faster than the real one the clock of the recording goes: for simulations; 1 by default.
    pub speed: u32,
}

impl Default for LiveOptions {
    fn default() -> Self {
        Self {
            duration: None,
            from_start: false,
            patience: Duration::from_secs(600),
            speed: 1,
        }
    }
}

/// Why a recording has ended. It plays in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// The stream ended.
    Stream,
    /// It has the duration that was asked for.
    Duration,
    /// Its playlist could not be read if it became longer.
    Full,
    /// It was stopped.
    Stopped,
    /// The playlist was answered, but brought nothing new for too long.
    Silent,
    /// The playlist could not be had for too long.
    Unreachable,
}

impl Ended {
    /// In words, after "the recording ended, since".
    pub fn reason(self) -> &'static str {
        match self {
            Self::Stream => "the stream ended",
            Self::Duration => "it has the duration that was asked for",
            Self::Full => "it is as long as a recording can be",
            Self::Stopped => "it was stopped",
            Self::Silent => "the stream has not gone on for long",
            Self::Unreachable => "the stream could not be reached for long",
        }
    }

    /// Whether it may be that the stream went on.
    pub fn is_doubtful(self) -> bool {
        matches!(self, Self::Full | Self::Silent | Self::Unreachable)
    }
}

/// A recording that has ended.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Recording {
    /// The asset, as after a download.
    pub outcome: Outcome,
    /// Why there is no more of it.
    pub ended: Ended,
}

impl Session {
    /// Records a live stream until it ends, until `live.duration` is there, or until `stop` is ready: then what is there is made a finished asset too.
    /// An earlier recording into the same asset is continued; what went by meanwhile is a gap. One that lists nothing yet is waited for.
    ///
    /// What is missing is listed in the outcome. A stream that has ended already is downloaded.
    ///
    /// # Errors
    /// The kinds of [`ErrorKind`]. Trouble with the stream is none after the first segment; trouble with the store is.
    pub async fn record(
        &self,
        mut request: DownloadRequest,
        live: LiveOptions,
        stop: impl Future<Output = ()>,
        mut observe: impl FnMut(DownloadEvent),
    ) -> Result<Recording> {
        if request.url.scheme() == "file" {
            return Err(Error::usage("the playlist in a file does not go on").hint(
                "record the address it came from, or download what it lists without --live",
            ));
        }
        let mut stop = pin!(stop);
        let id = match &request.id {
            Some(id) => id.clone(),
            None => address::asset_id(&request.url)?,
        };
        // Frames are found anew in what is recorded, as soon as anybody needs them.
        request.options.i_frames = false;
        let mut detours = Detours::default();
        let resolved = tokio::select! {
            biased;
            () = &mut stop => return Err(interrupted()),
            resolved = self.network.resolve_any(&request, segment_fetch::Reach::Any, &mut detours) => resolved?,
        };
        let mut tracks = resolved.tracks.iter();
        let is_live = tracks.any(|track| track.timeline.is_live());
        if !is_live && saved::load(&self.store, &id)?.is_none() {
            let outcome = self.download(request, stop, observe).await?;
            let ended = Ended::Stream;
            return Ok(Recording { outcome, ended });
        }
        let mut tracks = resolved.tracks.iter();
        tracks.try_for_each(|track| admission::check_open(track, false))?;
        let is_new = !self.store.asset_ids()?.contains(&id);
        let writer = self.store.writer(&id)?;
        let saved = saved::load(&self.store, &id)?;
        let asset = writer.asset();
        let is_download = |track: &str| asset.entry(&layout::playlist(track)).is_some();
        if saved.is_none() && resolved.tracks.iter().any(|track| is_download(&track.name)) {
            return Err(Error::usage(format!("asset {id} holds a download"))
                .hint("choose another --id, or remove that asset first"));
        }
        drop(asset);
        let before = record::metadata(&self.store, &id)?;
        if before.is_none() {
            super::clock::note_beginning(&self.store, &id)?;
        }
        let mut metadata = Metadata::of(&request, &id, before)?;
        let wish = OnceLock::new();
        let mut stop = pin!(queue::steered(&self.store, &id, &mut stop, &wish)?);
        if let Some((received, multivariant)) = &resolved.multivariant {
            prepare::pin_multivariant(&self.store, &writer, received, multivariant)?;
            metadata.entitle(&request, session_data::title(multivariant));
        }
        artwork::put(&writer, request.artwork.as_ref())?;
        let multivariant = resolved.multivariant.as_ref();
        let multivariant = multivariant.map(|(received, parsed)| (received, &**parsed));
        let companions = companions::wanted(&metadata, multivariant, resolved.reach, &writer);
        let mut recorder = Recorder::new(self, &id, &request.url, live, metadata, resolved, saved)?;
        observe(recorder.started());
        let media = recorder.run(&writer, &mut stop, &mut observe);
        let companions = self.network.accompany(&companions, &writer);
        let (ended, notes) = companions::beside(media, companions).await;
        for note in notes {
            observe(DownloadEvent::Note { note });
        }
        recorder.finish();
        let saved = recorder.save(&writer, true);
        let ended = match wish.get() {
            Some(wish) => ended.and(Err(wish.error(&id))),
            None => ended,
        };
        let ended = match (ended, saved) {
            (Ok(ended), Ok(())) if recorder.has_anything() => ended,
            (Ok(ended), Ok(())) => return Err(self.came_to_nothing(&id, is_new, writer, ended)),
            (Err(error), _) | (Ok(_), Err(error)) => {
                let totals = recorder.totals();
                let kept = is_new.then_some(writer);
                return Err(self.ended_badly(&id, kept, totals, error, &mut observe));
            }
        };
        let outcome = recorder.seal(&writer, ended)?;
        observe(DownloadEvent::Completed {
            id: id.to_string(),
            bytes: outcome.bytes,
            bytes_received: outcome.bytes_received,
            gaps: outcome.gaps.iter().map(|gap| gap.url.clone()).collect(),
        });
        Ok(Recording { outcome, ended })
    }

    /// Nothing of it is worth listing.
    fn came_to_nothing(
        &self,
        id: &AssetId,
        is_new: bool,
        writer: AssetWriter,
        ended: Ended,
    ) -> Error {
        drop(writer);
        let left = if is_new {
            self.store.remove(id).map(drop).map_err(Error::from)
        } else {
            let paused = StateRecord::new(DownloadState::Paused, 0);
            record::set_state(&self.store, id, &paused)
        };
        if let Err(error) = left {
            return error;
        }
        match ended {
            Ended::Stopped => Error::new(ErrorKind::Interrupted, "nothing was recorded yet"),
            ended => Error::new(
                ErrorKind::Network,
                format!("nothing was recorded: {}", ended.reason()),
            ),
        }
    }
}
