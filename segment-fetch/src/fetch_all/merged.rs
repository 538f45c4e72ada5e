//! One request for several jobs, each of which ends by itself.

use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep};
use url::Url;

use super::neighbours::{Lobby, Part};
use super::running::{Context, Ended, Outcome, unless_paused};
use super::telling::{Reporter, Signal, Teller};
use crate::fetcher::Settings;
use crate::intake::Intake;
use crate::metrics::Recorder;
use crate::resume::{Encoding, Retry, Storing};
use crate::retry::Attempts;
use crate::run::{Failure, Observer, Piece, Shared, finish, log, sink_error};
use crate::{
    Error, ErrorKind, Expect, Fetcher, HttpService, Report, Request, RetryPolicy, Sink, Start,
    Validator,
};

/// A request for several jobs. Whatever ends it, jobs that have not ended are still in it.
struct Merged<T, K> {
    teller: Teller<T, K>,
    taking: Vec<Taking<T, K>>,
    /// Jobs whose part of the body was wrong.
    spoilt: Vec<Part<T, K>>,
    lobby: Lobby<T, K>,
    held: Arc<AtomicUsize>,
    recorder: Recorder,
    began: Instant,
    /// Whether a job got all it wanted.
    progressed: bool,
    /// Whether a job told of the request.
    reported: bool,
}

/// One of the jobs.
struct Taking<T, K> {
    part: Part<T, K>,
    range: Range<u64>,
    /// The place in the file of the next byte it takes.
    at: u64,
    intake: Option<Intake>,
    has_begun: bool,
    reporter: Reporter<T, K>,
}

/// Why a request came to nothing for those that are left.
enum Stopped {
    Failed(Box<Failure>),
    /// Alone, each can have a second request beside it.
    Slow,
}

impl From<Failure> for Stopped {
    fn from(failure: Failure) -> Self {
        Stopped::Failed(Box::new(failure))
    }
}

/// What all of the body has in common.
struct Source {
    url: Url,
    validator: Option<Validator>,
}

pub(super) async fn run<S, T, K, P>(
    fetcher: Fetcher<S>,
    parts: Vec<Part<T, K>>,
    lobby: Lobby<T, K>,
    held: Arc<AtomicUsize>,
    context: Context<T, K, P>,
) -> Ended<T, K>
where
    S: HttpService,
    T: Clone + Send,
    K: Sink,
    P: Future<Output = ()> + Send,
{
    let Context {
        teller,
        hedge,
        paused,
    } = context;
    let Fetcher { service, settings } = fetcher;
    let mut merged = Merged {
        teller,
        taking: Vec::new(),
        spoilt: Vec::new(),
        lobby,
        held,
        recorder: Recorder::new(),
        began: Instant::now(),
        progressed: false,
        reported: false,
    };
    for part in parts {
        merged.add(part);
    }
    let fetch = merged.fetch(service, &settings, &hedge);
    let good = unless_paused(paused, fetch).await.unwrap_or(false);
    let requests = merged.recorder.requests();
    merged.teller.tell(Signal::Requests(requests));
    let mut left = merged.spoilt;
    left.extend(merged.taking.into_iter().map(|mut taking| {
        taking.reporter.flush();
        taking.part
    }));
    let number = merged.teller.number();
    let outcome = Outcome::Shared { good, left };
    Ended { number, outcome }
}

impl<T: Clone + Send, K: Sink> Merged<T, K> {
    fn add(&mut self, part: Part<T, K>) {
        let job = &part.waiting.job;
        let range = job.request.range.clone().unwrap_or_default();
        self.taking.push(Taking {
            reporter: Reporter::new(self.teller.clone(), job.tag.clone()),
            at: range.start,
            range,
            part,
            intake: None,
            has_begun: false,
        });
    }

    /// Asks once and shares out what comes. Returns whether all went well.
    async fn fetch<S: HttpService>(
        &mut self,
        service: S,
        settings: &Settings,
        hedge: &Notify,
    ) -> bool {
        let Err(stopped) = self.receive(service, settings, hedge).await else {
            return true;
        };
        let hosted = std::mem::take(&mut self.lobby.enter().is_open);
        for (index, taking) in self.taking.iter_mut().enumerate() {
            // Each of these gets further or is alone from now on, so that requests that fail come to an end.
            taking.part.waiting.is_alone |=
                taking.has_begun || !self.progressed && (index == 0 || !hosted);
        }
        if let Stopped::Failed(failure) = stopped {
            self.failed(*failure, &settings.options.retry).await;
        }
        false
    }

