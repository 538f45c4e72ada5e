//! Recording live streams: what the origin listed, minus the gaps that are listed, is there and plays.

use std::path::Path;
use std::time::Duration;

use asset_store::{AssetId, Store};
use offline_cli::playback::export;
use offline_cli::session::{DownloadRequest, Ended, LiveOptions, Network, Recording, Session};
use offline_cli::{Error, ErrorKind};
use proptest::prelude::*;

use crate::environment::wait_for;
use crate::live_origin::{LiveOrigin, Made, Offers, Step};

/// A place to record into, in this process.
pub(crate) struct Recorder {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) store: Store,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        Self { folder, store }
    }

    pub(crate) fn id() -> AssetId {
        AssetId::new("a").unwrap()
    }

    pub(crate) fn session(&self) -> Session {
        Session::new(self.store.clone(), Network::new().unwrap())
    }

    pub(crate) fn record(&self, url: &str, live: LiveOptions) -> Result<Recording, Error> {
        self.record_until(url, live, usize::MAX)
    }

    /// Stops when so many things have been told.
    pub(crate) fn record_until(
        &self,
        url: &str,
        live: LiveOptions,
        told: usize,
    ) -> Result<Recording, Error> {
        let (stop, stopped) = futures::channel::oneshot::channel::<()>();
        let (mut stop, mut left) = (Some(stop), told);
        let stopped = async {
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let session = self.session();
        let recording = session.record(request(url), live, stopped, |_| {
            left = left.saturating_sub(1);
            if left == 0
                && let Some(stop) = stop.take()
            {
                stop.send(()).unwrap();
            }
        });
        runtime().block_on(recording)
    }

    /// Breaks off after a time, as if the process were killed, and waits until nothing of it is left.
    pub(crate) fn record_and_be_killed(&self, url: &str, live: LiveOptions, after: Duration) {
        let session = self.session();
        let recording = session.record(request(url), live, std::future::pending(), |_| {});
        runtime().block_on(async {
            let ended = tokio::time::timeout(after, recording).await;
            assert!(ended.is_err(), "{ended:?}");
        });
        wait_for("the lock of the recording", || {
            !self.store.is_being_written(&Self::id()).unwrap()
        });
    }

    /// The segments of the recording in clear; `None` is a gap.
    pub(crate) fn segments(&self) -> Vec<Option<Vec<u8>>> {
        self.segments_of("media")
    }

    pub(crate) fn segments_of(&self, track: &str) -> Vec<Option<Vec<u8>>> {
        let out = tempfile::tempdir_in(self.folder.path()).unwrap();
        let folder = out.path().join("out");
        export::hls(&self.store, &Self::id(), &folder, |_| {}).unwrap();
        exported(&folder.join(track))
    }
}

pub(crate) fn request(url: &str) -> DownloadRequest {
    let mut request = DownloadRequest::new(url.parse().unwrap());
    request.id = Some(Recorder::id());
    request
}

pub(crate) fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

pub(crate) fn exported(folder: &Path) -> Vec<Option<Vec<u8>>> {
    let text = std::fs::read_to_string(folder.join("index.m3u8")).unwrap();
    assert!(text.ends_with("#EXT-X-ENDLIST\n"), "{text}");
    let mut is_gap = false;
    let mut segments = Vec::new();
    for line in text.lines() {
        is_gap |= line == "#EXT-X-GAP";
        if !line.starts_with('#') {
            let is_gap = std::mem::take(&mut is_gap);
            segments.push((!is_gap).then(|| std::fs::read(folder.join(line)).unwrap()));
        }
    }
    segments
}

pub(crate) fn fast() -> LiveOptions {
    let mut live = LiveOptions::default();
    live.speed = 50;
    live.from_start = true;
    live
}

pub(crate) fn clear(history: &[Made]) -> Vec<Option<Vec<u8>>> {
    history
        .iter()
        .map(|made| (!made.is_gap).then(|| made.clear.clone()))
        .collect()
}

#[test]
fn a_stream_is_recorded_to_its_end() {
    for offers in [
        Offers::default(),
        Offers {
            delta: true,
            blocking: true,
            ..Offers::default()
        },
        Offers {
            event: true,
            dates: true,
            ..Offers::default()
        },
    ] {
        let origin = LiveOrigin::new(
            offers,
            10,
            4,
            vec![
                Step::Advance(2),
                Step::Key(Some((1, false))),
                Step::Advance(3),
                Step::Discontinuity,
                Step::Advance(1),
                Step::Key(Some((2, true))),
                Step::Advance(2),
                Step::Gap,
                Step::Advance(2),
                Step::Key(None),
                Step::Ranged(true),
                Step::Advance(4),
                Step::Advance(4),
            ],
        );
        let recorder = Recorder::new();
        let recording = recorder.record(&origin.url(), fast()).unwrap();
        assert_eq!(recording.ended, Ended::Stream);
        assert_eq!(recording.outcome.gaps, []);
        let state = origin.state.lock().unwrap();
        assert!(recorder.segments() == clear(&state.history), "{offers:?}");
        assert!(recorder.store.verify(None, &mut |_| {}).unwrap().is_good());
        let asked = |what: &str| state.requests.iter().any(|request| request.contains(what));
        assert_eq!(asked("_HLS_skip=YES"), offers.delta);
        assert_eq!(asked("_HLS_msn="), offers.blocking);
        assert!(!asked("_HLS_part"));
    }
}

