//! What is missing or different in a playlist after m3u8-rs has held and written it.

use std::collections::{HashMap, HashSet, VecDeque};

use super::spelling::Meaning;
use super::to::is_header;
use super::{Loss, LossPlace, LossReason, Lost, read};
use crate::playlist::{Common, MediaPlaylist, MultivariantPlaylist, Playlist, Tag};
use crate::tag::TagName;

pub(super) fn media(ours: &MediaPlaylist, theirs: &m3u8_rs::MediaPlaylist) -> Vec<Loss> {
    let again = written(|text| theirs.write_to(text));
    let Some(Playlist::Media(again)) = again else {
        return vec![whole()];
    };
    let same_header = ours.common.version == again.common.version
        && ours.common.independent_segments == again.common.independent_segments
        && ours.target_seconds.unwrap_or(0) == again.target_seconds.unwrap_or(0)
        && ours.media_sequence == again.media_sequence
        && ours.discontinuity_sequence == again.discontinuity_sequence
        && ours.playlist_type == again.playlist_type
        && ours.unfit.is_some() == again.unfit.is_some()
        && ours.end_list == again.end_list
        && ours.i_frames_only == again.i_frames_only;
    if !same_header || ours.segments.len() != again.segments.len() {
        return vec![whole()];
    }
    let mut losses = tags(
        &media_entries(ours),
        &media_entries(&again),
        ours.common.has_references,
    );
    segments(ours, &again, &mut losses);
    losses.sort_by_key(|loss| loss.line);
    losses
}

pub(super) fn multivariant(
    ours: &MultivariantPlaylist,
    theirs: &m3u8_rs::MasterPlaylist,
) -> Vec<Loss> {
    let again = written(|text| theirs.write_to(text));
    let Some(Playlist::Multivariant(again)) = again else {
        return vec![whole()];
    };
    let same_header = ours.common.version == again.common.version
        && ours.common.independent_segments == again.common.independent_segments;
    if !same_header {
        return vec![whole()];
    }
    let (one, two) = (multivariant_entries(ours), multivariant_entries(&again));
    let mut losses = tags(&one, &two, ours.common.has_references);
    losses.sort_by_key(|loss| loss.line);
    losses
}

/// What m3u8-rs writes, as we read it.
fn written(write: impl Fn(&mut Vec<u8>) -> std::io::Result<()>) -> Option<Playlist> {
    let mut text = Vec::new();
    write(&mut text).ok()?;
    read(std::str::from_utf8(&text).ok()?).ok()
}

fn whole() -> Loss {
    Loss {
        what: Lost::Playlist,
        place: LossPlace::Playlist,
        why: LossReason::NoField,
        line: None,
    }
}

/// What a segment says itself, without the tags that are kept.
fn segments(ours: &MediaPlaylist, again: &MediaPlaylist, losses: &mut Vec<Loss>) {
    let ranges = |playlist: &MediaPlaylist| -> HashMap<u32, (u64, Option<u64>)> {
        let ranges = playlist.ranges.iter();
        ranges
            .map(|range| (range.segment, (range.length, range.offset)))
            .collect()
    };
    let dates = |playlist: &MediaPlaylist| -> HashMap<u32, jiff::Timestamp> {
        let dates = playlist.dates.iter();
        dates.map(|date| (date.segment, date.date)).collect()
    };
    let (our_ranges, their_ranges) = (ranges(ours), ranges(again));
    let (our_dates, their_dates) = (dates(ours), dates(again));
    let (text, other_text): (&str, &str) = (&ours.common.text, &again.common.text);
    for ((one, two), number) in ours.segments.iter().zip(&again.segments).zip(0u32..) {
        let mut lose = |what: Lost, why: LossReason| {
            losses.push(Loss {
                what,
                place: LossPlace::Segment(number as usize),
                why,
                line: Some(one.line),
            });
        };
        let value = |tag: &str| Lost::Value(tag.to_owned());
        if one.nanoseconds != two.nanoseconds {
            lose(value("EXTINF"), LossReason::Precision);
        }
        if one.title.of(text).trim() != two.title.of(other_text).trim() {
            lose(value("EXTINF"), LossReason::NoField);
        }
        if our_dates.get(&number) != their_dates.get(&number) {
            lose(value("EXT-X-PROGRAM-DATE-TIME"), LossReason::Precision);
        }
        if our_ranges.get(&number) != their_ranges.get(&number) {
            lose(value("EXT-X-BYTERANGE"), LossReason::NoField);
        }
        if one.discontinuity != two.discontinuity {
            lose(
                Lost::Tag("EXT-X-DISCONTINUITY".to_owned()),
                LossReason::NoField,
            );
        }
        if one.gap != two.gap {
            lose(Lost::Tag("EXT-X-GAP".to_owned()), LossReason::NoField);
        }
        if one.uri.of(text) != two.uri.of(other_text) {
            lose(Lost::Playlist, LossReason::NoField);
        }
    }
}

