//! Before the first segment: playlists pinned, and what is missing worked out.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use asset_store::{AssetId, AssetWriter, Digest, EntryAttributes, Store};
use hls_parse::Multivariant;
use url::Url;

use super::companions::{self, Companion};
use super::download::Gap;
use super::drift::{self, Addresses, Agreement, Drift};
use super::event::seconds;
use super::plan::{Plan, PlannedResource, PlannedTrack};
use super::range::{self, Expected};
use super::record::{self, DownloadState, Metadata, StateRecord};
use super::resolve::{Received, Resolved, ResolvedTrack};
use super::{
    Chosen, DownloadEvent, DownloadRequest, Session, artwork, clock, layout, presentation, reuse,
    session_data, source, space,
};
use crate::{Error, ErrorKind, Result};

/// A download whose playlists are pinned.
pub(super) struct Prepared {
    pub(super) id: AssetId,
    pub(super) metadata: Metadata,
    /// What is to be there of its tracks when it has ended.
    pub(super) expected: Expected,
    pub(super) duration: Duration,
    /// What is to be fetched beside the media.
    pub(super) companions: Vec<Companion>,
    pub(super) chosen: Vec<Chosen>,
    pub(super) notes: Vec<String>,
    pub(super) plan: Plan,
    /// Numbers of the resources in the plan that are not stored.
    pub(super) pending: Vec<usize>,
    /// Bytes that they have at least.
    pub(super) expected_bytes: u64,
    /// Stored resources, each with a further path that lacks its entry.
    pub(super) links: VecDeque<Link>,
    /// Holes that an earlier download accepted and that are still there.
    pub(super) accepted_gaps: Vec<Gap>,
    pub(super) reach: segment_fetch::Reach,
    pub(super) allow_gaps: bool,
}

