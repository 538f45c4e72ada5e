//! A connection as hyper's client takes it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::connect::{Connected, Connection as Connects, HttpInfo};

use crate::metrics::ConnectionRecord;

/// Bytes both ways: a socket, or TLS over one, or that through a proxy.
pub(super) type Io = Box<dyn ReadWrite>;

pub(super) trait ReadWrite: Read + Write + Unpin + Send {}

impl<T: Read + Write + Unpin + Send> ReadWrite for T {}

/// A connection and what is known of it.
pub(super) struct Connection {
    pub(super) io: Io,
    /// `None` through a proxy, where the far end of the socket is not whom answers come from.
    pub(super) info: Option<HttpInfo>,
    pub(super) record: Arc<ConnectionRecord>,
    pub(super) is_http_2: bool,
    /// The proxy takes requests as they are, with the whole address in the first line.
    pub(super) is_absolute_form: bool,
}

impl Connects for Connection {
    fn connected(&self) -> Connected {
        let mut connected = Connected::new()
            .proxy(self.is_absolute_form)
            .extra(Arc::clone(&self.record));
        if let Some(info) = &self.info {
            connected = connected.extra(info.clone());
        }
        if self.is_http_2 {
            connected = connected.negotiated_h2();
        }
        connected
    }
}

impl Read for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl Write for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, pieces)
    }
}
