//! Taking over what a delta update leaves out (section 6.2.5.1).

use std::collections::HashSet;
use std::ops::Range;

use url::Url;

use super::State;
use crate::attributes::AttributeList;
use crate::error::{Error, ErrorKind};
use crate::foreign::ForeignEntry;
use crate::playlist::{TagEntry, skipped_segments};
use crate::segments::Segments;
use crate::timeline::{Segment, Timeline};

impl State<'_> {
    /// Puts the skipped segments, as they were known before, in the place of the `EXT-X-SKIP`, and continues with what is in force after them.
    pub(super) fn skip(&mut self, tag: &TagEntry) -> Result<(), Error> {
        if std::mem::replace(&mut self.has_skipped, true) {
            return Ok(());
        }
        let list = AttributeList::new(tag.value.of(&self.playlist.common.text));
        let needed = |message: &str| Error::at(ErrorKind::NeedFullReload, tag.line, message);
        if list.has_requirement() {
            return Err(needed("the delta update requires what is not known"));
        }
        let Some(previous) = self.previous else {
            return Err(needed(
                "the playlist is a delta update, a full playlist is needed",
            ));
        };
        let Some(count) = skipped_segments(&list) else {
            return Err(needed(
                "the delta update does not say how many segments it skips",
            ));
        };
        if self.segments.len() > 0 {
            return Err(needed("the delta update skips segments after others"));
        }
        let first = self
            .playlist
            .media_sequence
            .checked_sub(previous.media_sequence);
        let skipped = first.and_then(|first| {
            let first = usize::try_from(first).ok()?;
            let end = first.checked_add(usize::try_from(count).ok()?)?;
            (end <= previous.segments.len()).then_some(first..end)
        });
        let Some(skipped) = skipped else {
            return Err(needed("the delta update skips segments that are not known"));
        };
        self.details.parts.clear();
        if let Some(removed) = list.get("RECENTLY-REMOVED-DATERANGES") {
            let removed = self.expander.expand(removed.value, tag.line)?;
            let removed: HashSet<&str> = removed.split('\t').collect();
            let ranges = &previous.details.date_ranges;
            self.date_ranges
                .carry(ranges, &removed, tag.line, &mut self.texts)?;
        }
        let mut carrier = Carrier::new(previous);
        for segment in skipped
            .clone()
            .filter_map(|index| previous.segments().get(index))
        {
            let overflow = || {
                Error::at(
                    ErrorKind::Overflow,
                    tag.line,
                    "times or numbers exceed 64 bits from here",
                )
            };
            let discontinuities = self
                .discontinuities
                .checked_add(u64::from(segment.discontinuity));
            self.discontinuities = discontinuities.ok_or_else(overflow)?;
            let segment = carrier.segment(&segment, self, tag.line)?;
            self.segments.push(&segment).ok_or_else(overflow)?;
        }
        if let Some(last) = Segments::new(&self.segments).last() {
            self.map = last.map;
            self.dated = last.program_date_time.map(|date| (date, last.start));
            self.previous_range = last.byte_range.map(|range| (range.end(), last.uri));
            self.current_keys = self.key_sets.get(last.key_set).to_vec();
            self.current_set = Some(last.key_set);
            self.carry_bitrates(previous, &skipped);
        }
        self.carry_foreign_tags(previous, &skipped, tag.line)
    }

    fn carry_bitrates(&mut self, previous: &Timeline, skipped: &Range<usize>) {
        let changes = &previous.details.bitrates;
        let before = changes.partition_point(|(segment, _)| *segment as usize <= skipped.start);
        let until = changes.partition_point(|(segment, _)| (*segment as usize) < skipped.end);
        self.bitrate = None;
        self.details.bitrates.clear();
        if let Some((_, bitrate)) = before.checked_sub(1).and_then(|index| changes.get(index)) {
            self.set_bitrate(0, *bitrate);
        }
        for &(segment, bitrate) in changes.get(before..until).unwrap_or_default() {
            let index = (segment as usize).saturating_sub(skipped.start);
            self.set_bitrate(u32::try_from(index).unwrap_or(u32::MAX), bitrate);
        }
    }

    /// A tag at the top of the playlist stands before its first segment, whichever that is, so it may be there twice.
    fn carry_foreign_tags(
        &mut self,
        previous: &Timeline,
        skipped: &Range<usize>,
        line: u32,
    ) -> Result<(), Error> {
        let text: &str = &self.playlist.common.text;
        let top: HashSet<(&str, &str)> = self
            .details
            .foreign_tags
            .iter()
            .map(|tag| (tag.name.of(text), tag.value.of(text)))
            .collect();
        for tag in &previous.details.foreign_tags {
            let (name, value) = (tag.name.of(&previous.text), tag.value.of(&previous.text));
            let index = (tag.segment as usize)
                .checked_sub(skipped.start)
                .filter(|index| *index < skipped.len());
            let Some(segment) = index.and_then(|index| u32::try_from(index).ok()) else {
                continue;
            };
            if segment > 0 || !top.contains(&(name, value)) {
                let (name, value) = (self.texts.add(name, line)?, self.texts.add(value, line)?);
                self.details.foreign_tags.push(ForeignEntry {
                    name,
                    value,
                    segment,
                });
            }
        }
        Ok(())
    }
}

