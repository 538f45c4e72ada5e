//! What serde cannot derive: values that are one word or number, and timelines, whose segments are kept in little space.

use std::time::Duration;

use jiff::SignedDuration;
use serde::ser::{Serialize, SerializeMap, SerializeSeq, SerializeStruct, Serializer};

use crate::low_latency::{Part, Pending};
use crate::range_attributes::{AttributeValue, DateRangeAttributes};
use crate::rule::Rule;
use crate::timeline::Timeline;
use crate::value::{ByteRange, Decimal};
use crate::variables::Variables;

impl Serialize for Rule {
    /// As it is shown, such as `HLS044`.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl Serialize for Decimal {
    /// As the nearest number.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.to_f64())
    }
}

impl Serialize for Variables {
    /// As a map, by name.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut sorted: Vec<_> = self.iter().collect();
        sorted.sort_unstable();
        let mut map = serializer.serialize_map(Some(sorted.len()))?;
        for (name, value) in sorted {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

impl<T: AsRef<str>> Serialize for AttributeValue<T> {
    /// As its text.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (Self::Quoted(text) | Self::Unquoted(text)) = self;
        serializer.serialize_str(text.as_ref())
    }
}

impl Serialize for DateRangeAttributes {
    /// As a map, by name.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter())
    }
}

impl Serialize for Timeline {
    /// With all that segments inherit; times in seconds.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut state = serializer.serialize_struct("Timeline", 21)?;
        state.serialize_field("duration", &self.duration().as_secs_f64())?;
        state.serialize_field("target_duration", &self.target_duration().as_secs_f64())?;
        state.serialize_field("media_sequence", &self.media_sequence())?;
        state.serialize_field("discontinuity_sequence", &self.discontinuity_sequence())?;
        state.serialize_field("playlist_type", &self.playlist_type())?;
        state.serialize_field("end_list", &self.has_end_list())?;
        state.serialize_field("i_frames_only", &self.i_frames_only())?;
        state.serialize_field("independent_segments", &self.independent_segments())?;
        state.serialize_field("start", &self.start())?;
        state.serialize_field("keys", self.keys())?;
        state.serialize_field("maps", self.maps())?;
        state.serialize_field("segments", &SegmentList(self))?;
        let part_target = self.part_target().map(|target| target.as_secs_f64());
        state.serialize_field("part_target", &part_target)?;
        state.serialize_field("server_control", self.server_control())?;
        state.serialize_field("parts", &PartList(self))?;
        state.serialize_field("pending", &PendingEntry::of(self))?;
        state.serialize_field("preload_hints", self.preload_hints())?;
        state.serialize_field("rendition_reports", self.rendition_reports())?;
        state.serialize_field("date_ranges", self.date_ranges())?;
        let foreign: Vec<_> = self.foreign_tags().collect();
        state.serialize_field("foreign_tags", &foreign)?;
        state.serialize_field("epoch", &self.epoch())?;
        state.end()
    }
}

/// A duration in seconds.
pub(crate) fn seconds<S: Serializer>(
    duration: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

/// The same, where there is one.
#[expect(clippy::ref_option, reason = "serde passes fields by reference")]
pub(crate) fn optional_seconds<S: Serializer>(
    duration: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration
        .map(|duration| duration.as_secs_f64())
        .serialize(serializer)
}

/// A signed duration in seconds.
pub(crate) fn signed_seconds<S: Serializer>(
    duration: &SignedDuration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(duration.as_secs_f64())
}

/// The same, where there is one.
#[expect(clippy::ref_option, reason = "serde passes fields by reference")]
pub(crate) fn optional_signed_seconds<S: Serializer>(
    duration: &Option<SignedDuration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    duration
        .map(|duration| duration.as_secs_f64())
        .serialize(serializer)
}

/// Bytes as a hexadecimal-sequence, where there are any.
#[expect(clippy::ref_option, reason = "serde passes fields by reference")]
pub(crate) fn optional_hexadecimal<S: Serializer>(
    bytes: &Option<Vec<u8>>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    let text = bytes.as_ref().map(|bytes| {
        let mut text = String::from("0x");
        for byte in bytes {
            text.push_str(&format!("{byte:02X}"));
        }
        text
    });
    text.serialize(serializer)
}

struct SegmentList<'a>(&'a Timeline);

impl Serialize for SegmentList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let timeline = self.0;
        let mut list = serializer.serialize_seq(Some(timeline.segments().len()))?;
        for (index, segment) in timeline.segments().iter().enumerate() {
            list.serialize_element(&SegmentEntry {
                url: timeline.segment_url(index),
                title: timeline.segment_title(index),
                media_sequence_number: segment.media_sequence_number,
                discontinuity_number: segment.discontinuity_number,
                start: segment.start.as_secs_f64(),
                duration: segment.duration.as_secs_f64(),
                byte_range: segment.byte_range,
                program_date_time: segment.program_date_time,
                keys: timeline.segment_keys(index),
                map: segment.map,
                bitrate: segment.bitrate,
                discontinuity: segment.discontinuity,
                gap: segment.gap,
            })?;
        }
        list.end()
    }
}

#[derive(serde::Serialize)]
struct SegmentEntry<'a> {
    url: url::Url,
    title: Option<&'a str>,
    media_sequence_number: u64,
    discontinuity_number: u64,
    start: f64,
    duration: f64,
    byte_range: Option<ByteRange>,
    program_date_time: Option<jiff::Timestamp>,
    keys: &'a [usize],
    map: Option<usize>,
    bitrate: Option<u64>,
    discontinuity: bool,
    gap: bool,
}

struct PartList<'a>(&'a Timeline);

impl Serialize for PartList<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let timeline = self.0;
        let parts = timeline.parts().iter().enumerate();
        serializer.collect_seq(parts.map(|(index, part)| PartEntry {
            url: timeline.part_url(index),
            part,
            keys: timeline.part_keys(index),
        }))
    }
}

#[derive(serde::Serialize)]
struct PartEntry<'a> {
    url: url::Url,
    #[serde(flatten)]
    part: Part,
    keys: &'a [usize],
}

#[derive(serde::Serialize)]
struct PendingEntry<'a> {
    #[serde(flatten)]
    pending: &'a Pending,
    keys: &'a [usize],
}

impl<'a> PendingEntry<'a> {
    fn of(timeline: &'a Timeline) -> Self {
        Self {
            pending: timeline.pending(),
            keys: timeline.pending_keys(),
        }
    }
}
