//! Samples of fragmented MP4.

use cache_inspect::media::mp4::Boxes;

use super::super::fragments::{Description, Fields, Fragment, Initialization};
use super::super::samples::{Demuxed, Format, Sample, Stream};
use super::super::{Damaged, Result};

/// No `moof` box of a real stream is larger.
const LONGEST: u64 = 16 << 20;

/// The Media Initialization Sections of a playlist.
#[derive(Clone, Debug, Default)]
pub(crate) struct Maps {
    maps: Vec<Initialization>,
    /// Parameter sets are put into the samples, because they are not the same everywhere.
    in_band: bool,
}

impl Maps {
    /// Takes all maps of a playlist, in its order.
    pub(crate) fn new(maps: Vec<Initialization>) -> Self {
        let entries = |map: &Initialization| -> Vec<Vec<u8>> {
            let videos = map.tracks.iter().filter(|track| track.handler == *b"vide");
            videos
                .flat_map(|track| track.descriptions.iter().map(|one| one.entry.clone()))
                .collect()
        };
        let in_band = maps
            .windows(2)
            .any(|pair| entries(&pair[0]) != entries(&pair[1]));
        Self { maps, in_band }
    }
}

/// The samples of a segment of `length` bytes. `read` gives the bytes at an offset; of samples only if `with_data`.
pub(crate) fn fragmented(
    maps: &Maps,
    map: usize,
    length: u64,
    with_data: bool,
    mut read: impl FnMut(u64, usize) -> std::io::Result<Vec<u8>>,
) -> Result<Demuxed> {
    let initialization = maps
        .maps
        .get(map)
        .ok_or(Damaged("it has no initialization section"))?;
    let mut demuxed = Demuxed::default();
    let mut at = 0;
    while at < length {
        let header = read(at, 16).map_err(|_| Damaged("it cannot be read"))?;
        let mut fields = Fields(&header);
        let (short, kind) = (fields.u32()?, fields.array::<4>()?);
        let size = match short {
            0 => length - at,
            1 => fields.u64()?,
            size => u64::from(size),
        };
        let end = at
            .checked_add(size)
            .filter(|end| *end <= length && size >= 8);
        let end = end.ok_or(Damaged("its MP4 boxes are damaged"))?;
        if kind == *b"moof" {
            let length_of_box = usize::try_from(size.min(LONGEST + 1)).unwrap_or(usize::MAX);
            if size > LONGEST {
                return Err(Damaged("a fragment is described in more than 16 MiB"));
            }
            let bytes = read(at, length_of_box).map_err(|_| Damaged("it cannot be read"))?;
            let found = Boxes::new(&bytes)
                .next()
                .ok_or(Damaged("its MP4 boxes are damaged"))??;
            let fragment = Fragment::read(&found, at, length, initialization)?;
            add(&mut demuxed, maps, initialization, &fragment)?;
            if with_data {
                add_data(&mut demuxed, maps, initialization, &fragment, &mut read)?;
            }
        }
        at = end;
    }
    demuxed.streams.retain(|stream| !stream.samples.is_empty());
    Ok(demuxed)
}

fn is_taken(handler: [u8; 4]) -> bool {
    matches!(&handler, b"vide" | b"soun" | b"text" | b"sbtl" | b"subt")
}

fn add(
    demuxed: &mut Demuxed,
    maps: &Maps,
    initialization: &Initialization,
    fragment: &Fragment,
) -> Result<()> {
    for group in &fragment.groups {
        let Some(track) = initialization.track(group.track) else {
            continue;
        };
        if !is_taken(track.handler) {
            let what = format!("a track of kind {}", track.handler.escape_ascii());
            if demuxed.left_out.iter().all(|known| *known != what) {
                demuxed.left_out.push(what);
            }
            continue;
        }
        let description = track.descriptions.get(group.description).ok_or(Damaged(
            "a fragment has samples of a format that is not described",
        ))?;
        let at = demuxed
            .streams
            .iter()
            .position(|stream| stream.id == track.id);
        let at = at.unwrap_or_else(|| {
            demuxed.streams.push(Stream {
                id: track.id,
                timescale: track.timescale,
                formats: Vec::new(),
                samples: Vec::new(),
                data: Vec::new(),
            });
            demuxed.streams.len() - 1
        });
        let Some(stream) = demuxed.streams.get_mut(at) else {
            continue;
        };
        let format = Format::Entry {
            handler: track.handler,
            entry: description.entry.clone(),
            width: track.width,
            height: track.height,
        };
        let known = stream.formats.iter().position(|known| *known == format);
        let format = known.unwrap_or_else(|| {
            stream.formats.push(format);
            stream.formats.len() - 1
        });
        let prefix = prefix(maps, track.handler, description)?;
        let shift = track.shift(initialization.timescale);
        let mut decode = group.base_decode_time.map(|time| {
            i64::try_from(time)
                .unwrap_or(i64::MAX / 4)
                .min(i64::MAX / 4)
                + shift
        });
        for sample in &group.samples {
            let extra = if sample.is_sync() { prefix.len() } else { 0 };
            stream.samples.push(Sample {
                decode,
                composition: sample.composition,
                duration: Some(sample.duration),
                size: sample
                    .size
                    .saturating_add(u32::try_from(extra).unwrap_or(0)),
                is_sync: sample.is_sync(),
                format,
            });
            decode = decode.map(|decode| decode + i64::from(sample.duration));
        }
    }
    Ok(())
}

