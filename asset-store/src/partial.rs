//! Partials: the bytes of a resource that is still being received.

use std::io::{Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::fs::{self, File};
use crate::writer::WriterState;
use crate::{Digest, Error, ErrorKind, blob, record};

/// How many bytes a killed process may lose of a partial.
const CHECKPOINT_BYTES: u64 = 1 << 20;

/// From how many bytes to come on space is kept for them: less is hardly worth the call.
const ALLOCATED_FROM: u64 = 4 << 20;

const MAX_META_BYTES: u64 = 1 << 20;

/// Names a partial within its asset.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct PartialKey {
    /// Identity of the resource, see [`Source::identity`](crate::Source::identity).
    pub identity: String,
    /// The byte range of the resource that is received; `None` for all of it.
    pub range: Option<Range<u64>>,
}

impl PartialKey {
    /// The key for a whole resource.
    pub fn new(identity: impl Into<String>) -> PartialKey {
        PartialKey {
            identity: identity.into(),
            range: None,
        }
    }

    pub(crate) fn digest(&self) -> Result<Digest, Error> {
        Ok(Digest::of(&record::encode(self)?))
    }
}

/// What lies beside the bytes. It vouches for a prefix of them by its digest, so that neither a
/// power cut nor a second server that sends something else can make a wrong prefix count.
#[derive(Serialize, Deserialize)]
struct Meta {
    key: PartialKey,
    length: u64,
    prefix: Digest,
    validator: Option<String>,
    complete_length: Option<u64>,
}

/// A resource that is being received: bytes on the disk that no asset refers to yet.
///
/// Continue it by [`begin`](Partial::begin) at [`length`](Partial::length), hand it to
/// [`AssetWriter::commit`](crate::AssetWriter::commit) when it is whole. Dropped, it stays on the
/// disk for the next attempt; after a kill at most the last MiB of it is missing.
#[derive(Debug)]
pub struct Partial {
    state: Arc<WriterState>,
    /// `None` for bytes that are at hand as a whole, with which no later attempt could continue.
    key: Option<PartialKey>,
    name: String,
    file: File,
    hasher: blake3::Hasher,
    length: u64,
    checkpoint: u64,
    /// Up to where the system was told to write.
    handed_over: u64,
    /// Whether there may be a meta file.
    has_meta: bool,
    /// Whether space beyond the end is kept.
    allocated: bool,
    validator: Option<String>,
    complete_length: Option<u64>,
    /// What [`Drop`] does with the files.
    fate: Fate,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    /// Keep for the next attempt.
    Keep,
    /// Delete.
    Discard,
    /// The data is a blob now.
    Placed,
}

impl Partial {
    /// Opens or creates the partial; the name is registered with `state` already.
    pub(crate) fn open(
        state: Arc<WriterState>,
        key: Option<PartialKey>,
        name: String,
    ) -> Result<Partial, Error> {
        let path = state.partial_path(&name, DATA);
        let opened = match state.fs().open_or_create(&path) {
            // Whoever was about to make a blob of it died before the rename.
            Err(_) if state.fs().is_read_only(&path) => state
                .fs()
                .remove_file(&path)
                .and_then(|_| state.fs().open_or_create(&path)),
            opened => opened,
        };
        let file = match opened {
            Ok(file) => file,
            Err(error) => {
                state.release_partial(&name);
                return Err(error);
            }
        };
        let mut partial = Partial {
            state,
            key,
            name,
            file,
            hasher: blake3::Hasher::new(),
            length: 0,
            checkpoint: 0,
            handed_over: 0,
            has_meta: false,
            allocated: false,
            validator: None,
            complete_length: None,
            fate: Fate::Keep,
        };
        if let Err(error) = partial.recover() {
            partial.fate = Fate::Discard;
            return Err(error);
        }
        Ok(partial)
    }

