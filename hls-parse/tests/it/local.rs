//! Localized playlists.

use std::borrow::Cow;
use std::collections::HashSet;

use hls_parse::{DateRange, LocalKey, LocalMedia, LocalMultivariant};

use crate::{multivariant, rules, timeline};

#[derive(Default)]
pub(crate) struct Files {
    pub(crate) missing_segments: HashSet<usize>,
    pub(crate) missing_keys: HashSet<usize>,
    pub(crate) missing_maps: HashSet<usize>,
    pub(crate) decrypted: bool,
    /// What interstitials play.
    pub(crate) asset: Option<String>,
}

impl LocalMedia for Files {
    fn segment(&self, index: usize) -> Option<Cow<'_, str>> {
        (!self.missing_segments.contains(&index)).then(|| format!("s{index}.ts").into())
    }

    fn map(&self, index: usize) -> Option<Cow<'_, str>> {
        (!self.missing_maps.contains(&index)).then(|| format!("i{index}.mp4").into())
    }

    fn key(&self, index: usize) -> Option<LocalKey> {
        if self.decrypted {
            return Some(LocalKey::Decrypted);
        }
        (!self.missing_keys.contains(&index)).then(|| LocalKey::At(format!("k{index}.key")))
    }

    fn interstitial(&self, _range: &DateRange) -> Option<Cow<'_, str>> {
        self.asset.as_deref().map(Cow::Borrowed)
    }
}

const TEXT: &str = concat!(
    "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:60\n#EXT-X-MEDIA-SEQUENCE:5\n#EXT-X-DISCONTINUITY-SEQUENCE:2\n#EXT-X-PART-INF:PART-TARGET=1\n",
    "#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x1\n#EXT-X-MAP:URI=\"all\",BYTERANGE=\"10@0\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n",
    "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n#EXTINF:6.006,<b>title\n#EXT-X-BYTERANGE:5@10\nall\n",
    "#EXT-X-PART:URI=\"p\",DURATION=1\n#EXTINF:6.5,\n#EXT-X-BYTERANGE:5\nall\n",
    "#EXT-X-KEY:METHOD=NONE\n#EXT-X-DISCONTINUITY\n#EXT-X-GAP\n#EXTINF:6,\ngone\n",
    "#EXTINF:6,\nlast\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"p\"\n",
);

#[test]
fn a_media_playlist_is_written_in_legal_order() {
    let text = timeline(TEXT).write_local(&Files::default(), true);
    let expected = concat!(
        "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-TARGETDURATION:7\n#EXT-X-MEDIA-SEQUENCE:5\n#EXT-X-DISCONTINUITY-SEQUENCE:2\n#EXT-X-PLAYLIST-TYPE:VOD\n",
        "#EXT-X-KEY:METHOD=AES-128,URI=\"k0.key\",IV=0x00000000000000000000000000000001\n#EXT-X-MAP:URI=\"i0.mp4\"\n",
        "#EXT-X-KEY:METHOD=AES-128,URI=\"k1.key\",IV=0x00000000000000000000000000000005\n",
        "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.000000000Z\n#EXTINF:6.006,\ns0.ts\n",
        "#EXT-X-KEY:METHOD=AES-128,URI=\"k1.key\",IV=0x00000000000000000000000000000006\n#EXTINF:6.5,\ns1.ts\n",
        "#EXT-X-DISCONTINUITY\n#EXT-X-GAP\n#EXTINF:6,\ngap-7\n",
        "#EXT-X-KEY:METHOD=NONE\n#EXTINF:6,\ns3.ts\n#EXT-X-ENDLIST\n",
    );
    assert_eq!(text, expected);
    assert_eq!(rules(&text), Vec::<String>::new());
}

#[test]
fn without_keys_when_the_bytes_are_clear() {
    let files = Files {
        decrypted: true,
        ..Files::default()
    };
    let text = timeline(TEXT).write_local(&files, false);
    assert!(!text.contains("EXT-X-KEY"), "{text}");
    assert!(text.contains("#EXT-X-PLAYLIST-TYPE:EVENT\n") && !text.contains("ENDLIST"));
}