/// Makes segments of an earlier timeline those of the timeline being made.
struct Carrier<'t> {
    previous: &'t Timeline,
    /// The last set of keys, there and here: segments in a row share theirs.
    key_set: Option<(u32, u32)>,
    maps: Vec<Option<usize>>,
}

impl<'t> Carrier<'t> {
    fn new(previous: &'t Timeline) -> Self {
        Self {
            previous,
            key_set: None,
            maps: vec![None; previous.maps.len()],
        }
    }

    fn segment(
        &mut self,
        segment: &Segment,
        state: &mut State<'_>,
        line: u32,
    ) -> Result<Segment, Error> {
        let uri = segment.uri.of(&self.previous.text);
        let uri = if keeps_its_meaning(uri, &self.previous.base, state.base) {
            state.texts.add(uri, line)?
        } else {
            state
                .texts
                .add(self.previous.absolute(uri).as_str(), line)?
        };
        Ok(Segment {
            discontinuity_number: state.discontinuities,
            map: segment.map.and_then(|map| self.map(map, state)),
            key_set: self.key_set(segment.key_set, state),
            uri,
            title: state
                .texts
                .add(segment.title.of(&self.previous.text), line)?,
            ..segment.clone()
        })
    }

    fn keys(&self, keys: &[usize], state: &mut State<'_>) -> Vec<usize> {
        keys.iter()
            .filter_map(|&key| self.previous.keys.get(key))
            .map(|key| state.key_number(key.detached()))
            .collect()
    }

    fn key_set(&mut self, set: u32, state: &mut State<'_>) -> u32 {
        if let Some((_, here)) = self.key_set.filter(|(there, _)| *there == set) {
            return here;
        }
        let keys = self.keys(self.previous.key_sets.get(set), state);
        let here = state.key_sets.add(&keys);
        self.key_set = Some((set, here));
        here
    }

    fn map(&mut self, map: usize, state: &mut State<'_>) -> Option<usize> {
        if let Some(Some(here)) = self.maps.get(map) {
            return Some(*here);
        }
        let mut found = self.previous.maps.get(map)?.clone();
        found.keys = self.keys(&found.keys, state);
        let here = state.map_number(found);
        *self.maps.get_mut(map)? = Some(here);
        Some(here)
    }
}

/// Whether a reference leads to the same place from both bases, told cheaply: they are the same but for the query, and the reference does not live on that.
fn keeps_its_meaning(uri: &str, there: &Url, here: &Url) -> bool {
    there == here
        || (there[..url::Position::AfterPath] == here[..url::Position::AfterPath]
            && uri
                .starts_with(|first: char| first.is_ascii_alphanumeric() || "/._-".contains(first)))
}
