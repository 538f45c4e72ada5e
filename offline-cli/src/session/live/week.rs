//! A week of a live stream in simulated time, with all its troubles: what is recorded is what was there, minus the gaps that are listed.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::time::Duration;

use hls_parse::{Context, Playlist, Timeline};
use jiff::Timestamp;
use proptest::prelude::*;
use url::Url;

use super::source::LiveSource;
use super::track::{Taken, Target, Track};
use crate::session::resolve;

const WEEK: u64 = 7 * 24 * 3600;
const SEGMENT: u64 = 10;
const WINDOW: usize = 10;
/// More segments than are made while an outage and a death follow each other.
const UNSEEN: u64 = 500;

fn context() -> Context {
    Context::new(Url::parse("https://live.example/index.m3u8").unwrap())
}

/// Numbers that look random.
struct Chance(u64);

impl Chance {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }
}

/// A segment that the origin made.
#[expect(clippy::struct_excessive_bools, reason = "each is so or not")]
struct Made {
    epoch: usize,
    number: u64,
    date: Timestamp,
    key: u64,
    map: u64,
    is_discontinuous: bool,
    /// How many discontinuities of its epoch came before it.
    discontinuities: u64,
    is_gap: bool,
    is_seen: bool,
    is_lost: bool,
}

impl Made {
    fn uri(&self) -> String {
        format!("/{}-{}.mp4", self.epoch, self.number)
    }
}

#[derive(Default)]
struct Origin {
    history: Vec<Made>,
    epoch: usize,
    next: u64,
    key: u64,
    map: u64,
    is_discontinuous: bool,
    discontinuities: u64,
    /// How far its clock is off.
    clock: i64,
}

impl Origin {
    /// Goes on to a time.
    fn advance(&mut self, now: u64, chance: &mut Chance) {
        while (self.history.len() as u64 + 1) * SEGMENT <= now {
            self.key += u64::from(chance.one_in(400));
            if chance.one_in(600) {
                self.map += 1;
                self.is_discontinuous = true;
            }
            // Not before it has come further than what may go unseen: one that begins anew ahead of what was seen last looks like one that went on.
            if chance.one_in(4000) && self.next > UNSEEN {
                self.epoch += 1;
                self.next = chance.below(2) * 7;
                self.is_discontinuous = false;
                self.discontinuities = 0;
                self.clock += 3;
            }
            let seconds = i64::try_from(self.history.len() as u64 * SEGMENT).unwrap();
            self.history.push(Made {
                epoch: self.epoch,
                number: self.next,
                date: Timestamp::from_second(1_767_225_600 + seconds + self.clock).unwrap(),
                key: self.key,
                map: self.map,
                is_discontinuous: self.is_discontinuous,
                discontinuities: self.discontinuities,
                is_gap: chance.one_in(500),
                is_seen: false,
                is_lost: chance.one_in(200),
            });
            self.discontinuities += u64::from(std::mem::take(&mut self.is_discontinuous));
            self.next += 1;
        }
    }

    fn is_lost(&self, url: &Url) -> bool {
        let newest = self.history.iter().rev();
        let mut same = newest.filter(|made| made.uri() == url.path());
        same.next().unwrap().is_lost
    }

    /// What it lists now, as text; from then on it is seen.
    fn list(&mut self) -> String {
        let of_epoch = self.history.partition_point(|made| made.epoch < self.epoch);
        let from = of_epoch.max(self.history.len().saturating_sub(WINDOW));
        let listed = &mut self.history[from..];
        let oldest = listed.first();
        let (first, discontinuities) =
            oldest.map_or((0, 0), |made| (made.number, made.discontinuities));
        let mut text = format!(
            "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:{SEGMENT}\n#EXT-X-MEDIA-SEQUENCE:{first}\n#EXT-X-DISCONTINUITY-SEQUENCE:{discontinuities}\n"
        );
        let mut in_force = None;
        for made in listed {
            made.is_seen = true;
            if made.is_discontinuous {
                text.push_str("#EXT-X-DISCONTINUITY\n");
            }
            if in_force != Some((made.key, made.map)) {
                in_force = Some((made.key, made.map));
                let (key, map) = (made.key, made.map);
                writeln!(text, "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"/key-{key}\"\n#EXT-X-MAP:URI=\"/map-{map}.mp4\"\n#EXT-X-PROGRAM-DATE-TIME:{}", made.date).unwrap();
            }
            if made.is_gap {
                text.push_str("#EXT-X-GAP\n");
            }
            writeln!(text, "#EXTINF:{SEGMENT},\n{}", made.uri()).unwrap();
        }
        text
    }
}