#[test]
fn what_is_not_there_is_a_gap() {
    let gaps = |files: &Files| {
        timeline(TEXT)
            .write_local(files, true)
            .matches("#EXT-X-GAP\n")
            .count()
    };
    assert_eq!(gaps(&Files::default()), 1);
    let segments = Files {
        missing_segments: HashSet::from([3]),
        ..Files::default()
    };
    assert_eq!(gaps(&segments), 2);
    let keys = Files {
        missing_keys: HashSet::from([1]),
        ..Files::default()
    };
    assert_eq!(gaps(&keys), 3);
    let maps = Files {
        missing_maps: HashSet::from([0]),
        ..Files::default()
    };
    assert_eq!(gaps(&maps), 4);
}

const OUTER: &str = concat!(
    "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-DEFINE:NAME=\"q\",VALUE=\"x\"\n#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"k\"\n",
    "#EXT-X-SESSION-DATA:DATA-ID=\"d\",VALUE=\"v\"\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"s\"\n",
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"English {$q}\",LANGUAGE=\"en\",DEFAULT=YES,URI=\"en\"\n",
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Deutsch\",LANGUAGE=\"de\",URI=\"de\"\n",
    "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"Deutsch\",FORCED=YES,URI=\"sd\"\n",
    "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"c\",NAME=\"CC\",INSTREAM-ID=\"CC1\"\n",
    "#EXT-X-STREAM-INF:BANDWIDTH=9,CODECS=\"avc1.64001f,mp4a.40.2\",AUDIO=\"a\",SUBTITLES=\"s\",CLOSED-CAPTIONS=\"c\"\nv\n",
    "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.64001f\",RESOLUTION=640x360,VIDEO-RANGE=PQ,VIDEO=\"x\",URI=\"i\"\n",
);

#[test]
fn a_multivariant_playlist_offers_what_is_there() {
    let resolved = multivariant(OUTER);
    let offered = LocalMultivariant {
        variants: vec![(0, "v0/media.m3u8".into()), (7, "nowhere".into())],
        renditions: vec![
            (1, Some("r1\".m3u8".into())),
            (2, Some("r2.m3u8".into())),
            (1, Some("again".into())),
        ],
        i_frame_variants: vec![(0, "i0.m3u8".into()), (3, "nowhere".into())],
        ..LocalMultivariant::default()
    };
    let text = resolved.write_local(&offered);
    let expected = concat!(
        "#EXTM3U\n#EXT-X-INDEPENDENT-SEGMENTS\n",
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Deutsch\",LANGUAGE=\"de\",DEFAULT=YES,AUTOSELECT=YES,URI=\"r1%22.m3u8\"\n",
        "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"Deutsch\",DEFAULT=NO,AUTOSELECT=NO,FORCED=YES,URI=\"r2.m3u8\"\n",
        "#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"c\",NAME=\"CC\",DEFAULT=NO,AUTOSELECT=NO,INSTREAM-ID=\"CC1\"\n",
        "#EXT-X-STREAM-INF:BANDWIDTH=9,CODECS=\"avc1.64001f,mp4a.40.2\",AUDIO=\"a\",SUBTITLES=\"s\",CLOSED-CAPTIONS=\"c\"\nv0/media.m3u8\n",
        "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,CODECS=\"avc1.64001f\",RESOLUTION=640x360,VIDEO-RANGE=PQ,URI=\"i0.m3u8\"\n",
    );
    assert_eq!(text, expected);
    assert_eq!(rules(&text), Vec::<String>::new());
}

#[test]
fn groups_without_members_are_not_named() {
    let offered = LocalMultivariant {
        variants: vec![(0, "#v.m3u8".into())],
        ..LocalMultivariant::default()
    };
    let text = multivariant(OUTER).write_local(&offered);
    assert!(text.ends_with("#EXT-X-STREAM-INF:BANDWIDTH=9,CODECS=\"avc1.64001f\",CLOSED-CAPTIONS=\"c\"\n%23v.m3u8\n"), "{text}");
}

#[test]
fn values_from_a_server_stay_inside_their_quotes() {
    let text = "#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM=\"token\"\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=a,NAME=x\"y\tz,LANGUAGE=\"{$token}\"\n#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\",HDCP-LEVEL=A B;C\nv\n";
    let offered = LocalMultivariant {
        variants: vec![(0, "v\nx".into())],
        renditions: vec![(0, None)],
        ..LocalMultivariant::default()
    };
    let text = multivariant(text).write_local(&offered);
    assert!(text.contains("NAME=\"x'y z\""), "{text}");
    assert!(
        text.ends_with("#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"a\"\nv%0Ax\n"),
        "{text}"
    );
}
