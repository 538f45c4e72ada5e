//! A content-addressed, crash-safe store for large immutable files and the named trees that refer to
//! them.
//!
//! ```
//! use asset_store::{AssetId, EntryAttributes, PartialKey, Store};
//! use std::io::Read;
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let root = folder.path().join("store");
//! let store = Store::open(&root)?;
//! let id = AssetId::new("concert")?;
//! let writer = store.writer(&id)?;
//!
//! // Small things at once, large ones as they arrive.
//! writer.put("index.m3u8", b"#EXTM3U\n", EntryAttributes::new("playlist"))?;
//! let mut partial = writer.partial(&PartialKey::new("https://example.com/1.ts"))?;
//! partial.begin(0, Some("\"v1\""), Some(11))?;
//! partial.append(b"hello ")?;
//! partial.append(b"world")?;
//! let entry = writer.commit(partial, "1.ts", EntryAttributes::new("segment")).wait()?;
//! writer.seal()?;
//!
//! let asset = store.asset(&id)?;
//! assert_eq!(asset.entry("1.ts"), Some(&entry));
//! let mut text = String::new();
//! store.open_entry(&entry)?.read_to_string(&mut text)?;
//! assert_eq!(text, "hello world");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! # The nouns
//!
//! * A **blob** is a file named by the BLAKE3 [`Digest`] of its content. It never changes. Equal
//!   content is stored once.
//! * An [`Asset`] is a tree of [`Entry`]s: path → blob, role, source. Its **manifest** is written when
//!   it is sealed; until then, and after, changes go to an append-only log.
//! * A [`Partial`] is a resource that is still being received and survives a restart.
//! * A **document** is a small file of the caller's beside the manifest, such as a policy.
//!
//! # What it guarantees
//!
//! * A [`Commit`] that is acknowledged survives the death of the process and, in a
//!   [`Durable`](Durability::Durable) store on a medium that keeps its promises, a power cut.
//! * A crash at any moment leaves the assets as they were acknowledged, and at most files that nobody
//!   refers to, which [`Store::collect_garbage`] takes.
//! * Readers take no lock. An asset has one writer at a time, over all processes; locks end with
//!   the process that has them.
//! * [`Store::verify`] finds every changed bit. What is damaged is moved aside and never served again.
//! * [`Store::rename`], [`Store::copy`], [`Store::export`] and [`Store::import_folder`] happen as a whole or not at all.
//! * The files are the truth: the index (sled) can be deleted whenever nobody writes, and no answer
//!   but the hint of [`Store::find_source`] changes.
//!
//! `FORMAT.md` in the repository describes every file and what a crash at each step leaves.
//!
//! # Cookbook
//!
//! Whether every byte is still what it was, and what is not:
//!
//! ```
//! # let folder = tempfile::tempdir().unwrap();
//! # let store = asset_store::Store::open(folder.path().join("store"))?;
//! let report = store.verify(None, &mut |_| {})?;
//! for finding in &report.damaged {
//!     println!("{} of {} is damaged", finding.path, finding.asset);
//! }
//! assert!(report.is_good());
//! # Ok::<(), asset_store::Error>(())
//! ```
//!
//! No download begins that cannot fit, whichever process asks:
//!
//! ```
//! # let folder = tempfile::tempdir().unwrap();
//! # let root = folder.path().join("store");
//! use asset_store::{ErrorKind, Store, StoreOptions};
//!
//! let options = StoreOptions { quota: Some(1_000_000), ..StoreOptions::default() };
//! let store = Store::open_with(&root, &options)?;
//! let reserved = store.reserve(800_000)?;
//! let refused = store.reserve(800_000).err();
//! assert_eq!(refused.map(|error| error.kind()), Some(ErrorKind::OverQuota));
//! drop(reserved);
//! # Ok::<(), asset_store::Error>(())
//! ```
//!
//! What nobody refers to, looked at before it goes:
//!
//! ```
//! # let folder = tempfile::tempdir().unwrap();
//! # let store = asset_store::Store::open(folder.path().join("store"))?;
//! let options = asset_store::GcOptions { dry_run: true, ..Default::default() };
//! println!("{} bytes could be freed", store.collect_garbage(&options)?.bytes_freed);
//! # Ok::<(), asset_store::Error>(())
//! ```
//!
//! An asset as a folder and back: [`Store::export`], [`Store::import_folder`]. Something of one's own beside an asset:
//! [`Store::set_document`]. Nothing removed while it is used: [`Store::mark_in_use`].
//!
//! # What it does not do
//!
//! It knows nothing of HTTP or playlists, encrypts nothing, and does not decide what to remove. It
//! does not by itself read a blob to check it each time it is opened: it compares the length then, and
//! all of it in [`Store::verify`], or as [`VerifyOnRead`] says. It is for files of ten kilobytes and more; a million tiny ones belong in a
//! database.

mod asset;
mod blob;
mod collector;
mod commit;
mod completion;
mod digest;

mod entry;
mod error;
mod examine;
mod export;
mod format;
mod fs;
mod id;
mod import;
mod index;
mod layout;
mod lock;
mod log;
mod manifest;
mod parallel;
mod partial;
mod quota;
mod reading;
mod record;
mod relocate;
mod repair;
mod reservation;
mod shards;
mod store;
mod sweep;
#[cfg(feature = "testing")]
pub mod testing;
mod usage;
mod verify;
mod writer;

pub use asset::Asset;
pub use blob::BlobFile;
pub use completion::Commit;
pub use digest::Digest;
pub use entry::{Entry, EntryAttributes, ROLE_KEY, Source, check_entry_path};
pub use error::{Error, ErrorKind, Shortage};
pub use examine::{Examination, HeldLock, IndexState, LockPurpose};
pub use export::{ExportOptions, Exported};
pub use id::AssetId;
pub use import::{ImportOptions, Imported, SkipReason, Skipped};
pub use lock::InUse;
pub use partial::{Partial, PartialKey};
pub use reading::VerifyOnRead;
pub use repair::{RepairReport, RepairSource};
pub use reservation::Reservation;
pub use store::{Durability, Store, StoreOptions};
pub use sweep::{GcOptions, GcReport, Removed};
pub use usage::{AssetUsage, Usage};
pub use verify::{Damage, DamagedAsset, Finding, VerifyProgress, VerifyReport};
pub use writer::AssetWriter;

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
