//! What one `moof` box says: of each track the samples, where they are and how they are encrypted.

use std::ops::Range;

use cache_inspect::media::mp4::Mp4Box;

use super::super::{Damaged, Result};
use super::fields::Fields;
use super::initialization::{Initialization, Track};

/// More samples than a fragment of any real stream has.
const MAX_SAMPLES: usize = 1 << 20;

/// A fragment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fragment {
    pub(crate) groups: Vec<SampleGroup>,
    /// Boxes that only say how samples are encrypted: where their types are.
    pub(crate) encryption_boxes: Vec<u64>,
}

/// The samples of one track in a fragment.
#[derive(Clone, Debug, Default)]
pub(crate) struct SampleGroup {
    pub(crate) track: u32,
    /// Which of the track's sample entries they have, counted from 0.
    pub(crate) description: usize,
    pub(crate) base_decode_time: Option<u64>,
    pub(crate) samples: Vec<Sample>,
    pub(crate) encryption: Traf,
}

/// Where to find the IVs of a group of samples.
#[derive(Clone, Debug, Default)]
pub(crate) struct Traf {
    /// The payload of `senc`, from the start of the segment.
    pub(crate) senc: Option<Range<u64>>,
    /// Positions of auxiliary information (`saio`), from the start of the segment.
    pub(crate) auxiliary: Vec<u64>,
    /// Bytes of it for each sample (`saiz`).
    pub(crate) auxiliary_sizes: Vec<u8>,
    /// Keys change inside the fragment (`seig`).
    pub(crate) has_key_groups: bool,
}

/// A sample of a fragment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sample {
    /// From the start of the segment.
    pub(crate) offset: u64,
    pub(crate) size: u32,
    pub(crate) duration: u32,
    pub(crate) composition: i32,
    pub(crate) flags: u32,
}

impl Sample {
    /// Whether decoding can start with it.
    pub(crate) fn is_sync(&self) -> bool {
        self.flags & 0x1_0000 == 0
    }

    pub(crate) fn range(&self) -> Option<Range<usize>> {
        let start = usize::try_from(self.offset).ok()?;
        Some(start..start.checked_add(usize::try_from(self.size).ok()?)?)
    }
}

/// What a `tfhd` box says, with the defaults of the track.
struct Header {
    base: u64,
    description: usize,
    duration: u32,
    size: u32,
    flags: u32,
}

/// Where data is counted from when a fragment does not say it.
struct Origin {
    /// Where the `moof` box starts in the segment.
    moof: u64,
    /// The same in the file that the segment was cut from, as far as known.
    stated: Option<u64>,
    /// The end of the data of the group before.
    end: Option<u64>,
}

impl Fragment {
    /// Reads a `moof` box, whose offset is the one in a segment of `length` bytes.
    pub(crate) fn read(
        moof: &Mp4Box<'_>,
        at: u64,
        length: u64,
        initialization: &Initialization,
    ) -> Result<Self> {
        let mut fragment = Self::default();
        let mut origin = Origin {
            moof: at,
            stated: None,
            end: None,
        };
        for found in moof.children()? {
            let found = found?;
            match &found.kind().0 {
                b"traf" => {
                    fragment.read_group(moof, &found, &mut origin, length, initialization)?;
                }
                b"pssh" => fragment.encryption_boxes.push(place(moof, &found, at) + 4),
                _ => {}
            }
        }
        Ok(fragment)
    }

    fn read_group(
        &mut self,
        moof: &Mp4Box<'_>,
        traf: &Mp4Box<'_>,
        origin: &mut Origin,
        length: u64,
        initialization: &Initialization,
    ) -> Result<()> {
        let mut group = SampleGroup::default();
        let mut header = None;
        // The offset of auxiliary information is counted from where the data is.
        let mut auxiliary = Vec::new();
        for found in traf.children()? {
            let found = found?;
            let at = place(moof, &found, origin.moof);
            match &found.kind().0 {
                b"tfhd" => header = Some(read_header(&found, origin, initialization, &mut group)?),
                b"tfdt" => {
                    let (mut fields, version, _) = Fields::full(found.payload())?;
                    group.base_decode_time = Some(fields.wide(version)?);
                }
                b"trun" => {
                    let header = header
                        .as_ref()
                        .ok_or(Damaged("a fragment has samples before their header"))?;
                    read_run(&found, header, origin, length, &mut group)?;
                }
                b"senc" => {
                    let start = at + super::header(&found);
                    group.encryption.senc = Some(start..start + found.payload().len() as u64);
                    self.encryption_boxes.push(at + 4);
                }
                b"saiz" => {
                    group.encryption.auxiliary_sizes = read_sizes(found.payload())?;
                    self.encryption_boxes.push(at + 4);
                }
                b"saio" => {
                    auxiliary = read_offsets(found.payload())?;
                    self.encryption_boxes.push(at + 4);
                }
                b"sbgp" | b"sgpd" if found.payload().get(4..8) == Some(b"seig") => {
                    group.encryption.has_key_groups = true;
                    self.encryption_boxes.push(at + 4);
                }
                _ => {}
            }
        }
        let base = header.map_or(origin.moof, |header| header.base);
        group.encryption.auxiliary = auxiliary
            .iter()
            .map(|offset| base.saturating_add(*offset))
            .collect();
        self.groups.push(group);
        Ok(())
    }
}

