//! How each request went, as AVFoundation's media resource request events tell it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
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

/// The requests of one fetch, so far.
#[derive(Debug)]
pub(crate) struct Recorder {
    started: Instant,
    sent: Instant,
    kept: Vec<RequestMetrics>,
    omitted: u32,
}

impl Recorder {
    pub(crate) fn new() -> Self {
        let now = Instant::now();
        Recorder {
            started: now,
            sent: now,
            kept: Vec::new(),
            omitted: 0,
        }
    }

    /// What is kept, and how many there were besides.
    pub(crate) fn into_parts(self) -> (Vec<RequestMetrics>, u32) {
        (self.kept, self.omitted)
    }

    pub(crate) fn sending(&mut self, url: &Url) {
        self.sent = Instant::now();
        if self.kept.len() == KEPT {
            self.omitted = self.omitted.saturating_add(1);
            return;
        }
        self.kept.push(RequestMetrics {
            url: redacted(url),
            started: self.sent.duration_since(self.started),
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
    }

    /// The head of the response is there.
    pub(crate) fn answered<B>(&mut self, response: &http::Response<B>) {
        let elapsed = self.sent.elapsed();
        let Some(current) = self.current() else {
            return;
        };
        let extensions = response.extensions();
        current.first_byte = Some(elapsed);
        current.status = Some(response.status().as_u16());
        current.protocol = Some(response.version());
        current.remote_address = remote_address(extensions);
        current.read_from_cache = extensions.get::<ReadFromCache>().is_some();
        if let Some(record) = extensions.get::<Arc<ConnectionRecord>>() {
            let reused = record.used.swap(true, Ordering::Relaxed);
            current.reused_connection = Some(reused);
            current.proxy.clone_from(&record.proxy);
            if !reused {
                current.name_lookup = record.name_lookup;
                current.connect = Some(record.connect);
                current.proxy_handshake = record.proxy_handshake;
                current.secure_connection = record.secure_connection;
            }
        }
    }

    /// A piece of the body is there.
    pub(crate) fn received(&mut self, bytes: u64) {
        let elapsed = self.sent.elapsed();
        if let Some(current) = self.current() {
            current.bytes = current.bytes.saturating_add(bytes);
            current.last_byte = Some(elapsed);
        }
    }

    fn current(&mut self) -> Option<&mut RequestMetrics> {
        if self.omitted > 0 {
            return None;
        }
        self.kept.last_mut()
    }
}
