//! The answers to one attempt: usually one, two when a slow request was hedged.
//!
//! Whatever brings the next byte first is taken. Bytes of two answers only ever meet under the same strong validator,
//! which says that they are bytes of the same content (RFC 9110, section 8.8.1); so the sink sees one stream.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use http::{Extensions, HeaderMap};
use http_body::Body;
use url::Url;

use super::exchange::{Answer, Exchange};
use crate::error::BoxError;
use crate::intake::Intake;
use crate::metrics::Sent;
use crate::resume::{Asked, Retry, Storing};
use crate::{Error, ErrorKind, Expect, HttpService};

/// Answers that are waited for, and those that come in.
pub(super) struct Race<'a, B> {
    pub(super) asked: FuturesUnordered<BoxFuture<'a, Answer<B>>>,
    pub(super) lanes: Vec<Lane<B>>,
}

/// One answer on its way to the sink.
pub(super) struct Lane<B> {
    body: Pin<Box<B>>,
    pub(super) storing: Storing,
    pub(super) intake: Intake,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) extensions: Extensions,
    /// Which request it is the answer to.
    pub(super) sent: Sent,
    /// The place in the sink of the next byte it has for it.
    pub(super) at: u64,
}

impl<'a, B> Race<'a, B>
where
    B: Body<Data: Buf, Error: Into<BoxError>> + Send + 'static,
{
    pub(super) fn new() -> Self {
        Race {
            asked: FuturesUnordered::new(),
            lanes: Vec::new(),
        }
    }

    pub(super) fn ask<S>(&self, exchange: Exchange<'a, S>, asked: Asked<'a>)
    where
        S: HttpService<ResponseBody = B>,
    {
        self.asked.push(Box::pin(exchange.run(asked)));
    }

    pub(super) fn answered(
        &mut self,
        url: Url,
        response: http::Response<B>,
        sent: Sent,
        storing: Storing,
        expect: &Expect,
    ) {
        self.lanes
            .push(Lane::new(url, response, sent, storing, expect));
    }

    /// How many requests are under way.
    pub(super) fn len(&self) -> usize {
        self.asked.len() + self.lanes.len()
    }
}

/// The next piece of any body and which lane it is of; `None` at the end of one. Waits for ever without lanes.
pub(super) async fn piece<B>(lanes: &mut [Lane<B>]) -> (usize, Result<Option<Bytes>, Error>)
where
    B: Body<Data: Buf, Error: Into<BoxError>>,
{
    poll_fn(|context| {
        for (index, lane) in lanes.iter_mut().enumerate() {
            if let Poll::Ready(piece) = lane.poll_piece(context) {
                return Poll::Ready((index, piece));
            }
        }
        Poll::Pending
    })
    .await
}

impl<B> Lane<B>
where
    B: Body<Data: Buf, Error: Into<BoxError>>,
{
    pub(super) fn new(
        url: Url,
        response: http::Response<B>,
        sent: Sent,
        storing: Storing,
        expect: &Expect,
    ) -> Self {
        let (parts, body) = response.into_parts();
        Lane {
            body: Box::pin(body),
            intake: Intake::new(expect, &storing),
            at: storing.offset,
            storing,
            url,
            headers: parts.headers,
            extensions: parts.extensions,
            sent,
        }
    }

    fn poll_piece(&mut self, context: &mut Context<'_>) -> Poll<Result<Option<Bytes>, Error>> {
        loop {
            let frame = match std::task::ready!(self.body.as_mut().poll_frame(context)) {
                None => return Poll::Ready(Ok(None)),
                Some(Err(error)) => {
                    let cut = Error::new(ErrorKind::Truncated, Retry::Always, "the body was cut");
                    return Poll::Ready(Err(cut.with_source(error)));
                }
                Some(Ok(frame)) => frame,
            };
            // What is not data are trailers.
            if let Ok(mut data) = frame.into_data() {
                return Poll::Ready(Ok(Some(data.copy_to_bytes(data.remaining()))));
            }
        }
    }
}
