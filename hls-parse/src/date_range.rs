//! Date ranges (section 4.4.5.1), merged by ID.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::attributes::AttributeList;
use crate::date;
use crate::error::Error;
use crate::interstitial::{Interstitial, Preload};
use crate::playlist::TagEntry;
use crate::range_attributes::{AttributeValue, DateRangeAttributes, Written};
use crate::resolve::Texts;
use crate::room::make_room;
use crate::shared_text::SharedText;
use crate::source::Source;
use crate::timeline::Timeline;
use crate::value::{self, Span};
use crate::variables::Expander;

/// A range of time with attributes: all `EXT-X-DATERANGE` tags of one `ID` together.
///
/// Where tags of one ID disagree, the first one counts. Tags without ID or with a date or duration that cannot be read are left out, and so are ranges for
/// which no tag has a `START-DATE`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DateRange {
    /// `ID`.
    pub id: SharedText,
    /// `CLASS`: which attributes mean what.
    pub class: Option<SharedText>,
    /// `START-DATE`.
    pub start: Timestamp,
    /// When it ends, as far as is known: `END-DATE`, else the start and `DURATION`, else with `END-ON-NEXT` the earliest later start in its class.
    pub end: Option<Timestamp>,
    /// `END-DATE` as stated.
    pub end_date: Option<Timestamp>,
    /// `DURATION` as stated.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::optional_seconds")
    )]
    pub duration: Option<Duration>,
    /// How long it is expected to be.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::optional_seconds")
    )]
    pub planned_duration: Option<Duration>,
    /// Whether it ends when the next one of its class starts.
    pub end_on_next: bool,
    /// When an action is to be triggered other than at the start.
    pub cue: Cue,
    /// `SCTE35-CMD`: a `splice_info_section`.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::optional_hexadecimal")
    )]
    pub scte35_command: Option<Vec<u8>>,
    /// `SCTE35-OUT`: a `splice_info_section`.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::optional_hexadecimal")
    )]
    pub scte35_out: Option<Vec<u8>>,
    /// `SCTE35-IN`: a `splice_info_section`.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::optional_hexadecimal")
    )]
    pub scte35_in: Option<Vec<u8>>,
    /// Every attribute by name, those of the client (`X-…`) and unknown ones included, with variables replaced.
    pub attributes: DateRangeAttributes,
    /// What to play, when it is a valid interstitial.
    pub interstitial: Option<Box<Interstitial>>,
    /// What to load ahead, when it is a valid preload and the playlist has not ended.
    pub preload: Option<Box<Preload>>,
    #[cfg_attr(feature = "serde", serde(skip))]
    pub(crate) urls: RangeUrls,
}

/// `CUE`: when the action of a [`DateRange`] is triggered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Cue {
    /// Before playback of the primary content starts.
    pub pre: bool,
    /// After the primary content has been played.
    pub post: bool,
    /// At most once.
    pub once: bool,
}

/// Relative URLs of attributes, made absolute where the tag was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RangeUrls {
    pub(crate) asset_list: Option<Box<Url>>,
    pub(crate) preload: Option<Box<Url>>,
}

impl DateRange {
    /// The value of an attribute, if it is there.
    pub fn attribute(&self, name: &str) -> Option<AttributeValue<&str>> {
        self.attributes.get(name)
    }

    /// `text` is that of the timeline.
    fn new(entry: Entry<'_>, text: &Arc<Source>) -> Option<Self> {
        let attributes = DateRangeAttributes::new(text, entry.attributes);
        let (mut id, mut class, mut start) = (None, None, None);
        let (mut end_date, mut duration, mut planned_duration) = (None, None, None);
        let (mut end_on_next, mut cue) = (false, Cue::default());
        let (mut scte35_command, mut scte35_out, mut scte35_in) = (None, None, None);
        for (at, (name, value)) in attributes.iter().enumerate() {
            let part = || Some(SharedText::part(text, attributes.place(at)?));
            let date = || date::parse(value.text().as_bytes());
            let seconds = || {
                let billionths = value::decimal_billionths(value.text().as_bytes());
                billionths.map(Duration::from_nanos)
            };
            match name {
                "ID" => id = part(),
                "CLASS" => class = part(),
                "START-DATE" => start = date(),
                "END-DATE" => end_date = date(),
                "DURATION" => duration = seconds(),
                "PLANNED-DURATION" => planned_duration = seconds(),
                "END-ON-NEXT" => end_on_next = value.text() == "YES",
                "CUE" => cue = Cue::read(value.text()),
                "SCTE35-CMD" => scte35_command = value.bytes(),
                "SCTE35-OUT" => scte35_out = value.bytes(),
                "SCTE35-IN" => scte35_in = value.bytes(),
                _ => {}
            }
        }
        let start = start?;
        let end = end_date.filter(|end| *end >= start).or_else(|| {
            let length = SignedDuration::try_from(duration?).ok()?;
            start.checked_add(length).ok()
        });
        Some(Self {
            id: id?,
            class,
            start,
            end,
            end_date,
            duration,
            planned_duration,
            end_on_next,
            cue,
            scte35_command,
            scte35_out,
            scte35_in,
            attributes,
            interstitial: None,
            preload: None,
            urls: entry.urls,
        })
    }
}

