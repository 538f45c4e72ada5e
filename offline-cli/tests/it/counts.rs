//! What is asked for, and what is not, by number.

use std::fmt::Write as _;

use segment_fetch::testing::{Origin, Resource, Site};

use crate::commands::multivariant;
use crate::environment::Environment;
use crate::stream::transport_stream;

fn is_playlist(path: &str) -> bool {
    path.rsplit('.').next() == Some("m3u8")
}

/// Requests for anything but playlists.
fn media(origin: &Origin) -> usize {
    let requests = origin.site().requests();
    let media = requests
        .iter()
        .filter(|request| !is_playlist(&request.path));
    media.count()
}

#[test]
fn media_follow_their_playlists_at_once() {
    let origin = multivariant();
    let environment = Environment::new();
    environment
        .run(["download", origin.url("/master.m3u8").as_str()])
        .fine();
    let requests = origin.site().requests();
    let paths: Vec<&str> = requests.iter().map(|request| &*request.path).collect();
    let first = paths.iter().position(|path| !is_playlist(path));
    // The Multivariant Playlist, then a playlist for each track, all at once: two rounds, and nothing asked twice.
    let mut playlists = paths[..first.unwrap()].to_vec();
    assert_eq!(playlists[0], "/master.m3u8");
    let count = playlists.len();
    assert_eq!(count, 4, "{playlists:?}");
    playlists.sort_unstable();
    playlists.dedup();
    assert_eq!(playlists.len(), count, "{playlists:?}");
    // Nothing but media is asked for from then on.
    let later = paths[first.unwrap()..].iter();
    assert!(later.copied().all(|path| !is_playlist(path)), "{paths:?}");
}

#[test]
fn a_finished_asset_of_thousands_of_segments_asks_for_none() {
    const COUNT: usize = 2_000;
    let site = Site::new();
    site.route("/all.ts", Resource::new(transport_stream(1, COUNT)));
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:2\n");
    for index in 0..COUNT {
        writeln!(
            text,
            "#EXTINF:2,\n#EXT-X-BYTERANGE:188@{}\nall.ts",
            index * 188
        )
        .unwrap();
    }
    text.push_str("#EXT-X-ENDLIST\n");
    site.route("/media.m3u8", Resource::new(text));
    let origin = Origin::serve(site).unwrap();
    let environment = Environment::new();
    let url = origin.url("/media.m3u8").to_string();
    environment.run(["download", &url]).fine();
    assert_eq!(environment.only()["state"], "completed");
    let asked = media(&origin);
    let playlists = origin.site().requests().len() - asked;
    environment.run(["download", &url]).fine();
    environment.run(["resume", &environment.only_id()]).fine();
    assert_eq!(media(&origin), asked);
    assert_eq!(origin.site().requests().len() - asked, playlists + 2);
}
