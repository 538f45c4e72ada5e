//! segment-fetch's [`Sink`] over asset-store's [`Partial`]: bytes go from the socket into the partial file.

use std::future::Future;
use std::io;

use asset_store::Partial;
use bytes::Bytes;
use segment_fetch::{Position, Sink, Start, Validator};

/// A partial that a fetch writes into.
#[derive(Debug)]
pub(crate) struct PartialSink {
    partial: Partial,
}

impl PartialSink {
    pub(crate) fn new(partial: Partial) -> Self {
        Self { partial }
    }

    pub(crate) fn into_partial(self) -> Partial {
        self.partial
    }
}

impl Sink for PartialSink {
    fn position(&self) -> Position {
        Position {
            length: self.partial.length(),
            // A validator this version cannot read is as good as none: the fetch starts again.
            validator: self
                .partial
                .validator()
                .and_then(|text| text.parse::<Validator>().ok()),
            complete_length: self.partial.complete_length(),
        }
    }

    fn begin(&mut self, start: &Start) -> impl Future<Output = io::Result<()>> + Send {
        let validator = start.validator.as_ref().map(ToString::to_string);
        let begun = self
            .partial
            .begin(start.offset, validator.as_deref(), start.complete_length);
        std::future::ready(begun.map_err(into_io))
    }

    /// Writes at once: into the page cache, which costs less than handing the bytes to another thread.
    fn append(&mut self, chunk: Bytes) -> impl Future<Output = io::Result<()>> + Send {
        std::future::ready(self.partial.append(&chunk).map_err(into_io))
    }

    fn finish(&mut self, length: u64) -> impl Future<Output = io::Result<()>> + Send {
        let held = self.partial.length();
        std::future::ready(if held == length {
            Ok(())
        } else {
            Err(io::Error::other(format!(
                "the partial holds {held} bytes instead of {length}"
            )))
        })
    }
}

/// Keeps the fact that the disk is full visible through the I/O error.
fn into_io(error: asset_store::Error) -> io::Error {
    match error.kind() {
        asset_store::ErrorKind::DiskFull => io::Error::new(io::ErrorKind::StorageFull, error),
        _ => io::Error::other(error),
    }
}
