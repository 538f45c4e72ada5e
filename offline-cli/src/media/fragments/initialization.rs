//! What a Media Initialization Section says about its tracks.

use cache_inspect::media::mp4::{Boxes, Mp4Box};

use super::super::{Damaged, Result};
use super::fields::Fields;

const MAX_TRACKS: usize = 64;
const MAX_DESCRIPTIONS: usize = 32;

/// A Media Initialization Section.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Initialization {
    pub(crate) tracks: Vec<Track>,
    /// Ticks per second of the durations in edit lists.
    pub(crate) timescale: u32,
}

/// One track.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Track {
    pub(crate) id: u32,
    pub(crate) handler: [u8; 4],
    pub(crate) timescale: u32,
    pub(crate) width: u32,
    pub(crate) height: u32,
    /// `mdhd`, in its packed form.
    pub(crate) language: u16,
    pub(crate) descriptions: Vec<Description>,
    pub(crate) edits: Vec<(u64, i64)>,
    pub(crate) default_description: u32,
    pub(crate) default_duration: u32,
    pub(crate) default_size: u32,
    pub(crate) default_flags: u32,
}

/// The format of samples: a sample entry, in clear, and how they are encrypted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Description {
    /// The whole box, as it is without encryption.
    pub(crate) entry: Vec<u8>,
    pub(crate) protection: Option<Protection>,
}

/// Schemes of ISO/IEC 23001-7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scheme {
    /// AES in counter mode.
    Cenc,
    /// AES in CBC mode over a pattern of blocks.
    Cbcs,
    Unknown,
}

/// How samples are encrypted (`schm`, `tenc`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Protection {
    pub(crate) scheme: Scheme,
    pub(crate) is_protected: bool,
    /// Blocks encrypted and blocks left out, in turns; (0, 0) where all are encrypted.
    pub(crate) pattern: (u8, u8),
    /// Bytes of the IV of each sample; 0 when it is constant.
    pub(crate) iv_size: u8,
    pub(crate) constant_iv: Option<[u8; 16]>,
}

impl Initialization {
    /// Reads the `moov` box.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self> {
        for found in Boxes::new(bytes) {
            let found = found?;
            if found.kind().0 == *b"moov" {
                return read_movie(&found);
            }
        }
        Err(Damaged("its initialization section has no moov box"))
    }

    /// Whether samples of a track are encrypted.
    pub(crate) fn is_protected(&self) -> bool {
        let mut descriptions = self.tracks.iter().flat_map(|track| &track.descriptions);
        descriptions.any(|description| {
            let protection = description.protection.as_ref();
            protection.is_some_and(|protection| protection.is_protected)
        })
    }

    /// Whether all samples of a track are encrypted.
    pub(crate) fn has_no_clear_format(&self) -> bool {
        let is_protected = |description: &Description| {
            let protection = description.protection.as_ref();
            protection.is_some_and(|protection| protection.is_protected)
        };
        self.tracks.iter().any(|track| {
            !track.descriptions.is_empty() && track.descriptions.iter().all(is_protected)
        })
    }

    pub(crate) fn track(&self, id: u32) -> Option<&Track> {
        self.tracks.iter().find(|track| track.id == id)
    }
}

fn child<'a>(of: &Mp4Box<'a>, kind: [u8; 4]) -> Result<Option<Mp4Box<'a>>> {
    for found in of.children()? {
        let found = found?;
        if found.kind().0 == kind {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn require<'a>(of: &Mp4Box<'a>, kind: [u8; 4]) -> Result<Mp4Box<'a>> {
    child(of, kind)?.ok_or(Damaged("its initialization section lacks a box"))
}

fn read_movie(moov: &Mp4Box<'_>) -> Result<Initialization> {
    let mvhd = require(moov, *b"mvhd")?;
    let (mut fields, version, _) = Fields::full(mvhd.payload())?;
    fields.wide(version)?;
    fields.wide(version)?;
    let mut movie = Initialization {
        tracks: Vec::new(),
        timescale: fields.u32()?,
    };
    for found in moov.children()? {
        let found = found?;
        if found.kind().0 == *b"trak" && movie.tracks.len() < MAX_TRACKS {
            movie.tracks.push(read_track(&found)?);
        }
    }
    let Some(mvex) = child(moov, *b"mvex")? else {
        return Ok(movie);
    };
    for found in mvex.children()? {
        let found = found?;
        if found.kind().0 != *b"trex" {
            continue;
        }
        let (mut fields, ..) = Fields::full(found.payload())?;
        let id = fields.u32()?;
        if let Some(track) = movie.tracks.iter_mut().find(|track| track.id == id) {
            track.default_description = fields.u32()?;
            track.default_duration = fields.u32()?;
            track.default_size = fields.u32()?;
            track.default_flags = fields.u32()?;
        }
    }
    Ok(movie)
}

