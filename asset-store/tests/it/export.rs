//! Exporting whole assets, and repairing them.

use std::io::Read;

use asset_store::testing::SimulatedFileSystem;
use asset_store::{
    Durability, EntryAttributes, ErrorKind, ExportOptions, ROLE_KEY, Store, StoreOptions,
};

use crate::support::{Scratch, contents, files_below, fill, id, noise, overwrite, segment};

fn film(store: &Store) {
    let writer = store.writer(&id("film")).unwrap();
    writer
        .put("video/low/1.ts", &noise(1, 3000), segment())
        .unwrap();
    writer.put("video/2.ts", &noise(2, 500), segment()).unwrap();
    writer
        .put("video/same.ts", &noise(2, 500), segment())
        .unwrap();
    let key = EntryAttributes::new(ROLE_KEY);
    writer.put("key.bin", &noise(3, 16), key).unwrap();
    writer.seal().unwrap();
}

#[test]
fn an_exported_folder_has_every_entry_at_its_path() {
    let scratch = Scratch::new();
    let store = scratch.store();
    film(&store);
    for hard_links in [false, true] {
        let folder = scratch.root().with_file_name(format!("out-{hard_links}"));
        let options = ExportOptions { hard_links };
        let exported = store.export(&id("film"), &folder, &options).unwrap();
        assert_eq!((exported.files, exported.bytes), (4, 4016));
        for (path, content) in contents(&store, &store.asset(&id("film")).unwrap()) {
            assert_eq!(
                std::fs::read(folder.join(&path)).unwrap(),
                content,
                "{path}"
            );
        }
        assert_eq!(files_below(&folder).len(), 4);
        let again = store.export(&id("film"), &folder, &options);
        assert_eq!(again.unwrap_err().kind(), ErrorKind::AlreadyExists);
    }
    // Nothing of the work is left beside it.
    let beside = std::fs::read_dir(scratch.root().parent().unwrap()).unwrap();
    assert_eq!(beside.count(), 3);
}

#[test]
fn what_is_done_to_an_export_does_nothing_to_the_store() {
    let scratch = Scratch::new();
    let store = scratch.store();
    film(&store);
    let folder = scratch.root().with_file_name("out");
    store
        .export(&id("film"), &folder, &ExportOptions::default())
        .unwrap();
    for file in files_below(&folder) {
        std::fs::write(file, b"something else").unwrap();
    }
    assert!(store.verify(None, &mut |_| {}).unwrap().is_good());
}

#[cfg(unix)]
#[test]
fn an_exported_key_is_private() {
    use std::os::unix::fs::MetadataExt;
    let scratch = Scratch::new();
    let store = scratch.store();
    film(&store);
    let folder = scratch.root().with_file_name("out");
    let options = ExportOptions::default();
    store.export(&id("film"), &folder, &options).unwrap();
    let mode = |name: &str| std::fs::metadata(folder.join(name)).unwrap().mode();
    assert_eq!(mode("key.bin") & 0o777, 0o600);
    assert_eq!(mode("video/2.ts") & 0o600, 0o600);
}

#[test]
fn an_export_that_fails_leaves_nothing() {
    let scratch = Scratch::new();
    let store = scratch.store();
    film(&store);
    let asset = store.asset(&id("film")).unwrap();
    let last = asset.entry("video/same.ts").unwrap();
    std::fs::remove_file(scratch.blob_file(&last.digest)).unwrap();
    let folder = scratch.root().with_file_name("out");
    let options = ExportOptions::default();
    let error = store.export(&id("film"), &folder, &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Missing);
    // A path that goes through another entry.
    let writer = store.writer(&id("knot")).unwrap();
    writer.put("a", b"1", segment()).unwrap();
    writer.put("a/b", b"2", segment()).unwrap();
    let error = store.export(&id("knot"), &folder, &options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidName);
    let beside = std::fs::read_dir(scratch.root().parent().unwrap()).unwrap();
    assert_eq!(beside.count(), 1);
}

