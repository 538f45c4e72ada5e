//! Headers of PES packets.

/// What the header of a PES packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PesHeader {
    /// Bytes before the payload.
    pub(crate) length: usize,
    /// Presentation and decoding time in ticks of 90 kHz, in 33 bits.
    pub(crate) times: Option<(i64, i64)>,
}

impl PesHeader {
    /// Reads the header at the start of a PES packet of audio or video.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let [0, 0, 1, _, _, _, marker, flags, rest] = *bytes.first_chunk::<9>()? else {
            return None;
        };
        if marker & 0xc0 != 0x80 {
            return None;
        }
        let length = 9 + usize::from(rest);
        let times = (flags & 0x80 != 0)
            .then(|| {
                let presentation = time(bytes.get(9..14)?)?;
                let decoding = (flags & 0x40 != 0)
                    .then(|| time(bytes.get(14..19)?))
                    .flatten();
                Some((presentation, decoding.unwrap_or(presentation)))
            })
            .flatten();
        (length <= bytes.len()).then_some(Self { length, times })
    }
}

fn time(bytes: &[u8]) -> Option<i64> {
    let bytes = bytes.first_chunk::<5>()?;
    let [high, .., low_high, low] = *bytes;
    let middle = u16::from_be_bytes([*bytes.get(1)?, *bytes.get(2)?]) >> 1;
    let lowest = u16::from_be_bytes([low_high, low]) >> 1;
    Some(i64::from(high >> 1 & 7) << 30 | i64::from(middle) << 15 | i64::from(lowest))
}
