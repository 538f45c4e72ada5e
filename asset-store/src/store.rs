//! The store itself: opening, looking up, documents.

use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex};

use crate::commit::Committer;
use crate::completion::lock;
use crate::fs::{self, Fs};
use crate::id::check_document_name;
use crate::index::SourceIndex;
use crate::layout::Layout;
use crate::lock::{InUse, WriterLock, settle_folder};
use crate::partial::PartialKey;
use crate::reading::{Reading, VerifyOnRead};
use crate::writer::AssetWriter;
use crate::{Asset, AssetId, BlobFile, Digest, Entry, Error, ErrorKind, blob, format, manifest};

/// Ending of the files of documents.
pub(crate) const DOCUMENT: &str = ".document";

const RESERVE_BYTES: u64 = 1 << 20;
pub(crate) const MAX_DOCUMENT_BYTES: usize = 16 << 20;

/// When a commit counts as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Durability {
    /// When it survives a power cut.
    #[default]
    Durable,
    /// When it survives the death of the process; it survives a power cut once the asset is sealed.
    Relaxed,
}

/// How to open a store.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// When a commit counts as done.
    pub durability: Durability,
    /// Whether a missing store is created. Without it the disk is left as it is.
    pub create: bool,
    /// When what is read is compared with its digest.
    pub verify_on_read: VerifyOnRead,
    /// How many bytes of blobs the store may hold, together with what is [reserved](Store::reserve). A
    /// commit or a reservation beyond that fails with [`ErrorKind::OverQuota`]; what is stored already
    /// stays. Each process keeps to its own limit, and sees within minutes what others store without
    /// a reservation.
    pub quota: Option<u64>,
}

impl Default for StoreOptions {
    fn default() -> StoreOptions {
        StoreOptions {
            durability: Durability::Durable,
            create: true,
            verify_on_read: VerifyOnRead::Never,
            quota: None,
        }
    }
}

/// A store in a folder. Clones are the same store; any number of processes may have it open.
///
/// Reading ([`asset_ids`](Store::asset_ids), [`asset`](Store::asset), [`open_entry`](Store::open_entry),
/// [`document`](Store::document), [`usage`](Store::usage)) takes no lock and waits for nobody.
#[derive(Clone, Debug)]
pub struct Store {
    inner: Arc<StoreInner>,
}

#[derive(Debug)]
pub(crate) struct StoreInner {
    pub(crate) layout: Arc<Layout>,
    durability: Durability,
    reading: Reading,
    // Dropped in this order: what is queued is committed, then the index is closed.
    committer: Mutex<Option<Arc<Committer>>>,
    index: Arc<SourceIndex>,
    _lock: fs::File,
}

impl StoreInner {
    /// The commit thread, started at the first commit.
    pub(crate) fn committer(&self) -> Result<Arc<Committer>, Error> {
        let mut slot = lock(&self.committer);
        if let Some(committer) = &*slot {
            return Ok(Arc::clone(committer));
        }
        let layout = Arc::clone(&self.layout);
        let index = Arc::clone(&self.index);
        let committer = Arc::new(Committer::start(layout, index, self.is_durable())?);
        *slot = Some(Arc::clone(&committer));
        Ok(committer)
    }

    pub(crate) fn is_durable(&self) -> bool {
        self.durability == Durability::Durable
    }

    /// Sets space aside that deleting can fall back on. A full disk is no reason to fail here.
    pub(crate) fn fill_reserve(&self) {
        let fs = self.layout.fs();
        let path = self.layout.reserve();
        // A power cut may have left only a part of it.
        if fs.length(&path) == Some(RESERVE_BYTES) {
            return;
        }
        // Bytes that no file system can compress or leave out.
        let mut bytes = vec![0; usize::try_from(RESERVE_BYTES).unwrap_or_default()];
        blake3::Hasher::new().finalize_xof().fill(&mut bytes);
        if fs.overwrite(&path, &bytes).is_err() {
            let _ = fs.remove_file(&path);
        }
    }

    /// Does what frees space; if the disk is too full even for that, with the reserve given up.
    pub(crate) fn freeing<T>(
        &self,
        mut action: impl FnMut() -> Result<T, Error>,
    ) -> Result<T, Error> {
        match action() {
            Err(error) if error.kind() == ErrorKind::DiskFull => {
                if !self.layout.fs().remove_file(&self.layout.reserve())? {
                    return Err(error);
                }
                action()
            }
            done => done,
        }
    }
}

