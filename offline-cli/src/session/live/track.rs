//! What has become of one track: a state machine that is told what is listed and what has come, and keeps no clock.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use hls_parse::Timeline;
use jiff::Timestamp;
use url::Url;

use super::memory::Evidence;
use super::parts::{self, Piece};
use super::ranges::Ranges;
use super::row::{self, Had, Origin, Row};
use super::written::{Needs, Numbers, Written};
use crate::session::download::Gap;
use crate::session::layout::{self, role};
use crate::session::plan::PlannedResource;
use crate::session::resolve::LONGEST_PINNED;
use crate::session::source;

/// Holes of more segments than this are left out of the playlist; shorter ones are spelled out, so that times and numbers go on.
pub(super) const LONGEST_HOLE: u64 = 1800;

/// At most so many segments of a track are on their way; what is listed beyond that has to wait, whatever a server thinks of.
pub(super) const MOST_ON_THEIR_WAY: usize = 1024;

/// A recording ends when its playlist has so many bytes, since a longer one could not be read.
const LONGEST_RECORDING: usize = LONGEST_PINNED / 2;

/// Something to fetch for a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Target {
    /// A segment, by its number in the recording.
    Segment(u64),
    Map(usize),
    Key(usize),
}

/// What has to be fetched, and where it goes.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) target: Target,
    /// Where it goes.
    pub(super) path: String,
    /// Where else its bytes are, if they are in pieces somewhere.
    pub(super) pieces: Vec<Piece>,
    pub(super) resource: PlannedResource,
}

/// What a look at the origin's playlist came to.
#[derive(Debug, Default)]
pub(super) struct Taken {
    pub(super) wanted: Vec<Wanted>,
    /// Segments that cannot be kept, with the reason.
    pub(super) refused: Vec<(String, String)>,
    /// Segments that came and went unseen.
    pub(super) missed: u64,
}

/// The segment that came last.
#[derive(Clone, Copy, Debug)]
pub(super) struct Last {
    pub(super) origin: Origin,
    pub(super) discontinuity_number: u64,
    pub(super) duration: Duration,
    pub(super) end_date: Option<Timestamp>,
}

/// A map or key that several segments may need.
#[derive(Debug)]
pub(super) enum Shared {
    /// Not there yet; these segments wait for it.
    Coming(Vec<u64>),
    There,
    Missing,
}

/// One track of a recording.
#[derive(Debug)]
pub(super) struct Track {
    pub(super) name: String,
    pub(super) subtitles: bool,
    /// Where the recorded playlist stands: the address of the origin's.
    pub(super) url: Url,
    /// Everything that is settled.
    pub(super) whole: Option<Written>,
    /// What of it is not pinned yet.
    pub(super) tail: Option<Written>,
    /// What is in force at the start of the tail.
    pub(super) in_force: Needs,
    /// Segments in `whole` that are no gaps.
    pub(super) stored: u64,
    pub(super) numbers: Numbers,
    pub(super) ranges: Ranges,
    pub(super) shared: HashMap<Target, Shared>,
    /// Taken, but not settled, in order; the first has the number `front`.
    pub(super) rows: VecDeque<Row>,
    pub(super) front: u64,
    pub(super) last: Option<Last>,
    /// The last ones that were settled, without a hole between them.
    pub(super) recent: VecDeque<Row>,
    /// The evidence of an earlier run, which counts until there is some of this one.
    pub(super) seen: Option<Evidence>,
    /// The first number at the origin that is wanted.
    pub(super) first: u64,
    pub(super) taken: Duration,
    pub(super) limit: Option<Duration>,
    /// How many bytes its playlist may have.
    pub(super) longest: usize,
    /// Whether it has all it is to have.
    pub(super) is_full: bool,
    pub(super) gaps: Vec<Gap>,
    /// The Media Sequence Number of the segment whose parts came last.
    pub(super) unfinished: Option<u64>,
    /// When what is recorded begins.
    pub(super) start: Option<Timestamp>,
    /// Whether more is listed than may be on its way at once.
    pub(super) has_more: bool,
    /// Segments that were listed and are to be listed no more before there was room for them.
    pub(super) dropped: u64,
    /// Segments that are there with all they need and have to open before they count.
    pub(super) unopened: Vec<u64>,
    /// Keys that have opened something, and maps that were opened.
    pub(super) proven: HashSet<Target>,
}

impl Track {
    pub(super) fn new(name: String, subtitles: bool, url: Url) -> Self {
        Self {
            name,
            subtitles,
            url,
            whole: None,
            tail: None,
            in_force: Needs::default(),
            stored: 0,
            numbers: Numbers::default(),
            ranges: Ranges::default(),
            shared: HashMap::new(),
            rows: VecDeque::new(),
            front: 0,
            last: None,
            recent: VecDeque::new(),
            seen: None,
            first: 0,
            taken: Duration::ZERO,
            limit: None,
            longest: LONGEST_RECORDING,
            is_full: false,
            gaps: Vec::new(),
            unfinished: None,
            start: None,
            has_more: false,
            dropped: 0,
            unopened: Vec::new(),
            proven: HashSet::new(),
        }
    }

