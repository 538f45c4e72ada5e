//! The fetcher and what it hands back.

use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::Stream;
use http::HeaderMap;
use url::Url;

use crate::error::redacted;
use crate::reach::is_public_by_name;
use crate::refresh::Refresher;
use crate::run::{AskLength, Run, Unobserved, length};
use crate::{
    Error, ErrorKind, FetchAll, FetchOptions, HttpService, Job, MemorySink, Reach, Request,
    RequestMetrics, Sink,
};

/// Fetches resources over a transport. Cheap to clone; clones share the transport's connections.
#[derive(Debug, Clone)]
pub struct Fetcher<S> {
    pub(crate) service: S,
    pub(crate) settings: Arc<Settings>,
}

/// What all clones of a fetcher share.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) options: FetchOptions,
    pub(crate) refresher: Refresher,
}

impl<S> Fetcher<S> {
    /// A fetcher over any [`tower::Service`] that carries HTTP (see [`HttpService`]); the default one is made by
    /// [`https`](crate::https).
    pub fn with_service(service: S, options: FetchOptions) -> Self {
        Fetcher {
            service,
            settings: Arc::new(Settings {
                refresher: Refresher::new(options.refresh.clone()),
                options,
            }),
        }
    }

    /// The settings it was made with.
    pub fn options(&self) -> &FetchOptions {
        &self.settings.options
    }
}

impl<S: HttpService> Fetcher<S> {
    /// Fetches into memory: for small things like playlists and keys.
    ///
    /// # Errors
    /// Every [`ErrorKind`](crate::ErrorKind) but `Sink`, after the retries the policy allows.
    pub fn fetch(
        &self,
        request: Request,
    ) -> impl Future<Output = Result<Fetched, Error>> + Send + use<S> {
        let Fetcher { service, settings } = self.clone();
        async move {
            let mut sink = MemorySink::new();
            let done = Run::new(&settings, service, &request, Unobserved)
                .run(&mut sink)
                .await?;
            Ok(Fetched {
                url: done.report.url.clone(),
                body: sink.into_bytes(),
                headers: done.headers,
                remote_address: done.remote_address,
                is_proxied: done.is_proxied,
                report: done.report,
            })
        }
    }

    /// Fetches into `sink`, continuing from its position when its validator still holds.
    ///
    /// Dropping the future stops at once and leaves the sink where it is.
    ///
    /// # Errors
    /// Every [`ErrorKind`](crate::ErrorKind), after the retries the policy allows. The sink then holds what was right
    /// so far.
    pub fn fetch_into<'a, K: Sink>(
        &self,
        request: &'a Request,
        sink: &'a mut K,
    ) -> impl Future<Output = Result<Report, Error>> + Send + use<'a, S, K> {
        let Fetcher { service, settings } = self.clone();
        async move {
            let done = Run::new(&settings, service, request, Unobserved)
                .run(sink)
                .await?;
            Ok(done.report)
        }
    }

    /// How long a resource is, asked for without its content and once only: no retry, no more than the header of the
    /// answer read. `None` when the answer does not tell. The [range](Request::range) of the request is not looked at; of
    /// what is [expected](Request::expect), `total_timeout` and `refuse_html` are, the latter by the content type.
    ///
    /// What a server says is not proved: nothing more than an estimate should be made of it.
    ///
    /// # Errors
    /// As [`fetch`](Self::fetch), when there is no answer, or one that refuses. Another way of asking may then do.
    pub fn length(
        &self,
        request: Request,
        ask: AskLength,
    ) -> impl Future<Output = Result<Option<u64>, Error>> + Send + use<S> {
        let Fetcher { service, settings } = self.clone();
        async move { length(&settings, service, &request, ask).await }
    }

    /// Runs a stream of jobs, as many at once as [`FetchOptions::concurrency`] says, and tells what happens as a stream of
    /// events.
    ///
    /// A job is pulled only when there is room for it. One job failing does not stop the others: the caller decides.
    /// Nothing runs unless the stream is polled; dropping it cancels everything and drops the sinks where they are.
    pub fn fetch_all<J, T, K>(&self, jobs: J) -> FetchAll<S, J, T, K>
    where
        J: Stream<Item = Job<T, K>>,
        T: Clone + Send + 'static,
        K: Sink + 'static,
    {
        FetchAll::new(self.clone(), jobs)
    }
}

/// A resource in memory. Its `Debug` form leaves the content out, which may be a key.
#[derive(Clone)]
#[non_exhaustive]
pub struct Fetched {
    /// Where it came from after redirects: the base for relative references inside it.
    pub url: Url,
    /// The content, decoded.
    pub body: Bytes,
    /// The headers of the final response; empty for a `data:` URL but for its content type.
    pub headers: HeaderMap,
    /// Whom it came from, when the transport tells ([`hyper_util`]'s `HttpInfo` extension); not through a proxy.
    pub remote_address: Option<SocketAddr>,
    /// How it went.
    pub report: Report,
    is_proxied: bool,
}

impl Fetched {
    /// Whether it came from the public internet, so that the addresses it names should be public too
    /// ([`Reach::PublicOnly`]).
    ///
    /// Told by [`remote_address`](Self::remote_address), and for what came through a proxy by the host in the address,
    /// as far as a name tells. `false` when nothing is known.
    pub fn is_public(&self) -> bool {
        match self.remote_address {
            Some(address) => Reach::PublicOnly.allows(address.ip()),
            None => self.is_proxied && is_public_by_name(&self.url),
        }
    }
}

impl fmt::Debug for Fetched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fetched")
            .field("length", &self.body.len())
            .field("remote_address", &self.remote_address)
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

/// How a fetch went. The `Debug` form shows the address without userinfo, query and fragment.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Report {
    /// The final address, after redirects.
    pub url: Url,
    /// Bytes of bodies received now, in all attempts, as they came over the network.
    pub bytes: u64,
    /// Bytes the sink holds in the end.
    pub length: u64,
    /// How many bytes that the sink had before were kept by the first right response.
    pub resumed_at: u64,
    /// Requests sent, those to follow redirects included.
    pub requests: u32,
    /// Attempts after the first: errors that could be recovered from.
    pub retries: u32,
    /// Why the last attempt before the one that succeeded failed.
    pub last_error: Option<ErrorKind>,
    /// Requests made beside a slow one.
    pub hedges: u32,
    /// From the start to the end, pauses included.
    pub duration: Duration,
    /// How each request went, those that failed included: the first 16.
    pub metrics: Vec<RequestMetrics>,
    /// How many requests there were besides those in `metrics`.
    pub metrics_omitted: u32,
}

impl fmt::Debug for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Report")
            .field("url", &redacted(&self.url).as_str())
            .field("bytes", &self.bytes)
            .field("length", &self.length)
            .field("resumed_at", &self.resumed_at)
            .field("requests", &self.requests)
            .field("retries", &self.retries)
            .field("duration", &self.duration)
            .field("metrics", &self.metrics)
            .field("last_error", &self.last_error)
            .field("hedges", &self.hedges)
            .finish_non_exhaustive()
    }
}

impl Report {
    /// Whether everything was held before, and no body came.
    pub fn is_read_from_cache(&self) -> bool {
        self.bytes == 0 && self.resumed_at == self.length && self.length > 0
    }
}
