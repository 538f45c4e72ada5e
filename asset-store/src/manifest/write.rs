//! How a manifest is written: line by line, so that a long one is not held in memory beside its asset.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use super::Record;
use crate::fs::Fs;
use crate::layout::{self, Layout};
use crate::{Asset, Digest, Error, record};

/// What is handed to the file at once.
const BUFFER: usize = 64 << 10;

/// Writes `asset` as a new generation, durably, that nothing refers to yet.
pub(crate) fn write(layout: &Layout, asset: &Asset) -> Result<(), Error> {
    write_in(layout.fs(), &layout.asset(&asset.id), asset)
}

/// [`write()`] in a folder that is not the asset's yet.
pub(crate) fn write_in(fs: &Fs, folder: &Path, asset: &Asset) -> Result<(), Error> {
    let name = layout::manifest_name(asset.generation);
    fs.replace_with(folder, &name, |file| {
        let mut lines = Lines {
            out: BufWriter::with_capacity(BUFFER, file),
            hasher: blake3::Hasher::new(),
        };
        lines.write(&Record::Header {
            asset: asset.id.clone(),
            generation: asset.generation,
            sealed: asset.sealed,
        })?;
        for (path, entry) in asset.entries.iter() {
            lines.write(&Record::Put {
                path: path.clone(),
                entry: entry.clone(),
                relaxed: false,
            })?;
        }
        let trailer = Record::Trailer {
            entries: u64::try_from(asset.entries.len()).unwrap_or(u64::MAX),
            digest: Digest::from_hasher(&lines.hasher),
        };
        lines.write(&trailer)?;
        lines.out.flush()
    })
}

/// Lines on their way to a file, and the hash of those that went.
struct Lines<W: Write> {
    out: BufWriter<W>,
    hasher: blake3::Hasher,
}

impl<W: Write> Lines<W> {
    fn write(&mut self, record: &Record) -> io::Result<()> {
        let line = record::encode(record).map_err(io::Error::other)?;
        self.hasher.update(&line);
        self.out.write_all(&line)
    }
}
