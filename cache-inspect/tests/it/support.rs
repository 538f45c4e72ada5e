//! Descriptions for the tests.

use std::time::Duration;

use cache_inspect::{
    AssetDescription, Prerequisite, PrerequisiteKind, SegmentDescription, Track, TrackKind,
    VariantDescription,
};

pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A selected track of four-second segments, one for each character: `+` is stored, `-` is not,
/// `g` is a declared gap.
pub(crate) fn track(kind: TrackKind, name: &str, segments: &str) -> Track {
    let segments = (0_u32..)
        .zip(segments.chars())
        .map(|(number, state)| SegmentDescription {
            start: seconds(4) * number,
            duration: seconds(4),
            present: state == '+',
            gap: state == 'g',
            url: format!("https://media.example/{name}/{number}.ts?sig=secret"),
            ..SegmentDescription::default()
        });
    Track {
        kind,
        name: Some(name.to_owned()),
        selected: true,
        segments: segments.collect(),
        ..Track::default()
    }
}

pub(crate) fn main_track(segments: &str) -> Track {
    track(TrackKind::Main, "main", segments)
}

pub(crate) fn audio(name: &str, segments: &str) -> Track {
    track(TrackKind::Audio, name, segments)
}

pub(crate) fn missing_key(used_by: std::ops::Range<usize>) -> Prerequisite {
    Prerequisite {
        what: PrerequisiteKind::Key,
        url: "https://keys.example/7?token=secret".to_owned(),
        used_by,
        ..Prerequisite::default()
    }
}

/// A variant whose own Media Playlist is the track of this number.
pub(crate) fn variant(id: &str, bandwidth: u64, track: usize) -> VariantDescription {
    VariantDescription {
        id: id.to_owned(),
        bandwidth: Some(bandwidth),
        tracks: vec![track],
        ..VariantDescription::default()
    }
}

/// The same with an AUDIO group whose members all have their own URI.
pub(crate) fn with_audio(variant: VariantDescription, audio: &[usize]) -> VariantDescription {
    VariantDescription {
        audio: audio.to_vec(),
        audio_required: true,
        ..variant
    }
}

pub(crate) fn asset(variants: Vec<VariantDescription>, tracks: Vec<Track>) -> AssetDescription {
    AssetDescription {
        id: "asset".to_owned(),
        title: Some("A title".to_owned()),
        complete: true,
        variants,
        tracks,
        ..AssetDescription::default()
    }
}
