//! Common Encryption of fragmented MP4 (ISO/IEC 23001-7), schemes `cenc` and `cbcs`: decrypted in place, so that
//! nothing changes its size. Boxes that say how things were encrypted become free space.

use std::ops::Range;

use aes::Aes128;
use aes::cipher::{Array, BlockModeDecrypt, KeyIvInit, StreamCipher};
use cache_inspect::media::mp4::{Boxes, Mp4Box};

use super::fragments::{
    Description, Fields, Fragment, Initialization, Protection, SampleGroup, Scheme,
};
use super::{Damaged, Result};

const BLOCK: usize = 16;

/// Rewrites an initialization section so that it describes clear samples; its length stays.
///
/// # Errors
/// When its boxes are damaged.
pub(crate) fn clear_initialization(bytes: &mut [u8]) -> Result<()> {
    let mut changes = Vec::new();
    for found in Boxes::new(bytes) {
        let moov = found?;
        if moov.kind().0 != *b"moov" {
            continue;
        }
        for found in moov.children()? {
            let found = found?;
            match &found.kind().0 {
                b"pssh" => changes.push((found.offset() + 4, *b"free")),
                b"trak" => find_entries(&found, &["mdia", "minf", "stbl"], &mut changes)?,
                _ => {}
            }
        }
    }
    for (at, kind) in changes {
        rename(bytes, at, kind);
    }
    Ok(())
}

/// Goes down to the sample entries of a track.
fn find_entries(of: &Mp4Box<'_>, path: &[&str], changes: &mut Vec<(u64, [u8; 4])>) -> Result<()> {
    for found in of.children()? {
        let found = found?;
        let kind = found.kind().0;
        if let [next, rest @ ..] = path {
            if kind == next.as_bytes() {
                find_entries(&found, rest, changes)?;
            }
        } else if kind == *b"stsd" {
            for entry in found.children_after(8)? {
                let entry = entry?;
                let Some(fields) = Description::protected_fields(entry.kind().0) else {
                    continue;
                };
                for inner in entry.children_after(fields)? {
                    let inner = inner?;
                    if inner.kind().0 != *b"sinf" {
                        continue;
                    }
                    for part in inner.children()? {
                        let part = part?;
                        if part.kind().0 == *b"frma" {
                            changes.push((entry.offset() + 4, Fields(part.payload()).array()?));
                        }
                    }
                    changes.push((inner.offset() + 4, *b"free"));
                }
            }
        } else if kind == *b"sgpd" && found.payload().get(4..8) == Some(b"seig") {
            changes.push((found.offset() + 4, *b"free"));
        }
    }
    Ok(())
}

fn rename(bytes: &mut [u8], at: u64, kind: [u8; 4]) {
    let to = usize::try_from(at)
        .ok()
        .and_then(|at| bytes.get_mut(at..)?.first_chunk_mut::<4>());
    if let Some(to) = to {
        *to = kind;
    }
}

/// Decrypts a segment in place.
///
/// # Errors
/// When its boxes are damaged, contradict the initialization section, or a scheme or feature is not known.
pub(crate) fn decrypt(
    segment: &mut [u8],
    initialization: &Initialization,
    key: [u8; 16],
) -> Result<()> {
    let length = segment.len() as u64;
    let mut fragments = Vec::new();
    let mut renamed = Vec::new();
    for found in Boxes::new(segment) {
        let found = found?;
        match &found.kind().0 {
            b"moof" => fragments.push(Fragment::read(
                &found,
                found.offset(),
                length,
                initialization,
            )?),
            b"pssh" => renamed.push(found.offset() + 4),
            _ => {}
        }
    }
    for fragment in &fragments {
        for group in &fragment.groups {
            let description = initialization
                .track(group.track)
                .ok_or(Damaged(
                    "a fragment has a track that its initialization section does not list",
                ))?
                .descriptions
                .get(group.description);
            if let Some(protection) = description.and_then(|description| description.protection)
                && protection.is_protected
            {
                decrypt_group(segment, group, protection, key)?;
            }
        }
        renamed.extend(&fragment.encryption_boxes);
    }
    for at in renamed {
        rename(segment, at, *b"free");
    }
    Ok(())
}

