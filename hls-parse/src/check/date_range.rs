//! Checks `EXT-X-DATERANGE` (section 4.4.5.1), each tag alone and all tags of one ID together.

use std::collections::{BTreeMap, HashMap};

use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::attributes::{Attribute, AttributeList, attributes};
use crate::date;
use crate::diagnostic::Diagnostics;
use crate::error::excerpt;
use crate::playlist::TagEntry;
use crate::room::make_room;
use crate::rule::Rule;
use crate::value;

const INTERSTITIAL: &str = "com.apple.hls.interstitial";
const PRELOAD: &str = "com.apple.hls.preload";

/// Collects the tags; what concerns several of them is reported at the end.
#[derive(Debug, Default)]
pub(crate) struct DateRangeCheck<'t> {
    ranges: Vec<DateRange<'t>>,
    by_id: HashMap<&'t str, usize>,
    /// What the attributes of ranges with several tags were at first, and on which line.
    values: HashMap<(usize, &'t str), (&'t str, u32)>,
}

/// The attributes that are asked for once all tags of an ID are known.
const ASKED: [&str; 10] = [
    "DURATION",
    "END-DATE",
    "END-ON-NEXT",
    "CUE",
    "SCTE35-IN",
    "X-ASSET-URI",
    "X-ASSET-LIST",
    "X-URI",
    "X-TARGET-ID",
    "X-TARGET-CLASS",
];

/// A bit for each name in [`ASKED`], none for others.
fn bit(name: &str) -> u16 {
    let place = ASKED.iter().position(|asked| *asked == name);
    place.map_or(0, |place| 1 << place)
}

/// All tags of one ID.
#[derive(Debug)]
struct DateRange<'t> {
    first: TagEntry,
    class: Option<&'t str>,
    start: Option<Timestamp>,
    end: Option<Timestamp>,
    duration: Option<u64>,
    ends_on_next: bool,
    /// Which of [`ASKED`] there are.
    has: u16,
    /// Whether its values are in [`DateRangeCheck::values`].
    is_compared: bool,
}

impl DateRange<'_> {
    fn has(&self, name: &str) -> bool {
        self.has & bit(name) != 0
    }

    /// The end that is stated, by a date or a duration.
    fn stated_end(&self) -> Option<Timestamp> {
        self.end
            .or_else(|| add(self.start?, i64::try_from(self.duration?).ok()?))
    }
}

fn add(date: Timestamp, nanoseconds: i64) -> Option<Timestamp> {
    date.checked_add(SignedDuration::from_nanos(nanoseconds))
        .ok()
}

impl<'t> DateRangeCheck<'t> {
    /// The first tag, if there is any.
    pub(crate) fn first(&self) -> Option<TagEntry> {
        self.ranges.first().map(|range| range.first)
    }

    pub(crate) fn tag(
        &mut self,
        tag: &TagEntry,
        list: &AttributeList<'t>,
        text: &'t str,
        diagnostics: &mut Diagnostics,
    ) {
        let mut report = |rule: Rule, message: &str| {
            diagnostics.report(rule, tag.place(), tag.value.range(), message);
        };
        check_alone(list, &mut report);
        let known = list.text("ID").and_then(|id| self.by_id.get(id).copied());
        let index = known.unwrap_or(self.ranges.len());
        if known.is_none() {
            if let Some(id) = list.text("ID") {
                self.by_id.insert(id, index);
                if !list.has("START-DATE") {
                    report(
                        Rule::DateRangeStart,
                        "START-DATE is missing on the first date range of its ID",
                    );
                }
            }
            make_room(&mut self.ranges, tag.value.range().start, text.len());
            self.ranges.push(DateRange {
                first: *tag,
                class: None,
                start: None,
                end: None,
                duration: None,
                ends_on_next: false,
                has: 0,
                is_compared: false,
            });
        }
        if known.is_some() {
            self.compare(index, tag, list, text, diagnostics);
        }
        let Some(range) = self.ranges.get_mut(index) else {
            return;
        };
        let date = |name| {
            list.text(name)
                .and_then(|text| date::parse(text.as_bytes()))
        };
        range.class = range.class.or(list.text("CLASS"));
        range.start = range.start.or_else(|| date("START-DATE"));
        range.end = range.end.or_else(|| date("END-DATE"));
        range.duration = range.duration.or_else(|| list.billionths("DURATION"));
        range.ends_on_next |= list.is_yes("END-ON-NEXT");
        let names = list.iter().map(|attribute| bit(attribute.name));
        range.has = names.fold(range.has, |has, name| has | name);
    }

