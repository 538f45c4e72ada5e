//! Reservations: space that is promised to a download before it begins.
//!
//! Each is a file with the number of bytes and a file that is locked by its holder, so that it ends with
//! the holder's process, however that ends.

use std::io::{SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use crate::completion::lock;
use crate::error::Shortage;
use crate::fs::{self, File};
use crate::layout::Layout;
use crate::lock::{self as locks, Mode, WriterLock};
use crate::{Error, ErrorKind, Store};

const PATIENCE: Duration = Duration::from_secs(10);

/// What is read of a file with a number.
const MAX_NUMBER_BYTES: u64 = 32;

const BYTES: &str = "bytes";
const LOCK: &str = "lock";

/// Space of the store that is kept free for its holder, see [`Store::reserve`].
///
/// It is given back when this is dropped, or when the process ends, however it ends.
#[derive(Debug)]
pub struct Reservation {
    layout: Arc<Layout>,
    held: Mutex<Held>,
    bytes_path: PathBuf,
    lock_path: PathBuf,
    _lock: File,
}

#[derive(Debug)]
struct Held {
    remaining: u64,
    file: File,
}

impl Store {
    /// Keeps `bytes` free for a download that is about to begin, over all processes: they fit into the
    /// [quota](crate::StoreOptions::quota) beside what is stored, and on the volume, and beside what
    /// others have reserved of both.
    ///
    /// Hand it to the writer by [`AssetWriter::use_reservation`](crate::AssetWriter::use_reservation); without that,
    /// tell it what has arrived by [`consume`](Reservation::consume).
    ///
    /// # Errors
    /// [`ErrorKind::OverQuota`] and [`ErrorKind::DiskFull`] with [`Error::shortage`];
    /// [`ErrorKind::Busy`] when somebody else is reserving all the time.
    pub fn reserve(&self, bytes: u64) -> Result<Reservation, Error> {
        let layout = Arc::clone(&self.inner().layout);
        layout.fs().create_directory(&layout.reservations())?;
        let _turn = take_turn(&layout)?;
        clear_dead(&layout)?;
        let reserved = reserved(&layout)?;
        layout.quota().check(&layout, bytes, reserved)?;
        check_volume(&layout, bytes, reserved)?;
        Reservation::make(layout, bytes)
    }
}

impl Reservation {
    fn make(layout: Arc<Layout>, bytes: u64) -> Result<Reservation, Error> {
        let fs = layout.fs().clone();
        let name = fs::unique_name("");
        let lock_path = layout.reservations().join(format!("{name}.{LOCK}"));
        let bytes_path = layout.reservations().join(format!("{name}.{BYTES}"));
        let lock_file = fs.open_or_create(&lock_path)?;
        // Nobody knows the name, so the lock is free but for a moment's look.
        if !locks::acquire(&lock_file, &lock_path, Mode::Exclusive, PATIENCE)? {
            return Err(Error::at(ErrorKind::Busy, &lock_path, "is locked already"));
        }
        let made = fs.open_or_create(&bytes_path).and_then(|mut file| {
            write_number(&mut file, bytes)
                .map_err(|error| Error::io("write", &bytes_path, error))?;
            Ok(file)
        });
        let file = made.inspect_err(|_| forget(&layout, &bytes_path, &lock_path))?;
        Ok(Reservation {
            held: Mutex::new(Held {
                remaining: bytes,
                file,
            }),
            bytes_path,
            lock_path,
            _lock: lock_file,
            layout,
        })
    }

    /// Bytes that are still kept free.
    pub fn remaining(&self) -> u64 {
        lock(&self.held).remaining
    }

    /// So many of the bytes have arrived, or will not be needed.
    pub fn consume(&self, bytes: u64) {
        let mut held = lock(&self.held);
        held.remaining = held.remaining.saturating_sub(bytes);
        let remaining = held.remaining;
        // Others who read an older number are too careful, no more.
        let _ = write_number(&mut held.file, remaining);
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        forget(&self.layout, &self.bytes_path, &self.lock_path);
    }
}

/// What stays behind counts no more, without the lock, and is deleted later.
fn forget(layout: &Layout, bytes_path: &Path, lock_path: &Path) {
    let _ = layout.fs().remove_file(bytes_path);
    let _ = layout.fs().remove_file(lock_path);
}

/// In place and always as long, so that others read the old number or the new one.
fn write_number(file: &mut File, number: u64) -> std::io::Result<()> {
    file.seek(SeekFrom::Start(0))?;
    file.write_all(format!("{number:020}\n").as_bytes())
}

/// One at a time reserves, or deletes what others have left.
fn take_turn(layout: &Layout) -> Result<File, Error> {
    let path = layout.reservations().join(LOCK);
    let file = layout.fs().open_or_create(&path)?;
    if locks::acquire(&file, &path, Mode::Exclusive, PATIENCE)? {
        Ok(file)
    } else {
        Err(Error::at(
            ErrorKind::Busy,
            &path,
            "others are reserving space; try again",
        ))
    }
}

/// Bytes that all living reservations together keep free.
pub(crate) fn reserved(layout: &Layout) -> Result<u64, Error> {
    let mut total = 0_u64;
    for (path, alive) in all(layout)? {
        if alive {
            let number = layout.fs().read(&path, MAX_NUMBER_BYTES)?;
            let number = number.and_then(|text| String::from_utf8(text).ok());
            let number = number.and_then(|text| text.trim().parse::<u64>().ok());
            total = total.saturating_add(number.unwrap_or_default());
        }
    }
    Ok(total)
}

/// Deletes reservations whose process is gone.
pub(crate) fn sweep(layout: &Layout) -> Result<(), Error> {
    if !layout.fs().is_directory(&layout.reservations()) {
        return Ok(());
    }
    let _turn = take_turn(layout)?;
    clear_dead(layout)
}

fn clear_dead(layout: &Layout) -> Result<(), Error> {
    for (path, alive) in all(layout)? {
        if !alive {
            layout.fs().remove_file(&path)?;
            layout.fs().remove_file(&path.with_extension(LOCK))?;
        }
    }
    Ok(())
}

/// The files with the numbers, and whether their holders live. One that died before it wrote the number
/// has a lock alone.
fn all(layout: &Layout) -> Result<Vec<(PathBuf, bool)>, Error> {
    let mut found = Vec::new();
    for item in layout.fs().list(&layout.reservations())? {
        if let Some((name, LOCK)) = item.name.rsplit_once('.') {
            let path = layout.reservations().join(format!("{name}.{BYTES}"));
            found.push((path, WriterLock::is_held(layout.fs(), &item.path)?));
        }
    }
    Ok(found)
}

/// Bytes of partials have arrived already, so they are not promised any more.
fn check_volume(layout: &Layout, bytes: u64, reserved: u64) -> Result<(), Error> {
    let arrived = layout.fs().bytes_below(&layout.partials())?;
    let promised = reserved.saturating_sub(arrived);
    let free = layout.fs().free_bytes(layout.root())?;
    if promised.saturating_add(bytes) <= free {
        return Ok(());
    }
    let message = format!(
        "{free} bytes are free on the volume of {}, {promised} of them are reserved, {bytes} more do \
         not fit: free some space",
        layout.root().display()
    );
    let shortage = Shortage {
        limit: free,
        used: promised,
        needed: bytes,
    };
    Err(Error::short(ErrorKind::DiskFull, message, shortage))
}
