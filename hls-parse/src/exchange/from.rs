//! The text of playlists of m3u8-rs: in the order in which it writes them, but all of it, and nothing that breaks out of its place.

use std::collections::HashMap;

use m3u8_rs::{
    AlternativeMedia, ByteRange, ClosedCaptionGroupId, DateRange, ExtTag, Key, Map, MasterPlaylist,
    MediaPlaylist, MediaSegment, QuotedOrUnquoted, SessionData, SessionDataField, Start,
    VariantStream,
};

use crate::build::Text;
use crate::error::Error;
use crate::value;

pub(super) fn media(theirs: &MediaPlaylist) -> Result<String, Error> {
    let mut text = Text::default();
    text.line(format_args!("#EXTM3U"));
    header(&mut text, theirs.version, theirs.independent_segments);
    text.line(format_args!(
        "#EXT-X-TARGETDURATION:{}",
        theirs.target_duration
    ));
    if theirs.media_sequence != 0 {
        text.line(format_args!(
            "#EXT-X-MEDIA-SEQUENCE:{}",
            theirs.media_sequence
        ));
    }
    if theirs.discontinuity_sequence != 0 {
        text.line(format_args!(
            "#EXT-X-DISCONTINUITY-SEQUENCE:{}",
            theirs.discontinuity_sequence
        ));
    }
    if let Some(playlist_type) = &theirs.playlist_type {
        let name = playlist_type.to_string();
        one_line(&mut text, "a playlist type", &name);
        text.line(format_args!("#EXT-X-PLAYLIST-TYPE:{name}"));
    }
    if theirs.i_frames_only {
        text.line(format_args!("#EXT-X-I-FRAMES-ONLY"));
    }
    if let Some(start) = &theirs.start {
        write_start(&mut text, start);
    }
    for tag in &theirs.unknown_tags {
        unknown(&mut text, tag);
    }
    for segment in &theirs.segments {
        write_segment(&mut text, segment);
    }
    if theirs.end_list {
        text.line(format_args!("#EXT-X-ENDLIST"));
    }
    text.into_unjudged()
}

pub(super) fn multivariant(theirs: &MasterPlaylist) -> Result<String, Error> {
    let mut text = Text::default();
    text.line(format_args!("#EXTM3U"));
    header(&mut text, theirs.version, theirs.independent_segments);
    for alternative in &theirs.alternatives {
        write_alternative(&mut text, alternative);
    }
    for variant in &theirs.variants {
        write_variant(&mut text, variant);
    }
    for data in &theirs.session_data {
        write_session_data(&mut text, data);
    }
    for key in &theirs.session_key {
        write_key(&mut text, "#EXT-X-SESSION-KEY", &key.0);
    }
    if let Some(start) = &theirs.start {
        write_start(&mut text, start);
    }
    for tag in &theirs.unknown_tags {
        unknown(&mut text, tag);
    }
    text.into_unjudged()
}

fn header(text: &mut Text, version: Option<usize>, independent_segments: bool) {
    if let Some(version) = version {
        text.line(format_args!("#EXT-X-VERSION:{version}"));
    }
    if independent_segments {
        text.line(format_args!("#EXT-X-INDEPENDENT-SEGMENTS"));
    }
}

fn write_start(text: &mut Text, start: &Start) {
    let offset = start.time_offset.to_string();
    if value::signed_seconds(&offset).is_none() {
        text.refuse("TIME-OFFSET", &offset);
    }
    text.begin("#EXT-X-START");
    text.plain("TIME-OFFSET", offset);
    text.yes("PRECISE", start.precise == Some(true));
    others(text, &start.other_attributes);
    text.end();
}

fn write_segment(text: &mut Text, segment: &MediaSegment) {
    if let Some(map) = &segment.map {
        write_map(text, map);
    }
    if let Some(range) = &segment.byte_range {
        let range = byte_range(text, range);
        text.line(format_args!("#EXT-X-BYTERANGE:{range}"));
    }
    if segment.discontinuity {
        text.line(format_args!("#EXT-X-DISCONTINUITY"));
    }
    if let Some(key) = &segment.key {
        write_key(text, "#EXT-X-KEY", key);
    }
    if let Some(date) = &segment.program_date_time {
        let date = date.to_rfc3339();
        check_date(text, "EXT-X-PROGRAM-DATE-TIME", &date);
        text.line(format_args!("#EXT-X-PROGRAM-DATE-TIME:{date}"));
    }
    if let Some(range) = &segment.daterange {
        write_date_range(text, range);
    }
    for tag in &segment.unknown_tags {
        unknown(text, tag);
    }
    let duration = segment.duration.to_string();
    check_decimal(text, "a duration", &duration);
    let title = segment.title.as_deref().unwrap_or_default();
    one_line(text, "a title", title);
    text.line(format_args!("#EXTINF:{duration},{title}"));
    uri_line(text, &segment.uri);
}

