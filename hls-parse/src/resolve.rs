//! Resolving a Media Playlist.

mod carry;
mod details;
mod texts;

use std::borrow::Cow;
use std::collections::HashMap;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use url::Url;

use crate::attributes::AttributeList;
use crate::date_range::DateRanges;
use crate::error::{Error, ErrorKind, excerpt};
use crate::lazy_url::LazyUrl;
use crate::low_latency::Details;
use crate::multivariant::join;
use crate::parts::PartStore;
use crate::playlist::{MediaPlaylist, RangeEntry, SegmentEntry, TagEntry};
use crate::reference::{References, is_path};
use crate::room::make_room;
use crate::rule::Rule;
use crate::segment_store::{SegmentStore, counted_on};
use crate::shared_text::SharedText;
use crate::source::Source;
use crate::tag::TagName;
use crate::timeline::{Key, KeyMethod, KeySets, Map, Segment, Timeline};
use crate::value::{self, ByteRange, Span};
use crate::variables::{Context, Expander};

use self::details::{PartCursor, RawReport};
pub(crate) use self::texts::Texts;

impl MediaPlaylist {
    /// Spells out what each segment inherits: numbers, times, byte ranges, keys, map, absolute URL.
    ///
    /// # Errors
    /// [`ErrorKind::NeedFullReload`] when segments are skipped, [`ErrorKind::InvalidByteRange`] when a range without offset follows no range of the same
    /// resource, [`ErrorKind::IncompleteTag`] for keys and maps that cannot be used, [`ErrorKind::UndefinedVariable`], [`ErrorKind::InvalidUrl`],
    /// [`ErrorKind::Overflow`], [`ErrorKind::LimitExceeded`].
    pub fn resolve(&self, context: &Context) -> Result<Timeline, Error> {
        self.resolve_after(context, None)
    }

    /// Resolves a playlist that may be a delta update of an earlier one.
    pub(crate) fn resolve_after(
        &self,
        context: &Context,
        previous: Option<&Timeline>,
    ) -> Result<Timeline, Error> {
        if let Some(unfit) = self.unfit {
            return Err(Error::at(unfit.kind, unfit.line, unfit.message).with_column(unfit.column));
        }
        let mut state = State::new(self, context, previous);
        let tags = self.common.tags.iter();
        let parts = tags.clone().filter(|tag| tag.name == TagName::Part).count();
        state.details.parts = PartStore::new(self.media_sequence, parts);
        let mut tags = tags.peekable();
        let mut ranges = self.ranges.iter().peekable();
        let mut dates = self.dates.iter().peekable();
        for (index, entry) in (0u32..).zip(&self.segments) {
            while let Some(tag) = tags.next_if(|tag| tag.segments_before <= index) {
                state.tag(tag)?;
            }
            let range = ranges.next_if(|range| range.segment == index);
            let date = dates.next_if(|date| date.segment == index);
            state.segment(entry, range, date.map(|date| date.date))?;
        }
        for tag in tags {
            state.tag(tag)?;
        }
        state.segments.count_dates_back();
        let text = state.texts.whole();
        let details = state.take_details(&text);
        Ok(Timeline {
            base: context.base.clone(),
            text,
            segments: state.segments,
            keys: state.keys,
            maps: state.maps,
            key_sets: state.key_sets,
            target_duration: Duration::from_secs(self.target_seconds.unwrap_or(0)),
            media_sequence: self.media_sequence,
            discontinuity_sequence: self.discontinuity_sequence,
            playlist_type: self.playlist_type,
            start: self.common.start,
            end_list: self.end_list,
            i_frames_only: self.i_frames_only,
            independent_segments: self.common.independent_segments,
            details,
        })
    }
}

/// Finds things in a list by what they are, without a second copy of them.
#[derive(Debug, Default)]
pub(crate) struct Numbers {
    hasher: RandomState,
    by_hash: HashMap<u64, usize, BuildHasherDefault<IsHash>>,
}

/// Takes a number that is a hash already, and one that nobody can foresee, as the hash.
#[derive(Debug, Default)]
struct IsHash(u64);

impl Hasher for IsHash {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0 << 8 | u64::from(*byte);
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = number;
    }
}

