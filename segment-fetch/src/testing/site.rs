//! What an origin serves, how it misbehaves, and what it was asked.

use std::collections::{HashMap, VecDeque};
use std::future::{Ready, ready};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::RANGE;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};
use tokio::time::Instant;
use tower::Service;

use super::body::{Hangup, SiteBody};
use super::respond::{file, respond};

/// One resource of a [`Site`].
#[derive(Debug, Clone)]
pub struct Resource {
    /// The content.
    pub body: Bytes,
    /// The `Content-Type`.
    pub content_type: String,
    /// The `ETag`, quotes included. By default a strong one made from the content.
    pub etag: Option<String>,
    /// The `Last-Modified`.
    pub last_modified: Option<String>,
    /// Whether ranges are served.
    pub ranges: bool,
    /// Whether it is sent with gzip to those who accept it.
    pub gzip: bool,
    /// Further fields, of every answer for its path, faults included.
    pub headers: HeaderMap,
}

impl Resource {
    /// A resource as a well-kept server has it.
    pub fn new(body: impl Into<Bytes>) -> Self {
        let body = body.into();
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        Resource {
            etag: Some(format!("\"{:x}-{:x}\"", body.len(), hasher.finish())),
            content_type: "application/octet-stream".to_owned(),
            last_modified: None,
            ranges: true,
            gzip: false,
            headers: HeaderMap::new(),
            body,
        }
    }

    fn emptied(self) -> Self {
        Resource {
            body: Bytes::new(),
            ..self
        }
    }
}

/// One way to answer a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// None: the right answer.
    None,
    /// This status with a short text.
    Status(u16),
    /// This status with a `Retry-After`.
    RetryAfter {
        /// The status.
        status: u16,
        /// The value of the field.
        value: String,
    },
    /// 401, unless the request has this field with this value.
    Demand {
        /// The field.
        name: HeaderName,
        /// Its value.
        value: HeaderValue,
    },
    /// A redirect.
    Redirect {
        /// The status.
        status: u16,
        /// The `Location`, sent as it is.
        location: String,
    },
    /// The connection is closed instead of an answer.
    Reset,
    /// The connection is closed after so many bytes of the body.
    Cut(u64),
    /// Nothing more comes after so many bytes of the body.
    Stall(u64),
    /// The body comes slowly.
    Drip {
        /// Bytes in a piece.
        piece: usize,
        /// Time between two pieces.
        pause: Duration,
    },
    /// The whole with status 200, whatever range was asked for.
    IgnoreRange,
    /// The range, whatever `If-Range` says.
    IgnoreCondition,
    /// A 206 with the bytes from one further on, said so.
    ShiftedRange,
    /// A 206 with the first half of what was asked for, said so.
    ShortRange,
    /// A 206 with one byte more than was asked for, where there is one, said so.
    LongRange,
    /// A 206 without `Content-Range`.
    NoContentRange,
    /// A 206 with `multipart/byteranges`.
    Multipart,
    /// The right answer under another `ETag`.
    Etag(String),
    /// The right answer under a strong `ETag` that no other answer has.
    ChangingEtag,
    /// The right answer under a weak `ETag`.
    WeakEtag,
    /// The body compressed, though nobody asked.
    Gzip,
    /// The body compressed, and no field says so.
    RawGzip,
    /// An HTML page with status 200.
    Html,
    /// No `Content-Length`.
    Chunked,
    /// No `Content-Length`, and the connection is closed after so many bytes of the body.
    CutChunked(u64),
    /// Announces so many bytes more than come.
    AnnounceMore(u64),
    /// Announces so many bytes fewer than come.
    AnnounceFewer(u64),
    /// HEAD is answered with 405, everything else right.
    RefuseHead,
    /// HEAD is answered with a `Content-Length` of zero, everything else right.
    EmptyHead,
}

