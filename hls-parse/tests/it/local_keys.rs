//! Keys of key systems in localized playlists.

use std::borrow::Cow;

use hls_parse::{LocalKey, LocalMedia, LocalMultivariant, Timeline};

use crate::{multivariant, rules, timeline};

/// Everything is there: identity keys have been used, the others are kept.
struct Kept<'t>(&'t Timeline);

impl LocalMedia for Kept<'_> {
    fn segment(&self, index: usize) -> Option<Cow<'_, str>> {
        Some(format!("s{index}.m4s").into())
    }

    fn map(&self, index: usize) -> Option<Cow<'_, str>> {
        Some(format!("i{index}.mp4").into())
    }

    fn key(&self, index: usize) -> Option<LocalKey> {
        Some(if self.0.keys()[index].is_identity() {
            LocalKey::Decrypted
        } else {
            LocalKey::Kept
        })
    }
}

const FAIRPLAY: &str = "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://a b/c?d={e}\",IV=0x000000000000000000000000000000AB,KEYFORMAT=\"com.apple.streamingkeydelivery\",KEYFORMATVERSIONS=\"1\"\n";
const WIDEVINE: &str = "#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"data:text/plain;base64,AAAAOHBzc2g=\",KEYFORMAT=\"urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed\",KEYFORMATVERSIONS=\"1\",KEYID=0x0123456789ABCDEF0123456789abcdef\n";

fn lines<'t>(text: &'t str, start: &str) -> Vec<&'t str> {
    text.lines()
        .filter(|line| line.starts_with(start))
        .collect()
}

#[test]
fn keys_of_key_systems_stay_as_they_are() {
    let original = format!(
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:6\n{FAIRPLAY}{WIDEVINE}#EXT-X-MAP:URI=\"i\"\n#EXTINF:6,\na\n#EXTINF:6,\nb\n\
         #EXT-X-KEY:METHOD=NONE\n#EXTINF:6,\nclear\n{WIDEVINE}#EXTINF:6,\nc\n#EXT-X-ENDLIST\n"
    );
    let timeline = timeline(&original);
    let text = timeline.write_local(&Kept(&timeline), true);
    assert_eq!(lines(&text, "#EXT-X-KEY"), lines(&original, "#EXT-X-KEY"));
    assert_eq!(rules(&text), rules(&original));
    assert_eq!(lines(&text, "#EXT-X-GAP").len(), 0);
}

#[test]
fn no_key_of_a_key_system_stands_beside_one_that_has_been_used() {
    let text = format!(
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:6\n{FAIRPLAY}#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n#EXTINF:6,\na\n#EXT-X-ENDLIST\n"
    );
    let timeline = timeline(&text);
    let local = timeline.write_local(&Kept(&timeline), true);
    assert_eq!(lines(&local, "#EXT-X-KEY"), [] as [&str; 0]);
}

#[test]
fn another_key_id_is_another_key() {
    let other = WIDEVINE.replace("0x01", "0x02");
    let text = format!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:6\n{WIDEVINE}#EXTINF:6,\na\n{other}#EXTINF:6,\nb\n#EXT-X-ENDLIST\n"
    );
    let timeline = timeline(&text);
    assert_eq!(timeline.keys().len(), 2);
    let protection = timeline.protection().unwrap();
    assert_eq!(protection.systems, ["Widevine"]);
}

#[test]
fn session_keys_of_key_systems_stay_when_asked_for() {
    let session = FAIRPLAY.replace("#EXT-X-KEY", "#EXT-X-SESSION-KEY");
    let original = format!(
        "#EXTM3U\n#EXT-X-VERSION:5\n{session}#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"k\"\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv.m3u8\n"
    );
    let multivariant = multivariant(&original);
    let mut offered = LocalMultivariant {
        variants: vec![(0, "v/index.m3u8".into())],
        ..LocalMultivariant::default()
    };
    assert_eq!(
        lines(&multivariant.write_local(&offered), "#EXT-X-SESSION-KEY"),
        [] as [&str; 0]
    );
    offered.session_keys = true;
    let text = multivariant.write_local(&offered);
    assert_eq!(lines(&text, "#EXT-X-SESSION-KEY"), [session.trim_end()]);
    assert!(text.contains("#EXT-X-VERSION:5\n"), "{text}");
}