    /// Takes in what is listed and not known yet, and says what has to be fetched for it.
    ///
    /// `epoch` tells streams apart that began anew under one address; `first` is where a new one begins.
    pub(super) fn take(&mut self, timeline: &Timeline, epoch: u64, first: u64) -> Taken {
        let mut taken = Taken::default();
        self.has_more = false;
        let Some(known) = self.known(timeline, epoch, first) else {
            return taken;
        };
        for index in known..timeline.segments().len() {
            if self.has_reached_limit() || self.is_too_long() {
                break;
            }
            if self.rows.len() >= MOST_ON_THEIR_WAY {
                self.has_more = true;
                break;
            }
            self.take_one(timeline, index, epoch, &mut taken);
        }
        self.is_full |= self.has_reached_limit() || self.is_too_long();
        if !timeline.is_live() && !self.has_more {
            self.take_unfinished(timeline, epoch, &mut taken);
        }
        self.ranges.take(timeline, self.start);
        self.settle_front();
        taken
    }

    /// The index of the first segment that was not taken; `None` when the timeline is one of before.
    fn known(&self, timeline: &Timeline, epoch: u64, first: u64) -> Option<usize> {
        let from = match self.last {
            Some(last) if last.origin.epoch > epoch => return None,
            Some(last) if last.origin.epoch == epoch => last.origin.number.saturating_add(1),
            Some(_) => first,
            None => self.first,
        };
        let known = from.saturating_sub(timeline.media_sequence());
        Some(usize::try_from(known).unwrap_or(usize::MAX))
    }

    /// Notes that a timeline is followed by one that begins anew: what of it was not taken goes by, parts of a segment are all that there will be of it.
    pub(super) fn end_epoch(
        &mut self,
        timeline: &Timeline,
        epoch: u64,
        first: u64,
        taken: &mut Taken,
    ) {
        if !self.has_more {
            return self.take_unfinished(timeline, epoch, taken);
        }
        if let Some(known) = self.known(timeline, epoch, first) {
            let rest = timeline.segments().len().saturating_sub(known);
            let rest = u64::try_from(rest).unwrap_or(u64::MAX);
            self.dropped = self.dropped.saturating_add(rest);
        }
        self.has_more = false;
    }

    /// Whether there is room for more of what is listed.
    pub(super) fn wants_more(&self) -> bool {
        self.has_more && self.rows.len() <= MOST_ON_THEIR_WAY / 2
    }

    fn has_reached_limit(&self) -> bool {
        self.limit.is_some_and(|limit| self.taken >= limit)
    }

    /// Whether what is written down is as long as it may become.
    pub(super) fn is_too_long(&self) -> bool {
        let segments = self.whole.as_ref().map_or(0, Written::bytes);
        segments.saturating_add(self.ranges.bytes) >= self.longest
    }

    /// The number of the next segment in the recording.
    pub(super) fn next(&self) -> u64 {
        self.front
            .saturating_add(u64::try_from(self.rows.len()).unwrap_or(u64::MAX))
    }

    fn take_one(&mut self, timeline: &Timeline, index: usize, epoch: u64, taken: &mut Taken) {
        let Some(segment) = timeline.segments().get(index) else {
            return;
        };
        let origin = Origin {
            epoch,
            number: segment.media_sequence_number,
        };
        let Some(last) = self.last else {
            self.front = origin.number;
            self.start = segment.program_date_time;
            let mut whole = Written::new(origin.number, segment.discontinuity_number);
            whole.target(timeline.target_duration());
            self.whole = Some(whole);
            self.add(timeline, index, origin, true, false, taken);
            return;
        };
        let missed = origin
            .number
            .saturating_sub(last.origin.number)
            .saturating_sub(1);
        let is_hole = last.origin.epoch == epoch && missed > 0;
        let is_torn = last.origin.epoch != epoch || missed > LONGEST_HOLE;
        if is_hole {
            taken.missed = taken.missed.saturating_add(missed);
        }
        if is_hole && !is_torn {
            self.add_hole(
                last,
                segment.discontinuity_number,
                segment.program_date_time,
                missed,
            );
        }
        self.add(timeline, index, origin, is_hole || is_torn, is_torn, taken);
        let dropped = std::mem::take(&mut self.dropped);
        taken.missed = taken.missed.saturating_add(dropped);
        if let Some(row) = self.rows.back_mut() {
            let torn_out = if is_hole && is_torn { missed } else { 0 };
            row.left_out = torn_out.saturating_add(dropped);
        }
    }

