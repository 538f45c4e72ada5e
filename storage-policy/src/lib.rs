//! Decide which downloaded assets to remove: priority, expiration, quota; a plan with reasons.
//!
//! ```
//! use std::time::{Duration, SystemTime};
//! use storage_policy::{Inventory, Item, Policy, Priority, StorePolicy, plan};
//!
//! let day = Duration::from_secs(24 * 60 * 60);
//! let now = SystemTime::UNIX_EPOCH + 20_000 * day;
//! let inventory = Inventory {
//!     items: vec![
//!         Item {
//!             last_played: Some(now - 12 * day),
//!             ..Item::new("watched", now - 30 * day, vec![0, 1])
//!         },
//!         Item {
//!             policy: Policy { priority: Priority::IMPORTANT, ..Policy::default() },
//!             ..Item::new("tonight", now - 40 * day, vec![1, 2])
//!         },
//!     ],
//!     // Blob 1 is in both items: removing "watched" frees blob 0 only.
//!     blob_lengths: vec![700_000_000, 50_000_000, 900_000_000],
//!     ..Inventory::default()
//! };
//! let policy = StorePolicy { max_bytes: Some(1_000_000_000), ..StorePolicy::default() };
//!
//! let plan = plan(&inventory, &policy, now)?;
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
//! * A [`Policy`] says how one asset wants to be treated: its [`Priority`], when it expires (on a
//!   date, so long after its download, after its first play), whether it is pinned, which series and
//!   tags it has. It is `AVAssetDownloadStorageManagementPolicy` and more.
//! * A [`StorePolicy`] says how much may stay, of everything and of what has a tag. Both are read
//!   from TOML, with the place of every mistake.
//! * An [`Inventory`] is what is stored: [`Item`]s, their auxiliary [`Part`]s, and the lengths of the
//!   blobs that they hold and may share.
//! * A [`Plan`] lists what goes, in order, each with a [`Reason`], and what could not be freed and why.
//!   [`plan`](plan()) makes it for the policy as it is or as it might be, [`room_for`] for something
//!   new; [`expiries`] tells what will expire next.
//!
//! # Order
//!
//! What goes is sorted into classes: expired items, whatever their priority; surplus ones, which have
//! too many newer ones in their series; then by priority, from the lowest, first the auxiliary parts of
//! those items that let them go, then whole items. Nothing of a class goes if the classes before it can
//! meet the limits alone.
//!
//! A class has the order of use: the least recently played goes first, then the oldest, then the smaller
//! id. What was never played counts as played when it was created; so does what is said to be played
//! before, as happens after a clock was set back. In this order twelve at a time are weighed against
//! each other, and of these groups too the later do not go if the earlier can do it alone. Inside a
//! group the fewest bytes that are enough go, found by trying every set; where two sets are equal, the
//! one goes that spares what was used last. [`Inventory::block_bytes`] says how equal they have to be.
//!
//! # Guarantees
//!
//! * What is pinned, in use or being written is never in a plan.
//! * Bytes are counted as freed when their last holder goes, and only then.
//! * If removing everything that may go would meet a limit, the plan meets it; if not, it frees as much
//!   as can be freed and says how much is lacking and what stands in the way.
//! * Nothing in the plan could be spared: not on its own, and not if everything of the less important
//!   classes went as well.
//! * Among up to twelve items of one class, and nothing else that may go, no set that is enough for the
//!   store frees fewer bytes (fewer blocks, with [`Inventory::block_bytes`]).
//! * The plan does not depend on the order of the items, and once it is carried out, planning again
//!   gives an empty plan.
//! * With everything else equal, a larger `max_bytes` (with marks that are shares of it), a smaller
//!   `min_free`, a higher mark never frees more bytes and never lacks more; a larger quota never frees
//!   more bytes of its tag. *Which* items go may change, since a large one can stand in for two small
//!   ones. A looser quota may free more bytes of other tags.
//! * An earlier time never makes more items expire; a clock that is behind the recorded times is told
//!   ([`Plan::clock`]), and so are items whose own times cannot be relied on ([`Plan::doubtful`]).
//! * Time and memory grow with the size of the inventory: n log n in the number of items, linear in the
//!   number of blobs that they hold, and a bounded number of sets for each group.
//!
//! # Cookbook
//!
//! What a person wrote, and what is wrong with it:
//!
//! ```
//! use storage_policy::StorePolicy;
//!
//! let policy = StorePolicy::from_toml("max_bytes = \"200 GB\"\n[tags.news]\nkeep_newest = 10\n")?;
//! assert_eq!(policy.max_bytes, Some(200_000_000_000));
//! let error = StorePolicy::from_toml("maximum = 1").unwrap_err();
//! assert!(error.to_string().contains("maximum"));
//! # Ok::<(), storage_policy::Error>(())
//! ```
//!
//! Room for something that is about to be downloaded: [`room_for`]. When the next asset expires: [`expiries`]. What a policy
//! would do before it holds: [`plan`](plan()) takes any.
//!
//! # What it does not do
//!
//! It removes nothing and reads no clock and no disk. It does not look for the fewest bytes across
//! classes and groups: the order comes first.

mod books;
mod choice;
mod error;
mod expiry;
mod file;
mod inventory;
mod need;
mod plan;
mod policy;
mod priority;
mod reason;
mod store_policy;
mod surplus;
mod text;
mod time;
mod unit;
mod words;

pub use error::{Error, ErrorKind};
pub use expiry::{ClockSetBack, Expiry, ExpiryCause, expiries};
pub use inventory::{Inventory, Item, Part};
pub use need::Incoming;
pub use plan::{Kept, Plan, Purge, TagShortfall, plan, room_for};
pub use policy::{AfterPlayed, Policy};
pub use priority::Priority;
pub use reason::{KeptBecause, Reason, Usage};
pub use store_policy::{Amount, MakeRoom, StorePolicy, TagPolicy};

/// Compiles and runs the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