    /// What is asked for: from the start of the first to the end of the last.
    fn request(&self) -> Option<Request> {
        let first = self.taking.first()?;
        let end = self.taking.last()?.range.end;
        let request = &first.part.waiting.job.request;
        let length = end.saturating_sub(first.range.start);
        // Each job judges its own part.
        let expect = Expect {
            max_length: request.expect.max_length.max(length),
            refuse_html: request.expect.refuse_html,
            ..Expect::default()
        };
        let range = first.range.start..end;
        Some(request.clone().with_range(range).with_expect(expect))
    }

    async fn receive<S: HttpService>(
        &mut self,
        service: S,
        settings: &Settings,
        hedge: &Notify,
    ) -> Result<(), Stopped> {
        let Some(request) = self.request() else {
            return Ok(());
        };
        let recorder = self.recorder.clone();
        let asking = Shared::ask(settings, service, &request, &recorder);
        let mut body = unless_slow(hedge, asking).await?;
        if body.is_multiplexed() {
            self.teller.tell(Signal::Multiplexed);
        }
        let ignores = body.is_whole();
        if ignores || self.lobby.enter().is_open {
            self.teller.tell(Signal::IgnoresRanges(ignores));
        }
        let source = Source {
            url: body.url().clone(),
            validator: body.validator().cloned(),
        };
        let first = request.range.as_ref().map_or(0, |range| range.start);
        let mut at = if ignores { 0 } else { first };
        loop {
            let piece = match unless_slow(hedge, body.next()).await {
                Err(Stopped::Slow) if ignores => {
                    // Others would have to take the whole again.
                    self.teller.tell(Signal::HedgeEnded);
                    continue;
                }
                piece => piece?,
            };
            let (bytes, right, is_last) = match piece {
                Piece::More { received, right } => (received, right, false),
                Piece::Last(right) => (0, right, true),
            };
            self.teller.tell(Signal::Received(bytes));
            let next = at.saturating_add(right.len() as u64);
            if ignores {
                self.let_in(next);
            }
            self.share(&source, at, &right).await;
            at = next;
            body.pay(bytes).await;
            if self.taking.is_empty() && self.lobby.enter().arrivals.is_empty() {
                if !is_last && body.has_all() {
                    // Its connection can be used again.
                    let _ = body.next().await;
                }
                return Ok(());
            }
            if is_last {
                let reason = "the body ended before the last range";
                let error = Error::new(ErrorKind::Truncated, Retry::Always, reason);
                return Err(Failure::from(error.with_url(&source.url)).into());
            }
        }
    }

    /// Takes in the jobs that came. They lie ahead of the piece at hand; those that come from now on have to lie ahead of
    /// the next, which begins at `next`.
    fn let_in(&mut self, next: u64) {
        let arrivals = {
            let mut entrance = self.lobby.enter();
            entrance.at = next;
            std::mem::take(&mut entrance.arrivals)
        };
        for part in arrivals {
            self.add(part);
        }
    }

    /// Gives every job what is of its range in a piece of the file.
    async fn share(&mut self, source: &Source, at: u64, piece: &Bytes) {
        let mut index = 0;
        while let Some(taking) = self.taking.get_mut(index) {
            let taken = taking.take(source, at, piece).await;
            if matches!(taken, Ok(false)) {
                index += 1;
                continue;
            }
            let taking = self.taking.remove(index);
            match taken {
                Ok(_) => self.finished(taking, source),
                Err(failure) => self.refused(taking, source, failure),
            }
        }
    }

