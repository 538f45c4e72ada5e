//! The form in which a player gets an asset: each of them has forms that it is weak in.

use asset_store::Store;

use super::local::{INDEX, LocalAsset};
use super::movie::{self, Movie, Program};

/// Addresses below that of the asset.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Form {
    pub(crate) film: String,
    /// Subtitles that are not in the film; with them, or without, as the player wants.
    pub(crate) subtitles: Vec<String>,
}

/// What players that are built on ffmpeg or VLC get.
///
/// They lose frames when they seek in playlists of fragmented MP4, so what is fragmented is given to them as one file,
/// as far as it can be. Of playlists some show no subtitles.
pub(crate) fn form(store: &Store, asset: &LocalAsset) -> Form {
    let mut form = Form {
        film: INDEX.to_owned(),
        subtitles: Vec::new(),
    };
    // What still grows is a playlist only.
    let Ok(program) = Program::choose(asset) else {
        return form;
    };
    if program.sources.iter().any(|chosen| !chosen.maps.is_empty())
        && Movie::of(store, asset).is_ok_and(|movie| !movie.lacks_media)
    {
        movie::NAME.clone_into(&mut form.film);
    } else {
        let files = program.subtitles.iter().map(|chosen| &chosen.file);
        let address = |file| format!("{}/{file}.vtt", movie::SUBTITLES);
        form.subtitles = files.map(address).collect();
    }
    form
}