    /// Takes over the prefix that the meta file vouches for and cuts off everything else.
    fn recover(&mut self) -> Result<(), Error> {
        let path = self.data_path();
        let bytes = match self.key {
            Some(_) => self.state.fs().read(&self.meta_path(), MAX_META_BYTES)?,
            None => None,
        };
        self.has_meta = bytes.is_some();
        let meta = record::parse::<Meta>(&bytes.unwrap_or_default())
            .records
            .pop();
        let meta = meta.filter(|meta| Some(&meta.key) == self.key.as_ref());
        if let Some(meta) = meta
            && self
                .state
                .fs()
                .length(&path)
                .is_some_and(|length| length >= meta.length)
        {
            blob::hash(&mut self.file, &path, meta.length, &mut self.hasher)?;
            if Digest::from_hasher(&self.hasher) == meta.prefix {
                self.length = meta.length;
                self.checkpoint = meta.length;
                self.handed_over = meta.length;
                self.validator = meta.validator;
                self.complete_length = meta.complete_length;
                let (asset, bytes) = (self.state.id(), self.length);
                tracing::debug!(%asset, bytes, "going on with what was received");
            } else {
                let asset = self.state.id();
                tracing::info!(%asset, "what was received is not what was noted, and begins anew");
                self.hasher.reset();
            }
        }
        // Most are new.
        if self.state.fs().length(&path) == Some(0) {
            return Ok(());
        }
        self.cut()
    }

    /// Makes the file end, and the next write start, at `self.length`.
    fn cut(&mut self) -> Result<(), Error> {
        let path = self.data_path();
        fs::set_length(&self.file, &path, self.length)?;
        self.file
            .seek(SeekFrom::Start(self.length))
            .map_err(|error| Error::io("seek in", &path, error))?;
        Ok(())
    }

    /// Bytes received so far.
    pub fn length(&self) -> u64 {
        self.length
    }

    /// The validator under which they were received.
    pub fn validator(&self) -> Option<&str> {
        self.validator.as_deref()
    }

    /// The length that was announced for the whole, in bytes.
    pub fn complete_length(&self) -> Option<u64> {
        self.complete_length
    }

    /// Digest of the bytes received so far.
    pub fn digest(&self) -> Digest {
        Digest::from_hasher(&self.hasher)
    }

    /// Starts to receive at `offset`: 0 to start again, [`length`](Partial::length) to continue,
    /// or somewhere before, for which what remains is read and hashed again.
    ///
    /// Of large resources whose length is known the space is kept at once, where the file system can, so
    /// that a full disk shows now and not at the end.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidOffset`] when `offset` lies beyond the bytes that are there;
    /// [`ErrorKind::DiskFull`].
    pub fn begin(
        &mut self,
        offset: u64,
        validator: Option<&str>,
        complete_length: Option<u64>,
    ) -> Result<(), Error> {
        if offset > self.length {
            let message = format!(
                "cannot continue at {offset}, {} bytes are there",
                self.length
            );
            return Err(Error::at(
                ErrorKind::InvalidOffset,
                &self.data_path(),
                &message,
            ));
        }
        if offset < self.length {
            self.shorten(offset)
                .inspect_err(|_| self.fate = Fate::Discard)?;
        }
        self.validator = validator.map(str::to_owned);
        self.complete_length = complete_length;
        self.allocate()
    }

    fn allocate(&mut self) -> Result<(), Error> {
        let range = self.key.as_ref().and_then(|key| key.range.as_ref());
        let most = range.map_or(u64::MAX, |range| range.end.saturating_sub(range.start));
        let expected = self.complete_length.unwrap_or_default().min(most);
        if expected.saturating_sub(self.length) < ALLOCATED_FROM {
            return Ok(());
        }
        fs::allocate(&self.file, &self.data_path(), expected)?;
        self.allocated = true;
        Ok(())
    }

    /// Gives back what is kept beyond the end: the server may have announced more than it sent.
    fn trim(&mut self) -> Result<(), Error> {
        if std::mem::take(&mut self.allocated) {
            fs::set_length(&self.file, &self.data_path(), self.length)?;
        }
        Ok(())
    }

    fn shorten(&mut self, offset: u64) -> Result<(), Error> {
        let path = self.data_path();
        self.hasher.reset();
        self.file
            .rewind()
            .map_err(|error| Error::io("seek in", &path, error))?;
        blob::hash(&mut self.file, &path, offset, &mut self.hasher)?;
        self.length = offset;
        self.checkpoint = 0;
        self.handed_over = 0;
        self.cut()
    }

