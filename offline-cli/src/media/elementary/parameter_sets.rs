//! Parameter sets of H.264 and HEVC: the size of the picture, and what a sample entry repeats of them.

use super::annex_b;
use super::bits::Bits;

/// The codecs whose NAL units are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum VideoKind {
    H264,
    Hevc,
}

/// Parameter sets in the order of their first appearance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ParameterSets {
    pub(crate) kind: VideoKind,
    pub(crate) video: Vec<Vec<u8>>,
    pub(crate) sequence: Vec<Vec<u8>>,
    pub(crate) picture: Vec<Vec<u8>>,
}

/// What of a sequence parameter set is repeated outside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sequence {
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) chroma_format: u8,
    pub(crate) bit_depth_luma: u8,
    pub(crate) bit_depth_chroma: u8,
    /// HEVC: the 12 bytes of general profile, tier and level, and what is said of temporal layers.
    pub(crate) profile: [u8; 12],
    pub(crate) temporal_layers: u8,
    pub(crate) is_temporally_nested: bool,
}

/// What a NAL unit means for whoever puts samples together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    VideoSet,
    SequenceSet,
    PictureSet,
    /// Says where an access unit begins, which a sample does anyway.
    Delimiter,
    /// Decoding can start here.
    Sync,
    Other,
}

/// More parameter sets than any real stream has.
const MAX_SETS: usize = 32;

impl VideoKind {
    pub(crate) fn role(self, nal: &[u8]) -> Role {
        let first = nal.first().copied().unwrap_or_default();
        match (
            self,
            if self == Self::H264 {
                first & 0x1f
            } else {
                first >> 1 & 0x3f
            },
        ) {
            (Self::H264, 5) | (Self::Hevc, 16..=21) => Role::Sync,
            // Supplemental information that says that decoding can recover from here.
            (Self::H264, 6) if nal.get(1) == Some(&6) => Role::Sync,
            (Self::H264, 7) | (Self::Hevc, 33) => Role::SequenceSet,
            (Self::H264, 8) | (Self::Hevc, 34) => Role::PictureSet,
            (Self::Hevc, 32) => Role::VideoSet,
            (Self::H264, 9) | (Self::Hevc, 35) => Role::Delimiter,
            _ => Role::Other,
        }
    }
}

impl ParameterSets {
    pub(crate) fn new(kind: VideoKind) -> Self {
        Self {
            kind,
            video: Vec::new(),
            sequence: Vec::new(),
            picture: Vec::new(),
        }
    }

    /// Remembers a parameter set that is new.
    pub(crate) fn note(&mut self, role: Role, nal: &[u8]) {
        let sets = match role {
            Role::VideoSet => &mut self.video,
            Role::SequenceSet => &mut self.sequence,
            Role::PictureSet => &mut self.picture,
            _ => return,
        };
        if sets.len() < MAX_SETS && sets.iter().all(|set| set != nal) {
            sets.push(nal.to_vec());
        }
    }

    /// Remembers those of another segment that are new.
    pub(crate) fn merge(&mut self, other: &Self) {
        let all = [
            (Role::VideoSet, &other.video),
            (Role::SequenceSet, &other.sequence),
            (Role::PictureSet, &other.picture),
        ];
        for (role, sets) in all {
            for set in sets {
                self.note(role, set);
            }
        }
    }

    /// Whether samples can be decoded with them.
    pub(crate) fn is_whole(&self) -> bool {
        !self.sequence.is_empty()
            && !self.picture.is_empty()
            && (self.kind == VideoKind::H264 || !self.video.is_empty())
    }

    /// What the first sequence parameter set says.
    pub(crate) fn sequence(&self) -> Option<Sequence> {
        let set = self.sequence.first()?;
        let mut plain = Vec::new();
        annex_b::unescape(set, &mut plain);
        match self.kind {
            VideoKind::H264 => h264(&plain),
            VideoKind::Hevc => hevc(&plain),
        }
    }
}

