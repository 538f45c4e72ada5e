//! Locks between processes. All of them are locks of the system on open files, so they end with
//! the process that holds them, however it ends.

use std::fs::TryLockError;
use std::io::{Read, Write as _};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::fs::{File, Fs};
use crate::layout::Layout;
use crate::{AssetId, Error, ErrorKind};

/// A garbage collection of a million blobs takes seconds; whoever waits longer than this is told.
const SWEEP_PATIENCE: Duration = Duration::from_secs(60);

/// A look at a lock holds it for a moment, so one refusal does not yet mean that it is taken.
const WRITER_PATIENCE: Duration = Duration::from_millis(50);

const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    Shared,
    Exclusive,
}

/// Takes the lock on an open file; `false` when somebody else still has it after `patience`.
pub(crate) fn acquire(
    file: &File,
    path: &Path,
    mode: Mode,
    patience: Duration,
) -> Result<bool, Error> {
    let start = Instant::now();
    let mut pause = FIRST_PAUSE;
    loop {
        let attempt = match mode {
            Mode::Shared => file.try_lock_shared(),
            Mode::Exclusive => file.try_lock(),
        };
        match attempt {
            Ok(()) => return Ok(true),
            Err(TryLockError::Error(error)) => return Err(Error::io("lock", path, error)),
            Err(TryLockError::WouldBlock) if start.elapsed() >= patience => return Ok(false),
            Err(TryLockError::WouldBlock) => std::thread::sleep(pause),
        }
        pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
    }
}

/// The lock between commits (shared) and the sweep of blobs (exclusive): what a commit has moved
/// into place is named by a log before a sweep can look.
#[derive(Debug)]
pub(crate) struct SweepLock {
    _held: File,
}

impl SweepLock {
    pub(crate) fn acquire(layout: &Layout, mode: Mode) -> Result<SweepLock, Error> {
        // Who wants to sweep stands in the turnstile until the commits that are inside have left;
        // without it, commits that overlap one another could keep the sweep out for ever.
        let turnstile_path = layout.sweep_turnstile();
        let turnstile = layout.fs().open_or_create(&turnstile_path)?;
        let lock_path = layout.sweep_lock();
        let lock = layout.fs().open_or_create(&lock_path)?;
        if acquire(&turnstile, &turnstile_path, mode, SWEEP_PATIENCE)?
            && acquire(&lock, &lock_path, mode, SWEEP_PATIENCE)?
        {
            Ok(SweepLock { _held: lock })
        } else {
            let message = match mode {
                Mode::Shared => "a garbage collection has run for a minute; try again when it ends",
                Mode::Exclusive => "downloads or a garbage collection are in the way; try again",
            };
            Err(Error::at(ErrorKind::Busy, &lock_path, message))
        }
    }
}

/// Makes the name of an asset's folder durable before anything in it is acknowledged.
///
/// Whoever made the folder may have died before. That `writer.lock` is in it says that somebody came
/// this far: after a power cut a folder without a durable name is gone with it.
pub(crate) fn settle_folder(layout: &Layout, id: &AssetId) -> Result<(), Error> {
    match layout.fs().length(&layout.writer_lock(id)) {
        Some(_) => Ok(()),
        None => layout.fs().sync_directory(&layout.assets()),
    }
}

/// The lock of the one writer of an asset.
#[derive(Debug)]
pub(crate) struct WriterLock {
    _held: File,
}

impl WriterLock {
    /// Takes the lock and leaves our process id in the file, for people to read.
    pub(crate) fn acquire(layout: &Layout, id: &AssetId) -> Result<WriterLock, Error> {
        settle_folder(layout, id)?;
        let (fs, path) = (layout.fs(), &layout.writer_lock(id));
        let mut file = fs.open_or_create(path)?;
        if !acquire(&file, path, Mode::Exclusive, WRITER_PATIENCE)? {
            // Where locks are mandatory the file cannot be read, so the holder has no name there.
            let mut holder = String::new();
            let read = (&mut *file).take(20).read_to_string(&mut holder);
            let message = match holder.trim().parse::<u32>() {
                Ok(process) if read.is_ok() => format!("being written by process {process}"),
                _ => "being written by another process".to_owned(),
            };
            return Err(Error::at(ErrorKind::Busy, path, &message));
        }
        // Only information: the lock holds without it, on a full disk too.
        let _ = file.set_length(0);
        let _ = writeln!(file, "{}", std::process::id());
        Ok(WriterLock { _held: file })
    }

    /// Whether somebody has the lock.
    pub(crate) fn is_held(fs: &Fs, path: &Path) -> Result<bool, Error> {
        match fs.open(path)? {
            None => Ok(false),
            Some((file, _)) => Ok(!acquire(&file, path, Mode::Shared, Duration::ZERO)?),
        }
    }
}

/// An asset is in use while this lives, see [`Store::mark_in_use`](crate::Store::mark_in_use).
#[derive(Debug)]
pub struct InUse {
    _held: File,
}

impl InUse {
    pub(crate) fn mark(fs: &Fs, path: &Path) -> Result<InUse, Error> {
        let file = fs.open_or_create(path)?;
        // Only a look at the lock can be in the way, and it is short.
        if acquire(&file, path, Mode::Shared, WRITER_PATIENCE)? {
            Ok(InUse { _held: file })
        } else {
            Err(Error::at(ErrorKind::Busy, path, "locked by somebody else"))
        }
    }

    pub(crate) fn is_marked(fs: &Fs, path: &Path) -> Result<bool, Error> {
        match fs.open(path)? {
            None => Ok(false),
            Some((file, _)) => Ok(!acquire(&file, path, Mode::Exclusive, Duration::ZERO)?),
        }
    }
}
