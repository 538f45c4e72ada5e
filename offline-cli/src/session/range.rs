//! A part of the time of a presentation.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use hls_parse::Timeline;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::layout;
use super::plan::PlannedTrack;
use super::record::Metadata;
use crate::render::text::{clock, printable};
use crate::{Error, Result};

/// A place in a presentation.
///
/// Read from `90`, `90.5`, `1:30`, `1:02:03`, `1h2m`, or a date with a time and an offset.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MediaTime {
    /// Counted from its start.
    Start(Duration),
    /// By the clock, where the playlist has program date times.
    Date(Timestamp),
}

impl FromStr for MediaTime {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        let wrong = || {
            format!(
                "`{}` is no time; write 90, 1:30, 1h2m or 2026-05-01T20:15:00Z",
                printable(text)
            )
        };
        if let Ok(date) = text.parse::<Timestamp>() {
            return Ok(Self::Date(date));
        }
        let is_counted = text
            .bytes()
            .all(|byte| byte.is_ascii_digit() || matches!(byte, b':' | b'.'));
        let duration = if is_counted {
            counted(text)
        } else {
            let duration = text.parse::<SignedDuration>().ok();
            duration.and_then(|duration| Duration::try_from(duration).ok())
        };
        duration.map(Self::Start).ok_or_else(wrong)
    }
}

/// `90`, `90.5`, `1:30`, `1:02:03.25`
fn counted(text: &str) -> Option<Duration> {
    let (text, fraction) = text.split_once('.').unwrap_or((text, ""));
    let parts: Vec<&str> = text.split(':').collect();
    let mut seconds = 0_u64;
    for (index, part) in parts.iter().enumerate() {
        let number: u64 = part.parse().ok()?;
        if parts.len() > 3 || (index > 0 && (number >= 60 || part.len() != 2)) {
            return None;
        }
        seconds = seconds.checked_mul(60)?.checked_add(number)?;
    }
    if fraction.len() > 9 || fraction.bytes().any(|byte| !byte.is_ascii_digit()) {
        return None;
    }
    let nanoseconds = format!("{fraction:0<9}").parse().ok()?;
    Some(Duration::new(seconds, nanoseconds))
}

impl fmt::Display for MediaTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start(time) if time.subsec_nanos() == 0 => write!(f, "{}", time.as_secs()),
            Self::Start(time) => write!(f, "{}.{:09}", time.as_secs(), time.subsec_nanos()),
            Self::Date(date) => write!(f, "{date}"),
        }
    }
}

impl MediaTime {
    /// Counted from the start of a presentation with these segments.
    fn since_start(self, timeline: &Timeline) -> Result<Duration> {
        let date = match self {
            Self::Start(time) => return Ok(time),
            Self::Date(date) => date,
        };
        let first = timeline
            .segments()
            .first()
            .and_then(|first| first.program_date_time);
        let Some(first) = first else {
            return Err(
                Error::usage("the playlist does not say when its segments are from")
                    .hint("give a time since its start, for example 1:30"),
            );
        };
        // Before the first and after the last segment count as its start and its end.
        Ok(if date <= first {
            Duration::ZERO
        } else {
            timeline.time_at(date).unwrap_or(timeline.duration())
        })
    }
}

/// Which part of a presentation is wanted; by default all of it.
///
/// Segments are fetched whole: those that overlap the range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TimeRange {
    /// Where it begins.
    pub from: Option<MediaTime>,
    /// Where it ends.
    pub to: Option<MediaTime>,
}

impl TimeRange {
    /// From one place to another; without them from the start, and to the end.
    pub fn new(from: Option<MediaTime>, to: Option<MediaTime>) -> Self {
        Self { from, to }
    }

    /// Whether it is the whole presentation.
    pub fn is_whole(&self) -> bool {
        self.from.is_none() && self.to.is_none()
    }

    /// The time it covers of a presentation whose main playlist is this.
    fn within(&self, main: &Timeline) -> Result<Range<Duration>> {
        let from = self.from.map(|from| from.since_start(main)).transpose()?;
        let to = self.to.map(|to| to.since_start(main)).transpose()?;
        let end = main.duration();
        let range = from.unwrap_or_default()..to.unwrap_or(end).min(end);
        if range.start >= range.end {
            let message = format!(
                "nothing is between --from and --to: the presentation is {} long",
                clock(end)
            );
            return Err(Error::usage(message).hint("--from comes before --to, and before the end"));
        }
        Ok(range)
    }
}

/// A [`TimeRange`] in the words of the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StoredRange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    to: Option<String>,
}

impl From<TimeRange> for StoredRange {
    fn from(range: TimeRange) -> Self {
        Self {
            from: range.from.map(|from| from.to_string()),
            to: range.to.map(|to| to.to_string()),
        }
    }
}

impl StoredRange {
    /// The range again; what this version cannot read is left out.
    pub(super) fn range(&self) -> TimeRange {
        let time = |text: &Option<String>| text.as_ref().and_then(|text| text.parse().ok());
        TimeRange::new(time(&self.from), time(&self.to))
    }

    pub(super) fn is_whole(&self) -> bool {
        *self == Self::default()
    }
}

/// Media Sequence Numbers, the last one excluded, of what is to be stored of tracks. Of the others it is everything.
pub(crate) type Expected = BTreeMap<String, Range<u64>>;

