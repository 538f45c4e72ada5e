//! `cargo xtask dist`: the tool for other machines, in one archive.
//!
//! The same commit and toolchain make the same archive: paths of this machine are left out, and times, owners and
//! order are fixed.

mod archive;
mod licences;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use clap::Args;

use crate::generate;
use crate::run::{self, Result, say};

/// Options of `dist`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// What to build for [default: this machine; on Linux statically, where the target for musl is installed]
    #[arg(long, value_name = "TRIPLE")]
    target: Option<String>,

    /// Where to put the archive [default: dist, beside what cargo builds]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
}

pub(crate) fn run(options: &Options) -> Result {
    let version = env!("CARGO_PKG_VERSION");
    let host = host()?;
    let target = options.target.clone().map_or_else(|| best(&host), Ok)?;
    let program = build(&target)?;
    let output = match &options.output {
        Some(folder) => folder.clone(),
        None => run::target_directory()?.join("dist"),
    };
    let name = format!("offline-{version}-{target}");
    let folder = output.join(&name);
    let _ = fs::remove_dir_all(&folder);
    // The program writes its own completions and pages, so it has to run here.
    let writer = if runs_here(&target, &host) {
        program.clone()
    } else {
        build(&host)?
    };
    generate::write(&writer, &folder)?;
    for file in ["README.md", "CHANGELOG.md", "LICENSE-APACHE", "LICENSE-MIT"] {
        copy(&run::root().join(file), &folder.join(file))?;
    }
    let file = program.file_name().ok_or("cargo built nothing")?;
    copy(&program, &folder.join(file))?;
    let licences = licences::of(&target)?;
    write(
        &folder.join("LICENSES-DEPENDENCIES.txt"),
        licences.as_bytes(),
    )?;
    let packed = archive::pack(&folder, &name, time_of_commit())?;
    let path = output.join(format!("{name}.tar.gz"));
    write(&path, &packed)?;
    let sum = archive::sha256(&packed);
    let sums = output.join(format!("{name}.tar.gz.sha256"));
    write(&sums, format!("{sum}  {name}.tar.gz\n").as_bytes())?;
    let size = fs::metadata(&program).map_err(|error| failed(&program, &error))?;
    say(&format!(
        "{}: {:.1} MB, the program {:.1} MB{}\nsha256 {sum}",
        path.display(),
        megabytes(packed.len() as u64),
        megabytes(size.len()),
        if target.contains("musl") {
            ", static"
        } else {
            ""
        }
    ));
    Ok(())
}

/// The target for musl makes a program that needs nothing of the machine it runs on.
fn best(host: &str) -> Result<String> {
    let musl = host.replace("-gnu", "-musl");
    if musl == host {
        return Ok(host.to_owned());
    }
    let root = run::output(rustc().args(["--print", "sysroot"]))?;
    let library = Path::new(root.trim()).join("lib").join("rustlib");
    if library.join(&musl).is_dir() {
        return Ok(musl);
    }
    say(&format!(
        "not static: `rustup target add {musl}` makes it so"
    ));
    Ok(host.to_owned())
}

fn build(target: &str) -> Result<PathBuf> {
    let mut cargo = run::cargo();
    cargo.args(["build", "--release", "--locked", "-p", "offline-cli"]);
    cargo.args(["--target", target]);
    let home = std::env::var_os("CARGO_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::home_dir().map(|home| home.join(".cargo")))
        .unwrap_or_default();
    // Where sources lie here says nothing elsewhere.
    let flags: Vec<String> = [(run::root(), "/offline"), (&home, "/cargo")]
        .iter()
        .map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display()))
        .collect();
    cargo.env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}"));
    if target.contains("musl") && !run::has("musl-gcc") && !run::has(&format!("{target}-gcc")) {
        // What is written in C computes, and calls no library: any compiler for the machine will do.
        cargo.env(format!("CC_{}", target.replace('-', "_")), "cc");
        cargo.env(
            format!("CFLAGS_{}", target.replace('-', "_")),
            "-U_FORTIFY_SOURCE -fno-stack-protector",
        );
    }
    run::status(&mut cargo)?;
    let ending = if target.contains("windows") {
        ".exe"
    } else {
        ""
    };
    let built = run::target_directory()?.join(target).join("release");
    Ok(built.join(format!("offline{ending}")))
}

fn runs_here(target: &str, host: &str) -> bool {
    target == host || target == host.replace("-gnu", "-musl")
}

fn host() -> Result<String> {
    let version = run::output(rustc().arg("-vV"))?;
    version
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .map(str::to_owned)
        .ok_or_else(|| "rustc does not say what it runs on".to_owned())
}

fn rustc() -> Command {
    let mut rustc = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc.current_dir(run::root());
    rustc
}

/// Seconds since 1970; that of the last commit, so that the next build of it is the same.
fn time_of_commit() -> u64 {
    let stated = std::env::var("SOURCE_DATE_EPOCH");
    stated
        .or_else(|_| {
            let mut git = Command::new("git");
            run::output(
                git.current_dir(run::root())
                    .args(["log", "-1", "--format=%ct"]),
            )
        })
        .ok()
        .and_then(|time| time.trim().parse().ok())
        .unwrap_or_default()
}

fn copy(from: &Path, to: &Path) -> Result {
    fs::copy(from, to)
        .map(drop)
        .map_err(|error| failed(from, &error))
}

fn write(path: &Path, bytes: &[u8]) -> Result {
    fs::write(path, bytes).map_err(|error| failed(path, &error))
}

fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}

#[expect(clippy::cast_precision_loss, reason = "it is shown with one decimal")]
fn megabytes(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
