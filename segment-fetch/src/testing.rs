//! For tests (feature `testing`): a site that misbehaves by script, an origin that serves it, and the contract of sinks.
//!
//! A [`Site`] is a [`tower::Service`], so a fetcher can use it directly, without sockets and with tokio's paused clock.
//! An [`Origin`] serves a site over TCP on loopback, from a thread of its own, to any client.
//!
//! ```
//! use segment_fetch::testing::{Fault, Origin, Resource, Site};
//! use segment_fetch::{FetchOptions, Fetcher, Request, TransportOptions, https};
//!
//! # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let site = Site::new();
//! site.route("/video.ts", Resource::new(vec![0x47; 188_000]));
//! site.script("/video.ts", [Fault::Cut(100_000)]);
//! let origin = Origin::serve(site)?;
//!
//! let fetcher = Fetcher::with_service(https(&TransportOptions::default())?, FetchOptions::default());
//! let fetched = fetcher.fetch(Request::get(origin.url("/video.ts"))).await?;
//! assert_eq!(fetched.body.len(), 188_000);
//! let ranges: Vec<_> = origin.site().requests().into_iter().map(|request| request.range).collect();
//! assert_eq!(ranges, [None, Some("bytes=100000-".to_owned())]);
//! # Ok(()) }
//! ```

mod body;
mod certificate;
mod origin;
mod respond;
mod sink_contract;
mod site;

pub use body::{Hangup, SiteBody};
pub use origin::Origin;
pub use sink_contract::sink_contract;
pub use site::{Fault, Logged, Resource, Site};
