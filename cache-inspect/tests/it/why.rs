//! Why something does not play, in words.

use cache_inspect::{AssetDescription, Prerequisite, PrerequisiteKind, Track, Why, inspect};

use crate::support::{asset, audio, main_track, missing_key, variant, with_audio};

fn why(asset: &AssetDescription) -> Vec<String> {
    inspect(asset).why_not.iter().map(Why::to_string).collect()
}

#[test]
fn missing_segments_maps_and_keys() {
    let mut main = main_track(&"+".repeat(1_000));
    main.segments[950].present = false;
    let other = Prerequisite {
        url: "https://keys.example/8".to_owned(),
        ..missing_key(962..963)
    };
    main.prerequisites = vec![missing_key(960..962), other, missing_key(964..965)];
    let mut description = asset(vec![variant("v1", 100, 0)], vec![main]);
    assert_eq!(
        why(&description),
        ["variant v1: 5 of 1000 segments missing, the first at 1:03:20; 2 keys missing"]
    );
    description.tracks[0].prerequisites[0].what = PrerequisiteKind::Map;
    assert_eq!(
        why(&description),
        [
            "variant v1: 5 of 1000 segments missing, the first at 1:03:20; 1 initialization section missing; 2 keys missing"
        ]
    );
}

#[test]
fn missing_audio() {
    let with = |audio: Track| {
        asset(
            vec![with_audio(variant("v1", 100, 0), &[1])],
            vec![main_track("+++"), audio],
        )
    };
    assert_eq!(
        why(&with(audio("English", "+-+"))),
        [r#"variant v1: audio "English": 1 of 3 segments missing, the first at 0:00:04"#]
    );
    let not_asked_for = Track {
        selected: false,
        ..audio("English", "---")
    };
    assert_eq!(
        why(&with(not_asked_for)),
        ["variant v1: no audio rendition that it needs was downloaded"]
    );
}

#[test]
fn nothing_there() {
    let nothing = AssetDescription::default();
    assert_eq!(
        why(&nothing),
        ["the download is not finished", "the asset has no variant"]
    );
    let playlist_missing = asset(vec![variant("v1", 100, 0)], vec![main_track("")]);
    assert_eq!(
        why(&playlist_missing),
        ["variant v1: no segment that could be played"]
    );
    let not_asked_for = Track {
        selected: false,
        ..main_track("---")
    };
    let not_asked_for = asset(vec![variant("v1", 100, 0)], vec![not_asked_for]);
    assert_eq!(why(&not_asked_for), ["no variant was downloaded"]);
}

#[test]
fn only_variants_that_were_asked_for_are_explained() {
    let not_asked_for = Track {
        selected: false,
        ..main_track("---")
    };
    let asset = asset(
        vec![variant("v1", 100, 0), variant("v2", 100, 1)],
        vec![main_track("+-"), not_asked_for],
    );
    assert_eq!(
        why(&asset),
        ["variant v1: 1 of 2 segments missing, the first at 0:00:04"]
    );
}

#[test]
fn what_needs_a_licence_is_complete_but_does_not_play() {
    let systems = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    let mut main = main_track("++");
    main.key_systems = systems(&["Widevine", "FairPlay"]);
    let mut description = asset(vec![variant("v1", 100, 0)], vec![main]);
    let inspection = inspect(&description);
    assert!(inspection.variants[0].complete && !inspection.variants[0].playable);
    assert_eq!(inspection.key_systems, ["Widevine", "FairPlay"]);
    assert_eq!(
        why(&description),
        ["needs a licence of Widevine or FairPlay"]
    );

    // Sound in clear does not help the picture, but there may be another picture.
    description.tracks.push(main_track("++"));
    description.variants.push(variant("v2", 50, 1));
    assert!(inspect(&description).playable_offline);
    assert_eq!(why(&description), [""; 0]);

    // Of several renditions of sound the one that plays is enough.
    let mut closed = audio("closed", "++");
    closed.key_systems = systems(&["PlayReady"]);
    let open = audio("open", "++");
    let description = asset(
        vec![with_audio(variant("v1", 100, 0), &[1, 2])],
        vec![main_track("++"), closed.clone(), open],
    );
    assert!(inspect(&description).playable_offline);
    let description = asset(
        vec![with_audio(variant("v1", 100, 0), &[1])],
        vec![main_track("++"), closed],
    );
    assert_eq!(why(&description), ["needs a licence of PlayReady"]);
}