fn decrypt_group(
    segment: &mut [u8],
    group: &SampleGroup,
    protection: Protection,
    key: [u8; 16],
) -> Result<()> {
    if protection.scheme == Scheme::Unknown {
        return Err(Damaged("its encryption scheme is neither cenc nor cbcs"));
    }
    if group.encryption.has_key_groups {
        return Err(Damaged("its keys change inside a fragment"));
    }
    let auxiliary = Auxiliary::read(segment, group, protection)?;
    let key = Array::from(key);
    for (index, sample) in group.samples.iter().enumerate() {
        let (iv, parts) = auxiliary.sample(index)?;
        let iv = iv
            .or(protection.constant_iv)
            .ok_or(Damaged("a sample has no IV"))?;
        let range = sample.range().ok_or(Damaged("a sample is too long"))?;
        let bytes = segment
            .get_mut(range)
            .ok_or(Damaged("a sample is not there"))?;
        let mut counter = ctr::Ctr64BE::<Aes128>::new(&key, &Array::from(iv));
        let mut decrypt = |protected: &mut [u8]| {
            if protection.scheme == Scheme::Cenc {
                let keystream = counter.try_apply_keystream(protected);
                return keystream.map_err(|_| Damaged("a sample is too long"));
            }
            // Each subsample begins anew.
            let mut cipher = cbc::Decryptor::<Aes128>::new(&key, &Array::from(iv));
            decrypt_pattern(&mut cipher, protected, protection.pattern);
            Ok(())
        };
        if parts.is_empty() {
            decrypt(bytes)?;
            continue;
        }
        let mut rest = bytes;
        for [c0, c1, p0, p1, p2, p3] in parts {
            let clear = usize::from(u16::from_be_bytes([*c0, *c1]));
            let protected = u32::from_be_bytes([*p0, *p1, *p2, *p3]) as usize;
            let outside = Damaged("the parts of a sample are longer than the sample");
            let (_, after) = rest.split_at_mut_checked(clear).ok_or(outside)?;
            let (protected, after) = after.split_at_mut_checked(protected).ok_or(outside)?;
            decrypt(protected)?;
            rest = after;
        }
    }
    Ok(())
}

/// Decrypts `pattern.0` blocks, leaves `pattern.1` as they are, and so on; a part of a block at the end is clear.
fn decrypt_pattern(cipher: &mut cbc::Decryptor<Aes128>, protected: &mut [u8], pattern: (u8, u8)) {
    let (blocks, _) = Array::slice_as_chunks_mut(protected);
    let (encrypted, left) = (usize::from(pattern.0), usize::from(pattern.1));
    if encrypted == 0 || left == 0 {
        cipher.decrypt_blocks(blocks);
        return;
    }
    for period in blocks.chunks_mut(encrypted + left) {
        let end = encrypted.min(period.len());
        cipher.decrypt_blocks(period.get_mut(..end).unwrap_or_default());
    }
}

/// The IV of a sample, if it has one, and its subsamples.
type SampleParts<'a> = (Option<[u8; 16]>, &'a [[u8; 6]]);

/// IVs and subsamples of a group, copied out of the segment.
struct Auxiliary {
    bytes: Vec<u8>,
    /// Of each sample; empty when there is nothing to be said of any.
    samples: Vec<Range<usize>>,
    iv_size: usize,
    /// `senc` says for all samples at once whether subsamples follow.
    has_subsamples: bool,
}

