//! One packet of 188 bytes.

/// Bytes of a packet.
pub(crate) const SIZE: usize = 188;
const SYNC: u8 = 0x47;

/// The header of a packet, and where its payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Packet {
    pub(crate) pid: u16,
    /// A PES packet or a section starts in it.
    pub(crate) starts: bool,
    /// Bytes before the payload; [`SIZE`] when there is none.
    pub(crate) header: usize,
}

impl Packet {
    /// Reads a header; `None` when it is no packet, or marked as damaged or scrambled.
    pub(crate) fn read(bytes: &[u8; SIZE]) -> Option<Self> {
        let [sync, first, second, third, length, ..] = *bytes;
        if sync != SYNC || first & 0x80 != 0 || third & 0xc0 != 0 {
            return None;
        }
        let header = match third >> 4 & 3 {
            1 => 4,
            3 => (5 + usize::from(length)).min(SIZE),
            _ => SIZE,
        };
        Some(Self {
            pid: u16::from(first & 0x1f) << 8 | u16::from(second),
            starts: first & 0x40 != 0,
            header,
        })
    }
}

/// The packet at a position, or behind junk after it: where it starts.
pub(super) fn synchronize(bytes: &[u8], mut position: usize) -> Option<usize> {
    loop {
        let rest = bytes.get(position..)?;
        if rest.len() < SIZE {
            return None;
        }
        let is_start =
            rest.first() == Some(&SYNC) && rest.get(SIZE).is_none_or(|&next| next == SYNC);
        if is_start {
            return Some(position);
        }
        // The first packet may be followed by junk itself.
        position += 1 + memchr::memchr(SYNC, rest.get(1..)?)?;
    }
}
