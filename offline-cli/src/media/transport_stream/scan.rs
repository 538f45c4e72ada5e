//! From packets to PES packets, in the order in which they end.

use std::ops::Range;

use super::packet::{Packet, SIZE, synchronize};
use super::tables::{Section, Stream};

/// More streams than any real program has.
const MAX_STREAMS: usize = 64;

/// What a scan finds.
#[derive(Debug)]
pub(crate) enum Unit {
    /// A Program Map Table, with the places of its bytes.
    Table(Section, Vec<Stream>),
    /// A PES packet: of which stream, and the pieces of the segment that it is made of.
    Pes {
        stream: usize,
        pieces: Vec<Range<usize>>,
    },
}

/// Reads a segment from its start to its end. It does not hold the bytes, so that they may change meanwhile.
#[derive(Debug, Default)]
pub(crate) struct Scanner {
    position: usize,
    association: Section,
    maps: Vec<(u16, Section)>,
    streams: Vec<Stream>,
    /// Of each stream the pieces of the PES packet that has not ended.
    open: Vec<Vec<Range<usize>>>,
    /// Emptied lists of pieces, to be used again.
    spare: Vec<Range<usize>>,
    /// Bytes of streams that belong to PES packets which did not start in this segment.
    pub(crate) orphans: u64,
    flushed: usize,
}

impl Scanner {
    /// The streams that were listed so far.
    pub(crate) fn streams(&self) -> &[Stream] {
        &self.streams
    }

    /// Takes a list of pieces back, so that the next one needs no room of its own.
    pub(crate) fn reuse(&mut self, mut pieces: Vec<Range<usize>>) {
        pieces.clear();
        self.spare = pieces;
    }

    /// The next unit of the segment, whose bytes are given each time.
    pub(crate) fn next(&mut self, bytes: &[u8]) -> Option<Unit> {
        while let Some(start) = synchronize(bytes, self.position) {
            self.position = start + SIZE;
            let Some(packet) = bytes
                .get(start..)
                .and_then(|rest| rest.first_chunk::<SIZE>())
            else {
                break;
            };
            let Some(Packet {
                pid,
                starts,
                header,
            }) = Packet::read(packet)
            else {
                continue;
            };
            if header >= SIZE {
                continue;
            }
            if let Some(stream) = self.streams.iter().position(|stream| stream.pid == pid) {
                let piece = start + header..start + SIZE;
                if let Some(pieces) = self.add(stream, piece, starts) {
                    return Some(Unit::Pes { stream, pieces });
                }
            } else if let Some(unit) =
                self.table(pid, packet.get(header..)?, start + header, starts)
            {
                return Some(unit);
            }
        }
        self.flush()
    }

    /// Takes a piece of a stream; the PES packet before it, when a new one starts.
    fn add(
        &mut self,
        stream: usize,
        piece: Range<usize>,
        starts: bool,
    ) -> Option<Vec<Range<usize>>> {
        let open = self.open.get_mut(stream)?;
        if starts {
            let mut ended = std::mem::take(&mut self.spare);
            std::mem::swap(open, &mut ended);
            open.push(piece);
            if ended.is_empty() {
                self.spare = ended;
                return None;
            }
            return Some(ended);
        }
        if open.is_empty() {
            self.orphans += piece.len() as u64;
        } else {
            open.push(piece);
        }
        None
    }

    fn table(&mut self, pid: u16, payload: &[u8], place: usize, starts: bool) -> Option<Unit> {
        if pid == 0 {
            if self.association.push(payload, place, starts) {
                for map in self.association.programs() {
                    if self.maps.len() < MAX_STREAMS && self.maps.iter().all(|(pid, _)| *pid != map)
                    {
                        self.maps.push((map, Section::default()));
                    }
                }
            }
            return None;
        }
        let (_, section) = self.maps.iter_mut().find(|(map, _)| *map == pid)?;
        if !section.push(payload, place, starts) {
            return None;
        }
        let listed = section.streams();
        for stream in &listed {
            let known = self
                .streams
                .iter_mut()
                .find(|known| known.pid == stream.pid);
            if let Some(known) = known {
                known.kind = stream.kind;
            } else if self.open.len() < MAX_STREAMS {
                self.streams.push(stream.clone());
                self.open.push(Vec::new());
            }
        }
        Some(Unit::Table(section.clone(), listed))
    }

    /// At the end of the segment everything ends.
    fn flush(&mut self) -> Option<Unit> {
        while let Some(open) = self.open.get_mut(self.flushed) {
            let stream = self.flushed;
            self.flushed += 1;
            if !open.is_empty() {
                let pieces = std::mem::take(open);
                return Some(Unit::Pes { stream, pieces });
            }
        }
        None
    }
}
