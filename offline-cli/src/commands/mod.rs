//! One file per command: each calls one function of the session and renders its answer.

mod config;
mod doctor;
mod download;
mod export;
mod inspect;
mod interactive;
mod list;
mod log;
mod manual;
mod play;
mod policy;
mod policy_file;
mod probe;
mod purge;
mod queue;
mod record;
mod remove;
mod serve;
mod usage;
mod verify;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use asset_store::{Store, StoreOptions};
use segment_fetch::{HostOptions, RateLimit};
use url::Url;

use crate::cli::settings::{HostSettings, Parsed};
use crate::cli::{self, Cli, Command, Connection};
use crate::render::output::Output;
use crate::render::paint;
use crate::session::{DownloadRequest, HostNetworkOptions, Network, NetworkOptions};
use crate::{Error, ErrorKind, Result};

/// Runs the tool with the arguments of the process and returns its exit code.
pub fn main() -> ExitCode {
    match cli::answer_shell() {
        Ok(false) => {}
        // Nobody is left to tell when standard output is closed.
        Ok(true) => return ExitCode::SUCCESS,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(ErrorKind::Usage.exit_code());
        }
    }
    let Parsed { cli, warnings } =
        match cli::settings::parse(&std::env::args_os().collect::<Vec<_>>()) {
            Ok(parsed) => parsed,
            Err(error) => return ended(&error, false),
        };
    paint::choose(cli.color);
    let output = Output {
        json: cli.json,
        quiet: cli.quiet,
    };
    for warning in warnings {
        output.message(&warning);
    }
    let ran = log::begin(&cli).and_then(|()| run(&cli, output));
    match ran {
        Ok(code) => {
            tracing::debug!(code, "ended");
            ExitCode::from(code)
        }
        Err(error) => ended(&error, output.json),
    }
}

/// Says why it ended, and with which code.
fn ended(error: &Error, json: bool) -> ExitCode {
    // Errors are said even when --quiet.
    let loud = Output { quiet: false, json };
    // To stop was the user's wish, not a mistake.
    let what = match error.kind() {
        ErrorKind::Interrupted | ErrorKind::Paused => "paused",
        ErrorKind::Cancelled => "cancelled",
        _ => "error",
    };
    loud.message(&format!("{what}: {}", error.one_line()));
    if let Some(hint) = error.advice() {
        loud.message(&format!("hint: {hint}"));
    }
    let code = error.kind().exit_code();
    tracing::debug!(error = %error.one_line(), "not done");
    tracing::debug!(code, "ended");
    ExitCode::from(code)
}

/// Takes in where the playlist in a file came from.
fn set_base(request: &mut DownloadRequest, base: Option<&Url>) -> Result<()> {
    if base.is_some() && request.url.scheme() != "file" {
        return Err(Error::usage("--base-url is for the playlist in a file"));
    }
    request.base = base.cloned().or_else(|| request.base.take());
    Ok(())
}

/// The network as the command line describes it, for an address.
fn network(connection: &Connection, url: &Url, output: Output) -> Result<Network> {
    Network::with(&NetworkOptions {
        origin: Some(url.clone()),
        ..network_options(connection, output)
    })
}

/// The options of the command line, for no address yet.
fn network_options(connection: &Connection, output: Output) -> NetworkOptions {
    if connection.insecure {
        // Said even when --quiet.
        let loud = Output {
            quiet: false,
            ..output
        };
        loud.message("warning: --insecure: certificates are not verified, and whoever is on the way can read and change everything");
    }
    NetworkOptions {
        origin: None,
        headers: connection.headers.iter().cloned().collect(),
        cookies: connection.cookies.clone(),
        user_agent: connection.user_agent.clone(),
        proxy: connection.proxy.clone(),
        authorities: connection.cacert.clone(),
        certificate: connection.cert.clone(),
        key: connection.key.clone(),
        danger_accept_invalid_certificates: connection.insecure,
        parallel: connection.parallel,
        limit_rate: connection.limit_rate.map(RateLimit::new),
        hosts: connection.hosts.iter().map(of_host).collect(),
    }
}

