//! How long a resource is, told by the head of a response.

use std::pin::pin;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, Method, StatusCode};
use http_body_util::BodyExt;
use tokio::time::timeout;

use super::exchange::Exchange;
use super::silent;
use crate::content_range::ContentRange;
use crate::fetcher::Settings;
use crate::metrics::Recorder;
use crate::resume::{Asked, Decision, Retry};
use crate::{Error, ErrorKind, HttpService, Position, Request};

/// How to ask for the length of a resource without its content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AskLength {
    /// With HEAD. Some servers refuse it, and some signatures of addresses are good for GET alone.
    Head,
    /// With a GET of the first byte. What a server that ignores ranges sends besides is not read.
    FirstByte,
}

/// One request, and the redirects it leads through; `None` when the answer does not tell.
pub(crate) async fn length<S: HttpService>(
    settings: &Settings,
    service: S,
    request: &Request,
    ask: AskLength,
) -> Result<Option<u64>, Error> {
    let total = request.expect.total_timeout;
    let asking = asking(settings, service, request, ask);
    match total {
        None => asking.await,
        Some(total) => timeout(total, asking)
            .await
            .unwrap_or_else(|_| Err(silent("the length was not told", total))),
    }
    .map_err(|error| error.with_url(&request.url).with_attempts(1))
}

async fn asking<S: HttpService>(
    settings: &Settings,
    service: S,
    request: &Request,
    ask: AskLength,
) -> Result<Option<u64>, Error> {
    let (method, range) = match ask {
        AskLength::Head => (Method::HEAD, None),
        AskLength::FirstByte => (Method::GET, Some(0..1)),
    };
    let exchange = Exchange {
        options: &settings.options,
        service,
        request,
        method,
        url: request.url.clone(),
        recorder: Recorder::new(),
    };
    let asked = Asked::new(range, &Position::default(), &request.expect);
    let answer = exchange.run(asked).await;
    let (response, decision, _) = answer.result.map_err(|failure| failure.error)?;
    let storing = match decision {
        Decision::Store(storing) => storing,
        Decision::Complete { .. } => return Ok(None),
        Decision::Redirect { .. } => {
            let reason = "more redirects than allowed";
            return Err(Error::new(
                ErrorKind::TooManyRedirects,
                Retry::Never,
                reason,
            ));
        }
        Decision::Reject(rejection) => {
            return Err(Error::new(
                rejection.kind,
                rejection.retry,
                rejection.reason,
            ));
        }
    };
    if request.expect.refuse_html && is_html(response.headers()) {
        let reason = "the content is an HTML page";
        return Err(Error::new(ErrorKind::WrongContent, Retry::Never, reason));
    }
    if response.status() != StatusCode::PARTIAL_CONTENT {
        return Ok(storing.announced);
    }
    let told = match ContentRange::from_headers(response.headers()) {
        Some(ContentRange::Bytes { complete, .. }) => complete,
        _ => None,
    };
    // A connection whose answer has been read can be used again; for one byte that is worth the while.
    let mut body = pin!(response.into_body());
    for _byte_and_end in 0..2 {
        if !matches!(
            timeout(settings.options.idle_timeout, body.frame()).await,
            Ok(Some(Ok(_)))
        ) {
            break;
        }
    }
    Ok(told)
}

/// Without a body to look at, this is all there is to tell a sign-in page by.
fn is_html(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| {
        kind.trim_start()
            .to_ascii_lowercase()
            .starts_with("text/html")
    })
}
