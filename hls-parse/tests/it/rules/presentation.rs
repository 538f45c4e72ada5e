//! Media Playlists of one Multivariant Playlist.

use hls_parse::{Context, Finding, PresentationMember, Rule};

use crate::{media, multivariant_playlist};

/// A rule, in which playlist it is found, the first Media Playlist, a second one that breaks it, and one that does not.
type Case = (
    Rule,
    Option<usize>,
    &'static str,
    &'static str,
    &'static str,
);

const OUTER: &str = "#EXTM3U
#EXT-X-VERSION:13
#EXT-X-START:TIME-OFFSET=1
#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"key\"
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"n\",URI=\"text.m3u8\"
#EXT-X-STREAM-INF:BANDWIDTH=1,SUBTITLES=\"s\"
a.m3u8
#EXT-X-STREAM-INF:BANDWIDTH=2,SUBTITLES=\"s\"
b.m3u8
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"i.m3u8\"
";

const TWO: &str = "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n#EXTINF:6,\n1\n#EXT-X-DISCONTINUITY\n#EXTINF:6,\n2";
const RANGE: &str = "#EXT-X-DATERANGE:ID=\"r\",START-DATE=\"2026-01-01T00:00:00Z\"";

pub(super) const CASES: &[Case] = &[
    (
        Rule::RenditionReports,
        Some(1),
        "#EXTINF:1,\n1",
        "#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-RENDITION-REPORT:URI=\"c.m3u8\"",
        "#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-RENDITION-REPORT:URI=\"a.m3u8?_HLS_msn=3\"",
    ),
    (
        Rule::RenditionReports,
        Some(1),
        "#EXTINF:1,\n1",
        "#EXT-X-PART-INF:PART-TARGET=1",
        "#EXT-X-PART-INF:PART-TARGET=1\n#EXT-X-ENDLIST",
    ),
    (
        Rule::SessionKey,
        Some(1),
        "",
        "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"key\"",
        "#EXT-X-KEY:METHOD=AES-128,URI=\"key\",IV=0x00000000000000000000000000000001\n#EXT-X-KEY:METHOD=NONE",
    ),
    (
        Rule::SessionKey,
        Some(1),
        "",
        "#EXT-X-DEFINE:NAME=\"k\",VALUE=\"key\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"{$k}\",KEYFORMATVERSIONS=\"2\"",
        "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"other\"",
    ),
    (
        Rule::SameTargetDuration,
        Some(1),
        "",
        "#EXT-X-TARGETDURATION:7",
        "",
    ),
    (
        Rule::SamePlaylistType,
        Some(1),
        "",
        "#EXT-X-PLAYLIST-TYPE:EVENT",
        "",
    ),
    (
        Rule::SamePlaylistType,
        Some(1),
        "#EXT-X-PLAYLIST-TYPE:EVENT",
        "",
        "#EXT-X-PLAYLIST-TYPE:EVENT",
    ),
    (Rule::DatesEverywhere, Some(1), TWO, "#EXTINF:6,\n1", TWO),
    (
        Rule::SameServerControl,
        Some(1),
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES",
        "",
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES",
    ),
    (
        Rule::SameServerControl,
        Some(1),
        "#EXT-X-SERVER-CONTROL:HOLD-BACK=18,CAN-BLOCK-RELOAD=YES",
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES",
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,HOLD-BACK=18",
    ),
    (
        Rule::SameDateRanges,
        Some(1),
        RANGE,
        "#EXT-X-DATERANGE:ID=\"q\",START-DATE=\"2026-01-01T00:00:00Z\"",
        RANGE,
    ),
    (
        Rule::SameDateRanges,
        Some(1),
        RANGE,
        "#EXT-X-DATERANGE:ID=\"r\",START-DATE=\"2026-01-01T00:00:00Z\",DURATION=1",
        "",
    ),
    (
        Rule::SameDiscontinuities,
        Some(1),
        "#EXTINF:6,\n1\n#EXT-X-DISCONTINUITY\n#EXTINF:6,\n2\n#EXT-X-ENDLIST",
        "#EXTINF:6,\n1\n#EXTINF:6,\n2\n#EXT-X-ENDLIST",
        "#EXTINF:3,\n1\n#EXTINF:3,\n2\n#EXT-X-DISCONTINUITY\n#EXTINF:6,\n3\n#EXT-X-ENDLIST",
    ),
    (
        Rule::SameDiscontinuities,
        Some(1),
        TWO,
        "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n#EXTINF:6,\n1\n#EXTINF:6,\n2\n#EXTINF:6,\n3\n#EXT-X-DISCONTINUITY\n#EXTINF:6,\n4",
        "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:03Z\n#EXTINF:5,\n1\n#EXT-X-DISCONTINUITY\n#EXTINF:6,\n2",
    ),
    (
        Rule::SameStart,
        Some(1),
        "",
        "#EXT-X-START:TIME-OFFSET=2",
        "#EXT-X-START:TIME-OFFSET=1",
    ),
];

