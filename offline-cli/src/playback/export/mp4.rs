//! One MP4 file.

use std::path::Path;
use std::sync::Arc;

use asset_store::{AssetId, Store};

use super::super::local::LocalAsset;
use super::super::movie::{Movie, MovieReader, Program};
use super::subtitles::Beside;
use super::{Exported, Unfinished};
use crate::{Error, Result};

const CHUNK: usize = 1024 * 1024;

/// Writes an asset as one MP4 file that can be played while it is loaded: the variant with the highest bandwidth, and
/// all renditions of its groups that are complete.
///
/// Subtitles are tracks of it, and beside it as WebVTT and `SubRip`: `film.en.vtt`, `film.en.srt`.
///
/// Samples are copied, not coded anew. Memory in use does not depend on the size of the file but for its tables, some
/// twenty bytes for each sample. What is not in it is in [`Exported::notes`].
///
/// # Errors
/// When one of the files exists, a codec or a change of codecs has no place in an MP4 file, or it cannot be written.
pub fn mp4(
    store: &Store,
    id: &AssetId,
    path: &Path,
    mut progress: impl FnMut(u64),
) -> Result<Exported> {
    let asset = LocalAsset::load(store, id)?;
    let program = Program::choose(&asset)?;
    let mut unfinished = Unfinished::create(path)?;
    let movie = Arc::new(Movie::build(store, program)?);
    let beside = Beside::write(store, &movie, path)?;
    let mut reader = MovieReader::new(Arc::clone(&movie), store.clone());
    let mut offset = 0;
    while offset < reader.length() {
        let bytes = reader
            .read_at(offset, CHUNK)
            .map_err(|error| Error::io(path, "read the stored bytes of", error))?;
        unfinished.write(&bytes)?;
        offset += bytes.len() as u64;
        progress(bytes.len() as u64);
    }
    let mut exported = Exported {
        index: path.to_owned(),
        files: 1,
        bytes: offset,
        notes: movie.notes.clone(),
    };
    beside.finish(&mut exported)?;
    unfinished.finish()?;
    Ok(exported)
}
