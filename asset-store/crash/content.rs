//! What a number stands for: an asset, a path, bytes. So whoever knows the number knows what must be read back.

use std::io::Read;

use asset_store::{AssetId, Entry, Error, ErrorKind, Store};

use crate::Result;

/// Path of the entry that is replaced again and again, always by one of a higher number.
pub(crate) const NEWEST: &str = "newest";

/// Digits of the number with which the bytes of [`NEWEST`] begin.
const DIGITS: usize = 20;

/// The asset of a number: those of one name take turns.
pub(crate) fn asset_of(name: &str, number: u64) -> Result<AssetId> {
    AssetId::new(format!("{name}-{}", number % 2)).map_err(|error| error.to_string())
}

/// The identity of the resource, as if it had been downloaded.
pub(crate) fn identity_of(id: &AssetId, number: u64) -> String {
    format!("https://example.com/{id}/{number}")
}

/// Whether the entry is removed again after it was acknowledged.
pub(crate) fn is_removed_later(number: u64) -> bool {
    number % 20 == 19
}

/// The bytes of a number: some kilobytes, few times more than a checkpoint of a partial, sometimes those of another.
pub(crate) fn bytes_of(number: u64) -> Vec<u8> {
    let origin = if number % 5 == 4 { number - 3 } else { number };
    let kilobytes = if origin % 97 == 7 {
        2500
    } else {
        origin % 7 * 3
    };
    noise(
        origin,
        usize::try_from(kilobytes).unwrap_or_default() * 1000 + 100,
    )
}

/// The bytes that [`NEWEST`] has after this number.
pub(crate) fn newest_of(number: u64) -> Vec<u8> {
    let mut bytes = format!("{number:0DIGITS$}").into_bytes();
    bytes.extend(noise(number, 500));
    bytes
}

/// The number of what was read at [`NEWEST`], if it is whole.
pub(crate) fn number_of_newest(bytes: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(bytes.get(..DIGITS)?).ok()?;
    let number = digits.parse().ok()?;
    (bytes == newest_of(number)).then_some(number)
}

fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut bytes = vec![0; length];
    let mut hasher = blake3::Hasher::new();
    hasher.update(&seed.to_le_bytes());
    hasher.finalize_xof().fill(&mut bytes);
    bytes
}

/// Why an entry could not be read as it must be.
pub(crate) enum Unread {
    /// The store says that the blob is not there.
    Missing,
    /// Anything else.
    Wrong(String),
}

impl Unread {
    fn of(error: &Error) -> Unread {
        match error.kind() {
            ErrorKind::Missing => Unread::Missing,
            _ => Unread::Wrong(crate::tell::error(error)),
        }
    }
}

/// Reads an entry and compares it with what its path stands for. For [`NEWEST`] returns the number.
pub(crate) fn read(
    store: &Store,
    path: &str,
    entry: &Entry,
) -> std::result::Result<Option<u64>, Unread> {
    let mut file = store
        .open_entry(entry)
        .map_err(|error| Unread::of(&error))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)
        .map_err(|error| Unread::Wrong(error.to_string()))?;
    let number = if path == NEWEST {
        number_of_newest(&bytes)
    } else {
        let number = path.parse().ok();
        number.filter(|number| bytes == bytes_of(*number))
    };
    match number {
        Some(number) => Ok((path == NEWEST).then_some(number)),
        None => Err(Unread::Wrong(format!(
            "{path}: other bytes than were stored"
        ))),
    }
}
