//! Many jobs at once: a stream of jobs in, a stream of events out.

mod hedging;
mod merged;
mod neighbours;
mod prioritizing;
mod running;
mod telling;

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use futures::future::BoxFuture;
use futures::stream::{Fuse, FuturesUnordered};
use futures::{Stream, StreamExt};
use pin_project::pin_project;
use tokio::sync::Notify;
use tokio::time::Instant;

use self::hedging::Hedging;
use self::neighbours::{File, Lobby, Neighbours, Start};
use self::running::{Ended, Outcome};
use self::telling::{Signal, Teller};
use crate::schedule::{Place, Schedule};
use crate::{Control, Event, FetchOptions, Fetcher, HttpService, Job, Sink, Summary};

/// The stream that [`Fetcher::fetch_all`] returns.
///
/// It ends when the jobs have ended and all their events were taken.
#[pin_project]
#[must_use = "streams do nothing unless polled"]
pub struct FetchAll<S, J: Stream, T, K> {
    #[pin]
    jobs: Fuse<J>,
    driver: Driver<S, T, K>,
}

/// Everything but the jobs to come.
struct Driver<S, T, K> {
    fetcher: Fetcher<S>,
    control: Control,
    /// Ready when the stream goes on after a pause.
    resumed: Option<BoxFuture<'static, ()>>,
    schedule: Schedule<Waiting<T, K>>,
    neighbours: Neighbours,
    /// How many jobs share requests that are under way.
    held: Arc<AtomicUsize>,
    /// Whether what was told made jobs wait that may run.
    changed: bool,
    running: FuturesUnordered<BoxFuture<'static, Ended<T, K>>>,
    /// What runs, by a number that is not used again.
    under_way: HashMap<u64, UnderWay<T, K>>,
    count: u64,
    sender: UnboundedSender<(u64, Signal<T, K>)>,
    signals: UnboundedReceiver<(u64, Signal<T, K>)>,
    events: VecDeque<Event<T, K>>,
    hedging: Hedging,
    began: Option<Instant>,
    summary: Summary,
}

/// A job that waits.
struct Waiting<T, K> {
    job: Job<T, K>,
    /// Whether it shared a request that came to nothing, and is to have its own.
    is_alone: bool,
}

/// One request that runs, or several in a row for the same job.
struct UnderWay<T, K> {
    place: Place,
    began: Duration,
    received: u64,
    /// Asks it for a second request.
    hedge: Arc<Notify>,
    hedges: u32,
    /// Whether there is a second request, which counts like another job.
    hedging: bool,
    /// What it shares with others, when it may.
    file: Option<File>,
    /// Where others come to it, when it is for several.
    lobby: Option<Lobby<T, K>>,
}

impl<S, J: Stream, T, K> FetchAll<S, J, T, K> {
    pub(crate) fn new(fetcher: Fetcher<S>, jobs: J) -> Self {
        // Not unbounded in truth: a job can only send while this stream is polled, and sends seldom.
        let (sender, signals) = unbounded();
        let schedule = Schedule::new(&fetcher.options().concurrency);
        FetchAll {
            jobs: jobs.fuse(),
            driver: Driver {
                fetcher,
                control: Control::new(),
                resumed: None,
                schedule,
                neighbours: Neighbours::default(),
                held: Arc::default(),
                changed: false,
                running: FuturesUnordered::new(),
                under_way: HashMap::new(),
                count: 0,
                sender,
                signals,
                events: VecDeque::new(),
                hedging: Hedging::default(),
                began: None,
                summary: Summary::default(),
            },
        }
    }

    /// Pauses and resumes this stream, from anywhere.
    pub fn control(&self) -> Control {
        self.driver.control.clone()
    }

    /// What it all came to so far.
    pub fn summary(&self) -> Summary {
        let duration = self
            .driver
            .began
            .map_or(Duration::ZERO, |began| began.elapsed());
        Summary {
            duration,
            ..self.driver.summary.clone()
        }
    }
}