fn write_map(text: &mut Text, map: &Map) {
    text.begin("#EXT-X-MAP");
    text.quoted("URI", &map.uri);
    if let Some(range) = &map.byte_range {
        let range = byte_range(text, range);
        text.quoted("BYTERANGE", &range);
    }
    others(text, &map.other_attributes);
    text.end();
}

fn write_key(text: &mut Text, tag: &str, key: &Key) {
    text.begin(tag);
    unquoted(text, "METHOD", &key.method.to_string());
    text.quoted_option("URI", key.uri.as_deref());
    if let Some(iv) = &key.iv {
        unquoted(text, "IV", iv);
    }
    text.quoted_option("KEYFORMAT", key.keyformat.as_deref());
    text.quoted_option("KEYFORMATVERSIONS", key.keyformatversions.as_deref());
    text.end();
}

fn write_date_range(text: &mut Text, range: &DateRange) {
    text.begin("#EXT-X-DATERANGE");
    text.quoted("ID", &range.id);
    text.quoted_option("CLASS", range.class.as_deref());
    let dates = [
        ("START-DATE", Some(range.start_date)),
        ("END-DATE", range.end_date),
    ];
    for (name, date) in dates {
        if let Some(date) = date {
            let date = date.to_rfc3339();
            check_date(text, name, &date);
            text.quoted(name, &date);
        }
    }
    decimal(text, "DURATION", range.duration);
    decimal(text, "PLANNED-DURATION", range.planned_duration);
    optional_others(text, range.x_prefixed.as_ref());
    text.yes("END-ON-NEXT", range.end_on_next);
    optional_others(text, range.other_attributes.as_ref());
    text.end();
}

fn write_alternative(text: &mut Text, alternative: &AlternativeMedia) {
    text.begin("#EXT-X-MEDIA");
    unquoted(text, "TYPE", &alternative.media_type.to_string());
    text.quoted_option("URI", alternative.uri.as_deref());
    text.quoted("GROUP-ID", &alternative.group_id);
    text.quoted_option("LANGUAGE", alternative.language.as_deref());
    text.quoted_option("ASSOC-LANGUAGE", alternative.assoc_language.as_deref());
    text.quoted("NAME", &alternative.name);
    text.yes("DEFAULT", alternative.default);
    text.yes("AUTOSELECT", alternative.autoselect);
    text.yes("FORCED", alternative.forced);
    if let Some(id) = &alternative.instream_id {
        text.quoted("INSTREAM-ID", &id.to_string());
    }
    text.quoted_option("CHARACTERISTICS", alternative.characteristics.as_deref());
    text.quoted_option("CHANNELS", alternative.channels.as_deref());
    optional_others(text, alternative.other_attributes.as_ref());
    text.end();
}

fn write_variant(text: &mut Text, variant: &VariantStream) {
    text.begin(if variant.is_i_frame {
        "#EXT-X-I-FRAME-STREAM-INF"
    } else {
        "#EXT-X-STREAM-INF"
    });
    text.plain("BANDWIDTH", variant.bandwidth);
    text.plain_option("AVERAGE-BANDWIDTH", variant.average_bandwidth);
    text.quoted_option("CODECS", variant.codecs.as_deref());
    text.plain_option("RESOLUTION", variant.resolution);
    decimal(text, "FRAME-RATE", variant.frame_rate);
    if let Some(level) = &variant.hdcp_level {
        unquoted(text, "HDCP-LEVEL", &level.to_string());
    }
    text.quoted_option("AUDIO", variant.audio.as_deref());
    text.quoted_option("VIDEO", variant.video.as_deref());
    text.quoted_option("SUBTITLES", variant.subtitles.as_deref());
    match &variant.closed_captions {
        Some(ClosedCaptionGroupId::None) => text.plain("CLOSED-CAPTIONS", "NONE"),
        Some(ClosedCaptionGroupId::GroupId(group)) => text.quoted("CLOSED-CAPTIONS", group),
        Some(ClosedCaptionGroupId::Other(word)) => unquoted(text, "CLOSED-CAPTIONS", word),
        None => {}
    }
    optional_others(text, variant.other_attributes.as_ref());
    if variant.is_i_frame {
        text.quoted("URI", &variant.uri);
        text.end();
    } else {
        text.end();
        if !variant.uri.is_empty() {
            uri_line(text, &variant.uri);
        }
    }
}

