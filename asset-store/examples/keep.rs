//! Keeps a few files as an asset, opens the store again, verifies it and writes the files out.
//!
//! `cargo run -p asset-store --example keep [STORE FILE...]`; without arguments with files and a
//! store of its own in the temporary folder.
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::error::Error;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use asset_store::{AssetId, EntryAttributes, PartialKey, Store};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1).map(PathBuf::from);
    let work = std::env::temp_dir().join(format!("asset-store-keep-{}", std::process::id()));
    std::fs::create_dir_all(&work)?;
    let root = arguments.next().unwrap_or_else(|| work.join("store"));
    let mut files: Vec<PathBuf> = arguments.collect();
    if files.is_empty() {
        for (name, text) in [("one.txt", "first file"), ("two.txt", "second file")] {
            std::fs::write(work.join(name), text)?;
            files.push(work.join(name));
        }
    }

    let id = AssetId::new("kept")?;
    keep(&Store::open(&root)?, &id, &files)?;

    let store = Store::open(&root)?;
    let report = store.verify(Some(&id), &mut |_| {})?;
    println!(
        "{} blobs checked, all good: {}",
        report.checked,
        report.is_good()
    );
    let target = work.join("export");
    export(&store, &id, &target)?;
    println!("written to {}", target.display());
    Ok(())
}

fn keep(store: &Store, id: &AssetId, files: &[PathBuf]) -> Result<(), Box<dyn Error>> {
    let writer = store.writer(id)?;
    let mut commits = Vec::new();
    for path in files {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .ok_or("a file without a name")?;
        let mut partial = writer.partial(&PartialKey::new(path.to_string_lossy()))?;
        partial.begin(0, None, None)?;
        let mut file = File::open(path)?;
        let mut buffer = vec![0; 64 << 10];
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                break;
            }
            partial.append(&buffer[..count])?;
        }
        // Not waited for one by one, so that the store can make several durable together.
        commits.push((
            name,
            writer.commit(partial, name, EntryAttributes::new("file")),
        ));
    }
    for (name, commit) in commits {
        let entry = commit.wait()?;
        println!("{name}: {} bytes, {}", entry.length, entry.digest);
    }
    writer.seal()?;
    Ok(())
}

fn export(store: &Store, id: &AssetId, target: &Path) -> Result<(), Box<dyn Error>> {
    for (path, entry) in store.asset(id)?.entries() {
        let path = target.join(path);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::io::copy(&mut store.open_entry(entry)?, &mut File::create(path)?)?;
    }
    Ok(())
}
