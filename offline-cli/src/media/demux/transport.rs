//! Samples of a Transport Stream.

use super::super::elementary::annex_b;
use super::super::elementary::audio_frame::AudioKind;
use super::super::elementary::parameter_sets::{ParameterSets, Role, VideoKind};
use super::super::samples::{Demuxed, Format, Sample, Stream};
use super::super::transport_stream::{self as ts, Clock, PesHeader, Scanner, Unit};
use super::take_frames;

/// Ticks per second of the times of PES packets.
const TICKS: u32 = 90_000;

/// Takes segments apart one after the other, and remembers what goes on from one to the next.
#[derive(Clone, Debug, Default)]
pub(crate) struct TransportDemuxer {
    clock: Clock,
    /// Of audio streams the frame that the last segment cut.
    carries: Vec<(u32, Vec<u8>)>,
}

#[derive(Clone, Copy)]
enum Codec {
    Video(VideoKind),
    Audio(AudioKind),
}

impl TransportDemuxer {
    /// Forgets times and cut frames, as after a discontinuity.
    pub(crate) fn restart(&mut self, clock: Clock) {
        *self = Self {
            clock,
            carries: Vec::new(),
        };
    }

    /// Whether the next segment can be taken apart without those before it.
    pub(crate) fn is_clean(&self) -> bool {
        self.carries.is_empty()
    }

    /// The samples of the next segment.
    pub(crate) fn demux(&mut self, segment: &[u8]) -> Demuxed {
        let mut demuxed = Demuxed::default();
        let mut scanner = Scanner::default();
        let mut pes = Vec::new();
        while let Some(unit) = scanner.next(segment) {
            let (index, pieces) = match unit {
                Unit::Table(_, streams) => {
                    for stream in streams.iter().filter(|stream| codec(stream).is_none()) {
                        demuxed.lacks_media |= !is_data(stream.kind);
                        let what = name(stream.kind);
                        if demuxed.left_out.iter().all(|known| *known != what) {
                            demuxed.left_out.push(what);
                        }
                    }
                    continue;
                }
                Unit::Pes { stream, pieces } => (stream, pieces),
            };
            let Some(stream) = scanner.streams().get(index) else {
                continue;
            };
            let (id, Some(codec)) = (u32::from(stream.pid), codec(stream)) else {
                continue;
            };
            pes.clear();
            for piece in &pieces {
                pes.extend_from_slice(segment.get(piece.clone()).unwrap_or_default());
            }
            scanner.reuse(pieces);
            let Some(header) = PesHeader::read(&pes) else {
                continue;
            };
            let times = header.times.map(|(presentation, decoding)| {
                let decoding = self.clock.unwrap(decoding);
                (self.clock.near(presentation), decoding)
            });
            let payload = pes.get(header.length..).unwrap_or_default();
            let stream = stream_of(&mut demuxed, id);
            match codec {
                Codec::Video(kind) => take_picture(stream, kind, payload, times),
                Codec::Audio(kind) => {
                    let decode = times.map(|(presentation, _)| presentation);
                    self.take_audio(stream, kind, payload, decode);
                }
            }
        }
        demuxed.streams.retain(|stream| !stream.samples.is_empty());
        demuxed
    }

    /// The time of a PES packet is that of the first frame that starts in it.
    fn take_audio(
        &mut self,
        stream: &mut Stream,
        kind: AudioKind,
        payload: &[u8],
        decode: Option<i64>,
    ) {
        let carried = self.carries.iter().position(|(id, _)| *id == stream.id);
        let mut bytes = carried.map_or_else(Vec::new, |at| self.carries.swap_remove(at).1);
        let payload = if bytes.is_empty() {
            payload
        } else {
            // Its end is in this packet, and then the frame belongs to the time before.
            bytes.extend_from_slice(payload);
            bytes.as_slice()
        };
        let decode = decode.filter(|_| carried.is_none());
        let taken = take_frames(stream, kind, payload, decode);
        let rest = payload.get(taken..).unwrap_or_default();
        if !rest.is_empty() {
            self.carries.push((stream.id, rest.to_vec()));
        }
    }
}

fn stream_of(demuxed: &mut Demuxed, id: u32) -> &mut Stream {
    let at = demuxed.streams.iter().position(|stream| stream.id == id);
    let at = at.unwrap_or_else(|| {
        demuxed.streams.push(Stream {
            id,
            timescale: TICKS,
            formats: Vec::new(),
            samples: Vec::new(),
            data: Vec::new(),
        });
        demuxed.streams.len() - 1
    });
    &mut demuxed.streams[at]
}

/// A PES packet with a time is a sample; one without goes on with the sample before.
fn take_picture(stream: &mut Stream, kind: VideoKind, payload: &[u8], times: Option<(i64, i64)>) {
    if stream.formats.is_empty() {
        stream.formats.push(Format::Video(ParameterSets::new(kind)));
    }
    let start = stream.data.len();
    let mut is_sync = false;
    for range in annex_b::nal_units(payload) {
        let nal = payload.get(range).unwrap_or_default();
        let role = kind.role(nal);
        match role {
            Role::Delimiter => continue,
            Role::Sync => is_sync = true,
            Role::Other => {}
            _ => {
                if let Some(Format::Video(sets)) = stream.formats.first_mut() {
                    sets.note(role, nal);
                }
            }
        }
        stream
            .data
            .extend_from_slice(&u32::try_from(nal.len()).unwrap_or(0).to_be_bytes());
        stream.data.extend_from_slice(nal);
    }
    let size = u32::try_from(stream.data.len() - start).unwrap_or(0);
    match (times, stream.samples.last_mut()) {
        (Some((presentation, decoding)), _) => stream.samples.push(Sample {
            decode: Some(decoding),
            composition: i32::try_from(presentation - decoding).unwrap_or(0),
            duration: None,
            size,
            is_sync,
            format: 0,
        }),
        (None, Some(last)) => last.size += size,
        // Nothing that it could belong to.
        (None, None) => stream.data.truncate(start),
    }
}

fn codec(stream: &ts::Stream) -> Option<Codec> {
    let has = |tag: u8| {
        let mut rest = stream.descriptors.as_slice();
        while let [found, length, after @ ..] = rest {
            if *found == tag {
                return true;
            }
            rest = after.get(usize::from(*length)..).unwrap_or_default();
        }
        false
    };
    match stream.kind {
        0x1b => Some(Codec::Video(VideoKind::H264)),
        0x24 => Some(Codec::Video(VideoKind::Hevc)),
        0x0f => Some(Codec::Audio(AudioKind::Aac)),
        0x81 => Some(Codec::Audio(AudioKind::Ac3)),
        0x87 => Some(Codec::Audio(AudioKind::Eac3)),
        // Private data that DVB says more about.
        0x06 if has(0x6a) => Some(Codec::Audio(AudioKind::Ac3)),
        0x06 if has(0x7a) => Some(Codec::Audio(AudioKind::Eac3)),
        _ => None,
    }
}

/// Metadata, sections, splice points.
fn is_data(kind: u8) -> bool {
    matches!(kind, 0x05 | 0x06 | 0x15 | 0x86)
}

fn name(kind: u8) -> String {
    match kind {
        0x02 => "MPEG-2 video".to_owned(),
        0x03 | 0x04 => "MPEG audio".to_owned(),
        0x11 => "AAC in LATM".to_owned(),
        0x15 => "timed metadata".to_owned(),
        other => format!("a stream of type 0x{other:02x}"),
    }
}
