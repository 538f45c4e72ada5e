//! One elementary stream of a segment.

use std::time::Duration;

use serde::Serialize;

use crate::inspection::{optional_seconds, seconds};

/// One elementary stream of a segment: a track of fragmented MP4, a PID of a Transport Stream, or all that a packed
/// audio or WebVTT segment has. As JSON, times are seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Stream {
    /// The number of the track or the PID; 0 for packed audio and WebVTT.
    pub id: u32,
    /// What it is.
    pub kind: StreamKind,
    /// Its format: `avc1`, `H.264`, `AAC`.
    pub codec: String,
    /// Its samples are encrypted.
    pub encrypted: bool,
    /// How many samples, PES packets, frames or cues there are.
    pub samples: u64,
    /// When the first begins, on the clock of the media.
    #[serde(serialize_with = "optional_seconds")]
    pub start: Option<Duration>,
    /// How long they are together, if that can be told. Transport Streams do not say how long their last frame is; it
    /// counts as long as the others are on average.
    #[serde(serialize_with = "optional_seconds")]
    pub duration: Option<Duration>,
    /// How long one of them is on average; zero if that cannot be told.
    #[serde(serialize_with = "seconds")]
    pub unit: Duration,
    /// Whether the first can be decoded alone, if that is said.
    pub starts_independent: Option<bool>,
}

/// What an elementary stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StreamKind {
    /// Pictures.
    Video,
    /// Sound.
    Audio,
    /// Subtitles and the like.
    Text,
    /// Anything else, such as timed metadata.
    Other,
}

impl StreamKind {
    /// Its times go on without holes.
    pub(crate) fn is_continuous(self) -> bool {
        matches!(self, Self::Video | Self::Audio)
    }
}

impl Stream {
    /// When it ends, if that can be told.
    pub fn end(&self) -> Option<Duration> {
        Some(self.start?.saturating_add(self.duration?))
    }
}