/// What the recording holds is a part of the history, in order, and what it lacks between what was seen is listed.
fn check(place: &Recorder, recording: &Recording, history: &[Made]) -> Result<(), String> {
    let recorded: Vec<Vec<u8>> = place.segments().into_iter().flatten().collect();
    let mut at = Vec::new();
    for segment in &recorded {
        let found = history.iter().position(|made| made.clear == *segment);
        at.push(found.ok_or("there is something that never was")?);
    }
    if !at.is_sorted_by(|one, other| one < other) {
        return Err(format!("out of order: {at:?}"));
    }
    let mut missing = 0;
    for epoch in 0..=history.last().map_or(0, |made| made.epoch) {
        let is_seen = |made: &Made| made.epoch == epoch && made.is_seen;
        let first = history.iter().position(is_seen);
        let last = history.iter().rposition(is_seen);
        let (Some(first), Some(last)) = (first, last) else {
            continue;
        };
        for (index, made) in history.iter().enumerate().take(last + 1).skip(first) {
            let is_declared = made.is_gap && made.is_seen;
            missing += usize::from(!at.contains(&index) && !is_declared);
        }
    }
    if missing != recording.outcome.gaps.len() {
        let gaps = &recording.outcome.gaps;
        return Err(format!(
            "{missing} missing, listed are {gaps:?}, recorded {at:?}"
        ));
    }
    Ok(())
}

/// What was listed after the end of a recording that was stopped is no part of it.
fn forget_what_was_cut(place: &Recorder, recording: &Recording, history: &mut [Made]) {
    let recorded = place.segments();
    let is_recorded = |made: &Made| recorded.iter().flatten().any(|one| *one == made.clear);
    let end = history
        .iter()
        .rposition(is_recorded)
        .map_or(0, |last| last + 1);
    for made in &mut history[end..] {
        let gaps = &recording.outcome.gaps;
        made.is_seen &= gaps.iter().any(|gap| gap.url.ends_with(&made.path()));
    }
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0_u64..4).prop_map(Step::Advance),
        // Longer than the window.
        2 => (8_u64..20).prop_map(Step::Advance),
        1 => Just(Step::Status(403)),
        1 => Just(Step::Page),
        2 => Just(Step::Stale),
        1 => Just(Step::Restart),
        2 => Just(Step::Discontinuity),
        2 => proptest::option::of((0_u8..3, any::<bool>())).prop_map(Step::Key),
        1 => Just(Step::Lose),
        1 => Just(Step::Gap),
        1 => any::<bool>().prop_map(Step::Ranged),
    ]
}

fn offers() -> impl Strategy<Value = Offers> {
    (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(|(delta, blocking, dates)| Offers {
        delta,
        blocking,
        dates,
        event: false,
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10, max_shrink_iters: 30, ..ProptestConfig::default() })]

    #[test]
    fn the_recording_is_the_history_minus_the_listed_gaps(
        offers in offers(),
        script in proptest::collection::vec(step(), 1..24),
        stop_after in proptest::option::of(2_usize..40),
    ) {
        let origin = LiveOrigin::new(offers, 8, 5, [vec![Step::Advance(1)], script].concat());
        let recorder = Recorder::new();
        if let Some(told) = stop_after {
            // What is stopped plays, and goes on.
            let stopped = recorder.record_until(&origin.url(), fast(), told);
            let mut state = origin.state.lock().unwrap();
            match &stopped {
                Ok(recording) => {
                    prop_assert!(matches!(recording.ended, Ended::Stopped | Ended::Stream));
                    forget_what_was_cut(&recorder, recording, &mut state.history);
                }
                Err(error) => {
                    prop_assert_eq!(error.kind(), ErrorKind::Interrupted);
                    state.history.iter_mut().for_each(|made| made.is_seen = false);
                }
            }
            // A recording cannot begin with trouble.
            state.script.push_front(Step::Advance(0));
        }
        let recording = recorder.record(&origin.url(), fast()).unwrap();
        prop_assert_eq!(recording.ended, Ended::Stream);
        let state = origin.state.lock().unwrap();
        if let Err(wrong) = check(&recorder, &recording, &state.history) {
            prop_assert!(false, "{}", wrong);
        }
    }
}

