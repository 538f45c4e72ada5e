//! Playlists as m3u8-rs has them.

use m3u8_rs::{
    AlternativeMedia, ByteRange, ClosedCaptionGroupId, DateRange, ExtTag, InstreamId, Key, Map,
    MasterPlaylist, MediaPlaylistType, MediaSegment, QuotedOrUnquoted, Resolution, SessionData,
    SessionDataField, SessionKey, Start, VariantStream,
};

use super::spelling::Taken;
use crate::date;
use crate::playlist::{Common, MediaPlaylist, MultivariantPlaylist, PlaylistType, Tag};
use crate::tag::TagName;
use crate::value::{self, billionths_to_text};

pub(super) fn media(ours: &MediaPlaylist) -> m3u8_rs::MediaPlaylist {
    let text: &str = &ours.common.text;
    let mut tags = ours.tags().peekable();
    let mut ranges = ours.ranges.iter().peekable();
    let mut dates = ours.dates.iter().peekable();
    let mut start = None;
    let mut segments = Vec::with_capacity(ours.segments.len());
    for (index, entry) in ours.segments.iter().enumerate() {
        let title = entry.title.of(text).trim();
        let mut segment = MediaSegment {
            uri: entry.uri.of(text).to_owned(),
            // A decimal number is always one of theirs.
            duration: billionths_to_text(entry.nanoseconds)
                .parse()
                .unwrap_or_default(),
            title: (!title.is_empty()).then(|| title.to_owned()),
            discontinuity: entry.discontinuity,
            ..MediaSegment::default()
        };
        while let Some(tag) = tags.next_if(|tag| tag.segments_before <= index) {
            segment_tag(&tag, &mut segment, &mut start);
        }
        if entry.gap {
            segment.unknown_tags.push(ExtTag {
                tag: "X-GAP".to_owned(),
                rest: None,
            });
        }
        let range = ranges.next_if(|range| range.segment as usize == index);
        segment.byte_range = range.map(|range| ByteRange {
            length: range.length,
            offset: range.offset,
        });
        let date = dates.next_if(|date| date.segment as usize == index);
        segment.program_date_time = date.and_then(|date| date.date.to_string().parse().ok());
        segments.push(segment);
    }
    // Nothing else has a place there.
    for tag in tags.filter(|tag| tag.name == TagName::Start) {
        start = start.or_else(|| start_tag(&tag));
    }
    m3u8_rs::MediaPlaylist {
        version: version(&ours.common),
        target_duration: ours.target_seconds.unwrap_or_default(),
        media_sequence: ours.media_sequence,
        segments,
        discontinuity_sequence: ours.discontinuity_sequence,
        end_list: ours.end_list,
        playlist_type: ours.playlist_type.map(|playlist_type| match playlist_type {
            PlaylistType::Event => MediaPlaylistType::Event,
            PlaylistType::Vod => MediaPlaylistType::Vod,
        }),
        i_frames_only: ours.i_frames_only,
        start,
        independent_segments: ours.common.independent_segments,
        unknown_tags: Vec::new(),
    }
}

/// Whether a tag has been read into the playlist itself.
pub(super) fn is_header(name: TagName) -> bool {
    matches!(
        name,
        TagName::Version
            | TagName::IndependentSegments
            | TagName::TargetDuration
            | TagName::MediaSequence
            | TagName::DiscontinuitySequence
            | TagName::PlaylistType
            | TagName::EndList
            | TagName::IFramesOnly
    )
}

fn version(common: &Common) -> Option<usize> {
    common
        .version
        .and_then(|version| usize::try_from(version).ok())
}

