//! segment-fetch's [`Sink`] over asset-store's [`Partial`]: bytes go from the socket into the partial file.

use std::future::Future;
use std::io;

use asset_store::Partial;
use bytes::Bytes;
use segment_fetch::{End, Position, Sink, Start, Validator};

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

    fn checkpoint(&mut self) -> impl Future<Output = io::Result<()>> + Send {
        std::future::ready(self.partial.checkpoint().map_err(into_io))
    }

    /// Digests are BLAKE3's.
    fn finish(&mut self, end: &End) -> impl Future<Output = io::Result<()>> + Send {
        let held = self.partial.length();
        let wrong = if held != end.length {
            Some(io::Error::other(format!(
                "the partial holds {held} bytes instead of {}",
                end.length
            )))
        } else if let Some(expected) = &end.digest
            && expected[..] != self.partial.digest().as_bytes()[..]
        {
            let reason = "the partial holds other bytes";
            Some(io::Error::new(io::ErrorKind::InvalidData, reason))
        } else {
            None
        };
        std::future::ready(wrong.map_or(Ok(()), Err))
    }
}

/// Keeps the fact that the disk is full visible through the I/O error.
fn into_io(error: asset_store::Error) -> io::Error {
    match error.kind() {
        asset_store::ErrorKind::DiskFull => io::Error::new(io::ErrorKind::StorageFull, error),
        _ => io::Error::other(error),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use asset_store::{AssetId, EntryAttributes, PartialKey, Store};
    use segment_fetch::testing::sink_contract;

    use super::*;

    #[tokio::test]
    async fn a_partial_keeps_the_contract_of_sinks() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let writer = store.writer(&AssetId::new("a").unwrap()).unwrap();
        let mut number = 0;
        let make = || {
            number += 1;
            let key = PartialKey::new(format!("https://cdn.example.com/{number}.ts"));
            PartialSink::new(writer.partial(&key).unwrap())
        };
        let mut stored = 0;
        let read = |sink: PartialSink| {
            stored += 1;
            let path = format!("{stored}.ts");
            let commit = writer.commit(sink.into_partial(), &path, EntryAttributes::new("segment"));
            let entry = commit.wait().map_err(into_io)?;
            let mut bytes = Vec::new();
            let mut file = store.open_entry(&entry).map_err(into_io)?;
            file.read_to_end(&mut bytes)?;
            Ok(bytes)
        };
        sink_contract(make, read).await.unwrap();
    }
}