impl Store {
    /// Opens the store at `root` and creates it when there is none.
    ///
    /// # Errors
    /// [`ErrorKind::NewerFormat`], [`ErrorKind::NotAStore`], [`ErrorKind::NotPrivate`],
    /// [`ErrorKind::DiskFull`] and others.
    pub fn open(root: impl AsRef<Path>) -> Result<Store, Error> {
        Store::open_with(root, &StoreOptions::default())
    }

    /// Opens the store at `root`.
    ///
    /// # Errors
    /// Like [`open`](Store::open), and [`ErrorKind::NotFound`] when there is no store and none is to
    /// be created.
    pub fn open_with(root: impl AsRef<Path>, options: &StoreOptions) -> Result<Store, Error> {
        Store::open_on(Fs::local(), root.as_ref(), options)
    }

    pub(crate) fn open_on(fs: Fs, root: &Path, options: &StoreOptions) -> Result<Store, Error> {
        let layout = Arc::new(Layout::new(fs, root, options.quota));
        let lock = format::open(&layout, options.create)?;
        let inner = StoreInner {
            index: Arc::new(SourceIndex::new(Arc::clone(&layout))),
            layout,
            durability: options.durability,
            reading: Reading::new(options.verify_on_read),
            committer: Mutex::new(None),
            _lock: lock,
        };
        Ok(Store {
            inner: Arc::new(inner),
        })
    }

    pub(crate) fn inner(&self) -> &StoreInner {
        &self.inner
    }

    pub(crate) fn layout(&self) -> &Layout {
        &self.inner.layout
    }

    /// The folder of the store.
    pub fn root(&self) -> &Path {
        self.layout().root()
    }

