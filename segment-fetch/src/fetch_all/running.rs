//! One job that runs, and what it tells.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::channel::mpsc::UnboundedSender;
use futures::future::{Either, select};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::Waiting;
use super::neighbours::Part;
use crate::run::{Observer, Run};
use crate::{Error, ErrorKind, Event, Fetcher, HttpService, Job, Sink};

/// What a job tells while it runs: events for the caller, and what the schedule learns from.
pub(super) enum Signal<T, K> {
    Event(Box<Event<T, K>>),
    Received {
        number: u64,
        bytes: u64,
    },
    Congested {
        number: u64,
        began: Instant,
    },
    Multiplexed {
        number: u64,
    },
    /// The server sends the whole to those who ask for a range, or after all does not.
    IgnoresRanges {
        number: u64,
        ignores: bool,
    },
    /// Merged ranges were not answered rightly.
    NotMerged {
        number: u64,
    },
    HedgeEnded {
        number: u64,
    },
    Requests {
        count: u32,
    },
}

/// A job that runs no longer.
pub(super) struct Ended<T, K> {
    pub(super) number: u64,
    pub(super) outcome: Outcome<T, K>,
}

pub(super) enum Outcome<T, K> {
    /// It told how it ended; `good`: as it should.
    Done { good: bool },
    /// It was stopped, and goes on later.
    Paused(Box<Waiting<T, K>>),
    /// It was for several jobs; of these some have not ended. `good`: all went as it should.
    Shared { good: bool, left: Vec<Part<T, K>> },
}

/// What a job needs to know of the stream it runs in.
pub(super) struct Context<T, K, P> {
    pub(super) number: u64,
    pub(super) hedge: Arc<Notify>,
    pub(super) paused: P,
    pub(super) sender: UnboundedSender<Signal<T, K>>,
}

pub(super) async fn run<S, T, K, P>(
    fetcher: Fetcher<S>,
    mut waiting: Waiting<T, K>,
    context: Context<T, K, P>,
) -> Ended<T, K>
where
    S: HttpService,
    T: Clone + Send,
    K: Sink,
    P: Future<Output = ()> + Send,
{
    let Context {
        number,
        hedge,
        paused,
        sender,
    } = context;
    let Fetcher { service, settings } = fetcher;
    let job = &mut waiting.job;
    let reporter = Reporter::new(number, job.tag.clone(), sender.clone());
    let result = {
        let run = Run::new(&settings, service, &job.request, reporter).hedged_by(hedge);
        let recorder = run.recorder();
        match select(pin!(paused), pin!(run.run(&mut job.sink))).await {
            Either::Left(_) => {
                let count = recorder.requests();
                let _ = sender.unbounded_send(Signal::Requests { count });
                None
            }
            Either::Right((result, _)) => Some(result),
        }
    };
    let Some(result) = result else {
        let outcome = Outcome::Paused(Box::new(waiting));
        return Ended { number, outcome };
    };
    let good = result.is_ok();
    let Job { tag, sink, .. } = waiting.job;
    let event = match result {
        Ok(done) => Event::Finished {
            tag,
            sink,
            report: done.report,
        },
        Err(error) => Event::Failed { tag, sink, error },
    };
    // The receiver lives in the stream that polls this future.
    let _ = sender.unbounded_send(Signal::Event(Box::new(event)));
    let outcome = Outcome::Done { good };
    Ended { number, outcome }
}

/// Turns what a run observes into signals, and joins small steps into one.
pub(super) struct Reporter<T, K> {
    number: u64,
    tag: T,
    sender: UnboundedSender<Signal<T, K>>,
    pending: u64,
    sent: Instant,
}

const PROGRESS_BYTES: u64 = 256 << 10;
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

impl<T: Clone + Send, K: Send> Reporter<T, K> {
    pub(super) fn new(number: u64, tag: T, sender: UnboundedSender<Signal<T, K>>) -> Self {
        Reporter {
            number,
            tag,
            sender,
            pending: 0,
            sent: Instant::now(),
        }
    }

    fn send(&self, signal: Signal<T, K>) {
        let _ = self.sender.unbounded_send(signal);
    }

    pub(super) fn flush(&mut self) {
        if self.pending > 0 {
            self.send(Signal::Event(Box::new(Event::Progress {
                tag: self.tag.clone(),
                bytes: self.pending,
            })));
            self.pending = 0;
        }
        self.sent = Instant::now();
    }

    fn failed(&self, kind: ErrorKind, began: Instant) {
        if is_congestion(kind) {
            let number = self.number;
            self.send(Signal::Congested { number, began });
        }
    }
}

impl<T: Clone + Send, K: Send> Observer for Reporter<T, K> {
    fn received(&mut self, bytes: u64) {
        let number = self.number;
        self.send(Signal::Received { number, bytes });
    }

    fn appended(&mut self, bytes: u64) {
        self.pending = self.pending.saturating_add(bytes);
        if self.pending >= PROGRESS_BYTES || self.sent.elapsed() >= PROGRESS_INTERVAL {
            self.flush();
        }
    }

    fn multiplexed(&mut self) {
        let number = self.number;
        self.send(Signal::Multiplexed { number });
    }

    fn ignores_ranges(&mut self) {
        let (number, ignores) = (self.number, true);
        self.send(Signal::IgnoresRanges { number, ignores });
    }

    fn retrying(&mut self, error: Error, after: Duration, attempt: u32, began: Instant) {
        self.flush();
        self.failed(error.kind(), began);
        self.send(Signal::Event(Box::new(Event::Retrying {
            tag: self.tag.clone(),
            error,
            after,
            attempt,
        })));
    }

    fn hedge_ended(&mut self) {
        let number = self.number;
        self.send(Signal::HedgeEnded { number });
    }

    fn ended(&mut self, requests: u32, failed: Option<(ErrorKind, Instant)>) {
        self.flush();
        self.send(Signal::Requests { count: requests });
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