    /// Spells out a hole, with as many discontinuities as went by in it.
    fn add_hole(
        &mut self,
        last: Last,
        next_discontinuity: u64,
        date: Option<Timestamp>,
        missed: u64,
    ) {
        let count = u32::try_from(missed).unwrap_or(u32::MAX);
        let by_date = last.end_date.zip(date).and_then(|(end, next)| {
            let all = Duration::try_from(next.duration_since(end)).ok()?;
            all.checked_div(count)
        });
        // Dates that say something else were set anew meanwhile.
        let likely = last.duration / 2..=last.duration.saturating_mul(2);
        let duration = by_date
            .filter(|each| likely.contains(each))
            .unwrap_or(last.duration);
        // The discontinuity right before what comes after the hole is that one's own.
        let mut within = next_discontinuity
            .saturating_sub(last.discontinuity_number)
            .saturating_sub(1);
        for _ in 0..missed {
            let number = self.next();
            self.taken = self.taken.saturating_add(duration);
            let segment = row::unseen(number, duration, within > 0);
            self.rows
                .push_back(Row::new(segment, last.discontinuity_number));
            within = within.saturating_sub(1);
        }
    }

    fn add(
        &mut self,
        timeline: &Timeline,
        index: usize,
        origin: Origin,
        states_date: bool,
        is_torn: bool,
        taken: &mut Taken,
    ) {
        let (Some(mut listed), Some(segment)) = (
            row::listed(timeline, index, states_date),
            timeline.segments().get(index),
        ) else {
            return;
        };
        let number = self.next();
        listed.discontinuity = match self.last {
            None => false,
            Some(last) if last.origin.epoch == origin.epoch => {
                is_torn
                    || listed.discontinuity
                    || segment.discontinuity_number > last.discontinuity_number
            }
            Some(_) => true,
        };
        let duration = segment.duration;
        let mut row = Row::new(listed, segment.discontinuity_number);
        row.date = segment.program_date_time;
        row.origin = Some(origin);
        if !row.segment.gap {
            let mapped = segment.map.is_some();
            let url = timeline.segment_url(index);
            let name = layout::numbered_segment(number, &url, mapped, self.subtitles);
            row.path = Some(format!("{}/{name}", self.name));
            match row::had(timeline, index, number).and_then(|had| self.unmapped(had)) {
                Ok(had) => {
                    let pieces = parts::of_segment(timeline, index);
                    self.want(&mut row, number, had, pieces, taken);
                }
                Err(reason) => {
                    row.has_failed = true;
                    taken.refused.push((source::shown(&url), reason));
                }
            }
        }
        self.last = Some(Last {
            origin,
            discontinuity_number: segment.discontinuity_number,
            duration,
            end_date: row.date.and_then(|date| date.checked_add(duration).ok()),
        });
        self.taken = self.taken.saturating_add(duration);
        self.rows.push_back(row);
    }

    /// No playlist can take an EXT-X-MAP back.
    pub(super) fn unmapped(&self, had: Had) -> std::result::Result<Had, String> {
        if had.needs.map.is_none() && self.numbers.has_maps() {
            return Err("it has no EXT-X-MAP, and those before it have".to_owned());
        }
        Ok(had)
    }

    /// `pieces` are where its bytes are too.
    pub(super) fn want(
        &mut self,
        row: &mut Row,
        number: u64,
        had: Had,
        pieces: Vec<Piece>,
        taken: &mut Taken,
    ) {
        let numbered = self.numbers.of(&had.needs);
        let map = had.needs.map.as_ref();
        let map_range = map.and_then(|map| map.byte_range).map(row::offsets);
        let shared = [
            (numbered.key.map(Target::Key), had.key_url, None),
            (numbered.map_key.map(Target::Key), had.map_key_url, None),
            (numbered.map.map(Target::Map), had.map_url, map_range),
        ];
        row.outstanding = 1;
        for (target, url, range) in shared {
            let (Some(target), Some(url)) = (target, url) else {
                continue;
            };
            match self.shared.get_mut(&target) {
                Some(Shared::There) => {}
                Some(Shared::Coming(waiting)) if waiting.last() == Some(&number) => {}
                Some(Shared::Coming(waiting)) => {
                    waiting.push(number);
                    row.outstanding = row.outstanding.saturating_add(1);
                }
                // What could not be had for the segments before may be there again.
                Some(Shared::Missing) | None => {
                    self.shared.insert(target, Shared::Coming(vec![number]));
                    row.outstanding = row.outstanding.saturating_add(1);
                    taken.wanted.push(self.wanted(target, url, range, None));
                }
            }
        }
        row.needs = Some(had.needs);
        let path = row.path.clone();
        let mut segment = self.wanted(Target::Segment(number), had.url, had.range, path);
        segment.pieces = pieces;
        taken.wanted.push(segment);
    }

    pub(super) fn wanted(
        &self,
        target: Target,
        url: Url,
        range: Option<std::ops::Range<u64>>,
        path: Option<String>,
    ) -> Wanted {
        let (role, name) = match target {
            Target::Segment(_) => (role::SEGMENT, String::new()),
            Target::Map(index) => (role::INITIALIZATION, layout::TrackLayout::map_name(index)),
            Target::Key(index) => (role::KEY, layout::TrackLayout::key_name(index)),
        };
        Wanted {
            target,
            path: path.unwrap_or_else(|| format!("{}/{name}", self.name)),
            pieces: Vec::new(),
            resource: PlannedResource {
                identity: source::identity(&url),
                url,
                range,
                role,
                text: self.subtitles,
            },
        }
    }
}
