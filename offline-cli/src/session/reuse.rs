//! Bytes that are not fetched, because another asset of the store has them.

use std::collections::{HashSet, VecDeque};

use asset_store::{AssetWriter, Digest, Store};
use hls_parse::ResourceKind;

use super::plan::Plan;
use super::prepare::Link;
use super::resolve::ResolvedTrack;
use super::{layout, source};
use crate::Result;

/// The tracks that are new to this asset and whose playlist another asset has, byte for byte.
///
/// Two playlists that are the same mean the same segments. An address alone means little: some servers give out one
/// film after the other under the same names. To be asked before the playlists are pinned, which makes them known.
pub(super) fn known_elsewhere(
    store: &Store,
    writer: &AssetWriter,
    tracks: &[ResolvedTrack],
) -> Result<HashSet<String>> {
    let mut known = HashSet::new();
    for track in tracks {
        let is_new = !writer.contains(&layout::playlist(&track.name));
        if is_new
            && let Some((digest, _)) = store.find_source(&source::identity(&track.playlist.url))?
            && digest == Digest::of(&track.playlist.bytes)
        {
            known.insert(track.name.clone());
        }
    }
    Ok(known)
}

/// Takes out of `pending` what another asset has, and adds the links that store it. Keys are fetched always.
pub(super) fn reuse(
    store: &Store,
    plan: &Plan,
    known: &HashSet<String>,
    pending: &mut Vec<usize>,
    links: &mut VecDeque<Link>,
) -> Result<()> {
    if known.is_empty() {
        return Ok(());
    }
    let mut left = Vec::with_capacity(pending.len());
    for index in pending.drain(..) {
        let is_candidate = plan.need(index).is_some_and(|(track, kind)| {
            known.contains(&track.name) && !matches!(kind, ResourceKind::Key(_))
        });
        let resource = plan.get(index).filter(|_| is_candidate);
        let found = match resource {
            Some(resource) => match resource.range {
                Some(range) => store.find_source_range(&resource.identity, range)?,
                None => store.find_source(&resource.identity)?,
            },
            None => None,
        };
        let Some((digest, length)) = found else {
            left.push(index);
            continue;
        };
        links.extend(plan.paths(index).map(|path| Link {
            resource: index,
            path,
            digest,
            length,
        }));
    }
    *pending = left;
    Ok(())
}
