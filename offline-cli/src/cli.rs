//! The command line: what can be said, before anything is done.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::{Args, Parser, Subcommand, ValueEnum};
use hls_parse::{Qualifier, RenditionRequest};
use http::{HeaderName, HeaderValue};
use url::Url;

use crate::render::text;
use crate::session::requirements::Hours;

/// Download HTTP Live Streams, play them with no network, let policies remove them.
#[derive(Debug, Parser)]
#[command(name = "offline", version, about, max_term_width = 100, after_help = AFTER_HELP)]
pub struct Cli {
    /// Where everything is kept [default: the platform's data directory]
    #[arg(long, global = true, value_name = "DIR", env = "OFFLINE_STORE")]
    pub store: Option<PathBuf>,

    /// Print JSON on standard output
    #[arg(long, global = true)]
    pub json: bool,

    /// Say more; twice: everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// Print nothing but answers and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const AFTER_HELP: &str = "\
ID is an id of `offline list`, a unique prefix of one, or a unique title.

Exit codes: 0 done; 1 ran, and the answer is bad (gaps, damage); 2 usage; 3 playlist rejected or
content protected; 4 network gave up; 5 storage; 130 interrupted, resumable.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Download a stream; without an address, all that waits in the queue
    Download(Download),
    /// Pause downloads, whichever process runs them, until they are resumed
    Pause(Assets),
    /// Continue a download
    Resume(Resume),
    /// Give downloads up, whichever process runs them; what is there stays until it is removed
    Cancel(Assets),
    /// Show what an address offers; downloads no media
    Probe(Probe),
    /// List what is stored
    List,
    /// Show what is stored of one asset, and whether it plays offline
    Inspect(Asset),
    /// Remove assets and the bytes only they need
    Remove(Assets),
    /// Show or change what may be purged, and when
    Policy(Policy),
    /// Remove what has expired, or as much as a limit asks for
    Purge(Purge),
    /// Remove bytes that nothing refers to
    Gc(Gc),
    /// Show how many bytes the store, its assets and their parts take
    Usage,
    /// Read every stored byte and report damage
    Verify(Verify),
    /// Serve what is stored to players on this machine
    Serve(Serve),
    /// Write an asset out
    Export(Export),
}

/// Which renditions to take.
#[derive(Debug, Default, Args)]
pub struct Choice {
    /// Which variant, in order of preference: for example `height<=1080 && codec=hvc1` or `max:height`
    #[arg(long, value_name = "EXPR")]
    pub variant: Vec<Qualifier>,

    /// Audio languages, comma separated, or `all` or `none` [default: the stream's own]
    #[arg(long, value_name = "LANGS")]
    pub audio: Option<RenditionRequest>,

    /// Subtitle languages, comma separated, or `all` or `none` [default: the stream's own]
    #[arg(long, value_name = "LANGS")]
    pub subtitles: Option<RenditionRequest>,
}

/// How to reach servers.
#[derive(Default, Args)]
#[command(next_help_heading = "Network")]
pub struct Connection {
    /// Send this header with every request (Cookie and Authorization to the server of the playlist only)
    #[arg(long = "header", value_name = "NAME: VALUE", value_parser = parse_header)]
    pub headers: Vec<(HeaderName, HeaderValue)>,

    /// Send the cookies of this file (Netscape's format, as curl and browser extensions write it)
    #[arg(long, value_name = "FILE")]
    pub cookies: Option<PathBuf>,

    /// Say this instead of `offline/VERSION`
    #[arg(long, value_name = "NAME")]
    pub user_agent: Option<String>,

    /// Reach everything through this (http, https, socks5 or socks5h), or "" for nothing [default: as
    /// `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` say]
    #[arg(long, value_name = "ADDRESS")]
    pub proxy: Option<String>,

    /// Trust the authorities (PEM) in this file too
    #[arg(long, value_name = "FILE")]
    pub cacert: Vec<PathBuf>,

    /// Show this certificate (PEM) to the server of the playlist
    #[arg(long, value_name = "FILE")]
    pub cert: Option<PathBuf>,

    /// The key (PEM) of the certificate [default: in the same file]
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub key: Option<PathBuf>,

    /// Accept any certificate: whoever is on the way can read and change everything
    #[arg(long)]
    pub insecure: bool,

    /// Never more requests in flight than this [default: up to 16, with HTTP/2 64, as long as more help]
    #[arg(long, value_name = "N")]
    pub parallel: Option<NonZeroUsize>,

    /// Never more bytes a second than this, for example 500K or 2M
    #[arg(long, value_name = "SIZE", value_parser = parse_rate)]
    pub limit_rate: Option<u64>,
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}

