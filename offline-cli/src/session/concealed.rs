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
    let known = match u128::from_be_bytes(system) {
        0x1077_efec_c0b2_4d02_ace3_3c1e_52e2_fb4b => return None,
        0xedef_8ba9_79d6_4ace_a3c8_27dc_d51d_21ed => "Widevine",
        0x9a04_f079_9840_4286_ab92_e65b_e088_5f95 => "PlayReady",
        0x94ce_86fb_07ff_4f43_adb8_93d2_fa96_8ca2 => "FairPlay",
        other => return Some(format!("system {other:032x}")),
    };
    Some(known.to_owned())
}
