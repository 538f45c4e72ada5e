//! What is playable, loaded, complete and missing, case by case.

use cache_inspect::{
    AssetDescription, File, MissingKind, Prerequisite, SegmentDescription, Track, TrackKind,
    VariantDescription, inspect,
};

use crate::support::{asset, audio, main_track, missing_key, seconds, track, variant, with_audio};

fn ranges(asset: &AssetDescription) -> Vec<(u64, u64)> {
    (inspect(asset).loaded_time_ranges.iter())
        .map(|range| (range.start.as_secs(), range.end.as_secs()))
        .collect()
}

#[test]
fn a_complete_variant_plays() {
    let inspection = inspect(&asset(vec![variant("1", 100, 0)], vec![main_track("+++")]));
    assert!(inspection.playable_offline);
    assert!(inspection.why_not.is_empty());
    assert!(inspection.missing.is_empty());
    assert_eq!(inspection.duration, seconds(12));
    assert_eq!(inspection.loaded_time_ranges, [seconds(0)..seconds(12)]);
    let variant = &inspection.variants[0];
    assert!(variant.complete && variant.playable);
    assert_eq!((variant.segments, variant.segments_present), (3, 3));
}

#[test]
fn a_hole_does_not_play_and_is_listed() {
    let asset = asset(vec![variant("1", 100, 0)], vec![main_track("+-+-")]);
    let inspection = inspect(&asset);
    assert!(!inspection.playable_offline);
    assert_eq!(ranges(&asset), [(0, 4), (8, 12)]);
    let missing: Vec<_> = (inspection.missing.iter())
        .map(|missing| (missing.track, missing.what, missing.start, missing.duration))
        .collect();
    let hole = |start| (0, MissingKind::Segment, seconds(start), seconds(4));
    assert_eq!(missing, [hole(4), hole(12)]);
    assert_eq!(
        inspection.missing[0].url,
        "https://media.example/main/1.ts?sig=secret"
    );
}

#[test]
fn one_complete_variant_of_several_is_enough() {
    let asset = asset(
        vec![variant("high", 900, 0), variant("low", 100, 1)],
        vec![main_track("+--"), main_track("+++")],
    );
    let inspection = inspect(&asset);
    assert!(inspection.playable_offline);
    assert_eq!(
        inspection
            .variants
            .iter()
            .map(|one| one.complete)
            .collect::<Vec<_>>(),
        [false, true]
    );
    assert_eq!(ranges(&asset), [(0, 12)]);
}

#[test]
fn the_best_variant_is_the_highest_that_plays_else_the_one_with_most() {
    let two = |one: &str, other: &str| {
        let variants = vec![variant("low", 100, 0), variant("high", 900, 1)];
        asset(variants, vec![main_track(one), main_track(other)])
    };
    assert_eq!(inspect(&two("++++", "++")).duration, seconds(8));
    assert_eq!(inspect(&two("++++", "+-")).duration, seconds(16));
    assert_eq!(inspect(&two("++-", "+---")).duration, seconds(12));
    assert_eq!(inspect(&two("+---", "+--")).duration, seconds(12));
}

#[test]
fn a_variant_without_sound_needs_one_complete_audio_rendition() {
    let with = |english: &str, german: &str| {
        asset(
            vec![with_audio(variant("1", 100, 0), &[1, 2])],
            vec![
                main_track("++++"),
                audio("en", english),
                audio("de", german),
            ],
        )
    };
    assert!(inspect(&with("++++", "----")).playable_offline);
    assert!(inspect(&with("----", "++++")).playable_offline);
    // Of the two, the one of which more is there counts.
    let incomplete = with("+---", "++-+");
    let inspection = inspect(&incomplete);
    assert!(!inspection.playable_offline);
    assert!(inspection.variants[0].complete && !inspection.variants[0].playable);
    assert_eq!(ranges(&incomplete), [(0, 8), (12, 16)]);
    assert!(!inspect(&with("", "")).playable_offline);
    assert_eq!(ranges(&with("", "")), []);
}

#[test]
fn loaded_ranges_are_those_of_video_and_audio_together() {
    let asset = asset(
        vec![with_audio(variant("1", 100, 0), &[1])],
        vec![main_track("++-+++"), audio("en", "-++++-")],
    );
    assert_eq!(ranges(&asset), [(4, 8), (12, 20)]);
}

