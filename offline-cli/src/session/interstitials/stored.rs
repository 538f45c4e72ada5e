//! What is stored of the interstitials of an asset.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use asset_store::{Asset, Store};
use cache_inspect::TrackKind;
use hls_parse::{AssetList, Multivariant};
use url::Url;

use super::network::read_list;
use super::references::{self, Reference};
use crate::Result;
use crate::session::presentation::{self, Presentation, StoredTrack};
use crate::session::{layout, resolve, tracks};

/// The interstitials that the stored playlists of the primary content name, each date range once.
pub(crate) fn references(main: &Presentation) -> Vec<Reference> {
    let mut seen = HashSet::new();
    let main = main.tracks.iter();
    main.filter(|track| track.kind == TrackKind::Main)
        .flat_map(|track| references::of_timeline(&track.timeline, |_| true))
        .filter(|reference| seen.insert((reference.range.clone(), reference.name.clone())))
        .collect()
}

/// A stored asset list with its address; `None` when it is not there.
pub(crate) fn list(store: &Store, asset: &Asset, name: &str) -> Result<Option<(Url, AssetList)>> {
    let Some(pinned) = presentation::pinned(store, asset, &references::list_path(name))? else {
        return Ok(None);
    };
    let list = read_list(&pinned)?;
    Ok(Some((pinned.url, list)))
}

/// The presentation that a stored interstitial is; `None` when none of its playlists is there.
///
/// Its tracks have names that say where in the asset they are. `silent` is [`Presentation::silent`].
pub(crate) fn presentation(
    store: &Store,
    asset: &Asset,
    name: &str,
    silent: bool,
) -> Result<Option<Presentation>> {
    let folder = references::folder(name);
    let path = format!("{folder}/{}", layout::MULTIVARIANT);
    let multivariant = presentation::multivariant_at(store, asset, &path)?;
    let variables = multivariant.as_ref().map(Multivariant::variables);
    let declared = match &multivariant {
        Some(multivariant) => tracks::declared(multivariant)
            .into_iter()
            .map(|track| (track.name, track.kind, Some(track.url), track.rendition))
            .collect(),
        None => vec![(layout::ONLY_TRACK.to_owned(), TrackKind::Main, None, None)],
    };
    let mut tracks = Vec::new();
    for (name, kind, url, rendition) in declared {
        let name = format!("{folder}/{name}");
        if let Some(pinned) = presentation::pinned(store, asset, &layout::playlist(&name))? {
            let context = presentation::context(&pinned, variables);
            let track = StoredTrack {
                name,
                kind,
                timeline: resolve::media(&pinned, &context)?,
                url,
                rendition,
                offset: std::time::Duration::ZERO,
                key_systems: Vec::new(),
            };
            tracks.push(track.with_key_systems(store, asset));
        }
    }
    Ok((!tracks.is_empty()).then(|| Presentation {
        asset: asset.clone(),
        multivariant,
        tracks,
        accepted_gaps: HashSet::new(),
        is_recorded: false,
        is_running: false,
        selected: Vec::new(),
        silent,
    }))
}

/// The names of all assets that the stored playlists and lists lead to, and of the lists.
pub(super) fn named(store: &Store, main: &Presentation) -> BTreeSet<String> {
    let mut named = BTreeSet::new();
    for reference in references(main) {
        if reference.is_list
            && let Ok(Some((url, list))) = self::list(store, &main.asset, &reference.name)
        {
            let assets = references::of_list(&reference.range, &url, &list);
            named.extend(assets.into_iter().map(|(_, asset)| asset.name));
        }
        named.insert(reference.name);
    }
    named
}

/// Bytes of the entries of each stored interstitial, by its name; those of lists are not counted.
pub(crate) fn bytes(asset: &Asset) -> BTreeMap<&str, u64> {
    let mut bytes = BTreeMap::new();
    for (path, entry) in asset.entries() {
        let inside = path
            .strip_prefix(references::FOLDER)
            .and_then(|path| path.strip_prefix('/'));
        if let Some((name, _)) = inside.and_then(|inside| inside.split_once('/')) {
            *bytes.entry(name).or_default() += entry.length;
        }
    }
    bytes
}
