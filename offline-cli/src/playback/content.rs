//! The bytes a player gets for an entry: as stored, or decrypted while they are read.

use std::fs::File;
use std::io::{self, Read};
use std::sync::Arc;

use asset_store::{Asset, Entry, Store};
use hls_parse::{Key, KeyMethod, Timeline};

use super::cipher::{BLOCK, Cipher, invalid, padding, read_at_hand, read_stored};
use super::cleared;
use super::movie::MovieReader;
use crate::session::layout::TrackLayout;
use crate::{Error, ErrorKind, Result, media};

/// What a local address stands for.
#[derive(Clone, Debug)]
pub(crate) struct Content {
    pub(crate) entry: Entry,
    pub(crate) decryption: Option<Decryption>,
    pub(crate) media_type: &'static str,
}

/// Why the bytes of a content cannot be had.
#[derive(Debug)]
pub(crate) enum Unopened {
    /// Those that are stored cannot be read.
    File(Error),
    /// The key cannot be read.
    NoKey,
    /// They do not open with it.
    Key(Error),
}

impl std::fmt::Display for Unopened {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::File(error) | Self::Key(error) => formatter.write_str(&error.one_line()),
            Self::NoKey => formatter.write_str("the stored key cannot be read"),
        }
    }
}

/// What is done to stored bytes before a player gets them.
#[derive(Clone, Debug)]
pub(crate) enum Decryption {
    /// AES-128 in CBC mode over a whole segment, PKCS#7 at its end (RFC 8216bis §4.4.4.4).
    Segment {
        /// The stored key: 16 bytes.
        key: Entry,
        iv: [u8; 16],
    },
    /// SAMPLE-AES and Common Encryption: parts of samples.
    Samples {
        key: Entry,
        /// What samples start from in formats that do not say it themselves.
        iv: Option<[u8; 16]>,
        /// The Media Initialization Section as stored.
        map: Option<Entry>,
    },
    /// A Media Initialization Section that describes encrypted samples, which players get in clear.
    Initialization,
}

impl Content {
    /// What is stored of a segment; `None` when it or its key is not there.
    pub(crate) fn of_segment(
        asset: &Asset,
        layout: &TrackLayout<'_>,
        index: usize,
    ) -> Option<Self> {
        let timeline = layout.timeline;
        let segment = timeline.segments().get(index)?;
        let in_force = timeline.segment_keys(index);
        let stored = |path: &str| asset.entries().get(path).cloned();
        let decryption = if let Some(key) = clear_key(timeline, in_force) {
            Some(Decryption::Segment {
                key: stored(&layout.key(key))?,
                iv: timeline.segment_iv(index, key)?,
            })
        } else if let Some(key) = sample_key(timeline, in_force) {
            let map = segment.map.map(|map| stored(&layout.map(map)).ok_or(()));
            Some(Decryption::Samples {
                key: stored(&layout.key(key))?,
                iv: timeline.segment_iv(index, key),
                map: map.transpose().ok()?,
            })
        } else {
            None
        };
        Self::of(asset, &layout.segment(index), decryption)
    }

    /// What is stored of an initialization section; its key needs an explicit IV.
    pub(crate) fn of_map(asset: &Asset, layout: &TrackLayout<'_>, index: usize) -> Option<Self> {
        let timeline = layout.timeline;
        let map = timeline.maps().get(index)?;
        let decryption = if let Some(key) = clear_key(timeline, &map.keys) {
            Some(Decryption::Segment {
                key: asset.entries().get(&layout.key(key))?.clone(),
                iv: timeline.keys().get(key)?.iv?,
            })
        } else {
            has_samples_cleared(timeline, index).then_some(Decryption::Initialization)
        };
        Self::of(asset, &layout.map(index), decryption)
    }

    /// A key that players need because the bytes are not decrypted on the way.
    pub(crate) fn of_key(asset: &Asset, layout: &TrackLayout<'_>, index: usize) -> Option<Self> {
        if is_unneeded(layout.timeline.keys().get(index)?) {
            return None;
        }
        Self::of(asset, &layout.key(index), None)
    }

    fn of(asset: &Asset, path: &str, decryption: Option<Decryption>) -> Option<Self> {
        Some(Self {
            entry: asset.entries().get(path)?.clone(),
            decryption,
            media_type: content_type(path),
        })
    }

