//! Headers of audio frames that are found in packed audio.

use super::container::Container;

/// What the header of an audio frame says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// Bytes, header included; never 0.
    pub(super) length: usize,
    pub(super) sample_rate: u32,
    /// Samples of each channel; 0 for what accompanies the frame before.
    pub(super) samples: u32,
}

/// The frame of this format at the start.
pub(super) fn frame(bytes: &[u8], container: Container) -> Option<Frame> {
    match container {
        Container::Adts => adts(bytes),
        Container::Ac3 => ac3(bytes),
        Container::Eac3 => enhanced_ac3(bytes),
        Container::Mp3 => mpeg_audio(bytes),
        _ => None,
    }
}

/// ISO/IEC 14496-3 section 1.A.2.2.
pub(super) fn adts(bytes: &[u8]) -> Option<Frame> {
    const RATES: [u32; 13] = [
        96_000, 88_200, 64_000, 48_000, 44_100, 32_000, 24_000, 22_050, 16_000, 12_000, 11_025,
        8_000, 7_350,
    ];
    let [0xff, second, third, fourth, fifth, sixth, seventh] = bytes.first_chunk::<7>()? else {
        return None;
    };
    let length = usize::from(fourth & 3) << 11 | usize::from(*fifth) << 3 | usize::from(sixth >> 5);
    let blocks = u32::from(seventh & 3) + 1;
    (second & 0xf6 == 0xf0 && length >= 7).then_some(Frame {
        length,
        sample_rate: *RATES.get(usize::from(third >> 2 & 15))?,
        samples: blocks * 1024,
    })
}

/// ATSC A/52 section 5.3.2 and table 5.18.
fn ac3(bytes: &[u8]) -> Option<Frame> {
    // Kilobits a second.
    const BIT_RATES: [u32; 19] = [
        32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640,
    ];
    let [0x0b, 0x77, _, _, codes, identification] = bytes.first_chunk::<6>()? else {
        return None;
    };
    if identification >> 3 > 10 {
        return None;
    }
    let rate_code = codes & 63;
    let bit_rate = *BIT_RATES.get(usize::from(rate_code >> 1))?;
    // Words of 16 bits in 1,536 samples.
    let (sample_rate, words) = match codes >> 6 {
        0 => (48_000, bit_rate * 2),
        1 => (
            44_100,
            bit_rate * 96_000 / 44_100 + u32::from(rate_code & 1),
        ),
        2 => (32_000, bit_rate * 3),
        _ => return None,
    };
    Some(Frame {
        length: usize::try_from(words * 2).ok()?,
        sample_rate,
        samples: 1_536,
    })
}

/// ATSC A/52 section E.2.3.1.
fn enhanced_ac3(bytes: &[u8]) -> Option<Frame> {
    const RATES: [u32; 3] = [48_000, 44_100, 32_000];
    let [0x0b, 0x77, third, fourth, fifth, sixth] = bytes.first_chunk::<6>()? else {
        return None;
    };
    if !(11..=16).contains(&(sixth >> 3)) {
        return None;
    }
    let length = (usize::from(third & 7) << 8 | usize::from(*fourth)) * 2 + 2;
    let half = usize::from(fifth >> 4 & 3);
    let (sample_rate, blocks) = match fifth >> 6 {
        // Half the rate, and always six blocks.
        3 => (RATES.get(half)? / 2, 6),
        code => (*RATES.get(usize::from(code))?, *[1, 2, 3, 6].get(half)?),
    };
    // Dependent substreams, and further independent ones, are heard together with the first.
    let accompanies = third >> 6 == 1 || third >> 3 & 7 != 0;
    (length >= 6).then_some(Frame {
        length,
        sample_rate,
        samples: if accompanies { 0 } else { blocks * 256 },
    })
}

/// ISO/IEC 11172-3 section 2.4.2.3, with the lower rates of ISO/IEC 13818-3 and those that are usual below.
fn mpeg_audio(bytes: &[u8]) -> Option<Frame> {
    // Kilobits a second, by the code.
    const LAYER_1: [u32; 14] = [
        32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448,
    ];
    const LAYER_2: [u32; 14] = [
        32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384,
    ];
    const LAYER_3: [u32; 14] = [
        32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320,
    ];
    const LOW_LAYER_1: [u32; 14] = [
        32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256,
    ];
    const LOW: [u32; 14] = [8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    let [0xff, second, third, _] = bytes.first_chunk::<4>()? else {
        return None;
    };
    let divisor = match (second & 0xe0 == 0xe0, second >> 3 & 3) {
        (true, 3) => 1,
        (true, 2) => 2,
        (true, 0) => 4,
        _ => return None,
    };
    let sample_rate = [44_100, 48_000, 32_000].get(usize::from(third >> 2 & 3))? / divisor;
    let (table, samples) = match (4 - (second >> 1 & 3), divisor) {
        (1, 1) => (LAYER_1, 384),
        (1, _) => (LOW_LAYER_1, 384),
        (2, 1) => (LAYER_2, 1_152),
        (2, _) => (LOW, 1_152),
        (3, 1) => (LAYER_3, 1_152),
        (3, _) => (LOW, 576),
        _ => return None,
    };
    let bit_rate = 1_000 * *table.get(usize::from(third >> 4).checked_sub(1)?)?;
    let padding = u32::from(third >> 1 & 1);
    let length = if samples == 384 {
        (12 * bit_rate / sample_rate + padding) * 4
    } else {
        samples / 8 * bit_rate / sample_rate + padding
    };
    Some(Frame {
        length: usize::try_from(length).ok().filter(|length| *length >= 4)?,
        sample_rate,
        samples,
    })
}
