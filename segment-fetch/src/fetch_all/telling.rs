//! What tells the stream how something that runs in it goes.

use std::time::Duration;

use futures::channel::mpsc::UnboundedSender;
use tokio::time::Instant;

use crate::run::Observer;
use crate::{Error, ErrorKind, Event, Job, Report};

/// Something that is told: an event for the caller, or what the schedule learns from.
pub(super) enum Signal<T, K> {
    Event(Box<Event<T, K>>),
    Received(u64),
    /// A request that was sent then met a server, or a way to it, that has too much to do.
    Congested(Instant),
    Multiplexed,
    /// Whether the server sends the whole to those who ask for a range.
    IgnoresRanges(bool),
    /// Merged ranges were not answered rightly.
    NotMerged,
    HedgeEnded,
    /// So many requests were made.
    Requests(u32),
}

/// Tells what goes on under a number.
pub(super) struct Teller<T, K> {
    number: u64,
    sender: UnboundedSender<(u64, Signal<T, K>)>,
}

impl<T, K> Clone for Teller<T, K> {
    fn clone(&self) -> Self {
        Teller::new(self.number, self.sender.clone())
    }
}

impl<T, K> Teller<T, K> {
    pub(super) fn new(number: u64, sender: UnboundedSender<(u64, Signal<T, K>)>) -> Self {
        Teller { number, sender }
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn tell(&self, signal: Signal<T, K>) {
        // The receiver lives in the stream that polls what runs.
        let _ = self.sender.unbounded_send((self.number, signal));
    }

    fn event(&self, event: Event<T, K>) {
        self.tell(Signal::Event(Box::new(event)));
    }

    /// The last of a job.
    pub(super) fn ended(&self, job: Job<T, K>, result: Result<Report, Error>) {
        let Job { tag, sink, .. } = job;
        self.event(match result {
            Ok(report) => Event::Finished { tag, sink, report },
            Err(error) => Event::Failed { tag, sink, error },
        });
    }
}

/// Tells how one job goes, and joins small steps into one.
pub(super) struct Reporter<T, K> {
    teller: Teller<T, K>,
    tag: T,
    pending: u64,
    sent: Instant,
}

const PROGRESS_BYTES: u64 = 256 << 10;
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

impl<T: Clone + Send, K: Send> Reporter<T, K> {
    pub(super) fn new(teller: Teller<T, K>, tag: T) -> Self {
        Reporter {
            teller,
            tag,
            pending: 0,
            sent: Instant::now(),
        }
    }

    pub(super) fn flush(&mut self) {
        if self.pending > 0 {
            self.teller.event(Event::Progress {
                tag: self.tag.clone(),
                bytes: self.pending,
            });
            self.pending = 0;
        }
        self.sent = Instant::now();
    }

    fn failed(&self, kind: ErrorKind, began: Instant) {
        if is_congestion(kind) {
            self.teller.tell(Signal::Congested(began));
        }
    }
}

impl<T: Clone + Send, K: Send> Observer for Reporter<T, K> {
    fn received(&mut self, bytes: u64) {
        self.teller.tell(Signal::Received(bytes));
    }

    fn appended(&mut self, bytes: u64) {
        self.pending = self.pending.saturating_add(bytes);
        if self.pending >= PROGRESS_BYTES || self.sent.elapsed() >= PROGRESS_INTERVAL {
            self.flush();
        }
    }

    fn multiplexed(&mut self) {
        self.teller.tell(Signal::Multiplexed);
    }

    fn ignores_ranges(&mut self) {
        self.teller.tell(Signal::IgnoresRanges(true));
    }

    fn retrying(&mut self, error: Error, after: Duration, attempt: u32, began: Instant) {
        self.flush();
        self.failed(error.kind(), began);
        self.teller.event(Event::Retrying {
            tag: self.tag.clone(),
            error,
            after,
            attempt,
        });
    }

    fn hedge_ended(&mut self) {
        self.teller.tell(Signal::HedgeEnded);
    }

    fn ended(&mut self, requests: u32, failed: Option<(ErrorKind, Instant)>) {
        self.flush();
        self.teller.tell(Signal::Requests(requests));
        if let Some((kind, began)) = failed {
            self.failed(kind, began);
        }
    }
}

/// Whether a failure may mean that the server, or the way to it, has too much to do.
fn is_congestion(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Status(429 | 503)
            | ErrorKind::Connect
            | ErrorKind::Http
            | ErrorKind::Timeout
            | ErrorKind::Truncated
    )
}
