//! The tables that say which streams there are (ISO/IEC 13818-1 section 2.4.4).

/// Sections of these tables are not longer (ISO/IEC 13818-1 sections 2.4.4.5 and 2.4.4.9).
const MAX_SECTION: usize = 1_024;

/// Puts a section together from the payloads of its packets.
#[derive(Clone, Debug, Default)]
pub(super) struct Assembly {
    /// What is there of a section that has begun.
    bytes: Vec<u8>,
}

impl Assembly {
    /// Takes the payload of a packet and hands every section that is complete to `found`.
    pub(super) fn push(&mut self, payload: &[u8], starts: bool, mut found: impl FnMut(&[u8])) {
        if !starts {
            self.finish(payload, &mut found);
            return;
        }
        let sections = (payload.split_first())
            .and_then(|(pointer, after)| after.split_at_checked(usize::from(*pointer)));
        let Some((tail, mut rest)) = sections else {
            self.bytes.clear();
            return;
        };
        self.finish(tail, &mut found);
        self.bytes.clear();
        // Sections follow each other; 0xff fills up.
        while let Some([table, ..]) = rest.first_chunk::<1>()
            && *table != 0xff
        {
            let section = length(rest).and_then(|length| rest.split_at_checked(length));
            let Some((section, after)) = section else {
                self.bytes = rest.to_vec();
                return;
            };
            found(section);
            rest = after;
        }
    }

    fn finish(&mut self, more: &[u8], found: &mut impl FnMut(&[u8])) {
        if self.bytes.is_empty() {
            return;
        }
        let room = MAX_SECTION.saturating_sub(self.bytes.len());
        self.bytes
            .extend_from_slice(more.get(..room).unwrap_or(more));
        match length(&self.bytes) {
            Some(length) if length > MAX_SECTION => self.bytes.clear(),
            Some(length) => {
                if let Some(section) = self.bytes.get(..length) {
                    found(section);
                    self.bytes.clear();
                }
            }
            None => {}
        }
    }
}

/// Bytes of the section at the start.
fn length(section: &[u8]) -> Option<usize> {
    let [_, high, low] = section.first_chunk::<3>()?;
    Some(3 + (usize::from(high & 0x0f) << 8 | usize::from(*low)))
}

/// A table that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Table {
    /// The PIDs on which the maps of the programs are.
    Programs(Vec<u16>),
    /// The PIDs and types of the streams of a program.
    Streams(Vec<(u16, u8)>),
    /// Its checksum is wrong.
    Damaged,
    /// Another kind of table, or one that is not in force yet.
    Other,
}

/// Reads a section.
pub(super) fn read(section: &[u8]) -> Table {
    const PROGRAM_ASSOCIATION: u8 = 0;
    const PROGRAM_MAP: u8 = 2;
    let Some(table @ (PROGRAM_ASSOCIATION | PROGRAM_MAP)) = section.first().copied() else {
        return Table::Other;
    };
    // Eight bytes before the list, four of checksum behind it.
    let body = section
        .len()
        .checked_sub(4)
        .and_then(|end| section.get(8..end));
    let Some(body) = body.filter(|_| checksum(section) == 0) else {
        return Table::Damaged;
    };
    let is_current = section.get(5).is_some_and(|flags| flags & 1 != 0);
    if !is_current {
        return Table::Other;
    }
    if table == PROGRAM_ASSOCIATION {
        let (programs, _) = body.as_chunks::<4>();
        let maps = programs
            .iter()
            .filter(|[high, low, ..]| (*high, *low) != (0, 0));
        return Table::Programs(maps.map(|[_, _, high, low]| pid(*high, *low)).collect());
    }
    let streams = body.split_at_checked(4).and_then(|(head, rest)| {
        let information = head.last_chunk::<2>()?;
        rest.get(usize::from(pid(information[0], information[1]) & 0x0fff)..)
    });
    let Some(mut rest) = streams else {
        return Table::Damaged;
    };
    let mut streams = Vec::new();
    while let Some(([kind, high, low, of_high, of_low], after)) = rest.split_first_chunk::<5>() {
        streams.push((pid(*high, *low), *kind));
        let information = usize::from(of_high & 0x0f) << 8 | usize::from(*of_low);
        rest = after.get(information..).unwrap_or_default();
    }
    Table::Streams(streams)
}

fn pid(high: u8, low: u8) -> u16 {
    u16::from(high & 0x1f) << 8 | u16::from(low)
}

/// The checksum of ISO/IEC 13818-1 annex A: zero over a section together with its checksum.
fn checksum(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x04c1_1db7;
    bytes.iter().fold(u32::MAX, |mut crc, byte| {
        crc ^= u32::from(*byte) << 24;
        for _ in 0..8 {
            crc = crc << 1 ^ if crc >> 31 == 0 { 0 } else { POLYNOMIAL };
        }
        crc
    })
}
