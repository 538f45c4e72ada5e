//! How each request went, as AVFoundation's media resource request events tell it.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Extensions, Version};
use hyper_util::client::legacy::connect::HttpInfo;
use tokio::time::Instant;
use url::Url;

use crate::error::redacted;

/// How many requests of one fetch are described; more are counted.
const KEPT: usize = 16;

/// One request and its answer, in the order of what happened.
///
/// The steps of connecting are there when [`Transport`](crate::Transport) carried the request and made a connection for
/// it; `None` is a step that was not needed, or that the transport does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RequestMetrics {
    /// What was asked for, without userinfo, query and fragment.
    pub url: Url,
    /// When it was sent, counted from the start of the fetch.
    pub started: Duration,
    /// How long looking the name up took.
    pub name_lookup: Option<Duration>,
    /// How long connecting the socket took, to the server or to the proxy.
    pub connect: Option<Duration>,
    /// How long the proxy took to connect to the server.
    pub proxy_handshake: Option<Duration>,
    /// How long the TLS handshake took.
    pub secure_connection: Option<Duration>,
    /// From sending until the head of the response, connecting included. `None`: there was no response.
    pub first_byte: Option<Duration>,
    /// From sending until the last byte of the body that was taken. `None`: there was no body, or not a right one.
    pub last_byte: Option<Duration>,
    /// Bytes of the body, as they came over the network.
    pub bytes: u64,
    /// The status of the response.
    pub status: Option<u16>,
    /// Which version of HTTP was spoken.
    pub protocol: Option<Version>,
    /// Whether the connection had carried a request before.
    pub reused_connection: Option<bool>,
    /// Whom the response came from; `None` through a proxy.
    pub remote_address: Option<SocketAddr>,
    /// The proxy, as `scheme://host:port`.
    pub proxy: Option<String>,
    /// Whether the response was read from a cache: it had a [`ReadFromCache`] extension.
    pub read_from_cache: bool,
}

/// An [extension](http::Extensions) of a response that comes from a cache instead of the server.
///
/// A [`tower::Service`] that caches adds it, so that [`RequestMetrics::read_from_cache`] is true.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ReadFromCache;

/// How a connection was made: an extension of all responses that come over it.
#[derive(Debug, Default)]
pub(crate) struct ConnectionRecord {
    pub(crate) name_lookup: Option<Duration>,
    pub(crate) connect: Duration,
    pub(crate) proxy_handshake: Option<Duration>,
    pub(crate) secure_connection: Option<Duration>,
    pub(crate) proxy: Option<String>,
    pub(crate) used: AtomicBool,
}

/// Whom a response came from, when the transport is hyper's.
pub(crate) fn remote_address(extensions: &Extensions) -> Option<SocketAddr> {
    extensions.get::<HttpInfo>().map(HttpInfo::remote_addr)
}

/// Whether a response came through a proxy.
pub(crate) fn is_proxied(extensions: &Extensions) -> bool {
    extensions
        .get::<Arc<ConnectionRecord>>()
        .is_some_and(|record| record.proxy.is_some())
}

/// The requests of one fetch, so far. Clones are the same.
#[derive(Debug, Clone)]
pub(crate) struct Recorder {
    started: Instant,
    records: Arc<Mutex<Records>>,
}

#[derive(Debug, Default)]
struct Records {
    kept: Vec<RequestMetrics>,
    omitted: u32,
}

/// One of the requests, and when it was sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    index: Option<usize>,
    at: Instant,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        Recorder {
            started: Instant::now(),
            records: Arc::default(),
        }
    }

    /// How many requests there were.
    pub(crate) fn requests(&self) -> u32 {
        let records = self.records();
        let kept = u32::try_from(records.kept.len()).unwrap_or(u32::MAX);
        records.omitted.saturating_add(kept)
    }

    /// The same so far, and more can be kept.
    pub(crate) fn described(&self) -> (Vec<RequestMetrics>, u32) {
        let records = self.records();
        (records.kept.clone(), records.omitted)
    }

    /// What is kept, and how many there were besides.
    pub(crate) fn take(&self) -> (Vec<RequestMetrics>, u32) {
        let records = std::mem::take(&mut *self.records());
        (records.kept, records.omitted)
    }

    pub(crate) fn sending(&self, url: &Url) -> Sent {
        let at = Instant::now();
        let mut records = self.records();
        if records.kept.len() == KEPT {
            records.omitted = records.omitted.saturating_add(1);
            return Sent { index: None, at };
        }
        records.kept.push(RequestMetrics {
            url: redacted(url),
            started: at.duration_since(self.started),
            name_lookup: None,
            connect: None,
            proxy_handshake: None,
            secure_connection: None,
            first_byte: None,
            last_byte: None,
            bytes: 0,
            status: None,
            protocol: None,
            reused_connection: None,
            remote_address: None,
            proxy: None,
            read_from_cache: false,
        });
        let index = Some(records.kept.len() - 1);
        Sent { index, at }
    }

    /// The head of the response is there.
    pub(crate) fn answered<B>(&self, sent: Sent, response: &http::Response<B>) {
        let elapsed = sent.at.elapsed();
        let extensions = response.extensions();
        self.change(sent, |request| {
            request.first_byte = Some(elapsed);
            request.status = Some(response.status().as_u16());
            request.protocol = Some(response.version());
            request.remote_address = remote_address(extensions);
            request.read_from_cache = extensions.get::<ReadFromCache>().is_some();
            if let Some(record) = extensions.get::<Arc<ConnectionRecord>>() {
                let reused = record.used.swap(true, Ordering::Relaxed);
                request.reused_connection = Some(reused);
                request.proxy.clone_from(&record.proxy);
                if !reused {
                    request.name_lookup = record.name_lookup;
                    request.connect = Some(record.connect);
                    request.proxy_handshake = record.proxy_handshake;
                    request.secure_connection = record.secure_connection;
                }
            }
        });
    }

    /// A piece of the body is there.
    pub(crate) fn received(&self, sent: Sent, bytes: u64) {
        let elapsed = sent.at.elapsed();
        self.change(sent, |request| {
            request.bytes = request.bytes.saturating_add(bytes);
            request.last_byte = Some(elapsed);
        });
    }

    fn change(&self, sent: Sent, change: impl FnOnce(&mut RequestMetrics)) {
        let mut records = self.records();
        if let Some(request) = sent.index.and_then(|index| records.kept.get_mut(index)) {
            change(request);
        }
    }

    fn records(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
