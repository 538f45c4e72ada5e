//! Whether two readings of a playlist tell the same media, and what has changed if they do not.
//!
//! The rule, for what was pinned and what the server has now. Equal have to be: Media Sequence Numbers, durations (to the
//! millisecond, since servers round differently), byte ranges, discontinuities, gaps, and which key and which
//! initialization section is in force where. Segments may have been added at the end; they are no part of the download.
//! Of the addresses of the segments one of these has to hold:
//!
//! * each is the same without what signs it ([`Addresses::Same`]);
//! * each has its old path at most on another host; or none has it, but all have their old file names in folders of
//!   which each corresponds to one of before, as with a token among them ([`Addresses::Moved`]). That is what two
//!   cuts of one film may look like as well, so it counts only when bytes that are stored already are the same there
//!   (`proof`). A file name has its parameters with it, but for those that are the same in the whole reading, such as
//!   that of a session: they tell no segment from another.
//!
//! Anything else is a drift: some segments in a new folder, and not their neighbours, have been replaced; one under the
//! old address of another means that the order has changed.

use std::cell::LazyCell;
use std::collections::{HashMap, HashSet};
use std::fmt;
use std::time::Duration;

use hls_parse::{ByteRange, Key, Multivariant, Rendition, Timeline, Variant};
use url::Url;

use super::source;
use crate::render::text::printable;

/// How far two roundings of a duration are apart at most.
const ROUNDING: Duration = Duration::from_millis(1);
/// How many segments are named of those that have changed in the same way.
const NAMED: usize = 3;

/// What a reading has in common with the pinned one, when both tell the same media.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Agreement {
    pub(crate) addresses: Addresses,
    /// Segments after the last one that is pinned.
    pub(crate) appended: usize,
}

/// How the addresses of two readings differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Addresses {
    /// In what signs them, if at all.
    Same,
    /// In hosts or folders: to be believed when the bytes are the same.
    Moved,
}

/// What has changed, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Drift(Vec<String>);

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(", "))
    }
}

/// Compares the playlist that is pinned with the one that the server has now.
pub(crate) fn compare(pinned: &Timeline, fresh: &Timeline) -> Result<Agreement, Drift> {
    let count = pinned.segments().len();
    let is_longer_at_most =
        fresh.media_sequence() == pinned.media_sequence() && fresh.segments().len() >= count;
    if !is_longer_at_most {
        return Err(Drift::between(pinned, fresh));
    }
    let mut addresses = Addresses::Same;
    let keys = pinned.keys().iter().zip(fresh.keys());
    let maps = pinned.maps().iter().zip(fresh.maps());
    if fresh.keys().len() < pinned.keys().len() || fresh.maps().len() < pinned.maps().len() {
        return Err(Drift::between(pinned, fresh));
    }
    for (one, other) in keys {
        if !is_same_encryption(one, other) {
            return Err(Drift::between(pinned, fresh));
        }
        if key_identity(one) != key_identity(other) {
            addresses = Addresses::Moved;
        }
    }
    let names = LazyCell::new(|| (Names::of(pinned), Names::of(fresh)));
    let has_its_name = |one: &Url, other: &Url| names.0.name(one) == names.1.name(other);
    for (one, other) in maps {
        if one.byte_range != other.byte_range || one.keys != other.keys {
            return Err(Drift::between(pinned, fresh));
        }
        if source::identity(&one.url) != source::identity(&other.url) {
            if !has_its_name(&one.url, &other.url) {
                return Err(Drift::between(pinned, fresh));
            }
            addresses = Addresses::Moved;
        }
    }
    // Under the old path, whatever the host, and under a new one.
    let (mut in_place, mut elsewhere) = (0usize, Vec::new());
    let mut folders = Folders::default();
    for index in 0..count {
        let (one, other) = (pinned.segment_url(index), fresh.segment_url(index));
        let is_other = difference(pinned, fresh, index).is_some();
        if !is_other && source::identity(&one) == source::identity(&other) {
            in_place += 1;
            continue;
        }
        if is_other || !has_its_name(&one, &other) {
            return Err(Drift::between(pinned, fresh));
        }
        addresses = Addresses::Moved;
        if one.path() == other.path() {
            in_place += 1;
        } else if folders.correspond(&one, &other) {
            elsewhere.push(index);
        } else {
            return Err(Drift::between(pinned, fresh));
        }
    }
    let is_partly_replaced = in_place > 0 && !elsewhere.is_empty();
    if is_partly_replaced || is_reordered(pinned, fresh, &elsewhere) {
        return Err(Drift::between(pinned, fresh));
    }
    Ok(Agreement {
        addresses,
        appended: fresh.segments().len() - count,
    })
}

fn key_identity(key: &Key) -> String {
    let url = key.url.as_deref();
    url.map_or_else(|| key.uri.to_string(), source::identity)
}

