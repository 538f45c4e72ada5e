//! One fetch from the first attempt to the last: the only place where the parts meet.

mod exchange;

use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::time::Duration;

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::Body;
use http_body_util::BodyExt;
use tokio::time::{Instant, sleep, timeout};
use url::Url;

use crate::error::{BoxError, redacted};
use crate::intake::Intake;
use crate::metrics::{self, Recorder};
use crate::resume::{Asked, Decision, Rejection, Retry, RetryAfter, Storing, decide};
use crate::retry::Attempts;
use crate::{
    Error, ErrorKind, FetchOptions, HttpService, Position, Report, Request, Sink, Start, data_url,
};

/// Is told what a run does.
pub(crate) trait Observer: Send {
    /// The sink took so many bytes more.
    fn appended(&mut self, bytes: u64);
    /// An attempt failed; the next follows after a pause.
    fn retrying(&mut self, error: Error, after: Duration, attempt: u32);
    /// There will be no more.
    fn ended(&mut self);
}

/// Nobody looks.
pub(crate) struct Unobserved;

impl Observer for Unobserved {
    fn appended(&mut self, _: u64) {}
    fn retrying(&mut self, _: Error, _: Duration, _: u32) {}
    fn ended(&mut self) {}
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
    service: S,
    request: &'a Request,
    observer: O,
    /// The address of the last response, or of the last request that got none.
    url: Url,
    /// What is held is of another version, until the sink has begun again.
    start_again: bool,
    /// Bytes that the sink had and that were kept, once that is known.
    resumed_at: Option<u64>,
    received: u64,
    requests: u32,
    recorder: Recorder,
}