impl Numbers {
    /// The index of `item` in `list`, to which it is added when it is not there.
    pub(crate) fn number<T: Hash + PartialEq>(&mut self, list: &mut Vec<T>, item: T) -> usize {
        let mut hash = self.hasher.hash_one(&item);
        while let Some(&number) = self.by_hash.get(&hash) {
            if list.get(number) == Some(&item) {
                return number;
            }
            hash = hash.wrapping_add(1);
        }
        let number = list.len();
        self.by_hash.insert(hash, number);
        list.push(item);
        number
    }
}

/// How many key formats may apply at once; a playlist could otherwise make every key cost as much as all before it.
const MAX_KEY_FORMATS: usize = 64;

/// What is in force at a place of the playlist.
struct State<'p> {
    playlist: &'p MediaPlaylist,
    base: &'p Url,
    expander: Expander<'p>,
    references: References<'p, 'p>,
    texts: Texts<'p>,
    /// What keys share: the text of the playlist, and the URL it was found at.
    source: Arc<Source>,
    keys: Vec<Key>,
    key_numbers: Numbers,
    maps: Vec<Map>,
    map_numbers: Numbers,
    key_sets: KeySets,
    current_keys: Vec<usize>,
    /// The number of `current_keys` in `key_sets`, once it has been asked for.
    current_set: Option<u32>,
    map: Option<usize>,
    bitrate: Option<u64>,
    /// The end of the byte range of the segment before, and its URI.
    previous_range: Option<(u64, Span)>,
    segments: SegmentStore,
    /// The Discontinuity Sequence Number of the segment before.
    discontinuities: u64,
    /// A date that is known, and the time it is known for; later ones are counted on from it.
    dated: Option<(Timestamp, Duration)>,
    /// What delta updates are applied to.
    previous: Option<&'p Timeline>,
    has_skipped: bool,
    has_server_control: bool,
    cursor: PartCursor,
    reports: Vec<RawReport>,
    date_ranges: DateRanges<'p>,
    details: Details,
}

impl<'p> State<'p> {
    fn new(
        playlist: &'p MediaPlaylist,
        context: &'p Context,
        previous: Option<&'p Timeline>,
    ) -> Self {
        Self {
            playlist,
            base: &context.base,
            expander: Expander::new(context, playlist.common.has_references),
            references: References::new(&context.base),
            texts: Texts::new(&playlist.common.text),
            source: Arc::new(Source::new(
                Arc::clone(&playlist.common.text),
                Arc::new(context.base.clone()),
            )),
            keys: Vec::new(),
            key_numbers: Numbers::default(),
            maps: Vec::new(),
            map_numbers: Numbers::default(),
            key_sets: KeySets::default(),
            current_keys: Vec::new(),
            current_set: None,
            map: None,
            bitrate: None,
            previous_range: None,
            segments: SegmentStore::with_capacity(
                playlist.segments.len(),
                playlist.ranges.len(),
                playlist.dates.len(),
            ),
            discontinuities: playlist.discontinuity_sequence,
            dated: None,
            previous,
            has_skipped: false,
            has_server_control: false,
            cursor: PartCursor::default(),
            reports: Vec::new(),
            date_ranges: DateRanges::default(),
            details: Details::default(),
        }
    }

    /// The wall-clock time of the next segment, counted on.
    fn date(&self) -> Option<Timestamp> {
        let (date, since) = self.dated?;
        counted_on(date, since, self.segments.duration())
    }

    /// The index of the next segment.
    fn index(&self) -> u32 {
        u32::try_from(self.segments.len()).unwrap_or(u32::MAX)
    }

