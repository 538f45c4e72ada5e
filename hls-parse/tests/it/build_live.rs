//! Low-latency playlists and date ranges built anew.

use std::time::Duration;

use hls_parse::{
    AttributeValue, ByteRange, ErrorKind, HintKind, Interstitial, InterstitialAsset, Key,
    KeyMethod, MediaPlaylistBuilder, NewDateRange, NewPart, NewSegment, Preload, Rule,
    ServerControl, SkipControl, TimelineOccupies, TimelineStyle,
};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;

use crate::timeline;

const SECOND: Duration = Duration::from_secs(1);

fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

fn dated() -> NewSegment {
    let mut segment = NewSegment::new("a.ts", 2 * SECOND);
    segment.program_date_time = Some(start());
    segment
}

fn part(milliseconds: u64) -> NewPart {
    NewPart::new("p", Duration::from_millis(milliseconds))
}

fn control() -> ServerControl {
    let mut control = ServerControl::default();
    control.can_block_reload = true;
    control.can_skip_until = Some(12 * SECOND);
    control.part_hold_back = Some(3 * SECOND);
    control
}

/// A low-latency playlist that is all right.
fn live() -> MediaPlaylistBuilder {
    let mut builder = MediaPlaylistBuilder::new();
    builder.server_control(control()).part(part(1000));
    builder.segment(dated()).part(part(1000));
    builder.preload_hint(HintKind::Part, "q", 0, None);
    builder
}

#[test]
fn a_low_latency_playlist_is_read_as_it_was_given() {
    let mut builder = live();
    let mut ranged = NewPart::new("r", SECOND);
    ranged.byte_range = Some(ByteRange {
        start: 0,
        length: 5,
    });
    builder.part(ranged.clone());
    ranged.byte_range = Some(ByteRange {
        start: 5,
        length: 7,
    });
    ranged.independent = true;
    builder
        .part(ranged)
        .preload_hint(HintKind::Map, "m", 3, Some(9));
    builder.rendition_report("../b", None, Some(4));
    let text = builder.build().unwrap();
    assert!(text.contains("#EXT-X-PART-INF:PART-TARGET=1\n"), "{text}");
    assert!(
        text.contains(",URI=\"r\",BYTERANGE=\"7\",INDEPENDENT=YES\n"),
        "{text}"
    );
    let copy = timeline(&text);
    assert_eq!(copy.server_control(), &control());
    assert_eq!(copy.part_target(), Some(SECOND));
    assert_eq!(
        (copy.segment_parts(0), copy.unfinished_parts()),
        (0..1, 1..4)
    );
    assert_eq!(
        copy.parts().get(3).unwrap().byte_range,
        Some(ByteRange {
            start: 5,
            length: 7
        })
    );
    let hints = copy.preload_hints();
    assert_eq!(
        (hints[0].kind, hints[1].kind),
        (HintKind::Part, HintKind::Map)
    );
    assert_eq!((hints[1].start, hints[1].length), (3, Some(9)));
    assert_eq!(copy.rendition_reports()[0].last_part, Some(4));
    // Parts are there until their segment is; a delta update leaves out what was there before.
    builder.skip(4, None);
    let text = builder.build().unwrap();
    assert!(
        text.contains("#EXT-X-VERSION:9\n") && text.contains("#EXT-X-SKIP:SKIPPED-SEGMENTS=4\n"),
        "{text}"
    );
    let mut able = control();
    able.can_skip_date_ranges = true;
    builder.server_control(able).skip(4, Some(&["a", "b"]));
    assert_eq!(
        builder.build().unwrap_err().rule(),
        Some(Rule::RepeatedSkip)
    );
}