fn segment_tag(tag: &Tag<'_>, segment: &mut MediaSegment, start: &mut Option<Start>) {
    match tag.name {
        name if is_header(name) => return,
        TagName::Key => {
            if let Some(key) = key(tag) {
                segment.key = Some(key);
                return;
            }
        }
        TagName::Map => {
            if let Some(map) = map(tag) {
                segment.map = Some(map);
                return;
            }
        }
        TagName::DateRange => {
            if let Some(range) = date_range(tag) {
                segment.daterange = Some(range);
                return;
            }
        }
        TagName::Start if start.is_none() => {
            *start = start_tag(tag);
            if start.is_some() {
                return;
            }
        }
        _ => {}
    }
    segment.unknown_tags.extend(unknown(tag));
}

/// A tag without field, or that lacks what its field asks for.
fn unknown(tag: &Tag<'_>) -> Option<ExtTag> {
    Some(ExtTag {
        tag: tag.raw_name.strip_prefix("EXT-")?.to_owned(),
        rest: (!tag.value.is_empty()).then(|| tag.value.to_owned()),
    })
}

fn start_tag(tag: &Tag<'_>) -> Option<Start> {
    let mut list = Taken::new(tag.value);
    let time_offset = list.read("TIME-OFFSET", |text| {
        value::signed_seconds(text)?;
        text.parse().ok()
    })?;
    Some(Start {
        time_offset,
        precise: Some(list.is_yes("PRECISE")),
        other_attributes: list.rest(),
    })
}

fn key(tag: &Tag<'_>) -> Option<Key> {
    let mut list = Taken::new(tag.value);
    let method = list.text("METHOD").filter(|method| !method.is_empty())?;
    Some(Key {
        method: method.parse().ok()?,
        uri: list.text("URI"),
        iv: list.text("IV"),
        keyformat: list.text("KEYFORMAT"),
        keyformatversions: list.text("KEYFORMATVERSIONS"),
    })
}

fn map(tag: &Tag<'_>) -> Option<Map> {
    let mut list = Taken::new(tag.value);
    Some(Map {
        uri: list.text("URI")?,
        byte_range: list.read("BYTERANGE", |text| {
            let (length, offset) = value::byte_range(text.as_bytes())?;
            Some(ByteRange { length, offset })
        }),
        other_attributes: list.rest(),
    })
}

fn date_range(tag: &Tag<'_>) -> Option<DateRange> {
    let mut list = Taken::new(tag.value);
    let id = list.text("ID")?;
    let class = list.text("CLASS");
    let start_date = list.read("START-DATE", date_time)?;
    let end_date = list.read("END-DATE", date_time);
    let duration = list.decimal("DURATION");
    let planned_duration = list.decimal("PLANNED-DURATION");
    let end_on_next = list.is_yes("END-ON-NEXT");
    let (x_prefixed, other): (Vec<_>, Vec<_>) = list
        .rest()
        .into_iter()
        .partition(|(name, _)| name.starts_with("X-"));
    let if_any = |list: Vec<_>| (!list.is_empty()).then(|| list.into_iter().collect());
    Some(DateRange {
        id,
        class,
        start_date,
        end_date,
        duration,
        planned_duration,
        x_prefixed: if_any(x_prefixed),
        end_on_next,
        other_attributes: if_any(other),
    })
}

/// A date with its offset from UTC, where m3u8-rs reads the same from the text; else in UTC.
///
/// The type is that of a crate of which only m3u8-rs knows the version.
fn date_time<D>(text: &str) -> Option<D>
where
    D: std::str::FromStr + PartialEq,
{
    let ours: D = date::parse(text.as_bytes())?.to_string().parse().ok()?;
    let theirs = text.parse().ok();
    Some(theirs.filter(|date| *date == ours).unwrap_or(ours))
}

