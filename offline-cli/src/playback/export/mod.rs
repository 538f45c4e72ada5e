//! Writing an asset out: as a folder that plays from disk, or as one file.
//!
//! Whatever is written has another name until it is whole.

mod ffmpeg;
mod hls;
mod mp4;
mod subtitles;
mod transport_stream;
mod unfinished;

use std::path::PathBuf;

pub use ffmpeg::{Container, with_ffmpeg};
pub use hls::hls;
pub use mp4::mp4;
pub use transport_stream::transport_stream;
use unfinished::{Unfinished, UnfinishedFolder};

/// What was written.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Exported {
    /// The file to open.
    pub index: PathBuf,
    /// Files written, playlists included.
    pub files: u64,
    /// Bytes written.
    pub bytes: u64,
    /// What of the asset is not in it, or may not play everywhere.
    pub notes: Vec<String>,
}
