//! What holds for every description.

use std::ops::Range;
use std::time::Duration;

use cache_inspect::{
    AssetDescription, MissingKind, Prerequisite, PrerequisiteKind, SegmentDescription, Track,
    TrackKind, VariantDescription, inspect,
};
use proptest::collection::vec;
use proptest::prelude::*;

prop_compose! {
    fn any_track()(
        kind in prop_oneof![Just(TrackKind::Main), Just(TrackKind::Audio), Just(TrackKind::Subtitles)],
        name in proptest::option::of("[abc]"),
        selected in any::<bool>(),
        muxed in proptest::bool::weighted(0.1),
        is_protected in proptest::bool::weighted(0.1),
        segments in vec((any::<bool>(), proptest::bool::weighted(0.1), 0_u64..3_000), 0..8),
        prerequisites in vec((any::<bool>(), proptest::bool::weighted(0.8), 0_usize..10, 0_usize..10), 0..3),
    ) -> Track {
        let mut start = Duration::ZERO;
        Track {
            kind,
            name,
            selected,
            muxed,
            key_systems: if is_protected { vec!["Widevine".to_owned()] } else { Vec::new() },
            segments: segments.into_iter().map(|(present, gap, duration)| {
                let segment = SegmentDescription {
                    start,
                    duration: Duration::from_millis(duration),
                    present,
                    gap,
                    ..SegmentDescription::default()
                };
                start += segment.duration;
                segment
            }).collect(),
            prerequisites: prerequisites.into_iter().map(|(key, present, start, end)| Prerequisite {
                what: if key { PrerequisiteKind::Key } else { PrerequisiteKind::Map },
                present,
                used_by: start..end,
                ..Prerequisite::default()
            }).collect(),
            ..Track::default()
        }
    }
}

prop_compose! {
    fn any_variant()(
        tracks in vec(0_usize..6, 0..2),
        audio in vec(0_usize..6, 0..3),
        subtitles in vec(0_usize..6, 0..3),
        audio_required in any::<bool>(),
        bandwidth in proptest::option::of(0_u64..5),
    ) -> VariantDescription {
        VariantDescription { tracks, audio, subtitles, audio_required, bandwidth, ..VariantDescription::default() }
    }
}

prop_compose! {
    fn any_asset()(
        complete in any::<bool>(),
        variants in vec(any_variant(), 0..4),
        tracks in vec(any_track(), 0..6),
    ) -> AssetDescription {
        AssetDescription { complete, variants, tracks, ..AssetDescription::default() }
    }
}

/// By the definition, one segment after the other.
fn is_loaded(track: &Track, index: usize) -> bool {
    let segment = &track.segments[index];
    segment.present
        && !segment.gap
        && !(track.prerequisites.iter())
            .any(|needed| !needed.present && needed.used_by.contains(&index))
}

fn is_complete(track: &Track) -> bool {
    let all = || 0..track.segments.len();
    all().any(|index| is_loaded(track, index))
        && all().all(|index| track.segments[index].gap || is_loaded(track, index))
}

fn is_playable(asset: &AssetDescription, variant: &VariantDescription) -> bool {
    let track = |index: &usize| asset.tracks.get(*index);
    let own = variant.tracks.first().and_then(track);
    let is_open = |track: &Track| is_complete(track) && track.key_systems.is_empty();
    own.is_some_and(is_open)
        && (!variant.audio_required
            || (variant.audio.iter())
                .filter_map(track)
                .any(|audio| audio.muxed || is_open(audio)))
}

fn total(ranges: &[Range<Duration>]) -> Duration {
    ranges
        .iter()
        .map(|range| range.end.abs_diff(range.start))
        .sum()
}

proptest! {
    #[test]
    fn playable_is_one_complete_variant_with_the_audio_it_needs(asset in any_asset()) {
        let inspection = inspect(&asset);
        for (variant, inspected) in asset.variants.iter().zip(&inspection.variants) {
            prop_assert_eq!(inspected.playable, is_playable(&asset, variant));
        }
        prop_assert_eq!(inspection.playable_offline, inspection.variants.iter().any(|one| one.playable));
        prop_assert_eq!(inspection.playable_offline, inspection.why_not.is_empty());
    }

    #[test]
    fn tracks_count_what_is_loaded(asset in any_asset()) {
        for (track, inspected) in asset.tracks.iter().zip(inspect(&asset).tracks) {
            let loaded: Vec<usize> = (0..track.segments.len()).filter(|index| is_loaded(track, *index)).collect();
            prop_assert_eq!(inspected.segments, track.segments.len());
            prop_assert_eq!(inspected.segments_present, loaded.len());
            prop_assert_eq!(inspected.complete, is_complete(track));
            let exact: Duration = loaded.iter().map(|index| track.segments[*index].duration).sum();
            let found = total(&inspected.loaded_time_ranges);
            // Holes of up to a millisecond are closed.
            let most = exact + Duration::from_millis(track.segments.len() as u64);
            prop_assert!(exact <= found && found <= most);
        }
    }

    #[test]
    fn ranges_are_sorted_and_apart(asset in any_asset()) {
        let inspection = inspect(&asset);
        let all = inspection.tracks.iter().map(|track| &track.loaded_time_ranges);
        for ranges in all.chain([&inspection.loaded_time_ranges]) {
            prop_assert!(ranges.iter().all(|range| range.start < range.end));
            prop_assert!(ranges.windows(2).all(|pair| pair[0].end < pair[1].start));
        }
        prop_assert!(total(&inspection.loaded_time_ranges) <= inspection.duration + Duration::from_millis(8));
    }

    /// A complete track has nothing missing; the segments that are missing are those not stored.
    #[test]
    fn missing_is_what_is_selected_and_not_there(asset in any_asset()) {
        let inspection = inspect(&asset);
        for (index, track) in asset.tracks.iter().enumerate() {
            let missing = (inspection.missing.iter())
                .filter(|missing| missing.track == index && missing.what == MissingKind::Segment)
                .count();
            let absent = track.segments.iter().filter(|one| !one.present && !one.gap).count();
            prop_assert_eq!(missing, if track.selected { absent } else { 0 });
        }
    }

    /// Storing one more segment never takes anything away.
    #[test]
    fn more_bytes_play_no_less(asset in any_asset(), track in 0_usize..6, segment in 0_usize..8) {
        let before = inspect(&asset);
        let mut more = asset;
        if let Some(segment) = more.tracks.get_mut(track).and_then(|track| track.segments.get_mut(segment)) {
            segment.present = true;
        }
        let after = inspect(&more);
        prop_assert!(after.playable_offline || !before.playable_offline);
        for (before, after) in before.tracks.iter().zip(&after.tracks) {
            prop_assert!(before.segments_present <= after.segments_present);
            prop_assert!(after.complete || !before.complete);
        }
        prop_assert!(after.missing.len() <= before.missing.len());
    }

    #[test]
    fn options_are_complete(asset in any_asset()) {
        let selection = inspect(&asset).media_selection;
        for option in selection.audio.iter().chain(&selection.subtitles) {
            let is_there = (asset.tracks.iter())
                .any(|track| track.name == option.name && (is_complete(track) || track.muxed));
            prop_assert!(is_there);
        }
    }
}
