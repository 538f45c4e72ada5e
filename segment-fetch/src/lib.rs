//! Many HTTP resources, fetched whole and right, into anything: resume, retry, limits, progress.
//!
//! ```
//! use futures::StreamExt;
//! use segment_fetch::{Event, FetchOptions, Fetcher, Job, MemorySink, Request, TransportOptions, https};
//! # use segment_fetch::testing::{Fault, Origin, Resource, Site};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = Site::new();
//! # for index in 0..20 { site.route(&format!("/{index}.ts"), Resource::new(vec![0x47; 18_800])); }
//! # site.script("/7.ts", [Fault::Cut(9_000)]);
//! # let origin = Origin::serve(site)?;
//! let fetcher = Fetcher::with_service(https(&TransportOptions::default())?, FetchOptions::default());
//! let jobs = (0..20).map(|index| {
//!     let request = Request::get(origin.url(&format!("/{index}.ts")));
//!     Job::new(index, request, MemorySink::new())
//! });
//! let mut events = fetcher.fetch_all(futures::stream::iter(jobs));
//! let mut bytes = 0;
//! while let Some(event) = events.next().await {
//!     match event {
//!         Event::Finished { sink, .. } => bytes += sink.bytes().len(),
//!         Event::Failed { tag, error, .. } => return Err(format!("resource {tag}: {error}").into()),
//!         _ => {}
//!     }
//! }
//! assert_eq!(bytes, 20 * 18_800);
//! # Ok(()) }
//! ```
//!
//! # The nouns
//!
//! * A [`Request`] says what to get: an address, maybe a range of bytes, what the answer is [expected](Expect) to be,
//!   and which addresses are within [`Reach`].
//! * A [`Sink`] takes the bytes and knows how far it is and under which [`Validator`]; that is all that resuming needs,
//!   in the same run or in another. It also compares the [digest](Expect::digest), where one is expected. [`MemorySink`] is one; yours may be a file or a store.
//! * A [`Fetcher`] gets requests into sinks, over any [`tower::Service`] that carries HTTP. [`https()`] makes the usual
//!   one, with hyper and rustls. One at a time with [`fetch`](Fetcher::fetch) and [`fetch_into`](Fetcher::fetch_into),
//!   many with [`fetch_all`](Fetcher::fetch_all): a stream of [jobs](Job) in, a stream of [events](Event) out.
//! * A [`Job`] is a request, its sink, a group and a priority. [`Control`] pauses a stream of jobs and resumes it,
//!   [`Summary`] is what it came to.
//! * The [`resume`] decision, the heart of it, is a function of what was asked and the head of the response. It does no
//!   I/O and can be used with another client. The [`schedule`], which says what runs when, is the same for many.
//!
//! # What holds
//!
//! * A sink ends with exactly the right bytes, or there is an error, whatever the server does. Right is a 206 with the
//!   `Content-Range` that was asked for, or a 200, cut to the range; as long as announced, counted before decoding;
//!   beginning as expected. Anything else is retried or refused, and never reaches the sink.
//! * Bytes are only continued at the offset they end at, under a strong validator that still holds (`If-Range`, RFC 9110,
//!   section 13.1.5). Otherwise the resource starts again.
//! * Requests, pauses, lengths, redirects and silence are bounded ([`RetryPolicy`], [`FetchOptions`], [`Expect`]).
//! * No more is in flight than [`Concurrency`] allows, of second requests beside slow ones too, and no more bytes come than
//!   [`rate_limit`](FetchOptions::rate_limit) allows. A slow sink slows the network down.
//! * Jobs that want neighbouring ranges of one file may share a request ([`Merge`]), and those of a file that a server only
//!   sends whole share its body. Each is judged, retried and ended as if it were alone.
//! * Dropping a future or the stream stops everything at once; what sinks then hold can be resumed.
//! * Only `http`, `https` and `data` are fetched, no redirect leads from https to http, credentials stay with their
//!   origin, and no error or log line has a query, userinfo or the content of a `data:` URL in it.
//! * Bytes go from the transport to the sink without a copy.
//!
//! # Cookbook
//!
//! One small thing, into memory; what it is expected to be is checked:
//!
//! ```
//! # use segment_fetch::testing::{Origin, Resource, Site};
//! use segment_fetch::{FetchOptions, Fetcher, Request, TransportOptions, https};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = Site::new();
//! # site.route("/index.m3u8", Resource::new("#EXTM3U\n"));
//! # let origin = Origin::serve(site)?;
//! # let url = origin.url("/index.m3u8");
//! let fetcher = Fetcher::with_service(https(&TransportOptions::default())?, FetchOptions::default());
//! let fetched = fetcher.fetch(Request::get(url)).await?;
//! assert_eq!(fetched.body, "#EXTM3U\n");
//! # Ok(()) }
//! ```
//!
//! Go on where an earlier run has stopped; the sink knows where that is, and a server that has something else now is noticed:
//!
//! ```
//! # use segment_fetch::testing::{Fault, Origin, Resource, Site};
//! use segment_fetch::{FetchOptions, Fetcher, MemorySink, Request, RetryPolicy, TransportOptions, https};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let site = Site::new();
//! # site.route("/film.ts", Resource::new(vec![0x47; 18_800]));
//! # site.script("/film.ts", [Fault::Cut(9_000)]);
//! # let origin = Origin::serve(site)?;
//! # let url = origin.url("/film.ts");
//! let once = FetchOptions {
//!     retry: RetryPolicy { retries: 0, ..RetryPolicy::default() },
//!     ..FetchOptions::default()
//! };
//! let fetcher = Fetcher::with_service(https(&TransportOptions::default())?, once);
//! let request = Request::get(url);
//! let mut sink = MemorySink::new();
//! let cut = fetcher.fetch_into(&request, &mut sink).await;
//! assert!(cut.is_err());
//! fetcher.fetch_into(&request, &mut sink).await?;
//! assert_eq!(sink.bytes().len(), 18_800);
//! # Ok(()) }
//! ```
//!
//! Pause and go on: [`Control`]. No more than so many bytes a second: [`RateLimit`]. Another HTTP client: any [`tower::Service`]
//! with [`Fetcher::with_service`]. A server that misbehaves, in your tests: the module `testing`.
//!
//! # What it does not do
//!
//! It knows nothing of playlists, of files, of caching.
//!
//! # Features
//!
//! * `testing`: the module `testing` with a scripted origin on loopback and the contract of sinks.

