//! Date ranges and advertisement markers of localized playlists.

use std::collections::HashSet;

use crate::date_range::{Cue, DateRange};
use crate::foreign::ForeignTag;
use crate::interstitial::{INTERSTITIAL, InterstitialAsset, PRELOAD};
use crate::local::media::LocalMedia;
use crate::local::multivariant::push_quoted;
use crate::local::number::{DateWriter, push_fraction, push_hexadecimal, push_integer};
use crate::local::push_uri;
use crate::range_attributes::AttributeValue;
use crate::timeline::Timeline;
use crate::value;

/// What date ranges of any class may load.
const ADDRESSES: [&str; 3] = ["X-ASSET-URI", "X-ASSET-LIST", "X-URI"];

/// Writes the date ranges that need no network, if there is a segment with a date for them to be placed by.
///
/// They are made of what was understood, so that what broke a rule does so no more. Ends are dates or durations: a range that ends with the next one of its
/// class is the same without it.
pub(super) fn push_date_ranges(out: &mut String, timeline: &Timeline, local: &dyn LocalMedia) {
    let ranges = timeline.date_ranges();
    if ranges.is_empty() || !timeline.segments.has_stated_dates() {
        return;
    }
    let mut names = HashSet::new();
    let mut dates = DateWriter::default();
    for range in ranges {
        let address = match &range.interstitial {
            Some(interstitial) => {
                let Some(uri) = local.interstitial(range).filter(|uri| !uri.is_empty()) else {
                    continue;
                };
                let name = match interstitial.asset {
                    InterstitialAsset::Asset(_) => "X-ASSET-URI",
                    InterstitialAsset::List(_) => "X-ASSET-LIST",
                };
                Some((name, uri))
            }
            None if is_for_the_network(range) => continue,
            None => None,
        };
        let name = super::quotable(&range.id);
        if names.contains(&name) {
            // Two IDs that differ in what may not be written would become one.
            continue;
        }
        out.push_str("#EXT-X-DATERANGE:ID=\"");
        out.push_str(&name);
        out.push('"');
        names.insert(name);
        push_range(out, range, &mut dates);
        if let Some((name, uri)) = address {
            out.push(',');
            out.push_str(name);
            out.push_str("=\"");
            push_uri(out, &uri);
            out.push('"');
        }
        out.push('\n');
    }
}

/// Whether there is nothing to a range but something to be loaded: an interstitial that cannot be read, or a preload.
fn is_for_the_network(range: &DateRange) -> bool {
    matches!(range.class.as_deref(), Some(INTERSTITIAL | PRELOAD))
}

fn push_range(out: &mut String, range: &DateRange, dates: &mut DateWriter) {
    push_quoted(out, "CLASS", range.class.as_deref());
    let mut date = |out: &mut String, name: &str, date| {
        out.push_str(name);
        dates.push_short(out, date);
        out.push('"');
    };
    date(out, ",START-DATE=\"", range.start);
    let Cue { pre, post, once } = range.cue;
    let place = match (pre, post) {
        (true, false) => Some("PRE"),
        (false, true) => Some("POST"),
        _ => None,
    };
    let cues: Vec<&str> = place.into_iter().chain(once.then_some("ONCE")).collect();
    push_quoted(out, "CUE", Some(&cues.join(",")));
    let stated = range.duration.filter(|duration| {
        let length = jiff::SignedDuration::try_from(*duration).ok();
        let end = length.and_then(|length| range.start.checked_add(length).ok());
        end.is_some() && end == range.end
    });
    let lengths = [
        (",DURATION=", stated),
        (",PLANNED-DURATION=", range.planned_duration),
    ];
    if let Some(end) = range.end.filter(|_| stated.is_none()) {
        date(out, ",END-DATE=\"", end);
    }
    for (name, length) in lengths {
        if let Some(length) = length {
            out.push_str(name);
            push_integer(out, length.as_secs());
            push_fraction(out, length.subsec_nanos());
        }
    }
    let ended = range.scte35_in.as_ref().filter(|_| range.end.is_some());
    let messages = [
        (",SCTE35-CMD=0x", range.scte35_command.as_ref()),
        (",SCTE35-OUT=0x", range.scte35_out.as_ref()),
        (",SCTE35-IN=0x", ended),
    ];
    for (name, message) in messages {
        // All messages are tables of that number.
        if let Some(message) = message.filter(|message| message.first() == Some(&0xfc)) {
            out.push_str(name);
            push_hexadecimal(out, message);
        }
    }
    push_client_attributes(out, range);
}

fn push_client_attributes(out: &mut String, range: &DateRange) {
    let is_name = |name: &str| {
        let mut bytes = name.bytes();
        name.starts_with("X-")
            && bytes.all(|byte| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'-'))
            && !ADDRESSES.contains(&name)
    };
    for (name, value) in range.attributes.iter().filter(|(name, _)| is_name(name)) {
        let text = value.text();
        let number = text.strip_prefix('-').unwrap_or(text);
        let is_number = value::decimal_billionths(number.as_bytes()).is_some();
        if matches!(value, AttributeValue::Quoted(_)) {
            push_quoted(out, name, Some(text));
        } else if is_number {
            out.push(',');
            out.push_str(name);
            out.push('=');
            out.push_str(text);
        } else if let Some(bytes) = value.bytes() {
            out.push(',');
            out.push_str(name);
            out.push_str("=0x");
            push_hexadecimal(out, &bytes);
        }
    }
}

/// The advertisement markers of a playlist by the index of the segment they come before.
pub(super) struct Markers<'t> {
    left: Vec<(usize, ForeignTag<'t>)>,
}

impl<'t> Markers<'t> {
    pub(super) fn new(timeline: &'t Timeline) -> Self {
        let places = timeline.details.foreign_tags.iter();
        let places = places.map(|entry| entry.segment as usize);
        let is_line = |text: &str| !text.contains(char::is_control);
        let mut left: Vec<_> = places
            .zip(timeline.foreign_tags())
            .filter(|(_, tag)| tag.cue_marker().is_some() && is_line(tag.value))
            .collect();
        left.reverse();
        Self { left }
    }

    /// Writes those before a segment.
    pub(super) fn push(&mut self, out: &mut String, segment: usize) {
        while let Some((_, tag)) = self.left.pop_if(|(index, _)| *index <= segment) {
            out.push('#');
            out.push_str(tag.name);
            if !tag.value.is_empty() {
                out.push(':');
                out.push_str(tag.value);
            }
            out.push('\n');
        }
    }
}