impl Auxiliary {
    fn read(segment: &[u8], group: &SampleGroup, protection: Protection) -> Result<Self> {
        let iv_size = usize::from(protection.iv_size);
        if !matches!(iv_size, 0 | 8 | BLOCK) {
            return Err(Damaged("its IVs have an impossible size"));
        }
        let mut auxiliary = Self {
            bytes: Vec::new(),
            samples: Vec::with_capacity(group.samples.len()),
            iv_size,
            has_subsamples: true,
        };
        if let Some(senc) = &group.encryption.senc {
            let slice = |range: &Range<u64>| {
                segment.get(usize::try_from(range.start).ok()?..usize::try_from(range.end).ok()?)
            };
            let (mut fields, _, flags) = Fields::full(slice(senc).unwrap_or_default())?;
            let count = fields.u32()? as usize;
            if count != group.samples.len() {
                return Err(Damaged("a fragment has IVs for another number of samples"));
            }
            auxiliary.has_subsamples = flags & 2 != 0;
            auxiliary.bytes = fields.0.to_vec();
            let mut position = 0;
            for _ in 0..count {
                let start = position;
                fields.take(iv_size)?;
                position += iv_size;
                if auxiliary.has_subsamples {
                    let parts = usize::from(fields.u16()?) * 6;
                    fields.take(parts)?;
                    position += 2 + parts;
                }
                auxiliary.samples.push(start..position);
            }
        } else if !group.encryption.auxiliary.is_empty() {
            auxiliary.gather(segment, group)?;
        } else if protection.constant_iv.is_none() {
            return Err(Damaged("a fragment has no IVs"));
        }
        Ok(auxiliary)
    }

    /// From where `saio` says, all in one place or one place for each sample.
    fn gather(&mut self, segment: &[u8], group: &SampleGroup) -> Result<()> {
        let (places, sizes) = (
            &group.encryption.auxiliary,
            &group.encryption.auxiliary_sizes,
        );
        if sizes.len() != group.samples.len() || (places.len() != 1 && places.len() != sizes.len())
        {
            return Err(Damaged("a fragment has IVs for another number of samples"));
        }
        let mut next = 0;
        for (index, size) in sizes.iter().enumerate() {
            let place = if places.len() == 1 && index > 0 {
                None
            } else {
                places.get(index)
            };
            if let Some(place) = place {
                next = usize::try_from(*place).map_err(|_| Damaged("an IV is not there"))?;
            }
            let end = next.saturating_add(usize::from(*size));
            let start = self.bytes.len();
            self.bytes.extend_from_slice(
                segment
                    .get(next..end)
                    .ok_or(Damaged("an IV is not there"))?,
            );
            self.samples.push(start..self.bytes.len());
            next = end;
        }
        Ok(())
    }

    /// The IV of a sample, if it has one, and its subsamples: clear and protected bytes.
    fn sample(&self, index: usize) -> Result<SampleParts<'_>> {
        let Some(range) = self.samples.get(index) else {
            return Ok((None, &[]));
        };
        let mut fields = Fields(self.bytes.get(range.clone()).unwrap_or_default());
        let mut iv = [0; BLOCK];
        for (to, from) in iv.iter_mut().zip(fields.take(self.iv_size)?) {
            *to = *from;
        }
        let iv = (self.iv_size > 0).then_some(iv);
        if !self.has_subsamples || fields.0.is_empty() {
            return Ok((iv, &[]));
        }
        let count = usize::from(fields.u16()?);
        let (parts, _) = fields.take(count * 6)?.as_chunks::<6>();
        Ok((iv, parts))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn boxed(kind: [u8; 4], payload: &[u8]) -> Vec<u8> {
        let mut bytes = u32::try_from(payload.len() + 8)
            .unwrap()
            .to_be_bytes()
            .to_vec();
        bytes.extend(kind);
        bytes.extend(payload);
        bytes
    }

    fn initialization(protection: Protection) -> Initialization {
        let track = super::super::fragments::Track {
            id: 1,
            handler: *b"vide",
            timescale: 90_000,
            width: 0,
            height: 0,
            language: 0,
            descriptions: vec![Description {
                entry: Vec::new(),
                protection: Some(protection),
            }],
            edits: Vec::new(),
            default_description: 1,
            default_duration: 1,
            default_size: 0,
            default_flags: 0,
        };
        Initialization {
            tracks: vec![track],
            timescale: 1000,
        }
    }