pub(super) fn multivariant(ours: &MultivariantPlaylist) -> MasterPlaylist {
    let text: &str = &ours.common.text;
    let mut theirs = MasterPlaylist {
        version: version(&ours.common),
        independent_segments: ours.common.independent_segments,
        ..MasterPlaylist::default()
    };
    for (tag, entry) in ours.tags().zip(&ours.common.tags) {
        let uri = entry.uri.map(|uri| uri.of(text).to_owned());
        let known = match tag.name {
            name if is_header(name) => true,
            TagName::StreamInf => {
                theirs
                    .variants
                    .push(variant(&tag, Some(uri.unwrap_or_default())));
                true
            }
            TagName::IFrameStreamInf => {
                theirs.variants.push(variant(&tag, None));
                true
            }
            TagName::Media => push(&mut theirs.alternatives, alternative(&tag)),
            TagName::SessionData => push(&mut theirs.session_data, session_data(&tag)),
            TagName::SessionKey => push(&mut theirs.session_key, key(&tag).map(SessionKey)),
            TagName::Start if theirs.start.is_none() => {
                theirs.start = start_tag(&tag);
                theirs.start.is_some()
            }
            _ => false,
        };
        if !known {
            theirs.unknown_tags.extend(unknown(&tag));
        }
    }
    theirs
}

fn push<T>(list: &mut Vec<T>, item: Option<T>) -> bool {
    let is_there = item.is_some();
    list.extend(item);
    is_there
}

/// A variant with its URI line, or one of I-frames.
fn variant(tag: &Tag<'_>, uri: Option<String>) -> VariantStream {
    let mut list = Taken::new(tag.value);
    let is_i_frame = uri.is_none();
    VariantStream {
        is_i_frame,
        uri: uri.or_else(|| list.text("URI")).unwrap_or_default(),
        bandwidth: list.integer("BANDWIDTH").unwrap_or_default(),
        average_bandwidth: list.integer("AVERAGE-BANDWIDTH"),
        codecs: list.text("CODECS"),
        resolution: list.read("RESOLUTION", |text| {
            let size = value::resolution(text.as_bytes())?;
            Some(Resolution {
                width: size.width,
                height: size.height,
            })
        }),
        frame_rate: list.decimal("FRAME-RATE"),
        hdcp_level: list.read("HDCP-LEVEL", |text| text.parse().ok()),
        audio: list.text("AUDIO"),
        video: list.text("VIDEO"),
        subtitles: list.text("SUBTITLES"),
        closed_captions: list.value("CLOSED-CAPTIONS").map(|value| match value {
            QuotedOrUnquoted::Quoted(group) => ClosedCaptionGroupId::GroupId(group),
            QuotedOrUnquoted::Unquoted(word) if word == "NONE" => ClosedCaptionGroupId::None,
            QuotedOrUnquoted::Unquoted(word) => ClosedCaptionGroupId::Other(word),
        }),
        other_attributes: list.rest_if_any(),
    }
}

fn alternative(tag: &Tag<'_>) -> Option<AlternativeMedia> {
    let mut list = Taken::new(tag.value);
    Some(AlternativeMedia {
        media_type: list.text("TYPE")?.parse().ok()?,
        uri: list.text("URI"),
        group_id: list.text("GROUP-ID")?,
        language: list.text("LANGUAGE"),
        assoc_language: list.text("ASSOC-LANGUAGE"),
        name: list.text("NAME")?,
        default: list.is_yes("DEFAULT"),
        autoselect: list.is_yes("AUTOSELECT"),
        forced: list.is_yes("FORCED"),
        instream_id: list.text("INSTREAM-ID").map(|id| {
            // Theirs holds a number, which must be spelled the same.
            let read = id.parse().ok();
            let same = read.filter(|read: &InstreamId| read.to_string() == id);
            same.unwrap_or(InstreamId::Other(id))
        }),
        characteristics: list.text("CHARACTERISTICS"),
        channels: list.text("CHANNELS"),
        other_attributes: list.rest_if_any(),
    })
}

fn session_data(tag: &Tag<'_>) -> Option<SessionData> {
    let mut list = Taken::new(tag.value);
    Some(SessionData {
        data_id: list.text("DATA-ID")?,
        field: match list.text("VALUE") {
            Some(value) => SessionDataField::Value(value),
            None => SessionDataField::Uri(list.text("URI")?),
        },
        language: list.text("LANGUAGE"),
        other_attributes: list.rest_if_any(),
    })
}
