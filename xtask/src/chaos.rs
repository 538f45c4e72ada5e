//! `cargo xtask chaos`: random schedules of faults, more than the tests run.

use clap::Args;

use crate::run::{self, Result};

/// Options of `chaos`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How many schedules
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    schedules: u64,

    /// The first of them: a failure names its own, which repeats it with `--schedules 1`
    #[arg(long, value_name = "SEED", default_value_t = 0)]
    seed: u64,
}

/// Runs the test of segment-fetch that makes them up.
pub(crate) fn run(options: &Options) -> Result {
    run::status(
        run::cargo()
            .args([
                "test",
                "--locked",
                "--release",
                "--package",
                "segment-fetch",
            ])
            .args(["--all-features", "--test", "it", "chaos::"])
            .env("CHAOS_SCHEDULES", options.schedules.to_string())
            .env("CHAOS_SEED", options.seed.to_string()),
    )
}
