//! One Transport Stream.

use std::path::Path;

use asset_store::{AssetId, Store};
use cache_inspect::media::{Container, identify};

use super::super::local::LocalAsset;
use super::super::movie::{Movie, Program};
use super::subtitles::Beside;
use super::{Exported, Unfinished};
use crate::{Error, ErrorKind, Result};

/// Writes the variant with the highest bandwidth as one Transport Stream: its segments, one after the other, which
/// loses nothing. Subtitles are beside it.
///
/// # Errors
/// When the file exists, when segments are not parts of one Transport Stream, which has no discontinuities and no
/// audio beside it, or when it cannot be written.
pub fn transport_stream(
    store: &Store,
    id: &AssetId,
    path: &Path,
    mut progress: impl FnMut(u64),
) -> Result<Exported> {
    let asset = LocalAsset::load(store, id)?;
    let program = Program::choose(&asset)?;
    let refused = |what: &str| {
        Error::new(
            ErrorKind::Unsupported,
            format!("{id} is not one Transport Stream: {what}"),
        )
        .hint("export it as mp4 or hls")
    };
    let [chosen] = program.sources.as_slice() else {
        return Err(refused("its audio is in streams of its own"));
    };
    if chosen
        .segments
        .windows(2)
        .any(|pair| matches!(pair, [a, b] if a.part != b.part))
    {
        return Err(refused("it has discontinuities"));
    }
    let mut unfinished = Unfinished::create(path)?;
    let mut exported = Exported {
        index: path.to_owned(),
        files: 1,
        bytes: 0,
        notes: program.notes.clone(),
    };
    let mut beside = Beside::default();
    if !program.subtitles.is_empty() {
        // Their times count from where the stream begins.
        beside = Beside::write(store, &Movie::build(store, Program::choose(&asset)?)?, path)?;
    }
    let read = |content: &super::super::content::Content| {
        let mut bytes = Vec::new();
        content.read(store, &mut bytes).map_err(|unopened| {
            Error::new(ErrorKind::Storage, "a segment cannot be read").because(unopened.to_string())
        })?;
        Ok::<_, Error>(bytes)
    };
    let mut map = None;
    for piece in &chosen.segments {
        let mut bytes = Vec::new();
        if piece.map != map {
            // Tables that segments lack.
            if let Some(content) = piece.map.and_then(|map| chosen.maps.get(map)) {
                bytes = read(content)?;
            }
            map = piece.map;
        }
        bytes.extend(read(&piece.content)?);
        if identify(&bytes) != Container::MpegTs {
            return Err(refused("its segments are in another format"));
        }
        unfinished.write(&bytes)?;
        exported.bytes += bytes.len() as u64;
        progress(bytes.len() as u64);
    }
    beside.finish(&mut exported)?;
    unfinished.finish()?;
    Ok(exported)
}
