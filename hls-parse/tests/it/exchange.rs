//! The feature `m3u8-rs`: what comes back is what was sent, and what does not is in the report.

use std::collections::BTreeMap;

use hls_parse::{
    Loss, LossPlace, LossReason, Lost, MediaPlaylist, MultivariantPlaylist, Playlist, Timeline,
};
use proptest::prelude::*;

use crate::{context, media, multivariant_playlist};

/// What a resolved playlist says, by the tags that say it, in a form that can be compared.
pub(crate) fn facts(timeline: &Timeline) -> BTreeMap<&'static str, String> {
    let mut facts: BTreeMap<&'static str, String> = BTreeMap::new();
    let mut add = |tag, fact: String| {
        let known = facts.entry(tag).or_default();
        known.push_str(&fact);
        known.push('\n');
    };
    let keys = |indices: &[usize]| -> Vec<_> {
        indices
            .iter()
            .map(|&index| timeline.keys()[index].clone())
            .collect()
    };
    let map = |index: Option<usize>| {
        index.map(|index| {
            let map = &timeline.maps()[index];
            (map.url.clone(), map.byte_range, keys(&map.keys))
        })
    };
    add(
        "header",
        format!(
            "{:?} {} {} {:?} {} {} {} {:?} {:?} {:?}",
            timeline.target_duration(),
            timeline.media_sequence(),
            timeline.discontinuity_sequence(),
            timeline.playlist_type(),
            timeline.has_end_list(),
            timeline.i_frames_only(),
            timeline.independent_segments(),
            timeline.start(),
            timeline.server_control(),
            timeline.part_target(),
        ),
    );
    for (index, segment) in timeline.segments().iter().enumerate() {
        add(
            "uri",
            format!(
                "{} {:?} {:?} {} {} {:?}",
                timeline.segment_uri(index),
                timeline.segment_title(index),
                segment.byte_range,
                segment.discontinuity_number,
                segment.gap,
                segment.bitrate
            ),
        );
        add("EXTINF", format!("{:?}", segment.duration));
        // Dates are counted on by duration.
        let date = segment
            .program_date_time
            .filter(|_| segment.has_stated_date);
        add("EXT-X-PROGRAM-DATE-TIME", format!("{date:?}"));
        add(
            "EXT-X-KEY",
            format!("{:?}", keys(timeline.segment_keys(index))),
        );
        add("EXT-X-MAP", format!("{:?}", map(segment.map)));
    }
    for (index, part) in timeline.parts().iter().enumerate() {
        add(
            "EXT-X-PART",
            format!(
                "{} {} {} {:?} {:?} {:?} {:?}",
                timeline.part_uri(index),
                part.media_sequence_number,
                part.index,
                part.duration,
                part.byte_range,
                map(part.map),
                keys(timeline.part_keys(index)),
            ),
        );
    }
    for range in timeline.date_ranges() {
        // Spelled otherwise, and compared as values.
        let values = ["START-DATE", "END-DATE", "DURATION", "PLANNED-DURATION"];
        let attributes = range.attributes.iter();
        let attributes: Vec<_> = attributes
            .filter(|(name, value)| !values.contains(name) && value.text() != "NO")
            .collect();
        add(
            "EXT-X-DATERANGE",
            format!(
                "{} {:?} {:?} {:?} {:?} {:?} {:?} {attributes:?}",
                range.id,
                range.class,
                range.start,
                range.end_date,
                range.duration,
                range.planned_duration,
                range.end_on_next
            ),
        );
    }
    for tag in timeline.foreign_tags() {
        add("foreign", format!("{tag:?}"));
    }
    facts
}

