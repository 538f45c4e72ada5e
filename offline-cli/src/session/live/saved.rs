//! What lies beside a recording so that a later run can go on with it, or finish it.

use asset_store::{AssetId, Store};
use hls_parse::{Context, Timeline};
use segment_fetch::Reach;
use serde::{Deserialize, Serialize};
use url::Url;

use super::memory::Evidence;
use super::track::Track;
use crate::Result;
use crate::session::prepare::pin;
use crate::session::resolve::{self, Received, Resolved, ResolvedTrack};
use crate::session::{layout, presentation, record};

/// The document that makes an asset a recording.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Saved {
    /// Whether what it came from leads to public addresses only.
    pub(super) public_only: bool,
    pub(super) tracks: Vec<SavedTrack>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct SavedTrack {
    pub(super) name: String,
    pub(super) subtitles: bool,
    /// The address of the playlist.
    url: String,
    /// A playlist of what is settled and not pinned yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tail: Option<String>,
    /// See [`Evidence`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    evidence: Option<String>,
    #[serde(default)]
    discontinuity_number: u64,
    /// The Media Sequence Number of a segment of which the parts are recorded, which is not in the evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unfinished: Option<u64>,
}

impl SavedTrack {
    pub(super) fn of(track: &Track) -> Result<Self> {
        let text = |playlist: Received| String::from_utf8_lossy(&playlist.bytes).into_owned();
        let evidence = track.evidence()?;
        let tail = track.tail.as_ref();
        let tail = tail.map(|tail| tail.playlist(&track.url, track.ranges.unpinned()));
        Ok(Self {
            name: track.name.clone(),
            subtitles: track.subtitles,
            url: track.url.to_string(),
            tail: tail.transpose()?.map(text),
            discontinuity_number: evidence
                .as_ref()
                .map_or(0, |evidence| evidence.discontinuity_number),
            unfinished: track.unfinished,
            evidence: evidence.map(|evidence| text(evidence.playlist)),
        })
    }

    /// The track as it was, and what the stream is recognized by.
    pub(super) fn restore(&self, store: &Store, id: &AssetId) -> Result<Option<(Track, Timeline)>> {
        let pinned = presentation::pinned(store, &store.asset(id)?, &layout::playlist(&self.name))?;
        let url = match &pinned {
            Some(pinned) => Some(pinned.url.clone()),
            None => Url::parse(&self.url).ok(),
        };
        let Some((url, evidence)) = url.zip(self.evidence.as_ref()) else {
            return Ok(None);
        };
        let received = |text: &String| Received {
            url: url.clone(),
            bytes: text.clone().into(),
            content_type: None,
        };
        let evidence = Evidence {
            playlist: received(evidence),
            discontinuity_number: self.discontinuity_number,
        };
        let context = Context::new(url.clone());
        let seen = resolve::media(&evidence.playlist, &context)?;
        let tail = self.tail.as_ref().map(received);
        let read = |playlist: &Received| resolve::media(playlist, &context);
        let written = pinned.as_ref().map(read).transpose()?;
        let tail = tail.as_ref().map(read).transpose()?;
        let mut track = Track::new(self.name.clone(), self.subtitles, url);
        track.restore(written.as_ref(), tail.as_ref(), &seen, evidence);
        track.go_on_after(self.unfinished);
        Ok(Some((track, seen)))
    }
}

/// What is settled of a recording and not pinned yet, by track.
#[derive(Debug, Default)]
pub(in crate::session) struct Tails(Vec<SavedTrack>);

/// Empty tails are those of a recording too; `None` when the asset is none. To be read before the asset is: what is pinned meanwhile is in both.
pub(in crate::session) fn tails(store: &Store, id: &AssetId) -> Result<Option<Tails>> {
    Ok(load(store, id)?.map(|saved| Tails(saved.tracks)))
}

impl Tails {
    /// The pinned playlist of a track with what is settled since.
    pub(in crate::session) fn complete(&self, track: &str, pinned: Received) -> Result<Received> {
        let saved = self.0.iter().find(|saved| saved.name == track);
        let Some((saved, tail)) = saved.and_then(|saved| Some((saved, saved.tail.as_ref()?)))
        else {
            return Ok(pinned);
        };
        let tail = Received {
            url: pinned.url.clone(),
            bytes: tail.clone().into(),
            content_type: None,
        };
        let context = Context::new(pinned.url.clone());
        let mut restored = Track::new(saved.name.clone(), saved.subtitles, pinned.url.clone());
        for playlist in [&pinned, &tail] {
            restored.restore_all(&resolve::media(playlist, &context)?);
        }
        match restored.whole {
            Some(whole) => whole.playlist(&pinned.url, restored.ranges.tags()),
            None => Ok(pinned),
        }
    }
}

pub(super) fn load(store: &Store, id: &AssetId) -> Result<Option<Saved>> {
    record::recording(store, id)
}

pub(super) fn save(store: &Store, id: &AssetId, saved: &Saved) -> Result<()> {
    record::set_recording(store, id, saved)
}

/// Pins what a run that was cut off has settled and not pinned.
fn fold(store: &Store, id: &AssetId, saved: &mut Saved) -> Result<()> {
    if saved.tracks.iter().all(|track| track.tail.is_none()) {
        return Ok(());
    }
    let writer = store.writer(id)?;
    for track in &mut saved.tracks {
        if let Some((restored, _)) = track.restore(store, id)?
            && let Some(whole) = restored.whole
        {
            let playlist = whole.playlist(&restored.url, restored.ranges.tags())?;
            pin(&writer, &layout::playlist(&track.name), &playlist)?;
        }
        track.tail = None;
    }
    save(store, id, saved)
}

/// What a recording consists of: its own playlists, since those of its origin have moved on.
pub(in crate::session) fn recorded(store: &Store, id: &AssetId) -> Result<Option<Resolved>> {
    let Some(mut saved) = load(store, id)? else {
        return Ok(None);
    };
    fold(store, id, &mut saved)?;
    let asset = store.asset(id)?;
    let mut tracks = Vec::with_capacity(saved.tracks.len());
    for SavedTrack {
        name, subtitles, ..
    } in saved.tracks
    {
        if let Some(playlist) = presentation::pinned(store, &asset, &layout::playlist(&name))? {
            let timeline = resolve::media(&playlist, &Context::new(playlist.url.clone()))?;
            tracks.push(ResolvedTrack {
                name,
                subtitles,
                playlist,
                timeline,
            });
        }
    }
    Ok((!tracks.is_empty()).then_some(Resolved {
        multivariant: None,
        tracks,
        chosen: Vec::new(),
        notes: Vec::new(),
        reach: if saved.public_only {
            Reach::PublicOnly
        } else {
            Reach::Any
        },
    }))
}
