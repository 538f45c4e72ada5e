//! What happens, for whoever has to find out: on standard error as `-v` says, and in a file.

use std::fs::{File, OpenOptions};
use std::path::Path;
use std::sync::Arc;

use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;

use crate::cli::Cli;
use crate::render::lines::Above;
use crate::{Error, Result};

/// Says what is logged in place of `-v`, in the form of tracing's `EnvFilter`.
const VARIABLE: &str = "OFFLINE_LOG";

/// Begins to log as the command line and the environment say.
///
/// # Errors
/// A usage error when the filter of the environment is none; when the file cannot be opened.
pub(super) fn begin(cli: &Cli) -> Result<()> {
    let wanted = std::env::var(VARIABLE).ok().filter(|text| !text.is_empty());
    let filter = |otherwise: &str| {
        let text = wanted.as_deref().unwrap_or(otherwise);
        EnvFilter::try_new(text).map_err(|error| {
            Error::usage(format!("{VARIABLE} says `{text}`, which is no filter"))
                .hint("write for example `debug` or `segment_fetch=debug,warn`")
                .because(error)
        })
    };
    let on_screen = if cli.quiet {
        // Errors are said by the command.
        EnvFilter::new("off")
    } else {
        filter(level(cli.verbose))?
    };
    let screen = fmt::layer()
        .with_writer(|| Above)
        .with_ansi(console::colors_enabled_stderr())
        .without_time()
        .with_filter(on_screen);
    // Each line is one write to the file, so there is nothing left to lose when the process ends.
    let file = match &cli.log_file {
        Some(path) => {
            let layer = fmt::layer().with_writer(Arc::new(open(path)?));
            Some(
                layer
                    .with_ansi(false)
                    .with_filter(filter(level(cli.verbose.max(2)))?),
            )
        }
        None => None,
    };
    tracing_subscriber::registry()
        .with(screen)
        .with(file)
        .init();
    Ok(())
}

/// What so many `-v` show.
fn level(verbose: u8) -> &'static str {
    match verbose {
        0 => "warn",
        1 => "warn,offline_cli=info,segment_fetch=info,asset_store=info",
        2 => "warn,offline_cli=debug,segment_fetch=debug,asset_store=debug",
        _ => "trace",
    }
}

/// Appends to what is there. What is created is for its owner alone: addresses are nobody else's business.
fn open(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .map_err(|error| Error::io(path, "write the log", error))
}
