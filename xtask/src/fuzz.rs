//! `cargo xtask fuzz`: any bytes into what reads foreign ones, guided by what they reach.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use crate::run::{self, Result, say};

/// Options of `fuzz`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Which target: one of the files in CRATE/fuzz/targets, without `.rs`
    target: String,

    /// How long to go on
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u32,
}

/// Crates with fuzz targets, each with a workspace of them.
const CRATES: [&str; 3] = ["hls-parse", "cache-inspect", "offline-cli"];

/// Builds the fuzzer itself.
const COMPILER: &str = "c++";

/// What cargo-fuzz passes to a nightly compiler, but for the sanitizer, which there is little use for without unsafe code.
const FLAGS: &str = "-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares -Ccodegen-units=1 --cfg fuzzing";

/// An input that takes longer than this many seconds is a failure, and so is one that takes more than that many megabytes.
const LIMITS: [&str; 3] = ["-timeout=10", "-rss_limit_mb=1024", "-max_len=65536"];

/// Builds a target and feeds it, starting from the seeds and from what earlier runs found.
pub(crate) fn run(options: &Options) -> Result {
    let folder = folder_of(&options.target)?;
    let host = host()?;
    let mut build = cargo("build", &folder)?;
    build
        .args(["--release", "--target", &host, "--bin", &options.target])
        .env("RUSTFLAGS", FLAGS);
    run::status(&mut build)?;

    let output = run::target_directory()?.join("fuzz");
    let (corpus, crashes) = (
        output.join("corpus").join(&options.target),
        output.join("crashes"),
    );
    for made in [&corpus, &crashes] {
        fs::create_dir_all(made).map_err(|error| format!("{}: {error}", made.display()))?;
    }
    let (seeds, words) = (folder.join("seeds"), folder.join("playlist.dict"));
    let mut program = Command::new(output.join(&host).join("release").join(&options.target));
    program
        .arg(&corpus)
        .arg(&seeds)
        .arg(format!(
            "-artifact_prefix={}/{}-",
            crashes.display(),
            options.target
        ))
        .arg(format!("-max_total_time={}", options.seconds))
        .arg("-print_final_stats=1")
        .args(LIMITS);
    if words.exists() {
        program.arg(format!("-dict={}", words.display()));
    }
    run::status(&mut program).map_err(|error| {
        format!(
            "{error}\nthe input is in {}; when it is mended, keep it in {}",
            crashes.display(),
            seeds.display()
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
    for name in CRATES {
        let mut clippy = cargo("clippy", &folder(name))?;
        run::status(clippy.args(["--all-targets", "--", "-D", "warnings"]))?;
    }
    Ok(())
}

fn folder(name: &str) -> PathBuf {
    run::root().join(name).join("fuzz")
}

/// A cargo command in a workspace of fuzz targets, which builds beside the other one.
fn cargo(command: &str, folder: &Path) -> Result<Command> {
    lock(folder)?;
    let mut cargo = run::cargo();
    cargo
        .current_dir(folder)
        .arg(command)
        .arg("--target-dir")
        .arg(run::target_directory()?.join("fuzz"));
    Ok(cargo)
}

/// Locks a workspace of fuzz targets to what the tools themselves are locked to, and to the fuzzing engine of hls-parse, whose own lock file is kept: there is one
/// version of everything, and nobody has to bring several files up to date.
fn lock(workspace: &Path) -> Result {
    let kept = folder(CRATES[0]);
    if workspace == kept {
        return Ok(());
    }
    let read = |path: PathBuf| {
        fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    };
    let mut text = read(run::root().join("Cargo.lock"))?;
    for package in read(kept.join("Cargo.lock"))?
        .split("[[package]]\n")
        .skip(1)
    {
        let name = package.lines().next().unwrap_or_default();
        if package.contains("\nsource = ") && !text.contains(&format!("\n{name}\n")) {
            text.push_str(&format!("\n[[package]]\n{}\n", package.trim_end()));
        }
    }
    let path = workspace.join("Cargo.lock");
    fs::write(&path, text).map_err(|error| format!("{}: {error}", path.display()))
}

/// Where a target is.
fn folder_of(target: &str) -> Result<PathBuf> {
    let mut known = Vec::new();
    for name in CRATES {
        let folder = folder(name);
        let targets = targets(&folder)?;
        if targets.iter().any(|found| found == target) {
            return Ok(folder);
        }
        known.extend(targets);
    }
    Err(format!(
        "no fuzz target `{target}`; there are {}",
        known.join(", ")
    ))
}

fn targets(folder: &Path) -> Result<Vec<String>> {
    let folder = folder.join("targets");
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
