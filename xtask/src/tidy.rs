//! `cargo xtask tidy`: rules the compiler does not know.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

use crate::run::{self, Result};

/// The crates that are useful alone: no edge among them, of any kind.
const INDEPENDENT: &[&str] = &[
    "hls-parse",
    "segment-fetch",
    "asset-store",
    "storage-policy",
    "cache-inspect",
];
/// The only member that may depend on them.
const COMPOSER: &str = "offline-cli";
const CHORES: &str = "xtask";
/// A file beyond this hides two.
const LINES_LIMIT: usize = 500;

pub(crate) fn run() -> Result {
    let metadata = MetadataCommand::new()
        .current_dir(run::root())
        .other_options(["--locked".to_owned(), "--all-features".to_owned()])
        .exec()
        .map_err(|error| format!("cargo metadata: {error}"))?;
    let mut found = Vec::new();
    edges(&metadata, &mut found);
    rust_version(&metadata, &mut found);
    top_level(&mut found);
    crates(&metadata, &mut found);
    let sources = sources()?;
    files(&sources, &mut found);
    invariants(&sources, &mut found);
    if found.is_empty() {
        Ok(())
    } else {
        Err(format!("not tidy:\n  {}", found.join("\n  ")))
    }
}

/// The star: only the tool depends on the five crates, and they on none of each other.
fn edges(metadata: &Metadata, found: &mut Vec<String>) {
    let members: BTreeSet<&str> = metadata
        .workspace_packages()
        .iter()
        .map(|package| package.name.as_str())
        .collect();
    let expected: BTreeSet<&str> = INDEPENDENT
        .iter()
        .copied()
        .chain([COMPOSER, CHORES])
        .collect();
    if members != expected {
        found.push(format!("the members are {members:?}, not {expected:?}"));
    }
    for package in metadata.workspace_packages() {
        for dependency in &package.dependencies {
            let is_member = members.contains(dependency.name.as_str());
            // A crate may be its own dev-dependency, to test with a feature it does not build with.
            let is_itself = dependency.name == package.name.as_str();
            let allowed = is_itself
                || package.name.as_str() == COMPOSER
                    && INDEPENDENT.contains(&dependency.name.as_str());
            if is_member && !allowed {
                let kind = match dependency.kind {
                    DependencyKind::Development => "dev-dependency",
                    DependencyKind::Build => "build-dependency",
                    _ => "dependency",
                };
                found.push(format!(
                    "{} must not have {} as a {kind}: what two crates agree on crosses as std types or a trait of the lower one, implemented in {COMPOSER}/src/adapters",
                    package.name, dependency.name
                ));
            }
        }
    }
}

/// The stated minimum Rust version is one that every dependency can be built with.
fn rust_version(metadata: &Metadata, found: &mut Vec<String>) {
    let Some(stated) = metadata
        .workspace_packages()
        .first()
        .and_then(|package| package.rust_version.clone())
    else {
        found.push("the workspace states no rust-version".to_owned());
        return;
    };
    for package in &metadata.packages {
        if let Some(needed) = package
            .rust_version
            .as_ref()
            .filter(|needed| **needed > stated)
        {
            found.push(format!(
                "{} {} needs Rust {needed}, the workspace states {stated}",
                package.name, package.version
            ));
        }
    }
}

fn top_level(found: &mut Vec<String>) {
    let Ok(entries) = fs::read_dir(run::root()) else {
        return;
    };
    for entry in entries.flatten().filter(|entry| entry.path().is_dir()) {
        let name = entry.file_name().to_string_lossy().into_owned();
        let known = name.starts_with('.') || name == "target" || name == COMPOSER || name == CHORES;
        if !known && !INDEPENDENT.contains(&name.as_str()) {
            found.push(format!(
                "a folder at the top level that is no member: {name}"
            ));
        }
    }
}

