//! Before the first segment: playlists pinned, and what is missing worked out.

use std::time::Duration;

use asset_store::{AssetId, AssetWriter, EntryAttributes, Store};

use super::event::seconds;
use super::plan::{self, PlannedResource, PlannedTrack};
use super::record::{self, DownloadState, Metadata, StateRecord, StoredSelection};
use super::resolve::{Received, Resolved, ResolvedTrack};
use super::{DownloadEvent, DownloadRequest, Session, layout, source};
use crate::{Error, ErrorKind, Result};

/// A download whose playlists are pinned.
pub(super) struct Prepared {
    pub(super) id: AssetId,
    pub(super) metadata: Metadata,
    pub(super) duration: Duration,
    pub(super) track_names: Vec<String>,
    pub(super) notes: Vec<String>,
    pub(super) resources: Vec<PlannedResource>,
    pub(super) pending: Vec<usize>,
    pub(super) reach: segment_fetch::Reach,
    pub(super) allow_gaps: bool,
}

impl Prepared {
    pub(super) fn resolved_event(&self) -> DownloadEvent {
        DownloadEvent::Resolved {
            id: self.id.to_string(),
            title: self.metadata.title.clone(),
            duration: self.metadata.duration,
            tracks: self.track_names.clone(),
            resources: self.metadata.resources,
            resources_stored: self
                .metadata
                .resources
                .saturating_sub(u64::try_from(self.pending.len()).unwrap_or(u64::MAX)),
            notes: self.notes.clone(),
        }
    }
}

impl Session {
    /// Pins the playlists and works out what is missing.
    pub(super) fn prepare(
        &self,
        request: &DownloadRequest,
        id: &AssetId,
        resolved: Resolved,
        writer: &AssetWriter,
    ) -> Result<Prepared> {
        let before = record::metadata(&self.store, id)?;
        if let Some(before) = &before {
            let same = url::Url::parse(&before.url)
                .is_ok_and(|url| source::identity(&url) == source::identity(&request.url));
            if !same {
                return Err(Error::usage(format!("asset {id} holds another address"))
                    .hint("choose another --id, or remove that asset first"));
            }
        }
        if let Some(multivariant) = &resolved.multivariant {
            pin_once(writer, layout::MULTIVARIANT, multivariant)?;
        }
        let mut tracks = Vec::with_capacity(resolved.tracks.len());
        for track in resolved.tracks {
            tracks.push(pin_track(&self.store, writer, track)?);
        }
        let resources = plan::resources(&tracks);
        let duration = tracks
            .iter()
            .map(|track| track.fresh.duration())
            .max()
            .unwrap_or_default();
        let metadata = Metadata {
            title: request
                .title
                .clone()
                .or_else(|| before.as_ref().map(|before| before.title.clone()))
                .unwrap_or_else(|| source::title(&request.url)),
            url: request.url.to_string(),
            created: before
                .as_ref()
                .map_or_else(record::unix_now, |before| before.created),
            duration: seconds(duration),
            resources: u64::try_from(resources.len()).unwrap_or(u64::MAX),
            selection: StoredSelection::from(&request.selection),
            treat_as_vod: request.treat_as_vod,
        };
        let pending = pending(writer, &resources)?;
        record::set_metadata(&self.store, id, &metadata)?;
        let stored = metadata
            .resources
            .saturating_sub(u64::try_from(pending.len()).unwrap_or(u64::MAX));
        record::set_state(
            &self.store,
            id,
            &StateRecord::new(DownloadState::Downloading, stored),
        )?;
        Ok(Prepared {
            id: id.clone(),
            metadata,
            duration,
            track_names: tracks.iter().map(|track| track.name.clone()).collect(),
            notes: resolved.notes,
            resources,
            pending,
            reach: resolved.reach,
            allow_gaps: request.allow_gaps,
        })
    }
}

/// Stores a playlist the first time it is seen and keeps it for good.
fn pin_once(writer: &AssetWriter, path: &str, playlist: &Received) -> Result<()> {
    if !writer.contains(path) {
        let attributes =
            EntryAttributes::new(layout::role::PLAYLIST).with_source(asset_store::Source {
                identity: source::identity(&playlist.url),
                // Whole: relative addresses and query variables resolve against it.
                url: playlist.url.to_string(),
                ..asset_store::Source::default()
            });
        writer.put(path, &playlist.bytes, attributes)?;
    }
    Ok(())
}

/// Pins the playlist of a track, or makes sure that the pinned one still describes what the server has.
fn pin_track(store: &Store, writer: &AssetWriter, track: ResolvedTrack) -> Result<PlannedTrack> {
    let path = layout::playlist(&track.name);
    let pinned = match super::presentation::pinned(store, &writer.asset(), &path)? {
        Some(pinned) if pinned.bytes != track.playlist.bytes => {
            let timeline = super::presentation::timeline(store, &writer.asset(), &pinned)?;
            if !plan::same_media(&timeline, &track.timeline) {
                return Err(Error::new(
                    ErrorKind::Changed,
                    format!("the playlist of {} has changed at the server since this download began", track.name),
                )
                .hint("keep what there is, or remove the asset and download it again; --id keeps both"));
            }
            timeline
        }
        Some(_) => track.timeline.clone(),
        None => {
            pin_once(writer, &path, &track.playlist)?;
            track.timeline.clone()
        }
    };
    Ok(PlannedTrack {
        name: track.name,
        subtitles: track.subtitles,
        pinned,
        fresh: track.timeline,
    })
}

/// Indices of the resources that are not stored under all their paths; those stored under one are linked to the rest.
fn pending(writer: &AssetWriter, resources: &[PlannedResource]) -> Result<Vec<usize>> {
    let mut pending = Vec::new();
    let asset = writer.asset();
    for (index, resource) in resources.iter().enumerate() {
        let Some(stored) = resource.paths.iter().find(|path| writer.contains(path)) else {
            pending.push(index);
            continue;
        };
        if let Some(entry) = asset.entries().get(stored) {
            for path in resource.paths.iter().filter(|path| !writer.contains(path)) {
                writer.link(path, &entry.digest, entry.length, attributes(resource))?;
            }
        }
    }
    Ok(pending)
}

pub(super) fn attributes(resource: &PlannedResource) -> EntryAttributes {
    let origin = asset_store::Source {
        identity: resource.identity.clone(),
        url: source::shown(&resource.url),
        range: resource.range.clone(),
        validator: None,
    };
    EntryAttributes::new(resource.role).with_source(origin)
}