    /// Reports what differs from what was said before. Most ranges have one tag, so values are only noted when there is a second.
    fn compare(
        &mut self,
        index: usize,
        tag: &TagEntry,
        list: &AttributeList<'t>,
        text: &'t str,
        diagnostics: &mut Diagnostics,
    ) {
        let Some(range) = self.ranges.get_mut(index) else {
            return;
        };
        if !std::mem::replace(&mut range.is_compared, true) {
            for attribute in attributes(range.first.value.of(text)) {
                let value = self.values.entry((index, attribute.name));
                value.or_insert((attribute.value, range.first.line));
            }
        }
        for attribute in list.iter() {
            let (known, line) = *self
                .values
                .entry((index, attribute.name))
                .or_insert((attribute.value, tag.line));
            // That one tag says it twice is another matter.
            if line != tag.line && known != attribute.value && !is_same_date(attribute, known) {
                let message = format_args!(
                    "{} differs from that of an earlier tag with the same ID",
                    excerpt(attribute.name)
                );
                diagnostics.report(
                    Rule::DateRangeConflict,
                    tag.place(),
                    tag.value.range(),
                    message,
                );
            }
        }
    }

    /// Reports what the tags of one ID, or those of one class, are together.
    pub(crate) fn finish(self, diagnostics: &mut Diagnostics) {
        let mut classes: BTreeMap<&str, Vec<&DateRange<'_>>> = BTreeMap::new();
        for range in &self.ranges {
            let tag = &range.first;
            let mut report = |rule: Rule, message: &str| {
                diagnostics.report(rule, tag.place(), tag.value.range(), message);
            };
            check_times(range, &mut report);
            let has = |name: &str| range.has(name);
            match range.class {
                Some(INTERSTITIAL) if has("X-ASSET-URI") == has("X-ASSET-LIST") => report(
                    Rule::InterstitialAsset,
                    "there is not exactly one of X-ASSET-URI and X-ASSET-LIST",
                ),
                Some(PRELOAD)
                    if !(has("X-URI") && has("X-TARGET-ID") && has("X-TARGET-CLASS"))
                        || !(has("DURATION") || has("END-DATE"))
                        || has("CUE")
                        || has("END-ON-NEXT") =>
                {
                    report(
                        Rule::PreloadDateRange,
                        "the preload range lacks X-URI, X-TARGET-ID, X-TARGET-CLASS or an end, or it has CUE or END-ON-NEXT",
                    );
                }
                _ => {}
            }
            if has("SCTE35-IN") && !has("END-DATE") && !has("DURATION") {
                report(
                    Rule::SpliceInformation,
                    "SCTE35-IN says that the range has ended, but not when",
                );
            }
            if let Some(class) = range.class {
                classes.entry(class).or_default().push(range);
            }
        }
        for (_, ranges) in classes {
            check_overlap(ranges, diagnostics);
        }
    }
}

/// Dates may be written in several ways and be the same.
fn is_same_date(attribute: &Attribute<'_>, other: &str) -> bool {
    matches!(attribute.name, "START-DATE" | "END-DATE")
        && date::parse(attribute.value.as_bytes())
            .is_some_and(|date| date::parse(other.as_bytes()) == Some(date))
}

