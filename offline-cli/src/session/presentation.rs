//! A stored presentation: what the pinned playlists promise, held against the entries that are there.

use std::collections::HashSet;
use std::io::Read;

use asset_store::{Asset, AssetId, Entry, Store};
use bytes::Bytes;
use cache_inspect::TrackKind;
use hls_parse::{Context, Multivariant, Playlist, RenditionKind, Timeline, Variables};
use url::Url;

use super::layout::{self, TrackLayout};
use super::resolve::{self, Received};
use super::{record, source};
use crate::{Error, ErrorKind, Result};

/// An asset with its playlists read.
#[derive(Debug)]
pub(crate) struct Presentation {
    pub(crate) asset: Asset,
    pub(crate) multivariant: Option<Multivariant>,
    pub(crate) tracks: Vec<StoredTrack>,
    /// Entries that were given up for good when the download allowed gaps.
    pub(crate) accepted_gaps: HashSet<String>,
}

/// One Media Playlist of the presentation.
#[derive(Debug)]
pub(crate) struct StoredTrack {
    pub(crate) name: String,
    pub(crate) kind: TrackKind,
    pub(crate) timeline: Timeline,
    /// The first rendition with this playlist, if it is one.
    pub(crate) rendition: Option<usize>,
}

impl StoredTrack {
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
        let asset = store.asset(id)?;
        let multivariant = multivariant(store, &asset)?;
        let variables = multivariant.as_ref().map(Multivariant::variables);
        let mut tracks = Vec::new();
        for (name, kind, rendition) in declared(multivariant.as_ref()) {
            if let Some(pinned) = pinned(store, &asset, &layout::playlist(&name))? {
                let timeline = resolve::media(&pinned, &context(&pinned, variables))?;
                tracks.push(StoredTrack {
                    name,
                    kind,
                    timeline,
                    rendition,
                });
            }
        }
        let accepted_gaps = record::state(store, id)?
            .gaps
            .into_iter()
            .map(|gap| gap.path)
            .collect();
        Ok(Self {
            asset,
            multivariant,
            tracks,
            accepted_gaps,
        })
    }

    /// The entry at a path, when its bytes are there.
    pub(crate) fn entry(&self, store: &Store, path: &str) -> Option<&Entry> {
        self.asset
            .entries()
            .get(path)
            .filter(|entry| store.has_blob(&entry.digest, entry.length))
    }

    /// Indices of the tracks that a variant plays, its own first.
    pub(crate) fn variant_track(&self, variant: usize) -> Option<usize> {
        let multivariant = self.multivariant.as_ref()?;
        let url = &multivariant.variants.get(variant)?.url;
        let first = multivariant
            .variants
            .iter()
            .position(|other| other.url == *url)?;
        let name = layout::variant_track(first);
        self.tracks.iter().position(|track| track.name == name)
    }
}

/// Every track a presentation may have, in the order of the playlist, each Media Playlist once.
fn declared(multivariant: Option<&Multivariant>) -> Vec<(String, TrackKind, Option<usize>)> {
    let Some(multivariant) = multivariant else {
        return vec![(layout::ONLY_TRACK.to_owned(), TrackKind::Main, None)];
    };
    let mut seen: HashSet<&Url> = HashSet::new();
    let mut declared = Vec::new();
    for (index, variant) in multivariant.variants.iter().enumerate() {
        if seen.insert(&variant.url) {
            declared.push((layout::variant_track(index), TrackKind::Main, None));
        }
    }
    for (index, rendition) in multivariant.renditions.iter().enumerate() {
        let kind = match rendition.kind {
            RenditionKind::Audio => TrackKind::Audio,
            RenditionKind::Video => TrackKind::Video,
            RenditionKind::Subtitles => TrackKind::Subtitles,
            _ => continue,
        };
        if rendition.url.as_ref().is_some_and(|url| seen.insert(url)) {
            declared.push((layout::rendition_track(index, rendition), kind, Some(index)));
        }
    }
    declared
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
    Ok(Some(Received {
        url,
        bytes: Bytes::from(bytes),
    }))
}

/// The pinned Multivariant Playlist, resolved.
fn multivariant(store: &Store, asset: &Asset) -> Result<Option<Multivariant>> {
    let Some(received) = pinned(store, asset, layout::MULTIVARIANT)? else {
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

fn context(received: &Received, variables: Option<&Variables>) -> Context {
    let context = Context::new(received.url.clone());
    match variables {
        Some(variables) => context.with_imports(variables),
        None => context,
    }
}