fn write_session_data(text: &mut Text, data: &SessionData) {
    text.begin("#EXT-X-SESSION-DATA");
    text.quoted("DATA-ID", &data.data_id);
    match &data.field {
        SessionDataField::Value(value) => text.quoted("VALUE", value),
        SessionDataField::Uri(uri) => text.quoted("URI", uri),
    }
    text.quoted_option("LANGUAGE", data.language.as_deref());
    optional_others(text, data.other_attributes.as_ref());
    text.end();
}

fn unknown(text: &mut Text, tag: &ExtTag) {
    let is_name = !tag.tag.is_empty() && !tag.tag.contains(':');
    if !is_name {
        text.refuse("the name of a tag", &tag.tag);
    }
    let line = match &tag.rest {
        Some(rest) => format!("#EXT-{}:{rest}", tag.tag),
        None => format!("#EXT-{}", tag.tag),
    };
    one_line(text, "a tag", &line);
    text.line(format_args!("{line}"));
}

fn optional_others(text: &mut Text, attributes: Option<&HashMap<String, QuotedOrUnquoted>>) {
    if let Some(attributes) = attributes {
        others(text, attributes);
    }
}

/// Attributes without a field, by name, since a map has no order.
fn others(text: &mut Text, attributes: &HashMap<String, QuotedOrUnquoted>) {
    let mut sorted: Vec<_> = attributes.iter().collect();
    sorted.sort_unstable_by_key(|(name, _)| *name);
    for (name, value) in sorted {
        if name.is_empty() || name.trim() != name || name.contains(['=', ',', '"']) {
            text.refuse("the name of an attribute", name);
        }
        one_line(text, "the name of an attribute", name);
        match value {
            QuotedOrUnquoted::Quoted(value) => text.quoted(name, value),
            QuotedOrUnquoted::Unquoted(value) => unquoted(text, name, value),
        }
    }
}

/// A value as it is, which must end where it ends.
fn unquoted(text: &mut Text, name: &str, value: &str) {
    let ends_early = value.contains(|c: char| c.is_control() || c == ',');
    if ends_early || value.trim() != value || value.starts_with('"') {
        text.refuse(name, value);
    }
    text.plain(name, value);
}

fn decimal(text: &mut Text, name: &str, value: Option<f64>) {
    if let Some(value) = value {
        let value = value.to_string();
        check_decimal(text, name, &value);
        text.plain(name, value);
    }
}

fn check_decimal(text: &mut Text, name: &str, value: &str) {
    if value::decimal_billionths(value.as_bytes()).is_none() {
        text.refuse(name, value);
    }
}

fn check_date(text: &mut Text, name: &str, value: &str) {
    if crate::date::parse(value.as_bytes()).is_none() {
        text.refuse(name, value);
    }
}

fn byte_range(text: &mut Text, range: &ByteRange) -> String {
    let written = match range.offset {
        Some(offset) => format!("{}@{offset}", range.length),
        None => range.length.to_string(),
    };
    if value::byte_range(written.as_bytes()).is_none() {
        text.refuse("a byte range", &written);
    }
    written
}

/// What goes on to the end of its line. A tab may be there: it separates the IDs of removed date ranges.
fn one_line(text: &mut Text, name: &str, value: &str) {
    if value.contains(|c: char| c.is_control() && c != '\t') {
        text.refuse(name, value);
    }
}

fn uri_line(text: &mut Text, uri: &str) {
    let is_line = !uri.is_empty() && !uri.starts_with('#') && uri.trim() == uri;
    if !is_line || uri.contains(char::is_control) {
        text.refuse("a URI", uri);
    }
    text.line(format_args!("{uri}"));
}
