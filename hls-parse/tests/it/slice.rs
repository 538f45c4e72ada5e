//! A part of a playlist is that part of what the playlist means.

use std::time::Duration;

use hls_parse::Timeline;
use proptest::prelude::*;

use crate::laws::{parts, write};
use crate::local::Files;
use crate::{context, media};

fn timeline(text: &str) -> Timeline {
    media(text).resolve(&context()).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    /// Every segment of a slice means what it meant, and none is added or lost.
    #[test]
    fn a_slice_means_what_it_meant(parts in parts(), from in 0..24usize, count in 0..24usize) {
        let whole = timeline(&write(&parts, false));
        let slice = whole.slice(from..from + count);
        let all = whole.segments().len();
        let (start, end) = (from.min(all), (from + count).min(all));
        prop_assert_eq!(slice.segments().len(), end - start);
        prop_assert_eq!((slice.keys(), slice.maps()), (whole.keys(), whole.maps()));
        let began = whole.segments().get(start).map_or(whole.duration(), |segment| segment.start);
        for (index, now) in slice.segments().iter().enumerate() {
            let before = whole.segments().get(start + index).unwrap();
            prop_assert_eq!(now.start + began, before.start);
            prop_assert_eq!((now.duration, now.media_sequence_number, now.discontinuity_number),
                (before.duration, before.media_sequence_number, before.discontinuity_number));
            prop_assert_eq!((now.byte_range, now.map, now.bitrate, now.gap, now.program_date_time),
                (before.byte_range, before.map, before.bitrate, before.gap, before.program_date_time));
            prop_assert_eq!(slice.segment_url(index), whole.segment_url(start + index));
            prop_assert_eq!(slice.segment_keys(index), whole.segment_keys(start + index));
            for &key in slice.segment_keys(index) {
                prop_assert_eq!(slice.segment_iv(index, key), whole.segment_iv(start + index, key));
            }
        }
    }

    /// What is written of a slice reads as the slice, numbers, dates and discontinuities included.
    #[test]
    fn a_slice_survives_being_written(parts in parts(), from in 0..10usize, count in 1..10usize) {
        let slice = timeline(&write(&parts, false)).slice(from..from + count);
        let anew = slice.write().ok();
        for (text, is_whole) in [(Some(slice.write_local(&Files::default(), true)), false), (anew, true)] {
            let Some(text) = text else { continue };
            let again = timeline(&text);
            prop_assert_eq!(again.segments().len(), slice.segments().len());
            prop_assert_eq!(again.media_sequence(), slice.media_sequence());
            for (now, before) in again.segments().iter().zip(slice.segments()) {
                prop_assert_eq!((now.duration, now.media_sequence_number, now.discontinuity_number, now.gap),
                    (before.duration, before.media_sequence_number, before.discontinuity_number, before.gap));
                prop_assert_eq!(now.program_date_time, before.program_date_time);
                // A player's playlist leaves out rates that it cannot say of some segments only.
                prop_assert!(!is_whole || now.bitrate == before.bitrate);
            }
        }
    }

    /// The segments within a time are those that overlap it.
    #[test]
    fn segments_within_a_time_overlap_it(parts in parts(), from in 0..300_000u64, length in 0..100_000u64) {
        let whole = timeline(&write(&parts, false));
        let time = Duration::from_millis(from)..Duration::from_millis(from + length);
        let within = whole.segments_within(time.clone());
        for (index, segment) in whole.segments().iter().enumerate() {
            let end = segment.start + segment.duration;
            if segment.start < time.end && time.start < end {
                prop_assert!(within.contains(&index), "{index} of {within:?}");
            } else if !segment.duration.is_zero() {
                prop_assert!(!within.contains(&index), "{index} of {within:?}");
            }
        }
    }
}

#[test]
fn a_slice_keeps_what_is_about_it() {
    let whole = timeline(
        "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-START:TIME-OFFSET=8\n\
         #EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n\
         #EXT-X-DATERANGE:ID=\"past\",START-DATE=\"2026-01-01T00:00:00Z\",DURATION=2\n\
         #EXT-X-DATERANGE:ID=\"now\",START-DATE=\"2026-01-01T00:00:05Z\",DURATION=4\n\
         #EXT-X-DATERANGE:ID=\"later\",START-DATE=\"2026-01-01T00:00:13Z\"\n\
         #EXT-X-CUE-OUT:1\n#EXTINF:6,\na\n#EXT-X-DISCONTINUITY\n#EXT-X-CUE-OUT:2\n#EXTINF:6,\nb\n#EXTINF:6,\nc\n#EXT-X-ENDLIST\n",
    );
    let slice = whole.slice(1..2);
    assert_eq!(
        slice
            .write_local(&Files::default(), true)
            .lines()
            .skip(3)
            .collect::<Vec<_>>(),
        [
            "#EXT-X-DISCONTINUITY-SEQUENCE:1",
            "#EXT-X-PLAYLIST-TYPE:VOD",
            "#EXT-X-START:TIME-OFFSET=2",
            "#EXT-X-DATERANGE:ID=\"now\",START-DATE=\"2026-01-01T00:00:05Z\",DURATION=4",
            "#EXT-X-CUE-OUT:2",
            "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:06.000000000Z",
            "#EXTINF:6,",
            "s0.ts",
            "#EXT-X-ENDLIST",
        ]
    );
    assert!(whole.slice(2..3).start().is_none());
    assert_eq!(whole.slice(0..9).start(), whole.start());
    assert_eq!(whole.slice(5..9).segments().len(), 0);
}

/// An interstitial is of the part in which it begins, since that is where it is played; one before or after all is of every part.
#[test]
fn interstitials_are_of_the_part_in_which_they_begin() {
    let a_break = |id: &str, second: u32, cue: &str| {
        format!(
            "#EXT-X-DATERANGE:ID=\"{id}\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"2026-01-01T00:00:{second:02}Z\",X-ASSET-URI=\"https://ads.example/{id}\",X-RESUME-OFFSET=0{cue}\n"
        )
    };
    let breaks: String = [
        a_break("first", 0, ""),
        a_break("early", 5, ""),
        a_break("inside", 6, ""),
        a_break("late", 12, ""),
        a_break("pre", 0, ",CUE=\"PRE\""),
        a_break("post", 59, ",CUE=\"POST,ONCE\""),
    ]
    .concat();
    let whole = timeline(&format!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:6\n{breaks}#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n#EXTINF:6,\na\n#EXTINF:6,\nb\n#EXTINF:6,\nc\n#EXT-X-ENDLIST\n"
    ));
    let of = |from: usize, to: usize| -> Vec<String> {
        let slice = whole.slice(from..to);
        let mut ids: Vec<String> = slice
            .interstitials()
            .iter()
            .map(|range| range.id.to_string())
            .collect();
        ids.sort();
        ids
    };
    assert_eq!(
        of(0, 3),
        ["early", "first", "inside", "late", "post", "pre"]
    );
    assert_eq!(of(0, 1), ["early", "first", "post", "pre"]);
    assert_eq!(of(1, 2), ["inside", "post", "pre"]);
    assert_eq!(of(2, 3), ["late", "post", "pre"]);
}
