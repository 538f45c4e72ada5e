//! A stored presentation: what the pinned playlists promise, held against the entries that are there.

use std::collections::HashSet;
use std::io::Read;
use std::ops::Range;
use std::time::Duration;

use asset_store::{Asset, AssetId, Entry, Store};
use bytes::Bytes;
use cache_inspect::TrackKind;
use hls_parse::{Context, Multivariant, Playlist, Timeline, Variables};
use url::Url;

use super::layout::{self, TrackLayout};
use super::record::{self, DownloadState, Metadata};
use super::resolve::{self, Received};
use super::{concealed, live, range, source, tracks};
use crate::{Error, ErrorKind, Result};

/// An asset with its playlists read.
#[derive(Debug)]
pub(crate) struct Presentation {
    pub(crate) asset: Asset,
    pub(crate) multivariant: Option<Multivariant>,
    pub(crate) tracks: Vec<StoredTrack>,
    /// Entries that were given up for good when the download allowed gaps.
    pub(crate) accepted_gaps: HashSet<String>,
    /// It is a recording, or began as one.
    pub(crate) is_recorded: bool,
    /// It is being downloaded or recorded.
    pub(crate) is_running: bool,
    /// The tracks of the last selection.
    pub(crate) selected: Vec<String>,
    /// Every download of the asset asked for no audio, so that variants count without theirs.
    pub(crate) silent: bool,
}

/// One Media Playlist of the presentation.
#[derive(Debug)]
pub(crate) struct StoredTrack {
    pub(crate) name: String,
    pub(crate) kind: TrackKind,
    /// What is to be there of it: all, or some segments that follow each other.
    pub(crate) timeline: Timeline,
    /// When they begin in the whole.
    pub(crate) offset: Duration,
    /// Its address in the Multivariant Playlist, if there is one.
    pub(crate) url: Option<Url>,
    /// The first rendition with this playlist, unless it is that of a variant.
    pub(crate) rendition: Option<usize>,
    /// The key systems of which a player needs a licence.
    pub(crate) key_systems: Vec<String>,
}

impl StoredTrack {
    /// Looks at what is stored of it for what its playlist does not tell.
    pub(crate) fn with_key_systems(self, store: &Store, asset: &Asset) -> Self {
        Self {
            key_systems: concealed::key_systems(store, asset, &self.layout()),
            ..self
        }
    }

    pub(crate) fn layout(&self) -> TrackLayout<'_> {
        TrackLayout {
            track: &self.name,
            timeline: &self.timeline,
            subtitles: self.kind == TrackKind::Subtitles,
        }
    }
}

impl Presentation {
    /// Reads what is stored of an asset. Tracks whose playlist was never pinned are not part of it.
    pub(crate) fn load(store: &Store, id: &AssetId) -> Result<Self> {
        let tails = live::tails(store, id)?;
        let state = record::state(store, id)?;
        let asset = store.asset(id)?;
        let multivariant = multivariant(store, &asset)?;
        let variables = multivariant.as_ref().map(Multivariant::variables);
        let declared = match &multivariant {
            Some(multivariant) => tracks::declared(multivariant)
                .into_iter()
                .map(|track| (track.name, track.kind, Some(track.url), track.rendition))
                .collect(),
            None => vec![(layout::ONLY_TRACK.to_owned(), TrackKind::Main, None, None)],
        };
        let metadata = record::metadata(store, id)?;
        let mut tracks = Vec::new();
        for (name, kind, url, rendition) in declared {
            if let Some(pinned) = pinned(store, &asset, &layout::playlist(&name))? {
                let pinned = match &tails {
                    Some(tails) => tails.complete(&name, pinned)?,
                    None => pinned,
                };
                let timeline = resolve::media(&pinned, &context(&pinned, variables))?;
                let expected = metadata
                    .as_ref()
                    .and_then(|known| known.expected.get(&name));
                let (timeline, offset) = match expected {
                    Some(numbers) => part(&timeline, numbers),
                    None => (timeline, Duration::ZERO),
                };
                let track = StoredTrack {
                    name,
                    kind,
                    timeline,
                    offset,
                    url,
                    rendition,
                    key_systems: Vec::new(),
                };
                tracks.push(track.with_key_systems(store, &asset));
            }
        }
        let is_running = state.state == DownloadState::Downloading;
        let accepted_gaps = state.gaps.into_iter().map(|gap| gap.path).collect();
        let silent = metadata.as_ref().is_some_and(Metadata::is_silent);
        let selected = metadata.map(|metadata| metadata.tracks);
        Ok(Self {
            asset,
            multivariant,
            tracks,
            accepted_gaps,
            is_recorded: tails.is_some(),
            is_running,
            selected: selected.unwrap_or_default(),
            silent,
        })
    }

