//! Transport Streams, made packet by packet.

pub(crate) const VIDEO: u16 = 0x100;
pub(crate) const AUDIO: u16 = 0x101;
pub(crate) const MAP: u16 = 0x1000;
pub(crate) const PACKET: usize = 188;

/// Makes packets, with the continuity counters of their PIDs.
#[derive(Default)]
pub(crate) struct Muxer {
    pub(crate) bytes: Vec<u8>,
    counters: std::collections::HashMap<u16, u8>,
}

impl Muxer {
    /// One packet with as much of the payload as it takes; how many bytes that is.
    fn packet(&mut self, pid: u16, starts: bool, payload: &[u8]) -> usize {
        let counter = self.counters.entry(pid).or_default();
        let [high, low] = pid.to_be_bytes();
        let taken = payload.len().min(PACKET - 4);
        let stuffing = PACKET - 4 - taken;
        let control = if stuffing == 0 { 0x10 } else { 0x30 };
        self.bytes
            .extend([0x47, u8::from(starts) << 6 | high, low, control | *counter]);
        *counter = (*counter + 1) & 15;
        if stuffing > 0 {
            self.bytes.push(u8::try_from(stuffing - 1).unwrap());
            let field = [0].into_iter().chain(std::iter::repeat(0xff));
            self.bytes.extend(field.take(stuffing - 1));
        }
        self.bytes.extend(&payload[..taken]);
        taken
    }

    pub(crate) fn unit(&mut self, pid: u16, payload: &[u8]) {
        let mut rest = payload;
        let mut starts = true;
        while !rest.is_empty() {
            let taken = self.packet(pid, starts, rest);
            rest = &rest[taken..];
            starts = false;
        }
    }

    /// The tables, with these streams.
    pub(crate) fn tables(&mut self, streams: &[(u16, u8)]) {
        let [high, low] = MAP.to_be_bytes();
        let association = section(0, &[0, 1, 0xe0 | high, low]);
        self.unit(0, &association);
        let [high, low] = VIDEO.to_be_bytes();
        let mut map = vec![0xe0 | high, low, 0xf0, 0];
        for (pid, kind) in streams {
            let [high, low] = pid.to_be_bytes();
            map.extend([*kind, 0xe0 | high, low, 0xf0, 0]);
        }
        self.unit(MAP, &section(2, &map));
    }

    /// A PES packet of this time with so many bytes; its length is only said for audio.
    pub(crate) fn frame(&mut self, pid: u16, ticks: u64, bytes: usize) {
        let bounded = pid == AUDIO;
        let length = u16::try_from(bytes + 8).unwrap().to_be_bytes();
        let [high, low] = if bounded { length } else { [0, 0] };
        let ticks = ticks % (1 << 33);
        let byte = |shift: u32| u8::try_from(ticks >> shift & 0xff).unwrap();
        let mut pes = vec![
            0,
            0,
            1,
            if bounded { 0xc0 } else { 0xe0 },
            high,
            low,
            0x80,
            0x80,
            5,
        ];
        pes.extend([
            0x21 | byte(30) << 1 & 0x0e,
            byte(22),
            byte(14) & 0xfe | 1,
            byte(7),
            byte(0) << 1 | 1,
        ]);
        pes.resize(pes.len() + bytes, 0xaa);
        self.unit(pid, &pes);
    }
}

/// A section of a table around its list, behind the pointer to it.
fn section(table: u8, list: &[u8]) -> Vec<u8> {
    let length = u16::try_from(list.len() + 9).unwrap() | 0xb000;
    let [high, low] = length.to_be_bytes();
    let mut section = vec![table, high, low, 0, 1, 0xc1, 0, 0];
    section.extend(list);
    let mut crc = u32::MAX;
    for byte in &section {
        crc ^= u32::from(*byte) << 24;
        for _ in 0..8 {
            crc = if crc >> 31 == 0 {
                crc << 1
            } else {
                crc << 1 ^ 0x04c1_1db7
            };
        }
    }
    section.extend(crc.to_be_bytes());
    section.insert(0, 0);
    section
}

/// H.264 of 25 frames a second and AAC of 25 units a second, from this time on, for so many frames.
pub(crate) fn segment(ticks: u64, frames: u64) -> Vec<u8> {
    let mut muxer = Muxer::default();
    muxer.tables(&[(VIDEO, 0x1b), (AUDIO, 0x0f)]);
    for frame in 0..frames {
        let time = ticks + frame * 3_600;
        muxer.frame(VIDEO, time, 700);
        muxer.frame(AUDIO, time, 150);
    }
    muxer.bytes
}