/// The recorder: it is killed and begins again, and what it had on its way then is gone.
struct Recording {
    track: Track,
    source: LiveSource,
    gaps: u64,
}

fn parsed(text: &str) -> hls_parse::MediaPlaylist {
    match hls_parse::parse(text.as_bytes()).unwrap().playlist {
        Playlist::Media(playlist) => playlist,
        Playlist::Multivariant(_) => panic!("not a Media Playlist"),
    }
}

impl Recording {
    fn begin(text: &str, now: Duration) -> Self {
        let url = Url::parse("https://live.example/index.m3u8").unwrap();
        let timeline = parsed(text).resolve(&context()).unwrap();
        Self {
            track: Track::new("media".to_owned(), false, url),
            source: LiveSource::new(timeline, now),
            gaps: 0,
        }
    }

    fn look(&mut self, text: &str, now: Duration) {
        let before = (
            self.source.timeline.clone(),
            self.source.epoch(),
            self.source.first,
        );
        let playlist = parsed(text);
        self.source
            .received(&playlist, &context(), false, now, now)
            .unwrap();
        if self.source.epoch() != before.1 {
            let (timeline, epoch, first) = before;
            let mut taken = Taken::default();
            self.track.end_epoch(&timeline, epoch, first, &mut taken);
        }
    }

    /// Fetches what is listed; the last of it may be on its way still when the process ends, which then nobody knows of.
    fn fetch(&mut self, origin: &mut Origin, is_late: bool) {
        let epoch = self.source.epoch();
        let taken = self
            .track
            .take(&self.source.timeline, epoch, self.source.first);
        let last = taken.wanted.len().saturating_sub(1);
        for (index, wanted) in taken.wanted.into_iter().enumerate() {
            let is_segment = matches!(wanted.target, Target::Segment(_));
            let is_lost = is_segment && origin.is_lost(&wanted.resource.url);
            if is_late && index == last && is_segment {
                let late = origin.history.last_mut().unwrap();
                late.is_seen &= late.uri() != wanted.resource.url.path();
            } else {
                self.track.settle(wanted.target, !is_lost);
            }
        }
    }

    fn written(&self) -> Timeline {
        let whole = self.track.whole.as_ref().unwrap();
        let text = whole.playlist(&self.track.url, self.track.ranges.tags());
        resolve::media(&text.unwrap(), &context()).unwrap()
    }

    /// The process ends, and another one begins.
    fn die(&mut self, now: Duration) {
        let Some(evidence) = self.track.evidence().unwrap() else {
            return;
        };
        let seen = resolve::media(&evidence.playlist, &context()).unwrap();
        let mut track = Track::new("media".to_owned(), false, self.track.url.clone());
        track.restore(Some(&self.written()), None, &seen, evidence);
        self.gaps += listed_gaps(&self.track);
        self.track = track;
        self.source = LiveSource::new(seen, now);
    }
}

/// How many segments the gaps are that a track lists.
fn listed_gaps(track: &Track) -> u64 {
    let counts = track.gaps.iter().map(|gap| {
        let count = gap.path.split_once(" segments ").map(|(count, _)| count);
        count.map_or(1, |count| count.parse().unwrap())
    });
    counts.sum()
}

