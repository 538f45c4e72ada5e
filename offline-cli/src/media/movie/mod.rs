//! A progressive MP4 file made of samples that lie elsewhere: what stands before them, and where each byte behind it
//! comes from.

mod entries;
mod header;
mod language;
mod part;
#[cfg(test)]
mod tests;
mod timed_text;
mod track;

pub(crate) use language::three_letters;
pub(crate) use part::Parts;
pub(crate) use timed_text::timed_text;
pub(crate) use track::{Chunk, Place, TrackBuilder};

use super::Result;

/// Parts of a second in which times of all tracks are compared; the usual timescales divide it.
pub(crate) const FLICKS: i64 = 705_600_000;

/// A file that is not written anywhere.
#[derive(Debug)]
pub(crate) struct Layout {
    /// Everything before the first sample.
    pub(crate) head: Vec<u8>,
    /// The samples, in the order of the file.
    pub(crate) chunks: Vec<Chunk>,
    /// Bytes of the file.
    pub(crate) length: u64,
    pub(crate) parts: Parts,
}

/// Orders chunks by their times, but those of a segment never come after those of a later one: who reads the file from
/// its start to its end takes each segment apart once.
fn interleave(chunks: &mut [Chunk]) {
    // Chunks of a track are in order already, and sorting keeps that.
    chunks.sort_by_key(|chunk| (chunk.place.source, chunk.place.segment, chunk.time));
    let mut latest = (0, i64::MIN);
    for chunk in &mut *chunks {
        if latest.0 != chunk.place.source {
            latest = (chunk.place.source, i64::MIN);
        }
        latest.1 = latest.1.max(chunk.time);
        chunk.time = latest.1;
    }
    chunks.sort_by_key(|chunk| (chunk.time, chunk.place.source));
}

/// Where ticks of one timescale are in another, rounded to the nearest.
pub(crate) fn convert(ticks: i64, from: i64, to: i64) -> i64 {
    if from == to {
        return ticks;
    }
    let product = i128::from(ticks) * i128::from(to);
    let from = i128::from(from.max(1));
    i64::try_from((product + from / 2).div_euclid(from)).unwrap_or(i64::MAX / 8)
}

/// Where the parts of tracks are in the movie.
pub(crate) fn place(tracks: &[TrackBuilder]) -> Parts {
    part::place(tracks)
}

/// Puts the tracks together, whose parts are placed.
///
/// # Errors
/// When a track cannot be described.
pub(crate) fn lay_out(tracks: Vec<TrackBuilder>, parts: Parts) -> Result<Layout> {
    let mut tracks: Vec<TrackBuilder> = tracks
        .into_iter()
        .filter(|track| !track.is_empty())
        .collect();
    let mut chunks: Vec<Chunk> = Vec::new();
    for (number, track) in tracks.iter_mut().enumerate() {
        let number = u16::try_from(number).unwrap_or(u16::MAX);
        for mut chunk in track.take_chunks() {
            chunk.track = number;
            chunk.time = parts.in_movie(chunk.part, chunk.time);
            chunks.push(chunk);
        }
    }
    interleave(&mut chunks);
    // Offsets always take eight bytes, so the header is as long as it will be.
    let first = header::write(&tracks, &parts, &chunks, 0)?;
    let head = header::write(&tracks, &parts, &chunks, first.len() as u64)?;
    let data: u64 = chunks.iter().map(|chunk| u64::from(chunk.length)).sum();
    let length = head.len() as u64 + data;
    let mut offset = head.len() as u64;
    for chunk in &mut chunks {
        chunk.offset = offset;
        offset += u64::from(chunk.length);
    }
    Ok(Layout {
        head,
        chunks,
        length,
        parts,
    })
}
