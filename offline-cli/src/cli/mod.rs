//! The command line: what can be said, before anything is done.

mod answer;
mod choice;
mod complete;
mod connection;
mod download;
mod examples;
mod interstitials;
mod playback;
pub(crate) mod settings;
mod upkeep;
mod value;
mod without_asking;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub(crate) use answer::{Answer, Question};
pub(crate) use choice::{Answered, Choice};
pub(crate) use complete::{answer as answer_shell, script as completion_script};
pub(crate) use connection::Connection;
pub(crate) use download::{Download, Probe, Resume};
pub(crate) use playback::{Export, ExportFormat, Play, Player, Serve, Writer};
pub(crate) use upkeep::{
    AfterPlayedChange, Expiry, Gc, Policy, PolicyChanges, Purge, Verify, Window, YesNo,
};
pub(crate) use without_asking::command_line as without_asking;

/// Download HTTP Live Streams, play them with no network, let policies remove them.
#[derive(Debug, Parser)]
#[command(name = "offline", version, about, max_term_width = 100, after_help = AFTER_HELP)]
pub struct Cli {
    /// Where everything is kept [default: the platform's data directory]
    #[arg(long, global = true, value_name = "DIR", env = "OFFLINE_STORE")]
    pub store: Option<PathBuf>,

    /// The file with defaults for all that is not said, or "" for none [default: `offline/config.toml` where
    /// the platform keeps such]
    #[arg(long, global = true, value_name = "FILE", env = "OFFLINE_CONFIG")]
    pub config: Option<OsString>,

    /// Print JSON on standard output
    #[arg(long, global = true)]
    pub json: bool,

    /// When to use colour: auto, always or never
    #[arg(
        long,
        global = true,
        value_name = "WHEN",
        default_value = "auto",
        hide_possible_values = true
    )]
    pub color: Color,

    /// Say what happens, not only warnings; -vv: each request and commit, too; -vvv: everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,

    /// Append what happens to this file, as much as with -vv
    #[arg(long, global = true, value_name = "FILE")]
    pub log_file: Option<PathBuf>,

    /// Print nothing but answers and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,

    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal.
    #[default]
    Auto,
    /// Into files and pipes too.
    Always,
    /// Nowhere.
    Never,
}

const AFTER_HELP: &str = "\
ID is an id of `offline list`, a unique prefix of one, or a unique title.

Exit codes: 0 done; 1 ran, and the answer is bad (gaps, damage); 2 usage; 3 playlist rejected \
or content protected; 4 network gave up; 5 storage; 130 interrupted, resumable.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Download a stream; without an address, all that waits in the queue
    #[command(after_long_help = examples::DOWNLOAD)]
    Download(Box<Download>),
    /// Pause downloads, whichever process runs them, until they are resumed
    #[command(after_long_help = examples::PAUSE)]
    Pause(Assets),
    /// Continue a download
    #[command(after_long_help = examples::RESUME)]
    Resume(Resume),
    /// Give downloads up, whichever process runs them; what is there stays until it is removed
    #[command(after_long_help = examples::CANCEL)]
    Cancel(Assets),
    /// Show what an address offers; downloads no media
    #[command(after_long_help = examples::PROBE)]
    Probe(Box<Probe>),
    /// List what is stored
    #[command(after_long_help = examples::LIST)]
    List,
    /// Show what is stored of one asset, and whether it plays offline
    #[command(after_long_help = examples::INSPECT)]
    Inspect(Asset),
    /// Remove assets and the bytes only they need
    #[command(after_long_help = examples::REMOVE)]
    Remove(Assets),
    /// Show or change what may be purged, and when
    #[command(after_long_help = examples::POLICY)]
    Policy(Policy),
    /// Remove what has expired, or as much as a limit asks for
    #[command(after_long_help = examples::PURGE)]
    Purge(Purge),
    /// Remove bytes that nothing refers to
    #[command(after_long_help = examples::GC)]
    Gc(Gc),
    /// Show how many bytes the store, its assets and their parts take
    #[command(after_long_help = examples::USAGE)]
    Usage,
    /// Read every stored byte and report damage
    #[command(after_long_help = examples::VERIFY)]
    Verify(Verify),
    /// Serve what is stored to players on this machine
    ///
    /// How to reach servers is for downloads that are resumed from the page.
    #[command(after_long_help = examples::SERVE)]
    Serve(Serve),
    /// Play an asset, in the browser or another player
    ///
    /// How to reach servers is for downloads that are resumed from the page.
    #[command(after_long_help = examples::PLAY)]
    Play(Play),
    /// Write an asset out
    #[command(after_long_help = examples::EXPORT)]
    Export(Export),
    /// Show what holds where nothing is said, and where that comes from
    ///
    /// Keys are the names of flags: at the top of the file for every command that has them, below [COMMAND] for one.
    /// Below [hosts."media.example"] or [hosts."*.example"] are header, cookies, proxy, user-agent and limit-rate of
    /// some hosts, whatever leads there. What is said goes before the environment (`OFFLINE_DOWNLOAD_PARALLEL`,
    /// `OFFLINE_PARALLEL`), that before a host, that before the command, that before the top of the file.
    #[command(after_long_help = examples::CONFIG)]
    Config(Config),
    /// Say what is in the way of downloading and playing here, and what to do; changes nothing
    #[command(after_long_help = examples::DOCTOR)]
    Doctor,
    /// Print the script that completes commands, options, ids and titles in a shell
    #[command(after_long_help = examples::COMPLETIONS)]
    Completions(Completions),
    /// Print a man page, or write all of them
    #[command(after_long_help = examples::MAN)]
    Man(Manual),
}

impl Cli {
    /// How servers are reached, if the command reaches any.
    pub(crate) fn connection_mut(&mut self) -> Option<&mut Connection> {
        match &mut self.command {
            Command::Download(arguments) => Some(&mut arguments.connection),
            Command::Resume(arguments) => Some(&mut arguments.connection),
            Command::Probe(arguments) => Some(&mut arguments.connection),
            Command::Verify(arguments) => Some(&mut arguments.connection),
            Command::Serve(arguments) => Some(&mut arguments.connection),
            Command::Play(arguments) => Some(&mut arguments.connection),
            _ => None,
        }
    }
}

/// Options of `config`.
#[derive(Debug, Args)]
pub struct Config {
    /// What nobody has set, too
    #[arg(long)]
    pub all: bool,
}

/// Options of `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell that is to load it
    pub shell: clap_complete::Shell,
}

/// Options of `man`.
#[derive(Debug, Args)]
pub struct Manual {
    /// The page of this command [default: that of `offline`]
    pub command: Option<String>,

    /// Write all pages into this folder
    #[arg(short, long, value_name = "DIR", conflicts_with = "command")]
    pub output: Option<PathBuf>,
}

/// One asset.
#[derive(Debug, Args)]
pub struct Asset {
    /// The asset
    #[arg(add = complete::assets())]
    pub id: String,
}

/// Some assets.
#[derive(Debug, Args)]
pub struct Assets {
    /// The assets
    #[arg(required = true, value_name = "ID", add = complete::assets())]
    pub ids: Vec<String>,
}