    /// The entry at a path, when its bytes are there.
    pub(crate) fn entry(&self, store: &Store, path: &str) -> Option<&Entry> {
        self.asset
            .entries()
            .get(path)
            .filter(|entry| store.has_blob(&entry.digest, entry.length))
    }

    /// Whether the Multivariant Playlist says it of all its media.
    pub(crate) fn independent_segments(&self) -> bool {
        let multivariant = self.multivariant.as_ref();
        multivariant.is_some_and(|playlist| playlist.independent_segments)
    }

    /// The stored track with this address.
    pub(crate) fn track_of(&self, url: &Url) -> Option<usize> {
        self.tracks
            .iter()
            .position(|track| track.url.as_ref() == Some(url))
    }

    /// The stored track of a variant.
    pub(crate) fn variant_track(&self, variant: usize) -> Option<usize> {
        self.track_of(self.multivariant.as_ref()?.variants.get(variant)?.url())
    }
}

/// The segments with these numbers, and when they begin.
fn part(timeline: &Timeline, numbers: &Range<u64>) -> (Timeline, Duration) {
    let segments = range::indices(timeline, numbers);
    let first = timeline.segments().get(segments.start);
    let offset = first.map_or(Duration::ZERO, |first| first.start);
    (timeline.slice(segments), offset)
}

/// A pinned playlist with the address it came from, if it is stored.
pub(crate) fn pinned(store: &Store, asset: &Asset, path: &str) -> Result<Option<Received>> {
    let Some(entry) = asset.entries().get(path) else {
        return Ok(None);
    };
    let unreadable = |error: Error| {
        Error::new(
            ErrorKind::Storage,
            format!("the pinned playlist {path} cannot be read"),
        )
        .hint("remove the asset and download it again")
        .because(error)
    };
    let url = entry
        .source
        .as_ref()
        .and_then(|source| Url::parse(&source.url).ok())
        .ok_or_else(|| unreadable(Error::new(ErrorKind::Storage, "it has no address")))?;
    let mut bytes = Vec::new();
    let mut file = store
        .open_entry(entry)
        .map_err(|error| unreadable(error.into()))?;
    file.read_to_end(&mut bytes).map_err(|error| {
        unreadable(Error::new(ErrorKind::Storage, "read failed").because(error))
    })?;
    if asset_store::Digest::of(&bytes) != entry.digest {
        return Err(unreadable(Error::new(ErrorKind::Storage, "it is damaged")));
    }
    Ok(Some(Received {
        url,
        bytes: Bytes::from(bytes),
        content_type: None,
    }))
}

/// The pinned Multivariant Playlist, resolved.
pub(crate) fn multivariant(store: &Store, asset: &Asset) -> Result<Option<Multivariant>> {
    multivariant_at(store, asset, layout::MULTIVARIANT)
}

/// The same of a presentation inside the asset.
pub(crate) fn multivariant_at(
    store: &Store,
    asset: &Asset,
    path: &str,
) -> Result<Option<Multivariant>> {
    let Some(received) = pinned(store, asset, path)? else {
        return Ok(None);
    };
    let damaged = || {
        Error::new(
            ErrorKind::Storage,
            format!(
                "the pinned playlist of {} cannot be read",
                source::shown(&received.url)
            ),
        )
        .hint("remove the asset and download it again")
    };
    let parsed = hls_parse::parse(&received.bytes).map_err(|error| damaged().because(error))?;
    match parsed.playlist {
        Playlist::Multivariant(playlist) => playlist
            .resolve(&Context::new(received.url.clone()))
            .map(Some)
            .map_err(|error| damaged().because(error)),
        Playlist::Media(_) => Err(damaged()),
    }
}

/// A pinned Media Playlist, resolved with the variables of the pinned Multivariant Playlist.
pub(crate) fn timeline(store: &Store, asset: &Asset, pinned: &Received) -> Result<Timeline> {
    let multivariant = multivariant(store, asset)?;
    resolve::media(
        pinned,
        &context(pinned, multivariant.as_ref().map(Multivariant::variables)),
    )
}

/// Where a pinned playlist came from, with the variables of its Multivariant Playlist.
pub(crate) fn context(received: &Received, variables: Option<&Variables>) -> Context {
    let context = Context::new(received.url.clone());
    match variables {
        Some(variables) => context.with_imports(variables),
        None => context,
    }
}
