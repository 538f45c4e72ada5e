//! One segment on its way into the recording.

use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use hls_parse::{ByteRange, Key, KeyMethod, NewSegment, Timeline};
use jiff::Timestamp;
use url::Url;

use super::parts::Piece;
use super::written::{Needs, Section, quotable};

/// Longer titles are left out.
const LONGEST_TITLE: usize = 1024;
/// Servers refuse longer ones.
const LONGEST_ADDRESS: usize = 16 << 10;

/// Where a segment stands at its origin: epoch and Media Sequence Number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) epoch: u64,
    pub(super) number: u64,
}

/// A segment that is in the recording, or on its way into it, or missing from it.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) segment: NewSegment,
    pub(super) needs: Option<Needs>,
    /// `None` for what came and went unseen.
    pub(super) origin: Option<Origin>,
    pub(super) date: Option<Timestamp>,
    pub(super) discontinuity_number: u64,
    /// Of what it needs, how much is not there yet.
    pub(super) outstanding: usize,
    pub(super) has_failed: bool,
    /// How often it was all there and did not open.
    pub(super) closed: u32,
    /// Whether it is but a part of the segment that its origin says.
    pub(super) is_part: bool,
    /// Where its bytes go; `None` for what is absent by intent or was never seen.
    pub(super) path: Option<String>,
    /// How many segments came and went unseen before it and are not spelled out.
    pub(super) left_out: u64,
}

impl Row {
    /// A row that needs nothing and comes from nowhere, so far.
    pub(super) fn new(segment: NewSegment, discontinuity_number: u64) -> Self {
        Self {
            segment,
            needs: None,
            origin: None,
            date: None,
            discontinuity_number,
            outstanding: 0,
            has_failed: false,
            closed: 0,
            is_part: false,
            path: None,
            left_out: 0,
        }
    }

    /// Whether it, or its map, is encrypted in a way that shows whether the key is the right one.
    pub(super) fn is_encrypted(&self) -> bool {
        let Some(needs) = &self.needs else {
            return false;
        };
        let map_key = needs.map.as_ref().and_then(|map| map.key.as_ref());
        let mut keys = needs.key.as_ref().into_iter().chain(map_key);
        keys.any(|key| key.method == KeyMethod::Aes128)
    }
}

/// What of a segment can be had.
pub(super) struct Had {
    pub(super) url: Url,
    pub(super) range: Option<Range<u64>>,
    pub(super) needs: Needs,
    pub(super) key_url: Option<Url>,
    pub(super) map_url: Option<Url>,
    pub(super) map_key_url: Option<Url>,
}

/// What has to be fetched for a segment that gets the number `number` in the recording; an error says why it cannot be kept.
pub(super) fn had(timeline: &Timeline, index: usize, number: u64) -> Result<Had, String> {
    let segment = timeline.segments().get(index).ok_or("it is not listed")?;
    let url = timeline.segment_url(index);
    let keys = timeline.segment_keys(index);
    // It was encrypted under the number it had at the origin.
    let spells_iv = number != segment.media_sequence_number;
    let iv = |key: usize| spells_iv.then(|| timeline.segment_iv(index, key));
    had_at(timeline, (url, segment.byte_range), (segment.map, keys), iv)
}

/// The same for a piece of a segment, with its map.
pub(super) fn had_piece(
    timeline: &Timeline,
    piece: &Piece,
    map: Option<usize>,
) -> Result<Had, String> {
    let place = (piece.url.clone(), piece.byte_range);
    let keys = timeline.part_keys(piece.part);
    let iv = |key: usize| Some(timeline.part_iv(piece.part, key));
    had_at(timeline, place, (map, keys), iv)
}

