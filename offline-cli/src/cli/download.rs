//! What is downloaded, recorded or asked of an address.

use std::num::NonZeroUsize;
use std::time::Duration;

use clap::Args;
use url::Url;

use super::interstitials::Interstitials;
use super::{Choice, Connection, complete, value};
use crate::render::text;
use crate::session::MediaTime;
use crate::session::requirements::Hours;

/// Options of `download`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
pub struct Download {
    /// Address of a Multivariant or Media Playlist, or a file with one [default: what waits in the queue]
    #[arg(value_parser = value::source, value_name = "URL|FILE")]
    pub url: Option<Url>,

    /// Where the playlist in a file came from: its relative addresses lead from there
    #[arg(long, requires = "url", value_name = "URL", value_parser = value::url, conflicts_with = "live")]
    pub base_url: Option<Url>,

    /// Ask at the terminal which variants and languages to take, of those that no flag says
    #[arg(short, long, requires = "url")]
    pub interactive: bool,

    #[command(flatten)]
    pub choice: Choice,

    #[command(flatten)]
    pub interstitials: Interstitials,

    /// What to call it [default: a word from the address]
    #[arg(long, requires = "url")]
    pub title: Option<String>,

    /// Its picture, an address or a file [default: the one that the stream names]
    #[arg(long, requires = "url", value_name = "URL|FILE")]
    pub artwork: Option<String>,

    /// Something to know it by; nothing after the `=` forgets it
    #[arg(long, requires = "url", value_name = "KEY=VALUE", value_parser = value::pair)]
    pub metadata: Vec<(String, String)>,

    /// The asset to download into [default: made from the address]
    #[arg(long, requires = "url")]
    pub id: Option<String>,

    /// Take a playlist without EXT-X-ENDLIST as it is now for all there is
    #[arg(long, requires = "url")]
    pub treat_as_vod: bool,

    /// Leave out segments that cannot be had, list them, and exit with 1
    #[arg(long, requires = "url")]
    pub allow_gaps: bool,

    /// Store what a key system protects as it is, for a player that has the licence
    #[arg(long, requires = "url", conflicts_with = "live")]
    pub keep_protected: bool,

    /// Only what comes after this: a time since the start (90, 1:30, 1h2m), or a date where the playlist has dates
    #[arg(long, requires = "url", value_name = "TIME", conflicts_with = "live")]
    pub from: Option<MediaTime>,

    /// Only what comes before this
    #[arg(long, requires = "url", value_name = "TIME", conflicts_with = "live")]
    pub to: Option<MediaTime>,

    #[command(flatten)]
    pub recording: RecordingOptions,

    /// Only say what it would take: duration, tracks, bytes
    #[arg(long, requires = "url", conflicts_with = "queue")]
    pub dry_run: bool,

    /// Only put it into the queue, for an `offline download` without an address
    #[arg(long, requires = "url")]
    pub queue: bool,

    #[command(flatten)]
    pub working: Working,

    // Last, since its heading is for all that follows.
    #[command(flatten)]
    pub connection: Connection,
}

/// How the queue is worked off.
#[derive(Debug, Args)]
#[command(next_help_heading = "Without an address")]
pub struct Working {
    /// How many downloads of the queue run at once
    #[arg(long, value_name = "N", default_value = "2", conflicts_with = "url")]
    pub jobs: NonZeroUsize,

    /// Only while the disk has this much free
    #[arg(long, value_name = "SIZE", value_parser = text::parse_size, conflicts_with = "url")]
    pub min_free: Option<u64>,

    /// Only in these hours, local time: for example 22-6 or 22:30-06:00
    #[arg(long, value_name = "FROM-TO", conflicts_with = "url")]
    pub hours: Option<Hours>,

    /// Only while this command succeeds
    #[arg(long, value_name = "COMMAND", conflicts_with = "url")]
    pub only_if: Option<String>,
}

/// Options of `download --live`.
#[derive(Debug, Args)]
pub struct RecordingOptions {
    /// Record a stream that goes on, until it ends or is interrupted, into an asset like any other
    #[arg(long, requires = "url", conflicts_with_all = ["treat_as_vod", "allow_gaps", "queue", "dry_run", "iframes"])]
    pub live: bool,

    /// How much to record, for example 90m or 1h30m [default: until the stream ends]
    #[arg(long, requires = "live", value_name = "TIME", value_parser = value::duration)]
    pub duration: Option<Duration>,

    /// Record from the oldest segment that is listed [default: from the live edge]
    #[arg(long, requires = "live")]
    pub from_start: bool,
}

/// Options of `resume`.
#[derive(Debug, Args)]
pub struct Resume {
    /// The asset
    #[arg(add = complete::assets())]
    pub id: String,

    /// Go on from this address, when the one it came from so far has expired
    #[arg(long, value_name = "URL", value_parser = value::url)]
    pub url: Option<Url>,

    // Last, since its heading is for all that follows.
    #[command(flatten)]
    pub connection: Connection,
}

/// Options of `probe`.
#[derive(Debug, Args)]
pub struct Probe {
    /// Address of a Multivariant or Media Playlist, or a file with one
    #[arg(value_parser = value::source, value_name = "URL|FILE")]
    pub url: Url,

    /// Where the playlist in a file came from: its relative addresses lead from there
    #[arg(long, value_name = "URL", value_parser = value::url)]
    pub base_url: Option<Url>,

    #[command(flatten)]
    pub choice: Choice,

    #[command(flatten)]
    pub connection: Connection,
}