/// Why an attempt failed, and what that means for the next.
struct Failure {
    error: Error,
    retry_after: Option<RetryAfter>,
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
        options: &'a FetchOptions,
        service: S,
        request: &'a Request,
        observer: O,
    ) -> Self {
        let url = request.url.clone();
        Run {
            options,
            service,
            request,
            observer,
            url,
            start_again: false,
            resumed_at: None,
            received: 0,
            requests: 0,
            recorder: Recorder::new(),
        }
    }

    /// Fetches, within the total time if there is a limit.
    pub(crate) async fn run<K: Sink>(mut self, sink: &mut K) -> Result<Done, Error> {
        let started = Instant::now();
        let mut attempt = 0;
        let limit = self.request.expect.total_timeout;
        let attempts = self.attempts(sink, &mut attempt);
        let ended = match limit {
            None => attempts.await,
            Some(limit) => timeout(limit, attempts).await.unwrap_or_else(|_| {
                let reason = format!("not done in {limit:?}");
                Err(Error::new(ErrorKind::Timeout, Retry::Always, reason))
            }),
        };
        self.observer.ended();
        let ended = ended.map_err(|error| error.with_url(&self.url).with_attempts(attempt))?;
        let (metrics, metrics_omitted) = self.recorder.into_parts();
        let report = Report {
            url: self.url,
            bytes: self.received,
            length: ended.length,
            resumed_at: self.resumed_at.unwrap_or(0),
            requests: self.requests,
            retries: attempt.saturating_sub(1),
            duration: started.elapsed(),
            metrics,
            metrics_omitted,
        };
        Ok(Done {
            report,
            headers: ended.headers,
            remote_address: ended.remote_address,
            is_proxied: ended.is_proxied,
        })
    }

    /// Attempt after attempt, with pauses between them; `attempt` counts.
    async fn attempts<K: Sink>(&mut self, sink: &mut K, attempt: &mut u32) -> Result<Ended, Error> {
        self.check_range()?;
        let options = self.options;
        let mut attempts = Attempts::new(&options.retry, sink.position().length);
        loop {
            *attempt = attempt.saturating_add(1);
            // A redirect may lead elsewhere by now, so every attempt starts where the first did.
            self.url = self.request.url.clone();
            let Failure {
                error,
                retry_after,
                start_again,
            } = match self.attempt(sink).await {
                Ok(ended) => return Ok(ended),
                Err(failure) => failure,
            };
            self.start_again |= start_again;
            let Some(after) = attempts.next(error.retry(), retry_after, sink.position().length)
            else {
                return Err(error);
            };
            let error = error.with_url(&self.url);
            tracing::debug!(%error, ?after, attempt, "retrying");
            self.observer.retrying(error, after, *attempt);
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

    /// One attempt: a request, the redirects it leads through, and the body at the end of them.
    async fn attempt<K: Sink>(&mut self, sink: &mut K) -> Result<Ended, Failure> {
        let request = self.request;
        let held = if self.start_again {
            Position::default()
        } else {
            sink.position()
        };
        let asked = Asked::new(request.range.clone(), &held, &request.expect);
        if request.url.scheme() == "data" {
            return self.read_data(sink).await;
        }
        if let Some(length) = asked.already_complete() {
            return self.complete(sink, length, Ended::default()).await;
        }
        let (response, decision) = self.exchange(&asked).await?;
        let (parts, body) = response.into_parts();
        let ended = Ended {
            remote_address: metrics::remote_address(&parts.extensions),
            is_proxied: metrics::is_proxied(&parts.extensions),
            headers: parts.headers,
            length: 0,
        };
        match decision {
            Decision::Store(storing) => self.receive(sink, &storing, body, ended).await,
            Decision::Complete { length } => self.complete(sink, length, ended).await,
            Decision::Reject(rejection) => Err(rejection.into()),
            Decision::Redirect { .. } => Err(Error::new(
                ErrorKind::TooManyRedirects,
                Retry::Never,
                "more redirects than allowed",
            )
            .into()),
        }
    }

    /// The sink held everything before.
    async fn complete<K: Sink>(
        &mut self,
        sink: &mut K,
        length: u64,
        ended: Ended,
    ) -> Result<Ended, Failure> {
        self.resumed_at.get_or_insert(length);
        sink.finish(length).await.map_err(sink_error)?;
        Ok(Ended { length, ..ended })
    }

    async fn read_data<K: Sink>(&mut self, sink: &mut K) -> Result<Ended, Failure> {
        let expect = &self.request.expect;
        let room = expect
            .max_length
            .saturating_add(self.request.range.as_ref().map_or(0, |range| range.start));
        let content = data_url::read(&self.url, room)?;
        let asked = Asked::new(self.request.range.clone(), &Position::default(), expect);
        match decide(&asked, content.status, &content.headers) {
            Decision::Store(storing) => {
                let ended = Ended {
                    headers: content.headers,
                    ..Ended::default()
                };
                self.receive(
                    sink,
                    &storing,
                    http_body_util::Full::new(content.body),
                    ended,
                )
                .await
            }
            Decision::Reject(rejection) => Err(rejection.into()),
            // A 200 leads to nothing else.
            Decision::Complete { .. } | Decision::Redirect { .. } => Err(Error::new(
                ErrorKind::InvalidUrl,
                Retry::Never,
                "the data URL cannot be read",
            )
            .into()),
        }
    }

    /// Takes the body into the sink.
    async fn receive<K, B>(
        &mut self,
        sink: &mut K,
        storing: &Storing,
        body: B,
        ended: Ended,
    ) -> Result<Ended, Failure>
    where
        K: Sink,
        B: Body<Data: Buf, Error: Into<BoxError>>,
    {
        let mut body = pin!(body);
        let mut intake = Intake::new(&self.request.expect, storing);
        let mut begun = false;
        while !intake.is_satisfied() {
            let piece = match next_piece(body.as_mut(), self.options.idle_timeout).await {
                Ok(Some(piece)) => piece,
                Ok(None) => break,
                Err(_) if intake.has_all() => break,
                Err(error) => return Err(error.into()),
            };
            self.received = self.received.saturating_add(piece.len() as u64);
            self.recorder.received(piece.len() as u64);
            if let Some(right) = intake.push(piece)? {
                self.store(sink, storing, &mut begun, right).await?;
            }
        }
        let (rest, length) = intake.finish()?;
        self.store(sink, storing, &mut begun, rest.unwrap_or_default())
            .await?;
        sink.finish(length).await.map_err(sink_error)?;
        Ok(Ended { length, ..ended })
    }

    /// Begins when this is the first, and appends.
    async fn store<K: Sink>(
        &mut self,
        sink: &mut K,
        storing: &Storing,
        begun: &mut bool,
        right: Bytes,
    ) -> Result<(), Failure> {
        if !*begun {
            let Storing {
                offset,
                ref validator,
                complete_length,
                ..
            } = *storing;
            sink.begin(&Start {
                offset,
                validator: validator.clone(),
                complete_length,
            })
            .await
            .map_err(sink_error)?;
            *begun = true;
            self.start_again = false;
            self.resumed_at.get_or_insert(offset);
        }
        let length = right.len() as u64;
        if length > 0 {
            sink.append(right).await.map_err(sink_error)?;
            self.observer.appended(length);
        }
        Ok(())
    }
}

/// The next bytes of the body, `None` at its end.
async fn next_piece<B>(
    mut body: Pin<&mut B>,
    idle_timeout: Duration,
) -> Result<Option<Bytes>, Error>
where
    B: Body<Data: Buf, Error: Into<BoxError>>,
{
    loop {
        let frame = match timeout(idle_timeout, body.as_mut().frame()).await {
            Err(_) => return Err(silent("the body stopped coming", idle_timeout)),
            Ok(None) => return Ok(None),
            Ok(Some(Err(error))) => {
                return Err(
                    Error::new(ErrorKind::Truncated, Retry::Always, "the body was cut")
                        .with_source(error),
                );
            }
            Ok(Some(Ok(frame))) => frame,
        };
        // What is not data are trailers.
        if let Ok(mut data) = frame.into_data() {
            return Ok(Some(data.copy_to_bytes(data.remaining())));
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

fn sink_error(error: std::io::Error) -> Failure {
    Error::new(ErrorKind::Sink, Retry::Never, "the sink failed")
        .with_source(error)
        .into()
}

/// For log lines.
fn shown(url: &Url) -> String {
    redacted(url).to_string()
}
