//! The connections of the local server. There is room for so many; when it is full, the one that is least in use makes room.
//!
//! Who has not said the token of the server goes before who has, and who has been still for long before who has not. So no number of connections that are
//! opened and left hanging keeps a player out, or breaks off one that is playing.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;

use super::reply::Reply;

/// What connections may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Connections.
    pub(super) at_once: usize,
    /// How long a request may take to come, and one that has had its answer may wait to send another.
    pub(super) idle: Duration,
    /// How long an answer may lie about without a byte of it being taken: a pause in a player.
    pub(super) stalled: Duration,
    /// Bytes of the line and the fields of a request.
    pub(super) header: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            at_once: 512,
            idle: Duration::from_secs(60),
            stalled: Duration::from_secs(3600),
            header: 16 * 1024,
        }
    }
}

/// A connection.
#[derive(Debug)]
pub(super) struct Seat {
    /// The address it came in at.
    pub(super) local: SocketAddr,
    began: Instant,
    /// Milliseconds after the begin at which a byte of an answer was last taken.
    moved: AtomicU64,
    is_known: AtomicBool,
    leave: Notify,
}

impl Seat {
    fn new(local: SocketAddr) -> Self {
        Self {
            local,
            began: Instant::now(),
            moved: AtomicU64::new(0),
            is_known: AtomicBool::new(false),
            leave: Notify::new(),
        }
    }

    /// Somebody who knows the token.
    pub(super) fn welcome(&self) {
        self.is_known.store(true, Ordering::Relaxed);
    }

    fn moves(&self) {
        let since = u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.moved.store(since, Ordering::Relaxed);
    }

    fn moved(&self) -> Instant {
        let after = Duration::from_millis(self.moved.load(Ordering::Relaxed));
        self.began.checked_add(after).unwrap_or(self.began)
    }
}

/// All connections.
#[derive(Debug, Default)]
struct Seats {
    taken: Mutex<HashMap<u64, Arc<Seat>>>,
}

impl Seats {
    fn take(&self, number: u64, seat: &Arc<Seat>, at_once: usize) {
        let mut taken = self.lock();
        if taken.len() >= at_once {
            make_room(&mut taken);
        }
        taken.insert(number, Arc::clone(seat));
    }

    fn make_room(&self) {
        make_room(&mut self.lock());
    }

    fn give_back(&self, number: u64) {
        self.lock().remove(&number);
    }

    fn close_stalled(&self, after: Duration) {
        let taken = self.lock();
        let stalled = taken.values().filter(|seat| seat.moved().elapsed() > after);
        stalled.for_each(|seat| seat.leave.notify_one());
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Arc<Seat>>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks the one that is least in use to leave, and counts it no more.
fn make_room(taken: &mut HashMap<u64, Arc<Seat>>) {
    let least = taken
        .iter()
        .min_by_key(|(_, seat)| (seat.is_known.load(Ordering::Relaxed), seat.moved()));
    let least = least.map(|(number, _)| *number);
    if let Some(seat) = least.and_then(|number| taken.remove(&number)) {
        seat.leave.notify_one();
    }
}

/// Answers until the future is dropped. `tidy` is called every minute.
pub(super) async fn serve<A, F>(
    listener: TcpListener,
    limits: Limits,
    answer: A,
    tidy: impl Fn() + Send,
) where
    A: Fn(Request<Incoming>, Arc<Seat>) -> F + Clone + Send + 'static,
    F: Future<Output = Reply> + Send + 'static,
{
    let seats = Arc::new(Seats::default());
    let mut minutes = tokio::time::interval(limits.stalled.min(Duration::from_secs(60)));
    for number in 0.. {
        let accepted = loop {
            tokio::select! {
                accepted = listener.accept() => break accepted,
                _ = minutes.tick() => {
                    tidy();
                    seats.close_stalled(limits.stalled);
                }
            }
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors, maybe.
                tracing::debug!(%error, "accept failed");
                seats.make_room();
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // The last bytes of an answer do not wait for the player to say that it has those before.
        let prepared = stream.set_nodelay(true).and_then(|()| stream.local_addr());
        let Ok(local) = prepared else {
            continue; // It hung up at once.
        };
        let seat = Arc::new(Seat::new(local));
        seats.take(number, &seat, limits.at_once);
        let (seats, answer) = (Arc::clone(&seats), answer.clone());
        tokio::spawn(async move {
            let stream = Watched {
                stream,
                seat: Arc::clone(&seat),
            };
            let of = Arc::clone(&seat);
            let service = hyper::service::service_fn(move |request| {
                let reply = answer(request, Arc::clone(&of));
                async move { Ok::<_, Infallible>(reply.await) }
            });
            let connection = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(limits.idle)
                .max_buf_size(limits.header)
                .serve_connection(TokioIo::new(stream), service);
            tokio::select! {
                served = connection => if let Err(error) = served {
                    tracing::debug!(%error, "a player hung up");
                },
                () = seat.leave.notified() => tracing::debug!("a connection made room"),
            }
            seats.give_back(number);
        });
    }
}

/// Notes when bytes of answers are taken. Bytes of requests do not count: who drips them is not in use.
struct Watched {
    stream: TcpStream,
    seat: Arc<Seat>,
}

impl Watched {
    fn note(&self, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(1..)) = written {
            self.seat.moves();
        }
        written
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.note(written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(context, bytes);
        self.note(written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests;
