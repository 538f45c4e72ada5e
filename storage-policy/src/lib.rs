//! Decide which downloaded assets to remove: priority, expiration, quota; a plan with reasons.
//!
//! ```
//! use std::time::{Duration, SystemTime};
//! use storage_policy::{Inventory, Item, Limits, Policy, Priority, plan};
//!
//! let day = Duration::from_secs(24 * 60 * 60);
//! let now = SystemTime::UNIX_EPOCH + 20_000 * day;
//! let inventory = Inventory {
//!     items: vec![
//!         Item {
//!             id: "watched".to_owned(),
//!             policy: Policy::default(),
//!             created: now - 30 * day,
//!             last_played: Some(now - 12 * day),
//!             in_use: false,
//!             blobs: vec![0, 1],
//!         },
//!         Item {
//!             id: "tonight".to_owned(),
//!             policy: Policy { priority: Priority::Important, ..Policy::default() },
//!             created: now - 40 * day,
//!             last_played: None,
//!             in_use: false,
//!             blobs: vec![1, 2],
//!         },
//!     ],
//!     // Blob 1 is in both items: removing "watched" frees blob 0 only.
//!     blob_lengths: vec![700_000_000, 50_000_000, 900_000_000],
//!     free_bytes: None,
//! };
//! let limits = Limits { max_bytes: Some(1_000_000_000), ..Limits::default() };
//!
//! let plan = plan(&inventory, &limits, now)?;
//! assert_eq!(plan.purges.len(), 1);
//! assert_eq!(plan.purges[0].id, "watched");
//! assert_eq!(
//!     plan.purges[0].reason.to_string(),
//!     "default priority, last played 12 days ago; 650.0 MB over the limit"
//! );
//! assert_eq!((plan.freed, plan.shortfall), (700_000_000, 0));
//! # Ok::<(), storage_policy::Error>(())
//! ```
//!
//! # Nouns
//!
//! * A [`Policy`] says how one asset wants to be treated: its [`Priority`], when it expires,
//!   whether it is pinned. It mirrors `AVAssetDownloadStorageManagementPolicy`.
//! * An [`Inventory`] is what is stored: [`Item`]s and the lengths of the blobs that they hold
//!   and may share.
//! * [`Limits`] say how much may stay.
//! * A [`Plan`] lists what goes, in order, each with a [`Reason`], and what could not be freed.
//!
//! # Order
//!
//! Expired items go first, whatever their priority; then priority default; then important.
//! Inside such a class the least recently played goes first, then the oldest, then the smaller
//! id. An item that was never played counts as played when it was created; so does one whose
//! last play is said to be before its creation, as happens after a clock was set back.
//!
//! # Guarantees
//!
//! * What is pinned or in use is never in a plan.
//! * Bytes are counted as freed when their last holder goes, and only then.
//! * If removing every allowed item would be enough, the plan is enough; if not, it frees as much
//!   as can be freed and says how much is lacking.
//! * No item of the plan could be spared: not on its own, and not if every allowed item of the
//!   less important classes went as well.
//! * Looser limits never free more bytes, and an earlier time never makes more items expire.
//! * The plan does not depend on the order of the items, and once it is carried out, planning
//!   again gives an empty plan.
//! * Time and memory grow with the size of the inventory (n log n in the number of items).
//!
//! # What it does not do
//!
//! It removes nothing, reads no clock and no disk, and does not look for the smallest set of bytes
//! that would be enough: the order above comes first.

mod error;
mod holdings;
mod inventory;
mod plan;
mod policy;
mod reason;
mod text;

pub use error::{Error, ErrorKind};
pub use inventory::{Inventory, Item, Limits};
pub use plan::{Kept, Plan, Purge, plan};
pub use policy::{Policy, Priority};
pub use reason::{KeptBecause, Reason};

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