impl Prepared {
    pub(super) fn resolved_event(&self) -> DownloadEvent {
        DownloadEvent::Resolved {
            id: self.id.to_string(),
            title: self.metadata.title.clone(),
            duration: self.metadata.duration,
            tracks: self.metadata.tracks.clone(),
            chosen: self.chosen.clone(),
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
    pub(super) async fn prepare(
        &self,
        request: &DownloadRequest,
        id: &AssetId,
        mut resolved: Resolved,
        writer: &AssetWriter,
    ) -> Result<Prepared> {
        let before = record::metadata(&self.store, id)?;
        if before.is_none() {
            clock::note_beginning(&self.store, id)?;
        }
        let mut metadata = Metadata::of(request, id, before)?;
        let known = reuse::known_elsewhere(&self.store, writer, &resolved.tracks)?;
        check_kind(writer, &resolved)?;
        if let Some((received, multivariant)) = &resolved.multivariant {
            pin_multivariant(&self.store, writer, received, multivariant)?;
            metadata.entitle(request, session_data::title(multivariant));
        }
        artwork::put(writer, request.artwork.as_ref())?;
        let multivariant = resolved.multivariant.as_ref();
        let multivariant = multivariant.map(|(received, parsed)| (received, &**parsed));
        let companions = companions::wanted(&metadata, multivariant, resolved.reach, writer);
        let mut longer = Vec::new();
        let mut tracks = Vec::with_capacity(resolved.tracks.len());
        let mut new = Vec::with_capacity(resolved.tracks.len());
        for track in resolved.tracks {
            new.push(!has_media(writer, &track.name));
            let (track, agreement) = pin_track(&self.store, writer, track)?;
            if agreement.addresses == Addresses::Moved {
                self.prove(&track, writer, resolved.reach).await?;
            }
            if agreement.appended > 0 {
                longer.push(format!(
                    "the playlist of {} has {} more segments now; they are no part of this download",
                    track.name, agreement.appended
                ));
            }
            tracks.push(track);
        }
        let drift = (!longer.is_empty()).then(|| longer.join(", "));
        record::set_compared(&self.store, id, drift)?;
        resolved.notes.extend(longer);
        let expected = range::cut(request.range, &mut tracks, &new, &mut metadata)?;
        let duration = tracks
            .iter()
            .map(|track| track.fresh.duration())
            .max()
            .unwrap_or_default();
        let plan = Plan::new(tracks);
        metadata.duration = seconds(duration);
        metadata.resources = u64::try_from(plan.len()).unwrap_or(u64::MAX);
        let names = plan.tracks().iter().map(|track| track.name.clone());
        metadata.tracks = names.collect();
        let (mut pending, mut links) = pending(writer, &plan);
        reuse::reuse(&self.store, &plan, &known, &mut pending, &mut links)?;
        let multivariant = multivariant.map(|(_, multivariant)| multivariant);
        let expected_bytes = space::expected(&plan, &pending, multivariant);
        record::set_metadata(&self.store, id, &metadata)?;
        let stored = metadata
            .resources
            .saturating_sub(u64::try_from(pending.len()).unwrap_or(u64::MAX));
        // Holes that were accepted once stay accepted until they are filled.
        let mut state = record::state(&self.store, id)?;
        state.gaps.retain(|gap| !writer.contains(&gap.path));
        let accepted_gaps = state.gaps;
        let mut state = StateRecord::new(DownloadState::Downloading, stored);
        state.gaps.clone_from(&accepted_gaps);
        record::set_state(&self.store, id, &state)?;
        Ok(Prepared {
            id: id.clone(),
            metadata,
            expected,
            duration,
            companions,
            chosen: resolved.chosen,
            notes: resolved.notes,
            plan,
            pending,
            expected_bytes,
            links,
            accepted_gaps,
            reach: resolved.reach,
            allow_gaps: request.allow_gaps,
        })
    }
}

/// Whether more is stored of a track than its playlist.
fn has_media(writer: &AssetWriter, track: &str) -> bool {
    let asset = writer.asset();
    let (playlist, folder) = (layout::playlist(track), format!("{track}/"));
    let mut entries = asset.entries().range(folder.clone()..);
    entries
        .by_ref()
        .take_while(|(path, _)| path.starts_with(&folder))
        .any(|(path, _)| *path != playlist)
}

/// Stores a playlist and keeps it for good.
pub(super) fn pin(writer: &AssetWriter, path: &str, playlist: &Received) -> Result<()> {
    pin_pieces(writer, path, &playlist.url, [playlist.bytes.as_ref()])
}

/// [`pin`], of a playlist that is in several places in memory.
pub(super) fn pin_pieces<'b>(
    writer: &AssetWriter,
    path: &str,
    url: &Url,
    pieces: impl IntoIterator<Item = &'b [u8]>,
) -> Result<()> {
    let attributes =
        EntryAttributes::new(layout::role::PLAYLIST).with_source(asset_store::Source {
            identity: source::identity(url),
            // Whole: relative addresses and query variables resolve against it.
            url: url.to_string(),
            ..asset_store::Source::default()
        });
    writer.put_pieces(path, pieces, attributes)?;
    Ok(())
}

/// The pinned playlist at a path, when it has to be compared with the one the server has now.
///
/// A playlist that was never pinned is pinned; one whose bytes are damaged is pinned again if the
/// server still has the same.
fn compared(
    store: &Store,
    writer: &AssetWriter,
    path: &str,
    fresh: &Received,
) -> Result<Option<Received>> {
    let asset = writer.asset();
    let Some(entry) = asset.entries().get(path) else {
        pin(writer, path, fresh)?;
        return Ok(None);
    };
    let place = entry.source.as_ref().map(|source| source.identity.as_str());
    // The same text somewhere else names other files.
    let is_same = Digest::of(&fresh.bytes) == entry.digest
        && place == Some(source::identity(&fresh.url).as_str());
    match presentation::pinned(store, &asset, path) {
        Ok(_) if is_same => Ok(None),
        Err(_) if is_same => {
            pin(writer, path, fresh)?;
            Ok(None)
        }
        pinned => pinned,
    }
}

fn changed(what: &str, drift: &Drift) -> Error {
    Error::new(
        ErrorKind::Changed,
        format!("{what} has changed at the server since this download began: {drift}"),
    )
    .hint("keep what there is, or remove the asset and download it again; --id keeps both")
}

pub(super) fn pin_multivariant(
    store: &Store,
    writer: &AssetWriter,
    received: &Received,
    fresh: &Multivariant,
) -> Result<()> {
    if compared(store, writer, layout::MULTIVARIANT, received)?.is_some()
        && let Some(pinned) = presentation::multivariant(store, &writer.asset())?
    {
        drift::compare_presentations(&pinned, fresh)
            .map_err(|drift| changed("the Multivariant Playlist", &drift))?;
    }
    Ok(())
}

/// Refuses a Media Playlist where there was a Multivariant Playlist before, and the other way round.
fn check_kind(writer: &AssetWriter, resolved: &Resolved) -> Result<()> {
    let (other, what) = match &resolved.multivariant {
        Some(_) => (layout::playlist(layout::ONLY_TRACK), "Media Playlist"),
        None => (layout::MULTIVARIANT.to_owned(), "Multivariant Playlist"),
    };
    if writer.contains(&other) {
        return Err(Error::new(
            ErrorKind::Changed,
            format!("this asset came from a {what}, and the address is not that of one"),
        )
        .hint("take the address that the player uses, or another --id"));
    }
    Ok(())
}

/// Pins the playlist of a track, or makes sure that the pinned one still describes what the server has.
fn pin_track(
    store: &Store,
    writer: &AssetWriter,
    track: ResolvedTrack,
) -> Result<(PlannedTrack, Agreement)> {
    let path = layout::playlist(&track.name);
    let fresh = Arc::new(track.timeline);
    let mut agreement = Agreement {
        addresses: Addresses::Same,
        appended: 0,
    };
    let (pinned, fresh) = match compared(store, writer, &path, &track.playlist)? {
        Some(pinned) => {
            let pinned = presentation::timeline(store, &writer.asset(), &pinned)?;
            agreement = drift::compare(&pinned, &fresh)
                .map_err(|drift| changed(&format!("the playlist of {}", track.name), &drift))?;
            let fresh = match agreement.appended {
                0 => fresh,
                _ => Arc::new(fresh.slice(0..pinned.segments().len())),
            };
            (Arc::new(pinned), fresh)
        }
        None => (Arc::clone(&fresh), fresh),
    };
    let planned = PlannedTrack {
        name: track.name,
        subtitles: track.subtitles,
        pinned,
        fresh,
        offset: Duration::ZERO,
    };
    Ok((planned, agreement))
}

/// A path of a resource whose bytes are stored already.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) resource: usize,
    pub(super) path: String,
    pub(super) digest: Digest,
    pub(super) length: u64,
}

/// Indices of the resources that are stored under none of their paths, and the links that those stored under one lack.
pub(super) fn pending(writer: &AssetWriter, plan: &Plan) -> (Vec<usize>, VecDeque<Link>) {
    let mut pending = Vec::new();
    let mut links = VecDeque::new();
    let asset = writer.asset();
    for index in 0..plan.len() {
        let stored = plan.paths(index).find(|path| writer.contains(path));
        let Some(entry) = stored.and_then(|path| asset.entries().get(&path)) else {
            pending.push(index);
            continue;
        };
        for path in plan.paths(index).filter(|path| !writer.contains(path)) {
            links.push_back(Link {
                resource: index,
                path,
                digest: entry.digest,
                length: entry.length,
            });
        }
    }
    (pending, links)
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
