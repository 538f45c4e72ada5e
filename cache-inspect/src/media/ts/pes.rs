//! Headers of PES packets (ISO/IEC 13818-1 section 2.4.3.6).

/// What the header of a PES packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct PesHeader {
    /// When its first frame is shown, in ticks of 33 bits.
    pub(super) presentation_time: Option<u64>,
    /// Bytes of the packet, header included, if it says.
    pub(super) length: Option<u32>,
}

/// Reads the header at the start of a payload; `None` if there is none.
pub(super) fn read(payload: &[u8]) -> Option<PesHeader> {
    let ([0, 0, 1, stream, high, low], rest) = payload.split_first_chunk::<6>()? else {
        return None;
    };
    let length = match u16::from_be_bytes([*high, *low]) {
        0 => None,
        length => Some(u32::from(length) + 6),
    };
    Some(PesHeader {
        presentation_time: has_fields(*stream)
            .then(|| presentation_time(rest))
            .flatten(),
        length,
    })
}

/// Some kinds of streams, such as padding, have nothing but the length.
fn has_fields(stream: u8) -> bool {
    !matches!(
        stream,
        0xbc | 0xbe | 0xbf | 0xf0 | 0xf1 | 0xf2 | 0xf8 | 0xff
    )
}

fn presentation_time(fields: &[u8]) -> Option<u64> {
    let ([first, flags, length], rest) = fields.split_first_chunk::<3>()?;
    if first & 0xc0 != 0x80 || flags & 0x80 == 0 || *length < 5 {
        return None;
    }
    let time = rest.first_chunk::<5>()?;
    // Three parts, of 3, 15 and 15 bits, each with a marker bit behind.
    let [first, second, third] = [&time[..1], &time[1..3], &time[3..]]
        .map(|part| (part.iter()).fold(0, |bits, byte| bits << 8 | u64::from(*byte)));
    let has_markers = first & second & third & 1 != 0;
    has_markers.then_some((first >> 1 & 7) << 30 | (second >> 1) << 15 | third >> 1)
}