    /// An entry that no playlist names: its bytes as they are.
    pub(crate) fn stored(entry: Entry) -> Self {
        Self {
            entry,
            decryption: None,
            media_type: content_type(""),
        }
    }

    /// Reads all bytes into a buffer, after what it holds.
    pub(crate) fn read(&self, store: &Store, into: &mut Vec<u8>) -> Result<(), Unopened> {
        let unread = |error: io::Error| {
            let reason = "its bytes cannot be read";
            Unopened::File(Error::new(ErrorKind::Storage, reason).because(error))
        };
        let start = into.len();
        let mut file =
            (store.open_entry(&self.entry)).map_err(|error| Unopened::File(error.into()))?;
        into.reserve(usize::try_from(self.entry.length).unwrap_or_default());
        file.read_to_end(into).map_err(unread)?;
        let bytes = into.get_mut(start..).unwrap_or_default();
        let closed = |error: &dyn std::fmt::Display| {
            let reason = "it does not open with its key";
            Unopened::Key(Error::new(ErrorKind::Storage, reason).because(error.to_string()))
        };
        let stored_key = |key: &Entry| stored_key(store, key).map_err(|_| Unopened::NoKey);
        match &self.decryption {
            None => {}
            Some(Decryption::Segment { key, iv }) => {
                let (key, iv) = (stored_key(key)?, *iv);
                let clear = Cipher { key, iv }
                    .decrypt_all(bytes)
                    .map_err(|error| closed(&error))?;
                into.truncate(start.saturating_add(clear));
            }
            Some(Decryption::Samples { key, iv, map }) => {
                let key = stored_key(key)?;
                let map = map.as_ref().map(|map| cleared::read(store, map));
                let map = map.transpose().map_err(Unopened::File)?;
                media::clear_samples(bytes, map.as_deref(), key, *iv)
                    .map_err(|error| closed(&error))?;
            }
            Some(Decryption::Initialization) => {
                media::clear_initialization(bytes).map_err(|error| closed(&error))?;
            }
        }
        Ok(())
    }

    /// Opens the bytes for reading at any offset.
    pub(crate) fn open(&self, store: &Store) -> Result<ContentReader> {
        let (key, iv) = match &self.decryption {
            None => {
                let source = Source::Stored {
                    file: store.open_entry(&self.entry)?,
                    length: self.entry.length,
                    cipher: None,
                };
                return Ok(ContentReader {
                    source,
                    length: self.entry.length,
                });
            }
            Some(Decryption::Segment { key, iv }) => (key, iv),
            Some(Decryption::Samples { key, iv, map }) => {
                let bytes = cleared::segment(store, &self.entry, key, *iv, map.as_ref())?;
                return Ok(ContentReader::of_memory(bytes));
            }
            Some(Decryption::Initialization) => {
                let bytes = cleared::initialization(store, &self.entry)?;
                return Ok(ContentReader::of_memory(bytes));
            }
        };
        let cipher = Cipher {
            key: stored_key(store, key)?,
            iv: *iv,
        };
        let source = Source::Stored {
            file: store.open_entry(&self.entry)?,
            length: self.entry.length,
            cipher: Some(cipher),
        };
        let mut reader = ContentReader { source, length: 0 };
        reader.length = reader.clear_length().map_err(|error| {
            Error::new(ErrorKind::Storage, "a segment cannot be decrypted").because(error)
        })?;
        Ok(reader)
    }

    /// A name for the bytes a player gets: the content hash, and a mark when they are decrypted.
    pub(crate) fn entity_tag(&self) -> String {
        if self.decryption.is_some() {
            format!("\"{}-clear\"", self.entry.digest)
        } else {
            format!("\"{}\"", self.entry.digest)
        }
    }
}

/// The key in force for whole segments that are decrypted on the way.
pub(crate) fn clear_key(timeline: &Timeline, in_force: &[usize]) -> Option<usize> {
    find_key(timeline, in_force, |key| key.method == KeyMethod::Aes128)
}

/// The key in force for samples that are decrypted on the way.
fn sample_key(timeline: &Timeline, in_force: &[usize]) -> Option<usize> {
    find_key(timeline, in_force, is_of_samples)
}

