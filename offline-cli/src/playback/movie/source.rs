//! The segments of one playlist, taken apart one at a time.

use std::collections::HashMap;

use asset_store::Store;
use cache_inspect::media::{Container, identify};

use super::super::content::{Content, Decryption};
use super::program::{Chosen, Piece};
use crate::media::Damaged;
use crate::media::demux::{self, Maps, TransportDemuxer};
use crate::media::elementary::audio_frame::AudioKind;
use crate::media::fragments::Initialization;
use crate::media::samples::Demuxed;
use crate::media::transport_stream::Clock;
use crate::{Error, ErrorKind, Result};

/// A playlist that is being read.
#[derive(Debug)]
pub(super) struct Source {
    segments: Vec<Segment>,
    kind: Kind,
    /// Transport Streams: tables that segments lack; fragmented MP4 has its maps elsewhere.
    prefixes: Vec<Vec<u8>>,
    demuxer: TransportDemuxer,
    clock: Clock,
    last: Option<u64>,
    /// What goes on from the segment before, of the few that need it.
    states: HashMap<usize, TransportDemuxer>,
}

#[derive(Debug)]
struct Segment {
    content: Content,
    part: u64,
    map: Option<usize>,
}

#[derive(Debug)]
enum Kind {
    Transport,
    Fragmented(Maps),
    Packed(AudioKind),
    /// Made of what is in segments, as one.
    Made(Demuxed),
}

impl Source {
    pub(super) fn open(store: &Store, chosen: &Chosen) -> Result<Self> {
        let segments: Vec<Segment> = chosen.segments.iter().map(Segment::of).collect();
        let mut start = Vec::new();
        if let Some(first) = segments.first() {
            start = first
                .content
                .open(store)?
                .read_at(0, 4096)
                .map_err(unreadable)?;
        }
        let mut prefixes = Vec::new();
        for map in &chosen.maps {
            let mut reader = map.open(store)?;
            let length = usize::try_from(reader.length()).unwrap_or(usize::MAX);
            prefixes.push(reader.read_at(0, length).map_err(unreadable)?);
        }
        let kind = match identify(&start) {
            Container::MpegTs => Kind::Transport,
            Container::Mp4 => {
                let maps: crate::media::Result<Vec<Initialization>> = prefixes
                    .iter()
                    .map(|map| Initialization::read(map))
                    .collect();
                let maps = maps?;
                if maps.iter().any(Initialization::is_protected) {
                    let what = format!("the samples of {} are encrypted", chosen.track);
                    return Err(Error::new(ErrorKind::Protected, what)
                        .because(Damaged("their key is not there")));
                }
                prefixes.clear();
                Kind::Fragmented(Maps::new(maps))
            }
            Container::Adts => Kind::Packed(AudioKind::Aac),
            Container::Ac3 => Kind::Packed(AudioKind::Ac3),
            Container::Eac3 => Kind::Packed(AudioKind::Eac3),
            other => {
                let what = format!(
                    "{} is {other}, which cannot be written as MP4",
                    chosen.track
                );
                return Err(Error::new(ErrorKind::Unsupported, what)
                    .hint("export it as hls, or with ffmpeg"));
            }
        };
        Ok(Self {
            segments,
            kind,
            prefixes,
            demuxer: TransportDemuxer::default(),
            clock: Clock::default(),
            last: None,
            states: HashMap::new(),
        })
    }

    /// One segment that is made already.
    pub(super) fn made(demuxed: Demuxed) -> Self {
        Self {
            segments: Vec::new(),
            kind: Kind::Made(demuxed),
            prefixes: Vec::new(),
            demuxer: TransportDemuxer::default(),
            clock: Clock::default(),
            last: None,
            states: HashMap::new(),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.segments.len()
    }

    pub(super) fn part(&self, segment: usize) -> u64 {
        self.segments.get(segment).map_or(0, |segment| segment.part)
    }

    /// What the samples of the next segment are. Segments are asked for in their order.
    ///
    /// Where times begin again after 33 bits, they are near to those that another source has in the same part: `near`,
    /// by its number.
    pub(super) fn index(
        &mut self,
        store: &Store,
        index: usize,
        near: &mut HashMap<u64, i64>,
    ) -> Result<Demuxed> {
        let Some(segment) = self.segments.get(index) else {
            return Ok(Demuxed::default());
        };
        let part = segment.part;
        if self.last.replace(part) != Some(part) {
            self.clock = Clock::at(near.get(&part).copied());
            self.demuxer.restart(self.clock);
        }
        let demuxed = match &self.kind {
            Kind::Fragmented(maps) => return segment.fragments(store, maps, false),
            Kind::Made(demuxed) => return Ok(demuxed.clone()),
            Kind::Packed(kind) => {
                let bytes = segment.whole(store, &[])?;
                demux::packed(*kind, &bytes, &mut self.clock)
            }
            Kind::Transport => {
                let bytes = segment.whole(store, &self.prefixes)?;
                if !self.demuxer.is_clean() {
                    self.states.insert(index, self.demuxer.clone());
                }
                self.demuxer.demux(&bytes)
            }
        };
        let mut samples = demuxed.streams.iter().flat_map(|stream| &stream.samples);
        if let Some(first) = samples.find_map(|sample| sample.decode) {
            near.entry(part).or_insert(first);
        }
        Ok(demuxed)
    }

    /// The samples of any segment with their bytes.
    pub(super) fn samples(&self, store: &Store, index: usize) -> Result<Demuxed> {
        let segment = match (&self.kind, self.segments.get(index)) {
            (Kind::Made(demuxed), _) => return Ok(demuxed.clone()),
            (_, Some(segment)) => segment,
            (_, None) => return Err(Damaged("a segment is not there").into()),
        };
        match &self.kind {
            Kind::Fragmented(maps) => segment.fragments(store, maps, true),
            Kind::Packed(kind) => Ok(demux::packed(
                *kind,
                &segment.whole(store, &[])?,
                &mut Clock::default(),
            )),
            Kind::Transport => {
                let bytes = segment.whole(store, &self.prefixes)?;
                let mut demuxer = self.states.get(&index).cloned().unwrap_or_default();
                Ok(demuxer.demux(&bytes))
            }
            Kind::Made(demuxed) => Ok(demuxed.clone()),
        }
    }
}

impl Segment {
    fn of(piece: &Piece) -> Self {
        Self {
            content: piece.content.clone(),
            part: piece.part,
            map: piece.map,
        }
    }

    fn whole(&self, store: &Store, prefixes: &[Vec<u8>]) -> Result<Vec<u8>> {
        let mut bytes = self
            .map
            .and_then(|map| prefixes.get(map))
            .cloned()
            .unwrap_or_default();
        self.content.read(store, &mut bytes).map_err(|unopened| {
            Error::new(ErrorKind::Storage, "a segment cannot be read").because(unopened.to_string())
        })?;
        Ok(bytes)
    }

    fn fragments(&self, store: &Store, maps: &Maps, with_data: bool) -> Result<Demuxed> {
        let map = self
            .map
            .ok_or(Damaged("it has no initialization section"))?;
        let mut content = self.content.clone();
        if !with_data && matches!(content.decryption, Some(Decryption::Samples { .. })) {
            // Where samples are and how long does not depend on their bytes.
            content.decryption = None;
        }
        let mut reader = content.open(store)?;
        let length = reader.length();
        Ok(demux::fragmented(
            maps,
            map,
            length,
            with_data,
            |offset, length| reader.read_at(offset, length),
        )?)
    }
}

fn unreadable(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Storage, "the stored bytes cannot be read").because(error)
}