/// Options of `download`.
#[derive(Debug, Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of its own on the command line"
)]
pub struct Download {
    /// Address of a Multivariant or Media Playlist [default: what waits in the queue]
    #[arg(value_parser = parse_url)]
    pub url: Option<Url>,

    #[command(flatten)]
    pub choice: Choice,

    /// What to call it [default: a word from the address]
    #[arg(long, requires = "url")]
    pub title: Option<String>,

    /// The asset to download into [default: made from the address]
    #[arg(long, requires = "url")]
    pub id: Option<String>,

    /// Take a playlist without EXT-X-ENDLIST as it is now for all there is
    #[arg(long, requires = "url")]
    pub treat_as_vod: bool,

    /// Leave out segments that cannot be had, list them, and exit with 1
    #[arg(long, requires = "url")]
    pub allow_gaps: bool,

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
    #[arg(long, requires = "url", conflicts_with_all = ["treat_as_vod", "allow_gaps", "queue", "dry_run"])]
    pub live: bool,

    /// How much to record, for example 90m or 1h30m [default: until the stream ends]
    #[arg(long, requires = "live", value_name = "TIME", value_parser = parse_duration)]
    pub duration: Option<Duration>,

    /// Record from the oldest segment that is listed [default: from the live edge]
    #[arg(long, requires = "live")]
    pub from_start: bool,
}

/// Options of `resume`.
#[derive(Debug, Args)]
pub struct Resume {
    /// The asset
    pub id: String,

    /// Go on from this address, when the one it came from so far has expired
    #[arg(long, value_name = "URL", value_parser = parse_url)]
    pub url: Option<Url>,

    // Last, since its heading is for all that follows.
    #[command(flatten)]
    pub connection: Connection,
}

/// Options of `probe`.
#[derive(Debug, Args)]
pub struct Probe {
    /// Address of a Multivariant or Media Playlist
    #[arg(value_parser = parse_url)]
    pub url: Url,

    #[command(flatten)]
    pub choice: Choice,

    #[command(flatten)]
    pub connection: Connection,
}

/// One asset.
#[derive(Debug, Args)]
pub struct Asset {
    /// The asset
    pub id: String,
}

/// Some assets.
#[derive(Debug, Args)]
pub struct Assets {
    /// The assets
    #[arg(required = true, value_name = "ID")]
    pub ids: Vec<String>,
}

/// Options of `policy`.
#[derive(Debug, Args)]
pub struct Policy {
    /// The asset
    pub id: String,

    /// Important assets are purged last
    #[arg(long, value_enum)]
    pub priority: Option<Priority>,

    /// When it is the first to go: `30d`, a date, or `never`
    #[arg(long, value_name = "WHEN", value_parser = parse_expiry)]
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

/// Options of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// The port on 127.0.0.1 [default: a free one]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    pub port: u16,
}

/// Options of `export`.
#[derive(Debug, Args)]
pub struct Export {
    /// The asset
    pub id: String,

    /// Where to write it
    #[arg(short, long, value_name = "PATH")]
    pub output: PathBuf,

    /// The form it is written in
    #[arg(long, value_enum, default_value_t = ExportFormat::Hls)]
    pub format: ExportFormat,
}

/// Forms of export.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ExportFormat {
    /// A folder of playlists and segments that plays from disk
    Hls,
}

fn parse_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| {
        if std::path::Path::new(text).exists() {
            format!("`{text}` is a file; give the address it came from, its segments are there")
        } else {
            format!("not an address ({error}); write it whole, for example https://example.com/master.m3u8")
        }
    })?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(format!(
            "`{other}` addresses cannot be downloaded, only http and https"
        )),
    }
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let parsed = text.parse::<jiff::SignedDuration>().ok();
    let duration = parsed.and_then(|parsed| Duration::try_from(parsed).ok());
    duration
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| format!("`{text}` is no time; write 90m, 1h30m or 45s"))
}

fn parse_rate(text: &str) -> Result<u64, String> {
    match text::parse_size(text)? {
        0 => Err("nothing would ever come".to_owned()),
        rate => Ok(rate),
    }
}

fn parse_expiry(text: &str) -> Result<Expiry, String> {
    text::parse_expiry(text, SystemTime::now()).map(Expiry)
}

fn parse_header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("a header is a name, a colon and a value")?;
    let name = HeaderName::from_bytes(name.trim().as_bytes())
        .map_err(|_| "a header's name has letters, digits and dashes".to_owned())?;
    let value = HeaderValue::from_str(value.trim())
        .map_err(|_| "a header's value is one line of text".to_owned())?;
    Ok((name, value))
}