impl Cue {
    fn read(triggers: &str) -> Self {
        let has = |word: &str| triggers.split(',').any(|trigger| trigger.trim() == word);
        Self {
            pre: has("PRE"),
            post: has("POST"),
            once: has("ONCE"),
        }
    }
}

/// Collects date ranges by ID, in order of first appearance.
#[derive(Debug, Default)]
pub(crate) struct DateRanges<'p> {
    entries: Vec<Entry<'p>>,
    numbers: HashMap<Cow<'p, str>, usize>,
}

#[derive(Debug)]
struct Entry<'p> {
    id: Cow<'p, str>,
    /// In the order of the playlist; of a name that is there more than once the first counts. They are in the text of the timeline.
    attributes: Vec<Written>,
    urls: RangeUrls,
}

impl<'p> DateRanges<'p> {
    /// Takes over what a delta update leaves out. What it lists itself was said later.
    pub(crate) fn carry(
        &mut self,
        previous: &'p [DateRange],
        removed: &HashSet<&str>,
        line: u32,
        texts: &mut Texts<'p>,
    ) -> Result<(), Error> {
        let listed = std::mem::take(self);
        let kept = previous
            .iter()
            .filter(|range| !removed.contains(range.id.as_str()));
        for range in kept {
            let mut attributes = Vec::with_capacity(range.attributes.len());
            for (name, value) in range.attributes.iter() {
                attributes.push(Written {
                    name: texts.add(name, line)?,
                    value: texts.add(value.text(), line)?,
                    quoted: matches!(value, AttributeValue::Quoted(_)),
                });
            }
            self.add(Entry {
                id: range.id.as_str().into(),
                attributes,
                urls: range.urls.clone(),
            });
        }
        listed.entries.into_iter().for_each(|entry| self.add(entry));
        Ok(())
    }

    /// Adds what is not known yet.
    fn add(&mut self, entry: Entry<'p>) {
        let Some(&number) = self.numbers.get(&entry.id) else {
            self.numbers.insert(entry.id.clone(), self.entries.len());
            self.entries.push(entry);
            return;
        };
        if let Some(known) = self.entries.get_mut(number) {
            known.attributes.extend(entry.attributes);
            known.urls.asset_list = known.urls.asset_list.take().or(entry.urls.asset_list);
            known.urls.preload = known.urls.preload.take().or(entry.urls.preload);
        }
    }

    /// Takes in one tag; one that cannot be read is to be ignored (section 4.4.5.1).
    pub(crate) fn tag(
        &mut self,
        tag: &TagEntry,
        list: &AttributeList<'p>,
        base: &Url,
        expander: &mut Expander<'p>,
        texts: &mut Texts<'p>,
    ) -> Result<(), Error> {
        let line = tag.line;
        let mut attributes = Vec::with_capacity(list.items().len());
        let (mut id, mut urls) = (None, RangeUrls::default());
        for attribute in list.iter() {
            if attribute.name.starts_with("REQ-") || !is_readable(attribute.name, attribute.value) {
                return Ok(());
            }
            let text = expander.expand(attribute.value, line)?;
            let join = || base.join(&text).ok().map(Box::new);
            match attribute.name {
                "X-ASSET-LIST" => urls.asset_list = urls.asset_list.or_else(join),
                "X-URI" => urls.preload = urls.preload.or_else(join),
                _ => {}
            }
            attributes.push(Written {
                name: Span::within(texts.playlist(), attribute.name),
                value: match &text {
                    Cow::Borrowed(text) => Span::within(texts.playlist(), text),
                    Cow::Owned(text) => texts.add(text, line)?,
                },
                quoted: attribute.quoted,
            });
            if attribute.name == "ID" && id.is_none() {
                id = Some(text);
            }
        }
        if let Some(id) = id.filter(|id| !id.is_empty()) {
            make_room(
                &mut self.entries,
                tag.value.range().start,
                texts.playlist().len(),
            );
            self.add(Entry {
                id,
                attributes,
                urls,
            });
        }
        Ok(())
    }