/// One request as it came.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Logged {
    /// The method.
    pub method: Method,
    /// The path, without the query.
    pub path: String,
    /// The query, without the question mark.
    pub query: Option<String>,
    /// Which version of HTTP was spoken.
    pub version: Version,
    /// The `Range` field.
    pub range: Option<String>,
    /// All headers.
    pub headers: HeaderMap,
    /// When it came, counted from when the site was made.
    pub at: Duration,
}

/// What an origin serves: resources, scripts of faults, and a log of requests. Clones are the same site.
#[derive(Debug, Clone)]
pub struct Site {
    state: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    routes: HashMap<String, Resource>,
    folder: Option<PathBuf>,
    scripts: HashMap<String, VecDeque<Fault>>,
    always: HashMap<String, Fault>,
    log: Vec<Logged>,
    made: Instant,
}

impl Default for Site {
    fn default() -> Self {
        Site::new()
    }
}

impl Site {
    /// A site with nothing on it.
    pub fn new() -> Self {
        let state = State {
            routes: HashMap::new(),
            folder: None,
            scripts: HashMap::new(),
            always: HashMap::new(),
            log: Vec::new(),
            made: Instant::now(),
        };
        Site {
            state: Arc::new(Mutex::new(state)),
        }
    }

    /// A site with the files of a folder; each is read when it is asked for.
    pub fn directory(folder: impl Into<PathBuf>) -> Self {
        let site = Site::new();
        site.state().folder = Some(folder.into());
        site
    }

    /// Puts a resource at a path, in the place of what was there.
    pub fn route(&self, path: &str, resource: Resource) {
        self.state().routes.insert(path.to_owned(), resource);
    }

    /// Answers the next requests for a path in these ways, one each, and then right again.
    pub fn script(&self, path: &str, faults: impl IntoIterator<Item = Fault>) {
        self.state()
            .scripts
            .entry(path.to_owned())
            .or_default()
            .extend(faults);
    }

    /// Answers requests for a path in this way whenever its script is at its end.
    pub fn always(&self, path: &str, fault: Fault) {
        self.state().always.insert(path.to_owned(), fault);
    }

    /// All requests so far, in the order they came.
    pub fn requests(&self) -> Vec<Logged> {
        self.state().log.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A test that panicked elsewhere leaves the state as good as it was.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn answer<B>(
        &self,
        request: &http::Request<B>,
    ) -> Result<http::Response<SiteBody>, Hangup> {
        let path = request.uri().path();
        let (fault, resource, folder) = {
            let mut state = self.state();
            let logged = Logged {
                method: request.method().clone(),
                path: path.to_owned(),
                query: request.uri().query().map(str::to_owned),
                version: request.version(),
                range: request
                    .headers()
                    .get(RANGE)
                    .and_then(|range| range.to_str().ok())
                    .map(str::to_owned),
                headers: request.headers().clone(),
                at: state.made.elapsed(),
            };
            state.log.push(logged);
            let scripted = state.scripts.get_mut(path).and_then(VecDeque::pop_front);
            let fault = scripted
                .or_else(|| state.always.get(path).cloned())
                .unwrap_or(Fault::None);
            let fault = match fault {
                Fault::ChangingEtag => Fault::Etag(format!("\"changing-{}\"", state.log.len())),
                fault => fault,
            };
            (fault, state.routes.get(path).cloned(), state.folder.clone())
        };
        let resource = resource.or_else(|| folder.and_then(|folder| file(&folder, path)));
        let is_head = request.method() == Method::HEAD;
        let (fault, resource) = match fault {
            Fault::RefuseHead if is_head => (Fault::Status(405), resource),
            Fault::EmptyHead if is_head => (Fault::None, resource.map(Resource::emptied)),
            fault => (fault, resource),
        };
        let mut response = respond(&fault, resource.as_ref(), request.headers())?;
        if let Some(resource) = resource {
            response.headers_mut().extend(resource.headers);
        }
        Ok(response)
    }
}

impl<B> Service<http::Request<B>> for Site {
    type Response = http::Response<SiteBody>;
    type Error = Hangup;
    type Future = Ready<Result<Self::Response, Hangup>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Hangup>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<B>) -> Self::Future {
        ready(self.answer(&request))
    }
}
