//! Whether segments belong where the playlist has them.

use std::time::Duration;

use super::clock;
use super::container::Container;
use super::problem::{Problem, ProblemKind};
use super::segment::Segment;
use super::stream::{Stream, StreamKind};
use super::text_times::TextTimes;
use crate::catalog::TrackKind;

/// Times of media and of playlists may differ by so much: both are rounded, and frames are not cut.
pub(super) const TOLERANCE: Duration = Duration::from_millis(500);

/// What a playlist says of a segment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Announced {
    /// Where it starts in the time of the playlist.
    pub start: Duration,
    /// How long it is (EXTINF).
    pub duration: Duration,
    /// Its times and tracks need not go on from the segment before (EXT-X-DISCONTINUITY).
    pub discontinuity: bool,
    /// It begins with a frame that can be decoded alone (EXT-X-INDEPENDENT-SEGMENTS).
    pub independent: bool,
}

/// Follows the segments of one Media Playlist, in order, and says which of them do not belong where they are.
///
/// A segment that is missing is left out: the times of those behind it are still told by the playlist.
///
/// ```
/// use std::time::Duration;
/// use cache_inspect::TrackKind;
/// use cache_inspect::media::{Announced, ProblemKind, Sequence, examine};
///
/// let audio = |seconds: u64| {
///     let mut bytes = b"ID3\x04\0\0\0\0\0\x3fPRIV\0\0\0\x35\0\0com.apple.streaming.transportStreamTimestamp\0".to_vec();
///     bytes.extend((seconds * 90_000).to_be_bytes());
///     for _ in 0..47 * 4 {
///         bytes.extend([0xff, 0xf1, 0x4c, 0x80, 0x01, 0x1f, 0xfc, 0]);
///     }
///     examine(&bytes, None)
/// };
/// let announced = |start| Announced {
///     start: Duration::from_secs(start),
///     duration: Duration::from_secs(4),
///     ..Announced::default()
/// };
/// let mut sequence = Sequence::new(TrackKind::Audio);
/// assert_eq!(sequence.next(&announced(0), &audio(100)), []);
/// assert_eq!(sequence.next(&announced(4), &audio(104)), []);
/// let problems = sequence.next(&announced(8), &audio(116));
/// assert_eq!(problems[0].kind, ProblemKind::TimeJump);
/// assert_eq!(sequence.next(&announced(12), &audio(112)), []);
/// ```
#[derive(Clone, Debug)]
pub struct Sequence {
    kind: TrackKind,
    container: Option<Container>,
    streams: Vec<Known>,
    text: Option<TextTimes>,
}

/// A stream that segments before had.
#[derive(Clone, Debug)]
struct Known {
    id: u32,
    kind: StreamKind,
    codec: String,
    /// Where the next segment should begin.
    anchor: Option<Anchor>,
    /// The same, told by a segment that did not begin where it should: if the next one goes on from there, it was
    /// the playlist that was wrong.
    doubtful: Option<Anchor>,
}

/// One instant, in the time of the media and in that of the playlist.
#[derive(Clone, Copy, Debug)]
struct Anchor {
    media: Duration,
    playlist: Duration,
    /// The last frame before may be longer or shorter than the others, by so much at most.
    unit: Duration,
}

impl Sequence {
    /// For the segments of a track of this kind.
    pub fn new(kind: TrackKind) -> Self {
        Self {
            kind,
            container: None,
            streams: Vec::new(),
            text: None,
        }
    }

    /// Takes the next segment; what is wrong with its place. That it is [whole](super::examine) is not asked here.
    pub fn next(&mut self, announced: &Announced, segment: &Segment) -> Vec<Problem> {
        let mut problems = Vec::new();
        if !segment.container.is_segment() {
            return problems;
        }
        if announced.discontinuity {
            *self = Self::new(self.kind);
        }
        problems.extend(self.other_tracks(segment));
        if !problems.is_empty() {
            // What it says of time is of something else.
            return problems;
        }
        self.container = Some(segment.container);
        problems.extend(self.time_jump(announced, segment));
        problems.extend(self.wrong_duration(announced, segment));
        let not_independent = |stream: &Stream| {
            stream.kind == StreamKind::Video && stream.starts_independent == Some(false)
        };
        if announced.independent && segment.streams.iter().any(not_independent) {
            let what = "it does not begin with a frame that can be decoded alone";
            problems.push(Problem::new(ProblemKind::NotIndependent, what));
        }
        problems
    }

    fn other_tracks(&self, segment: &Segment) -> Option<Problem> {
        if let Some(container) = self.container
            && container != segment.container
        {
            let what = format!(
                "it is {}, and those before are {container}",
                segment.container
            );
            return Some(Problem::new(ProblemKind::OtherTracks, what));
        }
        // One that ends early, or begins late, is no other one.
        for stream in segment
            .streams
            .iter()
            .filter(|stream| stream.kind.is_continuous())
        {
            let mut alike = (self.streams.iter())
                .filter(|known| known.kind == stream.kind)
                .peekable();
            if let Some(known) = alike.peek().map(|known| known.codec.clone())
                && !alike.any(|known| known.codec == stream.codec)
            {
                let what = format!("it has {}, and those before have {known}", stream.codec);
                return Some(Problem::new(ProblemKind::OtherTracks, what));
            }
        }
        None
    }

