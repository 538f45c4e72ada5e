//! Date ranges, interstitials, preloads and the tags of others.

use std::time::Duration;

use hls_parse::{
    AttributeValue, CueMarkerKind, DateRange, InterstitialAsset, Timeline, TimelineOccupies,
    TimelineStyle,
};
use jiff::{SignedDuration, Timestamp};

use crate::timeline;

const DATED: &str = "#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n#EXTINF:6,\na\n";

fn ranges(tags: &[&str]) -> Timeline {
    let tags = tags.join("\n#EXT-X-DATERANGE:");
    timeline(&format!("{DATED}#EXT-X-DATERANGE:{tags}\n"))
}

fn range(tag: &str) -> DateRange {
    ranges(&[tag]).date_ranges()[0].clone()
}

fn date(second: u32) -> Timestamp {
    format!("2026-01-01T00:00:{second:02}Z").parse().unwrap()
}

#[test]
fn tags_of_one_id_are_one_range_and_the_first_value_counts() {
    let timeline = ranges(&[
        "ID=\"a\",CLASS=\"c\",START-DATE=\"2026-01-01T00:00:01Z\",PLANNED-DURATION=9,X-A=\"1\",SCTE35-OUT=0xFC30",
        "ID=\"b\",START-DATE=\"2026-01-01T00:00:02Z\"",
        "ID=\"a\",START-DATE=\"2026-01-01T00:00:03Z\",DURATION=4.5,X-A=\"2\",X-B=0xAB,X-C=-1.5,SCTE35-IN=0xfc,SCTE35-CMD=0x1",
    ]);
    let [a, b] = timeline.date_ranges() else {
        panic!("not two ranges")
    };
    assert_eq!(
        (a.id.as_str(), a.class.as_deref(), b.id.as_str()),
        ("a", Some("c"), "b")
    );
    assert_eq!(
        (a.start, a.duration),
        (date(1), Some(Duration::from_millis(4500)))
    );
    assert_eq!(a.end, Some("2026-01-01T00:00:05.5Z".parse().unwrap()));
    assert_eq!(a.planned_duration, Some(Duration::from_secs(9)));
    let text = |name: &str| a.attribute(name).map(|value| value.text().to_owned());
    assert_eq!(
        (text("X-A"), text("X-C")),
        (Some("1".to_owned()), Some("-1.5".to_owned()))
    );
    assert_eq!(
        a.attribute("X-B").and_then(AttributeValue::bytes),
        Some(vec![0xab])
    );
    assert_eq!(
        (a.scte35_out.clone(), a.scte35_in.clone()),
        (Some(vec![0xfc, 0x30]), Some(vec![0xfc]))
    );
    assert_eq!(a.scte35_command, None);
    assert_eq!((b.end, b.attribute("X-A")), (None, None));
}

#[test]
fn a_range_ends_as_it_says_or_with_the_next_of_its_class() {
    let timeline = ranges(&[
        "ID=\"late\",CLASS=\"c\",START-DATE=\"2026-01-01T00:00:09Z\",END-ON-NEXT=YES",
        "ID=\"a\",CLASS=\"c\",START-DATE=\"2026-01-01T00:00:01Z\",END-ON-NEXT=YES",
        "ID=\"other\",CLASS=\"d\",START-DATE=\"2026-01-01T00:00:02Z\"",
        "ID=\"b\",CLASS=\"c\",START-DATE=\"2026-01-01T00:00:04Z\",END-DATE=\"2026-01-01T00:00:05Z\"",
        "ID=\"backwards\",START-DATE=\"2026-01-01T00:00:04Z\",END-DATE=\"2026-01-01T00:00:03Z\"",
    ]);
    let ends: Vec<_> = timeline
        .date_ranges()
        .iter()
        .map(|range| range.end)
        .collect();
    assert_eq!(ends, [None, Some(date(4)), None, Some(date(5)), None]);
}

#[test]
fn tags_that_cannot_be_read_are_left_out() {
    let timeline = ranges(&[
        "START-DATE=\"2026-01-01T00:00:01Z\"",
        "ID=\"no start\"",
        "ID=\"bad start\",START-DATE=\"yesterday\"",
        "ID=\"bad duration\",START-DATE=\"2026-01-01T00:00:01Z\",DURATION=-1",
        "ID=\"future\",START-DATE=\"2026-01-01T00:00:01Z\",REQ-NEW=YES",
    ]);
    assert_eq!(timeline.date_ranges(), []);
}

#[test]
fn interstitials_are_read() {
    let range = range(concat!(
        "ID=\"ad\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"2026-01-01T00:00:01Z\",CUE=\"PRE,ONCE\",X-ASSET-LIST=\"list.json?x=1\",",
        "X-RESUME-OFFSET=-2.5,X-PLAYOUT-LIMIT=10,X-SNAP=\"OUT,IN\",X-RESTRICT=\"SKIP,JUMP\",X-CONTENT-MAY-VARY=\"NO\",",
        "X-TIMELINE-OCCUPIES=\"RANGE\",X-TIMELINE-STYLE=\"NEW\",X-SKIP-CONTROL-OFFSET=5,X-SKIP-CONTROL-LABEL-ID=\"skip\"",
    ));
    assert!(range.cue.pre && range.cue.once && !range.cue.post);
    let ad = range.interstitial.unwrap();
    let list = "https://example.com/film/list.json?x=1".parse().unwrap();
    assert_eq!(ad.asset, InterstitialAsset::List(list));
    assert_eq!(
        ad.resume_offset_after(Duration::from_secs(60)),
        SignedDuration::from_millis(-2500)
    );
    assert!(ad.snap.out && ad.snap.back_in && ad.restrictions.skip && ad.restrictions.jump);
    assert!(!ad.content_may_vary);
    assert_eq!(
        (ad.timeline_occupies, ad.timeline_style),
        (TimelineOccupies::Range, TimelineStyle::Highlight)
    );
    let skip = ad.skip_control.unwrap();
    assert_eq!(
        (skip.offset, skip.duration, skip.label_id.as_deref()),
        (Some(Duration::from_secs(5)), None, Some("skip"))
    );
}

