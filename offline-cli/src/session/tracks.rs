//! The tracks a presentation may have: every Media Playlist once, under a name that depends on the
//! Multivariant Playlist alone and not on what is selected.

use std::collections::HashSet;

use cache_inspect::TrackKind;
use hls_parse::{Multivariant, Rendition, RenditionKind, Selection, Variant};
use url::Url;

use super::layout;

/// One Media Playlist that a Multivariant Playlist names, perhaps several times.
#[derive(Clone, Debug)]
pub(crate) struct Declared {
    pub(crate) name: String,
    /// What it is where it is named first.
    pub(crate) kind: TrackKind,
    pub(crate) url: Url,
    /// The rendition that names it first, unless a variant does.
    pub(crate) rendition: Option<usize>,
}

/// The addresses of the Media Playlists that a selection takes.
pub(super) fn of_selection<'m>(
    multivariant: &'m Multivariant,
    selection: &Selection,
) -> HashSet<&'m Url> {
    let variants = selection.variants.iter();
    let variants = variants.filter_map(|&index| multivariant.variants.get(index));
    let renditions = selection.renditions.iter();
    let renditions = renditions.filter_map(|&index| multivariant.renditions.get(index));
    let i_frames = selection.i_frame_variants.iter();
    let i_frames = i_frames.filter_map(|&index| multivariant.i_frame_variants.get(index));
    variants
        .map(Variant::url)
        .chain(renditions.filter_map(Rendition::url))
        .chain(i_frames.map(Variant::url))
        .collect()
}

/// Variants first, then renditions, then I-frame variants, each in the order of the playlist.
pub(crate) fn declared(multivariant: &Multivariant) -> Vec<Declared> {
    let mut seen: HashSet<&Url> = HashSet::new();
    let mut declared = Vec::new();
    for (index, variant) in multivariant.variants.iter().enumerate() {
        if seen.insert(variant.url()) {
            declared.push(Declared {
                name: layout::variant_track(index),
                kind: TrackKind::Main,
                url: variant.url().clone(),
                rendition: None,
            });
        }
    }
    for (index, rendition) in multivariant.renditions.iter().enumerate() {
        let kind = match rendition.kind {
            RenditionKind::Audio => TrackKind::Audio,
            RenditionKind::Video => TrackKind::Video,
            RenditionKind::Subtitles => TrackKind::Subtitles,
            _ => continue,
        };
        if let Some(url) = rendition.url().filter(|url| seen.insert(url)) {
            declared.push(Declared {
                name: layout::rendition_track(index, rendition),
                kind,
                url: url.clone(),
                rendition: Some(index),
            });
        }
    }
    for (index, variant) in multivariant.i_frame_variants.iter().enumerate() {
        if seen.insert(variant.url()) {
            declared.push(Declared {
                name: layout::i_frame_track(index),
                kind: TrackKind::IFrames,
                url: variant.url().clone(),
                rendition: None,
            });
        }
    }
    declared
}
