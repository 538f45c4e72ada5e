//! A Media Playlist as checks across several of them see it.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use crate::attributes::AttributeList;
use crate::date;
use crate::playlist::{MediaPlaylist, TagEntry, skipped_segments};
use crate::tag::TagName;
use crate::value;

/// What tells a segment from others: its URI as written, and its byte range.
pub(crate) type Identity<'t> = (&'t str, Option<(u64, u64)>);

/// All tags of one date range together.
#[derive(Debug)]
pub(crate) struct MergedRange<'t> {
    pub(crate) first: TagEntry,
    pub(crate) attributes: BTreeMap<&'t str, &'t str>,
}

#[derive(Debug)]
pub(crate) struct Listing<'t> {
    pub(crate) media: &'t MediaPlaylist,
    /// The Media Sequence Number of the first segment that is listed.
    pub(crate) first: u64,
    pub(crate) is_delta: bool,
    /// The date ranges that a delta update says are gone.
    pub(crate) removed: Option<HashSet<&'t str>>,
    pub(crate) ranges: BTreeMap<&'t str, MergedRange<'t>>,
    /// When the ranges of each class start, in order.
    starts: HashMap<&'t str, Vec<Timestamp>>,
    pub(crate) server_control: Option<(TagEntry, Vec<(&'t str, &'t str)>)>,
    pub(crate) parts: BTreeMap<u64, Vec<(TagEntry, &'t str)>>,
}

impl<'t> Listing<'t> {
    pub(crate) fn new(media: &'t MediaPlaylist) -> Self {
        let text: &'t str = &media.common.text;
        let mut listing = Self {
            media,
            first: media.media_sequence,
            is_delta: false,
            removed: None,
            ranges: BTreeMap::new(),
            starts: HashMap::new(),
            server_control: None,
            parts: BTreeMap::new(),
        };
        if let Some(tag) = listing.tags(TagName::Skip).next() {
            let list = AttributeList::new(tag.value.of(text));
            let skipped = skipped_segments(&list).unwrap_or(0);
            listing.first = listing.first.saturating_add(skipped);
            listing.is_delta = true;
            let removed = list.get("RECENTLY-REMOVED-DATERANGES");
            listing.removed = removed.map(|ids| ids.value.split('\t').collect());
        }
        for tag in &media.common.tags {
            let list = || AttributeList::new(tag.value.of(text));
            match tag.name {
                TagName::DateRange => listing.range(tag, &list()),
                TagName::ServerControl if listing.server_control.is_none() => {
                    listing.server_control = Some((*tag, sorted(&list())));
                }
                TagName::Part => {
                    let number = listing.first.saturating_add(u64::from(tag.segments_before));
                    let parts = listing.parts.entry(number).or_default();
                    parts.push((*tag, list().text("URI").unwrap_or_default()));
                }
                _ => {}
            }
        }
        for range in listing.ranges.values() {
            if let (Some(class), Some(start)) = (range.class(), range.start()) {
                listing.starts.entry(class).or_default().push(start);
            }
        }
        for starts in listing.starts.values_mut() {
            starts.sort_unstable();
        }
        listing
    }

    pub(crate) fn tags(&self, name: TagName) -> impl Iterator<Item = &'t TagEntry> + use<'t> {
        let tags = self.media.common.tags.iter();
        tags.filter(move |tag| tag.name == name)
    }

    fn range(&mut self, tag: &TagEntry, list: &AttributeList<'t>) {
        let Some(id) = list.text("ID") else { return };
        let range = self.ranges.entry(id).or_insert_with(|| MergedRange {
            first: *tag,
            attributes: BTreeMap::new(),
        });
        for attribute in list.iter() {
            let slot = range.attributes.entry(attribute.name);
            slot.or_insert(attribute.value);
        }
    }

