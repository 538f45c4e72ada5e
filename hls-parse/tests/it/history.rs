//! What is kept of a live stream.

use std::fmt::Write as _;

use hls_parse::{Break, History, Timeline};
use proptest::prelude::*;

use crate::{context, media, timeline};

/// A window of a stream whose segments say which they are.
fn window(stream: &str, numbers: std::ops::Range<u64>) -> String {
    let mut text = format!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:{}\n",
        numbers.start
    );
    for number in numbers {
        let key = number / 3;
        writeln!(text, "#EXT-X-KEY:METHOD=AES-128,URI=\"{stream}{key}\",IV=0x{key:032x}\n#EXT-X-MAP:URI=\"m{key}\"\n#EXTINF:{},{number}\n{stream}{number}.ts", number % 4 + 1).unwrap();
    }
    text
}

fn break_of(found: &Break) -> (usize, u64, u64) {
    (found.index, found.epoch, found.missed)
}

#[test]
fn streams_that_begin_anew_and_holes_are_marked() {
    let mut history = History::default();
    assert_eq!((history.segments().len(), history.epoch(0)), (0, 0));
    let mut now = timeline(&window("a", 10..13));
    assert_eq!(history.record(&now).unwrap(), 0..3);
    assert_eq!(history.record(&now).unwrap(), 3..3);
    let old = now.clone();
    let mut load = |text: &str, history: &mut History| {
        now = now.update(&media(text), &context()).unwrap().timeline;
        history.record(&now).unwrap()
    };
    assert_eq!(load(&window("a", 11..15), &mut history), 3..5);
    assert_eq!(load(&window("a", 20..22), &mut history), 5..7);
    assert_eq!(load(&window("b", 0..2), &mut history), 7..9);
    assert_eq!(load(&window("b", 1..3), &mut history), 9..10);
    let breaks: Vec<_> = history.breaks().iter().map(break_of).collect();
    assert_eq!(breaks, [(5, 0, 5), (7, 1, 0)]);
    assert_eq!((history.epoch(6), history.epoch(7)), (0, 1));
    // What is over is over.
    assert_eq!(history.record(&old).unwrap(), 10..10);
    assert_eq!(
        history.segment_url_text(6),
        "https://example.com/film/a21.ts"
    );
    assert_eq!(history.segment_url(7).unwrap().path(), "/film/b0.ts");
    assert_eq!(
        (history.segment_url(10), history.segment_url_text(10)),
        (None, "")
    );
    assert!(history.segment_keys(10).is_empty() && history.segment_title(10).is_none());
}

#[test]
fn text_that_stays_is_kept_once_however_often_it_is_listed() {
    let mut history = History::default();
    let mut now = timeline(&window("a", 0..6));
    history.record(&now).unwrap();
    for end in 7..300 {
        let next = media(&window("a", end - 6..end));
        now = now.update(&next, &context()).unwrap().timeline;
        assert_eq!(history.record(&now).unwrap().len(), 1);
    }
    assert_eq!((history.keys().len(), history.maps().len()), (100, 100));
    assert!(history.breaks().is_empty());
}

/// Everything there is to say of a segment, but for when it starts.
fn say(timeline: &Timeline, index: usize) -> String {
    let mut segment = timeline.segments().get(index).unwrap();
    let map = segment.map.take().map(|map| &timeline.maps()[map].url);
    let key = timeline.segment_keys(index)[0];
    format!(
        "{} {:?} {:?} {:?} {} {:?} {:?}",
        segment.media_sequence_number,
        segment.duration,
        map,
        timeline.segment_title(index),
        timeline.segment_url(index),
        timeline.keys()[key],
        timeline.segment_iv(index, key),
    )
}

proptest! {
    #[test]
    fn every_segment_is_recorded_once_and_as_it_was(steps in prop::collection::vec((0..4u64, 0..4u64), 1..20)) {
        let (mut start, mut end) = (0, 3);
        let mut history = History::default();
        let mut now = timeline(&window("s", start..end));
        let mut expected: Vec<String> = (0..3).map(|index| say(&now, index)).collect();
        history.record(&now).unwrap();
        for (added, removed) in steps {
            let known = end;
            end += added;
            start = (start + removed).min(end - 1);
            now = now.update(&media(&window("s", start..end)), &context()).unwrap().timeline;
            let new = history.record(&now).unwrap();
            let first = known.max(start);
            prop_assert_eq!(new.len() as u64, end - first);
            expected.extend((first..end).map(|number| say(&now, usize::try_from(number - start).unwrap())));
        }
        let mut at = std::time::Duration::ZERO;
        for (index, segment) in history.segments().iter().enumerate() {
            prop_assert_eq!(segment.start, at);
            at += segment.duration;
            let key = history.segment_keys(index)[0];
            let said = format!(
                "{} {:?} {:?} {:?} {} {:?} {:?}",
                segment.media_sequence_number,
                segment.duration,
                segment.map.map(|map| &history.maps()[map].url),
                history.segment_title(index),
                history.segment_url_text(index),
                history.keys()[key],
                history.segment_iv(index, key),
            );
            prop_assert_eq!(&said, &expected[index]);
        }
        prop_assert_eq!(history.segments().len(), expected.len());
        prop_assert_eq!(history.duration(), at);
    }
}
