//! `FORMAT` and `LOCK`: what makes a folder a store, and who may change that.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::fs::{self, File};
use crate::layout::{self, Layout};
use crate::lock::{self, Mode};
use crate::{Digest, Error, ErrorKind};

/// The version of the format that this crate reads and writes.
pub(crate) const VERSION: u32 = 1;

const MAX_BYTES: u64 = 4096;
const PATIENCE: Duration = Duration::from_secs(10);

#[derive(Serialize, Deserialize)]
struct Format {
    kind: String,
    version: u32,
    digest: String,
    id: String,
}

const NAME: &str = "asset-store";
const DIGEST: &str = "blake3";

/// Only what tells versions apart, so that a newer `FORMAT` with other fields is still understood.
#[derive(Deserialize)]
struct AnyFormat {
    kind: String,
    version: u32,
}

/// Makes sure that a store is at the root of `layout` and takes its lock, shared.
pub(crate) fn open(layout: &Layout, create: bool) -> Result<File, Error> {
    let fs = layout.fs();
    check_ownership(layout)?;
    if fs.length(&layout.format()).is_none() {
        if create {
            initialize(layout)?;
        } else {
            check_contents(layout)?;
        }
    }
    if !create && fs.length(&layout.format()).is_none() {
        return Err(none(layout));
    }
    check(layout)?;
    let path = layout.lock();
    let file = match fs.open(&path)? {
        Some((file, _)) => file,
        None => fs.open_or_create(&path)?,
    };
    if lock::acquire(&file, &path, Mode::Shared, PATIENCE)? {
        Ok(file)
    } else {
        Err(Error::at(
            ErrorKind::Busy,
            &path,
            "the store is being converted; try again later",
        ))
    }
}

/// Whether [`open`] would find a store, without taking a lock or making anything.
pub(crate) fn look(layout: &Layout) -> Result<(), Error> {
    check_ownership(layout)?;
    if layout.fs().length(&layout.format()).is_none() {
        check_contents(layout)?;
        return Err(none(layout));
    }
    check(layout)
}

fn none(layout: &Layout) -> Error {
    let message = "there is no store here";
    Error::at(ErrorKind::NotFound, layout.root(), message)
}

/// Whoever else may write in the folder could put anything in the place of anything.
fn check_ownership(layout: &Layout) -> Result<(), Error> {
    let root = layout.root();
    let refused = if layout.fs().is_foreign(root) {
        "the store belongs to another user; open it as that user or choose another one"
    } else if layout.fs().is_shared(root) {
        "others than the owner may write in the store; take that away from them (chmod go-w) or \
         choose another one"
    } else {
        return Ok(());
    };
    Err(Error::at(ErrorKind::NotPrivate, root, refused))
}

fn check(layout: &Layout) -> Result<(), Error> {
    let path = layout.format();
    let bytes = layout.fs().read(&path, MAX_BYTES)?.unwrap_or_default();
    let found = serde_json::from_slice::<AnyFormat>(&bytes)
        .ok()
        .filter(|found| found.kind == NAME)
        .ok_or_else(|| not_a_store(layout.root()))?;
    if found.version > VERSION {
        let message = format!(
            "the store has format version {}, this program reads up to version {VERSION}; \
             update the program or choose another store",
            found.version
        );
        return Err(Error::at(ErrorKind::NewerFormat, layout.root(), &message));
    }
    Ok(())
}

fn not_a_store(root: &Path) -> Error {
    Error::at(
        ErrorKind::NotAStore,
        root,
        "the folder has other files in it and is no store",
    )
}

/// Refuses what is there when it is neither an empty folder, nor a store, nor the beginnings of one.
fn check_contents(layout: &Layout) -> Result<(), Error> {
    let (fs, root) = (layout.fs(), layout.root());
    let is_ours = !fs.exists(root)
        || fs.is_directory(root)
            && fs.list(root)?.iter().all(|item| {
                layout::NAMES.contains(&item.name.as_str()) || item.name.starts_with(fs::TEMPORARY)
            });
    // Asked again: somebody may have finished the store since, and put documents into it.
    if is_ours || fs.length(&layout.format()).is_some() {
        Ok(())
    } else {
        Err(not_a_store(root))
    }
}

/// Makes the names of the root and of the folders above it durable, as far as these are ours to open:
/// some of them may have been made for the store, by us or by somebody who died before this.
fn sync_names_above(layout: &Layout) {
    for folder in layout.root().ancestors().skip(1) {
        let here = Path::new(".");
        let folder = if folder.as_os_str().is_empty() {
            here
        } else {
            folder
        };
        let _ = layout.fs().sync_directory(folder);
    }
}

fn initialize(layout: &Layout) -> Result<(), Error> {
    let (fs, root) = (layout.fs(), layout.root());
    fs.create_directory_all(root)?;
    check_contents(layout)?;
    let lock_path = layout.lock();
    let lock = fs.open_or_create(&lock_path)?;
    let start = Instant::now();
    while !lock::acquire(&lock, &lock_path, Mode::Exclusive, Duration::ZERO)? {
        // Whoever was faster has it open now, and may keep it so for hours.
        if fs.length(&layout.format()).is_some() {
            return Ok(());
        }
        if start.elapsed() > PATIENCE {
            return Err(Error::at(
                ErrorKind::Busy,
                &lock_path,
                "somebody else creates the store",
            ));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    if fs.length(&layout.format()).is_some() {
        return Ok(());
    }
    let blobs = layout.blobs();
    fs.create_directory_all(&blobs)?;
    // All of them now, so that no commit has to make a folder durable.
    for first in 0..=u8::MAX {
        fs.create_directory(&layout.shard(first))?;
    }
    for path in [layout.sweep_lock(), layout.sweep_turnstile()] {
        fs.open_or_create(&path)?;
    }
    fs.create_directory_all(&layout.assets())?;
    fs.create_directory_all(&layout.partials())?;
    fs.create_directory_all(&layout.damaged())?;
    fs.sync_directory(&blobs)?;
    fs.sync_directory(&root.join("blobs"))?;
    fs.sync_directory(&layout.trash())?;
    let format = Format {
        kind: NAME.to_owned(),
        version: VERSION,
        digest: DIGEST.to_owned(),
        id: Digest::of(fs::unique_name(&root.to_string_lossy()).as_bytes()).to_string(),
    };
    let mut bytes = serde_json::to_vec(&format)
        .map_err(|error| Error::new(ErrorKind::Io, format!("cannot write FORMAT: {error}")))?;
    bytes.push(b'\n');
    sync_names_above(layout);
    // FORMAT comes last, when everything else has a durable name: without it the next attempt begins
    // again, with it nobody looks at the rest any more.
    fs.sync_directory(root)?;
    fs.replace(root, "FORMAT", &bytes)
}