#[test]
fn a_crash_leaves_nothing_half_where_an_export_goes() {
    let system = SimulatedFileSystem::new();
    let store = system.open_store(&StoreOptions::default()).unwrap();
    film(&store);
    let before = system.steps().len();
    let options = ExportOptions::default();
    store.export(&id("film"), "/library/out", &options).unwrap();
    let (mut none, mut all) = (0, 0);
    for steps in before..=system.steps().len() {
        for seed in 0..8 {
            let files = system.power_cut(steps, seed).files();
            let exported = files
                .iter()
                .filter(|file| file.path.starts_with("/library/out/"));
            let mut lengths: Vec<_> = exported.map(|file| file.length).collect();
            lengths.sort_unstable();
            match lengths[..] {
                [] => none += 1,
                [16, 500, 500, 3000] => all += 1,
                _ => panic!("after step {steps}, seed {seed}: {lengths:?}"),
            }
        }
    }
    assert!(none > 0 && all >= 8, "{none} {all}");
}

#[test]
fn a_repair_mends_what_is_damaged_and_takes_nothing_else() {
    let scratch = Scratch::new();
    let store = scratch.store();
    film(&store);
    fill(&store, "other", 1, true);
    let asset = store.asset(&id("film")).unwrap();
    let blob = |path: &str| scratch.blob_file(&asset.entry(path).unwrap().digest);
    overwrite(&blob("video/2.ts"), &noise(9, 500));
    overwrite(&blob("video/low/1.ts"), &noise(9, 3000));
    std::fs::remove_file(blob("key.bin")).unwrap();
    let report = store.verify(None, &mut |_| {}).unwrap();
    let mut asked = Vec::new();
    let repaired = store
        .repair(&report, &mut |finding, entry| {
            asked.push(finding.path.clone());
            let content = match entry.length {
                500 => noise(2, 500),
                16 => noise(3, 16),
                // Not what was stored.
                _ => noise(1, 3001),
            };
            Some(Box::new(std::io::Cursor::new(content)) as Box<dyn Read>)
        })
        .unwrap();
    assert_eq!(asked.len(), 3, "{asked:?}");
    assert_eq!((repaired.mended.len(), repaired.bytes), (3, 516));
    assert_eq!(repaired.unmended.len(), 1);
    assert_eq!(repaired.unmended[0].path, "video/low/1.ts");
    // The asset did not change.
    assert_eq!(store.asset(&id("film")).unwrap(), asset);
    let report = store.verify(None, &mut |_| {}).unwrap();
    assert_eq!((report.damaged.len(), report.missing.len()), (0, 1));
    let none = store.repair(&report, &mut |_, _| None).unwrap();
    assert_eq!((none.mended.len(), none.unmended.len()), (0, 1));
    let left = files_below(&scratch.root());
    assert!(
        !left
            .iter()
            .any(|file| file.to_string_lossy().contains(".tmp-"))
    );
}

#[test]
fn orphans_are_reported() {
    let scratch = Scratch::new();
    let store = scratch.store();
    fill(&store, "a", 2, true);
    let writer = store.writer(&id("a")).unwrap();
    writer.remove_entry("1.ts").unwrap();
    writer.seal().unwrap();
    let report = store.verify(None, &mut |_| {}).unwrap();
    assert!(report.is_good());
    assert_eq!((report.orphans, report.orphan_bytes), (1, 2000));
}

#[test]
fn a_repair_can_be_stopped_at_any_step() {
    let relaxed = StoreOptions {
        durability: Durability::Relaxed,
        ..StoreOptions::default()
    };
    let system = SimulatedFileSystem::new();
    let store = system.open_store(&relaxed).unwrap();
    let writer = store.writer(&id("a")).unwrap();
    writer.put("x", &noise(1, 3000), segment()).unwrap();
    let stored = system.steps().len();
    let mut repaired = 0;
    for seed in 0..40 {
        let system = system.power_cut(stored, seed);
        let store = system.open_store(&relaxed).unwrap();
        if store.asset(&id("a")).is_err() {
            continue;
        }
        let report = store.verify(None, &mut |_| {}).unwrap();
        if report.damaged.is_empty() && report.missing.is_empty() {
            continue;
        }
        let before = system.steps().len();
        let bytes = || Box::new(std::io::Cursor::new(noise(1, 3000))) as Box<dyn Read>;
        let done = store.repair(&report, &mut |_, _| Some(bytes())).unwrap();
        assert_eq!(done.mended.len(), 1);
        repaired += 1;
        let all = system.steps().len();
        for steps in before..=all {
            let store = system.power_cut(steps, seed).open_store(&relaxed).unwrap();
            // What has the name of the blob is the blob.
            let report = store.verify(None, &mut |_| {}).unwrap();
            assert!(report.damaged.is_empty(), "{report:?}");
            assert!(steps < all || report.is_good(), "{report:?}");
        }
    }
    assert!(repaired > 0);
}