impl<S, J: Stream, T, K> fmt::Debug for FetchAll<S, J, T, K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FetchAll")
            .field("running", &self.driver.running.len())
            .field("waiting", &self.driver.schedule.queue().len())
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
        let this = self.project();
        let (mut jobs, driver) = (this.jobs, this.driver);
        driver.began.get_or_insert_with(Instant::now);
        loop {
            if let Some(event) = driver.next_event(context) {
                return Poll::Ready(Some(event));
            }
            let mut advanced = false;
            if driver.may_go_on(context) {
                while driver.wants_more() && !jobs.is_done() {
                    let Poll::Ready(Some(job)) = jobs.as_mut().poll_next(context) else {
                        break;
                    };
                    driver.push(Waiting {
                        job,
                        is_alone: false,
                    });
                    advanced |= driver.start(false);
                }
                advanced |= driver.start(jobs.is_done());
                driver.poll_hedging(context);
            }
            match driver.running.poll_next_unpin(context) {
                Poll::Ready(Some(ended)) => {
                    // What it told before it ended counts for it.
                    driver.take_signals(context);
                    driver.ended(ended);
                    advanced = true;
                }
                Poll::Ready(None) if jobs.is_done() && driver.schedule.queue().is_empty() => {
                    // The last job may have sent events in the poll that ended it.
                    return Poll::Ready(driver.next_event(context));
                }
                Poll::Ready(None) | Poll::Pending => {}
            }
            if !advanced {
                match driver.next_event(context) {
                    Some(event) => return Poll::Ready(Some(event)),
                    None if std::mem::take(&mut driver.changed) => {}
                    None => return Poll::Pending,
                }
            }
        }
    }
}