fn written(theirs: &m3u8_rs::MediaPlaylist) -> String {
    let mut text = Vec::new();
    theirs.write_to(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// The tag that a loss is of.
fn tag_of(loss: &Loss) -> &str {
    match &loss.what {
        Lost::Tag(tag) | Lost::Value(tag) | Lost::Order(tag) | Lost::Attribute { tag, .. } => tag,
        Lost::Field(name) => name,
        _ => "playlist",
    }
}

/// Lines that may stand before any segment, with everything that m3u8-rs is known to stumble over.
fn any_line() -> impl Strategy<Value = String> {
    let milliseconds = 0..100_000u32;
    prop_oneof![
        (0..3u8, any::<u32>()).prop_map(|(format, iv)| format!(
            "#EXT-X-KEY:METHOD=AES-128,URI=\"k{iv}\",KEYFORMAT=\"f{format}\",IV=0x{iv:032x}"
        )),
        Just("#EXT-X-KEY:METHOD=NONE".to_owned()),
        Just("#EXT-X-KEY:METHOD=AES-128,URI=\"k\",X-NEW=1".to_owned()),
        (0..9u8).prop_map(|n| format!("#EXT-X-MAP:URI=\"m{n}\",BYTERANGE=\"5@{n}\"")),
        Just("#EXT-X-MAP:URI=\"m\",X-NEW=\"a,b\"".to_owned()),
        (0..3u8, milliseconds.clone()).prop_map(|(id, length)| format!(
            "#EXT-X-DATERANGE:ID=\"d{id}\",START-DATE=\"2026-01-01T00:00:00+01:00\",DURATION={}.{:03},X-A=0xAB,END-ON-NEXT=NO",
            length / 1000,
            length % 1000
        )),
        (0..3u8).prop_map(|id| format!("#EXT-X-DATERANGE:ID=\"d{id}\",X-B=\"b\",SCTE35-OUT=0xFC")),
        (0..3u8).prop_map(|id| format!(
            "#EXT-X-DATERANGE:ID=\"d{id}\",START-DATE=\"2026-01-01T00:00:00Z\",PLANNED-DURATION=1.123456789012"
        )),
        (0..2_000_000_000u32).prop_map(|nanoseconds| format!(
            "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:0{}.{:09}Z",
            nanoseconds / 1_000_000_000,
            nanoseconds % 1_000_000_000
        )),
        Just("#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:07.25".to_owned()),
        Just("#EXT-X-DISCONTINUITY".to_owned()),
        Just("#EXT-X-GAP".to_owned()),
        (0..5u8).prop_map(|rate| format!("#EXT-X-BITRATE:{rate}")),
        (0..5u8).prop_map(|n| format!("#EXT-X-PART:DURATION=0.5,URI=\"p{n}\"")),
        Just("#EXT-X-CUE-OUT:30".to_owned()),
        Just("#EXTVLCOPT:x=1".to_owned()),
        Just("#EXT-X-START:TIME-OFFSET=-1.50,PRECISE=YES,X-A=1".to_owned()),
        Just("#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"next\"".to_owned()),
    ]
}

fn any_segment() -> impl Strategy<Value = String> {
    (
        proptest::collection::vec(any_line(), 0..5),
        prop_oneof![
            (0..100_000u32).prop_map(|n| format!("{}.{:03}", n / 1000, n % 1000)),
            (0..99_000_000_000u64).prop_map(|n| format!(
                "{}.{:09}",
                n / 1_000_000_000,
                n % 1_000_000_000
            )),
        ],
        "[a-z, ]{0,6}",
        prop::option::of(any::<u32>()),
        0..4u8,
    )
        .prop_map(|(lines, duration, title, offset, uri)| {
            let mut text = lines.join("\n");
            if !text.is_empty() {
                text.push('\n');
            }
            if let Some(offset) = offset {
                text.push_str(&format!("#EXT-X-BYTERANGE:100@{offset}\n"));
            }
            text + &format!("#EXTINF:{duration},{title}\nu{uri}\n")
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn what_differs_is_in_the_report(
        segments in proptest::collection::vec(any_segment(), 1..6),
        tail in proptest::collection::vec(any_line(), 0..3),
    ) {
        let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:100\n#EXT-X-PART-INF:PART-TARGET=1\n{}{}\n", segments.concat(), tail.join("\n"));
        let ours = media(&text);
        let converted = ours.to_m3u8_rs();
        let again = media(&written(&converted.playlist));
        let back = MediaPlaylist::from_m3u8_rs(&converted.playlist).unwrap();
        let (ours, again) = (ours.resolve(&context()).unwrap(), again.resolve(&context()).unwrap());
        let lost: Vec<&str> = converted.losses.iter().map(tag_of).collect();
        let (before, after) = (facts(&ours), facts(&again));
        for tag in before.keys().chain(after.keys()) {
            if before.get(tag) == after.get(tag) {
                continue;
            }
            let causes: &[&str] = match *tag {
                "EXT-X-MAP" | "EXT-X-PART" => &["EXT-X-MAP", "EXT-X-KEY", "EXT-X-PART"],
                "foreign" => &["EXT-X-CUE-OUT", "EXTVLCOPT"],
                "header" => &["EXT-X-START"],
                tag => &[tag],
            };
            prop_assert!(causes.iter().any(|cause| lost.contains(cause)), "{tag} differs, lost are {lost:?}\n{text}\n{before:?}\n{after:?}");
        }
        if converted.losses.is_empty() {
            prop_assert_eq!(before, facts(&back.playlist.resolve(&context()).unwrap()));
        }
        for loss in &converted.losses {
            prop_assert!(!loss.to_string().is_empty());
            prop_assert!(loss.line.is_some(), "{loss:?}");
        }
    }

    #[test]
    fn any_tags_are_converted_without_a_panic(lines in proptest::collection::vec("(#EXT(INF|-X-(KEY|MAP|MEDIA|STREAM-INF|DATERANGE|START|SESSION-DATA|DEFINE)):)?[A-Z0-9=,\"{$} .-]{0,20}", 0..12)) {
        let text = format!("#EXTM3U\n{}\n", lines.join("\n"));
        match hls_parse::parse(text.as_bytes()).unwrap().playlist {
            Playlist::Media(playlist) => {
                let _ = MediaPlaylist::from_m3u8_rs(&playlist.to_m3u8_rs().playlist);
            }
            Playlist::Multivariant(playlist) => {
                let _ = MultivariantPlaylist::from_m3u8_rs(&playlist.to_m3u8_rs().playlist);
            }
        }
    }
}

#[test]
fn each_loss_has_its_reason() {
    let playlist = media(concat!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:6\n",
        "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"a\",KEYFORMAT=\"x\"\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"b\"\n#EXT-X-MAP:URI=\"m\"\n",
        "#EXTINF:6.0060060,\na\n",
        "#EXT-X-DATERANGE:ID=\"1\",START-DATE=\"2026-01-01T00:00:00Z\"\n#EXT-X-DATERANGE:ID=\"2\",START-DATE=\"2026-01-01T00:00:00Z\"\n",
        "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00.0001Z\n#EXTVLCOPT:a\n#EXT-X-MAP:URI=\"n\",X-NEW=1\n",
        "#EXTINF:6.123456789,\nb\n#EXT-X-CUE-IN\n",
    ));
    let losses = playlist.to_m3u8_rs().losses;
    let tag = |name: &str| Lost::Tag(name.to_owned());
    let value = |name: &str| Lost::Value(name.to_owned());
    let loss = |what: Lost, place, why, line| (what, place, why, Some(line));
    let (first, second) = (LossPlace::Segment(0), LossPlace::Segment(1));
    let found: Vec<_> = losses
        .into_iter()
        .map(|loss| (loss.what, loss.place, loss.why, loss.line))
        .collect();
    assert_eq!(
        found,
        [
            loss(tag("EXT-X-KEY"), first, LossReason::OnePerSegment, 3),
            loss(
                Lost::Order("EXT-X-MAP".into()),
                first,
                LossReason::FixedOrder,
                5
            ),
            loss(tag("EXT-X-DATERANGE"), second, LossReason::OnePerSegment, 8),
            loss(tag("EXTVLCOPT"), second, LossReason::ForeignName, 11),
            loss(
                Lost::Attribute {
                    tag: "EXT-X-MAP".into(),
                    name: "X-NEW".into()
                },
                second,
                LossReason::NoField,
                12
            ),
            loss(value("EXTINF"), second, LossReason::Precision, 14),
            loss(
                value("EXT-X-PROGRAM-DATE-TIME"),
                second,
                LossReason::Precision,
                14
            ),
            loss(
                tag("EXT-X-CUE-IN"),
                LossPlace::End,
                LossReason::AfterLastSegment,
                15
            ),
        ]
    );
}

#[test]
fn variables_must_come_before_they_are_used() {
    let playlist = media(
        "#EXTM3U\n#EXT-X-DEFINE:NAME=\"v\",VALUE=\"1\"\n#EXT-X-MAP:URI=\"{$v}\"\n#EXTINF:6,\n{$v}\n",
    );
    let losses = playlist.to_m3u8_rs().losses;
    assert_eq!(losses.len(), 1);
    assert_eq!(losses[0].why, LossReason::FixedOrder);
    let playlist = multivariant_playlist(
        "#EXTM3U\n#EXT-X-DEFINE:NAME=\"v\",VALUE=\"1\"\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{$v}\n",
    );
    assert_eq!(playlist.to_m3u8_rs().losses[0].why, LossReason::FixedOrder);
}

#[test]
fn what_multivariant_playlists_lose_is_told() {
    let playlist = multivariant_playlist(concat!(
        "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"A\",FORCED=YES,BIT-DEPTH=16\n",
        "#EXT-X-STREAM-INF:AUDIO=\"a\"\nv\n",
        "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"i\",AUDIO=\"a\"\n",
        "#EXT-X-SESSION-DATA:DATA-ID=\"d\",VALUE=\"1\",URI=\"u\"\n",
    ));
    let converted = playlist.to_m3u8_rs();
    let losses: Vec<String> = converted.losses.iter().map(Loss::to_string).collect();
    assert_eq!(
        losses,
        [
            "tag 0 of its name: FORCED of EXT-X-MEDIA: there is no place for it",
            "tag 0 of its name: BANDWIDTH of EXT-X-STREAM-INF: it cannot be missing there",
            "tag 0 of its name: AUDIO of EXT-X-I-FRAME-STREAM-INF: there is no place for it",
        ]
    );
    let back = MultivariantPlaylist::from_m3u8_rs(&converted.playlist).unwrap();
    assert!(back.losses.is_empty(), "{:?}", back.losses);
}

#[test]
fn what_no_playlist_can_say_is_refused() {
    let refused = |change: fn(&mut m3u8_rs::MediaPlaylist)| {
        let mut playlist = media("#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n#EXT-X-DATERANGE:ID=\"1\",START-DATE=\"2026-01-01T00:00:00Z\"\n#EXTINF:6,\na\n")
            .to_m3u8_rs()
            .playlist;
        assert!(MediaPlaylist::from_m3u8_rs(&playlist).is_ok());
        change(&mut playlist);
        let error = MediaPlaylist::from_m3u8_rs(&playlist).unwrap_err();
        assert_eq!(error.kind(), hls_parse::ErrorKind::InvalidValue, "{error}");
    };
    refused(|playlist| playlist.segments[0].duration = f32::NAN);
    refused(|playlist| playlist.segments[0].duration = -1.0);
    refused(|playlist| playlist.segments[0].duration = f32::MAX);
    refused(|playlist| playlist.segments[0].uri = "a\n#EXT-X-ENDLIST".into());
    refused(|playlist| playlist.segments[0].uri = "#a".into());
    refused(|playlist| playlist.segments[0].uri.clear());
    refused(|playlist| playlist.segments[0].title = Some("a\rb".into()));
    refused(|playlist| playlist.segments[0].key.as_mut().unwrap().uri = Some("\"".into()));
    refused(|playlist| playlist.segments[0].key.as_mut().unwrap().iv = Some("1,URI=x".into()));
    refused(|playlist| {
        playlist.segments[0].byte_range = Some(m3u8_rs::ByteRange {
            length: 2,
            offset: Some(u64::MAX),
        });
    });
    refused(|playlist| {
        playlist.segments[0].daterange.as_mut().unwrap().duration = Some(f64::INFINITY);
    });
    refused(|playlist| {
        let other = [("A=B".to_owned(), "1".into())].into();
        playlist.segments[0].daterange.as_mut().unwrap().x_prefixed = Some(other);
    });
    refused(|playlist| {
        playlist.segments[0].unknown_tags.push(m3u8_rs::ExtTag {
            tag: "X-A\n".into(),
            rest: None,
        });
    });
    refused(|playlist| {
        playlist.start = Some(m3u8_rs::Start {
            time_offset: f64::NAN,
            ..Default::default()
        });
    });
    let empty = m3u8_rs::MasterPlaylist::default();
    assert!(MultivariantPlaylist::from_m3u8_rs(&empty).is_err());
}

#[test]
fn what_has_no_place_here_is_told() {
    let mut theirs = media("#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\na\n")
        .to_m3u8_rs()
        .playlist;
    theirs.playlist_type = Some(m3u8_rs::MediaPlaylistType::Other("LIVE".into()));
    theirs.unknown_tags.push(m3u8_rs::ExtTag {
        tag: "X-A".into(),
        rest: None,
    });
    theirs.segments[0].duration = 1.0e-10;
    theirs.segments[0].title = Some(" t ".into());
    theirs.segments[0].program_date_time = "2026-01-01T01:00:00+01:00".parse().ok();
    let converted = MediaPlaylist::from_m3u8_rs(&theirs).unwrap();
    let lost: Vec<_> = converted
        .losses
        .iter()
        .map(|loss| (&loss.what, loss.why))
        .collect();
    let field = |name| Lost::Field(name);
    assert_eq!(
        lost,
        [
            (&field("playlist_type"), LossReason::NoField),
            (&field("unknown_tags"), LossReason::NoField),
            (&field("title"), LossReason::NoField),
            (&field("unknown_tags"), LossReason::NoField),
            (&field("duration"), LossReason::Precision),
            (&field("program_date_time"), LossReason::Offset),
        ]
    );
}
