//! What a server may change between two copies.

use hls_parse::{MediaPlaylist, Rule};

use crate::media;

/// A rule, the copy before, a copy after that breaks it, and one that does not.
pub(super) type Case = (Rule, &'static str, &'static str, &'static str);

const LIVE: &str = "#EXT-X-MEDIA-SEQUENCE:5\n#EXTINF:6,\na\n#EXTINF:6,\nb\n#EXT-X-DISCONTINUITY\n#EXTINF:6,\nc\n#EXTINF:6,\nd";
const NEXT: &str = "#EXT-X-MEDIA-SEQUENCE:6\n#EXTINF:6,\nb\n#EXT-X-DISCONTINUITY\n#EXTINF:6,\nc\n#EXTINF:6,\nd\n#EXTINF:6,\ne";
const DATED: &str = "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n#EXTINF:6,\na\n#EXTINF:6,\nb\n#EXTINF:6,\nc\n#EXTINF:6,\nd\n#EXT-X-DATERANGE:ID=\"r\",START-DATE=\"2026-01-01T00:00:01Z\",DURATION=6";

pub(super) const CASES: &[Case] = &[
    (
        Rule::TargetDurationChange,
        "#EXTINF:1,\na",
        "#EXT-X-TARGETDURATION:7\n#EXTINF:1,\na",
        "#EXTINF:1,\na\n#EXTINF:1,\nb",
    ),
    (
        Rule::PlaylistTypeChange,
        "#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:1,\na",
        "#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:1,\na\n#EXTINF:1,\nb",
        "#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:1,\na",
    ),
    (
        Rule::PlaylistTypeChange,
        "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXTINF:6,\na\n#EXTINF:6,\nb\n#EXTINF:6,\nc\n#EXTINF:6,\nd",
        "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:6,\nb\n#EXTINF:6,\nc\n#EXTINF:6,\nd",
        "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXTINF:6,\na\n#EXTINF:6,\nb\n#EXTINF:6,\nc\n#EXTINF:6,\nd\n#EXT-X-ENDLIST",
    ),
    (
        Rule::PlaylistTypeChange,
        "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXTINF:6,\na",
        "#EXTINF:6,\na",
        "#EXT-X-PLAYLIST-TYPE:VOD\n#EXTINF:6,\na\n#EXT-X-ENDLIST",
    ),
    (
        Rule::MediaSequenceChange,
        LIVE,
        "#EXT-X-MEDIA-SEQUENCE:4\n#EXTINF:6,\na",
        NEXT,
    ),
    (
        Rule::MediaSequenceChange,
        LIVE,
        "#EXT-X-MEDIA-SEQUENCE:5\n#EXTINF:6,\nb\n#EXT-X-DISCONTINUITY\n#EXTINF:6,\nc\n#EXTINF:6,\nd",
        LIVE,
    ),
    (
        Rule::MediaSequenceChange,
        "#EXTINF:6,\na\n#EXTINF:6,\nb\n#EXTINF:6,\nc\n#EXTINF:6,\nd",
        "#EXTINF:6,\nb\n#EXTINF:6,\nc\n#EXTINF:6,\nd\n#EXTINF:6,\ne",
        "#EXTINF:6,\na\n#EXTINF:6,\nb\n#EXTINF:6,\nc\n#EXTINF:6,\nd\n#EXTINF:6,\ne",
    ),
    (
        Rule::DiscontinuitySequenceChange,
        LIVE,
        "#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:6,\nc\n#EXTINF:6,\nd\n#EXTINF:6,\ne",
        "#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-DISCONTINUITY-SEQUENCE:1\n#EXTINF:6,\nc\n#EXTINF:6,\nd\n#EXTINF:6,\ne",
    ),
    (
        Rule::DiscontinuitySequenceChange,
        LIVE,
        "#EXT-X-MEDIA-SEQUENCE:8\n#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n#EXTINF:6,\ne\n#EXTINF:6,\nf",
        "#EXT-X-MEDIA-SEQUENCE:8\n#EXT-X-DISCONTINUITY-SEQUENCE:1\n#EXT-X-SKIP:SKIPPED-SEGMENTS=1\n#EXTINF:6,\ne\n#EXTINF:6,\nf",
    ),
    (
        Rule::SegmentChange,
        "#EXTINF:6,\na\n#EXTINF:6,\nb",
        "#EXTINF:6,\na\n#EXTINF:6,\nx",
        "#EXTINF:6,\na\n#EXTINF:6,\nb\n#EXTINF:6,\nx",
    ),
    (
        Rule::SegmentChange,
        "#EXTINF:6,\n#EXT-X-BYTERANGE:5@0\na\n#EXTINF:6,\n#EXT-X-BYTERANGE:5\na",
        "#EXTINF:6,\n#EXT-X-BYTERANGE:5@0\na\n#EXTINF:6,\n#EXT-X-BYTERANGE:6@5\na",
        "#EXTINF:6,\n#EXT-X-BYTERANGE:5@0\na\n#EXTINF:6,\n#EXT-X-BYTERANGE:5@5\na",
    ),
    (
        Rule::Removal,
        "#EXTINF:6,\na\n#EXTINF:6,\nb\n#EXTINF:6,\nc\n#EXTINF:6,\nd",
        "#EXTINF:6,\na\n#EXTINF:6,\nc\n#EXTINF:6,\nd\n#EXTINF:6,\ne",
        "#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:6,\nb\n#EXTINF:6,\nc\n#EXTINF:6,\nd\n#EXTINF:6,\ne",
    ),
    (
        Rule::Removal,
        "#EXTINF:6,\na\n#EXTINF:6,\nb",
        "#EXTINF:6,\na",
        "#EXTINF:6,\na\n#EXTINF:6,\nb\n#EXT-X-ENDLIST",
    ),
    (
        Rule::Removal,
        "#EXTINF:6,\na\n#EXTINF:6,\nb\n#EXTINF:6,\nc",
        "#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:6,\nb\n#EXTINF:6,\nc",
        "#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:6,\nb\n#EXTINF:6,\nc\n#EXT-X-ENDLIST",
    ),
    (
        Rule::Removal,
        "#EXTINF:6,\na\n#EXTINF:6,\nb\n#EXTINF:6,\nc\n#EXTINF:6,\nd",
        "#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-SKIP:SKIPPED-SEGMENTS=2\n#EXTINF:5,\nd",
        "#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-SKIP:SKIPPED-SEGMENTS=2\n#EXTINF:6,\nd",
    ),
    (
        Rule::Removal,
        LIVE,
        "#EXT-X-PLAYLIST-TYPE:EVENT\n#EXT-X-MEDIA-SEQUENCE:6\n#EXTINF:6,\nb\n#EXT-X-DISCONTINUITY\n#EXTINF:6,\nc\n#EXTINF:6,\nd",
        NEXT,
    ),
    (
        Rule::Removal,
        "#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:6,\na\n#EXTINF:6,\nb\n#EXTINF:6,\nc\n#EXTINF:6,\nd",
        "#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:6,\nb\n#EXTINF:6,\nc\n#EXTINF:6,\nd",
        "#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXTINF:6,\nb\n#EXTINF:6,\nc\n#EXTINF:6,\nd",
    ),
    (
        Rule::Removal,
        "#EXT-X-PART:URI=\"1\",DURATION=1\n#EXT-X-PART:URI=\"2\",DURATION=1\n#EXTINF:6,\na\n#EXT-X-PART:URI=\"3\",DURATION=1",
        "#EXT-X-PART:URI=\"1\",DURATION=1\n#EXTINF:6,\na\n#EXT-X-PART:URI=\"3\",DURATION=1",
        "#EXT-X-PART:URI=\"2\",DURATION=1\n#EXTINF:6,\na\n#EXT-X-PART:URI=\"3\",DURATION=1\n#EXT-X-PART:URI=\"4\",DURATION=1",
    ),
    (
        Rule::Removal,
        "#EXT-X-PART:URI=\"1\",DURATION=1\n#EXTINF:6,\na\n#EXT-X-PART:URI=\"2\",DURATION=1",
        "#EXT-X-PART:URI=\"1\",DURATION=1\n#EXTINF:6,\na",
        "#EXTINF:6,\na\n#EXT-X-PART:URI=\"2\",DURATION=1",
    ),
    (
        Rule::DateRangeChange,
        DATED,
        "#EXT-X-MEDIA-SEQUENCE:1\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:06Z\n#EXTINF:6,\nb\n#EXTINF:6,\nc\n#EXTINF:6,\nd",
        "#EXT-X-MEDIA-SEQUENCE:2\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:12Z\n#EXTINF:6,\nc\n#EXTINF:6,\nd\n#EXTINF:6,\ne",
    ),
    (
        Rule::DateRangeChange,
        DATED,
        "#EXT-X-SKIP:SKIPPED-SEGMENTS=3,RECENTLY-REMOVED-DATERANGES=\"q\tr\"\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:18Z\n#EXTINF:6,\nd",
        "#EXT-X-SKIP:SKIPPED-SEGMENTS=3,RECENTLY-REMOVED-DATERANGES=\"q\"\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:18Z\n#EXTINF:6,\nd",
    ),
    (
        Rule::DateRangeChange,
        "#EXT-X-DATERANGE:ID=\"r\",START-DATE=\"2026-01-01T00:00:01Z\"",
        "#EXT-X-DATERANGE:ID=\"r\",START-DATE=\"2026-01-01T00:00:02Z\"",
        "#EXT-X-DATERANGE:ID=\"r\",START-DATE=\"2026-01-01T00:00:01Z\",DURATION=1",
    ),
];

fn copy(body: &str) -> MediaPlaylist {
    let target = if body.contains("TARGETDURATION") {
        ""
    } else {
        "#EXT-X-TARGETDURATION:6\n"
    };
    media(&format!("#EXTM3U\n#EXT-X-VERSION:13\n{target}{body}\n"))
}

fn found(before: &str, after: &str) -> Vec<Rule> {
    let found = copy(after).check_update(&copy(before));
    found.iter().map(|found| found.rule).collect()
}

#[test]
fn each_rule_is_reported_where_it_is_broken_and_only_there() {
    for (rule, before, bad, good) in CASES {
        let reported = found(before, bad);
        assert!(
            reported.contains(rule),
            "{rule:?} not in {reported:?} of {before:?} then {bad:?}"
        );
        assert_eq!(found(before, good), [], "{before:?} then {good:?}");
    }
}

#[test]
fn a_copy_is_a_legal_update_of_itself() {
    for (_, before, bad, good) in CASES {
        for body in [before, bad, good] {
            assert_eq!(found(body, body), [], "{body:?}");
        }
    }
}

#[test]
fn repeated_segments_do_not_confuse() {
    let before = "#EXTINF:6,\nad\n#EXTINF:6,\nad\n#EXTINF:6,\nad\n#EXTINF:6,\na";
    let after =
        "#EXT-X-MEDIA-SEQUENCE:1\n#EXTINF:6,\nad\n#EXTINF:6,\nad\n#EXTINF:6,\na\n#EXTINF:6,\nad";
    assert_eq!(found(before, after), []);
}

#[test]
fn numbers_at_the_end_of_their_range_are_survived() {
    let body =
        "#EXT-X-MEDIA-SEQUENCE:18446744073709551615\n#EXTINF:6,\na\n#EXTINF:6,\nb\n#EXTINF:6,\nc";
    assert_eq!(found(body, body), []);
    let repeated = "#EXT-X-MEDIA-SEQUENCE:18446744073709551615\n#EXTINF:6,\na\n#EXTINF:6,\na";
    assert_eq!(found(repeated, repeated), []);
    let skip = "#EXT-X-MEDIA-SEQUENCE:18446744073709551615\n#EXT-X-SKIP:SKIPPED-SEGMENTS=18446744073709551615\n#EXTINF:6,\na\n#EXTINF:6,\nb";
    found(skip, skip);
    found(body, skip);
}