    /// The ids of all assets, sorted.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn asset_ids(&self) -> Result<Vec<AssetId>, Error> {
        let mut ids: Vec<AssetId> = self
            .layout()
            .fs()
            .list_directories(&self.layout().assets())?
            .into_iter()
            .filter_map(|name| AssetId::new(name).ok())
            .collect();
        ids.sort_unstable();
        Ok(ids)
    }

    /// The asset as it is now: its current manifest and, while it is not sealed, its log.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownAsset`]; [`ErrorKind::Damaged`] when its manifest is not whole.
    pub fn asset(&self, id: &AssetId) -> Result<Asset, Error> {
        manifest::load(self.layout(), id)?.into_asset(self.layout())
    }

    /// A document of an asset: bytes that the caller keeps beside the manifest, such as a policy.
    /// `None` when the asset has none of this name or is unknown.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidName`] when the name breaks the rules of [`AssetId`] or has more than 64
    /// characters.
    pub fn document(&self, id: &AssetId, name: &str) -> Result<Option<Vec<u8>>, Error> {
        check_document_name(name)?;
        let limit = u64::try_from(MAX_DOCUMENT_BYTES).unwrap_or(u64::MAX);
        self.layout()
            .fs()
            .read(&self.layout().asset(id).join(document_file(name)), limit)
    }

    /// Replaces a document atomically and durably. Needs no writer; of two at once the last one wins.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownAsset`]; [`ErrorKind::TooLarge`] above 16 MiB; [`ErrorKind::InvalidName`]
    /// as for [`document`](Store::document).
    pub fn set_document(&self, id: &AssetId, name: &str, bytes: &[u8]) -> Result<(), Error> {
        check_document(name, bytes)?;
        let folder = self.layout().asset(id);
        let unknown = || Error::new(ErrorKind::UnknownAsset, format!("there is no asset {id}"));
        if !self.layout().fs().is_directory(&folder) {
            return Err(unknown());
        }
        // What says that the disk is full, or what may be purged, must get through on a full disk.
        match self.inner().freeing(|| {
            settle_folder(self.layout(), id)?;
            self.layout()
                .fs()
                .replace(&folder, &document_file(name), bytes)
        }) {
            // Removed in this moment.
            Err(_) if !self.layout().fs().is_directory(&folder) => Err(unknown()),
            done => done,
        }
    }

    /// A document of the store itself, for what concerns all assets.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidName`] and [`ErrorKind::TooLarge`] as for [`document`](Store::document).
    pub fn store_document(&self, name: &str) -> Result<Option<Vec<u8>>, Error> {
        check_document_name(name)?;
        let limit = u64::try_from(MAX_DOCUMENT_BYTES).unwrap_or(u64::MAX);
        let path = self.root().join(document_file(name));
        self.layout().fs().read(&path, limit)
    }

    /// Replaces a document of the store itself atomically and durably; of two at once the last one wins.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidName`] and [`ErrorKind::TooLarge`] as for [`set_document`](Store::set_document).
    pub fn set_store_document(&self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        check_document(name, bytes)?;
        let file = document_file(name);
        self.inner()
            .freeing(|| self.layout().fs().replace(self.root(), &file, bytes))
    }

    /// Becomes the writer of an asset, which is created when it is new.
    ///
    /// An asset whose manifest or log is damaged is mended first: what can still be read is kept, the
    /// damaged files go to the trash, and what is missing can be committed again.
    ///
    /// # Errors
    /// [`ErrorKind::Busy`] while somebody else writes it, in this process or another; the message
    /// says who.
    pub fn writer(&self, id: &AssetId) -> Result<AssetWriter, Error> {
        AssetWriter::open(Arc::clone(&self.inner), id)
    }

    /// Whether somebody, in this process or another, writes the asset.
    ///
    /// # Errors
    /// When the lock cannot be looked at.
    pub fn is_being_written(&self, id: &AssetId) -> Result<bool, Error> {
        WriterLock::is_held(self.layout().fs(), &self.layout().writer_lock(id))
    }

    /// Marks an asset as in use, for example because it is being played, until the mark is dropped
    /// or the process ends. Any number of users may mark it at the same time.
    ///
    /// It is a sign for whoever decides what to remove, see [`is_in_use`](Store::is_in_use):
    /// [`remove`](Store::remove) does not look at it.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownAsset`]; otherwise when the mark cannot be made.
    pub fn mark_in_use(&self, id: &AssetId) -> Result<InUse, Error> {
        if !self.layout().fs().is_directory(&self.layout().asset(id)) {
            let message = format!("there is no asset {id}");
            return Err(Error::new(ErrorKind::UnknownAsset, message));
        }
        InUse::mark(self.layout().fs(), &self.layout().use_lock(id))
    }

    /// Whether somebody, in this process or another, has [marked](Store::mark_in_use) the asset.
    ///
    /// # Errors
    /// When the lock cannot be looked at.
    pub fn is_in_use(&self, id: &AssetId) -> Result<bool, Error> {
        InUse::is_marked(self.layout().fs(), &self.layout().use_lock(id))
    }

    /// Opens a blob; `None` when the store does not have it.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn blob(&self, digest: &Digest) -> Result<Option<BlobFile>, Error> {
        blob::open(self.layout(), digest)
    }

    /// Opens the blob of an entry for reading.
    ///
    /// # Errors
    /// [`ErrorKind::Missing`] when it is not there; [`ErrorKind::Damaged`] when it has another length
    /// than the entry says, or, where [`verify_on_read`](StoreOptions::verify_on_read) has it read, another
    /// content: then it is moved to the trash, so that nobody is served from it.
    pub fn open_entry(&self, entry: &Entry) -> Result<File, Error> {
        blob::open_entry(self.layout(), entry, &self.inner.reading)
    }

    /// Whether the blob is there with this length. Looks, but does not read.
    pub fn has_blob(&self, digest: &Digest, length: u64) -> bool {
        blob::exists(self.layout(), digest, length)
    }

    /// The blob that was stored for a whole resource of this identity, by whatever asset, if it is
    /// still there. A hint: `None` may also mean that the index is in use by another process, or
    /// is being built: the first call waits for it, but for a second at most.
    ///
    /// # Errors
    /// Never because of the index: a broken one is rebuilt or done without.
    pub fn find_source(&self, identity: &str) -> Result<Option<(Digest, u64)>, Error> {
        self.find_key(&PartialKey::new(identity))
    }

    /// [`find_source`](Store::find_source) for a byte range of a resource.
    ///
    /// # Errors
    /// As there.
    pub fn find_source_range(
        &self,
        identity: &str,
        range: std::ops::Range<u64>,
    ) -> Result<Option<(Digest, u64)>, Error> {
        self.find_key(&PartialKey {
            identity: identity.to_owned(),
            range: Some(range),
        })
    }

    fn find_key(&self, key: &PartialKey) -> Result<Option<(Digest, u64)>, Error> {
        let found = self.inner.index.find(&key.digest()?);
        Ok(found.filter(|(digest, length)| self.has_blob(digest, *length)))
    }
}

fn check_document(name: &str, bytes: &[u8]) -> Result<(), Error> {
    check_document_name(name)?;
    if bytes.len() > MAX_DOCUMENT_BYTES {
        let message = format!("document {name} has more than 16 MiB");
        return Err(Error::new(ErrorKind::TooLarge, message));
    }
    Ok(())
}

fn document_file(name: &str) -> String {
    format!("{name}{DOCUMENT}")
}
