//! What of an asset can go while it stays playable: audio in other languages than the main one.

use asset_store::{AssetId, GcOptions, Store};
use cache_inspect::TrackKind;
use hls_parse::{Multivariant, Rendition};

use super::tracks::{self, Declared};
use super::{layout, presentation, record};
use crate::Result;

/// The names of the auxiliary audio tracks that are stored.
///
/// The main language is that of the rendition with DEFAULT=YES, or of the first one that is stored. Where a group
/// has no rendition in it, all of the group stay.
pub(crate) fn tracks(store: &Store, asset: &asset_store::Asset) -> Result<Vec<String>> {
    let Some(multivariant) = presentation::multivariant(store, asset)? else {
        return Ok(Vec::new());
    };
    let is_stored = |track: &Declared| {
        let path = layout::playlist(&track.name);
        track.kind == TrackKind::Audio && asset.entries().contains_key(&path)
    };
    let mut stored = tracks::declared(&multivariant);
    stored.retain(is_stored);
    Ok(auxiliary(&multivariant, &stored))
}

fn auxiliary(multivariant: &Multivariant, stored: &[Declared]) -> Vec<String> {
    // One playlist may be the rendition of several groups.
    let renditions = |track: &Declared| -> Vec<&Rendition> {
        let all = multivariant.renditions.iter();
        all.filter(|rendition| rendition.url() == Some(&track.url))
            .collect()
    };
    let all: Vec<(&Declared, Vec<&Rendition>)> = stored
        .iter()
        .map(|track| (track, renditions(track)))
        .collect();
    let every = || {
        all.iter()
            .flat_map(|(_, renditions)| renditions.iter().copied())
    };
    let main = every()
        .find(|rendition| rendition.default)
        .or(every().next());
    let Some(main) = main.and_then(Rendition::language) else {
        return Vec::new();
    };
    let is_main = |rendition: &Rendition| rendition.language() == Some(main);
    let group_has_main =
        |group: &str| every().any(|rendition| rendition.group_id() == group && is_main(rendition));
    all.iter()
        .filter(|(_, renditions)| {
            renditions
                .iter()
                .all(|rendition| !is_main(rendition) && group_has_main(rendition.group_id()))
        })
        .map(|(track, _)| track.name.clone())
        .collect()
}

/// Takes a track out of an asset. Its bytes stay until [`free`] is called.
pub(crate) fn remove(store: &Store, id: &AssetId, track: &str) -> Result<()> {
    // A writer would bring an asset into being that was removed meanwhile.
    store.asset(id)?;
    let writer = store.writer(id)?;
    let asset = writer.asset();
    let prefix = format!("{track}/");
    let entries = asset.entries();
    let paths: Vec<&String> = entries
        .keys()
        .filter(|path| path.starts_with(&prefix))
        .collect();
    if let Some(mut metadata) = record::metadata(store, id)? {
        let of_track = [track.to_owned()];
        let resources = super::library::stored_resources(entries, &of_track);
        metadata.resources = metadata.resources.saturating_sub(resources);
        metadata.tracks.retain(|known| known != track);
        record::set_metadata(store, id, &metadata)?;
    }
    let removals: Vec<_> = paths
        .into_iter()
        .map(|path| writer.begin_remove_entry(path))
        .collect::<std::result::Result<_, _>>()?;
    for removal in removals {
        removal.wait()?;
    }
    if asset.is_sealed() {
        writer.seal()?;
    }
    Ok(())
}

/// Frees the bytes of tracks that were taken out.
pub(crate) fn free(store: &Store) -> Result<()> {
    store.collect_garbage(&GcOptions::default())?;
    Ok(())
}