impl<S, T, K> Driver<S, T, K>
where
    S: HttpService,
    T: Clone + Send + 'static,
    K: Sink + 'static,
{
    fn now(&self) -> Duration {
        self.began.map_or(Duration::ZERO, |began| began.elapsed())
    }

    /// Whether nothing is paused; else this is polled again when it goes on.
    fn may_go_on(&mut self, context: &mut Context<'_>) -> bool {
        if !self.control.is_paused() {
            self.resumed = None;
            return true;
        }
        let resumed = self
            .resumed
            .get_or_insert_with(|| Box::pin(self.control.wait(false)));
        if resumed.as_mut().poll(context).is_ready() {
            self.resumed = None;
        }
        !self.control.is_paused()
    }

    /// Whether to take another job from the stream.
    fn wants_more(&self) -> bool {
        let waiting = self.schedule.queue().len();
        let FetchOptions {
            concurrency, merge, ..
        } = self.fetcher.options();
        let held = self.held.load(Ordering::Relaxed);
        if merge.is_some_and(|merge| held > 0 && held >= merge.total) {
            return false;
        }
        waiting < concurrency.look_ahead
            || waiting == 0 && self.running.len() < concurrency.total.max(1)
    }

    fn push(&mut self, waiting: Waiting<T, K>) {
        let Job {
            request,
            group,
            priority,
            ..
        } = &waiting.job;
        let (origin, group, priority) = (request.url.origin(), *group, *priority);
        let place = self.schedule.push(&origin, group, priority, waiting);
        self.waits_at(place);
    }

    /// Starts what may run now. `exhausted`: no more jobs come.
    fn start(&mut self, exhausted: bool) -> bool {
        let mut started = false;
        let now = self.now();
        while let Some((place, waiting)) = self.schedule.start(now) {
            let number = self.count;
            self.count = self.count.wrapping_add(1);
            let hedge = Arc::new(Notify::new());
            let context = running::Context {
                teller: Teller::new(number, self.sender.clone()),
                hedge: Arc::clone(&hedge),
                paused: self.control.wait(true),
            };
            let fetcher = self.fetcher.clone();
            let (running, file, lobby): (BoxFuture<'static, _>, _, _) =
                match self.gather(number, place, waiting, exhausted) {
                    Start::Alone { waiting, file } => (
                        Box::pin(running::run(fetcher, *waiting, context)),
                        file,
                        None,
                    ),
                    Start::Shared { file, parts, lobby } => {
                        let held = Arc::clone(&self.held);
                        let shared = merged::run(fetcher, parts, lobby.clone(), held, context);
                        (Box::pin(shared), Some(file), Some(lobby))
                    }
                };
            self.under_way.insert(
                number,
                UnderWay {
                    place,
                    began: now,
                    received: 0,
                    hedge,
                    hedges: 0,
                    hedging: false,
                    file,
                    lobby,
                },
            );
            self.running.push(running);
            started = true;
        }
        started
    }

    /// The next thing to tell.
    fn next_event(&mut self, context: &mut Context<'_>) -> Option<Event<T, K>> {
        if self.events.is_empty() {
            self.take_signals(context);
        }
        self.events.pop_front()
    }

    /// Takes in what the jobs told so far.
    fn take_signals(&mut self, context: &mut Context<'_>) {
        while let Poll::Ready(Some((number, signal))) = self.signals.poll_next_unpin(context) {
            match signal {
                Signal::Event(event) => {
                    self.note(&event);
                    self.events.push_back(*event);
                }
                Signal::Received(bytes) => {
                    self.summary.bytes = self.summary.bytes.saturating_add(bytes);
                    let now = self.now();
                    if let Some(under_way) = self.under_way.get_mut(&number) {
                        under_way.received = under_way.received.saturating_add(bytes);
                        self.schedule.received(under_way.place, now, bytes);
                    }
                }
                Signal::Congested(began) => {
                    let (now, began) = (self.now(), self.since(began));
                    if let Some(under_way) = self.under_way.get(&number) {
                        self.schedule.congested(under_way.place, now, began);
                    }
                }
                Signal::Multiplexed => {
                    if let Some(under_way) = self.under_way.get(&number) {
                        self.schedule.multiplexed(under_way.place);
                    }
                }
                Signal::IgnoresRanges(ignores) => self.ignores_ranges(number, ignores),
                Signal::NotMerged => self.not_merged(number),
                Signal::HedgeEnded => self.hedge_ended(number),
                Signal::Requests(count) => {
                    self.summary.requests = self.summary.requests.saturating_add(count.into());
                }
            }
        }
    }

    fn since(&self, then: Instant) -> Duration {
        self.began.map_or(Duration::ZERO, |began| {
            then.saturating_duration_since(began)
        })
    }

    fn note(&mut self, event: &Event<T, K>) {
        let summary = &mut self.summary;
        match event {
            Event::Finished { report, .. } => {
                summary.finished += 1;
                summary.read_from_cache += u64::from(report.is_read_from_cache());
                summary.hedges += u64::from(report.hedges);
            }
            Event::Failed { .. } => summary.failed += 1,
            Event::Retrying { error, .. } => {
                summary.recoverable_errors += 1;
                summary.last_error = Some(error.kind());
            }
            Event::Progress { .. } => {}
        }
    }

    fn ended(&mut self, ended: Ended<T, K>) {
        let Ended { number, outcome } = ended;
        let now = self.now();
        self.hedge_ended(number);
        let Some(under_way) = self.under_way.remove(&number) else {
            return;
        };
        let place = under_way.place;
        let good = matches!(
            outcome,
            Outcome::Done { good: true } | Outcome::Shared { good: true, .. }
        );
        if good {
            let took = now.saturating_sub(under_way.began);
            self.hedging.learn(took, under_way.received);
        }
        match outcome {
            Outcome::Done { .. } => {}
            Outcome::Paused(waiting) => {
                self.schedule.put_back(place, *waiting);
                self.waits_at(place);
            }
            Outcome::Shared { left, .. } => self.parted(number, under_way, left),
        }
        self.schedule.ended(place, now, good);
    }
}