/// Which segments of a timeline have these Media Sequence Numbers.
pub(crate) fn indices(timeline: &Timeline, numbers: &Range<u64>) -> Range<usize> {
    let first = timeline.media_sequence();
    let index = |number: u64| usize::try_from(number.saturating_sub(first)).unwrap_or(usize::MAX);
    let end = index(numbers.end).min(timeline.segments().len());
    index(numbers.start).min(end)..end
}

/// The segments of one playlist that a range takes, the same for all tracks: what the main ones have to have for it is what the others go with.
pub(super) fn of_timelines<'t>(
    range: TimeRange,
    timelines: &[(&'t Timeline, bool)],
) -> Result<Vec<Range<usize>>> {
    let mains = timelines.iter().filter(|(_, is_main)| *is_main);
    let mains: Vec<&'t Timeline> = mains.map(|(timeline, _)| *timeline).collect();
    let first = mains
        .first()
        .copied()
        .or_else(|| timelines.first().map(|(first, _)| *first));
    let Some(first) = first else {
        return Ok(Vec::new());
    };
    let mut time = range.within(first)?;
    for main in mains {
        let segments = main.segments_within(time.clone());
        let start = main.segments().get(segments.start);
        let last = segments
            .end
            .checked_sub(1)
            .and_then(|last| main.segments().get(last));
        if let (Some(start), Some(last)) = (start, last) {
            time.start = time.start.min(start.start);
            time.end = time.end.max(last.start.saturating_add(last.duration));
        }
    }
    let within = |(timeline, _): &(&Timeline, bool)| timeline.segments_within(time.clone());
    Ok(timelines.iter().map(within).collect())
}

/// Cuts tracks down to what a download fetches of them, and says what is to be there when it has ended.
///
/// What was wanted before stays wanted. `new` are the tracks of which nothing was; of those only the range is there from now on.
pub(super) fn cut(
    range: TimeRange,
    tracks: &mut [PlannedTrack],
    new: &[bool],
    metadata: &mut Metadata,
) -> Result<Expected> {
    let mut after = metadata.expected.clone();
    if range.is_whole() {
        for track in tracks.iter() {
            after.remove(&track.name);
        }
        return Ok(after);
    }
    let timelines: Vec<_> = tracks
        .iter()
        .map(|track| (&*track.pinned, layout::is_main(&track.name)))
        .collect();
    let wanted = of_timelines(range, &timelines)?;
    for ((track, wanted), &is_new) in tracks.iter_mut().zip(wanted).zip(new) {
        let first = track.pinned.media_sequence();
        let number = |index: usize| first.saturating_add(u64::try_from(index).unwrap_or(u64::MAX));
        let mut numbers = number(wanted.start)..number(wanted.end);
        match metadata.expected.get(&track.name) {
            // All of it is wanted already.
            None if !is_new => continue,
            None => {
                metadata
                    .expected
                    .insert(track.name.clone(), numbers.clone());
            }
            Some(before) => {
                if before.end < numbers.start || numbers.end < before.start {
                    return Err(Error::usage(
                        "the asset holds another part of the presentation, and one of both cannot be played in one go",
                    )
                    .hint("choose a range that joins it, or another --id"));
                }
                numbers = before.start.min(numbers.start)..before.end.max(numbers.end);
            }
        }
        let segments = indices(&track.pinned, &numbers);
        let start = track.pinned.segments().get(segments.start);
        track.offset = start.map_or(Duration::ZERO, |segment| segment.start);
        track.pinned = Arc::new(track.pinned.slice(segments.clone()));
        track.fresh = Arc::new(track.fresh.slice(segments));
        after.insert(track.name.clone(), numbers);
    }
    Ok(after)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_read_as_people_write_them() {
        let seconds = |text: &str| match text.parse() {
            Ok(MediaTime::Start(time)) => time.as_secs_f64(),
            other => panic!("{text}: {other:?}"),
        };
        for (text, expected) in [
            ("0", 0.0),
            ("90", 90.0),
            ("90.5", 90.5),
            ("1:30", 90.0),
            ("75:00", 4500.0),
            ("1:02:03.25", 3723.25),
            ("1h2m", 3720.0),
            ("45s", 45.0),
            (" 2m ", 120.0),
        ] {
            assert!((seconds(text) - expected).abs() < 1e-9, "{text}");
        }
        let date = "2026-05-01T20:15:00+02:00".parse::<MediaTime>();
        assert_eq!(date.unwrap().to_string(), "2026-05-01T18:15:00Z");
        for wrong in [
            "",
            "-5",
            "1:2",
            "1:60",
            "1:2:3:4",
            ":30",
            "1.2.3",
            "soon",
            "-1h",
            "1:-2",
            "2026-05-01",
        ] {
            assert!(wrong.parse::<MediaTime>().is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn times_are_shown_as_they_are_read(seconds in 0..1_000_000_000u64, nanoseconds in 0..1_000_000_000u32) {
            for time in [
                MediaTime::Start(Duration::new(seconds, nanoseconds)),
                MediaTime::Start(Duration::from_secs(seconds)),
                MediaTime::Date(Timestamp::new(seconds.cast_signed(), nanoseconds.cast_signed()).unwrap()),
            ] {
                prop_assert_eq!(time.to_string().parse(), Ok(time));
            }
        }
    }
}