fn find_key(timeline: &Timeline, in_force: &[usize], is_wanted: fn(&Key) -> bool) -> Option<usize> {
    let keys = timeline.keys();
    in_force.iter().copied().find(|&index| {
        keys.get(index)
            .is_some_and(|key| key.is_identity() && is_wanted(key))
    })
}

fn is_of_samples(key: &Key) -> bool {
    matches!(key.method, KeyMethod::SampleAes | KeyMethod::SampleAesCtr)
}

/// Whether what these keys open needs a licence of a key system.
pub(crate) fn is_protected(timeline: &Timeline, in_force: &[usize]) -> bool {
    !in_force.is_empty() && find_key(timeline, in_force, |_| true).is_none()
}

/// Whether players do not need the key, because what it opens is decrypted on the way.
pub(crate) fn is_unneeded(key: &Key) -> bool {
    key.is_identity() && (key.method == KeyMethod::Aes128 || is_of_samples(key))
}

/// Whether segments with this initialization section have their samples decrypted on the way.
fn has_samples_cleared(timeline: &Timeline, map: usize) -> bool {
    timeline.keys().iter().any(is_of_samples)
        && timeline
            .segments()
            .iter()
            .enumerate()
            .any(|(index, segment)| {
                segment.map == Some(map)
                    && sample_key(timeline, timeline.segment_keys(index)).is_some()
            })
}

/// A stored key.
pub(super) fn stored_key(store: &Store, entry: &Entry) -> Result<[u8; 16]> {
    let mut key = [0; 16];
    store
        .open_entry(entry)?
        .read_exact(&mut key)
        .map_err(|error| {
            Error::new(ErrorKind::Storage, "the stored key cannot be read").because(error)
        })?;
    Ok(key)
}