    /// What tells each listed segment from others.
    pub(crate) fn identities(&self) -> Vec<Identity<'t>> {
        let text: &'t str = &self.media.common.text;
        let mut ranges = self.media.ranges.iter().peekable();
        let mut end = 0u64;
        let segments = (0u32..).zip(&self.media.segments);
        segments
            .map(|(index, segment)| {
                let range = ranges.next_if(|range| range.segment == index).map(|range| {
                    let start = range.offset.unwrap_or(end);
                    end = start.saturating_add(range.length);
                    (start, range.length)
                });
                (segment.uri.of(text), range)
            })
            .collect()
    }

    /// The index of the listed segment of that Media Sequence Number.
    pub(crate) fn index(&self, number: u64) -> Option<usize> {
        let index = usize::try_from(number.checked_sub(self.first)?).ok()?;
        (index < self.media.segments.len()).then_some(index)
    }

    /// The Media Sequence Number after the last segment.
    pub(crate) fn end(&self) -> u64 {
        let count = u64::try_from(self.media.segments.len()).unwrap_or(u64::MAX);
        self.first.saturating_add(count)
    }

    /// The Discontinuity Sequence Number of a listed segment; a delta update leaves out what it would be counted from.
    pub(crate) fn discontinuity_number(&self, index: usize) -> Option<u64> {
        let before = self.media.segments.get(..=index)?;
        let count = before
            .iter()
            .filter(|segment| segment.discontinuity)
            .count();
        let count = u64::try_from(count).unwrap_or(u64::MAX);
        (!self.is_delta).then(|| self.media.discontinuity_sequence.saturating_add(count))
    }

    /// The date of the start of a listed segment, or of the end of the last for the index after it.
    pub(crate) fn date(&self, index: usize) -> Option<Timestamp> {
        let dates = &self.media.dates;
        let after = dates.partition_point(|date| date.segment as usize <= index);
        let stated = dates.get(after.saturating_sub(1))?;
        let stated_at = stated.segment as usize;
        let between = self
            .media
            .segments
            .get(stated_at.min(index)..stated_at.max(index))?;
        let sum = between
            .iter()
            .fold(0u64, |sum, segment| sum.saturating_add(segment.nanoseconds));
        let sum = SignedDuration::from_nanos(i64::try_from(sum).ok()?);
        if stated_at <= index {
            stated.date.checked_add(sum).ok()
        } else {
            stated.date.checked_sub(sum).ok()
        }
    }

    /// When a date range starts and ends; an end that is not known is as late as can be.
    pub(crate) fn extent(&self, range: &MergedRange<'_>) -> Option<(Timestamp, Timestamp)> {
        let start = range.start()?;
        let duration = range
            .attributes
            .get("DURATION")
            .and_then(|text| value::decimal_billionths(text.as_bytes()))
            .and_then(|nanoseconds| i64::try_from(nanoseconds).ok());
        let end = if let Some(end) = range.date("END-DATE") {
            end
        } else if let Some(duration) = duration {
            let duration = SignedDuration::from_nanos(duration);
            start.checked_add(duration).unwrap_or(Timestamp::MAX)
        } else if range.attributes.contains_key("END-ON-NEXT") {
            let starts = range.class().and_then(|class| self.starts.get(class));
            let starts = starts.map(Vec::as_slice).unwrap_or_default();
            let next = starts.partition_point(|other| *other <= start);
            starts.get(next).copied().unwrap_or(Timestamp::MAX)
        } else {
            start
        };
        Some((start, end))
    }
}

impl<'t> MergedRange<'t> {
    fn date(&self, name: &str) -> Option<Timestamp> {
        date::parse(self.attributes.get(name)?.as_bytes())
    }

    pub(crate) fn start(&self) -> Option<Timestamp> {
        self.date("START-DATE")
    }

    fn class(&self) -> Option<&'t str> {
        self.attributes.get("CLASS").copied()
    }
}

fn sorted<'t>(list: &AttributeList<'t>) -> Vec<(&'t str, &'t str)> {
    let mut attributes: Vec<_> = list
        .iter()
        .map(|attribute| (attribute.name, attribute.value))
        .collect();
    attributes.sort_unstable();
    attributes
}
