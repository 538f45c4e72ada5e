//! What has to hold before a crate is published: packages, their oldest dependencies, licences, the public interface.

use std::fs;
use std::path::Path;
use std::process::Command;

use cargo_metadata::{MetadataCommand, Package};
use clap::Args;

use crate::run::{self, Result, say};

/// Files that each package has, whatever it is about.
const NEEDED: &[&str] = &["Cargo.toml", "README.md", "src/lib.rs"];
/// Beginnings of paths that no package has.
const UNWANTED: &[&str] = &["fuzz", "crash", "node_modules", "target", "tests/page"];

/// Options of `package`.
#[derive(Debug, Args)]
pub(crate) struct PackageOptions {
    /// Build each from its package, as those will who depend on it
    #[arg(long)]
    pub(crate) build: bool,
}

/// Packs every crate and looks at what is in the packages.
pub(crate) fn package(options: &PackageOptions) -> Result {
    let mut cargo = run::cargo();
    cargo.args([
        "package",
        "--quiet",
        "--locked",
        "--workspace",
        "--exclude",
        "xtask",
    ]);
    // What is being changed is packed too.
    cargo.arg("--allow-dirty");
    if !options.build {
        cargo.arg("--no-verify");
    }
    run::status(&mut cargo)?;
    for package in published()? {
        let name = package.name.as_str();
        let listed = run::output(run::cargo().args([
            "package",
            "--quiet",
            "--list",
            "--allow-dirty",
            "-p",
            name,
        ]))?;
        let files: Vec<&str> = listed.lines().collect();
        for needed in NEEDED {
            if !files.contains(needed) {
                return Err(format!("the package {name} lacks {needed}"));
            }
        }
        if let Some(file) = files
            .iter()
            .find(|file| UNWANTED.iter().any(|start| file.starts_with(start)))
        {
            return Err(format!("the package {name} has {file}: exclude it"));
        }
        let stated = [
            ("description", package.description.is_some()),
            ("license", package.license.is_some()),
            ("repository", package.repository.is_some()),
            ("rust-version", package.rust_version.is_some()),
            ("keywords", !package.keywords.is_empty()),
        ];
        if let Some((key, _)) = stated.iter().find(|(_, is_there)| !is_there) {
            return Err(format!("{name} states no {key}"));
        }
        say(&format!("{name}: {} files", files.len()));
    }
    Ok(())
}

/// Builds every crate with the oldest versions that its manifest allows.
///
/// In a copy, whose lock file has them; the nightly part is only cargo's choice of versions, what compiles is
/// the toolchain that is installed.
pub(crate) fn minimal_versions() -> Result {
    let target = run::target_directory()?.join("minimal");
    let copy = target.join("workspace");
    let _ = fs::remove_dir_all(&copy);
    let mut git = Command::new("git");
    let files = run::output(git.current_dir(run::root()).args(["ls-files"]))?;
    for file in files.lines() {
        let (from, to) = (run::root().join(file), copy.join(file));
        if let Some(folder) = to.parent() {
            fs::create_dir_all(folder).map_err(|error| failed(folder, &error))?;
        }
        // What is deleted and not yet committed is deleted in the copy too.
        if from.is_file() {
            fs::copy(&from, &to).map_err(|error| failed(&from, &error))?;
        }
    }
    let cargo = || {
        let mut cargo = run::cargo();
        cargo.current_dir(&copy).env("CARGO_TARGET_DIR", &target);
        cargo
    };
    run::status(
        cargo()
            .args(["-Z", "direct-minimal-versions", "update", "--quiet"])
            .env("RUSTC_BOOTSTRAP", "1"),
    )?;
    for package in published()? {
        say(&format!("{} with the oldest it allows", package.name));
        run::status(cargo().args([
            "check",
            "--quiet",
            "--locked",
            "--all-features",
            "-p",
            package.name.as_str(),
        ]))?;
    }
    Ok(())
}

/// Options of `deny`.
#[derive(Debug, Args)]
pub(crate) struct DenyOptions {
    /// Leave advisories out, which have to be fetched first
    #[arg(long)]
    pub(crate) offline: bool,
}

/// Licences, sources, twice-linked crates and advisories, by `.cargo/deny.toml`.
pub(crate) fn deny(options: &DenyOptions) -> Result {
    if !run::has("cargo-deny") {
        say("skipped: cargo-deny is not installed (`cargo install cargo-deny --locked`)");
        return Ok(());
    }
    let mut cargo = run::cargo();
    cargo.args(["deny", "--workspace", "--locked"]);
    if options.offline {
        cargo.args(["--offline", "check", "bans", "licenses", "sources"]);
    } else {
        cargo.arg("check");
    }
    run::status(&mut cargo)
}

/// Options of `api`.
#[derive(Debug, Args)]
pub(crate) struct ApiOptions {
    /// What to compare with: a tag, a branch or a commit
    #[arg(long, value_name = "REVISION")]
    against: String,
}

/// Whether the public interface of the libraries has changed in a way that breaks their users.
pub(crate) fn api(options: &ApiOptions) -> Result {
    if !run::has("cargo-semver-checks") {
        return Err(
            "cargo-semver-checks is not installed: `cargo install cargo-semver-checks --locked`"
                .to_owned(),
        );
    }
    for package in published()? {
        run::status(
            run::cargo()
                .args(["semver-checks", "-p", package.name.as_str()])
                .args(["--all-features", "--baseline-rev", &options.against]),
        )?;
    }
    Ok(())
}

fn published() -> Result<Vec<Package>> {
    let metadata = MetadataCommand::new()
        .current_dir(run::root())
        .no_deps()
        .exec()
        .map_err(|error| format!("cargo metadata: {error}"))?;
    Ok(metadata
        .workspace_packages()
        .into_iter()
        // An empty list of registries is `publish = false`.
        .filter(|package| package.publish.as_ref().is_none_or(|to| !to.is_empty()))
        .cloned()
        .collect())
}

fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
