//! A temporary folder, what is mounted in it and what runs in it: all gone afterwards, however this program ends.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};

use crate::run::{self, Result};

/// A folder of its own below the one for temporary files. Clones are the same one.
#[derive(Clone)]
pub(super) struct Scratch {
    folder: PathBuf,
    janitor: Arc<Mutex<Janitor>>,
}

/// A process that outlives this one for as long as it takes to clean up.
struct Janitor(Child);

impl Scratch {
    pub(super) fn new() -> Result<Scratch> {
        let name = format!("offline-crash-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let folder = folder
            .canonicalize()
            .map_err(|error| format!("{}: {error}", folder.display()))?;
        let janitor = Command::new("sh")
            .args(["-c", include_str!("janitor.sh"), "janitor"])
            .arg(&folder)
            .stdin(Stdio::piped())
            .spawn()
            .map_err(|error| format!("sh: {error}"))?;
        Ok(Scratch {
            folder,
            janitor: Arc::new(Mutex::new(Janitor(janitor))),
        })
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A new, empty folder.
    pub(super) fn folder(&self, name: &str) -> Result<PathBuf> {
        let path = self.path(name);
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(path)
    }

    /// A folder in this one to be used like it, by somebody else at the same time.
    pub(super) fn lane(&self, name: &str) -> Result<Scratch> {
        Ok(Scratch {
            folder: self.folder(name)?,
            janitor: Arc::clone(&self.janitor),
        })
    }

    pub(super) fn has_begun(&self, process: u32) {
        self.tell(&format!("+ {process}\n"));
    }

    pub(super) fn has_ended(&self, process: u32) {
        self.tell(&format!("- {process}\n"));
    }

    fn tell(&self, line: &str) {
        let mut janitor = self.janitor.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(input) = &mut janitor.0.stdin {
            // Without a janitor there is only less tidiness.
            let _ = input.write_all(line.as_bytes());
        }
    }

    /// Mounts something on a new folder.
    pub(super) fn mount(&self, name: &str, arguments: &[&str]) -> Result<Mount> {
        let place = self.folder(name)?;
        run::status(Command::new("mount").args(arguments).arg(&place))?;
        Ok(Mount {
            place,
            is_mounted: true,
        })
    }
}

impl Drop for Janitor {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Mounted until dropped.
pub(super) struct Mount {
    place: PathBuf,
    is_mounted: bool,
}

impl Mount {
    pub(super) fn path(&self) -> &Path {
        &self.place
    }

    /// Says whether unmounting worked.
    pub(super) fn unmount(mut self) -> Result {
        self.try_unmount()
    }

    fn try_unmount(&mut self) -> Result {
        // Once is enough: what fails is left to the janitor.
        if std::mem::take(&mut self.is_mounted) {
            run::status(Command::new("umount").arg(&self.place))?;
        }
        Ok(())
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = self.try_unmount();
    }
}