#[test]
fn an_interstitial_has_one_asset_with_an_absolute_url() {
    let start =
        "ID=\"ad\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"2026-01-01T00:00:01Z\"";
    let read = |rest: &str| range(&format!("{start}{rest}")).interstitial;
    for wrong in [
        "",
        ",X-ASSET-URI=\"ad.m3u8\"",
        ",X-ASSET-URI=\"https://a.example/\",X-ASSET-LIST=\"list\"",
    ] {
        assert_eq!(read(wrong), None, "{wrong}");
    }
    let ad = read(",X-ASSET-URI=\"https://a.example/ad.m3u8\",X-PLAYOUT-LIMIT=15").unwrap();
    assert_eq!(
        ad.resume_offset_after(Duration::from_secs(30)),
        SignedDuration::from_secs(15)
    );
    assert_eq!(
        ad.resume_offset_after(Duration::from_secs(7)),
        SignedDuration::from_secs(7)
    );
    assert!(ad.content_may_vary && ad.skip_control.is_none() && !ad.snap.out);
}

#[test]
fn preloads_are_read_until_the_end() {
    let tag = "ID=\"p\",CLASS=\"com.apple.hls.preload\",START-DATE=\"2026-01-01T00:00:01Z\",DURATION=5,X-URI=\"ad\",X-TARGET-ID=\"t\",X-TARGET-CLASS=\"c\"";
    let preload = range(tag).preload.unwrap();
    assert_eq!(preload.url.as_str(), "https://example.com/film/ad");
    assert_eq!(
        (preload.target_id.as_str(), preload.target_class.as_str()),
        ("t", "c")
    );
    for wrong in [
        tag.replace(",DURATION=5", ""),
        format!("{tag},CUE=\"PRE\""),
        tag.replace("X-TARGET-ID", "X-OTHER"),
    ] {
        assert_eq!(range(&wrong).preload, None, "{wrong}");
    }
    let ended = timeline(&format!("{DATED}#EXT-X-ENDLIST\n#EXT-X-DATERANGE:{tag}\n"));
    assert_eq!(ended.date_ranges()[0].preload, None);
}

#[test]
fn advertisement_markers_are_read() {
    let timeline = timeline(concat!(
        "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:5\n#EXT-X-CUE-OUT:DURATION=23,CUE=\"/DAl\"\n#EXTINF:6,\na\n",
        "#EXT-X-CUE-OUT-CONT:ElapsedTime=8.5,Duration=23,SCTE35=/DA=\n#EXTINF:6,\nb\n#EXT-X-CUE-OUT-CONT:14/23\n#EXTINF:6,\nc\n",
        "#EXT-X-CUE-OUT:4,SpliceType=VOD_DAI\n#EXT-X-CUE-OUT:INVALID\n#EXT-OATCLS-SCTE35:/DAl\n#EXT-X-SCTE35:CUE=\"!\",CUE-IN=YES\n",
        "#EXT-X-CUE:TYPE=\"SpliceOut\",DURATION=\"15.0\"\n#EXT-X-OTHER:1\n#EXT-X-CUE-IN\n",
    ));
    assert_eq!(timeline.foreign_tags().count(), 10);
    let markers: Vec<_> = timeline
        .foreign_tags()
        .filter_map(|tag| Some((tag.media_sequence_number, tag.cue_marker()?)))
        .map(|(number, marker)| {
            (
                number,
                marker.kind,
                marker.duration,
                marker.elapsed,
                marker.scte35,
            )
        })
        .collect();
    let seconds = |seconds: f64| Some(Duration::from_secs_f64(seconds));
    let section = || Some(vec![0xfc, 0x30, 0x25]);
    assert_eq!(
        markers,
        [
            (5, CueMarkerKind::Out, seconds(23.0), None, section()),
            (
                6,
                CueMarkerKind::OutContinued,
                seconds(23.0),
                seconds(8.5),
                Some(vec![0xfc, 0x30])
            ),
            (
                7,
                CueMarkerKind::OutContinued,
                seconds(23.0),
                seconds(14.0),
                None
            ),
            (8, CueMarkerKind::Out, seconds(4.0), None, None),
            (8, CueMarkerKind::Out, None, None, None),
            (8, CueMarkerKind::Splice, None, None, section()),
            (8, CueMarkerKind::In, None, None, None),
            (8, CueMarkerKind::Out, seconds(15.0), None, None),
            (8, CueMarkerKind::In, None, None, None),
        ]
    );
}

#[test]
fn interstitials_are_played_by_start_and_then_as_listed() {
    let ad = |id: &str, second: u32| {
        format!(
            "ID=\"{id}\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"2026-01-01T00:00:{second:02}Z\",X-ASSET-LIST=\"l\""
        )
    };
    let tags = [
        ad("z", 5),
        ad("c", 3),
        "ID=\"other\",START-DATE=\"2026-01-01T00:00:01Z\"".to_owned(),
        ad("b", 3),
        ad("a", 1),
    ];
    let timeline = ranges(&tags.each_ref().map(String::as_str));
    let order: Vec<_> = timeline
        .interstitials()
        .iter()
        .map(|range| range.id.as_str())
        .collect();
    assert_eq!(order, ["a", "c", "b", "z"]);
}
