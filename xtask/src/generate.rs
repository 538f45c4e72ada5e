//! `cargo xtask gen`: what programs write: completions, man pages, snapshots.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;

use crate::run::{self, Result, say};

/// Shells, and what the file with their script is called where they look for it.
const SHELLS: &[(&str, &str)] = &[
    ("bash", "offline.bash"),
    ("elvish", "offline.elv"),
    ("fish", "offline.fish"),
    ("powershell", "_offline.ps1"),
    ("zsh", "_offline"),
];

/// Options of `gen`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Leave the snapshots as they are; the tests compare them
    #[arg(long)]
    pub(crate) check: bool,
}

pub(crate) fn run(options: &Options) -> Result {
    run::status(run::cargo().args(["build", "--locked", "--quiet", "-p", "offline-cli"]))?;
    let target = run::target_directory()?;
    let program = target
        .join("debug")
        .join(format!("offline{}", std::env::consts::EXE_SUFFIX));
    let folder = target.join("gen");
    write(&program, &folder)?;
    read_back(&folder)?;
    say(&format!(
        "completions and man pages are in {}",
        folder.display()
    ));
    if options.check {
        return Ok(());
    }
    run::status(
        run::cargo()
            .args(["test", "--locked", "--quiet", "-p", "offline-cli"])
            .args(["--test", "it", "snapshots"])
            .env("INSTA_UPDATE", "always"),
    )?;
    say("`git diff offline-cli/tests/it/snapshots` shows what the tool says differently");
    Ok(())
}

/// Writes `completions` and `man` into a folder, which has nothing else afterwards.
pub(crate) fn write(program: &Path, folder: &Path) -> Result {
    let _ = fs::remove_dir_all(folder);
    let completions = folder.join("completions");
    fs::create_dir_all(&completions).map_err(|error| failed(&completions, &error))?;
    for (shell, name) in SHELLS {
        let script = run::output(Command::new(program).args(["completions", shell]))?;
        let path = completions.join(name);
        fs::write(&path, script).map_err(|error| failed(&path, &error))?;
    }
    run::status(
        Command::new(program)
            .args(["man", "-o"])
            .arg(folder.join("man")),
    )
}

/// Has those who will read them read them, as far as they are here.
fn read_back(folder: &Path) -> Result {
    let script = folder.join("completions").join("offline.bash");
    if run::has("bash") {
        run::status(Command::new("bash").arg("-n").arg(script))?;
    }
    if !run::has("groff") {
        return Ok(());
    }
    for page in pages(&folder.join("man"))? {
        let read = Command::new("groff")
            .args(["-man", "-Tutf8", "-ww", "-z"])
            .arg(&page)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| failed(&page, &error))?;
        let warnings = String::from_utf8_lossy(&read.stderr);
        if !read.status.success() || !warnings.is_empty() {
            return Err(format!("{}: {warnings}", page.display()));
        }
    }
    Ok(())
}

fn pages(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder).map_err(|error| failed(folder, &error))?;
    let pages: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    if pages.is_empty() {
        return Err(format!("{} has no page", folder.display()));
    }
    Ok(pages)
}

fn failed(path: &Path, error: &std::io::Error) -> String {
    format!("{}: {error}", path.display())
}
