//! What the page asks and changes, as JSON. Changes need POST, from the page itself.

mod answers;
mod downloads;

use std::time::Duration;

use asset_store::{AssetId, Store};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

use super::reply::{self, Reply};
use crate::session::{library, queue, upkeep};
use crate::{Error, ErrorKind, Result};

pub(super) use downloads::Downloads;

/// A change is a few words; more is refused.
const BODY_LIMIT: usize = 16 * 1024;
/// How long it may take to come.
const BODY_TIME: Duration = Duration::from_secs(10);

/// Answers what is asked under `api/`.
pub(super) async fn answer(
    store: &Store,
    downloads: &Downloads,
    path: &[&str],
    request: Request<Incoming>,
) -> Result<Reply, StatusCode> {
    let answered = match *request.method() {
        Method::GET | Method::HEAD => question(store.clone(), path).await?,
        Method::POST => change(store, downloads, path, request).await?,
        _ => return Ok(reply::only("GET, HEAD, POST")),
    };
    Ok(answered.unwrap_or_else(|error| {
        let status = match error.kind() {
            ErrorKind::Usage => StatusCode::CONFLICT,
            ErrorKind::Busy => StatusCode::LOCKED,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        };
        let said = error.advice().map_or_else(
            || error.one_line(),
            |advice| format!("{} ({advice})", error.one_line()),
        );
        json(status, &json!({ "error": said }))
    }))
}

type Answered = Result<Result<Reply>, StatusCode>;

async fn question(store: Store, path: &[&str]) -> Answered {
    let id = |id: &str| AssetId::new(id).map_err(|_| StatusCode::NOT_FOUND);
    match path {
        ["library"] => read(move || answers::library(&store)).await,
        ["running"] => read(move || answers::running(&store)).await,
        ["space"] => read(move || answers::space(&store)).await,
        ["assets", asset] => {
            let id = id(asset)?;
            read(move || answers::details(&store, &id)).await
        }
        _ => Err(StatusCode::NOT_FOUND),
    }
}

async fn change(
    store: &Store,
    downloads: &Downloads,
    path: &[&str],
    request: Request<Incoming>,
) -> Answered {
    let ["assets", asset, what] = path else {
        return Err(StatusCode::NOT_FOUND);
    };
    // Browsers ask first (CORS) before they send JSON to another origin, and the answer to that is no.
    let content_type = request.headers().get(header::CONTENT_TYPE);
    if content_type.is_none_or(|value| value.as_bytes() != b"application/json") {
        return Err(StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
    let id = AssetId::new(*asset).map_err(|_| StatusCode::NOT_FOUND)?;
    let done = match *what {
        "pause" => queue::pause(store, &id).await,
        "resume" => downloads.resume(store, &id),
        "remove" => {
            let store = store.clone();
            return read(move || {
                upkeep::remove(&store, &id).map(|freed| json!({ "freed": freed }))
            })
            .await;
        }
        "policy" => {
            let policy: answers::PolicyChange = body(request).await?;
            policy.apply(store, &id)
        }
        "position" => {
            let position: answers::Position = body(request).await?;
            library::set_position(store, &id, position.seconds)
        }
        _ => return Err(StatusCode::NOT_FOUND),
    };
    Ok(done.map(|()| json(StatusCode::OK, &json!({}))))
}

async fn body<T: DeserializeOwned>(request: Request<Incoming>) -> Result<T, StatusCode> {
    let body = Limited::new(request.into_body(), BODY_LIMIT);
    let bytes = tokio::time::timeout(BODY_TIME, body.collect())
        .await
        .map_err(|_| StatusCode::REQUEST_TIMEOUT)?
        .map_err(|_| StatusCode::PAYLOAD_TOO_LARGE)?
        .to_bytes();
    serde_json::from_slice(&bytes).map_err(|_| StatusCode::BAD_REQUEST)
}

/// Answers away from the threads that wait for the network.
async fn read<T: Serialize + Send + 'static>(
    question: impl FnOnce() -> Result<T> + Send + 'static,
) -> Answered {
    let answered =
        tokio::task::spawn_blocking(move || question().map(|answer| json(StatusCode::OK, &answer)))
            .await;
    answered.map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

fn json(status: StatusCode, value: &impl Serialize) -> Reply {
    let Ok(bytes) = serde_json::to_vec(value) else {
        return reply::text(StatusCode::INTERNAL_SERVER_ERROR, "no answer");
    };
    let length = HeaderValue::from(bytes.len());
    let mut reply = Response::new(reply::bytes(bytes.into()));
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_LENGTH, length);
    reply
}

/// Whether a request comes from a page of this server, or from no browser at all. `host` is what it calls the server.
pub(super) fn is_from_here(headers: &HeaderMap, host: &str) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    let is_own = |origin: &HeaderValue| {
        let origin = origin.as_bytes().strip_prefix(b"http://");
        origin.is_some_and(|origin| origin.eq_ignore_ascii_case(host.as_bytes()))
    };
    // `same-site` is another port of this machine, and that is another program.
    site.is_none_or(|site| site == b"same-origin" || site == b"none")
        && headers.get_all(header::ORIGIN).iter().all(is_own)
}

/// The error of a change that cannot be understood.
pub(super) fn refused(what: &str) -> Error {
    Error::usage(what.to_owned())
}
