//! Many jobs at once: a stream of jobs in, a stream of events out.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::future::BoxFuture;
use futures::stream::{Fuse, FuturesUnordered};
use futures::{Stream, StreamExt};
use pin_project::pin_project;
use tokio::time::Instant;

use crate::run::{Observer, Run};
use crate::{Error, Fetcher, HttpService, Report, Request, Sink};

/// One resource to fetch into one sink, with a tag to know it by.
#[derive(Debug, Clone)]
pub struct Job<T, K> {
    /// Comes back with every event of the job.
    pub tag: T,
    /// What to fetch.
    pub request: Request,
    /// Where to put it; comes back when the job has ended.
    pub sink: K,
}

/// What happens to a job. Exactly one of `Finished` and `Failed` comes for each, and nothing after it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<T, K> {
    /// The sink got more bytes. At most four a second for a job, or one for each 256 KiB.
    Progress {
        /// Which job.
        tag: T,
        /// Bytes appended since the last event of this job. After a restart bytes are counted again.
        bytes: u64,
    },
    /// An attempt failed and will be made again.
    Retrying {
        /// Which job.
        tag: T,
        /// Why.
        error: Error,
        /// After which pause.
        after: Duration,
        /// The number of the attempt that failed, from 1.
        attempt: u32,
    },
    /// Everything is in the sink, and right.
    Finished {
        /// Which job.
        tag: T,
        /// The sink, finished.
        sink: K,
        /// How it went.
        report: Report,
    },
    /// The job is given up.
    Failed {
        /// Which job.
        tag: T,
        /// The sink, where it is; a later job can continue it.
        sink: K,
        /// Why.
        error: Error,
    },
}

/// The stream that [`Fetcher::fetch_all`] returns.
///
/// It ends when the jobs have ended and all their events were taken.
#[pin_project]
#[must_use = "streams do nothing unless polled"]
pub struct FetchAll<S, J: Stream, T, K> {
    fetcher: Fetcher<S>,
    #[pin]
    jobs: Fuse<J>,
    running: FuturesUnordered<BoxFuture<'static, ()>>,
    sender: UnboundedSender<Event<T, K>>,
    events: UnboundedReceiver<Event<T, K>>,
}

impl<S, J: Stream, T, K> FetchAll<S, J, T, K> {
    pub(crate) fn new(fetcher: Fetcher<S>, jobs: J) -> Self {
        // Not unbounded in truth: a job can only send while this stream is polled, and sends seldom.
        let (sender, events) = unbounded();
        FetchAll {
            fetcher,
            jobs: jobs.fuse(),
            running: FuturesUnordered::new(),
            sender,
            events,
        }
    }
}

impl<S, J: Stream, T, K> fmt::Debug for FetchAll<S, J, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchAll")
            .field("running", &self.running.len())
            .finish_non_exhaustive()
    }
}

impl<S, J, T, K> Stream for FetchAll<S, J, T, K>
where
    S: HttpService,
    J: Stream<Item = Job<T, K>>,
    T: Clone + Send + 'static,
    K: Sink + 'static,
{
    type Item = Event<T, K>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Event<T, K>>> {
        let mut this = self.project();
        let limit = this.fetcher.options.in_flight.max(1);
        loop {
            if let Poll::Ready(Some(event)) = this.events.poll_next_unpin(context) {
                return Poll::Ready(Some(event));
            }
            let mut advanced = false;
            while this.running.len() < limit && !this.jobs.is_done() {
                let Poll::Ready(job) = this.jobs.as_mut().poll_next(context) else {
                    break;
                };
                let Some(job) = job else { break };
                this.running.push(Box::pin(run(
                    this.fetcher.clone(),
                    job,
                    this.sender.clone(),
                )));
                advanced = true;
            }
            match this.running.poll_next_unpin(context) {
                Poll::Ready(Some(())) => advanced = true,
                Poll::Ready(None) if this.jobs.is_done() => {
                    // The last job may have sent events in the poll that ended it.
                    return match this.events.poll_next_unpin(context) {
                        Poll::Ready(Some(event)) => Poll::Ready(Some(event)),
                        _ => Poll::Ready(None),
                    };
                }
                Poll::Ready(None) | Poll::Pending => {}
            }
            if !advanced {
                return match this.events.poll_next_unpin(context) {
                    Poll::Ready(Some(event)) => Poll::Ready(Some(event)),
                    _ => Poll::Pending,
                };
            }
        }
    }
}

async fn run<S: HttpService, T: Clone + Send, K: Sink>(
    fetcher: Fetcher<S>,
    job: Job<T, K>,
    sender: UnboundedSender<Event<T, K>>,
) {
    let Job {
        tag,
        request,
        mut sink,
    } = job;
    let reporter = Reporter {
        tag: tag.clone(),
        sender: sender.clone(),
        pending: 0,
        sent: Instant::now(),
    };
    let result = Run::new(&fetcher.options, fetcher.service, &request, reporter)
        .run(&mut sink)
        .await;
    let event = match result {
        Ok(done) => Event::Finished {
            tag,
            sink,
            report: done.report,
        },
        Err(error) => Event::Failed { tag, sink, error },
    };
    // The receiver lives in the stream that polls this future.
    let _ = sender.unbounded_send(event);
}

/// Turns what a run observes into events, and joins small steps into one.
struct Reporter<T, K> {
    tag: T,
    sender: UnboundedSender<Event<T, K>>,
    pending: u64,
    sent: Instant,
}

const PROGRESS_BYTES: u64 = 256 << 10;
const PROGRESS_INTERVAL: Duration = Duration::from_millis(250);

impl<T: Clone + Send, K: Send> Reporter<T, K> {
    fn flush(&mut self) {
        if self.pending > 0 {
            let event = Event::Progress {
                tag: self.tag.clone(),
                bytes: self.pending,
            };
            let _ = self.sender.unbounded_send(event);
            self.pending = 0;
        }
        self.sent = Instant::now();
    }
}

impl<T: Clone + Send, K: Send> Observer for Reporter<T, K> {
    fn appended(&mut self, bytes: u64) {
        self.pending = self.pending.saturating_add(bytes);
        if self.pending >= PROGRESS_BYTES || self.sent.elapsed() >= PROGRESS_INTERVAL {
            self.flush();
        }
    }

    fn retrying(&mut self, error: Error, after: Duration, attempt: u32) {
        self.flush();
        let _ = self.sender.unbounded_send(Event::Retrying {
            tag: self.tag.clone(),
            error,
            after,
            attempt,
        });
    }

    fn ended(&mut self) {
        self.flush();
    }
}