fn of_host(settings: &HostSettings) -> HostNetworkOptions {
    let mut options = HostOptions::new(settings.hosts.clone());
    options.headers = settings.headers.iter().cloned().collect();
    options.user_agent.clone_from(&settings.user_agent);
    options.rate_limit = settings.limit_rate.map(RateLimit::new);
    HostNetworkOptions {
        options,
        cookies: settings.cookies.clone(),
        proxy: settings.proxy.clone(),
    }
}

/// The answer is an exit code: 0, or 1 when the command ran and what it found is bad.
fn run(cli: &Cli, output: Output) -> Result<u8> {
    let place = || self::place(cli.store.as_deref());
    match &cli.command {
        Command::Download(arguments) if arguments.dry_run => {
            runtime()?.block_on(download::estimate(arguments, &place()?, output))
        }
        Command::Download(arguments) => {
            runtime()?.block_on(download::run(arguments, &place()?, output))
        }
        Command::Pause(arguments) => {
            runtime()?.block_on(queue::pause(&required(place()?)?, &arguments.ids, output))
        }
        Command::Resume(arguments) => {
            runtime()?.block_on(queue::resume(arguments, required(place()?)?, output))
        }
        Command::Cancel(arguments) => {
            runtime()?.block_on(queue::cancel(&required(place()?)?, &arguments.ids, output))
        }
        Command::Probe(arguments) => runtime()?.block_on(probe::run(arguments, &place()?, output)),
        Command::List => list::run(existing(place()?)?.as_ref(), output),
        Command::Inspect(arguments) => inspect::run(&required(place()?)?, &arguments.id, output),
        Command::Remove(arguments) => remove::run(&required(place()?)?, &arguments.ids, output),
        // What may stay can be said before anything is there.
        Command::Policy(arguments) if arguments.id.is_none() && arguments.from.is_some() => {
            policy::run(&Store::open(place()?)?, arguments, output)
        }
        Command::Policy(arguments) => policy::run(&required(place()?)?, arguments, output),
        Command::Purge(arguments) => purge::run(existing(place()?)?.as_ref(), arguments, output),
        Command::Gc(arguments) => {
            remove::collect_garbage(existing(place()?)?.as_ref(), arguments.dry_run, output)
        }
        Command::Usage => usage::run(existing(place()?)?.as_ref(), output),
        Command::Verify(arguments) => verify::run(existing(place()?)?.as_ref(), arguments, output),
        Command::Serve(arguments) => {
            runtime()?.block_on(serve::run(arguments, required(place()?)?, output))
        }
        Command::Play(arguments) => {
            runtime()?.block_on(play::run(arguments, required(place()?)?, output))
        }
        Command::Export(arguments) => {
            runtime()?.block_on(export::run(&required(place()?)?, arguments, output))
        }
        Command::Config(arguments) => config::run(cli.config.as_ref(), arguments, output),
        Command::Doctor => doctor::run(&place()?, output),
        Command::Completions(arguments) => manual::completions(arguments.shell),
        Command::Man(arguments) => manual::man(arguments),
    }
}

/// Where the store is, when this is what the command line says.
pub(crate) fn place(store: Option<&Path>) -> Result<PathBuf> {
    if let Some(store) = store {
        return Ok(store.to_owned());
    }
    directories::ProjectDirs::from("", "", "offline")
        .map(|directories| directories.data_dir().to_owned())
        .ok_or_else(|| Error::usage("there is no home directory").hint("name a store with --store"))
}

/// Bytes that are free where the store is, or would be.
fn free(place: &Path) -> Option<u64> {
    let there = place.ancestors().find(|place| place.exists())?;
    fs4::available_space(there).ok()
}

/// The store, which has to be there already.
fn required(place: PathBuf) -> Result<Store> {
    let options = StoreOptions {
        create: false,
        ..StoreOptions::default()
    };
    Ok(Store::open_with(place, &options)?)
}

/// The store if there is one: no store is an empty one to who only asks.
pub(crate) fn existing(place: PathBuf) -> Result<Option<Store>> {
    match required(place) {
        Ok(store) => Ok(Some(store)),
        Err(error) => {
            let missing = std::error::Error::source(&error)
                .and_then(|source| source.downcast_ref::<asset_store::Error>())
                .is_some_and(|error| error.kind() == asset_store::ErrorKind::NotFound);
            if missing { Ok(None) } else { Err(error) }
        }
    }
}

fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| {
            Error::new(ErrorKind::Storage, "the runtime does not start").because(error)
        })
}
