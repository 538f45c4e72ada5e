//! What serde cannot derive: values that are one word or number, and timelines, whose segments are kept in little space.

use std::time::Duration;

use serde::ser::{Serialize, SerializeMap, SerializeSeq, SerializeStruct, Serializer};

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

impl Serialize for Timeline {
    /// With all that segments inherit; times in seconds.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut state = serializer.serialize_struct("Timeline", 12)?;
        state.serialize_field("duration", &seconds(self.duration()))?;
        state.serialize_field("target_duration", &seconds(self.target_duration()))?;
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
        state.end()
    }
}

fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
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
                start: seconds(segment.start),
                duration: seconds(segment.duration),
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