    fn finished(&mut self, mut taking: Taking<T, K>, source: &Source) {
        taking.reporter.flush();
        self.progressed = true;
        let first = !std::mem::replace(&mut self.reported, true);
        let requests = if first { self.recorder.requests() } else { 0 };
        let (metrics, metrics_omitted) = if first {
            self.recorder.described()
        } else {
            Default::default()
        };
        let length = taking.range.end.saturating_sub(taking.range.start);
        let report = Report {
            url: source.url.clone(),
            bytes: length,
            length,
            resumed_at: 0,
            requests,
            retries: 0,
            last_error: None,
            hedges: 0,
            duration: self.began.elapsed(),
            metrics,
            metrics_omitted,
        };
        log(&report);
        self.ended(taking.part, Ok(report));
    }

    /// A job could not take its part: its sink failed, or it may do better alone.
    fn refused(&mut self, mut taking: Taking<T, K>, source: &Source, failure: Failure) {
        let error = failure.error.with_url(&source.url);
        if error.kind() == ErrorKind::Sink {
            taking.reporter.flush();
            self.ended(taking.part, Err(error.with_attempts(1)));
        } else {
            let after = Duration::ZERO;
            taking.reporter.retrying(error, after, 1, self.began);
            taking.part.waiting.is_alone = true;
            self.spoilt.push(taking.part);
        }
    }

    fn ended(&self, part: Part<T, K>, result: Result<Report, Error>) {
        self.held.fetch_sub(1, Ordering::Relaxed);
        self.teller.ended(part.waiting.job, result);
    }

    /// Waits as long as policy wants before those that are left try by themselves.
    async fn failed(&mut self, failure: Failure, policy: &RetryPolicy) {
        let Failure {
            error, retry_after, ..
        } = failure;
        if matches!(
            error.kind(),
            ErrorKind::WrongRange
                | ErrorKind::WrongLength
                | ErrorKind::WrongContent
                | ErrorKind::TooLarge
        ) {
            self.teller.tell(Signal::NotMerged);
        }
        let after = Attempts::new(policy, 0)
            .next(error.retry(), retry_after, 0)
            .unwrap_or_default();
        tracing::debug!(%error, ?after, "a request for several jobs failed");
        if let Some(first) = self.taking.first_mut() {
            first.reporter.retrying(error, after, 1, self.began);
        }
        sleep(after).await;
    }
}

impl<T: Clone + Send, K: Sink> Taking<T, K> {
    /// Takes what is of the range in a piece that begins at `at`. Returns whether that was the last.
    async fn take(&mut self, source: &Source, at: u64, piece: &Bytes) -> Result<bool, Failure> {
        let end = at.saturating_add(piece.len() as u64).min(self.range.end);
        let within = |place: u64| usize::try_from(place.saturating_sub(at)).unwrap_or(usize::MAX);
        if self.at < at || self.at >= end {
            return Ok(false);
        }
        let mine = piece.slice(within(self.at)..within(end));
        self.at = end;
        let length = self.range.end.saturating_sub(self.range.start);
        let intake = self.intake.get_or_insert_with(|| {
            let storing = Storing {
                offset: 0,
                skip: 0,
                take: Some(length),
                announced: Some(length),
                complete_length: Some(length),
                validator: source.validator.clone(),
                encoding: Encoding::Identity,
            };
            Intake::new(&self.part.waiting.job.request.expect, &storing)
        });
        let mut right = intake.push(mine)?;
        let is_last = end == self.range.end;
        if is_last {
            let (rest, _) = intake.finish()?;
            right = right.or(rest);
        }
        let sink = &mut self.part.waiting.job.sink;
        if let Some(right) = right {
            if !self.has_begun {
                let start = Start {
                    offset: 0,
                    validator: source.validator.clone(),
                    complete_length: Some(length),
                };
                sink.begin(&start).await.map_err(sink_error)?;
                self.has_begun = true;
            }
            let count = right.len() as u64;
            sink.append(right).await.map_err(sink_error)?;
            self.reporter.appended(count);
        }
        if is_last {
            finish(sink, &self.part.waiting.job.request.expect, length).await?;
        }
        Ok(is_last)
    }
}

/// Waits for a step, unless the request is found to be slow.
async fn unless_slow<R>(
    hedge: &Notify,
    step: impl Future<Output = Result<R, Failure>>,
) -> Result<R, Stopped> {
    tokio::select! {
        biased;
        done = step => Ok(done?),
        () = hedge.notified() => Err(Stopped::Slow),
    }
}
