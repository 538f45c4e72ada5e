//! Segments whose samples are decrypted: worked out as a whole, and kept while a player asks for their parts.

use std::collections::VecDeque;
use std::io::Read;
use std::sync::{Arc, Mutex, PoisonError};

use asset_store::{Digest, Entry, Store};

use super::content::stored_key;
use crate::{Error, ErrorKind, Result, media};

/// Bytes of cleared segments that are kept; what is longer is worked out for each request.
const KEPT: usize = 24 << 20;
/// No segment of media is longer; one that is would have to be held in memory.
const LONGEST: u64 = 512 << 20;

/// What makes a cleared segment what it is: the segment, the key, the IV, the initialization section.
type Name = (Digest, Digest, Option<[u8; 16]>, Option<Digest>);

/// The segments used last, the latest first.
static SEGMENTS: Mutex<VecDeque<(Name, Arc<[u8]>)>> = Mutex::new(VecDeque::new());

/// A segment with its samples in clear.
pub(super) fn segment(
    store: &Store,
    entry: &Entry,
    key: &Entry,
    iv: Option<[u8; 16]>,
    map: Option<&Entry>,
) -> Result<Arc<[u8]>> {
    let name = (entry.digest, key.digest, iv, map.map(|map| map.digest));
    let mut segments = SEGMENTS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(at) = segments.iter().position(|(known, _)| *known == name)
        && let Some(found) = segments.remove(at)
    {
        let bytes = Arc::clone(&found.1);
        segments.push_front(found);
        return Ok(bytes);
    }
    drop(segments);
    let key = stored_key(store, key)?;
    let mut bytes = read(store, entry)?;
    let map = map.map(|map| read(store, map)).transpose()?;
    media::clear_samples(&mut bytes, map.as_deref(), key, iv)?;
    let bytes: Arc<[u8]> = bytes.into();
    let mut segments = SEGMENTS.lock().unwrap_or_else(PoisonError::into_inner);
    segments.push_front((name, Arc::clone(&bytes)));
    let mut room = KEPT;
    segments.retain(|(_, kept)| {
        let fits = kept.len() <= room;
        room = room.saturating_sub(kept.len());
        fits
    });
    Ok(bytes)
}

/// A Media Initialization Section that describes samples in clear.
pub(super) fn initialization(store: &Store, entry: &Entry) -> Result<Arc<[u8]>> {
    let mut bytes = read(store, entry)?;
    media::clear_initialization(&mut bytes)?;
    Ok(bytes.into())
}

/// All bytes of an entry, as stored.
pub(super) fn read(store: &Store, entry: &Entry) -> Result<Vec<u8>> {
    if entry.length > LONGEST {
        let what = "a segment longer than 512 MiB cannot be decrypted";
        return Err(Error::new(ErrorKind::Storage, what));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(entry.length).unwrap_or_default());
    let mut file = store.open_entry(entry)?;
    file.read_to_end(&mut bytes).map_err(|error| {
        Error::new(ErrorKind::Storage, "the stored bytes cannot be read").because(error)
    })?;
    Ok(bytes)
}
