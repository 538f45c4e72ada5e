//! `cargo xtask fuzz`: any bytes into hls-parse, guided by what they reach.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use clap::Args;

use crate::run::{self, Result, say};

/// Options of `fuzz`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Which target: one of the files in hls-parse/fuzz/targets, without `.rs`
    target: String,

    /// How long to go on
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,
}

/// Builds the fuzzer itself.
const COMPILER: &str = "c++";

/// What cargo-fuzz passes to a nightly compiler, but for the sanitizer, which there is little use for without unsafe code.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing";

/// An input that takes longer than this many seconds is a failure, and so is one that takes more than that many megabytes.
const LIMITS: [&str; 3] = ["-timeout=10", "-rss_limit_mb=1024", "-max_len=65536"];

/// Builds a target and feeds it, starting from the seeds and from what earlier runs found.
pub(crate) fn run(options: &Options) -> Result {
    let known = targets()?;
    if !known.contains(&options.target) {
        return Err(format!(
            "no fuzz target `{}`; there are {}",
            options.target,
            known.join(", ")
        ));
    }
    let host = host()?;
    let mut build = cargo("build")?;
    build
        .args(["--release", "--target", &host, "--bin", &options.target])
        .env("RUSTFLAGS", FLAGS);
    run::status(&mut build)?;

    let output = run::target_directory()?.join("fuzz");
    let (corpus, crashes) = (
        output.join("corpus").join(&options.target),
        output.join("crashes"),
    );
    for folder in [&corpus, &crashes] {
        fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    }
    let mut program = Command::new(output.join(&host).join("release").join(&options.target));
    program
        .arg(&corpus)
        .arg(folder().join("seeds"))
        .arg(format!(
            "-dict={}",
            folder().join("playlist.dict").display()
        ))
        .arg(format!(
            "-artifact_prefix={}/{}-",
            crashes.display(),
            options.target
        ))
        .arg(format!("-max_total_time={}", options.seconds))
        .arg("-print_final_stats=1")
        .args(LIMITS);
    run::status(&mut program).map_err(|error| {
        format!(
            "{error}\nthe input is in {}; when it is mended, keep it in hls-parse/fuzz/seeds",
            crashes.display()
        )
    })?;
    say(&format!("{}: every law held", options.target));
    Ok(())
}

/// Compiles every target, without the instrumentation, which is the compiler's affair.
pub(crate) fn check() -> Result {
    if !run::has(COMPILER) {
        say("skipped: there is no C++ compiler");
        return Ok(());
    }
    run::status(cargo("clippy")?.args(["--locked", "--all-targets", "--", "-D", "warnings"]))
}

fn folder() -> PathBuf {
    run::root().join("hls-parse").join("fuzz")
}

/// A cargo command in the workspace of the fuzz targets, which builds beside the other one.
fn cargo(command: &str) -> Result<Command> {
    let mut cargo = run::cargo();
    cargo
        .current_dir(folder())
        .arg(command)
        .arg("--target-dir")
        .arg(run::target_directory()?.join("fuzz"));
    Ok(cargo)
}

fn targets() -> Result<Vec<String>> {
    let folder = folder().join("targets");
    let entries =
        fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| Some(entry.path().file_stem()?.to_string_lossy().into_owned()))
        .collect();
    names.sort_unstable();
    Ok(names)
}

/// Naming the host as the target keeps the flags away from build scripts.
fn host() -> Result<String> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let told = run::output(Command::new(rustc).arg("-vV"))?;
    told.lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .ok_or_else(|| "rustc -vV does not name its host".to_owned())
}