#[test]
fn what_the_specification_forbids_is_refused_by_rule() {
    let broken = |rule: Rule, change: &dyn Fn(&mut MediaPlaylistBuilder)| {
        let mut builder = live();
        change(&mut builder);
        let error = builder.build().unwrap_err();
        assert_eq!(error.rule(), Some(rule), "{error}");
        assert_eq!(error.kind(), ErrorKind::RuleViolation);
    };
    live().build().unwrap();
    broken(Rule::PartDuration, &|builder| {
        builder.part_target(SECOND / 2);
    });
    broken(Rule::PartHoldBack, &|builder| {
        builder.server_control(ServerControl::default());
    });
    broken(Rule::PartHoldBack, &|builder| {
        let mut short = control();
        short.part_hold_back = Some(Duration::from_millis(1999));
        builder.server_control(short);
    });
    broken(Rule::SkipHorizon, &|builder| {
        let mut short = control();
        short.can_skip_until = Some(11 * SECOND);
        builder.server_control(short);
    });
    broken(Rule::SkipHorizon, &|builder| {
        let mut unable = control();
        unable.can_skip_until = None;
        builder.server_control(unable).skip(1, None);
    });
    broken(Rule::SkipDateRanges, &|builder| {
        builder.skip(1, Some(&[]));
    });
    broken(Rule::HintAfterEnd, &|builder| {
        builder.end_list();
    });
    broken(Rule::ReportUri, &|builder| {
        builder.rendition_report("https://example.com/b", None, None);
    });
    broken(Rule::PartPrecedence, &|builder| {
        builder
            .key(&Key::new(KeyMethod::Aes128, "k"))
            .segment(dated());
    });
    let mut builder = live();
    builder.preload_hint(HintKind::Part, "q", 0, None);
    assert_eq!(builder.build().unwrap_err().kind(), ErrorKind::InvalidValue);
    let mut builder = live();
    builder.part(NewPart::new("a\"b", SECOND));
    assert_eq!(builder.build().unwrap_err().kind(), ErrorKind::InvalidValue);
    // Without a hint or a date no player knows where it is.
    let mut builder = MediaPlaylistBuilder::new();
    builder
        .server_control(control())
        .part(part(1000))
        .segment(dated());
    assert_eq!(builder.build().unwrap_err().rule(), Some(Rule::HintPresent));
    let mut builder = MediaPlaylistBuilder::new();
    builder.server_control(control()).part(part(1000));
    builder.preload_hint(HintKind::Part, "q", 0, None);
    assert_eq!(
        builder.build().unwrap_err().rule(),
        Some(Rule::LowLatencyDate)
    );
}

fn with_range(range: NewDateRange) -> MediaPlaylistBuilder {
    let mut builder = MediaPlaylistBuilder::new();
    builder.date_range(range).segment(dated());
    builder
}

#[test]
fn date_ranges_that_are_none_are_refused_by_rule() {
    let broken = |rule: Rule, change: &dyn Fn(&mut NewDateRange)| {
        let mut range = NewDateRange::new("a", start());
        change(&mut range);
        let error = with_range(range).build().unwrap_err();
        assert_eq!(error.rule(), Some(rule), "{error}");
    };
    broken(Rule::DateRangeEndOnNext, &|range| range.end_on_next = true);
    broken(Rule::DateRangeEndOnNext, &|range| {
        range.class = Some("c".into());
        range.end_on_next = true;
        range.duration = Some(SECOND);
    });
    broken(Rule::DateRangeEndOnNext, &|range| {
        range.class = Some("c".into());
        range.end_on_next = true;
        range.end_date = Some(start());
    });
    broken(Rule::DateRangeEnd, &|range| {
        range.end_date = Some(start() - SECOND);
    });
    broken(Rule::DateRangeAgreement, &|range| {
        range.end_date = Some(start() + SECOND);
        range.duration = Some(2 * SECOND);
    });
    broken(Rule::DateRangeCue, &|range| {
        range.cue.pre = true;
        range.cue.post = true;
    });
    broken(Rule::SpliceInformation, &|range| {
        range.scte35_out = Some(vec![1]);
    });
    broken(Rule::PreloadDateRange, &|range| {
        let url = "https://example.com/a".parse().unwrap();
        range.preload = Some(Preload::new(url, "b", "c"));
    });
    let mut builder = MediaPlaylistBuilder::new();
    builder.date_range(NewDateRange::new("a", start()));
    builder.segment(NewSegment::new("a.ts", SECOND));
    assert_eq!(
        builder.build().unwrap_err().rule(),
        Some(Rule::DateRangeWithoutDate)
    );
    for (name, value) in [
        ("X-A", "a\"b"),
        ("x-a", "b"),
        ("ID", "b"),
        ("", "b"),
        ("X-A", "a\nb"),
    ] {
        let mut range = NewDateRange::new("a", start());
        range
            .attributes
            .insert(name.into(), AttributeValue::Quoted(value.into()));
        let error = with_range(range).build().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidValue, "{name} {value}");
    }
}