/// A tag to be found again.
#[derive(Debug)]
struct Entry<'a> {
    tag: Tag<'a>,
    uri: Option<&'a str>,
    meaning: Meaning<'a>,
    /// Tags of different blocks are never the same.
    block: LossPlace,
    place: LossPlace,
}

fn media_entries(playlist: &MediaPlaylist) -> Vec<Entry<'_>> {
    let tags = playlist.tags().filter(|tag| !is_header(tag.name));
    let entries = tags.map(|tag| {
        let place = match tag.segments_before {
            _ if tag.name == TagName::Start => LossPlace::Playlist,
            index if index < playlist.segments.len() => LossPlace::Segment(index),
            _ => LossPlace::End,
        };
        Entry {
            meaning: Meaning::of(&tag),
            tag,
            uri: None,
            block: place,
            place,
        }
    });
    entries.collect()
}

fn multivariant_entries(playlist: &MultivariantPlaylist) -> Vec<Entry<'_>> {
    let Common { text, tags, .. } = &playlist.common;
    let mut counts: HashMap<&str, usize> = HashMap::new();
    let mut entries = Vec::with_capacity(tags.len());
    for (tag, entry) in playlist.tags().zip(tags) {
        if is_header(tag.name) {
            continue;
        }
        let count = counts.entry(tag.raw_name).or_default();
        entries.push(Entry {
            meaning: Meaning::of(&tag),
            tag,
            uri: entry.uri.map(|uri| uri.of(text)),
            block: LossPlace::Playlist,
            place: LossPlace::Tag(*count),
        });
        *count += 1;
    }
    entries
}

/// Tags that mean something else in another order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Ordered<'a> {
    /// Keys apply to the maps and partial segments after them, and those to what comes after.
    Keys,
    /// The first attribute of a name counts in all date ranges of one ID.
    DateRanges,
    /// Variables are defined before they are used.
    Variables,
    /// Lists are in order.
    Name(&'a str),
}

impl Entry<'_> {
    fn orders(&self, has_references: bool) -> impl Iterator<Item = Ordered<'_>> {
        let by_name = match self.tag.name {
            TagName::Key | TagName::Map | TagName::Part | TagName::Skip => Some(Ordered::Keys),
            TagName::DateRange => Some(Ordered::DateRanges),
            _ => Some(Ordered::Name(self.tag.raw_name)),
        };
        let has_variable = self.tag.name == TagName::Define
            || self.tag.value.contains("{$")
            || self.uri.is_some_and(|uri| uri.contains("{$"));
        let by_variable = (has_references && has_variable).then_some(Ordered::Variables);
        by_name.into_iter().chain(by_variable)
    }

    fn loss(&self, what: Lost, why: LossReason) -> Loss {
        Loss {
            what,
            place: self.place,
            why,
            line: Some(self.tag.line),
        }
    }
}

