//! Everything a live stream has listed so far, as a recorder needs it.

use std::ops::Range;
use std::time::Duration;

use url::Url;

use crate::error::{Error, ErrorKind};
use crate::resolve::Numbers;
use crate::segment_store::SegmentStore;
use crate::segments::Segments;
use crate::timeline::{Key, KeySets, Map, Segment, Timeline};
use crate::value::Span;

/// The segments of a stream in the order in which they were listed, each once, although the playlist only lists the last of them.
///
/// It takes in timelines that were made of each other by [`Timeline::update`]; time and memory grow with the segments that are new.
///
/// ```
/// use hls_parse::{Context, History};
///
/// let context = Context::new("https://example.com/live.m3u8".parse()?);
/// let media = |first: u64| {
///     let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:{first}\n#EXTINF:4,\n{first}.ts\n#EXTINF:4,\n{}.ts\n", first + 1);
///     hls_parse::parse(text.as_bytes()).ok()?.playlist.as_media().cloned()
/// };
/// let mut timeline = media(7).ok_or("no Media Playlist")?.resolve(&context)?;
/// let mut history = History::default();
/// assert_eq!(history.record(&timeline)?, 0..2);
/// for first in [8, 12] {
///     timeline = timeline.update(&media(first).ok_or("no Media Playlist")?, &context)?.timeline;
///     history.record(&timeline)?;
/// }
/// // 7, 8 and 9, then 12 and 13.
/// assert_eq!((history.segments().len(), history.breaks()[0].index, history.breaks()[0].missed), (5, 3, 2));
/// assert_eq!(history.segment_url_text(4), "https://example.com/13.ts");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct History {
    /// Absolute URLs and titles.
    text: String,
    segments: SegmentStore,
    keys: Vec<Key>,
    key_numbers: Numbers,
    maps: Vec<Map>,
    map_numbers: Numbers,
    key_sets: KeySets,
    breaks: Vec<Break>,
    first_epoch: u64,
    /// Epoch and Media Sequence Number of the last segment.
    last: Option<(u64, u64)>,
}

/// A place of a [`History`] where a segment does not follow the one before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Break {
    /// The index of the segment after it.
    pub index: usize,
    /// The [epoch](Timeline::epoch) from there on; another than before where the stream has begun anew.
    pub epoch: u64,
    /// How many segments came and went unseen; 0 where the stream has begun anew.
    pub missed: u64,
}

impl History {
    /// Takes in the segments of a timeline that are not known yet, and says at which indices they are now.
    ///
    /// Those of an epoch that is over, and those before the first that was recorded, are left out.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`] when URLs and titles exceed 4 GiB, [`ErrorKind::Overflow`] when times exceed 64 bits of nanoseconds. What fitted is recorded.
    pub fn record(&mut self, timeline: &Timeline) -> Result<Range<usize>, Error> {
        let start = self.segments.len();
        let epoch = timeline.epoch();
        let is_over = self.last.is_some_and(|(last, _)| last > epoch);
        let next = match self.last {
            Some((last, number)) if last == epoch => number.saturating_add(1),
            _ => timeline.media_sequence(),
        };
        let known = usize::try_from(next.saturating_sub(timeline.media_sequence()));
        let segments = timeline.segments();
        let new = known.unwrap_or(usize::MAX)..if is_over { 0 } else { segments.len() };
        let mut maps = vec![None; timeline.maps().len()];
        for index in new {
            let Some(segment) = segments.get(index) else {
                break;
            };
            self.mark_break(epoch, segment.media_sequence_number);
            let map = segment.map.and_then(|map| {
                let here = maps.get_mut(map)?;
                if here.is_none() {
                    *here = Some(self.take_map(timeline, timeline.maps().get(map)?));
                }
                *here
            });
            let key_set = self.key_set(timeline, timeline.segment_keys(index));
            let uri = self.add_text(timeline.segment_url(index).as_str())?;
            let title = self.add_text(timeline.segment_title(index).unwrap_or_default())?;
            self.last = Some((epoch, segment.media_sequence_number));
            let segment = Segment {
                map,
                key_set,
                uri,
                title,
                ..segment
            };
            self.segments.push(&segment).ok_or_else(|| {
                Error::new(ErrorKind::Overflow, "times of the history exceed 64 bits")
            })?;
        }
        Ok(start..self.segments.len())
    }