#[test]
fn audio_that_is_not_required_is_not_waited_for() {
    let mut description = asset(
        vec![with_audio(variant("1", 100, 0), &[1])],
        vec![main_track("++"), audio("en", "--")],
    );
    description.variants[0].audio_required = false;
    assert!(inspect(&description).playable_offline);
    assert_eq!(inspect(&description).media_selection.audio, []);
}

#[test]
fn a_muxed_rendition_is_there_when_the_variant_is() {
    let muxed = Track {
        muxed: true,
        ..audio("en", "")
    };
    let with = |main| {
        asset(
            vec![with_audio(variant("1", 100, 0), &[1, 2])],
            vec![main_track(main), muxed.clone(), audio("de", "-")],
        )
    };
    let inspection = inspect(&with("+"));
    assert!(inspection.playable_offline);
    assert_eq!(inspection.media_selection.audio.len(), 1);
    assert_eq!(
        inspection.media_selection.audio[0].name.as_deref(),
        Some("en")
    );
    let inspection = inspect(&with("-"));
    assert!(!inspection.playable_offline);
    assert!(inspection.media_selection.audio.is_empty());
}

#[test]
fn closed_captions_are_there_when_their_video_is() {
    let captions = Track {
        muxed: true,
        language: Some("en".to_owned()),
        ..track(TrackKind::ClosedCaptions, "CC", "")
    };
    let forced = Track {
        forced: true,
        characteristics: vec!["public.easy-to-read".to_owned()],
        ..track(TrackKind::Subtitles, "signs", "+")
    };
    let with = |main| {
        let variant = VariantDescription {
            subtitles: vec![2],
            closed_captions: vec![1],
            ..variant("1", 100, 0)
        };
        let tracks = vec![main_track(main), captions.clone(), forced.clone()];
        inspect(&asset(vec![variant], tracks)).media_selection
    };
    let selection = with("+");
    assert_eq!(selection.closed_captions[0].language.as_deref(), Some("en"));
    assert!(selection.subtitles[0].forced);
    assert_eq!(
        selection.subtitles[0].characteristics,
        ["public.easy-to-read"]
    );
    assert_eq!(with("-").closed_captions, []);
}

#[test]
fn segments_without_their_key_or_map_do_not_count() {
    let mut main = main_track("++++");
    main.prerequisites = vec![
        Prerequisite {
            present: true,
            ..missing_key(0..4)
        },
        missing_key(1..3),
        // Uses that begin or end where there is no segment change nothing else.
        missing_key(4..9),
        missing_key(2..2),
    ];
    let asset = asset(vec![variant("1", 100, 0)], vec![main]);
    let inspection = inspect(&asset);
    assert!(!inspection.playable_offline);
    assert_eq!(inspection.variants[0].segments_present, 2);
    assert_eq!(ranges(&asset), [(0, 4), (12, 16)]);
    let key = &inspection.missing[0];
    assert_eq!(
        (key.what, key.start, key.duration),
        (MissingKind::Key, seconds(4), seconds(8))
    );
}

#[test]
fn declared_gaps_are_neither_missing_nor_loaded() {
    let asset = asset(vec![variant("1", 100, 0)], vec![main_track("+g+")]);
    let inspection = inspect(&asset);
    assert!(inspection.playable_offline);
    assert!(inspection.missing.is_empty());
    assert_eq!(ranges(&asset), [(0, 4), (8, 12)]);
    assert_eq!(inspection.duration, seconds(12));
    assert_eq!(inspection.variants[0].segments_present, 2);
}

#[test]
fn nothing_but_gaps_does_not_play() {
    for segments in ["", "ggg"] {
        let asset = asset(vec![variant("1", 100, 0)], vec![main_track(segments)]);
        assert!(!inspect(&asset).playable_offline);
    }
}

#[test]
fn what_was_not_asked_for_is_not_missing() {
    let other = Track {
        selected: false,
        prerequisites: vec![missing_key(0..2)],
        ..main_track("--")
    };
    let asset = asset(
        vec![variant("1", 100, 0), variant("2", 200, 1)],
        vec![main_track("++"), other],
    );
    assert!(inspect(&asset).missing.is_empty());
}

