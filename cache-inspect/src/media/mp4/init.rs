//! What a Media Initialization Section declares.

use std::num::NonZeroU32;
use std::time::Duration;

use serde::Serialize;

use super::MAX_TRACKS;
use super::boxes::{Boxes, FourCc, Mp4Box};
use super::fields::Fields;
use super::fragment::is_independent;
use crate::error::{Error, ErrorKind};

/// What a Media Initialization Section, or the `moov` box of any MP4 file, declares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InitSection {
    /// The major brand, then the compatible ones (`ftyp`); empty without that box.
    pub brands: Vec<FourCc>,
    /// Fragments may follow (`mvex`).
    pub fragmented: bool,
    /// Its tracks, in the order of the file.
    pub tracks: Vec<InitTrack>,
    /// The protection systems that it has data for, by their UUIDs (`pssh`).
    pub protection_systems: Vec<[u8; 16]>,
}

/// One track.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InitTrack {
    /// Its number, which fragments refer to (`tkhd`).
    pub id: u32,
    /// What it is: `vide`, `soun`, `subt`, `text` and others (`hdlr`).
    pub handler: FourCc,
    /// Ticks per second of all its times (`mdhd`).
    pub timescale: NonZeroU32,
    /// The formats of its samples (`stsd`): mostly one; two where a clear part comes before the
    /// encrypted one.
    pub sample_entries: Vec<SampleEntry>,
    /// Ticks of a sample where its fragment does not say (`trex`).
    pub default_sample_duration: Option<u32>,
    /// Bytes of a sample where its fragment does not say (`trex`).
    pub default_sample_size: Option<u32>,
    /// Whether samples can be decoded alone, where their fragment does not say (`trex`).
    pub default_independent: Option<bool>,
}

/// The format of the samples of a track.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct SampleEntry {
    /// The type of the entry: `avc1`, `mp4a`; for encrypted ones `encv`, `enca`.
    pub format: FourCc,
    /// The format without encryption (`frma`).
    pub codec: FourCc,
    /// How it is encrypted.
    pub protection: Option<Protection>,
}

/// How samples are encrypted (ISO/IEC 23001-7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Protection {
    /// The scheme: `cenc`, `cbcs` and others (`schm`).
    pub scheme: Option<FourCc>,
    /// The key id of samples that do not name another one (`tenc`).
    pub key_id: Option<[u8; 16]>,
}

/// More protection systems than there are in use.
const MAX_PROTECTION_SYSTEMS: usize = 64;

/// More sample entries than any real track has.
const MAX_SAMPLE_ENTRIES: usize = 32;

impl InitSection {
    /// Reads the `ftyp` and the `moov` box, wherever they are; what follows `moov` is not looked at.
    ///
    /// # Errors
    ///
    /// If there is no `moov`, if a box before or inside it is damaged, or if a track lacks what
    /// nothing can be played without.
    pub fn read(bytes: &[u8]) -> Result<Self, Error> {
        let mut brands = Vec::new();
        for found in Boxes::new(bytes) {
            let found = found?;
            match &found.kind().0 {
                b"ftyp" => brands = read_brands(&found)?,
                b"moov" => return read_movie(&found, brands),
                _ => {}
            }
        }
        let what = "no moov box, so this is no initialization section";
        Err(Error::new(ErrorKind::MissingBox, None, 0, what))
    }

    /// The track of this number.
    pub fn track(&self, id: u32) -> Option<&InitTrack> {
        self.tracks.iter().find(|track| track.id == id)
    }
}

impl InitTrack {
    /// Ticks of the track as time, rounded down to nanoseconds.
    pub fn time(&self, ticks: u64) -> Duration {
        let timescale = u64::from(self.timescale.get());
        // The rest is less than 2^32, so the product is less than 2^62.
        let nanoseconds = (ticks % timescale).saturating_mul(1_000_000_000) / timescale;
        Duration::from_secs(ticks / timescale).saturating_add(Duration::from_nanos(nanoseconds))
    }
}

/// The major brand, four bytes of version, the compatible brands.
fn read_brands(ftyp: &Mp4Box<'_>) -> Result<Vec<FourCc>, Error> {
    let mut fields = Fields::new(ftyp);
    let major = fields.four_cc()?;
    fields.u32()?;
    let (compatible, _) = fields.rest().as_chunks::<4>();
    let mut brands = Vec::with_capacity(compatible.len() + 1);
    brands.push(major);
    brands.extend(compatible.iter().map(|brand| FourCc(*brand)));
    Ok(brands)
}