/// Segments of which it is known that they were there: in each epoch from the first that was seen to the last.
fn known(history: &[Made]) -> Vec<&Made> {
    let mut known = Vec::new();
    for epoch in history.chunk_by(|one, other| one.epoch == other.epoch) {
        let first = epoch.iter().position(|made| made.is_seen);
        let last = epoch.iter().rposition(|made| made.is_seen);
        if let (Some(first), Some(last)) = (first, last) {
            known.extend(&epoch[first..=last]);
        }
    }
    known
}

fn week(seed: u64) -> Result<(), TestCaseError> {
    let (mut chance, mut origin) = (Chance(seed), Origin::default());
    let mut now = 100;
    origin.advance(now, &mut chance);
    let mut text = origin.list();
    let mut recording = Recording::begin(&text, Duration::from_secs(now));
    let mut outages = 0;
    let mut deaths = [5, 3, 1]
        .map(|part| part * WEEK / 7 + chance.below(WEEK / 7))
        .to_vec();
    while now < WEEK {
        recording.fetch(&mut origin, false);
        if chance.one_in(400) {
            // An outage of up to ten minutes, with a look now and then.
            outages += 1;
            let until = Duration::from_secs(now + chance.below(590));
            let mut time = Duration::from_secs(now);
            while time < until {
                prop_assert_eq!(recording.source.dead(time, Duration::from_secs(600)), None);
                recording.source.failed(time);
                time = recording.source.due();
            }
            now = time.as_secs() + 1;
        }
        now += 40 + chance.below(50);
        origin.advance(now, &mut chance);
        if chance.one_in(100) {
            // An edge that lags.
            recording.look(&text, Duration::from_secs(now));
        }
        text = origin.list();
        recording.look(&text, Duration::from_secs(now));
        if deaths.pop_if(|at| *at < now).is_some() {
            recording.fetch(&mut origin, chance.one_in(2));
            // It is not begun again at once.
            now += chance.below(3600);
            recording.die(Duration::from_secs(now));
            origin.advance(now, &mut chance);
            text = origin.list();
            recording.look(&text, Duration::from_secs(now));
        }
    }
    recording.fetch(&mut origin, false);
    recording.track.finish();
    let written = recording.written();
    let known = known(&origin.history);
    let mut at = known.iter();
    let gaps_of_the_origin = known.iter().filter(|made| made.is_gap);
    let gaps_of_the_origin: HashSet<String> = gaps_of_the_origin.map(|made| made.uri()).collect();
    let (mut recorded, mut declared) = (0, 0);
    for (index, segment) in written.segments().iter().enumerate() {
        let uri = written.segment_url(index).path().to_owned();
        if segment.gap {
            declared += u64::from(gaps_of_the_origin.contains(&uri));
            continue;
        }
        recorded += 1;
        // In the order of the history, each once.
        let made = at.find(|made| made.uri() == uri);
        let Some(made) = made else {
            prop_assert!(false, "{} is out of order", uri);
            return Ok(());
        };
        prop_assert!(!made.is_lost && !made.is_gap);
        prop_assert_eq!(segment.program_date_time, Some(made.date), "{}", uri);
        let key = &written.keys()[written.segment_keys(index)[0]];
        prop_assert!(key.uri.ends_with(&format!("/key-{}", made.key)), "{}", uri);
        let map = &written.maps()[segment.map.unwrap()];
        prop_assert_eq!(map.url.path(), format!("/map-{}.mp4", made.map));
    }
    let gaps = recording.gaps + listed_gaps(&recording.track);
    prop_assert_eq!(recorded + gaps + declared, known.len() as u64);
    prop_assert_eq!(written.segments().len(), known.len());
    prop_assert!(
        outages > 2 && deaths.is_empty() && origin.epoch > 2,
        "{} {}",
        outages,
        origin.epoch
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn a_week_is_recorded_but_for_the_gaps_that_are_listed(seed: u64) {
        week(seed)?;
    }
}

#[test]
fn a_gap_of_the_origin_that_a_death_left_unrecorded_is_counted_once() {
    week(10_748_873_825_994_579_842).unwrap();
}