/// What can be seen in one tag.
fn check_alone(list: &AttributeList<'_>, report: &mut impl FnMut(Rule, &str)) {
    if list.has("END-ON-NEXT")
        && (!list.is_yes("END-ON-NEXT")
            || !list.has("CLASS")
            || list.has("DURATION")
            || list.has("END-DATE"))
    {
        report(
            Rule::DateRangeEndOnNext,
            "END-ON-NEXT is not YES with CLASS and without DURATION and END-DATE",
        );
    }
    let is_negative = |name| list.text(name).is_some_and(|text| text.starts_with('-'));
    if is_negative("DURATION") || is_negative("PLANNED-DURATION") {
        report(Rule::DateRangeDuration, "a duration is negative");
    }
    let cues = list.text("CUE").unwrap_or_default();
    let has_cue = |wanted| cues.split(',').any(|cue| cue.trim() == wanted);
    if has_cue("PRE") && has_cue("POST") {
        report(Rule::DateRangeCue, "CUE has both PRE and POST");
    }
    let is_interstitial = list.text("CLASS") == Some(INTERSTITIAL);
    for attribute in list.iter() {
        let text = attribute.value;
        if text.contains("{$") {
            continue;
        }
        match attribute.name {
            "START-DATE" | "END-DATE" => match date::parse(text.as_bytes()) {
                Some(_) if date::is_complete(text.as_bytes()) => {}
                Some(_) => report(
                    Rule::DateForm,
                    "the date has no zone or is not ISO 8601, without a zone it is UTC",
                ),
                None => report(
                    Rule::TagValue,
                    "a date cannot be read and counts as missing",
                ),
            },
            "X-ASSET-URI" if is_interstitial && Url::parse(text).is_err() => {
                report(Rule::InterstitialUri, "X-ASSET-URI is not absolute");
            }
            "SCTE35-CMD" | "SCTE35-OUT" | "SCTE35-IN" => check_splice(attribute, report),
            name if name.starts_with("X-") && !attribute.quoted && !is_client_value(text) => {
                report(
                    Rule::DateRangeClientAttribute,
                    "an X- attribute has a value that is neither quoted nor a number",
                );
            }
            _ => {}
        }
    }
}

fn is_client_value(text: &str) -> bool {
    let hexadecimal = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))
        .is_some_and(|digits| {
            !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
        });
    let digits = text.strip_prefix('-').unwrap_or(text);
    hexadecimal || value::decimal_billionths(digits.as_bytes()).is_some()
}

fn check_times(range: &DateRange<'_>, report: &mut impl FnMut(Rule, &str)) {
    /// Dates are written in milliseconds and durations may have more digits.
    const ROUNDING: i64 = 1_000_000;
    let (Some(start), Some(end)) = (range.start, range.end) else {
        return;
    };
    if end < start {
        report(Rule::DateRangeEnd, "END-DATE is before START-DATE");
    } else if let Some(duration) = range.duration {
        let differs = add(start, i64::try_from(duration).unwrap_or(i64::MAX))
            .is_none_or(|sum| sum.duration_since(end).abs() > SignedDuration::from_nanos(ROUNDING));
        if differs {
            report(
                Rule::DateRangeAgreement,
                "END-DATE is not START-DATE plus DURATION, END-DATE counts",
            );
        }
    }
}

/// Ranges of a class do not overlap when one of them ends on the next.
fn check_overlap(mut ranges: Vec<&DateRange<'_>>, diagnostics: &mut Diagnostics) {
    if !ranges.iter().any(|range| range.ends_on_next) {
        return;
    }
    ranges.retain(|range| range.start.is_some());
    ranges.sort_by_key(|range| range.start);
    let mut latest = None;
    for range in ranges {
        if range.start < latest {
            diagnostics.report(
                Rule::DateRangeEndOnNext,
                range.first.place(),
                range.first.value.range(),
                "the range overlaps another of its CLASS, in which one has END-ON-NEXT",
            );
        }
        latest = latest.max(range.stated_end());
    }
}

/// The bytes of a SCTE-35 attribute are a `splice_info_section`, and a `splice_insert` has the direction of its attribute.
fn check_splice(attribute: &Attribute<'_>, report: &mut impl FnMut(Rule, &str)) {
    const TABLE: u8 = 0xfc;
    const SPLICE_INSERT: u8 = 5;
    let digits = attribute.value.get(2..).unwrap_or_default().as_bytes();
    let byte = |index: usize| {
        let pair = std::str::from_utf8(digits.get(2 * index..2 * index + 2)?).ok()?;
        u8::from_str_radix(pair, 16).ok()
    };
    if byte(0) != Some(TABLE) || digits.len() % 2 != 0 {
        report(
            Rule::SpliceInformation,
            "the SCTE-35 attribute does not hold a splice_info_section",
        );
        return;
    }
    let is_encrypted = byte(4).is_some_and(|flags| flags & 0x80 != 0);
    let is_cancelled = byte(18).is_none_or(|flags| flags & 0x80 != 0);
    if is_encrypted || byte(13) != Some(SPLICE_INSERT) || is_cancelled {
        return;
    }
    let out = byte(19).map(|flags| flags & 0x80 != 0);
    let wrong = match attribute.name {
        "SCTE35-OUT" => out == Some(false),
        "SCTE35-IN" => out == Some(true),
        _ => false,
    };
    if wrong {
        report(
            Rule::SpliceInformation,
            "the splice_insert goes in the other direction than its attribute says",
        );
    }
}
