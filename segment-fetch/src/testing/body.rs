//! The body of an answer: right, or ending in one of the ways a body can end.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use tokio::time::{Sleep, sleep};

/// How many bytes a frame has when nothing is slowed down.
const PIECE: usize = 64 << 10;
/// Long enough for what was written before to leave the server.
const FLUSH: Duration = Duration::from_millis(5);

/// The server hung up.
#[derive(Debug)]
pub struct Hangup(());

impl Hangup {
    pub(super) fn new() -> Self {
        Hangup(())
    }
}

impl fmt::Display for Hangup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the scripted origin hung up")
    }
}

impl std::error::Error for Hangup {}

/// What comes after the last byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Right,
    Cut,
    Silence,
}

/// The body of an answer of a [`Site`](super::Site).
#[derive(Debug)]
pub struct SiteBody {
    bytes: Bytes,
    end: End,
    piece: usize,
    pause: Duration,
    sleeping: Option<Pin<Box<Sleep>>>,
}

impl SiteBody {
    pub(super) fn new(bytes: Bytes, end: End) -> Self {
        SiteBody {
            bytes,
            end,
            piece: PIECE,
            pause: Duration::ZERO,
            sleeping: None,
        }
    }

    pub(super) fn dripping(mut self, piece: usize, pause: Duration) -> Self {
        self.piece = piece.max(1);
        self.pause = pause;
        self
    }
}

impl Body for SiteBody {
    type Data = Bytes;
    type Error = Hangup;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Hangup>>> {
        if let Some(sleeping) = self.sleeping.as_mut() {
            std::task::ready!(sleeping.as_mut().poll(context));
            self.sleeping = None;
            if self.bytes.is_empty() {
                return Poll::Ready(Some(Err(Hangup::new())));
            }
        }
        if self.bytes.is_empty() {
            return match self.end {
                End::Right => Poll::Ready(None),
                End::Silence => Poll::Pending,
                End::Cut => {
                    self.sleeping = Some(Box::pin(sleep(FLUSH)));
                    self.poll_frame(context)
                }
            };
        }
        let length = self.piece.min(self.bytes.len());
        let piece = self.bytes.split_to(length);
        if !self.pause.is_zero() && !self.bytes.is_empty() {
            self.sleeping = Some(Box::pin(sleep(self.pause)));
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }
}
