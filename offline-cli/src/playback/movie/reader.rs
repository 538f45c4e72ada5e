//! Any part of the file, out of the segments it lies in.

use std::io;
use std::sync::Arc;

use asset_store::Store;

use super::Movie;
use crate::media::movie::Chunk;
use crate::media::samples::Demuxed;

/// Reads a movie. It keeps the segment read last of each playlist.
#[derive(Debug)]
pub(crate) struct MovieReader {
    movie: Arc<Movie>,
    store: Store,
    held: Vec<Option<(u32, Demuxed)>>,
}

impl MovieReader {
    pub(crate) fn new(movie: Arc<Movie>, store: Store) -> Self {
        let held = movie.sources.iter().map(|_| None).collect();
        Self { movie, store, held }
    }

    pub(crate) fn length(&self) -> u64 {
        self.movie.length()
    }

    /// Reads up to `length` bytes at `offset`; fewer only at the end.
    pub(crate) fn read_at(&mut self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let movie = Arc::clone(&self.movie);
        let end = offset.saturating_add(length as u64).min(movie.length());
        let mut bytes =
            Vec::with_capacity(usize::try_from(end.saturating_sub(offset)).unwrap_or_default());
        let mut position = offset;
        let head = &movie.layout.head;
        if position < head.len() as u64 {
            let start = usize::try_from(position).unwrap_or(usize::MAX);
            let stop = usize::try_from(end).unwrap_or(usize::MAX).min(head.len());
            bytes.extend_from_slice(head.get(start..stop).unwrap_or_default());
            position += bytes.len() as u64;
        }
        let chunks = &movie.layout.chunks;
        let first =
            chunks.partition_point(|chunk| chunk.offset + u64::from(chunk.length) <= position);
        for chunk in chunks.get(first..).unwrap_or_default() {
            if position >= end {
                break;
            }
            let skipped = position.saturating_sub(chunk.offset);
            let taken = u64::from(chunk.length)
                .min(end - chunk.offset)
                .saturating_sub(skipped);
            let from = usize::try_from(u64::from(chunk.start) + skipped).unwrap_or(usize::MAX);
            let to = from.saturating_add(usize::try_from(taken).unwrap_or(usize::MAX));
            let data = self.data(chunk)?;
            let changed = || io::Error::new(io::ErrorKind::InvalidData, "a segment has changed");
            bytes.extend_from_slice(data.get(from..to).ok_or_else(changed)?);
            position += taken;
        }
        Ok(bytes)
    }

    /// The samples of a stream in the segment of a chunk.
    fn data(&mut self, chunk: &Chunk) -> io::Result<&[u8]> {
        let source = usize::from(chunk.place.source);
        let held = self.held.get_mut(source).ok_or(io::ErrorKind::NotFound)?;
        if held
            .as_ref()
            .is_none_or(|(segment, _)| *segment != chunk.place.segment)
        {
            // Room for one segment, not for two.
            *held = None;
            let index = usize::try_from(chunk.place.segment).unwrap_or(usize::MAX);
            let source = self
                .movie
                .sources
                .get(source)
                .ok_or(io::ErrorKind::NotFound)?;
            let demuxed = source
                .samples(&self.store, index)
                .map_err(io::Error::other)?;
            *held = Some((chunk.place.segment, demuxed));
        }
        let streams = held
            .as_ref()
            .map(|(_, demuxed)| demuxed.streams.as_slice())
            .unwrap_or_default();
        let stream = streams
            .iter()
            .find(|stream| stream.id == chunk.place.stream);
        Ok(stream.ok_or(io::ErrorKind::NotFound)?.data.as_slice())
    }
}