/// Checks with a second Media Playlist of that name.
fn check(name: &str, first: &str, second: &str) -> Vec<Finding> {
    let outer = multivariant_playlist(OUTER);
    let at = |name: &str| Context::new(format!("https://h/{name}").parse().unwrap());
    let playlist = |body: &str| {
        let target = if body.contains("TARGETDURATION") {
            ""
        } else {
            "#EXT-X-TARGETDURATION:6\n"
        };
        media(&format!("#EXTM3U\n#EXT-X-VERSION:13\n{target}{body}\n"))
    };
    let (a, b) = (at("a.m3u8"), at(name));
    let (first, second) = (playlist(first), playlist(second));
    let members = [
        PresentationMember {
            url: a.url(),
            context: &a,
            playlist: &first,
        },
        PresentationMember {
            url: b.url(),
            context: &b,
            playlist: &second,
        },
    ];
    outer
        .check_presentation(&at("index.m3u8"), &members)
        .unwrap()
}

fn rules(found: &[Finding]) -> Vec<(Option<usize>, Rule)> {
    found
        .iter()
        .map(|found| (found.member, found.diagnostic.rule))
        .collect()
}

#[test]
fn each_rule_is_reported_where_it_is_broken_and_only_there() {
    for (rule, member, first, bad, good) in CASES {
        let reported = rules(&check("b.m3u8", first, bad));
        assert_eq!(reported, [(*member, *rule)], "{first:?} with {bad:?}");
        let reported = rules(&check("b.m3u8", first, good));
        assert_eq!(reported, [], "{first:?} with {good:?}");
    }
}

#[test]
fn i_frames_only_is_in_what_an_i_frame_variant_names() {
    let bad = check("i.m3u8", "", "");
    assert_eq!(rules(&bad), [(None, Rule::IFrameStreamInf)]);
    assert_eq!(bad[0].diagnostic.line, 10);
    assert_eq!(check("i.m3u8", "", "#EXT-X-I-FRAMES-ONLY"), []);
}

#[test]
fn subtitles_and_i_frames_on_demand_may_have_another_target_duration() {
    let first = "#EXT-X-PLAYLIST-TYPE:VOD";
    let text = "#EXT-X-PLAYLIST-TYPE:VOD\n#EXT-X-TARGETDURATION:60";
    assert_eq!(check("text.m3u8", first, text), []);
    let i_frames = format!("{text}\n#EXT-X-I-FRAMES-ONLY");
    assert_eq!(check("i.m3u8", first, &i_frames), []);
    let found = check("b.m3u8", first, text);
    assert_eq!(rules(&found), [(Some(1), Rule::SameTargetDuration)]);
    let live = "#EXT-X-TARGETDURATION:60";
    let found = check("text.m3u8", "", live);
    assert_eq!(rules(&found), [(Some(1), Rule::SameTargetDuration)]);
}
