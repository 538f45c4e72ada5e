//! Writing an asset out: as a folder that plays from disk, or as one file.
//!
//! Whatever is written has another name until it is whole.

mod hls;
mod mp4;
mod transport_stream;

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

pub use hls::hls;
pub use mp4::mp4;
pub use transport_stream::transport_stream;

use crate::{Error, Result};

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

/// A file that gets its name when it is whole.
struct Unfinished {
    path: PathBuf,
    hidden: PathBuf,
    file: File,
}

impl Unfinished {
    /// # Errors
    /// When there is something of that name already, or nothing can be written there.
    fn create(path: &Path) -> Result<Self> {
        if fs::symlink_metadata(path).is_ok() {
            return Err(Error::usage(format!("{} is already there", path.display()))
                .hint("name a file that does not exist yet"));
        }
        let name = path
            .file_name()
            .ok_or_else(|| Error::usage(format!("{} is not a file name", path.display())))?;
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(|error| Error::io(parent, "create", error))?;
        }
        let mut hidden = std::ffi::OsString::from(".");
        hidden.push(name);
        hidden.push(format!(".unfinished-{}", std::process::id()));
        let hidden = path.with_file_name(hidden);
        let file = File::create(&hidden).map_err(|error| Error::io(&hidden, "write", error))?;
        Ok(Self {
            path: path.to_owned(),
            hidden,
            file,
        })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .write_all(bytes)
            .map_err(|error| Error::io(&self.path, "write", error))
    }

    fn finish(self) -> Result<()> {
        self.file
            .sync_all()
            .and_then(|()| fs::rename(&self.hidden, &self.path))
            .map_err(|error| Error::io(&self.path, "write", error))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // When it is finished there is nothing of this name.
        let _ = fs::remove_file(&self.hidden);
    }
}
