//! From segments to samples.

mod fragmented;
mod packed;
mod transport;

pub(crate) use fragmented::{Maps, fragmented};
pub(crate) use packed::packed;
pub(crate) use transport::TransportDemuxer;

use super::elementary::audio_frame::{self, AudioKind};
use super::samples::{Format, Sample, Stream};

/// Takes whole audio frames out of bytes; says how many bytes they were. `decode` is the time of the first one.
fn take_frames(
    stream: &mut Stream,
    kind: AudioKind,
    bytes: &[u8],
    mut decode: Option<i64>,
) -> usize {
    let mut position = 0;
    while let Some(rest) = bytes.get(position..).filter(|rest| !rest.is_empty()) {
        let Some(frame) = audio_frame::read(kind, rest) else {
            if rest.len() < 9 {
                break;
            }
            // Damage: the next frame is somewhere behind.
            position += 1;
            continue;
        };
        let Some(whole) = rest.get(frame.header..frame.size) else {
            break;
        };
        let size = u32::try_from(whole.len()).unwrap_or(0);
        stream.data.extend_from_slice(whole);
        position += frame.size;
        if frame.samples == 0 {
            // A dependent substream is part of the sample before.
            if let Some(last) = stream.samples.last_mut() {
                last.size += size;
                continue;
            }
        }
        let format = Format::Audio(frame.format);
        let known = stream.formats.iter().position(|known| *known == format);
        let format = known.unwrap_or_else(|| {
            stream.formats.push(format);
            stream.formats.len() - 1
        });
        stream.samples.push(Sample {
            decode: decode.take(),
            composition: 0,
            duration: Some(frame.samples),
            size,
            is_sync: true,
            format,
        });
    }
    position
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::super::transport_stream::Clock;
    use super::*;
    use crate::fuzzing::{lay_out, two_fragments};

    fn stored(name: &str) -> Vec<u8> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/streams");
        std::fs::read(folder.join(name)).unwrap()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn any_change_is_taken(changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
            let changed = |name: &str, first: usize| {
                let mut bytes = stored(name);
                let length = bytes.len().min(first);
                for (at, byte) in &changes {
                    bytes[at.index(length)] = *byte;
                }
                bytes
            };
            for name in ["ts/v/1.ts", "ts/a/1.ts", "sample-aes/v/1.ts"] {
                let bytes = changed(name, usize::MAX);
                lay_out(&TransportDemuxer::default().demux(&bytes), bytes.len());
            }
            for folder in ["fmp4/v", "fmp4/a", "cbcs/v"] {
                let map = format!("{folder}/init.mp4");
                let segment = format!("{folder}/1.m4s");
                two_fragments(&changed(&map, 2000), &stored(&segment));
                two_fragments(&stored(&map), &changed(&segment, 600));
            }
            let audio = changed("ts/a/2.ts", 500);
            for kind in [AudioKind::Aac, AudioKind::Ac3, AudioKind::Eac3] {
                lay_out(&packed(kind, &audio, &mut Clock::default()), audio.len());
            }
        }
    }
}