fn is_same_encryption(one: &Key, other: &Key) -> bool {
    let said = |key: &Key| (key.method.clone(), key.iv, key.key_format.to_string());
    said(one) == said(other) && one.key_id == other.key_id
}

/// What differs between the segments at an index besides their addresses.
fn difference(pinned: &Timeline, fresh: &Timeline, index: usize) -> Option<&'static str> {
    let (Some(one), Some(other)) = (pinned.segments().get(index), fresh.segments().get(index))
    else {
        return Some("is missing");
    };
    let what = if one.media_sequence_number != other.media_sequence_number {
        "has another number"
    } else if one.duration.abs_diff(other.duration) > ROUNDING {
        "has another duration"
    } else if one.byte_range != other.byte_range {
        "has another byte range"
    } else if one.gap != other.gap {
        "is a gap in one of the two"
    } else if one.discontinuity != other.discontinuity {
        "is a discontinuity in one of the two"
    } else if one.map != other.map {
        "has another initialization section"
    } else if pinned.segment_keys(index) != fresh.segment_keys(index) {
        "has another key"
    } else {
        return None;
    };
    Some(what)
}

/// Whether one of the segments that have moved has the old address of another one.
fn is_reordered(pinned: &Timeline, fresh: &Timeline, moved: &[usize]) -> bool {
    if moved.is_empty() {
        return false;
    }
    let old: HashSet<_> = (0..pinned.segments().len())
        .map(|index| identity(pinned, index))
        .collect();
    moved
        .iter()
        .any(|&index| old.contains(&identity(fresh, index)))
}

fn identity(timeline: &Timeline, index: usize) -> (String, Option<ByteRange>) {
    let range = timeline.segments().get(index);
    let range = range.and_then(|segment| segment.byte_range);
    (source::identity(&timeline.segment_url(index)), range)
}

/// Which folder of one reading is which of the other.
#[derive(Default)]
struct Folders {
    forth: HashMap<String, String>,
    back: HashMap<String, String>,
}

impl Folders {
    /// Whether the folders of two addresses are those of no others.
    fn correspond(&mut self, one: &Url, other: &Url) -> bool {
        let folder = |url: &Url| {
            let path = url.path().trim_end_matches('/');
            let folder = path.rsplit_once('/').map(|(folder, _)| folder);
            folder.unwrap_or_default().to_owned()
        };
        let (one, other) = (folder(one), folder(other));
        let forth = self.forth.entry(one.clone());
        let back = self.back.entry(other.clone());
        *forth.or_insert_with(|| other.clone()) == other && *back.or_insert(one.clone()) == one
    }
}

/// What tells the files of one reading apart.
struct Names {
    /// Parameters that all its addresses have.
    everywhere: HashSet<String>,
}

impl Names {
    fn of(timeline: &Timeline) -> Self {
        let mut everywhere: Option<HashSet<String>> = None;
        for index in 0..timeline.segments().len() {
            let url = timeline.segment_url(index);
            let own: HashSet<&str> = url.query().unwrap_or_default().split('&').collect();
            match &mut everywhere {
                Some(common) => common.retain(|pair| own.contains(pair.as_str())),
                None => everywhere = Some(own.into_iter().map(str::to_owned).collect()),
            }
            if everywhere.as_ref().is_some_and(HashSet::is_empty) {
                break;
            }
        }
        Self {
            everywhere: everywhere.unwrap_or_default(),
        }
    }

    /// The last part of a path with the parameters that say more than a signature and are not the same everywhere.
    fn name(&self, url: &Url) -> String {
        let identity = source::identity(url);
        if url.cannot_be_a_base() {
            return identity;
        }
        let (path, query) = identity.split_once('?').unwrap_or((&identity, ""));
        let file = path.trim_end_matches('/').rsplit('/').next();
        let telling = query
            .split('&')
            .filter(|pair| !pair.is_empty() && !self.everywhere.contains(*pair));
        let mut name = file.unwrap_or_default().to_owned();
        for pair in telling {
            name.extend(["&", pair]);
        }
        name
    }
}