/// The media type of a local name (RFC 8216bis §4 for playlists).
pub(crate) fn content_type(name: &str) -> &'static str {
    match name
        .rsplit_once('.')
        .map(|(_, ending)| ending)
        .unwrap_or_default()
    {
        "m3u8" => "application/vnd.apple.mpegurl",
        "ts" => "video/mp2t",
        "m4s" | "mp4" => "video/mp4",
        "aac" => "audio/aac",
        "ac3" => "audio/ac3",
        "ec3" => "audio/eac3",
        "mp3" => "audio/mpeg",
        "vtt" => "text/vtt; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// Bytes with random access.
#[derive(Debug)]
pub(crate) struct ContentReader {
    source: Source,
    length: u64,
}

#[derive(Debug)]
enum Source {
    Stored {
        file: File,
        length: u64,
        cipher: Option<Cipher>,
    },
    Memory(Arc<[u8]>),
    Movie(Box<MovieReader>),
}

impl ContentReader {
    pub(super) fn of_memory(bytes: Arc<[u8]>) -> Self {
        Self {
            length: bytes.len() as u64,
            source: Source::Memory(bytes),
        }
    }

    pub(super) fn of_movie(reader: MovieReader) -> Self {
        Self {
            length: reader.length(),
            source: Source::Movie(Box::new(reader)),
        }
    }

    /// Bytes a player gets.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Reads up to `length` bytes at `offset`; fewer only at the end.
    pub(crate) fn read_at(&mut self, offset: u64, length: usize) -> io::Result<Vec<u8>> {
        let wanted = self.length.saturating_sub(offset).min(length as u64);
        if wanted == 0 {
            return Ok(Vec::new());
        }
        match &mut self.source {
            Source::Movie(reader) => reader.read_at(offset, length),
            Source::Memory(bytes) => {
                // Both fit: they are inside what is in memory.
                let start = usize::try_from(offset).unwrap_or(usize::MAX);
                let end = usize::try_from(offset + wanted).unwrap_or(usize::MAX);
                Ok(bytes.get(start..end).unwrap_or_default().to_vec())
            }
            Source::Stored {
                file, cipher: None, ..
            } => read_stored(file, offset, wanted),
            Source::Stored {
                file,
                length,
                cipher: Some(cipher),
            } => {
                let first = offset - offset % BLOCK;
                let end = (offset + wanted).next_multiple_of(BLOCK).min(*length);
                let mut clear = cipher.decrypt_blocks(file, first, end - first)?;
                // Both fit: the distances are less than what was just read into memory.
                let skip = usize::try_from(offset - first).unwrap_or(usize::MAX);
                let keep = usize::try_from(wanted).unwrap_or(usize::MAX);
                clear.drain(..skip.min(clear.len()));
                clear.truncate(keep);
                Ok(clear)
            }
        }
    }

    /// Reads into a buffer what can be had without waiting for a disk, at the start of it; how many bytes that are. What the reader has ends where the buffer
    /// does, or behind it.
    pub(super) fn read_at_hand(&mut self, offset: u64, buffer: &mut [u8]) -> Option<usize> {
        match &mut self.source {
            Source::Stored {
                file, cipher: None, ..
            } => read_at_hand(file, offset, buffer),
            Source::Stored {
                file,
                cipher: Some(cipher),
                ..
            } => cipher.decrypt_at_hand(file, offset, buffer),
            Source::Memory(_) | Source::Movie(_) => None,
        }
    }

    /// The length without the padding, from the last block alone.
    fn clear_length(&mut self) -> io::Result<u64> {
        let Source::Stored {
            file,
            length,
            cipher: Some(cipher),
        } = &mut self.source
        else {
            return Ok(self.length);
        };
        if *length == 0 || !length.is_multiple_of(BLOCK) {
            return Err(invalid("its length is not a multiple of 16"));
        }
        let last = cipher.decrypt_blocks(file, *length - BLOCK, BLOCK)?;
        Ok(*length - u64::from(padding(&last)?))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use aes::Aes128;
    use aes::cipher::{Array, BlockModeEncrypt, KeyIvInit};
    use asset_store::{AssetId, Durability, EntryAttributes, StoreOptions};
    use proptest::prelude::*;

    fn encrypt(clear: &[u8], key: [u8; 16], iv: [u8; 16]) -> Vec<u8> {
        let padding = 16 - clear.len() % 16;
        let mut bytes = clear.to_vec();
        bytes.extend(std::iter::repeat_n(u8::try_from(padding).unwrap(), padding));
        let (blocks, _) = Array::slice_as_chunks_mut(bytes.as_mut_slice());
        cbc::Encryptor::<Aes128>::new(&Array::from(key), &Array::from(iv)).encrypt_blocks(blocks);
        bytes
    }

    /// One for all cases: making a store syncs hundreds of folders.
    static STORE: LazyLock<(tempfile::TempDir, Store)> = LazyLock::new(|| {
        let folder = tempfile::tempdir().unwrap();
        let options = StoreOptions {
            durability: Durability::Relaxed,
            ..StoreOptions::default()
        };
        let store = Store::open_with(folder.path(), &options).unwrap();
        (folder, store)
    });

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_range_of_a_decrypted_segment_is_that_range_of_the_clear_one(
            clear in proptest::collection::vec(any::<u8>(), 0..200),
            key: [u8; 16], iv: [u8; 16], offset in 0_u64..220, length in 0_usize..220,
        ) {
            let (_, store) = &*STORE;
            let writer = store.writer(&AssetId::new("a").unwrap()).unwrap();
            let entry = writer.put("s", &encrypt(&clear, key, iv), EntryAttributes::new("segment")).unwrap();
            let key = writer.put("k", &key, EntryAttributes::new("key")).unwrap();
            let content = Content { entry, decryption: Some(Decryption::Segment { key, iv }), media_type: "video/mp2t" };
            let mut reader = content.open(store).unwrap();
            prop_assert_eq!(reader.length(), clear.len() as u64);
            let start = usize::try_from(offset).unwrap().min(clear.len());
            let end = (start + length).min(clear.len());
            prop_assert_eq!(reader.read_at(offset, length).unwrap(), &clear[start..end]);
            let mut buffer = vec![0; end - start];
            if let Some(read) = reader.read_at_hand(offset, &mut buffer) {
                prop_assert!(read > 0 && offset % 16 == 0);
                prop_assert_eq!(&buffer[..read], &clear[start..start + read]);
            }
            let mut whole = b"before".to_vec();
            content.read(store, &mut whole).unwrap();
            prop_assert_eq!(&whole[6..], &clear);
        }
    }
}
