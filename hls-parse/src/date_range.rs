//! Date ranges (section 4.4.5.1), merged by ID.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::attributes::AttributeList;
use crate::date;
use crate::error::Error;
use crate::interstitial::{Interstitial, Preload};
use crate::timeline::Timeline;
use crate::value;
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
    pub id: String,
    /// `CLASS`: which attributes mean what.
    pub class: Option<String>,
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
    pub attributes: BTreeMap<String, AttributeValue>,
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

/// The value of an attribute of a [`DateRange`].
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AttributeValue {
    /// A quoted-string, without the quotes.
    Quoted(String),
    /// Anything else as written: a number, a hexadecimal-sequence, a word.
    Unquoted(String),
}

impl AttributeValue {
    /// The value as written, without quotes.
    pub fn text(&self) -> &str {
        match self {
            Self::Quoted(text) | Self::Unquoted(text) => text,
        }
    }

    /// The bytes of a hexadecimal-sequence.
    pub fn bytes(&self) -> Option<Vec<u8>> {
        match self {
            Self::Quoted(_) => None,
            Self::Unquoted(text) => value::hexadecimal_bytes(text),
        }
    }
}

/// Relative URLs of attributes, made absolute where the tag was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct RangeUrls {
    pub(crate) asset_list: Option<Box<Url>>,
    pub(crate) preload: Option<Box<Url>>,
}

impl DateRange {
    /// The value of an attribute, if it is there.
    pub fn attribute(&self, name: &str) -> Option<&AttributeValue> {
        self.attributes.get(name)
    }

    fn new(entry: Entry) -> Option<Self> {
        let Entry {
            id,
            attributes,
            urls,
        } = entry;
        let text = |name: &str| attributes.get(name).map(AttributeValue::text);
        let date = |name: &str| date::parse(text(name)?.as_bytes());
        let duration = |name: &str| {
            value::decimal_billionths(text(name)?.as_bytes()).map(Duration::from_nanos)
        };
        let message = |name: &str| attributes.get(name).and_then(AttributeValue::bytes);
        let triggers = text("CUE").unwrap_or_default();
        let has = |word: &str| triggers.split(',').any(|trigger| trigger.trim() == word);
        let start = date("START-DATE")?;
        let (end_date, length) = (date("END-DATE"), duration("DURATION"));
        let end = end_date.filter(|end| *end >= start).or_else(|| {
            let length = SignedDuration::try_from(length?).ok()?;
            start.checked_add(length).ok()
        });
        Some(Self {
            class: text("CLASS").map(str::to_owned),
            start,
            end,
            end_date,
            duration: length,
            planned_duration: duration("PLANNED-DURATION"),
            end_on_next: text("END-ON-NEXT") == Some("YES"),
            cue: Cue {
                pre: has("PRE"),
                post: has("POST"),
                once: has("ONCE"),
            },
            scte35_command: message("SCTE35-CMD"),
            scte35_out: message("SCTE35-OUT"),
            scte35_in: message("SCTE35-IN"),
            interstitial: None,
            preload: None,
            id,
            attributes,
            urls,
        })
    }
}

/// Collects date ranges by ID, in order of first appearance.
#[derive(Debug, Default)]
pub(crate) struct DateRanges {
    entries: Vec<Entry>,
    numbers: HashMap<String, usize>,
}

#[derive(Debug, Default)]
struct Entry {
    id: String,
    attributes: BTreeMap<String, AttributeValue>,
    urls: RangeUrls,
}

impl Entry {
    /// Adds what is not known yet.
    fn merge(&mut self, attributes: BTreeMap<String, AttributeValue>, urls: RangeUrls) {
        for (name, value) in attributes {
            self.attributes.entry(name).or_insert(value);
        }
        self.urls.asset_list = self.urls.asset_list.take().or(urls.asset_list);
        self.urls.preload = self.urls.preload.take().or(urls.preload);
    }
}

impl DateRanges {
    /// Takes over what a delta update leaves out. What it lists itself was said later.
    pub(crate) fn carry(&mut self, previous: &[DateRange], removed: &HashSet<&str>) {
        let listed = std::mem::take(self);
        let kept = previous
            .iter()
            .filter(|range| !removed.contains(range.id.as_str()));
        for range in kept {
            self.entry(range.id.clone())
                .merge(range.attributes.clone(), range.urls.clone());
        }
        for entry in listed.entries {
            self.entry(entry.id).merge(entry.attributes, entry.urls);
        }
    }

    fn entry(&mut self, id: String) -> &mut Entry {
        let number = *self.numbers.entry(id).or_insert_with_key(|id| {
            self.entries.push(Entry {
                id: id.clone(),
                ..Entry::default()
            });
            self.entries.len() - 1
        });
        &mut self.entries[number]
    }

    /// Takes in one tag; one that cannot be read is to be ignored (section 4.4.5.1).
    pub(crate) fn tag(
        &mut self,
        list: &AttributeList<'_>,
        line: u32,
        base: &Url,
        expander: &mut Expander<'_>,
    ) -> Result<(), Error> {
        let mut attributes = Vec::new();
        for attribute in list.iter() {
            if attribute.name.starts_with("REQ-") || !is_readable(attribute.name, attribute.value) {
                return Ok(());
            }
            let text = expander.expand(attribute.value, line)?.into_owned();
            attributes.push((
                attribute.name,
                if attribute.quoted {
                    AttributeValue::Quoted(text)
                } else {
                    AttributeValue::Unquoted(text)
                },
            ));
        }
        let id = attributes.iter().find(|(name, _)| *name == "ID");
        let Some(id) = id
            .map(|(_, id)| id.text().to_owned())
            .filter(|id| !id.is_empty())
        else {
            return Ok(());
        };
        let entry = self.entry(id);
        for (name, value) in attributes {
            let url = match name {
                "X-ASSET-LIST" => Some(&mut entry.urls.asset_list),
                "X-URI" => Some(&mut entry.urls.preload),
                _ => None,
            };
            if let Some(url) = url.filter(|url| url.is_none()) {
                *url = base.join(value.text()).ok().map(Box::new);
            }
            entry.attributes.entry(name.to_owned()).or_insert(value);
        }
        Ok(())
    }

    pub(crate) fn finish(self, ended: bool) -> Vec<DateRange> {
        let mut ranges: Vec<DateRange> = self
            .entries
            .into_iter()
            .filter_map(DateRange::new)
            .collect();
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
