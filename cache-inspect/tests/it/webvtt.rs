//! WebVTT: the time map and the cues.

use std::time::Duration;

use cache_inspect::media::ProblemKind;
use cache_inspect::media::webvtt::WebVtt;
use proptest::prelude::*;

fn read(text: &str) -> WebVtt {
    WebVtt::read(text.as_bytes())
}

#[test]
fn a_time_map_in_any_order_and_with_any_line_ends() {
    for text in [
        "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:01:00.000,MPEGTS:900000\n\n01:01.000 --> 01:02.500 align:start\nHi\n",
        "WEBVTT title\r\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:01:00.000\r\n\r\n1\r\n00:01:01.000 --> 00:01:02.500\r\nHi\r\n",
        "WEBVTT\rX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:01:00.000\r\r01:01.000 --> 01:02.500\rHi\r",
        "\u{feff}WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:900000, LOCAL:00:01:00.000\n\nNOTE a note\n\n01:01.000-->01:02.500\nHi",
    ] {
        let found = read(text);
        assert_eq!(found.problems, [], "{text:?}");
        assert_eq!(found.cues, 1, "{text:?}");
        let (first, last) = (found.first.unwrap(), found.last.unwrap());
        assert_eq!(found.media_time(first), Duration::from_secs(11), "{text:?}");
        assert_eq!(last, first + Duration::from_millis(1_500), "{text:?}");
    }
}

#[test]
fn a_map_below_the_header_is_text() {
    let found = read(
        "WEBVTT\n\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:900000\n00:01.000 --> 00:02.000\n",
    );
    assert_eq!((found.time_map, found.cues), (None, 1));
}

#[test]
fn times_before_the_map_go_around_the_clock() {
    let found =
        read("WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:10.000,MPEGTS:0\n\n00:09.000 --> 00:11.000\nHi\n");
    let start = found.media_time(found.first.unwrap());
    assert_eq!(start.as_millis(), 95_443_717 - 1_000);
}

#[test]
fn what_cannot_be_read_has_its_place() {
    let found = read(
        "WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:1\n\n00:01.00 --> 00:02.000\nHi\n\n00:05.000 --> 00:04.000\n",
    );
    let places: Vec<_> = (found.problems.iter())
        .map(|problem| (problem.kind, problem.offset))
        .collect();
    let at = |place| (ProblemKind::Damaged, Some(place));
    assert_eq!(places, [at(7), at(33), at(60)]);

    let cut = WebVtt::read(&"WEBVTT\n\n00:01.000 --> 00:02.000\n日".as_bytes()[..33]);
    assert_eq!(cut.problems[0].kind, ProblemKind::Truncated);
    let damaged = WebVtt::read(b"WEBVTT\n\n00:01.000 --> 00:02.000\n\xff\xff");
    assert_eq!(damaged.problems[0].kind, ProblemKind::Damaged);
}

proptest! {
    #[test]
    fn any_text_is_read(text in "WEBVTT\n(X-TIMESTAMP-MAP=[LOCALMPEGTS:,0-9.]{0,40})?\n[0-9:.> \n-]{0,80}") {
        let found = read(&text);
        if let (Some(first), Some(last)) = (found.first, found.last) {
            prop_assert!(first <= last);
            found.media_time(first);
        }
    }
}