    /// The ranges of a timeline of that text.
    pub(crate) fn finish(self, text: &Arc<Source>, ended: bool) -> Vec<DateRange> {
        let mut ranges = Vec::with_capacity(self.entries.len());
        let entries = self.entries.into_iter();
        ranges.extend(entries.filter_map(|entry| DateRange::new(entry, text)));
        end_on_next(&mut ranges);
        for range in &mut ranges {
            range.interstitial = Interstitial::read(range).map(Box::new);
            range.preload = Preload::read(range).filter(|_| !ended).map(Box::new);
        }
        ranges
    }
}

/// Whether a value that a date range cannot do without reading can be read; one with a variable in it will be seen later.
fn is_readable(name: &str, text: &str) -> bool {
    match name {
        "START-DATE" | "END-DATE" => text.contains("{$") || date::parse(text.as_bytes()).is_some(),
        "DURATION" | "PLANNED-DURATION" => value::decimal_billionths(text.as_bytes()).is_some(),
        _ => true,
    }
}

/// Ends ranges with `END-ON-NEXT` at the earliest later start in their class.
fn end_on_next(ranges: &mut [DateRange]) {
    let mut starts: HashMap<&str, Vec<Timestamp>> = HashMap::new();
    if !ranges.iter().any(|range| range.end_on_next) {
        return;
    }
    for range in ranges.iter() {
        if let Some(class) = &range.class {
            starts.entry(class).or_default().push(range.start);
        }
    }
    for class in starts.values_mut() {
        class.sort_unstable();
    }
    let next = |range: &DateRange| {
        let starts = starts.get(range.class.as_deref()?)?;
        let later = starts.partition_point(|start| *start <= range.start);
        starts.get(later).copied()
    };
    let ends: Vec<Option<Timestamp>> = ranges
        .iter()
        .map(|range| match range.end {
            None if range.end_on_next => next(range),
            end => end,
        })
        .collect();
    for (range, end) in ranges.iter_mut().zip(ends) {
        range.end = end;
    }
}

impl Timeline {
    /// The date ranges, in order of first appearance, wherever in the playlist they stand.
    ///
    /// ```
    /// use hls_parse::Context;
    ///
    /// let text = concat!(
    ///     "#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n#EXTINF:6,\na.ts\n#EXT-X-ENDLIST\n",
    ///     "#EXT-X-DATERANGE:ID=\"ad\",START-DATE=\"2026-01-01T00:00:02Z\",X-BREAK=\"7\"\n",
    ///     "#EXT-X-DATERANGE:ID=\"ad\",DURATION=3,SCTE35-OUT=0xFC30\n",
    /// );
    /// let parsed = hls_parse::parse(text.as_bytes())?;
    /// let timeline = parsed.playlist.as_media().ok_or("no Media Playlist")?.resolve(&Context::new("https://example.com/".parse()?))?;
    /// let [range] = timeline.date_ranges() else { return Err("not one".into()) };
    /// assert_eq!(range.end, Some("2026-01-01T00:00:05Z".parse()?));
    /// assert_eq!(range.attribute("X-BREAK").map(|value| value.text()), Some("7"));
    /// assert_eq!(range.scte35_out, Some(vec![0xfc, 0x30]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn date_ranges(&self) -> &[DateRange] {
        &self.details.date_ranges
    }

    /// The date ranges that are interstitials, in the order in which they are played: by start, and as they are listed where they start together, when the offsets
    /// at which the primary content goes on add up (section D.2). Those with a `CUE` before or after the primary content are played there instead.
    pub fn interstitials(&self) -> Vec<&DateRange> {
        let ranges = self.date_ranges().iter();
        let mut ranges: Vec<&DateRange> = ranges
            .filter(|range| range.interstitial.is_some())
            .collect();
        ranges.sort_by_key(|range| range.start);
        ranges
    }
}