/// Where a box inside `moof` is in the segment.
fn place(moof: &Mp4Box<'_>, found: &Mp4Box<'_>, at: u64) -> u64 {
    at + found.offset().saturating_sub(moof.offset())
}

fn read_header(
    tfhd: &Mp4Box<'_>,
    origin: &mut Origin,
    initialization: &Initialization,
    group: &mut SampleGroup,
) -> Result<Header> {
    let (mut fields, _, flags) = Fields::full(tfhd.payload())?;
    group.track = fields.u32()?;
    let track = initialization.track(group.track);
    let of_track = |value: fn(&Track) -> u32| track.map_or(0, value);
    let base = if flags & 0x1 != 0 {
        let stated = fields.u64()?;
        // Counted in the file that the segment was cut from, where the first one is that of its moof.
        let first = *origin.stated.get_or_insert(stated);
        origin.moof.saturating_add(stated.saturating_sub(first))
    } else if flags & 0x2_0000 != 0 {
        origin.moof
    } else {
        origin.end.unwrap_or(origin.moof)
    };
    let mut given = |flag: u32, default: u32| {
        if flags & flag == 0 {
            Ok(default)
        } else {
            fields.u32()
        }
    };
    let description = given(0x2, of_track(|track| track.default_description))?;
    let header = Header {
        base,
        description: usize::try_from(description.saturating_sub(1)).unwrap_or(0),
        duration: given(0x8, of_track(|track| track.default_duration))?,
        size: given(0x10, of_track(|track| track.default_size))?,
        flags: given(0x20, of_track(|track| track.default_flags))?,
    };
    group.description = header.description;
    Ok(header)
}

fn read_run(
    trun: &Mp4Box<'_>,
    header: &Header,
    origin: &mut Origin,
    length: u64,
    group: &mut SampleGroup,
) -> Result<()> {
    let (mut fields, _, flags) = Fields::full(trun.payload())?;
    let count = usize::try_from(fields.u32()?).unwrap_or(usize::MAX);
    if count > MAX_SAMPLES.saturating_sub(group.samples.len()) {
        return Err(Damaged("a fragment has too many samples"));
    }
    let mut offset = if flags & 0x1 == 0 {
        let end = group
            .samples
            .last()
            .map(|last| last.offset + u64::from(last.size));
        end.unwrap_or(header.base)
    } else {
        let distance = i64::from(fields.u32()?.cast_signed());
        header
            .base
            .checked_add_signed(distance)
            .ok_or(Damaged("a fragment has samples before its start"))?
    };
    let first_flags = if flags & 0x4 == 0 {
        None
    } else {
        Some(fields.u32()?)
    };
    let per_sample = (flags & 0xf00).count_ones() as usize * 4;
    if fields.0.len() < count * per_sample {
        return Err(Damaged("a fragment has fewer samples than it says"));
    }
    group.samples.reserve(count);
    for index in 0..count {
        let mut given = |flag: u32, default: u32| {
            if flags & flag == 0 {
                Ok(default)
            } else {
                fields.u32()
            }
        };
        let duration = given(0x100, header.duration)?;
        let size = given(0x200, header.size)?;
        let stated = given(0x400, header.flags)?;
        let composition = given(0x800, 0)?.cast_signed();
        let flags = first_flags.filter(|_| index == 0).unwrap_or(stated);
        let end = offset.saturating_add(u64::from(size));
        if end > length {
            return Err(Damaged("a fragment has samples beyond its end"));
        }
        group.samples.push(Sample {
            offset,
            size,
            duration,
            composition,
            flags,
        });
        offset = end;
    }
    origin.end = Some(offset);
    Ok(())
}

/// `saiz`: of each sample the bytes of its auxiliary information.
fn read_sizes(payload: &[u8]) -> Result<Vec<u8>> {
    let (mut fields, _, flags) = Fields::full(payload)?;
    if flags & 1 != 0 {
        fields.u64()?;
    }
    let default = fields.u8()?;
    let count = usize::try_from(fields.u32()?).unwrap_or(usize::MAX);
    if default == 0 {
        return Ok(fields.take(count)?.to_vec());
    }
    if count > MAX_SAMPLES {
        return Err(Damaged("a fragment has too many samples"));
    }
    Ok(vec![default; count])
}

/// `saio`: where auxiliary information is.
fn read_offsets(payload: &[u8]) -> Result<Vec<u64>> {
    let (mut fields, version, flags) = Fields::full(payload)?;
    if flags & 1 != 0 {
        fields.u64()?;
    }
    let count = fields.u32()?;
    (0..count).map(|_| fields.wide(version)).collect()
}
