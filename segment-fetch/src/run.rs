//! One fetch from the first attempt to the last: the only place where the parts meet.

mod attempt;
mod exchange;
mod length;
mod race;
mod shared;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use crate::error::redacted;
use crate::fetcher::Settings;
use crate::metrics::Recorder;
use crate::refresh::Refresher;
use crate::resume::{Rejection, Retry, RetryAfter};
use crate::retry::Attempts;
use crate::{End, Error, ErrorKind, Expect, FetchOptions, HttpService, Report, Request, Sink};

pub use self::length::AskLength;
pub(crate) use self::length::length;
pub(crate) use self::shared::{Piece, Shared};

/// Is told what a run does.
pub(crate) trait Observer: Send {
    /// So many bytes of a body came.
    fn received(&mut self, bytes: u64);
    /// The sink took so many bytes more.
    fn appended(&mut self, bytes: u64);
    /// The server takes many requests on one connection.
    fn multiplexed(&mut self);
    /// The server sends the whole to those who ask for a range.
    fn ignores_ranges(&mut self);
    /// An attempt that began at `began` failed; the next follows after a pause.
    fn retrying(&mut self, error: Error, after: Duration, attempt: u32, began: Instant);
    /// There is no second request any more, or there will be none.
    fn hedge_ended(&mut self);
    /// There will be no more; `failed` is why, and when the last attempt began.
    fn ended(&mut self, requests: u32, failed: Option<(ErrorKind, Instant)>);
}

/// Nobody looks.
pub(crate) struct Unobserved;

impl Observer for Unobserved {
    fn received(&mut self, _: u64) {}
    fn appended(&mut self, _: u64) {}
    fn multiplexed(&mut self) {}
    fn ignores_ranges(&mut self) {}
    fn retrying(&mut self, _: Error, _: Duration, _: u32, _: Instant) {}
    fn hedge_ended(&mut self) {}
    fn ended(&mut self, _: u32, _: Option<(ErrorKind, Instant)>) {}
}

/// What a fetch that succeeded has to tell.
pub(crate) struct Done {
    pub(crate) report: Report,
    pub(crate) headers: HeaderMap,
    pub(crate) remote_address: Option<SocketAddr>,
    pub(crate) is_proxied: bool,
}

/// One fetch.
pub(crate) struct Run<'a, S, O> {
    options: &'a FetchOptions,
    refresher: &'a Refresher,
    service: S,
    request: &'a Request,
    observer: O,
    /// Where attempts start: the address of the request, or the one that replaced it.
    address: Url,
    /// The address of the last response, or of the last request that got none.
    url: Url,
    /// What is held is of another version, until the sink has begun again.
    start_again: bool,
    /// Bytes that the sink had and that were kept, once that is known.
    resumed_at: Option<u64>,
    received: u64,
    recorder: Recorder,
    last_error: Option<ErrorKind>,
    /// Asks for a second request beside a slow one.
    hedge: Arc<Notify>,
    hedges: u32,
    hedging: bool,
}

/// Why an attempt failed, and what that means for the next.
pub(crate) struct Failure {
    pub(crate) error: Error,
    pub(crate) retry_after: Option<RetryAfter>,
    start_again: bool,
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Failure {
            error,
            retry_after: None,
            start_again: false,
        }
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        let Rejection {
            kind,
            reason,
            retry,
            retry_after,
            start_again,
        } = rejection;
        Failure {
            error: Error::new(kind, retry, reason),
            retry_after,
            start_again,
        }
    }
}

/// A right response that has ended: its headers, whom it came from, and how long the content is.
#[derive(Default)]
struct Ended {
    headers: HeaderMap,
    remote_address: Option<SocketAddr>,
    is_proxied: bool,
    length: u64,
}

impl<'a, S: HttpService, O: Observer> Run<'a, S, O> {
    pub(crate) fn new(
        settings: &'a Settings,
        service: S,
        request: &'a Request,
        observer: O,
    ) -> Self {
        Run {
            options: &settings.options,
            refresher: &settings.refresher,
            service,
            request,
            observer,
            address: request.url.clone(),
            url: request.url.clone(),
            start_again: false,
            resumed_at: None,
            received: 0,
            recorder: Recorder::new(),
            last_error: None,
            hedge: Arc::default(),
            hedges: 0,
            hedging: false,
        }
    }
}