    fn time_jump(&mut self, announced: &Announced, segment: &Segment) -> Option<Problem> {
        let wraps = segment.container != Container::Mp4;
        let mut worst: Option<(i128, &Stream)> = None;
        for stream in &segment.streams {
            if segment.container == Container::WebVtt {
                return self.text_jump(announced, stream);
            }
            if !stream.kind.is_continuous() {
                continue;
            }
            let known = (self.streams.iter())
                .position(|known| known.id == stream.id && known.kind == stream.kind);
            let known = known.unwrap_or_else(|| {
                self.streams.push(Known {
                    id: stream.id,
                    kind: stream.kind,
                    codec: stream.codec.clone(),
                    anchor: None,
                    doubtful: None,
                });
                self.streams.len() - 1
            });
            let (Some(known), Some(start)) = (self.streams.get_mut(known), stream.start) else {
                continue;
            };
            let by = known.take(self.kind, announced, stream, start, wraps);
            if by.unsigned_abs() > worst.map_or(0, |(worst, _)| worst.unsigned_abs()) {
                worst = Some((by, stream));
            }
        }
        let (by, stream) = worst?;
        Some(time_jump(&stream.codec, by))
    }

    fn text_jump(&mut self, announced: &Announced, stream: &Stream) -> Option<Problem> {
        let times = TextTimes::new(announced, stream)?;
        let Some(known) = &mut self.text else {
            self.text = Some(times);
            return None;
        };
        let by = known.narrow(&times);
        (by != 0).then(|| time_jump("its text", by))
    }

    fn wrong_duration(&self, announced: &Announced, segment: &Segment) -> Option<Problem> {
        if self.kind == TrackKind::IFrames {
            return None;
        }
        // Where there are pictures, segments are cut by them.
        let kind = [StreamKind::Video, StreamKind::Audio]
            .into_iter()
            .find(|kind| segment.streams.iter().any(|stream| stream.kind == *kind))?;
        let stream = (segment.streams.iter())
            .filter(|stream| stream.kind == kind)
            .max_by_key(|stream| stream.duration)?;
        let duration = stream.duration?;
        let difference = duration.abs_diff(announced.duration);
        (difference > TOLERANCE.saturating_add(stream.unit)).then(|| {
            let what = format!(
                "it is {:.3} s long, and announced with {:.3} s",
                duration.as_secs_f64(),
                announced.duration.as_secs_f64()
            );
            Problem::new(ProblemKind::Duration, what)
        })
    }
}

impl Known {
    /// By how many nanoseconds a segment begins too late, or too early if less than 0; 0 where it belongs.
    fn take(
        &mut self,
        kind: TrackKind,
        announced: &Announced,
        stream: &Stream,
        start: Duration,
        wraps: bool,
    ) -> i128 {
        let next = if kind == TrackKind::IFrames {
            // Its frames are shown for longer than they are.
            Some(Anchor {
                media: start,
                playlist: announced.start,
                unit: stream.unit,
            })
        } else {
            stream.end().map(|end| Anchor {
                media: end,
                playlist: announced.start.saturating_add(announced.duration),
                unit: stream.unit,
            })
        };
        let off = |anchor: Anchor| {
            let media = difference(start, anchor.media, wraps);
            let by = media - difference(announced.start, anchor.playlist, false);
            // A short segment is not to be taken for its neighbour.
            let units = anchor.unit.max(stream.unit).saturating_mul(2);
            let tolerance = TOLERANCE.min(announced.duration / 2).max(units);
            if by.unsigned_abs() <= tolerance.as_nanos() {
                0
            } else {
                by
            }
        };
        let by = self.anchor.map_or(0, off);
        if by == 0 || self.doubtful.map(off) == Some(0) {
            self.anchor = next.or(self.anchor);
            self.doubtful = None;
            return 0;
        }
        self.doubtful = next;
        by
    }
}

/// Nanoseconds from one time to another; the shorter way round on the clock of MPEG-2 systems.
pub(super) fn difference(later: Duration, earlier: Duration, wraps: bool) -> i128 {
    let signed = |time: Duration| i128::try_from(time.as_nanos()).unwrap_or(i128::MAX);
    let difference = signed(later) - signed(earlier);
    if wraps {
        around(difference)
    } else {
        difference
    }
}

/// The shorter way round on the clock of MPEG-2 systems.
pub(super) fn around(nanoseconds: i128) -> i128 {
    let wrap = i128::try_from(clock::wrap_time().as_nanos()).unwrap_or(i128::MAX);
    let ahead = nanoseconds.rem_euclid(wrap);
    if ahead < wrap / 2 {
        ahead
    } else {
        ahead - wrap
    }
}

fn time_jump(what: &str, by: i128) -> Problem {
    let nanoseconds = u64::try_from(by.unsigned_abs()).unwrap_or(u64::MAX);
    let seconds = Duration::from_nanos(nanoseconds).as_secs_f64();
    let direction = if by > 0 { "later" } else { "earlier" };
    let what = format!(
        "{what} begins {seconds:.3} s {direction} than the segments before and the playlist say"
    );
    Problem::new(ProblemKind::TimeJump, what)
}
