//! `cargo xtask bench`: benchmarks, the ratios that the crates promise, and the tool beside others.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::run::{self, Result, say};

/// Options of `bench`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Only compare with rivals; the last line is a JSON object
    #[arg(long, value_name = "WHAT")]
    ratios: Option<Ratios>,

    /// Only run the tool beside other downloaders, whichever are installed, and print a table
    #[arg(long, conflicts_with = "ratios")]
    peers: bool,

    /// How often each of the peers runs
    #[arg(long, value_name = "N", requires = "peers", default_value_t = 3)]
    rounds: usize,

    /// The `offline` to run beside the peers [default: one is built]
    #[arg(long, value_name = "PATH", requires = "peers")]
    program: Option<PathBuf>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Ratios {
    /// hls-parse beside other parsers of playlists
    Parse,
    /// asset-store beside simpler ways to store files, cacache and b3sum, and with a million blobs
    Store,
    /// The local server beside nginx, asked by wrk; both have to be installed
    Serve,
}

pub(crate) fn run(options: &Options) -> Result {
    if options.peers {
        return crate::peers::run(options.rounds, options.program.as_deref());
    }
    let Some(ratios) = options.ratios else {
        return run::status(run::cargo().args(["bench", "--locked", "--workspace"]));
    };
    let (package, target) = match ratios {
        Ratios::Parse => ("hls-parse", "ratios"),
        Ratios::Store => ("asset-store", "ratios"),
        Ratios::Serve => ("offline-cli", "serving"),
    };
    let report =
        run::output(run::cargo().args(["bench", "--locked", "-p", package, "--bench", target]))?;
    let report = report.trim_end();
    say(report);
    match report.lines().last() {
        Some(last) if last.starts_with('{') && last.ends_with('}') => Ok(()),
        _ => Err(format!(
            "{package}: the benchmark {target} ends without a result"
        )),
    }
}