    /// Adds bytes at the end, hashing them on the way.
    ///
    /// # Errors
    /// [`ErrorKind::DiskFull`] and others; then none of `bytes` counts as received.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), Error> {
        if let Err(error) = self.file.write_all(bytes) {
            let error = Error::io("write", &self.data_path(), error);
            self.cut().inspect_err(|_| self.fate = Fate::Discard)?;
            return Err(error);
        }
        self.hasher.update(bytes);
        self.length = self
            .length
            .saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if self.length.saturating_sub(self.checkpoint) >= CHECKPOINT_BYTES {
            self.write_meta()?;
        }
        if self.length.saturating_sub(self.handed_over) >= CHECKPOINT_BYTES {
            self.start_write_back();
        }
        Ok(())
    }

    /// Has the disk at work before anybody waits for it.
    pub(crate) fn start_write_back(&mut self) {
        let count = self.length.saturating_sub(self.handed_over);
        self.file.start_write_back(self.handed_over, count);
        self.handed_over = self.length;
    }

    /// Notes how far it is, so that all of it can be continued if the process is killed. That happens by itself with every
    /// megabyte and on drop, so it is for those who are about to wait.
    ///
    /// # Errors
    /// [`ErrorKind::DiskFull`] and others; what was received stays.
    pub fn checkpoint(&mut self) -> Result<(), Error> {
        if self.checkpoint == self.length {
            return Ok(());
        }
        self.write_meta()
    }

    fn write_meta(&mut self) -> Result<(), Error> {
        let Some(key) = self.key.clone() else {
            return Ok(());
        };
        let meta = Meta {
            key,
            length: self.length,
            prefix: self.digest(),
            validator: self.validator.clone(),
            complete_length: self.complete_length,
        };
        self.has_meta = true;
        self.state
            .fs()
            .overwrite(&self.meta_path(), &record::encode(&meta)?)?;
        self.checkpoint = self.length;
        Ok(())
    }

    /// Deletes what was received.
    pub fn discard(mut self) {
        self.fate = Fate::Discard;
    }

    pub(crate) fn belongs_to(&self, state: &Arc<WriterState>) -> bool {
        Arc::ptr_eq(&self.state, state)
    }

    /// Checks that the data is what was received and makes it durable.
    pub(crate) fn finish(&mut self, durable: bool) -> Result<(), Error> {
        let path = self.data_path();
        if self.fate == Fate::Discard || self.state.fs().length(&path) != Some(self.length) {
            self.fate = Fate::Discard;
            let message = "is not what was received; receive it again";
            return Err(Error::at(ErrorKind::Damaged, &path, message));
        }
        self.trim()?;
        if durable && let Err(error) = fs::sync_data(&self.file, &path) {
            // After a failed sync the system may have dropped the bytes and call a second one a
            // success. They have to be received again.
            self.fate = Fate::Discard;
            return Err(error);
        }
        Ok(())
    }

    /// Moves the data to its place among the blobs.
    pub(crate) fn place(&mut self, target: &Path, secret: bool) -> Result<(), Error> {
        let path = self.data_path();
        // Without write permission it could not be continued, so it is now a blob or nothing.
        self.fate = Fate::Discard;
        self.state.fs().make_immutable(&path, secret)?;
        self.state.fs().rename(&path, target)?;
        self.fate = Fate::Placed;
        Ok(())
    }

    /// The bytes are stored already, these are not needed.
    pub(crate) fn mark_duplicate(&mut self) {
        self.fate = Fate::Discard;
    }

    fn data_path(&self) -> PathBuf {
        self.state.partial_path(&self.name, DATA)
    }

    fn meta_path(&self) -> PathBuf {
        self.state.partial_path(&self.name, META)
    }
}

/// Extension of the file with the bytes.
const DATA: &str = "data";
/// Extension of the file that vouches for them.
const META: &str = "meta";

impl Drop for Partial {
    fn drop(&mut self) {
        let keep = self.fate == Fate::Keep && self.key.is_some() && self.length > 0;
        // A failure costs at most that these bytes are received again, or swept later.
        if keep {
            let _ = self.trim();
            if self.checkpoint != self.length {
                let _ = self.write_meta();
            }
        } else if self.fate != Fate::Placed {
            let _ = self.state.fs().remove_file(&self.data_path());
        }
        if !keep && self.has_meta {
            let _ = self.state.fs().remove_file(&self.meta_path());
        }
        self.state.release_partial(&self.name);
    }
}