    fn segment(
        &mut self,
        entry: &SegmentEntry,
        range: Option<&RangeEntry>,
        stated: Option<Timestamp>,
    ) -> Result<(), Error> {
        let overflow = || {
            Error::at(
                ErrorKind::Overflow,
                entry.line,
                "times or numbers exceed 64 bits from here",
            )
        };
        let uri = self.uri(entry.uri, entry.line)?;
        let byte_range = self.byte_range(range, uri)?;
        let start = self.segments.duration();
        self.dated = stated.map(|date| (date, start)).or(self.dated);
        self.discontinuities = self
            .discontinuities
            .checked_add(u64::from(entry.discontinuity))
            .ok_or_else(overflow)?;
        let number = self
            .playlist
            .media_sequence
            .checked_add(u64::from(self.index()));
        let segment = Segment {
            media_sequence_number: number.ok_or_else(overflow)?,
            discontinuity_number: self.discontinuities,
            start,
            duration: Duration::from_nanos(entry.nanoseconds),
            byte_range,
            program_date_time: self.date(),
            map: self.map,
            bitrate: self.bitrate.filter(|_| byte_range.is_none()),
            discontinuity: entry.discontinuity,
            gap: entry.gap,
            has_stated_date: stated.is_some(),
            key_set: self.key_set(),
            uri,
            title: entry.title,
        };
        self.segments.push(&segment).ok_or_else(overflow)?;
        self.cursor = PartCursor::default();
        Ok(())
    }

    fn tag(&mut self, tag: &TagEntry) -> Result<(), Error> {
        let text: &'p str = &self.playlist.common.text;
        let value = tag.value.of(text);
        match tag.name {
            TagName::Define => self.expander.define(tag, text),
            TagName::Key | TagName::Map if AttributeList::new(value).has_requirement() => {
                // Without it, what is encrypted would be taken for clear, or be decoded by another initialization.
                let message =
                    "a REQ- attribute asks for what is not known, so that segments cannot be used";
                Err(Error::at(ErrorKind::IncompleteTag, tag.line, message))
            }
            TagName::Key => {
                make_room(&mut self.keys, tag.value.range().start, text.len());
                self.key(&AttributeList::new(value), tag.line)
            }
            TagName::Map => self.take_map(&AttributeList::new(value), tag.line),
            TagName::Bitrate => {
                // One that cannot be read is ignored: the one before goes on.
                if let Some(bitrate) = value::decimal_integer(value.as_bytes()) {
                    self.set_bitrate(self.index(), bitrate);
                }
                Ok(())
            }
            TagName::Skip => self.skip(tag),
            _ => self.detail(tag),
        }
    }

    fn set_bitrate(&mut self, segment: u32, bitrate: u64) {
        self.bitrate = Some(bitrate);
        self.details.bitrates.push((segment, bitrate));
    }

    fn key(&mut self, list: &AttributeList<'_>, line: u32) -> Result<(), Error> {
        self.current_set = None;
        if list.text("METHOD") == Some("NONE") {
            self.current_keys.clear();
            return Ok(());
        }
        let key = Key::read(list, line, &self.source, &mut self.expander)?;
        let keys = &self.keys;
        self.current_keys.retain(|&index| {
            keys.get(index)
                .is_some_and(|other| other.key_format != key.key_format)
        });
        if self.current_keys.len() == MAX_KEY_FORMATS {
            let message = format!("more than {MAX_KEY_FORMATS} key formats apply at once");
            return Err(Error::at(ErrorKind::LimitExceeded, line, message));
        }
        let index = self.key_number(key);
        self.current_keys.push(index);
        Ok(())
    }

    fn key_number(&mut self, key: Key) -> usize {
        self.key_numbers.number(&mut self.keys, key)
    }

    fn key_set(&mut self) -> u32 {
        *self
            .current_set
            .get_or_insert_with(|| self.key_sets.add(&self.current_keys))
    }

    fn take_map(&mut self, list: &AttributeList<'_>, line: u32) -> Result<(), Error> {
        let Some(uri) = list.text("URI") else {
            return Err(Error::at(
                ErrorKind::IncompleteTag,
                line,
                "the map has no URI",
            ));
        };
        let url = join(self.base, &self.expander.expand(uri, line)?, line)?;
        let range = self.expander.attribute(list, "BYTERANGE", line)?;
        let byte_range = match &range {
            None => None,
            Some(range) => {
                let Some((length, offset)) = value::byte_range(range.as_bytes()) else {
                    let message = format!("\"{}\" is not a byte range", excerpt(range));
                    return Err(Error::at(ErrorKind::InvalidByteRange, line, message));
                };
                // Without an offset there is only one that it can mean, since a map follows nothing.
                let start = offset.unwrap_or(0);
                Some(ByteRange { start, length })
            }
        };
        let map = Map {
            url,
            byte_range,
            keys: self.current_keys.clone(),
        };
        self.map = Some(self.map_number(map));
        Ok(())
    }