#[test]
fn options_are_those_that_are_complete_and_go_with_what_plays() {
    let subtitles = |name, segments| track(TrackKind::Subtitles, name, segments);
    let tracks = vec![
        main_track("++"),
        main_track("+-"),
        audio("en", "++"),
        audio("de", "+-"),
        // The same option in the group of the other variant, and one that is only there.
        audio("en", "++"),
        audio("fr", "++"),
        subtitles("en", "++"),
        subtitles("de", "-+"),
    ];
    let mut low = with_audio(variant("low", 100, 0), &[2, 3]);
    low.subtitles = vec![6, 7];
    let mut high = with_audio(variant("high", 900, 1), &[4, 5]);
    high.subtitles = vec![6, 7];
    let mut description = asset(vec![low, high], tracks);

    let names = |description: &AssetDescription| {
        let selection = inspect(description).media_selection;
        let names = |options: Vec<cache_inspect::MediaOption>| -> Vec<String> {
            options
                .into_iter()
                .filter_map(|option| option.name)
                .collect()
        };
        (names(selection.audio), names(selection.subtitles))
    };
    let (audio, subtitles) = names(&description);
    assert_eq!(
        (audio, subtitles),
        (vec!["en".to_owned()], vec!["en".to_owned()])
    );
    description.tracks[0] = main_track("+-");
    let (audio, _) = names(&description);
    assert_eq!(audio, ["en", "fr"]);
}

#[test]
fn rounded_times_leave_no_gaps() {
    let mut main = main_track("++");
    main.segments[0].duration -= std::time::Duration::from_micros(400);
    let asset = asset(vec![variant("1", 100, 0)], vec![main]);
    assert_eq!(ranges(&asset), [(0, 8)]);
}

#[test]
fn numbers_out_of_range_and_endless_times_are_no_panic() {
    let mut main = main_track("++");
    main.segments[1] = SegmentDescription {
        start: std::time::Duration::MAX,
        duration: std::time::Duration::MAX,
        ..main.segments[1].clone()
    };
    let mut broken = with_audio(variant("1", 100, 0), &[8, usize::MAX]);
    broken.subtitles = vec![usize::MAX];
    let mut description = asset(vec![broken, variant("2", 1, 77)], vec![main]);
    let file = File {
        length: u64::MAX,
        ..File::default()
    };
    description.files = vec![file.clone(), file];
    let inspection = inspect(&description);
    assert!(!inspection.playable_offline);
    assert_eq!(inspection.bytes, u64::MAX);
    assert!(!inspection.variants[1].complete);
}

#[test]
fn groups_say_which_options_are_complete() {
    let of_group = |group: &str, track| cache_inspect::Track {
        group: Some(group.to_owned()),
        ..track
    };
    let inside = cache_inspect::Track {
        segments: Vec::new(),
        muxed: true,
        ..audio("Inside", "")
    };
    let mut description = asset(
        vec![
            with_audio(variant("1", 100, 0), &[1, 2, 3]),
            variant("2", 200, 4),
        ],
        vec![
            main_track("++"),
            of_group("high", audio("English", "++")),
            of_group("high", audio("Deutsch", "+-")),
            of_group("low", inside),
            main_track("+-"),
        ],
    );
    let groups = |description: &AssetDescription| {
        let found = inspect(description).groups;
        (found.into_iter())
            .map(|group| {
                let options = group.options.into_iter();
                let options = options.map(|option| (option.name.unwrap(), option.complete));
                (group.group, options.collect::<Vec<_>>())
            })
            .collect::<Vec<_>>()
    };
    let expected = |inside| {
        [
            (
                "high".to_owned(),
                vec![("English".to_owned(), true), ("Deutsch".to_owned(), false)],
            ),
            ("low".to_owned(), vec![("Inside".to_owned(), inside)]),
        ]
    };
    assert_eq!(groups(&description), expected(true));
    // A rendition inside a variant is where the variant is.
    description.tracks[0].segments[1].present = false;
    assert_eq!(groups(&description), expected(false));
}
