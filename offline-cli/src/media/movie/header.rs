//! The boxes before the samples (ISO/IEC 14496-12): small ones by a library, tables that grow with the movie by hand.

use mp4_atom::{Elst, ElstEntry, Encode, Hdlr, Mdhd, Mvhd, Smhd, Tkhd, Vmhd};

use super::super::{Damaged, Result};
use super::part::Parts;
use super::track::{Chunk, TrackBuilder};
use super::{FLICKS, convert, language};

/// Ticks per second of the movie: every usual timescale of tracks is exact in them.
const TIMESCALE: i64 = 141_120_000;

/// Everything up to the first sample, when that is at `first`.
pub(super) fn write(
    tracks: &[TrackBuilder],
    parts: &Parts,
    chunks: &[Chunk],
    first: u64,
) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    container(&mut out, *b"ftyp", |out| {
        out.extend_from_slice(b"isom\0\0\x02\0isomiso2avc1mp41");
        Ok(())
    })?;
    container(&mut out, *b"moov", |out| {
        encode(
            out,
            &Mvhd {
                timescale: u32::try_from(TIMESCALE).unwrap_or(u32::MAX),
                duration: unsigned(convert(parts.duration, FLICKS, TIMESCALE)),
                rate: 1_u16.into(),
                volume: 1_u8.into(),
                next_track_id: u32::try_from(tracks.len() + 1).unwrap_or(u32::MAX),
                ..Mvhd::default()
            },
        )?;
        for (number, track) in tracks.iter().enumerate() {
            let offsets = Offsets::of(chunks, number, first);
            container(out, *b"trak", |out| {
                write_track(out, track, number, parts, &offsets)
            })?;
        }
        Ok(())
    })?;
    let data: u64 = chunks.iter().map(|chunk| u64::from(chunk.length)).sum();
    out.extend_from_slice(b"\0\0\0\x01mdat");
    out.extend_from_slice(&(data + 16).to_be_bytes());
    Ok(out)
}

/// The chunks of a track: where they are, how many samples, of which description.
struct Offsets(Vec<(u64, u32, u16)>);

impl Offsets {
    fn of(chunks: &[Chunk], track: usize, mut offset: u64) -> Self {
        let mut found = Vec::new();
        for chunk in chunks {
            if usize::from(chunk.track) == track {
                found.push((offset, chunk.samples, chunk.description));
            }
            offset += u64::from(chunk.length);
        }
        Self(found)
    }
}

fn unsigned(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}

fn encode(out: &mut Vec<u8>, atom: &impl Encode) -> Result<()> {
    atom.encode(out)
        .map_err(|_| Damaged("it cannot be described in an MP4 file"))
}

fn container(
    out: &mut Vec<u8>,
    kind: [u8; 4],
    fill: impl FnOnce(&mut Vec<u8>) -> Result<()>,
) -> Result<()> {
    let start = out.len();
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&kind);
    fill(out)?;
    let size = u32::try_from(out.len() - start).map_err(|_| Damaged("its tables are too long"))?;
    if let Some(to) = out
        .get_mut(start..)
        .and_then(|rest| rest.first_chunk_mut::<4>())
    {
        *to = size.to_be_bytes();
    }
    Ok(())
}

/// A table: version and flags, the number of entries, the entries.
fn table<T, const N: usize>(
    out: &mut Vec<u8>,
    kind: [u8; 4],
    version: u8,
    entries: impl ExactSizeIterator<Item = T>,
    mut bytes: impl FnMut(T) -> [u8; N],
) -> Result<()> {
    container(out, kind, |out| {
        out.extend_from_slice(&[version, 0, 0, 0]);
        let count = u32::try_from(entries.len()).map_err(|_| Damaged("its tables are too long"))?;
        out.extend_from_slice(&count.to_be_bytes());
        for entry in entries {
            out.extend_from_slice(&bytes(entry));
        }
        Ok(())
    })
}

/// Two numbers of 32 bits.
fn pair(one: u32, other: u32) -> [u8; 8] {
    (u64::from(one) << 32 | u64::from(other)).to_be_bytes()
}

