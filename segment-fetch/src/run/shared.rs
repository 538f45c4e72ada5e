//! One request for ranges of many, and the body that is shared among them.

use bytes::Bytes;
use http::{Method, StatusCode, Version};
use tokio::time::{Instant, timeout};
use url::Url;

use super::attempt::{Pace, too_slow};
use super::exchange::{Answer, Exchange};
use super::race::{self, Lane};
use super::{Failure, silent};
use crate::fetcher::Settings;
use crate::metrics::Recorder;
use crate::resume::{Asked, Decision, Retry};
use crate::{Error, ErrorKind, HttpService, Position, Request, Validator};

/// The body of a right answer, without sinks.
pub(crate) struct Shared<'a, S: HttpService> {
    settings: &'a Settings,
    recorder: Recorder,
    lane: Lane<S::ResponseBody>,
    pace: Pace,
    is_whole: bool,
    is_multiplexed: bool,
}

/// What comes next of a body.
pub(crate) enum Piece {
    /// So many bytes came, and these of them are of what was asked for.
    More { received: u64, right: Bytes },
    /// The body has ended; this was kept back until then.
    Last(Bytes),
}

impl<'a, S: HttpService> Shared<'a, S> {
    /// Asks once, from the start of the range. Of a server that ignores ranges everything is taken, from the start of the
    /// resource.
    pub(crate) async fn ask(
        settings: &'a Settings,
        service: S,
        request: &Request,
        recorder: &Recorder,
    ) -> Result<Self, Failure> {
        let asked = Asked::new(request.range.clone(), &Position::default(), &request.expect);
        let exchange = Exchange {
            method: Method::GET,
            options: &settings.options,
            service,
            request,
            url: settings.refresher.replacements(request).current(),
            recorder: recorder.clone(),
        };
        let Answer { url, result } = exchange.run(asked).await;
        let at = url.clone();
        let told = |failure: Failure| Failure {
            error: failure.error.with_url(&at),
            ..failure
        };
        let (response, decision, sent) = result.map_err(told)?;
        let mut storing = match decision {
            Decision::Store(storing) => storing,
            Decision::Reject(rejection) => return Err(told(rejection.into())),
            Decision::Redirect { .. } | Decision::Complete { .. } => {
                let reason = "the server does not come to an answer";
                let error = Error::new(ErrorKind::TooManyRedirects, Retry::Never, reason);
                return Err(told(error.into()));
            }
        };
        let is_whole = response.status() == StatusCode::OK;
        let mut expect = request.expect.clone();
        if is_whole {
            storing.skip = 0;
            storing.take = None;
            // It is read as far as somebody wants it, and the limit is for what each of them gets.
            expect.max_length = u64::MAX;
        }
        Ok(Shared {
            settings,
            recorder: recorder.clone(),
            is_whole,
            is_multiplexed: response.version() == Version::HTTP_2,
            lane: Lane::new(url, response, sent, storing, &expect),
            pace: Pace::default(),
        })
    }

    /// Whether the whole resource comes, and not the range.
    pub(crate) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Whether the server takes many requests on one connection.
    pub(crate) fn is_multiplexed(&self) -> bool {
        self.is_multiplexed
    }

    /// Where it comes from, after redirects.
    pub(crate) fn url(&self) -> &Url {
        &self.lane.url
    }

    /// Under which validator the bytes can be continued.
    pub(crate) fn validator(&self) -> Option<&Validator> {
        self.lane.storing.validator.as_ref()
    }

    /// Whether the body only has to end.
    pub(crate) fn has_all(&self) -> bool {
        self.lane.intake.has_all()
    }

    /// The next piece, within the limits of silence and slowness.
    pub(crate) async fn next(&mut self) -> Result<Piece, Failure> {
        let url = self.lane.url.clone();
        self.read().await.map_err(|failure| Failure {
            error: failure.error.with_url(&url),
            ..failure
        })
    }

    async fn read(&mut self) -> Result<Piece, Failure> {
        let options = &self.settings.options;
        let waiting = Instant::now();
        let next = race::piece(std::slice::from_mut(&mut self.lane));
        let Ok((_, piece)) = timeout(options.idle_timeout, next).await else {
            return Err(silent("the body stopped coming", options.idle_timeout).into());
        };
        let piece = match piece {
            Ok(Some(piece)) => piece,
            Err(error) if !self.has_all() => return Err(error.into()),
            Ok(None) | Err(_) => {
                let (rest, _) = self.lane.intake.finish()?;
                return Ok(Piece::Last(rest.unwrap_or_default()));
            }
        };
        let received = piece.len() as u64;
        self.recorder.received(self.lane.sent, received);
        let right = self.lane.intake.push(piece)?.unwrap_or_default();
        self.pace.waited += waiting.elapsed();
        self.pace.bytes = self.pace.bytes.saturating_add(received);
        if self.pace.is_too_slow(options.least_pace) {
            return Err(too_slow());
        }
        Ok(Piece::More { received, right })
    }

    /// Waits as long as the rate limit asks for after so many bytes.
    pub(crate) async fn pay(&mut self, received: u64) {
        self.settings.options.pay(&self.lane.url, received).await;
    }
}
