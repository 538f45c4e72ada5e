//! What the server has against what is stored.

use cache_inspect::{Drift, drift};

use crate::support::{asset, audio, main_track, seconds, variant, with_audio};

#[test]
fn the_same_has_not_drifted() {
    let film = asset(
        vec![with_audio(variant("1", 100, 0), &[1])],
        vec![main_track("++-"), audio("English", "+--")],
    );
    // What is stored of it makes no difference.
    let server = asset(
        vec![with_audio(variant("1", 100, 0), &[1])],
        vec![
            main_track("---"),
            audio("English", "---"),
            audio("Deutsch", "---"),
        ],
    );
    assert!(drift(&film, &server).is_none());
    assert_eq!(drift(&film, &film), Drift::default());
}

#[test]
fn variants_and_renditions_come_and_go() {
    let film = asset(
        vec![variant("low", 100, 0), variant("high", 200, 0)],
        vec![main_track("++"), audio("English", "++")],
    );
    let server = asset(
        vec![variant("1", 200, 0), variant("2", 300, 0)],
        vec![main_track("--")],
    );
    let found = drift(&film, &server);
    assert_eq!(
        (found.variants_added, found.variants_removed),
        (vec!["2".to_owned()], vec!["low".to_owned()])
    );
    // The playlist of the first variant is that of another one now, and nobody has the audio.
    let gone: Vec<_> = found
        .tracks
        .iter()
        .map(|track| (track.track, track.gone))
        .collect();
    assert_eq!(gone, [(0, true), (1, true)]);
    assert_eq!(found.tracks[1].segments_removed, 2);
}

#[test]
fn segments_that_differ_are_counted() {
    let film = asset(vec![variant("1", 100, 0)], vec![main_track("++++")]);
    let mut server = asset(vec![variant("1", 100, 0)], vec![main_track("-----")]);
    let found = drift(&film, &server).tracks;
    assert_eq!((found[0].segments_added, found[0].segments_removed), (1, 0));
    assert_eq!(found[0].first_difference, Some(seconds(16)));

    server.tracks[0].segments[1].url = "https://media.example/other.ts".to_owned();
    let found = drift(&film, &server).tracks;
    assert_eq!((found[0].segments_added, found[0].segments_removed), (2, 1));
    assert_eq!(found[0].first_difference, Some(seconds(4)));

    // The same segments, one of another length.
    let mut longer = film.clone();
    longer.tracks[0].segments[2].duration = seconds(5);
    let found = drift(&film, &longer).tracks;
    assert_eq!((found[0].segments_added, found[0].segments_removed), (0, 0));
    assert_eq!(found[0].first_difference, Some(seconds(8)));
}
