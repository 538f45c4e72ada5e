//! What may go, what is whole.

use std::time::SystemTime;

use clap::{Args, ValueEnum};

use super::{Connection, value};
use crate::render::text;

/// Options of `policy`.
#[derive(Debug, Args)]
pub struct Policy {
    /// The asset
    pub id: String,

    /// Important assets are purged last
    #[arg(long, value_enum)]
    pub priority: Option<Priority>,

    /// When it is the first to go: `30d`, a date, or `never`
    #[arg(long, value_name = "WHEN", value_parser = value::expiry)]
    pub expires: Option<Expiry>,

    /// Whether it is never purged
    #[arg(long, value_name = "YES|NO", value_enum)]
    pub pinned: Option<YesNo>,
}

/// Purge priority.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Priority {
    /// Purged first
    Default,
    /// Purged last
    Important,
}

/// Yes or no.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum YesNo {
    /// Yes
    Yes,
    /// No
    No,
}

/// When an asset expires; `None` is never.
#[derive(Clone, Copy, Debug)]
pub struct Expiry(pub Option<SystemTime>);

/// Options of `purge`.
#[derive(Debug, Args)]
pub struct Purge {
    /// Purge until the store holds no more than this, for example 20GB
    #[arg(long, value_name = "SIZE", value_parser = text::parse_size)]
    pub max_size: Option<u64>,

    /// Purge until the disk has this much free
    #[arg(long, value_name = "SIZE", value_parser = text::parse_size)]
    pub min_free: Option<u64>,

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
    pub id: Option<String>,

    /// Fetch what is damaged or missing again, from where it came from
    #[arg(long)]
    pub repair: bool,

    // Last, since its heading is for all that follows.
    #[command(flatten)]
    pub connection: Connection,
}
