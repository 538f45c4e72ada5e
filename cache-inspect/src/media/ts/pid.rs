//! What the packets of one PID say.

use std::time::Duration;

use super::packet::Packet;
use super::pes;
use super::tables::Assembly;
use crate::media::clock::{self, ticks_between};
use crate::media::problem::{Problem, ProblemKind};
use crate::media::stream::{Stream, StreamKind};

/// What a PID carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The program association table.
    Association,
    /// A program map table.
    Map,
    /// PES packets, as far as is known.
    Elementary,
}

/// What is known of a PID.
#[derive(Clone, Debug)]
pub(super) struct Pid {
    pub(super) number: u16,
    pub(super) role: Role,
    pub(super) assembly: Assembly,
    /// PES packets that have begun.
    pub(super) units: u64,
    counter: Option<u8>,
    /// The packet before was sent twice.
    repeated: bool,
    gaps: u32,
    first_gap: usize,
    scrambled: bool,
    random_access: bool,
    times: Option<Times>,
    /// Where the PES packet that is being read begins, and how many of its bytes are still to come.
    open: Option<(usize, u32)>,
}

/// The presentation times of a PID, in ticks.
#[derive(Clone, Copy, Debug)]
struct Times {
    /// The one of its first PES packet.
    first: u64,
    /// The earliest and the latest, from there.
    min: i64,
    max: i64,
    count: u64,
}

impl Pid {
    pub(super) fn new(number: u16) -> Self {
        Self {
            number,
            role: Role::Elementary,
            assembly: Assembly::default(),
            units: 0,
            counter: None,
            repeated: false,
            gaps: 0,
            first_gap: 0,
            scrambled: false,
            random_access: false,
            times: None,
            open: None,
        }
    }

    /// Checks the continuity counter; the payload, unless it was there before.
    #[inline]
    pub(super) fn next_payload<'a>(
        &mut self,
        packet: &Packet<'a>,
        offset: usize,
    ) -> Option<&'a [u8]> {
        let payload = packet.payload?;
        let before = self.counter.replace(packet.counter);
        if let Some(before) = before
            && !packet.is_discontinuity()
            && packet.counter != (before + 1) & 0x0f
        {
            // A packet may be sent twice (ISO/IEC 13818-1 section 2.4.3.3).
            if packet.counter == before && !self.repeated {
                self.repeated = true;
                return None;
            }
            if self.gaps == 0 {
                self.first_gap = offset;
            }
            self.gaps = self.gaps.saturating_add(1);
        }
        self.repeated = false;
        Some(payload)
    }

    /// Takes the payload of a packet of an elementary stream; what the PES packet before lacks.
    #[inline]
    pub(super) fn elementary(
        &mut self,
        packet: &Packet<'_>,
        payload: &[u8],
        offset: usize,
    ) -> Option<Problem> {
        self.scrambled |= packet.is_scrambled();
        let length = u32::try_from(payload.len()).unwrap_or_default();
        if !packet.starts_unit() {
            if let Some((_, missing)) = &mut self.open {
                *missing = missing.saturating_sub(length);
            }
            return None;
        }
        // Where packets are lost, that is what is said.
        let cut = (self.open.take())
            .filter(|(_, missing)| *missing > 0 && self.gaps == 0)
            .map(|(start, missing)| self.lacks(ProblemKind::Damaged, start, missing));
        if packet.is_scrambled() {
            self.units += 1;
            return cut;
        }
        let Some(header) = pes::read(payload) else {
            return cut;
        };
        if self.units == 0 {
            self.random_access = packet.is_random_access();
        }
        self.units += 1;
        self.open = (header.length).map(|total| (offset, total.saturating_sub(length)));
        if let Some(time) = header.presentation_time {
            let times = self.times.get_or_insert(Times {
                first: time,
                min: 0,
                max: 0,
                count: 0,
            });
            let since = ticks_between(times.first, time);
            times.min = times.min.min(since);
            times.max = times.max.max(since);
            times.count += 1;
        }
        cut
    }

    fn lacks(&self, kind: ProblemKind, start: usize, missing: u32) -> Problem {
        let what = format!(
            "the PES packet at byte {start} of PID {} lacks {missing} bytes",
            self.number
        );
        Problem::at(kind, start, what)
    }

    /// What is wrong with it as a whole.
    pub(super) fn problems(&self) -> impl Iterator<Item = Problem> {
        let gaps = (self.gaps > 0).then(|| {
            let what = format!(
                "packets of PID {} are lost in {} places, the first before byte {}",
                self.number, self.gaps, self.first_gap
            );
            Problem::at(ProblemKind::Damaged, self.first_gap, what)
        });
        let cut = (self.open)
            .filter(|(_, missing)| *missing > 0)
            .map(|(start, missing)| self.lacks(ProblemKind::Truncated, start, missing));
        gaps.into_iter().chain(cut)
    }

    /// The stream, of this type (ISO/IEC 13818-1 table 2-34).
    pub(super) fn stream(&self, stream_type: u8) -> Stream {
        let (kind, codec, sample_encryption) = describe(stream_type);
        let mut stream = Stream {
            id: self.number.into(),
            kind,
            codec: codec.to_owned(),
            encrypted: self.scrambled || sample_encryption,
            samples: self.units,
            start: None,
            duration: None,
            unit: Duration::ZERO,
            starts_independent: self.random_access.then_some(true),
        };
        if let Some(Times {
            first,
            min,
            max,
            count,
        }) = self.times
        {
            let first_shown = first.wrapping_add_signed(min) % clock::WRAP;
            stream.start = Some(clock::time(first_shown));
            let span = u64::try_from(max.saturating_sub(min)).unwrap_or_default();
            if count > 1 {
                let unit = span / (count - 1);
                stream.unit = clock::time(unit);
                stream.duration = Some(clock::time(span.saturating_add(unit)));
            }
        }
        stream
    }
}

/// What a stream is, the name of its format, and whether its samples are encrypted (SAMPLE-AES).
fn describe(stream_type: u8) -> (StreamKind, &'static str, bool) {
    use StreamKind::{Audio, Other, Video};
    match stream_type {
        0x01 => (Video, "MPEG-1", false),
        0x02 => (Video, "MPEG-2", false),
        0x10 => (Video, "MPEG-4", false),
        0x1b => (Video, "H.264", false),
        0xdb => (Video, "H.264", true),
        0x24 => (Video, "H.265", false),
        0x03 | 0x04 => (Audio, "MP3", false),
        0x0f => (Audio, "AAC", false),
        0xcf => (Audio, "AAC", true),
        0x11 => (Audio, "AAC-LATM", false),
        0x81 => (Audio, "AC-3", false),
        0xc1 => (Audio, "AC-3", true),
        0x87 => (Audio, "E-AC-3", false),
        0xc2 => (Audio, "E-AC-3", true),
        0x15 => (Other, "metadata", false),
        _ => (Other, "private", false),
    }
}
