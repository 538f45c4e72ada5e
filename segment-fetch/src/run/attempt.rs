//! One attempt: a request, maybe a second one beside it, and what they bring.

use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use http::{Method, StatusCode, Version};
use tokio::time::{Instant, timeout};

use super::exchange::{Answer, Exchange};
use super::race::{self, Lane, Race};
use super::{Ended, Failure, Observer, Run, finish, silent, sink_error};
use crate::intake::Intake;
use crate::metrics;
use crate::resume::{Asked, Decision, Rejection, Retry, Storing, decide};
use crate::{Error, ErrorKind, HttpService, LeastPace, Position, Sink, Start, Validator, data_url};

/// How often a job may be hedged. Each time costs at most what was left of it.
const HEDGES: u32 = 2;

/// What happened next.
enum Step<B> {
    Piece(usize, Result<Option<Bytes>, Error>),
    Answer(Box<Answer<B>>),
    Silence,
    Hedge,
}

/// How far this attempt got in the sink.
struct Begun {
    validator: Option<Validator>,
    complete_length: Option<u64>,
    at: u64,
}

/// How long bytes were waited for, and how many came.
#[derive(Default)]
pub(super) struct Pace {
    pub(super) waited: Duration,
    pub(super) bytes: u64,
}

impl Pace {
    /// Whether it was waited long enough for too little; then it is measured anew.
    pub(super) fn is_too_slow(&mut self, least: Option<LeastPace>) -> bool {
        least.is_some_and(|least| {
            self.waited >= least.within && std::mem::take(self).bytes < least.bytes
        })
    }
}

impl<'a, S: HttpService, O: Observer> Run<'a, S, O> {
    pub(super) async fn attempt<K: Sink>(&mut self, sink: &mut K) -> Result<Ended, Failure> {
        let held = if self.start_again {
            Position::default()
        } else {
            sink.position()
        };
        if self.address.scheme() == "data" {
            return self.read_data(sink).await;
        }
        let asked = Asked::new(self.request.range.clone(), &held, &self.request.expect);
        if let Some(length) = asked.already_complete() {
            return self.complete(sink, length, Ended::default()).await;
        }
        let mut race = Race::new();
        race.ask(self.exchange(), asked.clone());
        let ended = self.race(sink, &mut race, asked).await;
        if std::mem::take(&mut self.hedging) {
            self.observer.hedge_ended();
        }
        ended
    }