impl Drift {
    /// Says what has changed, once it is clear that something has.
    fn between(pinned: &Timeline, fresh: &Timeline) -> Self {
        let all = |timeline: &Timeline| -> Vec<_> {
            (0..timeline.segments().len())
                .map(|index| identity(timeline, index))
                .collect()
        };
        let (mut before, mut now) = (all(pinned), all(fresh));
        let known: HashSet<_> = before.iter().collect();
        if !now.iter().any(|segment| known.contains(segment)) {
            // Nothing is where it was: names tell more.
            let (names, fresh_names) = (Names::of(pinned), Names::of(fresh));
            let rename = |timeline: &Timeline, names: &Names, all: &mut Vec<(String, _)>| {
                for (index, (name, _)) in all.iter_mut().enumerate() {
                    *name = names.name(&timeline.segment_url(index));
                }
            };
            rename(pinned, &names, &mut before);
            rename(fresh, &fresh_names, &mut now);
        }
        let gone = without(&before, &now);
        let new = without(&now, &before);
        let mut what = Vec::new();
        if !gone.is_empty() {
            what.push(listed(pinned, &gone, "gone"));
        }
        if !new.is_empty() {
            what.push(listed(fresh, &new, "new"));
        }
        if what.is_empty() {
            let count = pinned.segments().len().max(fresh.segments().len());
            let other = (0..count).find_map(|index| {
                let what = difference(pinned, fresh, index)?;
                Some(format!("segment {} {what}", number(pinned, index)))
            });
            what.push(match other {
                _ if before != now => "segments are in another order".to_owned(),
                Some(other) => other,
                None => "segments, keys or initialization sections are at other places".to_owned(),
            });
        }
        Self(what)
    }
}

/// The indices of what is in `all` more often than in `others`.
fn without<T: Eq + std::hash::Hash>(all: &[T], others: &[T]) -> Vec<usize> {
    let mut counts: HashMap<&T, usize> = HashMap::new();
    for one in others {
        *counts.entry(one).or_default() += 1;
    }
    let mut left = Vec::new();
    for (index, one) in all.iter().enumerate() {
        match counts.get_mut(one) {
            Some(count) if *count > 0 => *count -= 1,
            _ => left.push(index),
        }
    }
    left
}

fn number(timeline: &Timeline, index: usize) -> u64 {
    let segment = timeline.segments().get(index);
    segment.map_or(index as u64, |segment| segment.media_sequence_number)
}

/// `2 segments are gone (7: seg7.ts, 8: seg8.ts)`
fn listed(timeline: &Timeline, indices: &[usize], how: &str) -> String {
    let name = |&index: &usize| {
        let url = source::shown(&timeline.segment_url(index));
        let file = url.rsplit('/').next().unwrap_or_default();
        format!("{}: {}", number(timeline, index), printable(file))
    };
    let mut names: Vec<String> = indices.iter().take(NAMED).map(name).collect();
    if indices.len() > NAMED {
        names.push("…".to_owned());
    }
    let names = names.join(", ");
    match indices.len() {
        1 => format!("1 segment is {how} ({names})"),
        count => format!("{count} segments are {how} ({names})"),
    }
}

/// Compares two readings of a Multivariant Playlist: the same variants and renditions in the same order, wherever they are. Whether they are the same media is for
/// their own playlists to tell.
pub(crate) fn compare_presentations(
    pinned: &Multivariant,
    fresh: &Multivariant,
) -> Result<(), Drift> {
    let all = |playlist: &Multivariant| -> Vec<String> {
        let variants = playlist.variants.iter().map(label);
        variants
            .chain(playlist.renditions.iter().map(rendition_label))
            .collect()
    };
    let (before, now) = (all(pinned), all(fresh));
    if before == now {
        return Ok(());
    }
    let mut what = Vec::new();
    let mut list = |these: &[String], those: &[String], how: &str| {
        let left = without(these, those);
        let named = left
            .iter()
            .take(NAMED)
            .filter_map(|&index| these.get(index));
        let named: Vec<&str> = named.map(String::as_str).collect();
        match left.len() {
            0 => {}
            1 => what.push(format!("{} is {how}", named.join(""))),
            count => what.push(format!("{count} are {how} ({})", named.join("; "))),
        }
    };
    list(&before, &now, "gone");
    list(&now, &before, "new");
    if what.is_empty() {
        what.push("variants or renditions are in another order".to_owned());
    }
    Err(Drift(what))
}

/// What a variant declares, in words.
fn label(variant: &Variant) -> String {
    let mut label = String::from("the variant");
    if let Some(size) = variant.resolution {
        label.push_str(&format!(" {}x{}", size.width, size.height));
    }
    if let Some(rate) = variant.bandwidth {
        label.push_str(&format!(" of {rate} bit/s"));
    }
    let groups = [variant.audio(), variant.video(), variant.subtitles()];
    for group in groups.into_iter().flatten() {
        label.push_str(&format!(" with \"{}\"", printable(group)));
    }
    label
}

/// What a rendition declares, in words.
fn rendition_label(rendition: &Rendition) -> String {
    let mut label = format!(
        "the {} rendition \"{}\"",
        rendition.kind.to_string().to_ascii_lowercase(),
        printable(rendition.name())
    );
    if let Some(language) = rendition.language() {
        label.push_str(&format!(" in {}", printable(language)));
    }
    label.push_str(&format!(" of \"{}\"", printable(rendition.group_id())));
    if rendition.url().is_none() {
        label.push_str(" without an address");
    }
    label
}

#[cfg(test)]
mod tests;