/// ITU-T H.264 section 7.3.2.1.1.
fn h264(set: &[u8]) -> Option<Sequence> {
    let mut bits = Bits::new(set);
    bits.skip(8);
    let profile = bits.take(8)?;
    bits.skip(16);
    bits.golomb()?;
    let (mut chroma_format, mut luma, mut chroma) = (1, 0, 0);
    if matches!(
        profile,
        100 | 110 | 122 | 244 | 44 | 83 | 86 | 118 | 128 | 138 | 139 | 134 | 135
    ) {
        chroma_format = bits.golomb()?;
        if chroma_format == 3 {
            bits.skip(1);
        }
        (luma, chroma) = (bits.golomb()?, bits.golomb()?);
        bits.skip(1);
        if bits.bit()? {
            for list in 0..if chroma_format == 3 { 12 } else { 8 } {
                if bits.bit()? {
                    skip_scaling_list(&mut bits, if list < 6 { 16 } else { 64 })?;
                }
            }
        }
    }
    bits.golomb()?;
    match bits.golomb()? {
        0 => {
            bits.golomb()?;
        }
        1 => {
            bits.skip(1);
            bits.golomb()?;
            bits.golomb()?;
            for _ in 0..bits.golomb()?.min(255) {
                bits.golomb()?;
            }
        }
        _ => {}
    }
    bits.golomb()?;
    bits.skip(1);
    let width = bits.golomb()?.checked_add(1)?.checked_mul(16)?;
    let rows = bits.golomb()?.checked_add(1)?;
    let is_frame = bits.bit()?;
    let fields = if is_frame { 1 } else { 2 };
    if !is_frame {
        bits.skip(1);
    }
    bits.skip(1);
    let height = rows.checked_mul(16 * fields)?;
    let (horizontal, vertical) = match chroma_format {
        1 => (2, 2 * fields),
        2 => (2, fields),
        _ => (1, fields),
    };
    let (mut cut_width, mut cut_height) = (0, 0);
    if bits.bit()? {
        cut_width = bits
            .golomb()?
            .checked_add(bits.golomb()?)?
            .checked_mul(horizontal)?;
        cut_height = bits
            .golomb()?
            .checked_add(bits.golomb()?)?
            .checked_mul(vertical)?;
    }
    Some(Sequence {
        width: width.checked_sub(cut_width)?,
        height: height.checked_sub(cut_height)?,
        chroma_format: u8::try_from(chroma_format).ok()?,
        bit_depth_luma: u8::try_from(luma).ok()?.checked_add(8)?,
        bit_depth_chroma: u8::try_from(chroma).ok()?.checked_add(8)?,
        profile: [0; 12],
        temporal_layers: 1,
        is_temporally_nested: false,
    })
}

fn skip_scaling_list(bits: &mut Bits<'_>, length: u32) -> Option<()> {
    let (mut last, mut next) = (8_i64, 8_i64);
    for _ in 0..length {
        if next != 0 {
            let code = i64::from(bits.golomb()?);
            let delta = if code % 2 == 0 {
                -(code / 2)
            } else {
                code / 2 + 1
            };
            next = (last + delta).rem_euclid(256);
        }
        if next != 0 {
            last = next;
        }
    }
    Some(())
}

/// ITU-T H.265 section 7.3.2.2.1.
fn hevc(set: &[u8]) -> Option<Sequence> {
    let mut bits = Bits::new(set);
    bits.skip(16 + 4);
    let layers = bits.take(3)?;
    let is_temporally_nested = bits.bit()?;
    let mut profile = [0; 12];
    for byte in &mut profile {
        *byte = u8::try_from(bits.take(8)?).ok()?;
    }
    let mut present = [(false, false); 8];
    for layer in present.iter_mut().take(usize::try_from(layers).ok()?) {
        *layer = (bits.bit()?, bits.bit()?);
    }
    if layers > 0 {
        bits.skip(usize::try_from(8 - layers).ok()? * 2);
    }
    for (has_profile, has_level) in present {
        bits.skip(if has_profile { 88 } else { 0 } + if has_level { 8 } else { 0 });
    }
    bits.golomb()?;
    let chroma_format = bits.golomb()?;
    if chroma_format == 3 {
        bits.skip(1);
    }
    let (mut width, mut height) = (bits.golomb()?, bits.golomb()?);
    if bits.bit()? {
        let horizontal = if matches!(chroma_format, 1 | 2) { 2 } else { 1 };
        let vertical = if chroma_format == 1 { 2 } else { 1 };
        let (left, right) = (bits.golomb()?, bits.golomb()?);
        let (top, bottom) = (bits.golomb()?, bits.golomb()?);
        width = width.checked_sub(left.checked_add(right)?.checked_mul(horizontal)?)?;
        height = height.checked_sub(top.checked_add(bottom)?.checked_mul(vertical)?)?;
    }
    Some(Sequence {
        width,
        height,
        chroma_format: u8::try_from(chroma_format).ok()?,
        bit_depth_luma: u8::try_from(bits.golomb()?).ok()?.checked_add(8)?,
        bit_depth_chroma: u8::try_from(bits.golomb()?).ok()?.checked_add(8)?,
        profile,
        temporal_layers: u8::try_from(layers).ok()? + 1,
        is_temporally_nested,
    })
}
