//! Packed audio: frames one after the other, behind an ID3 tag with the time of the first (RFC 8216bis section 3.4).

use std::time::Duration;

use serde::Serialize;

use super::clock;
use super::container::Container;
use super::frame::{Frame, frame};
use super::problem::{Problem, ProblemKind, Problems};
use super::stream::{Stream, StreamKind};
use crate::inspection::seconds;

/// What a packed audio segment has.
///
/// ```
/// use cache_inspect::media::{Container, packed_audio::PackedAudio};
///
/// // One frame of 32 bytes, AAC of 48 kHz.
/// let mut bytes = vec![0xff, 0xf1, 0x4c, 0x80, 0x04, 0x1f, 0xfc];
/// bytes.resize(32, 0);
/// let audio = PackedAudio::read(&bytes, Container::Adts);
/// assert_eq!((audio.frames, audio.sample_rate), (1, Some(48_000)));
/// assert_eq!(audio.duration.as_micros(), 21_333);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct PackedAudio {
    /// The format of the frames.
    pub container: Container,
    /// The time of the first frame, in ticks of the [clock], if the ID3 tag says it.
    pub timestamp: Option<u64>,
    /// Samples a second, of the first frame.
    pub sample_rate: Option<u32>,
    /// How many frames there are.
    pub frames: u64,
    /// How long they are together.
    #[serde(serialize_with = "seconds")]
    pub duration: Duration,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

/// The owner of the PRIV frame that holds the time stamp.
const OWNER: &[u8] = b"com.apple.streaming.transportStreamTimestamp\0";

impl PackedAudio {
    /// Reads frames of this format up to the end of the bytes.
    pub fn read(bytes: &[u8], container: Container) -> Self {
        let mut problems = Problems::default();
        let (timestamp, mut offset) = read_tags(bytes, &mut problems);
        if timestamp.is_none() {
            let what = "no ID3 tag says the time of the first frame";
            problems.push(Problem::new(ProblemKind::NoTimestamp, what));
        }
        let mut audio = Self {
            container,
            timestamp,
            sample_rate: None,
            frames: 0,
            duration: Duration::ZERO,
            problems: Vec::new(),
        };
        // Summed up in samples of one rate, so that nothing is lost to rounding.
        let mut samples = 0_u64;
        let mut rate = None;
        loop {
            let rest = bytes.get(offset..).unwrap_or_default();
            // Files may end with the older kind of tag.
            if rest.is_empty() || rest.len() == 128 && rest.starts_with(b"TAG") {
                break;
            }
            let Some(Frame {
                length,
                sample_rate,
                samples: of_frame,
            }) = frame(rest, container)
            else {
                // A header needs seven bytes at most.
                let kind = if rest.len() < 7 {
                    ProblemKind::Truncated
                } else {
                    ProblemKind::Damaged
                };
                let what = format!("no {container} frame begins at byte {offset}");
                problems.push(Problem::at(kind, offset, what));
                break;
            };
            if length > rest.len() {
                let what = format!(
                    "the frame at byte {offset} lacks {} bytes",
                    length - rest.len()
                );
                problems.push(Problem::at(ProblemKind::Truncated, offset, what));
                break;
            }
            if rate.is_some_and(|rate| rate != sample_rate) {
                add(&mut audio.duration, samples, rate);
                samples = 0;
            }
            rate = Some(sample_rate);
            audio.sample_rate.get_or_insert(sample_rate);
            audio.frames += 1;
            samples = samples.saturating_add(of_frame.into());
            offset = offset.saturating_add(length);
        }
        add(&mut audio.duration, samples, rate);
        if audio.frames == 0 && bytes.len() == offset {
            problems.push(Problem::new(ProblemKind::Empty, "there are no frames"));
        }
        audio.problems = problems.into_vec();
        audio
    }

    pub(crate) fn stream(&self) -> Stream {
        Stream {
            id: 0,
            kind: StreamKind::Audio,
            codec: self.container.as_str().to_owned(),
            encrypted: false,
            samples: self.frames,
            start: self.timestamp.map(clock::time),
            duration: (self.frames > 0).then_some(self.duration),
            unit: u32::try_from(self.frames)
                .ok()
                .and_then(|frames| self.duration.checked_div(frames))
                .unwrap_or_default(),
            starts_independent: Some(true),
        }
    }
}

fn add(duration: &mut Duration, samples: u64, rate: Option<u32>) {
    let Some(rate) = rate.map(u64::from).filter(|rate| *rate > 0) else {
        return;
    };
    let nanoseconds = (samples % rate) * 1_000_000_000 / rate;
    *duration = duration
        .saturating_add(Duration::from_secs(samples / rate))
        .saturating_add(Duration::from_nanos(nanoseconds));
}

/// The time stamp in the ID3 tags at the start, and how many bytes they have.
fn read_tags(bytes: &[u8], problems: &mut Problems) -> (Option<u64>, usize) {
    let (mut timestamp, mut offset) = (None, 0_usize);
    while let Some(rest) = bytes.get(offset..)
        && let Some([b'I', b'D', b'3', version, _, flags, a, b, c, d]) = rest.first_chunk::<10>()
        && (a | b | c | d) & 0x80 == 0
    {
        let size = synchsafe([*a, *b, *c, *d]);
        let footer = if flags & 0x10 == 0 { 0 } else { 10 };
        let Some(content) = rest.get(10..10 + size) else {
            let what = "the ID3 tag ends after the file does";
            problems.push(Problem::at(ProblemKind::Truncated, offset, what));
            return (timestamp, bytes.len());
        };
        if timestamp.is_none() {
            timestamp = find_timestamp(content, *version);
        }
        offset = offset.saturating_add(10 + size + footer);
    }
    (timestamp, offset.min(bytes.len()))
}

/// Seven bits of each byte.
fn synchsafe(bytes: [u8; 4]) -> usize {
    (bytes.iter()).fold(0, |size, byte| size << 7 | usize::from(byte & 0x7f))
}

/// Looks through the frames of a tag for the one of the time stamp.
fn find_timestamp(mut content: &[u8], version: u8) -> Option<u64> {
    while let Some(([i0, i1, i2, i3, a, b, c, d, _, _], rest)) = content.split_first_chunk::<10>() {
        // Version 3 counts in whole bytes.
        let size = if version >= 4 {
            synchsafe([*a, *b, *c, *d])
        } else {
            usize::try_from(u32::from_be_bytes([*a, *b, *c, *d])).ok()?
        };
        let (frame, rest) = rest.split_at_checked(size)?;
        if [*i0, *i1, *i2, *i3] == *b"PRIV"
            && let Some(ticks) = frame.strip_prefix(OWNER)
        {
            let ticks = u64::from_be_bytes(*ticks.first_chunk()?);
            return Some(ticks % clock::WRAP);
        }
        content = rest;
    }
    None
}