/// Finds every tag again, tells what is different about those that can be recognized, and what is lost of the others.
fn tags(ours: &[Entry<'_>], again: &[Entry<'_>], has_references: bool) -> Vec<Loss> {
    let mut same: HashMap<_, VecDeque<usize>> = HashMap::new();
    for (index, entry) in again.iter().enumerate() {
        let key = (entry.block, entry.tag.raw_name, entry.uri, &entry.meaning);
        same.entry(key).or_default().push_back(index);
    }
    let mut found: Vec<Option<usize>> = Vec::with_capacity(ours.len());
    for entry in ours {
        let key = (entry.block, entry.tag.raw_name, entry.uri, &entry.meaning);
        found.push(same.get_mut(&key).and_then(VecDeque::pop_front));
    }
    let taken: HashSet<usize> = found.iter().flatten().copied().collect();
    let mut similar: HashMap<_, Vec<usize>> = HashMap::new();
    for (index, entry) in again.iter().enumerate() {
        let list = similar
            .entry((entry.block, entry.tag.raw_name))
            .or_default();
        if !taken.contains(&index) {
            list.push(index);
        }
    }
    let mut losses = Vec::new();
    // Where only one of several is kept it is the last.
    for (entry, found) in ours.iter().zip(&mut found).rev() {
        if found.is_some() {
            continue;
        }
        let others = similar.get_mut(&(entry.block, entry.tag.raw_name));
        let is_kept_once = others.is_some();
        *found = others.and_then(Vec::pop);
        if let Some(other) = found.and_then(|index| again.get(index)) {
            changes(entry, other, &mut losses);
            continue;
        }
        let why = match entry.place {
            LossPlace::End => LossReason::AfterLastSegment,
            _ if !entry.tag.raw_name.starts_with("EXT-") => LossReason::ForeignName,
            _ if is_kept_once => LossReason::OnePerSegment,
            _ => LossReason::NoField,
        };
        losses.push(entry.loss(Lost::Tag(entry.tag.raw_name.to_owned()), why));
    }
    for index in similar.into_values().flatten() {
        if let Some(entry) = again.get(index) {
            let what = Lost::Tag(entry.tag.raw_name.to_owned());
            let mut loss = entry.loss(what, LossReason::Required);
            loss.line = None;
            losses.push(loss);
        }
    }
    order(ours, &found, has_references, &mut losses);
    losses
}

fn changes(entry: &Entry<'_>, other: &Entry<'_>, losses: &mut Vec<Loss>) {
    let tag = || entry.tag.raw_name.to_owned();
    let differences = entry.meaning.differences(&other.meaning);
    if differences.is_empty() {
        losses.push(entry.loss(Lost::Value(tag()), LossReason::NoField));
    }
    for (name, is_ours) in differences {
        let why = match name.as_str() {
            _ if !is_ours => LossReason::Required,
            "DURATION" | "PLANNED-DURATION" | "FRAME-RATE" | "TIME-OFFSET" => LossReason::Precision,
            _ => LossReason::NoField,
        };
        losses.push(entry.loss(Lost::Attribute { tag: tag(), name }, why));
    }
}

/// Reports the first tag of each block that has come after one it was before.
fn order(
    ours: &[Entry<'_>],
    found: &[Option<usize>],
    has_references: bool,
    losses: &mut Vec<Loss>,
) {
    let mut last: HashMap<_, usize> = HashMap::new();
    let mut reported = HashSet::new();
    for (entry, found) in ours.iter().zip(found) {
        let Some(found) = *found else {
            continue;
        };
        for ordered in entry.orders(has_references) {
            let key = (entry.block, ordered);
            let before = last.insert(key, found);
            if before.is_some_and(|before| before > found) && reported.insert(key) {
                let what = Lost::Order(entry.tag.raw_name.to_owned());
                losses.push(entry.loss(what, LossReason::FixedOrder));
            }
        }
    }
}