    fn exchange(&self) -> Exchange<'a, S> {
        Exchange {
            options: self.options,
            service: self.service.clone(),
            request: self.request,
            method: Method::GET,
            url: self.address.clone(),
            recorder: self.recorder.clone(),
        }
    }

    /// Takes what comes, until it is whole, or until nothing is under way any more.
    async fn race<K: Sink>(
        &mut self,
        sink: &mut K,
        race: &mut Race<'a, S::ResponseBody>,
        asked: Asked<'a>,
    ) -> Result<Ended, Failure> {
        let mut begun: Option<Begun> = None;
        let mut pace = Pace::default();
        loop {
            let taken = match self.step(race, &mut pace).await {
                Step::Answer(answer) => self.answered(sink, race, *answer).await,
                Step::Hedge => {
                    self.hedge(race, &asked, begun.as_ref(), &*sink);
                    Ok(None)
                }
                Step::Silence => {
                    race.lanes.clear();
                    let idle = self.options.idle_timeout;
                    Err(silent("the body stopped coming", idle).into())
                }
                Step::Piece(index, piece) => {
                    let mut taken = match race.lanes.get_mut(index) {
                        Some(lane) => self.take(sink, &mut begun, lane, piece).await,
                        None => Ok(None),
                    };
                    if taken.is_err() {
                        race.lanes.remove(index);
                    } else if matches!(taken, Ok(None)) && pace.is_too_slow(self.options.least_pace)
                    {
                        race.lanes.clear();
                        taken = Err(too_slow());
                    }
                    taken
                }
            };
            match taken {
                Ok(Some(ended)) => return Ok(ended),
                Ok(None) => {}
                // A sink that fails does so for both, and what is of another version is so for both.
                Err(failure)
                    if race.len() == 0
                        || failure.start_again
                        || failure.error.kind() == ErrorKind::Sink =>
                {
                    return Err(failure);
                }
                Err(failure) => {
                    tracing::debug!(error = %failure.error, "one of two requests failed");
                }
            }
            if self.hedging && race.len() < 2 {
                self.hedging = false;
                self.observer.hedge_ended();
            }
        }
    }

    /// Waits for whatever comes first.
    async fn step(
        &mut self,
        race: &mut Race<'a, S::ResponseBody>,
        pace: &mut Pace,
    ) -> Step<S::ResponseBody> {
        let (waiting, reading) = (Instant::now(), !race.lanes.is_empty());
        let idle = self.options.idle_timeout;
        let step = tokio::select! {
            biased;
            piece = timeout(idle, race::piece(&mut race.lanes)), if reading => match piece {
                Ok((lane, piece)) => Step::Piece(lane, piece),
                Err(_) => Step::Silence,
            },
            Some(answer) = race.asked.next() => Step::Answer(Box::new(answer)),
            () = self.hedge.notified() => Step::Hedge,
        };
        if reading {
            pace.waited += waiting.elapsed();
        }
        if let Step::Piece(_, Ok(Some(piece))) = &step {
            pace.bytes = pace.bytes.saturating_add(piece.len() as u64);
        }
        step
    }

    /// The head of a response is there, or will not come.
    async fn answered<K: Sink>(
        &mut self,
        sink: &mut K,
        race: &mut Race<'a, S::ResponseBody>,
        answer: Answer<S::ResponseBody>,
    ) -> Result<Option<Ended>, Failure> {
        self.url = answer.url;
        let (response, decision, sent) = answer.result?;
        if response.version() == Version::HTTP_2 {
            self.observer.multiplexed();
        }
        match decision {
            Decision::Store(storing) => {
                // A server that was not asked on a condition has no other reason to send the whole.
                if response.status() == StatusCode::OK
                    && self.request.range.is_some()
                    && (self.start_again || sink.position().length == 0)
                {
                    self.observer.ignores_ranges();
                }
                let url = self.url.clone();
                race.answered(url, response, sent, storing, &self.request.expect);
                Ok(None)
            }
            Decision::Complete { length } if length != sink.position().length => {
                // The other answer went on meanwhile.
                let reason = "two answers about the same version have different lengths";
                Err(Error::new(ErrorKind::WrongRange, Retry::Always, reason).into())
            }
            Decision::Complete { length } => {
                let ended = self.complete(sink, length, Ended::of(&response)).await?;
                Ok(Some(ended))
            }
            Decision::Reject(rejection) => Err(rejection.into()),
            Decision::Redirect { .. } => Err(Error::new(
                ErrorKind::TooManyRedirects,
                Retry::Never,
                "more redirects than allowed",
            )
            .into()),
        }
    }

    /// Asks a second time for what is left, if bytes of two answers can be put together or there are none yet.
    fn hedge<K: Sink>(
        &mut self,
        race: &Race<'a, S::ResponseBody>,
        asked: &Asked<'a>,
        begun: Option<&Begun>,
        sink: &K,
    ) {
        let can_join = begun.is_none_or(|begun| begun.validator.is_some());
        if race.len() != 1 || self.hedges >= HEDGES || !can_join || self.request.expect.compression
        {
            self.observer.hedge_ended();
            return;
        }
        let asked = if begun.is_some() {
            let expect = &self.request.expect;
            Asked::new(self.request.range.clone(), &sink.position(), expect)
        } else {
            asked.clone()
        };
        self.hedges += 1;
        self.hedging = true;
        tracing::debug!(offset = asked.offset(), "hedging a slow request");
        race.ask(self.exchange(), asked);
    }

    /// The sink held everything before.
    async fn complete<K: Sink>(
        &mut self,
        sink: &mut K,
        length: u64,
        ended: Ended,
    ) -> Result<Ended, Failure> {
        self.resumed_at.get_or_insert(length);
        finish(sink, &self.request.expect, length).await?;
        Ok(Ended { length, ..ended })
    }

    /// Takes a piece of a body or its end, and ends when nothing more is wanted of it.
    async fn take<K: Sink, B>(
        &mut self,
        sink: &mut K,
        begun: &mut Option<Begun>,
        lane: &mut Lane<B>,
        piece: Result<Option<Bytes>, Error>,
    ) -> Result<Option<Ended>, Failure> {
        let piece = match piece {
            Ok(Some(piece)) => piece,
            Ok(None) => return self.finish(sink, begun, lane).await.map(Some),
            Err(_) if lane.intake.has_all() => {
                return self.finish(sink, begun, lane).await.map(Some);
            }
            Err(error) => return Err(error.into()),
        };
        let length = piece.len() as u64;
        self.received = self.received.saturating_add(length);
        self.observer.received(length);
        self.recorder.received(lane.sent, length);
        if let Some(right) = lane.intake.push(piece)? {
            self.store(sink, begun, &lane.storing, &mut lane.at, right)
                .await?;
        }
        self.options.pay(&lane.url, length).await;
        if lane.intake.is_satisfied() {
            self.finish(sink, begun, lane).await.map(Some)
        } else {
            Ok(None)
        }
    }

    async fn finish<K: Sink, B>(
        &mut self,
        sink: &mut K,
        begun: &mut Option<Begun>,
        lane: &mut Lane<B>,
    ) -> Result<Ended, Failure> {
        let (rest, length) = lane.intake.finish()?;
        let rest = rest.unwrap_or_default();
        self.store(sink, begun, &lane.storing, &mut lane.at, rest)
            .await?;
        if begun.as_ref().is_some_and(|begun| begun.at != length) {
            let reason = "two answers about the same version have different lengths";
            return Err(
                Rejection::new(ErrorKind::WrongLength, Retry::Always, reason)
                    .starting_again()
                    .into(),
            );
        }
        finish(sink, &self.request.expect, length).await?;
        self.url = lane.url.clone();
        Ok(Ended {
            headers: std::mem::take(&mut lane.headers),
            remote_address: metrics::remote_address(&lane.extensions),
            is_proxied: metrics::is_proxied(&lane.extensions),
            length,
        })
    }

    /// Appends what the sink does not have yet, and begins when this is the first.
    async fn store<K: Sink>(
        &mut self,
        sink: &mut K,
        begun: &mut Option<Begun>,
        storing: &Storing,
        at: &mut u64,
        right: Bytes,
    ) -> Result<(), Failure> {
        let begun = if let Some(begun) = begun {
            begun
        } else {
            sink.begin(&Start {
                offset: storing.offset,
                validator: storing.validator.clone(),
                complete_length: storing.complete_length,
            })
            .await
            .map_err(sink_error)?;
            self.start_again = false;
            self.resumed_at.get_or_insert(storing.offset);
            begun.insert(Begun {
                validator: storing.validator.clone(),
                complete_length: storing.complete_length,
                at: storing.offset,
            })
        };
        // A lane alone always continues what it began itself.
        let is_same = storing.validator == begun.validator
            && storing.complete_length == begun.complete_length
            && (storing.validator.is_some() || *at == begun.at);
        if !is_same || *at > begun.at {
            let reason = "the second answer is about another version";
            return Err(Error::new(ErrorKind::WrongRange, Retry::Always, reason).into());
        }
        let known = usize::try_from(begun.at.saturating_sub(*at)).unwrap_or(usize::MAX);
        *at = at.saturating_add(right.len() as u64);
        let new = right.slice(known.min(right.len())..);
        let length = new.len() as u64;
        if length > 0 {
            sink.append(new).await.map_err(sink_error)?;
            begun.at = begun.at.saturating_add(length);
            self.observer.appended(length);
        }
        Ok(())
    }

    async fn read_data<K: Sink>(&mut self, sink: &mut K) -> Result<Ended, Failure> {
        let expect = &self.request.expect;
        let room = expect
            .max_length
            .saturating_add(self.request.range.as_ref().map_or(0, |range| range.start));
        let content = data_url::read(&self.address, room)?;
        let asked = Asked::new(self.request.range.clone(), &Position::default(), expect);
        let storing = match decide(&asked, content.status, &content.headers) {
            Decision::Store(storing) => storing,
            Decision::Reject(rejection) => return Err(rejection.into()),
            // A 200 leads to nothing else.
            Decision::Complete { .. } | Decision::Redirect { .. } => {
                let reason = "the data URL cannot be read";
                return Err(Error::new(ErrorKind::InvalidUrl, Retry::Never, reason).into());
            }
        };
        let mut intake = Intake::new(expect, &storing);
        let (mut begun, mut at) = (None, 0);
        let first = intake.push(content.body)?;
        let (rest, length) = intake.finish()?;
        for right in [first, Some(rest.unwrap_or_default())]
            .into_iter()
            .flatten()
        {
            self.store(sink, &mut begun, &storing, &mut at, right)
                .await?;
        }
        finish(sink, expect, length).await?;
        Ok(Ended {
            headers: content.headers,
            length,
            ..Ended::default()
        })
    }
}

pub(super) fn too_slow() -> Failure {
    let reason = "the body comes too slowly";
    Error::new(ErrorKind::Timeout, Retry::Always, reason).into()
}

impl Ended {
    fn of<B>(response: &http::Response<B>) -> Self {
        Ended {
            headers: response.headers().clone(),
            remote_address: metrics::remote_address(response.extensions()),
            is_proxied: metrics::is_proxied(response.extensions()),
            length: 0,
        }
    }
}