fn add_data(
    demuxed: &mut Demuxed,
    maps: &Maps,
    initialization: &Initialization,
    fragment: &Fragment,
    read: &mut impl FnMut(u64, usize) -> std::io::Result<Vec<u8>>,
) -> Result<()> {
    let absent = Damaged("it cannot be read");
    for group in &fragment.groups {
        let Some(track) = initialization.track(group.track) else {
            continue;
        };
        let stream = demuxed
            .streams
            .iter_mut()
            .find(|stream| stream.id == track.id);
        let (Some(stream), Some(description)) = (stream, track.descriptions.get(group.description))
        else {
            continue;
        };
        let prefix = prefix(maps, track.handler, description)?;
        let mut samples = group.samples.as_slice();
        while let Some(first) = samples.first() {
            // Samples that follow each other are read at once.
            let mut end = first.offset;
            let count = samples
                .iter()
                .take_while(|sample| {
                    let follows =
                        sample.offset == end && (prefix.is_empty() || end == first.offset);
                    end = sample.offset + u64::from(sample.size);
                    follows
                })
                .count()
                .max(1);
            let (now, rest) = samples.split_at(count);
            let length: u64 = now.iter().map(|sample| u64::from(sample.size)).sum();
            if first.is_sync() {
                stream.data.extend_from_slice(&prefix);
            }
            let bytes =
                read(first.offset, usize::try_from(length).unwrap_or(0)).map_err(|_| absent)?;
            stream.data.extend_from_slice(&bytes);
            samples = rest;
        }
    }
    Ok(())
}

/// Parameter sets to be put before samples that decoding can start with.
fn prefix(maps: &Maps, handler: [u8; 4], description: &Description) -> Result<Vec<u8>> {
    if maps.in_band && handler == *b"vide" {
        parameter_sets(&description.entry)
    } else {
        Ok(Vec::new())
    }
}

/// The parameter sets in the configuration of a sample entry, each after its length.
fn parameter_sets(entry: &[u8]) -> Result<Vec<u8>> {
    let mut sets = Vec::new();
    let Some(found) = Boxes::new(entry).next() else {
        return Ok(sets);
    };
    for found in found?.children_after(78)? {
        let found = found?;
        let mut fields = Fields(found.payload());
        let arrays = match &found.kind().0 {
            b"avcC" => {
                let [.., lengths] = fields.array::<5>()?;
                check_lengths(lengths)?;
                2
            }
            b"hvcC" => {
                let [.., lengths] = fields.array::<22>()?;
                check_lengths(lengths)?;
                fields.u8()?
            }
            _ => continue,
        };
        let is_hevc = found.kind().0 == *b"hvcC";
        for _ in 0..arrays {
            let count = if is_hevc {
                fields.u8()?;
                fields.u16()?
            } else {
                u16::from(fields.u8()? & 0x1f)
            };
            for _ in 0..count {
                let length = fields.u16()?;
                sets.extend_from_slice(&u32::from(length).to_be_bytes());
                sets.extend_from_slice(fields.take(usize::from(length))?);
            }
        }
    }
    Ok(sets)
}

fn check_lengths(byte: u8) -> Result<()> {
    if byte & 3 == 3 {
        Ok(())
    } else {
        Err(Damaged(
            "its parameter sets change, and its NAL units have lengths of less than four bytes",
        ))
    }
}
