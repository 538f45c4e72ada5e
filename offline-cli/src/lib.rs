//! Download HTTP Live Streams, play them with no network, let policies remove them.
//!
//! This library is the tool `offline` without its `main`: the download [session], the answers about a
//! store ([`session::library`]), the [local server](playback::server) and [export](playback::export).
//! It composes five crates that know nothing of each other: `hls-parse`, `segment-fetch`,
//! `asset-store`, `storage-policy` and `cache-inspect`.
//!
//! ```no_run
//! use offline_cli::session::{DownloadRequest, Network, Session};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let store = asset_store::Store::open("library")?;
//! let session = Session::new(store, Network::new()?);
//! let mut request = DownloadRequest::new("https://example.com/film/master.m3u8".parse()?);
//! request.selection.variants = vec!["height<=1080".parse()?];
//! request.selection.audio = "en,fr".parse()?;
//! let never = std::future::pending();
//! let outcome = session.download(request, never, |event| eprintln!("{event:?}")).await?;
//! println!("{} is stored, {} bytes", outcome.id, outcome.bytes);
//! # Ok(())
//! # }
//! ```
//!
//! # What always holds
//!
//! * Nothing missing is silent: a download either stores everything selected, or says what is missing.
//! * A download that stops, for whatever reason, continues where it stopped when it is asked for again.
//! * Stored playlists of downloads are never changed, those of recordings only grow; players get localized ones that offer only what is complete.
//!
//! # Cookbook
//!
//! What an address offers, before anything is downloaded:
//!
//! ```no_run
//! use offline_cli::session::{DownloadRequest, Network};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let request = DownloadRequest::new("https://example.com/film/master.m3u8".parse()?);
//! for variant in Network::new()?.probe(&request, None).await?.variants {
//!     println!("{:?} {:?}", variant.resolution, variant.bandwidth);
//! }
//! # Ok(())
//! # }
//! ```
//!
//! Whether an asset plays offline, and if not, why:
//!
//! ```no_run
//! # fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let store = asset_store::Store::open("library")?;
//! let inspected = offline_cli::session::library::inspect(&store, &asset_store::AssetId::new("film")?)?;
//! for why in &inspected.inspection.why_not {
//!     println!("{why}");
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What it does not do
//!
//! It decrypts nothing whose key the server does not hand out in clear, and plays no recording before it is pinned for the first time.

mod adapters;
mod cli;
mod commands;
mod error;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
pub mod media;
pub mod playback;
mod render;
pub mod session;

pub use cli::Cli;
pub use commands::main;
pub use error::{Error, ErrorKind, Result};

/// Compiles the example of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
