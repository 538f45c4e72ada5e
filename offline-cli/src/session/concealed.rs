//! Protection that no playlist tells of: Media Initialization Sections whose samples are encrypted where their playlist names no key.

use std::collections::HashSet;
use std::io::Read;

use asset_store::{Asset, Digest, Store};
use cache_inspect::media::mp4::InitSection;

use super::layout::TrackLayout;
use crate::media::fragments::Initialization;

/// Longer ones are not downloaded.
const LONGEST: u64 = 8 << 20;
/// Different sections of a track that are looked at: advertisements have their own.
const LOOKED_AT: usize = 64;
/// The protection system of the W3C.
const COMMON: &str = "urn:uuid:1077efec-c0b2-4d02-ace3-3c1e52e2fb4b";
/// What is said when nothing tells which one it is.
const UNNAMED: &str = "an unnamed key system";

/// The key systems of which a player needs a licence for a stored track: those of its playlist, or those that its
/// initialization sections name.
pub(crate) fn key_systems(store: &Store, asset: &Asset, layout: &TrackLayout<'_>) -> Vec<String> {
    let timeline = layout.timeline;
    if let Some(protection) = timeline.protection() {
        return protection.systems;
    }
    if !timeline.keys().is_empty() {
        return Vec::new();
    }
    let mut seen = HashSet::new();
    let maps = 0..timeline.maps().len();
    maps.filter_map(|index| Some(asset.entry(&layout.map(index))?.digest))
        .filter(|digest| seen.insert(*digest))
        .take(LOOKED_AT)
        .find_map(|digest| of_blob(store, &digest))
        .unwrap_or_default()
}

/// The same of a stored initialization section alone; `None` when its samples are in clear, or it cannot be read.
pub(super) fn of_blob(store: &Store, digest: &Digest) -> Option<Vec<String>> {
    let file = store.blob(digest).ok().flatten()?;
    let mut bytes = Vec::new();
    file.into_file()
        .take(LONGEST)
        .read_to_end(&mut bytes)
        .ok()?;
    of_section(&bytes)
}

/// Only a track that has no format in clear counts: where one has, the playlist tells what is encrypted.
fn of_section(bytes: &[u8]) -> Option<Vec<String>> {
    let section = Initialization::read(bytes).ok()?;
    if !section.has_no_clear_format() {
        return None;
    }
    let systems = InitSection::read(bytes).map(|section| section.protection_systems);
    let mut names: Vec<String> = Vec::new();
    for name in systems.unwrap_or_default().into_iter().filter_map(name) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    if names.is_empty() {
        names.push(UNNAMED.to_owned());
    }
    Some(names)
}

/// What a protection system (`pssh`) is called; `None` for that of the W3C, which stands for any.
fn name(system: [u8; 16]) -> Option<String> {
    let digits = format!("{:032x}", u128::from_be_bytes(system));
    let part = |range| digits.get(range).unwrap_or_default();
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(part);
    let format = format!("urn:uuid:{}", parts.join("-"));
    (format != COMMON).then(|| hls_parse::key_system_name(&format).to_owned())
}
