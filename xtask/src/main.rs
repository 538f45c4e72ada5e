//! The workspace's chores, run as `cargo xtask COMMAND`.

mod bench;
mod chaos;
mod ci;
mod conformance;
mod crash;
mod demo;
mod fuzz;
mod generate;
mod run;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// The workspace's chores.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Everything a change has to pass: fmt, tidy, clippy, tests, doc tests, examples, crashes, docs
    Ci(ci::Options),
    /// Check what the compiler does not: crate edges, layout, sizes, invariants
    Tidy,
    /// Run the benchmarks, or compare with rivals
    Bench(bench::Options),
    /// Fetch against random schedules of faults, more than the tests do
    Chaos(chaos::Options),
    /// Read playlists of other projects and compare with what they expect
    Conformance(conformance::Options),
    /// Kill, starve and cut off from power what stores; root tests the most
    Crash(crash::Options),
    /// Make a small stream, download it, stop its origin, and serve what is stored
    Demo(demo::Options),
    /// Feed a fuzz target of hls-parse for a while
    Fuzz(fuzz::Options),
    /// Write what programs write: completions, man pages, and snapshots of what the tool says
    Gen(generate::Options),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Ci(options) => ci::run(&options),
        Command::Tidy => tidy::run(),
        Command::Bench(options) => bench::run(&options),
        Command::Chaos(options) => chaos::run(&options),
        Command::Conformance(options) => conformance::run(&options),
        Command::Crash(options) => crash::run(&options),
        Command::Demo(options) => demo::run(&options),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Gen(options) => generate::run(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            run::say(&format!("error: {message}"));
            ExitCode::FAILURE
        }
    }
}