#[test]
fn it_begins_at_the_live_edge_and_ends_after_the_duration() {
    let script = vec![Step::Advance(1); 20];
    let origin = LiveOrigin::new(Offers::default(), 10, 20, script);
    let recorder = Recorder::new();
    let mut live = fast();
    live.from_start = false;
    live.duration = Some(Duration::from_secs(5));
    let recording = recorder.record(&origin.url(), live).unwrap();
    assert_eq!(recording.ended, Ended::Duration);
    let state = origin.state.lock().unwrap();
    // One came with the first look; three target durations before the end is where players start.
    assert!(recorder.segments() == clear(&state.history[18..23]));
}

#[test]
fn both_tracks_of_a_presentation_are_recorded() {
    let script = vec![Step::Advance(2); 8];
    let origin = LiveOrigin::new(
        Offers {
            dates: true,
            ..Offers::default()
        },
        20,
        6,
        script,
    );
    let recorder = Recorder::new();
    let url = origin.url_of("master.m3u8");
    let recording = recorder.record(&url, fast()).unwrap();
    assert_eq!(
        (recording.ended, recording.outcome.gaps.len()),
        (Ended::Stream, 0)
    );
    let state = origin.state.lock().unwrap();
    for track in ["variant-0", "audio-0"] {
        assert!(
            recorder.segments_of(track) == clear(&state.history),
            "{track}"
        );
    }
}

#[test]
fn a_track_that_is_whole_already_is_taken_whole() {
    let origin = LiveOrigin::new(Offers::default(), 20, 9, vec![]);
    origin.state.lock().unwrap().is_audio_whole = true;
    origin.state.lock().unwrap().script = [Step::Advance(0)].into();
    let recorder = Recorder::new();
    let mut live = fast();
    live.from_start = false;
    let url = origin.url_of("master.m3u8");
    assert_eq!(recorder.record(&url, live).unwrap().ended, Ended::Stream);
    assert_eq!(recorder.segments_of("variant-0").len(), 3);
    assert_eq!(recorder.segments_of("audio-0").len(), 9);
}

#[test]
fn a_stream_that_does_not_go_on_is_given_up() {
    let origin = LiveOrigin::new(Offers::default(), 10, 4, vec![Step::Advance(1)]);
    origin.state.lock().unwrap().ends = false;
    let recorder = Recorder::new();
    let mut live = fast();
    live.patience = Duration::from_secs(20);
    let recording = recorder.record(&origin.url(), live.clone()).unwrap();
    assert_eq!(recording.ended, Ended::Silent);
    assert_eq!(recorder.segments().len(), 5);
    // The same with a server that is in trouble; what there is stays, and nothing is fetched twice.
    let mut state = origin.state.lock().unwrap();
    state.script = [vec![Step::Advance(0)], vec![Step::Page; 400]]
        .concat()
        .into();
    state.requests.clear();
    drop(state);
    let recording = recorder.record(&origin.url(), live).unwrap();
    assert_eq!(recording.ended, Ended::Unreachable);
    assert_eq!(recorder.segments().len(), 5);
    let state = origin.state.lock().unwrap();
    assert!(!state.requests.iter().any(|request| request.contains(".ts")));
}

#[test]
fn what_is_lost_of_a_recording_comes_from_where_it_came_from() {
    let origin = LiveOrigin::new(
        Offers::default(),
        4,
        4,
        vec![Step::Advance(3), Step::Advance(3)],
    );
    let recorder = Recorder::new();
    let recording = recorder.record(&origin.url(), fast()).unwrap();
    assert_eq!(recording.outcome.gaps, []);
    let before = recorder.segments();
    let writer = recorder.store.writer(&Recorder::id()).unwrap();
    writer.remove_entry("media/segment-00001003.ts").unwrap();
    drop(writer);
    // The playlist lists it no more.
    let session = recorder.session();
    let repaired = runtime().block_on(session.repair(&Recorder::id())).unwrap();
    assert_eq!(repaired.gaps, []);
    assert!(recorder.segments() == before);
    // What is a recording is not downloaded over, and what is a download is not recorded over.
    assert!(
        runtime()
            .block_on(session.download(request(&origin.url()), std::future::pending(), |_| {}))
            .is_ok()
    );
    assert!(recorder.segments() == before);
}

#[test]
fn a_download_is_not_recorded_over() {
    let origin = LiveOrigin::new(Offers::default(), 4, 4, vec![]);
    origin.state.lock().unwrap().ends = false;
    let recorder = Recorder::new();
    let session = recorder.session();
    let mut request = request(&origin.url());
    request.treat_as_vod = true;
    runtime()
        .block_on(session.download(request, std::future::pending(), |_| {}))
        .unwrap();
    let error = recorder.record(&origin.url(), fast()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
}
