//! Samples as they leave a container: when, how long, how many bytes, and what they are.

use super::elementary::audio_frame::AudioFormat;
use super::elementary::parameter_sets::ParameterSets;

/// What the samples of a stream are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Format {
    /// H.264 and HEVC out of a Transport Stream; its samples hold the parameter sets too.
    Video(ParameterSets),
    Audio(AudioFormat),
    /// A sample entry of an MP4 file.
    Entry {
        handler: [u8; 4],
        entry: Vec<u8>,
        width: u32,
        height: u32,
    },
}

impl Format {
    /// The kind of track (`hdlr`).
    pub(crate) fn handler(&self) -> [u8; 4] {
        match self {
            Self::Video(_) => *b"vide",
            Self::Audio(_) => *b"soun",
            Self::Entry { handler, .. } => *handler,
        }
    }
}

/// The samples of one stream in one segment, and their bytes one after the other.
#[derive(Clone, Debug)]
pub(crate) struct Stream {
    /// Tells the streams of a playlist apart.
    pub(crate) id: u32,
    /// Ticks per second of the times of its samples.
    pub(crate) timescale: u32,
    pub(crate) formats: Vec<Format>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) data: Vec<u8>,
}

/// A sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// When it is decoded; `None` when it follows the one before.
    pub(crate) decode: Option<i64>,
    /// How much later it is shown.
    pub(crate) composition: i32,
    /// How long it lasts, where that is known: audio in ticks of its sampling rate, else of the stream.
    pub(crate) duration: Option<u32>,
    pub(crate) size: u32,
    pub(crate) is_sync: bool,
    /// Which of the formats it has.
    pub(crate) format: usize,
}

/// What a segment is made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Demuxed {
    pub(crate) streams: Vec<Stream>,
    /// What is not taken out of it, in words.
    pub(crate) left_out: Vec<String>,
    /// Whether there is video or audio among it.
    pub(crate) lacks_media: bool,
}