impl<S: HttpService, O: Observer> Run<'_, S, O> {
    /// Asks for a second request beside a slow one whenever this is notified.
    pub(crate) fn hedged_by(mut self, hedge: Arc<Notify>) -> Self {
        self.hedge = hedge;
        self
    }

    /// Counts what it sends, even when it is dropped.
    pub(crate) fn recorder(&self) -> Recorder {
        self.recorder.clone()
    }

    /// Fetches, within the total time if there is a limit.
    pub(crate) async fn run<K: Sink>(mut self, sink: &mut K) -> Result<Done, Error> {
        let started = Instant::now();
        let mut attempt = 0;
        let mut began = started;
        let limit = self.request.expect.total_timeout;
        let deadline = limit.and_then(|limit| started.checked_add(limit));
        let attempts = self.attempts(sink, deadline, &mut attempt, &mut began);
        let ended = match limit {
            None => attempts.await,
            Some(limit) => timeout(limit, attempts).await.unwrap_or_else(|_| {
                let reason = format!("not done in {limit:?}");
                Err(Error::new(ErrorKind::Timeout, Retry::Always, reason))
            }),
        };
        let requests = self.recorder.requests();
        let failed = ended.as_ref().err().map(|error| (error.kind(), began));
        self.observer.ended(requests, failed);
        let ended = ended
            .map_err(|error| error.with_url(&self.url).with_attempts(attempt))
            .inspect_err(|error| tracing::debug!(%error, attempt, "given up"))?;
        let (metrics, metrics_omitted) = self.recorder.take();
        let report = Report {
            url: self.url,
            bytes: self.received,
            length: ended.length,
            resumed_at: self.resumed_at.unwrap_or(0),
            requests,
            retries: attempt.saturating_sub(1),
            last_error: self.last_error,
            hedges: self.hedges,
            duration: started.elapsed(),
            metrics,
            metrics_omitted,
        };
        log(&report);
        Ok(Done {
            report,
            headers: ended.headers,
            remote_address: ended.remote_address,
            is_proxied: ended.is_proxied,
        })
    }

    /// Attempt after attempt, with pauses between them that end before `deadline`; `attempt` counts, and `began` is
    /// when the last one did.
    async fn attempts<K: Sink>(
        &mut self,
        sink: &mut K,
        deadline: Option<Instant>,
        attempt: &mut u32,
        began: &mut Instant,
    ) -> Result<Ended, Error> {
        self.check_range()?;
        let options = self.options;
        let mut attempts = Attempts::new(&options.retry, sink.position().length);
        let mut replacements = self.refresher.replacements(self.request);
        self.address = replacements.current();
        loop {
            *attempt = attempt.saturating_add(1);
            *began = Instant::now();
            // A redirect may lead elsewhere by now, so every attempt starts where the first did.
            self.url = self.address.clone();
            let Failure {
                error,
                retry_after,
                start_again,
            } = match self.attempt(sink).await {
                Ok(ended) => return Ok(ended),
                Err(failure) => failure,
            };
            self.start_again |= start_again;
            if error.kind() != ErrorKind::Sink {
                let kept = sink.checkpoint().await;
                kept.map_err(|error| sink_error(error).error)?;
            }
            let expired = error.kind() == ErrorKind::AddressExpired;
            let (error, after) = if expired && let Some(address) = replacements.next().await {
                // Nothing is gained by waiting: this is another address.
                self.address = address;
                (error, Duration::ZERO)
            } else {
                let next = attempts.next(error.retry(), retry_after, sink.position().length);
                let left = deadline.map(|end| end.saturating_duration_since(Instant::now()));
                // What failed says more than that the time was up after a pause for nothing.
                match next.filter(|after| left.is_none_or(|left| *after < left)) {
                    Some(after) => (error, after),
                    None => return Err(error),
                }
            };
            self.last_error = Some(error.kind());
            let error = error.with_url(&self.url);
            tracing::debug!(%error, ?after, attempt, "retrying");
            self.observer.retrying(error, after, *attempt, *began);
            sleep(after).await;
        }
    }

    fn check_range(&self) -> Result<(), Error> {
        let Some(range) = &self.request.range else {
            return Ok(());
        };
        let most = self.request.expect.max_length;
        match range.end.checked_sub(range.start) {
            None | Some(0) => Err(Error::new(
                ErrorKind::WrongRange,
                Retry::Never,
                "the range asked for is empty",
            )),
            Some(length) if length > most => {
                let reason = format!("the range has {length} bytes, more than the {most} allowed");
                Err(Error::new(ErrorKind::TooLarge, Retry::Never, reason))
            }
            Some(_) => Ok(()),
        }
    }
}

fn silent(what: &str, timeout: Duration) -> Error {
    Error::new(
        ErrorKind::Timeout,
        Retry::Always,
        format!("{what} for {timeout:?}"),
    )
}

pub(crate) fn sink_error(error: std::io::Error) -> Failure {
    Error::new(ErrorKind::Sink, Retry::Never, "the sink failed")
        .with_source(error)
        .into()
}

/// Ends a resource in its sink, which says whether the digest is the one expected.
pub(crate) async fn finish<K: Sink>(
    sink: &mut K,
    expect: &Expect,
    length: u64,
) -> Result<(), Failure> {
    let digest = expect.digest.clone();
    let end = End { length, digest };
    sink.finish(&end).await.map_err(|error| {
        if end.digest.is_none() || error.kind() != std::io::ErrorKind::InvalidData {
            return sink_error(error);
        }
        let reason = "the digest of the content is not the one expected";
        Failure {
            error: Error::new(ErrorKind::WrongContent, Retry::Once, reason).with_source(error),
            retry_after: None,
            start_again: true,
        }
    })
}

/// One line for what was fetched.
pub(crate) fn log(report: &Report) {
    tracing::debug!(
        url = shown(&report.url),
        status = report.metrics.last().and_then(|request| request.status),
        bytes = report.bytes,
        resumed_at = report.resumed_at,
        requests = report.requests,
        elapsed = ?report.duration,
        "fetched"
    );
}

/// For log lines.
fn shown(url: &Url) -> String {
    redacted(url).to_string()
}
