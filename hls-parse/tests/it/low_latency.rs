//! Partial segments, hints, reports and what is known of the next segment.

use std::time::Duration;

use hls_parse::{ByteRange, ErrorKind, HintKind};

use crate::{resolved, timeline};

const LIVE: &str = concat!(
    "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:4\n#EXT-X-PART-INF:PART-TARGET=1.002\n",
    "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=3.1,CAN-SKIP-UNTIL=24,CAN-SKIP-DATERANGES=YES\n",
    "#EXT-X-MEDIA-SEQUENCE:266\n#EXT-X-MAP:URI=\"init\"\n",
    "#EXT-X-PROGRAM-DATE-TIME:2026-02-14T02:13:36.106Z\n#EXTINF:4.00008,\nfile266.mp4\n",
    "#EXT-X-PART:DURATION=2,URI=\"file267.mp4\",BYTERANGE=\"100@0\",INDEPENDENT=YES\n",
    "#EXT-X-PART:DURATION=2,URI=\"./file267.mp4\",BYTERANGE=\"50\"\n",
    "#EXTINF:4,\nfile267.mp4\n",
    "#EXT-X-DISCONTINUITY\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXT-X-MAP:URI=\"init2\"\n#EXT-X-PROGRAM-DATE-TIME:2026-02-14T03:00:00Z\n",
    "#EXT-X-PART:DURATION=1.00001,URI=\"part268.0\"\n#EXT-X-PART:DURATION=1,URI=\"part268.1\",GAP=YES\n#EXT-X-PART:DURATION=1\n",
    "#EXT-X-PRELOAD-HINT:TYPE=UNKNOWN,URI=\"x\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"part268.2\",BYTERANGE-START=7\n",
    "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"later\"\n#EXT-X-PRELOAD-HINT:TYPE=MAP,URI=\"init3\",BYTERANGE-LENGTH=9\n",
    "#EXT-X-RENDITION-REPORT:URI=\"../1M/waitForMSN.php\",LAST-MSN=273,LAST-PART=2\n#EXT-X-RENDITION-REPORT:URI=\"../4M/waitForMSN.php\"\n",
);

#[test]
fn parts_belong_to_their_segment() {
    let timeline = timeline(LIVE);
    assert_eq!(timeline.segments().len(), 2);
    assert_eq!(timeline.segment_parts(0), 0..0);
    assert_eq!(timeline.segment_parts(1), 0..2);
    assert_eq!(timeline.unfinished_parts(), 2..4);
    let parts: Vec<_> = timeline.parts().iter().collect();
    let range = |start, length| Some(ByteRange { start, length });
    assert_eq!(
        (parts[0].byte_range, parts[1].byte_range),
        (range(0, 100), range(100, 50))
    );
    assert_eq!((parts[0].independent, parts[1].independent), (true, false));
    assert_eq!(
        parts
            .iter()
            .map(|part| (part.media_sequence_number, part.index, part.gap))
            .collect::<Vec<_>>(),
        [
            (267, 0, false),
            (267, 1, false),
            (268, 0, false),
            (268, 1, true)
        ]
    );
    assert_eq!(
        parts
            .iter()
            .map(|part| part.start.as_nanos())
            .collect::<Vec<_>>(),
        [4_000_080_000, 6_000_080_000, 8_000_080_000, 9_000_090_000]
    );
    assert_eq!((parts[1].map, parts[2].map), (Some(0), Some(1)));
    assert_eq!(
        timeline.part_url(1).as_str(),
        "https://example.com/film/file267.mp4"
    );
    assert_eq!(
        (timeline.part_keys(1).len(), timeline.part_keys(2)),
        (0, &[0][..])
    );
    assert_eq!(timeline.part_iv(2, 0).map(u128::from_be_bytes), Some(268));
    assert_eq!(timeline.last_position(), Some((268, Some(1))));
}

#[test]
fn the_segment_to_come_is_known_as_far_as_it_is_said() {
    let timeline = timeline(LIVE);
    let pending = timeline.pending();
    assert_eq!(
        (pending.media_sequence_number, pending.discontinuity_number),
        (268, 1)
    );
    assert!(pending.discontinuity && pending.has_stated_date && !pending.gap);
    assert_eq!(pending.start, timeline.duration());
    assert_eq!(
        pending.program_date_time,
        "2026-02-14T03:00:00Z".parse().ok()
    );
    assert_eq!((pending.map, timeline.pending_keys()), (Some(1), &[0][..]));
}

