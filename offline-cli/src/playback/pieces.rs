//! The bytes of an answer, piece by piece, the next one when the player has taken the one before.
//!
//! What is in the memory of the system is read at once, into a buffer that is used again; only what has to come from a disk, or be put together, is
//! left to another thread. So a segment that was just downloaded is sent about as fast as by a server that has the system send the file.

use std::collections::VecDeque;
use std::io;
use std::ops::Range;

use bytes::{Bytes, BytesMut};
use futures::StreamExt;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;

use super::content::ContentReader;
use super::reply::Body;

/// How much is read at a time: what the cache next to a core holds, so that it is sent from there.
const PIECE: usize = 256 * 1024;
/// Buffers of an answer: one is being sent while another is filled.
const BUFFERS: usize = 2;

/// A part of what a reader has.
pub(super) fn pieces(reader: ContentReader, part: Range<u64>) -> Body {
    let pieces = Pieces {
        reader,
        part,
        sent: VecDeque::with_capacity(BUFFERS),
    };
    let pieces = futures::stream::try_unfold(pieces, Pieces::next);
    BodyExt::boxed_unsync(StreamBody::new(pieces.map(|piece| piece.map(Frame::data))))
}

struct Pieces {
    reader: ContentReader,
    part: Range<u64>,
    /// What was handed out. Its memory can be used again when it is held nowhere else.
    sent: VecDeque<Bytes>,
}

impl Pieces {
    async fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        if self.part.is_empty() {
            return Ok(None);
        }
        let left = self.part.end - self.part.start;
        let length = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let piece = if let Some(piece) = self.at_hand(length) {
            piece
        } else {
            let piece;
            (self, piece) = self.waited_for(length).await?;
            piece
        };
        if piece.is_empty() {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        self.part.start += piece.len() as u64;
        Ok(Some((piece, self)))
    }

    /// What can be had without waiting.
    fn at_hand(&mut self, length: usize) -> Option<Bytes> {
        let mut buffer = self.buffer(length);
        let read = self.reader.read_at_hand(self.part.start, &mut buffer);
        let read = read.filter(|read| *read > 0)?;
        let mut piece = buffer.freeze();
        self.sent.push_back(piece.clone());
        piece.truncate(read);
        Some(piece)
    }

    fn buffer(&mut self, length: usize) -> BytesMut {
        if self.sent.len() >= BUFFERS
            && let Some(oldest) = self.sent.pop_front()
            && let Ok(mut buffer) = oldest.try_into_mut()
            && buffer.len() >= length
        {
            buffer.truncate(length);
            return buffer;
        }
        BytesMut::zeroed(length)
    }

    async fn waited_for(mut self, length: usize) -> io::Result<(Self, Bytes)> {
        let read = tokio::task::spawn_blocking(move || {
            let bytes = self.reader.read_at(self.part.start, length)?;
            Ok((self, bytes.into()))
        });
        read.await.map_err(io::Error::other)?
    }
}