prop_compose! {
    fn seconds()(nanoseconds in 0..40_000_000_000u64) -> Duration {
        Duration::from_nanos(nanoseconds)
    }
}

prop_compose! {
    fn interstitial()(
        is_list in any::<bool>(),
        resume in prop::option::of(-9_000_000_000..9_000_000_000i64),
        limit in prop::option::of(seconds()),
        flags in any::<[bool; 7]>(),
        skip in prop::option::of((seconds(), prop::option::of("[A-Za-z_-]{1,8}"))),
    ) -> Interstitial {
        let url = "https://example.com/ads?a=b,c".parse().unwrap();
        let asset = if is_list { InterstitialAsset::List(url) } else { InterstitialAsset::Asset(url) };
        let mut made = Interstitial::new(asset);
        made.resume_offset = resume.map(SignedDuration::from_nanos);
        made.playout_limit = limit;
        [made.snap.out, made.snap.back_in, made.restrictions.skip, made.restrictions.jump, made.content_may_vary, _, _] = flags;
        if flags[5] {
            made.timeline_occupies = TimelineOccupies::Range;
        }
        if flags[6] {
            made.timeline_style = TimelineStyle::Primary;
        }
        made.skip_control = skip.map(|(offset, label)| {
            let mut control = SkipControl::default();
            control.offset = Some(offset);
            control.label_id = label;
            control
        });
        made
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn date_ranges_are_read_as_they_were_given(
        id in "[a-zA-Z0-9 ,=#]{1,12}",
        duration in prop::option::of(seconds()),
        planned in prop::option::of(seconds()),
        once in any::<bool>(),
        interstitial in prop::option::of(interstitial()),
        splice in prop::option::of(prop::collection::vec(any::<u8>(), 0..9)),
        client in prop::option::of("[a-z,= ]{1,9}"),
    ) {
        let mut range = NewDateRange::new(id.trim(), start());
        prop_assume!(!range.id.is_empty());
        range.duration = duration;
        range.planned_duration = planned;
        range.cue.once = once;
        range.interstitial = interstitial;
        range.scte35_command = splice.map(|rest| [vec![0xfc], rest].concat());
        if let Some(client) = client {
            range.attributes.insert("X-COM-EXAMPLE".into(), AttributeValue::Quoted(client));
        }
        let text = with_range(range.clone()).build().unwrap();
        let copy = timeline(&text);
        let [read] = copy.date_ranges() else { panic!("{text}") };
        prop_assert_eq!(&read.id, &range.id);
        prop_assert_eq!((read.start, read.duration, read.planned_duration, read.cue), (start(), duration, planned, range.cue));
        prop_assert_eq!(&read.scte35_command, &range.scte35_command);
        prop_assert_eq!(read.interstitial.as_deref(), range.interstitial.as_ref());
        prop_assert_eq!(read.attribute("X-COM-EXAMPLE"), range.attributes.get("X-COM-EXAMPLE").map(AttributeValue::as_deref));
    }
}