    fn protection(scheme: Scheme, iv_size: u8) -> Protection {
        let constant_iv = (iv_size == 0).then_some([7; 16]);
        Protection {
            scheme,
            is_protected: true,
            pattern: (1, 9),
            iv_size,
            constant_iv,
        }
    }

    /// A segment of two samples of 200 bytes, of which the first 20 are clear, with IVs in `senc`.
    fn segment(iv_size: usize) -> Vec<u8> {
        let mut senc = vec![0, 0, 0, 2, 0, 0, 0, 2];
        for index in 0..2_u8 {
            senc.extend(std::iter::repeat_n(index, iv_size));
            senc.extend([0, 1, 0, 20, 0, 0, 0, 180]);
        }
        let moof = |offset: u32| {
            let mut trun = vec![0, 0, 2, 1, 0, 0, 0, 2];
            trun.extend(offset.to_be_bytes());
            trun.extend([200_u32.to_be_bytes(); 2].concat());
            let traf = [
                boxed(*b"tfhd", &[0, 2, 0, 0, 0, 0, 0, 1]),
                boxed(*b"trun", &trun),
                boxed(*b"senc", &senc),
            ];
            boxed(*b"moof", &boxed(*b"traf", &traf.concat()))
        };
        let length = u32::try_from(moof(0).len()).unwrap();
        let samples: Vec<u8> = (0..=255).cycle().take(400).collect();
        [moof(length + 8), boxed(*b"mdat", &samples)].concat()
    }

    #[test]
    fn counter_mode_is_its_own_inverse_and_leaves_the_clear_part() {
        let clear = segment(8);
        let initialization = initialization(protection(Scheme::Cenc, 8));
        let mut once = clear.clone();
        decrypt(&mut once, &initialization, [9; 16]).unwrap();
        let body = clear.len() - 400;
        assert_eq!(once[body..body + 20], clear[body..body + 20]);
        assert!(
            once[body + 20..body + 200]
                .iter()
                .zip(&clear[body + 20..])
                .filter(|(a, b)| a != b)
                .count()
                > 150
        );
        assert!(!once.windows(4).any(|kind| kind == b"senc"));
        let at = clear.windows(4).position(|kind| kind == b"senc").unwrap();
        once[at..at + 4].copy_from_slice(b"senc");
        decrypt(&mut once, &initialization, [9; 16]).unwrap();
        assert_eq!(once[body..], clear[body..]);
    }

    #[test]
    fn the_pattern_leaves_nine_blocks_of_ten() {
        let mut bytes = segment(0);
        let body = bytes.len() - 400;
        let before = bytes.clone();
        decrypt(
            &mut bytes,
            &initialization(protection(Scheme::Cbcs, 0)),
            [9; 16],
        )
        .unwrap();
        let changed =
            |range: std::ops::Range<usize>| bytes[body..][range.clone()] != before[body..][range];
        assert!(changed(20..36) && changed(180..196));
        assert!(!changed(36..180) && !changed(196..220));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]
        #[test]
        fn any_change_is_an_error_or_keeps_the_length(
            changes in proptest::collection::vec((0_usize..220, any::<u8>()), 1..5), scheme in 0..3, iv_size in 0_u8..18,
        ) {
            let mut bytes = segment(8);
            for (at, byte) in changes {
                bytes[at] = byte;
            }
            let length = bytes.len();
            let scheme = [Scheme::Cenc, Scheme::Cbcs, Scheme::Unknown][usize::try_from(scheme).unwrap()];
            let _ = decrypt(&mut bytes, &initialization(protection(scheme, iv_size)), [9; 16]);
            let _ = clear_initialization(&mut bytes);
            prop_assert_eq!(bytes.len(), length);
        }
    }
}
