//! Program tables: which streams there are.

/// An elementary stream as a Program Map Table lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stream {
    pub(crate) pid: u16,
    pub(crate) kind: u8,
    /// Its descriptors, one after the other.
    pub(crate) descriptors: Vec<u8>,
    /// Where in the section its type is.
    pub(crate) place: usize,
}

/// A section that is being put together from packets, with the place of each byte in the segment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Section {
    pub(crate) bytes: Vec<u8>,
    pub(crate) places: Vec<usize>,
}

/// No section of a program table is longer.
const LIMIT: usize = 1024;

impl Section {
    /// Takes the payload of a packet that starts at `place`; says whether the section is whole.
    pub(super) fn push(&mut self, payload: &[u8], place: usize, starts: bool) -> bool {
        let (mut payload, mut place) = (payload, place);
        if starts {
            self.bytes.clear();
            self.places.clear();
            let Some((&pointer, rest)) = payload.split_first() else {
                return false;
            };
            let skipped = usize::from(pointer);
            payload = rest.get(skipped..).unwrap_or_default();
            place += 1 + skipped;
        } else if self.bytes.is_empty() || self.is_whole() {
            return false;
        }
        self.bytes.extend_from_slice(payload);
        self.places.extend(place..place + payload.len());
        let length = self.length().min(LIMIT);
        if self.bytes.len() >= length && length > 3 {
            self.bytes.truncate(length);
            self.places.truncate(length);
        }
        self.is_whole()
    }

    fn length(&self) -> usize {
        match self.bytes.as_slice() {
            [_, high, low, ..] => 3 + (usize::from(high & 0x0f) << 8 | usize::from(*low)),
            _ => LIMIT,
        }
    }

    fn is_whole(&self) -> bool {
        self.bytes.len() == self.length()
    }

    /// The Program Map Tables that a Program Association Table names.
    pub(super) fn programs(&self) -> Vec<u16> {
        let Some(list) = self.entries(0x00, 8) else {
            return Vec::new();
        };
        let (entries, _) = list.as_chunks::<4>();
        let programs = entries.iter().filter(|[high, low, ..]| high | low != 0);
        programs
            .map(|[_, _, high, low]| u16::from(high & 0x1f) << 8 | u16::from(*low))
            .collect()
    }

    /// The streams that a Program Map Table lists.
    pub(super) fn streams(&self) -> Vec<Stream> {
        let mut streams = Vec::new();
        let Some([.., high, low]) = self.bytes.first_chunk::<12>() else {
            return streams;
        };
        let information = usize::from(high & 0x0f) << 8 | usize::from(*low);
        let mut place = 12 + information;
        let Some(mut list) = self.entries(0x02, place) else {
            return streams;
        };
        while let Some(([kind, high, low, long, short], rest)) = list.split_first_chunk::<5>() {
            let length = usize::from(long & 0x0f) << 8 | usize::from(*short);
            let Some((descriptors, rest)) = rest.split_at_checked(length) else {
                break;
            };
            streams.push(Stream {
                pid: u16::from(high & 0x1f) << 8 | u16::from(*low),
                kind: *kind,
                descriptors: descriptors.to_vec(),
                place,
            });
            place += 5 + length;
            list = rest;
        }
        streams
    }

    /// What is between `start` and the checksum of a whole section of this table.
    fn entries(&self, table: u8, start: usize) -> Option<&[u8]> {
        if self.bytes.first() != Some(&table) || !self.is_whole() {
            return None;
        }
        self.bytes.get(start..self.bytes.len().checked_sub(4)?)
    }
}

/// The checksum at the end of a section (ISO/IEC 13818-1 annex A).
pub(crate) fn checksum(bytes: &[u8]) -> u32 {
    bytes.iter().fold(u32::MAX, |sum, &byte| {
        (0..8).fold(sum ^ u32::from(byte) << 24, |sum, _| {
            let carry = if sum & 0x8000_0000 == 0 {
                0
            } else {
                0x04c1_1db7
            };
            sum << 1 ^ carry
        })
    })
}
