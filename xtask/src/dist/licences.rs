//! The licences of everything that is linked into the program.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand, Package, PackageId};

use crate::run::{self, Result};

/// Names of files with the text of a licence begin so, whatever their case.
const NAMES: &[&str] = &[
    "license",
    "licence",
    "copying",
    "unlicense",
    "notice",
    "copyright",
];
/// What a browser gets, and what comes with it.
const BUNDLED: &str = "offline-cli/src/playback/page/vendor";

/// One text: which packages, under which licences, and each licence text once.
pub(super) fn of(target: &str) -> Result<String> {
    let metadata = MetadataCommand::new()
        .current_dir(run::root())
        .other_options([
            "--locked".to_owned(),
            "--filter-platform".to_owned(),
            target.to_owned(),
        ])
        .exec()
        .map_err(|error| format!("cargo metadata: {error}"))?;
    let linked = linked(&metadata)?;
    let mut list = String::from("The program is made of these packages.\n\n");
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for package in &linked {
        let name = format!("{} {}", package.name, package.version);
        let licence = package
            .license
            .as_deref()
            .ok_or_else(|| format!("{name} states no licence"))?;
        list.push_str(&format!("{name}: {licence}\n"));
        for text in texts_of(package)? {
            texts.entry(text).or_default().push(name.clone());
        }
    }
    for entry in fs::read_dir(run::root().join(BUNDLED))
        .map_err(|error| format!("{BUNDLED}: {error}"))?
        .flatten()
    {
        let name = entry.file_name().to_string_lossy().into_owned();
        if is_licence(&name) || name.to_lowercase().contains("license") {
            let text = fs::read_to_string(entry.path()).map_err(|error| error.to_string())?;
            list.push_str("hls.js, in the page of `offline serve`: Apache-2.0\n");
            texts.entry(text).or_default().push("hls.js".to_owned());
        }
    }
    for (text, packages) in texts {
        let line = "-".repeat(78);
        list.push_str(&format!(
            "\n{line}\n{}\n{line}\n\n{text}\n",
            packages.join(", ")
        ));
    }
    Ok(list)
}

/// Everything that `offline` reaches through ordinary dependencies, but for this workspace.
fn linked(metadata: &Metadata) -> Result<Vec<&Package>> {
    let graph = metadata.resolve.as_ref().ok_or("no resolved graph")?;
    let members: BTreeSet<&PackageId> = metadata.workspace_members.iter().collect();
    let mut reached: BTreeSet<&PackageId> = BTreeSet::new();
    let mut next: Vec<&PackageId> = metadata
        .workspace_packages()
        .into_iter()
        .filter(|package| package.name.as_str() == "offline-cli")
        .map(|package| &package.id)
        .collect();
    while let Some(id) = next.pop() {
        if !reached.insert(id) {
            continue;
        }
        for dependency in graph
            .nodes
            .iter()
            .filter(|node| node.id == *id)
            .flat_map(|node| &node.deps)
        {
            let is_linked = dependency
                .dep_kinds
                .iter()
                .any(|kind| kind.kind == DependencyKind::Normal);
            if is_linked {
                next.push(&dependency.pkg);
            }
        }
    }
    let mut packages: Vec<&Package> = metadata
        .packages
        .iter()
        .filter(|package| reached.contains(&package.id) && !members.contains(&package.id))
        .collect();
    packages.sort_by(|one, other| (&one.name, &one.version).cmp(&(&other.name, &other.version)));
    Ok(packages)
}

/// The texts that a package comes with; some state a licence and bring no text.
fn texts_of(package: &Package) -> Result<Vec<String>> {
    let folder = package
        .manifest_path
        .parent()
        .ok_or_else(|| format!("{} lies nowhere", package.name))?;
    let mut texts = Vec::new();
    let entries = folder
        .read_dir_utf8()
        .map_err(|error| format!("{folder}: {error}"))?;
    for entry in entries.flatten() {
        if is_licence(entry.file_name()) && entry.path().is_file() {
            let bytes = fs::read(entry.path()).map_err(|error| error.to_string())?;
            let text = String::from_utf8_lossy(&bytes);
            texts.push(text.replace("\r\n", "\n").trim().to_owned());
        }
    }
    texts.sort();
    Ok(texts)
}

fn is_licence(name: &str) -> bool {
    let name = name.to_lowercase();
    NAMES.iter().any(|start| name.starts_with(start))
}