fn read_movie(moov: &Mp4Box<'_>, brands: Vec<FourCc>) -> Result<InitSection, Error> {
    let mut init = InitSection {
        brands,
        fragmented: false,
        tracks: Vec::new(),
        protection_systems: Vec::new(),
    };
    let mut mvex = None;
    for found in moov.children()? {
        let found = found?;
        match &found.kind().0 {
            b"trak" if init.tracks.len() >= MAX_TRACKS => {
                return Err(moov.error(ErrorKind::TooMany, "too many tracks"));
            }
            b"trak" => init.tracks.push(read_track(&found)?),
            b"mvex" => mvex = Some(found),
            b"pssh" if init.protection_systems.len() < MAX_PROTECTION_SYSTEMS => {
                let (mut fields, ..) = Fields::full(&found)?;
                init.protection_systems.push(fields.bytes()?);
            }
            _ => {}
        }
    }
    if let Some(mvex) = mvex {
        init.fragmented = true;
        for found in mvex.children()? {
            let found = found?;
            if found.kind().0 == *b"trex" {
                read_defaults(&found, &mut init.tracks)?;
            }
        }
    }
    Ok(init)
}

fn read_track(trak: &Mp4Box<'_>) -> Result<InitTrack, Error> {
    let tkhd = trak.require(*b"tkhd", "no tkhd box")?;
    let (mut fields, version, _) = Fields::full(&tkhd)?;
    // The times of creation and modification come first.
    fields.wide(version)?;
    fields.wide(version)?;
    let id = fields.u32()?;

    let mdia = trak.require(*b"mdia", "no mdia box")?;
    let mdhd = mdia.require(*b"mdhd", "no mdhd box")?;
    let (mut fields, version, _) = Fields::full(&mdhd)?;
    fields.wide(version)?;
    fields.wide(version)?;
    let timescale = NonZeroU32::new(fields.u32()?)
        .ok_or_else(|| mdhd.error(ErrorKind::InvalidBox, "the timescale is 0"))?;

    let hdlr = mdia.require(*b"hdlr", "no hdlr box")?;
    let (mut fields, ..) = Fields::full(&hdlr)?;
    fields.u32()?;
    let handler = fields.four_cc()?;

    let stsd = mdia
        .require(*b"minf", "no minf box")?
        .require(*b"stbl", "no stbl box")?
        .require(*b"stsd", "no stsd box")?;
    Ok(InitTrack {
        id,
        handler,
        timescale,
        sample_entries: read_sample_entries(&stsd)?,
        default_sample_duration: None,
        default_sample_size: None,
        default_independent: None,
    })
}

fn read_sample_entries(stsd: &Mp4Box<'_>) -> Result<Vec<SampleEntry>, Error> {
    let mut entries = Vec::new();
    // Version, flags and the number of entries, which the boxes themselves tell.
    for found in stsd.children_after(8)? {
        let found = found?;
        if entries.len() >= MAX_SAMPLE_ENTRIES {
            return Err(stsd.error(ErrorKind::TooMany, "too many sample entries"));
        }
        entries.push(read_sample_entry(&found)?);
    }
    if entries.is_empty() {
        return Err(stsd.error(ErrorKind::MissingBox, "no sample entry"));
    }
    Ok(entries)
}

/// Bytes before the boxes of an encrypted entry (ISO/IEC 14496-12 section 8.5.2); `None` for
/// entries that are not encrypted.
fn protected_fields(format: FourCc) -> Option<usize> {
    match &format.0 {
        b"encv" => Some(78),
        b"enca" => Some(28),
        b"enct" | b"encs" | b"encm" => Some(8),
        _ => None,
    }
}

fn read_sample_entry(entry: &Mp4Box<'_>) -> Result<SampleEntry, Error> {
    let format = entry.kind();
    let Some(fields) = protected_fields(format) else {
        return Ok(SampleEntry {
            format,
            codec: format,
            protection: None,
        });
    };
    let sinf = (entry.children_after(fields)?.find_kind(*b"sinf")?)
        .ok_or_else(|| entry.error(ErrorKind::MissingBox, "no sinf box"))?;
    let codec = Fields::new(&sinf.require(*b"frma", "no frma box")?).four_cc()?;
    let scheme = match sinf.child(*b"schm")? {
        Some(schm) => Some(Fields::full(&schm)?.0.four_cc()?),
        None => None,
    };
    let tenc = match sinf.child(*b"schi")? {
        Some(schi) => schi.child(*b"tenc")?,
        None => None,
    };
    let key_id = match tenc {
        Some(tenc) => {
            let (mut fields, ..) = Fields::full(&tenc)?;
            // Reserved, the pattern, whether it is protected, the size of the IVs.
            fields.u32()?;
            Some(fields.bytes()?)
        }
        None => None,
    };
    Ok(SampleEntry {
        format,
        codec,
        protection: Some(Protection { scheme, key_id }),
    })
}

fn read_defaults(trex: &Mp4Box<'_>, tracks: &mut [InitTrack]) -> Result<(), Error> {
    let (mut fields, ..) = Fields::full(trex)?;
    let id = fields.u32()?;
    // The index of the sample entry.
    fields.u32()?;
    let (duration, size, flags) = (fields.u32()?, fields.u32()?, fields.u32()?);
    if let Some(track) = tracks.iter_mut().find(|track| track.id == id) {
        track.default_sample_duration = Some(duration);
        track.default_sample_size = Some(size);
        track.default_independent = Some(is_independent(flags));
    }
    Ok(())
}