fn read_track(trak: &Mp4Box<'_>) -> Result<Track> {
    let tkhd = require(trak, *b"tkhd")?;
    let (mut fields, version, _) = Fields::full(tkhd.payload())?;
    fields.wide(version)?;
    fields.wide(version)?;
    let id = fields.u32()?;
    fields.u32()?;
    fields.wide(version)?;
    // Reserved, layer, group, volume, matrix.
    fields.take(52)?;
    let (width, height) = (fields.u32()? >> 16, fields.u32()? >> 16);

    let mdia = require(trak, *b"mdia")?;
    let mdhd = require(&mdia, *b"mdhd")?;
    let (mut fields, version, _) = Fields::full(mdhd.payload())?;
    fields.wide(version)?;
    fields.wide(version)?;
    let timescale = fields.u32()?;
    if timescale == 0 {
        return Err(Damaged(
            "a track of its initialization section has a timescale of 0",
        ));
    }
    fields.wide(version)?;
    let language = fields.u16()?;

    let hdlr = require(&mdia, *b"hdlr")?;
    let (mut fields, ..) = Fields::full(hdlr.payload())?;
    fields.u32()?;
    let handler = fields.array()?;

    let stsd = require(&require(&require(&mdia, *b"minf")?, *b"stbl")?, *b"stsd")?;
    let mut descriptions = Vec::new();
    for entry in stsd.children_after(8)? {
        let entry = entry?;
        if descriptions.len() >= MAX_DESCRIPTIONS {
            return Err(Damaged(
                "its initialization section has too many sample entries",
            ));
        }
        descriptions.push(Description::read(&entry)?);
    }
    let mut edits = Vec::new();
    if let Some(edts) = child(trak, *b"edts")?
        && let Some(elst) = child(&edts, *b"elst")?
    {
        let (mut fields, version, _) = Fields::full(elst.payload())?;
        let count = fields.u32()?;
        for _ in 0..count.min(16) {
            let duration = fields.wide(version)?;
            let time = fields.wide(version)?;
            let time = match version {
                1 => time.cast_signed(),
                // 32 bits with a sign.
                _ => i64::from(u32::try_from(time).unwrap_or(0).cast_signed()),
            };
            fields.u32()?;
            edits.push((duration, time));
        }
    }
    Ok(Track {
        id,
        handler,
        timescale,
        width,
        height,
        language,
        descriptions,
        edits,
        default_description: 1,
        default_duration: 0,
        default_size: 0,
        default_flags: 0,
    })
}

impl Track {
    /// What a sample at media time 0 is shown at, in ticks of the track: what the edit list adds or takes.
    pub(crate) fn shift(&self, movie_timescale: u32) -> i64 {
        let mut shift = 0;
        for (duration, media_time) in &self.edits {
            if *media_time < 0 {
                let ticks = u128::from(*duration) * u128::from(self.timescale)
                    / u128::from(movie_timescale.max(1));
                shift += i64::try_from(ticks).unwrap_or(0).min(1 << 40);
            } else {
                return shift - (*media_time).min(1 << 40);
            }
        }
        shift
    }
}

impl Description {
    /// Bytes before the boxes of an encrypted entry (ISO/IEC 14496-12 section 8.5.2); `None` for a clear one.
    pub(crate) fn protected_fields(format: [u8; 4]) -> Option<usize> {
        match &format {
            b"encv" => Some(78),
            b"enca" => Some(28),
            b"enct" | b"encs" | b"encm" => Some(8),
            _ => None,
        }
    }

    fn read(entry: &Mp4Box<'_>) -> Result<Self> {
        let size =
            u32::try_from(entry.size()).map_err(|_| Damaged("a sample entry is too long"))?;
        let mut whole = size.to_be_bytes().to_vec();
        whole.extend_from_slice(&entry.kind().0);
        whole.extend_from_slice(entry.payload());
        let Some(fields) = Self::protected_fields(entry.kind().0) else {
            return Ok(Self {
                entry: whole,
                protection: None,
            });
        };
        let mut protection = None;
        let start = entry.offset() + super::header(entry);
        for found in entry.children_after(fields)? {
            let found = found?;
            if found.kind().0 == *b"sinf" {
                let original = Fields(require(&found, *b"frma")?.payload()).array::<4>()?;
                protection = Some(Protection::read(&found)?);
                // The same bytes, but the scheme information is free space now.
                let kind = usize::try_from(found.offset() - start)
                    .unwrap_or(usize::MAX)
                    .saturating_add(12);
                set(&mut whole, kind, *b"free");
                set(&mut whole, 4, original);
            }
        }
        Ok(Self {
            entry: whole,
            protection,
        })
    }
}

/// Overwrites four bytes, where they are.
fn set(bytes: &mut [u8], at: usize, kind: [u8; 4]) {
    if let Some(to) = bytes
        .get_mut(at..)
        .and_then(|rest| rest.first_chunk_mut::<4>())
    {
        *to = kind;
    }
}

impl Protection {
    fn read(sinf: &Mp4Box<'_>) -> Result<Self> {
        let scheme = match child(sinf, *b"schm")? {
            Some(schm) => match &Fields::full(schm.payload())?.0.array::<4>()? {
                b"cenc" => Scheme::Cenc,
                b"cbcs" => Scheme::Cbcs,
                _ => Scheme::Unknown,
            },
            None => Scheme::Unknown,
        };
        let tenc = require(&require(sinf, *b"schi")?, *b"tenc")?;
        let (mut fields, version, _) = Fields::full(tenc.payload())?;
        fields.u8()?;
        let pattern = fields.u8()?;
        let is_protected = fields.u8()? != 0;
        let iv_size = fields.u8()?;
        fields.array::<16>()?;
        let constant_iv = if is_protected && iv_size == 0 {
            let length = fields.u8()?;
            let mut iv = [0; 16];
            let given = fields.take(usize::from(length))?;
            for (to, from) in iv.iter_mut().zip(given) {
                *to = *from;
            }
            Some(iv)
        } else {
            None
        };
        Ok(Self {
            scheme,
            is_protected,
            pattern: if version == 0 {
                (0, 0)
            } else {
                (pattern >> 4, pattern & 15)
            },
            iv_size,
            constant_iv,
        })
    }
}
