//! What may go, what is whole.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::{Args, ValueEnum};
use storage_policy::{AfterPlayed, Amount, Priority};

use super::{Connection, complete, value};
use crate::render::text;

/// Options of `policy`.
#[derive(Debug, Args)]
pub struct Policy {
    /// The asset [default: the policy of the store]
    #[arg(add = complete::assets())]
    pub id: Option<String>,

    /// Take the policy of this file (TOML; `-` is the input) in place of what there is
    #[arg(long, value_name = "FILE")]
    pub from: Option<PathBuf>,

    #[command(flatten)]
    pub changes: PolicyChanges,
}

/// What is to change in the policy of an asset.
#[derive(Debug, Default, Args)]
#[group(id = "changes", multiple = true, requires = "id")]
#[command(next_help_heading = "Of an asset")]
pub struct PolicyChanges {
    /// What is purged last: low, default, important or any whole number
    #[arg(long, value_name = "PRIORITY", allow_hyphen_values = true)]
    pub priority: Option<Priority>,

    /// When it is the first to go: `30d`, a date, or `never`
    #[arg(long, value_name = "WHEN", value_parser = value::expiry)]
    pub expires: Option<Expiry>,

    /// Whether it is never purged
    #[arg(long, value_name = "YES|NO", value_enum)]
    pub pinned: Option<YesNo>,

    /// What changes once it was played: its priority, the time until it expires, or `nothing`
    #[arg(long, value_name = "PRIORITY|TIME", value_parser = value::after_played, allow_hyphen_values = true)]
    pub after_played: Option<AfterPlayedChange>,

    /// How long after its download it expires: `30d` or `none`
    #[arg(long, value_name = "TIME", value_parser = value::window)]
    pub storage_window: Option<Window>,

    /// How long after its first play it expires, instead: `48h` or `none`
    #[arg(long, value_name = "TIME", value_parser = value::window)]
    pub playback_window: Option<Window>,

    /// The series it is an episode of; "" for none
    #[arg(long, value_name = "NAME")]
    pub series: Option<String>,

    /// How many newer episodes of its series make it go like what is expired; 0 for none
    #[arg(long, value_name = "N")]
    pub keep_newest: Option<u32>,

    /// A tag that the policy of the store may have rules for
    #[arg(long, value_name = "NAME", value_parser = value::name)]
    pub tag: Vec<String>,

    /// Take a tag away
    #[arg(long, value_name = "NAME")]
    pub untag: Vec<String>,

    /// Whether audio in other languages than the main one may go before whole assets do
    #[arg(long, value_name = "YES|NO", value_enum)]
    pub drop_auxiliary: Option<YesNo>,
}

/// A time after something; `None` is never.
#[derive(Clone, Copy, Debug)]
pub struct Window(pub Option<Duration>);

/// What changes once an asset was played; `None` is nothing.
#[derive(Clone, Copy, Debug)]
pub struct AfterPlayedChange(pub Option<AfterPlayed>);

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum YesNo {
    /// Yes
    Yes,
    /// No
    No,
}

/// When an asset expires.
#[derive(Clone, Copy, Debug)]
pub enum Expiry {
    /// Not by a date.
    Never,
    /// At this time.
    At(SystemTime),
    /// So long from now.
    After(Duration),
}

/// Options of `purge`.
#[derive(Debug, Args)]
pub struct Purge {
    /// Purge until the store holds no more than this, for example 20GB
    #[arg(long, value_name = "SIZE", value_parser = text::parse_size)]
    pub max_size: Option<u64>,

    /// Purge until the disk has this much free, or this share of it, for example 5GB or 10%
    #[arg(long, value_name = "SIZE|PERCENT")]
    pub min_free: Option<Amount>,

    /// Purge until so many bytes more fit, as far as a download may
    #[arg(long, value_name = "SIZE", value_parser = text::parse_size)]
    pub needed: Option<u64>,

    /// Go by the policy of this file (TOML; `-` is the input) instead of that of the store
    #[arg(long, value_name = "FILE")]
    pub policy: Option<PathBuf>,

    /// Take the clock for right although later times are recorded
    #[arg(long, conflicts_with = "dry_run")]
    pub trust_clock: bool,

    /// Only say what would go
    #[arg(long)]
    pub dry_run: bool,
}

/// Options of `gc`.
#[derive(Debug, Args)]
pub struct Gc {
    /// Only say what would go
    #[arg(long)]
    pub dry_run: bool,
}

/// Options of `verify`.
#[derive(Debug, Args)]
#[command(mut_group("Connection", |connection| connection.requires("repair")))]
pub struct Verify {
    /// The asset [default: all of them]
    #[arg(add = complete::assets())]
    pub id: Option<String>,

    /// Look into the media as well: whether each segment is whole, opens with its key, and belongs
    /// where the playlist has it
    #[arg(long)]
    pub deep: bool,

    /// Fetch what is damaged or missing again, from where it came from
    #[arg(long)]
    pub repair: bool,

    // Last, since its heading is for all that follows.
    #[command(flatten)]
    pub connection: Connection,
}