    fn mark_break(&mut self, epoch: u64, number: u64) {
        let missed = match self.last {
            None => {
                self.first_epoch = epoch;
                return;
            }
            Some((last, _)) if last != epoch => 0,
            Some((_, last)) => match number.saturating_sub(last) {
                0 | 1 => return,
                step => step - 1,
            },
        };
        self.breaks.push(Break {
            index: self.segments.len(),
            epoch,
            missed,
        });
    }

    fn take_keys(&mut self, timeline: &Timeline, keys: &[usize]) -> Vec<usize> {
        keys.iter()
            .filter_map(|&key| timeline.keys().get(key))
            .map(|key| self.key_numbers.number(&mut self.keys, key.detached()))
            .collect()
    }

    fn take_map(&mut self, timeline: &Timeline, map: &Map) -> usize {
        let keys = self.take_keys(timeline, &map.keys);
        let map = Map {
            keys,
            ..map.clone()
        };
        self.map_numbers.number(&mut self.maps, map)
    }

    /// Segments in a row mostly have the same keys, which are then kept once.
    fn key_set(&mut self, timeline: &Timeline, keys: &[usize]) -> u32 {
        let last = self.segments.len().checked_sub(1);
        let last = last.map_or(0, |last| self.segments.run(last).key_set);
        let known = self
            .key_sets
            .get(last)
            .iter()
            .map(|&key| self.keys.get(key));
        if known.eq(keys.iter().map(|&key| timeline.keys().get(key))) {
            return last;
        }
        let keys = self.take_keys(timeline, keys);
        self.key_sets.add(&keys)
    }

    fn add_text(&mut self, text: &str) -> Result<Span, Error> {
        let span = Span::new(self.text.len(), text.len());
        if span.end == u32::MAX {
            let message = "the URLs and titles of the history exceed 4 GiB";
            return Err(Error::new(ErrorKind::LimitExceeded, message));
        }
        self.text.push_str(text);
        Ok(span)
    }

    /// The segments, in the order in which they were listed. Their start is counted from the start of the first, holes left out; their map is in
    /// [`maps`](Self::maps).
    pub fn segments(&self) -> Segments<'_> {
        Segments::new(&self.segments)
    }

    /// Where segments do not follow each other, in order.
    pub fn breaks(&self) -> &[Break] {
        &self.breaks
    }

    /// The [epoch](Timeline::epoch) of a segment; with its Media Sequence Number it tells it from all others.
    pub fn epoch(&self, index: usize) -> u64 {
        let after = self.breaks.partition_point(|found| found.index <= index);
        let found = after.checked_sub(1).and_then(|at| self.breaks.get(at));
        found.map_or(self.first_epoch, |found| found.epoch)
    }

    /// How long all segments are together.
    pub fn duration(&self) -> Duration {
        self.segments.duration()
    }

    /// Every distinct key, in order of first appearance.
    pub fn keys(&self) -> &[Key] {
        &self.keys
    }

    /// Every distinct map, in order of first appearance; its keys are in [`keys`](Self::keys).
    pub fn maps(&self) -> &[Map] {
        &self.maps
    }

    /// The absolute URL of a segment, as it was when the segment was first listed; `None` when there is no such segment.
    pub fn segment_url(&self, index: usize) -> Option<Url> {
        Url::parse(self.segment_url_text(index)).ok()
    }

    /// The text of [`segment_url`](Self::segment_url); empty when there is no such segment.
    pub fn segment_url_text(&self, index: usize) -> &str {
        let segment = self.segments().get(index);
        segment.map_or("", |segment| segment.uri.of(&self.text))
    }

    /// The title of a segment, if it has one.
    pub fn segment_title(&self, index: usize) -> Option<&str> {
        let title = self.segments().get(index)?.title.of(&self.text);
        (!title.is_empty()).then_some(title)
    }

    /// The indices in [`keys`](Self::keys) of the keys that apply to a segment, one for each key format.
    pub fn segment_keys(&self, index: usize) -> &[usize] {
        let segment = self.segments().get(index);
        self.key_sets
            .get(segment.map_or(0, |segment| segment.key_set))
    }

    /// The initialization vector for a segment and a key, as [`Timeline::segment_iv`].
    pub fn segment_iv(&self, segment: usize, key: usize) -> Option<[u8; 16]> {
        let number = self.segments().get(segment)?.media_sequence_number;
        self.keys.get(key)?.iv_for(number)
    }
}