/// Every crate has what its users and maintainers look for.
fn crates(metadata: &Metadata, found: &mut Vec<String>) {
    for package in metadata.workspace_packages() {
        let Some(folder) = package.manifest_path.parent() else {
            continue;
        };
        let manifest = fs::read_to_string(&package.manifest_path).unwrap_or_default();
        if !manifest.contains("[lints]\nworkspace = true") {
            found.push(format!(
                "{}: Cargo.toml lacks `[lints] workspace = true`",
                package.name
            ));
        }
        if package.name.as_str() == CHORES {
            continue;
        }
        for needed in ["README.md", "tests/it/main.rs", "benches", "examples"] {
            let path = folder.join(needed);
            let there = if path.is_dir() {
                path.read_dir_utf8()
                    .is_ok_and(|mut entries| entries.next().is_some())
            } else {
                path.is_file()
            };
            if !there {
                found.push(format!("{} lacks {needed}", package.name));
            }
        }
    }
}

fn sources() -> Result<Vec<(PathBuf, String)>> {
    let mut sources = Vec::new();
    let mut folders: Vec<PathBuf> = INDEPENDENT
        .iter()
        .chain(&[COMPOSER, CHORES])
        .map(|name| run::root().join(name))
        .collect();
    while let Some(folder) = folders.pop() {
        let entries =
            fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() && !path.ends_with("target") {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path)
                    .map_err(|error| format!("{}: {error}", path.display()))?;
                sources.push((path, text));
            }
        }
    }
    Ok(sources)
}

fn files(sources: &[(PathBuf, String)], found: &mut Vec<String>) {
    // Spelt in pieces so that this file does not find itself.
    let markers = [
        concat!("TO", "DO"),
        concat!("FIX", "ME"),
        concat!("XX", "X"),
        concat!("#[ign", "ore"),
    ];
    for (path, text) in sources {
        let name = shown(path);
        let lines = text.lines().count();
        if lines > LINES_LIMIT {
            found.push(format!(
                "{name} has {lines} lines; one of {LINES_LIMIT} usually hides two concepts"
            ));
        }
        for (number, line) in text.lines().enumerate() {
            if let Some(marker) = markers.iter().find(|marker| line.contains(**marker)) {
                found.push(format!("{name}:{}: {marker}", number + 1));
            }
            if line.ends_with([' ', '\t']) {
                found.push(format!(
                    "{name}:{}: space at the end of the line",
                    number + 1
                ));
            }
        }
        if !text.starts_with("//!") {
            found.push(format!(
                "{name} does not begin with a `//!` line that says what it is about"
            ));
        }
    }
}

/// Each numbered invariant of ARCHITECTURE.md names a test, and that test exists.
fn invariants(sources: &[(PathBuf, String)], found: &mut Vec<String>) {
    let Ok(text) = fs::read_to_string(run::root().join("ARCHITECTURE.md")) else {
        found.push("ARCHITECTURE.md is missing".to_owned());
        return;
    };
    let section = text
        .split("\n## Invariants")
        .nth(1)
        .and_then(|rest| rest.split("\n## ").next())
        .unwrap_or_default();
    let mut number = 0;
    // An invariant may run over several lines: it ends where the next number begins.
    for paragraph in section.split("\n\n").flat_map(numbered) {
        number += 1;
        let tests: Vec<&str> = paragraph
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|name| name.contains("::"))
            .collect();
        if tests.is_empty() {
            found.push(format!("ARCHITECTURE.md: invariant {number} names no test"));
        }
        for test in tests {
            let function = format!("fn {}(", test.rsplit("::").next().unwrap_or_default());
            let package = test.split("::").next().unwrap_or_default();
            let folder = run::root().join(package);
            if !sources
                .iter()
                .any(|(path, text)| path.starts_with(&folder) && text.contains(&function))
            {
                found.push(format!(
                    "ARCHITECTURE.md: invariant {number} names {test}, which does not exist"
                ));
            }
        }
    }
    if number == 0 {
        found.push("ARCHITECTURE.md has no numbered list under `## Invariants`".to_owned());
    }
}

fn numbered(paragraph: &str) -> Vec<String> {
    let mut items: Vec<String> = Vec::new();
    for line in paragraph.lines() {
        let is_start = line
            .split_once(". ")
            .is_some_and(|(number, _)| number.parse::<u32>().is_ok());
        match items.last_mut() {
            _ if is_start => items.push(line.to_owned()),
            Some(item) => {
                item.push(' ');
                item.push_str(line);
            }
            None => {}
        }
    }
    items
}

fn shown(path: &Path) -> String {
    path.strip_prefix(run::root())
        .unwrap_or(path)
        .display()
        .to_string()
}