#[test]
fn the_first_hint_of_a_kind_counts_until_the_end() {
    let timeline = timeline(LIVE);
    let hints = timeline.preload_hints();
    assert_eq!(hints.len(), 2);
    assert_eq!(
        (hints[0].kind, hints[0].start, hints[0].length),
        (HintKind::Part, 7, None)
    );
    assert!(hints[0].url.path().ends_with("/part268.2"));
    assert_eq!(
        (hints[1].kind, hints[1].start, hints[1].length),
        (HintKind::Map, 0, Some(9))
    );
    let ended = resolved(&format!("{LIVE}#EXT-X-ENDLIST\n")).unwrap();
    assert_eq!(ended.preload_hints(), []);
}

#[test]
fn reports_inherit_what_they_leave_out() {
    let timeline = timeline(LIVE);
    let reports: Vec<_> = timeline
        .rendition_reports()
        .iter()
        .map(|report| {
            (
                report.url.as_str(),
                report.last_media_sequence_number,
                report.last_part,
            )
        })
        .collect();
    assert_eq!(
        reports,
        [
            ("https://example.com/1M/waitForMSN.php", 273, Some(2)),
            ("https://example.com/4M/waitForMSN.php", 268, Some(1)),
        ]
    );
}

#[test]
fn what_the_server_can_do() {
    let live = timeline(LIVE);
    let control = live.server_control();
    assert!(control.can_block_reload && control.can_skip_date_ranges);
    assert_eq!(control.can_skip_until, Some(Duration::from_secs(24)));
    assert_eq!(live.part_target(), Some(Duration::from_millis(1002)));
    assert_eq!(live.hold_back(), Duration::from_secs(12));
    assert_eq!(live.part_hold_back(), Some(Duration::from_millis(3100)));
    let plain = timeline("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\na\n");
    assert_eq!(
        (plain.part_hold_back(), plain.last_position()),
        (None, Some((0, None)))
    );
    assert!(!plain.server_control().can_block_reload);
}

#[test]
fn places_and_dates_go_both_ways() {
    let timeline = timeline(concat!(
        "#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n#EXTINF:4,\na\n#EXTINF:4,\nb\n",
        "#EXT-X-DISCONTINUITY\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:07.5Z\n#EXTINF:4,\nc\n",
    ));
    let date = |text: &str| text.parse::<jiff::Timestamp>().unwrap();
    let time = Duration::from_millis;
    assert_eq!(
        timeline.date_at(time(5000)),
        Some(date("2026-01-01T00:00:05Z"))
    );
    assert_eq!(
        timeline.date_at(time(8000)),
        Some(date("2026-01-01T00:00:07.5Z"))
    );
    assert_eq!(
        timeline.date_at(time(12000)),
        Some(date("2026-01-01T00:00:11.5Z"))
    );
    assert_eq!(timeline.date_at(time(12001)), None);
    assert_eq!(
        timeline.time_at(date("2026-01-01T00:00:05Z")),
        Some(time(5000))
    );
    assert_eq!(
        timeline.time_at(date("2026-01-01T00:00:07.75Z")),
        Some(time(8250))
    );
    assert_eq!(timeline.time_at(date("2026-01-01T00:00:11.5Z")), None);
    assert_eq!(timeline.time_at(date("2025-12-31T23:59:59Z")), None);
}

#[test]
fn part_ranges_do_not_cross_segments() {
    for text in [
        "#EXTM3U\n#EXT-X-PART:DURATION=1,URI=\"a\",BYTERANGE=\"5\"\n",
        "#EXTM3U\n#EXT-X-PART:DURATION=1,URI=\"a\",BYTERANGE=\"5@0\"\n#EXTINF:1,\na\n#EXT-X-PART:DURATION=1,URI=\"a\",BYTERANGE=\"5\"\n",
        "#EXTM3U\n#EXT-X-PART:DURATION=1,URI=\"a\",BYTERANGE=\"5@0\"\n#EXT-X-PART:DURATION=1,URI=\"b\",BYTERANGE=\"5\"\n",
        "#EXTM3U\n#EXT-X-PART:DURATION=1,URI=\"a\",BYTERANGE=\"x\"\n",
    ] {
        assert_eq!(
            resolved(text).unwrap_err().kind(),
            ErrorKind::InvalidByteRange,
            "{text}"
        );
    }
}

#[test]
fn variables_are_replaced_in_parts_and_hints() {
    let timeline = timeline(concat!(
        "#EXTM3U\n#EXT-X-DEFINE:NAME=\"v\",VALUE=\"x\"\n#EXT-X-PART:DURATION=1,REQ-NEW=1,URI=\"{$v}.0\"\n",
        "#EXT-X-PART:DURATION=1,URI=\"{$v}.1\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{$v}.2\"\n",
    ));
    assert_eq!(timeline.parts().len(), 1);
    assert_eq!(
        (
            timeline.part_uri(0),
            timeline.parts().first().unwrap().index
        ),
        ("x.1", 1)
    );
    assert_eq!(timeline.pending().part_count, 2);
    assert!(timeline.preload_hints()[0].url.path().ends_with("/x.2"));
}