pub mod resume;
pub mod schedule;
#[cfg(feature = "testing")]
pub mod testing;

mod content;
mod content_range;
mod control;
mod cookies;
mod data_url;
mod error;
mod fetch_all;
mod fetcher;
mod hosts;
mod intake;
mod job;
mod metrics;
mod options;
mod rate;
mod reach;
mod refresh;
mod request;
mod retry;
mod run;
mod service;
mod sink;
mod summary;
mod transport;
mod userinfo;
mod validator;

pub use control::Control;
pub use cookies::CookieJar;
pub use error::{Error, ErrorKind};
pub use fetch_all::FetchAll;
pub use fetcher::{Fetched, Fetcher, Report};
pub use hosts::{HostOptions, HostPattern};
pub use job::{Event, Job};
pub use metrics::{ReadFromCache, RequestMetrics};
pub use options::{Concurrency, Credentials, FetchOptions, LeastPace, Merge, RetryPolicy};
pub use rate::RateLimit;
pub use refresh::RefreshAddress;
pub use request::{Expect, Reach, Request};
pub use run::AskLength;
pub use service::{HttpService, RequestBody};
pub use sink::{End, MemorySink, Position, Sink, Start};
pub use summary::Summary;
pub use transport::{
    ClientCertificate, Proxy, Resolve, Transport, TransportOptions, https, platform_trust,
};
pub use validator::{ParseValidatorError, Validator};

pub use bytes::Bytes;
pub use http::HeaderMap;
pub use url::Url;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