fn write_track(
    out: &mut Vec<u8>,
    track: &TrackBuilder,
    number: usize,
    parts: &Parts,
    offsets: &Offsets,
) -> Result<()> {
    let (entries, width, height) = track.sample_entries()?;
    let (deltas, ticks) = deltas(track, parts);
    let first = track.parts.first();
    let last = track.parts.last();
    // When the first sample is shown, and how far into the media that is.
    let start = first.map_or(0, |part| parts.in_movie(part.number, part.start));
    let end = last.map_or(0, |part| parts.in_movie(part.number, part.end));
    let media_time = first.map_or(0, |part| {
        convert(part.start - part.decode, FLICKS, track.timescale)
    });
    let shown = unsigned(convert(end - start, FLICKS, TIMESCALE));
    let empty = unsigned(convert(start, FLICKS, TIMESCALE));
    let is_video = track.handler == *b"vide";
    encode(
        out,
        &Tkhd {
            track_id: u32::try_from(number + 1).unwrap_or(u32::MAX),
            duration: empty + shown,
            alternate_group: match &track.handler {
                b"vide" => 0,
                b"soun" => 1,
                _ => 2,
            },
            enabled: is_video || track.is_default,
            in_movie: true,
            volume: u8::from(track.handler == *b"soun").into(),
            width: u16::try_from(width).unwrap_or(0).into(),
            height: u16::try_from(height).unwrap_or(0).into(),
            ..Tkhd::default()
        },
    )?;
    container(out, *b"edts", |out| {
        let mut entries = Vec::new();
        if empty > 0 {
            entries.push(ElstEntry {
                segment_duration: empty,
                media_time: None,
                media_rate: 1.into(),
            });
        }
        entries.push(ElstEntry {
            segment_duration: shown,
            media_time: Some(unsigned(media_time)),
            media_rate: 1.into(),
        });
        encode(out, &Elst { entries })
    })?;
    container(out, *b"mdia", |out| {
        encode(
            out,
            &Mdhd {
                timescale: u32::try_from(track.timescale).unwrap_or(u32::MAX),
                duration: unsigned(ticks),
                language: language::three_letters(&track.language).to_owned(),
                ..Mdhd::default()
            },
        )?;
        let name = track
            .name
            .chars()
            .filter(|character| !character.is_control())
            .collect();
        encode(
            out,
            &Hdlr {
                handler: track.handler.into(),
                name,
            },
        )?;
        if !track.language.is_empty() {
            container(out, *b"elng", |out| {
                out.extend_from_slice(&[0; 4]);
                out.extend(track.language.bytes().filter(u8::is_ascii_graphic));
                out.push(0);
                Ok(())
            })?;
        }
        container(out, *b"minf", |out| {
            match &track.handler {
                b"vide" => encode(out, &Vmhd::default())?,
                b"soun" => encode(out, &Smhd::default())?,
                _ => container(out, *b"nmhd", |out| {
                    out.extend_from_slice(&[0; 4]);
                    Ok(())
                })?,
            }
            // The samples are in this file.
            out.extend_from_slice(
                b"\0\0\0\x24dinf\0\0\0\x1cdref\0\0\0\0\0\0\0\x01\0\0\0\x0curl \0\0\0\x01",
            );
            container(out, *b"stbl", |out| {
                write_tables(out, track, &entries, &deltas, offsets)
            })
        })
    })
}

/// Runs of equal distances between samples, and their sum: parts are as far from each other as they are placed.
fn deltas(track: &TrackBuilder, parts: &Parts) -> (Vec<(u32, u32)>, i64) {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    let mut sum = 0;
    let mut add = |count: u32, delta: u32| {
        sum += i64::from(count) * i64::from(delta);
        match runs.last_mut() {
            Some((known, run)) if *run == delta => *known += count,
            _ => runs.push((count, delta)),
        }
    };
    let mut position = 0;
    let place = |decode: i64| convert(decode, FLICKS, track.timescale);
    let origin = track
        .parts
        .first()
        .map_or(0, |part| place(parts.in_movie(part.number, part.decode)));
    for (index, part) in track.parts.iter().enumerate() {
        for &(count, delta) in &part.deltas {
            add(count, delta);
        }
        position += part.ticks;
        let next = track.parts.get(index + 1);
        let end = next.map(|next| place(parts.in_movie(next.number, next.decode)) - origin);
        let last = end.map_or(part.last, |end| end - position).max(0);
        let last = u32::try_from(last).unwrap_or(u32::MAX);
        add(1, last);
        position += i64::from(last);
    }
    (runs, sum)
}

fn write_tables(
    out: &mut Vec<u8>,
    track: &TrackBuilder,
    entries: &[Vec<u8>],
    deltas: &[(u32, u32)],
    offsets: &Offsets,
) -> Result<()> {
    container(out, *b"stsd", |out| {
        out.extend_from_slice(&[0; 4]);
        out.extend_from_slice(&u32::try_from(entries.len()).unwrap_or(0).to_be_bytes());
        for entry in entries {
            out.extend_from_slice(entry);
        }
        Ok(())
    })?;
    table(out, *b"stts", 0, deltas.iter(), |&(count, delta)| {
        pair(count, delta)
    })?;
    let compositions = &track.compositions;
    if compositions.iter().any(|(_, offset)| *offset != 0) {
        let version = u8::from(compositions.iter().any(|(_, offset)| *offset < 0));
        let bytes = |&(count, offset): &(u32, i32)| pair(count, offset.cast_unsigned());
        table(out, *b"ctts", version, compositions.iter(), bytes)?;
    }
    if track.syncs.len() < track.sizes.len() {
        table(out, *b"stss", 0, track.syncs.iter(), |number| {
            number.to_be_bytes()
        })?;
    }
    let mut runs: Vec<(u32, u32, u16)> = Vec::new();
    for (number, &(_, samples, description)) in (1_u32..).zip(&offsets.0) {
        if runs
            .last()
            .is_none_or(|&(_, known, last)| (known, last) != (samples, description))
        {
            runs.push((number, samples, description));
        }
    }
    table(
        out,
        *b"stsc",
        0,
        runs.iter(),
        |&(number, samples, description)| {
            let mut bytes = [0; 12];
            let (numbers, last) = bytes.split_at_mut(8);
            numbers.copy_from_slice(&pair(number, samples));
            last.copy_from_slice(&(u32::from(description) + 1).to_be_bytes());
            bytes
        },
    )?;
    container(out, *b"stsz", |out| {
        out.extend_from_slice(&[0; 8]);
        out.extend_from_slice(&u32::try_from(track.sizes.len()).unwrap_or(0).to_be_bytes());
        for size in &track.sizes {
            out.extend_from_slice(&size.to_be_bytes());
        }
        Ok(())
    })?;
    table(out, *b"co64", 0, offsets.0.iter(), |(offset, ..)| {
        offset.to_be_bytes()
    })
}
