//! Recording live streams that give trouble, and what is kept besides segments.

use std::time::Duration;

use offline_cli::ErrorKind;
use offline_cli::playback::export;
use offline_cli::session::{DownloadEvent, Ended};

use crate::live::{Recorder, clear, fast, request, runtime};
use crate::live_origin::{LiveOrigin, Offers, Step};

#[test]
fn what_does_not_open_is_fetched_again_and_else_a_gap() {
    let script = vec![
        Step::Advance(1),
        Step::Damage(2),
        Step::Advance(1),
        Step::Damage(usize::MAX),
        Step::Advance(1),
        Step::Advance(2),
        // The third key is never handed out right.
        Step::Key(Some((2, true))),
        Step::Advance(2),
        Step::Key(Some((1, true))),
        Step::Advance(2),
    ];
    let origin = LiveOrigin::new(
        Offers::default(),
        20,
        1,
        [vec![Step::Key(Some((1, false)))], script].concat(),
    );
    let mut state = origin.state.lock().unwrap();
    state.damaged.insert("/key1".to_owned(), 1);
    state.damaged.insert("/key2".to_owned(), usize::MAX);
    drop(state);
    let recorder = Recorder::new();
    let recording = recorder.record(&origin.url(), fast()).unwrap();
    assert_eq!(recording.ended, Ended::Stream);
    let state = origin.state.lock().unwrap();
    let mut expected = clear(&state.history);
    let lost: Vec<usize> = (0..expected.len())
        .filter(|&index| {
            let path = state.history[index].path();
            let is_damaged = state.damaged.get(&path).is_some_and(|left| *left > 0);
            is_damaged || state.history[index].key_number() == Some(2)
        })
        .collect();
    assert_eq!(lost.len(), 3);
    for &index in &lost {
        expected[index] = None;
    }
    assert!(recorder.segments() == expected);
    assert_eq!(recording.outcome.gaps.len(), lost.len());
    // Each is asked for three times at most, and what is right once.
    for made in &state.history {
        let path = made.path();
        let asked = state.requests.iter().filter(|request| **request == path);
        let asked = asked.count();
        let is_first = made.number == state.history[1].number;
        assert!(
            asked <= 3
                && (asked == 1
                    || is_first
                    || state.damaged.contains_key(&path)
                    || made.key_number() == Some(2)),
            "{path} {asked}"
        );
    }
    assert!(recorder.store.verify(None, &mut |_| {}).unwrap().is_good());
}

#[test]
fn dates_date_ranges_and_bitrates_of_the_stream_are_kept() {
    let offers = Offers {
        dates: true,
        ..Offers::default()
    };
    let script = vec![Step::Advance(1); 30];
    let origin = LiveOrigin::new(offers, 6, 4, script);
    let recorder = Recorder::new();
    let told = recorder.record_until(&origin.url(), fast(), 30);
    assert!(matches!(told.unwrap().ended, Ended::Stopped));
    recorder.record(&origin.url(), fast()).unwrap();
    let out = recorder.folder.path().join("out");
    export::hls(&recorder.store, &Recorder::id(), &out, |_| {}).unwrap();
    let text = std::fs::read_to_string(out.join("media/index.m3u8")).unwrap();
    let said = |tag: &str| {
        let lines = text.lines().filter_map(|line| line.strip_prefix(tag));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let count = said("#EXTINF").len();
    assert_eq!(count, origin.state.lock().unwrap().history.len());
    let dates = (0..count).map(|index| {
        format!(
            "2026-01-01T00:{:02}:{:02}.000000000Z",
            index / 60,
            index % 60
        )
    });
    assert!(
        said("#EXT-X-PROGRAM-DATE-TIME:").into_iter().eq(dates),
        "{text}"
    );
    let ranges = said("#EXT-X-DATERANGE:");
    let indices: Vec<usize> = (0..count).filter(|index| index % 5 == 3).collect();
    assert_eq!(ranges.len(), indices.len(), "{text}");
    for (range, index) in ranges.iter().zip(indices) {
        assert!(
            range.starts_with(&format!("ID=\"{index}\","))
                && range.contains(&format!("X-INDEX=\"{index}\"")),
            "{range}"
        );
    }
    assert_eq!(said("#EXT-X-BITRATE:").len(), count.div_ceil(4), "{text}");
}

#[test]
fn a_recording_that_is_killed_again_and_again_forgets_nothing() {
    let script = vec![Step::Advance(1); 300];
    let origin = LiveOrigin::new(Offers::default(), 400, 5, script);
    let recorder = Recorder::new();
    for milliseconds in [1500, 300, 1000, 300] {
        let after = Duration::from_millis(milliseconds);
        recorder.record_and_be_killed(&origin.url(), fast(), after);
    }
    origin.state.lock().unwrap().script.clear();
    let recording = recorder.record(&origin.url(), fast()).unwrap();
    assert_eq!(recording.outcome.gaps, []);
    let state = origin.state.lock().unwrap();
    assert!(recorder.segments() == clear(&state.history));
}

#[test]
fn a_stream_that_lists_nothing_yet_is_waited_for() {
    let script = [vec![Step::Advance(0); 4], vec![Step::Advance(2); 3]].concat();
    let origin = LiveOrigin::new(Offers::default(), 10, 0, script);
    let recorder = Recorder::new();
    let mut live = fast();
    live.from_start = false;
    live.patience = Duration::from_secs(60);
    let session = recorder.session();
    let mut said = Vec::new();
    let recording = session.record(
        request(&origin.url()),
        live.clone(),
        std::future::pending(),
        |event| {
            if let DownloadEvent::Waiting { error, .. } = event {
                said.push(error);
            }
        },
    );
    let recording = runtime().block_on(recording).unwrap();
    assert_eq!(
        (recording.ended, said),
        (Ended::Stream, vec!["it lists no segments yet".to_owned()])
    );
    let state = origin.state.lock().unwrap();
    assert_eq!(state.history.len(), 6);
    assert!(recorder.segments() == clear(&state.history));
    // One that never begins is not waited for longer than any other.
    let origin = LiveOrigin::new(Offers::default(), 10, 0, vec![]);
    origin.state.lock().unwrap().ends = false;
    let recorder = Recorder::new();
    let error = recorder.record(&origin.url(), live).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Network, "{error}");
    assert!(recorder.store.asset_ids().unwrap().is_empty());
}
