//! Frames of AAC in ADTS, AC-3 and Enhanced AC-3: where one ends and what it says.

/// Sampling frequencies by index (ISO/IEC 14496-3 section 1.6.3.4).
const AAC_RATES: [u32; 13] = [
    96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025, 8_000,
    7_350,
];
/// Sampling frequencies by `fscod` (ATSC A/52 section 5.4.1.3).
const AC3_RATES: [u32; 3] = [48_000, 44_100, 32_000];
/// Bit rates in kbit/s by half of `frmsizecod` (ATSC A/52 table 5.18).
const AC3_BIT_RATES: [u32; 19] = [
    32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640,
];
/// Channels by `acmod`, without the one for low frequencies.
const AC3_CHANNELS: [u8; 8] = [2, 1, 2, 3, 3, 4, 4, 5];

/// The kinds of audio whose frames can be told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AudioKind {
    Aac,
    Ac3,
    Eac3,
}

/// One frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    /// Bytes, header included.
    pub(crate) size: usize,
    /// Bytes of a header that is not part of the samples of an MP4 file: that of ADTS.
    pub(crate) header: usize,
    /// Audio samples of each channel; 0 for a dependent substream, which belongs to the frame before.
    pub(crate) samples: u32,
    pub(crate) format: AudioFormat,
}

/// What is the same in all frames until something changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AudioFormat {
    pub(crate) kind: AudioKind,
    pub(crate) rate: u32,
    pub(crate) channels: u8,
    /// AAC: object type, index of the frequency, channel configuration. AC-3: `fscod`, `bsid`, `bsmod`, `acmod`, `lfeon`, `bit_rate_code`.
    pub(crate) details: [u8; 6],
}

/// The frame at the start of the bytes; `None` when there is none or its header is cut.
pub(crate) fn read(kind: AudioKind, bytes: &[u8]) -> Option<Frame> {
    match kind {
        AudioKind::Aac => adts(bytes),
        AudioKind::Ac3 | AudioKind::Eac3 => ac3(bytes),
    }
}

/// ISO/IEC 14496-3 section 1.A.2.2.
fn adts(bytes: &[u8]) -> Option<Frame> {
    let [0xff, second, third, fourth, fifth, sixth, seventh] = *bytes.first_chunk::<7>()? else {
        return None;
    };
    if second & 0xf6 != 0xf0 {
        return None;
    }
    let header = if second & 1 == 0 { 9 } else { 7 };
    let (object_type, index) = ((third >> 6) + 1, third >> 2 & 15);
    let configuration = (third & 1) << 2 | fourth >> 6;
    let size = usize::from(fourth & 3) << 11 | usize::from(fifth) << 3 | usize::from(sixth >> 5);
    // More than one block of raw data in a frame is allowed and unheard of.
    let blocks = u32::from(seventh & 3) + 1;
    let channels = match configuration {
        7 => 8,
        other => other,
    };
    (size > header).then_some(Frame {
        size,
        header,
        samples: 1024 * blocks,
        format: AudioFormat {
            kind: AudioKind::Aac,
            rate: *AAC_RATES.get(usize::from(index))?,
            channels,
            details: [object_type, index, configuration, 0, 0, 0],
        },
    })
}

/// ATSC A/52 sections 5.3.1 and E.1.2.
fn ac3(bytes: &[u8]) -> Option<Frame> {
    let [0x0b, 0x77, third, fourth, fifth, sixth, seventh, ..] = *bytes.first_chunk::<8>()? else {
        return None;
    };
    let bsid = sixth >> 3;
    if bsid > 10 {
        return eac3(third, fourth, fifth, sixth);
    }
    let (fscod, code) = (fifth >> 6, fifth & 0x3f);
    let rate = *AC3_RATES.get(usize::from(fscod))?;
    let bit_rate_code = code >> 1;
    let bit_rate = *AC3_BIT_RATES.get(usize::from(bit_rate_code))?;
    // Words of 16 bits; with 44.1 kHz the odd codes have one more.
    let words = bit_rate * 96_000 / rate + u32::from(fscod == 1 && code & 1 == 1);
    let acmod = seventh >> 5;
    // Mix levels, where there are some, come before the bit for low frequencies.
    let skipped = u8::from(acmod & 1 != 0 && acmod != 1) * 2
        + u8::from(acmod & 4 != 0) * 2
        + u8::from(acmod == 2) * 2;
    let low_frequencies = seventh >> (4 - skipped.min(4)) & 1;
    Some(Frame {
        size: usize::try_from(words * 2).ok()?,
        header: 0,
        samples: 1536,
        format: AudioFormat {
            kind: AudioKind::Ac3,
            rate,
            channels: AC3_CHANNELS.get(usize::from(acmod))? + low_frequencies,
            details: [
                fscod,
                bsid,
                sixth & 7,
                acmod,
                low_frequencies,
                bit_rate_code,
            ],
        },
    })
}

fn eac3(third: u8, fourth: u8, fifth: u8, sixth: u8) -> Option<Frame> {
    let bsid = sixth >> 3;
    if bsid > 16 {
        return None;
    }
    let words = (usize::from(third & 7) << 8 | usize::from(fourth)) + 1;
    let fscod = fifth >> 6;
    let (rate, blocks) = if fscod == 3 {
        (AC3_RATES.get(usize::from(fifth >> 4 & 3))? / 2, 6)
    } else {
        let blocks = [1, 2, 3, 6].get(usize::from(fifth >> 4 & 3)).copied()?;
        (*AC3_RATES.get(usize::from(fscod))?, blocks)
    };
    let (acmod, low_frequencies) = (fifth >> 1 & 7, fifth & 1);
    // Only the first independent substream counts; others and dependent ones go with it.
    let is_first = third >> 6 != 1 && third & 0x38 == 0;
    Some(Frame {
        size: words * 2,
        header: 0,
        samples: if is_first { blocks * 256 } else { 0 },
        format: AudioFormat {
            kind: AudioKind::Eac3,
            rate,
            channels: AC3_CHANNELS.get(usize::from(acmod))? + low_frequencies,
            details: [fscod, bsid, 0, acmod, low_frequencies, 0],
        },
    })
}
