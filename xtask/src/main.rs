//! The workspace's chores, run as `cargo xtask COMMAND`.

mod bench;
mod chaos;
mod ci;
mod conformance;
mod crash;
mod demo;
mod dist;
mod fuzz;
mod generate;
mod peers;
mod publish;
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
    /// Everything a change has to pass: fmt, tidy, deny, clippy, tests, features, examples, crashes, docs
    Ci(ci::Options),
    /// Check what the compiler does not: crate edges, layout, sizes, invariants
    Tidy,
    /// Compare the public interface of the libraries with an earlier one
    Api(publish::ApiOptions),
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
    /// Check licences, sources and advisories of dependencies with cargo-deny
    Deny(publish::DenyOptions),
    /// Build the tool for other machines, with completions, man pages and licences, in one archive
    Dist(dist::Options),
    /// Feed a fuzz target for a while
    Fuzz(fuzz::Options),
    /// Write what programs write: completions, man pages, and snapshots of what the tool says
    Gen(generate::Options),
    /// Build every crate with the oldest dependencies that it allows
    MinimalVersions,
    /// Pack every crate as for publishing, and look at what is in the packages
    Package(publish::PackageOptions),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Command::Ci(options) => ci::run(&options),
        Command::Tidy => tidy::run(),
        Command::Api(options) => publish::api(&options),
        Command::Bench(options) => bench::run(&options),
        Command::Chaos(options) => chaos::run(&options),
        Command::Conformance(options) => conformance::run(&options),
        Command::Crash(options) => crash::run(&options),
        Command::Demo(options) => demo::run(&options),
        Command::Deny(options) => publish::deny(&options),
        Command::Dist(options) => dist::run(&options),
        Command::Fuzz(options) => fuzz::run(&options),
        Command::Gen(options) => generate::run(&options),
        Command::MinimalVersions => publish::minimal_versions(),
        Command::Package(options) => publish::package(&options),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            run::say(&format!("error: {message}"));
            ExitCode::FAILURE
        }
    }
}