/// `iv` spells out the IV of a key for it, where that has to be.
fn had_at(
    timeline: &Timeline,
    (url, byte_range): (Url, Option<ByteRange>),
    (map, keys): (Option<usize>, &[usize]),
    iv: impl Fn(usize) -> Option<Option<[u8; 16]>>,
) -> Result<Had, String> {
    followed(&url)?;
    let range = bytes(byte_range)?;
    let mut needs = Needs::default();
    let (mut key_url, mut map_url, mut map_key_url) = (None, None, None);
    if let Some((at, mut key, url)) = identity_key(timeline, keys)? {
        if let Some(iv) = iv(at) {
            key.iv = iv;
        }
        needs.key = Some(Arc::new(written(key, &url)));
        key_url = Some(url);
    }
    if let Some(map) = map.and_then(|map| timeline.maps().get(map)) {
        followed(&map.url)?;
        bytes(map.byte_range)?;
        let mut key = None;
        if let Some((_, found, url)) = identity_key(timeline, &map.keys)? {
            if found.method == KeyMethod::Aes128 && found.iv.is_none() {
                return Err("its EXT-X-MAP is encrypted by AES-128 without an IV".to_owned());
            }
            key = Some(Arc::new(written(found, &url)));
            map_key_url = Some(url);
        }
        needs.map = Some(Arc::new(Section {
            url: map.url.to_string(),
            byte_range: map.byte_range,
            key,
        }));
        map_url = Some(map.url.clone());
    }
    Ok(Had {
        url,
        range,
        needs,
        key_url,
        map_url,
        map_key_url,
    })
}

/// The key that the server hands out in clear, if there are keys.
fn identity_key(timeline: &Timeline, keys: &[usize]) -> Result<Option<(usize, Key, Url)>, String> {
    if keys.is_empty() {
        return Ok(None);
    }
    for &number in keys {
        let Some(key) = timeline.keys().get(number) else {
            continue;
        };
        let Some(url) = key.fetchable_url() else {
            continue;
        };
        followed(url)?;
        if !matches!(
            key.method,
            KeyMethod::Aes128 | KeyMethod::SampleAes | KeyMethod::SampleAesCtr
        ) {
            return Err(format!("it is encrypted by METHOD={}", key.method));
        }
        return Ok(Some((number, key.clone(), url.clone())));
    }
    Err("it is protected by a key system".to_owned())
}

/// The key as the recording names it, without the text of the playlist that it came from.
fn written(mut key: Key, url: &Url) -> Key {
    key.uri = quotable(url.as_str()).as_str().into();
    key.url = Some(url.clone().into());
    key.key_format = key.key_format.as_str().into();
    key.key_format_versions = None;
    if key.method == KeyMethod::SampleAesCtr {
        // Section 4.4.4.4: it has none.
        key.iv = None;
    }
    key
}

fn followed(url: &Url) -> Result<(), String> {
    if url.as_str().len() > LONGEST_ADDRESS {
        return Err("its address is too long".to_owned());
    }
    match url.scheme() {
        "http" | "https" | "data" => Ok(()),
        scheme => Err(format!(
            "it is at a `{scheme}` address, and only http and https are followed"
        )),
    }
}

fn bytes(range: Option<ByteRange>) -> Result<Option<Range<u64>>, String> {
    let Some(range) = range else {
        return Ok(None);
    };
    match range.start.checked_add(range.length) {
        Some(end) if range.length > 0 => Ok(Some(range.start..end)),
        _ => Err("its byte range is impossible".to_owned()),
    }
}

/// First byte and end of a range that is possible.
pub(super) fn offsets(range: ByteRange) -> Range<u64> {
    range.start..range.start.saturating_add(range.length)
}

/// The lines of a segment as it is listed at its origin; `states_date` has its date spelled out.
pub(super) fn listed(timeline: &Timeline, index: usize, states_date: bool) -> Option<NewSegment> {
    let segment = timeline.segments().get(index)?;
    let mut url = timeline.segment_url(index);
    if url.as_str().len() > LONGEST_ADDRESS {
        // It is not there, and will not be.
        url.set_query(None);
        url.set_path("");
    }
    let mut new = NewSegment::new(quotable(url.as_str()), segment.duration);
    new.byte_range = bytes(segment.byte_range).ok().and(segment.byte_range);
    new.gap = segment.gap;
    new.discontinuity = segment.discontinuity;
    new.bitrate = segment.bitrate;
    let date = segment.program_date_time;
    new.program_date_time = date.filter(|_| states_date || segment.has_stated_date);
    new.title = timeline
        .segment_title(index)
        .filter(|title| title.len() <= LONGEST_TITLE && !title.contains(char::is_control))
        .map(str::to_owned);
    Some(new)
}

/// A segment that came and went unseen.
pub(super) fn unseen(number: u64, duration: Duration, discontinuity: bool) -> NewSegment {
    let mut segment = NewSegment::new(format!("missed-{number}"), duration);
    segment.gap = true;
    segment.discontinuity = discontinuity;
    segment
}