    fn map_number(&mut self, map: Map) -> usize {
        self.map_numbers.number(&mut self.maps, map)
    }

    /// Where the URI of a segment, variables replaced, is in the text of the timeline; refuses what is no URL.
    fn uri(&mut self, uri: Span, line: u32) -> Result<Span, Error> {
        let text: &'p str = &self.playlist.common.text;
        match self.expander.expand(uri.of(text), line)? {
            Cow::Borrowed(as_written) => {
                self.references.check(as_written, line)?;
                Ok(uri)
            }
            Cow::Owned(replaced) => {
                if !is_path(&replaced) || self.base.cannot_be_a_base() {
                    join(self.base, &replaced, line)?;
                }
                self.texts.add(&replaced, line)
            }
        }
    }

    fn byte_range(
        &mut self,
        range: Option<&RangeEntry>,
        uri: Span,
    ) -> Result<Option<ByteRange>, Error> {
        let Some(range) = range else {
            self.previous_range = None;
            return Ok(None);
        };
        let start = match (range.offset, self.previous_range) {
            (Some(offset), _) => offset,
            (None, Some((end, previous))) if self.is_same_resource(previous, uri) => end,
            (None, _) => {
                let message =
                    "the byte range has no offset and does not follow a range of the same resource";
                return Err(Error::at(ErrorKind::InvalidByteRange, range.line, message)
                    .with_rule(Rule::ImplicitByteRange));
            }
        };
        let end = start.checked_add(range.length).ok_or_else(|| {
            Error::at(
                ErrorKind::InvalidByteRange,
                range.line,
                "the byte range ends beyond 2^64",
            )
        })?;
        self.previous_range = Some((end, uri));
        Ok(Some(ByteRange {
            start,
            length: range.length,
        }))
    }

    fn is_same_resource(&self, one: Span, other: Span) -> bool {
        let (one, other) = (self.texts.of(one), self.texts.of(other));
        one == other || self.base.join(one).ok() == self.base.join(other).ok()
    }
}

impl Key {
    /// Reads the attributes of an `EXT-X-KEY` or `EXT-X-SESSION-KEY` whose method is not NONE, in that text.
    pub(crate) fn read(
        list: &AttributeList<'_>,
        line: u32,
        source: &Arc<Source>,
        expander: &mut Expander<'_>,
    ) -> Result<Self, Error> {
        let incomplete = |message: &str| Error::at(ErrorKind::IncompleteTag, line, message);
        let method = list
            .text("METHOD")
            .ok_or_else(|| incomplete("the key has no METHOD"))?;
        let key_format = expander.part(list, "KEYFORMAT", line, source)?;
        let key_format = key_format.map_or_else(Self::identity_format, SharedText::from);
        let uri = expander.part(list, "URI", line, source)?;
        let is_identity = key_format == Self::IDENTITY;
        let url = match &uri {
            // What a key system makes of its URI is its own affair.
            Some(uri) if !is_identity => LazyUrl::new(uri.clone(), line).ok(),
            Some(uri) => Some(LazyUrl::new(uri.clone(), line)?),
            None if is_identity => return Err(incomplete("the key has no URI")),
            None => None,
        };
        let iv = match expander.attribute(list, "IV", line)? {
            None => None,
            Some(iv) => match value::hexadecimal_128(&iv) {
                Some((iv, _)) => Some(iv),
                None => {
                    return Err(incomplete(
                        "the IV of the key is not 128 bits in hexadecimal",
                    ));
                }
            },
        };
        Ok(Self {
            method: KeyMethod::from(method),
            uri: uri.map_or_else(
                || SharedText::part(source, Span::default()),
                SharedText::from,
            ),
            url,
            iv,
            key_format,
            key_format_versions: expander
                .part(list, "KEYFORMATVERSIONS", line, source)?
                .map(SharedText::from),
            key_id: list
                .text("KEYID")
                .filter(|id| value::hexadecimal_bytes(id).is_some())
                .map(SharedText::from),
        })
    }
}
