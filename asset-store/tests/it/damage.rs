//! Damage: found, reported, moved aside, never served, and no reason to lose the rest.

use asset_store::{Asset, Damage, ErrorKind, Store, VerifyReport};
use proptest::prelude::*;

use crate::support::{
    Scratch, content, contents, files_below, fill, id, noise, overwrite, segment,
};

fn verify(store: &Store) -> VerifyReport {
    store.verify(None, &mut |_| {}).unwrap()
}

#[test]
fn a_whole_store_has_no_findings() {
    let scratch = Scratch::new();
    let store = scratch.store();
    fill(&store, "a", 3, true);
    fill(&store, "b", 5, false);
    let mut seen = Vec::new();
    let report = store
        .verify(None, &mut |progress| seen.push(progress))
        .unwrap();
    assert!(report.is_good());
    assert_eq!(report.checked, 5, "the blobs of a are among those of b");
    let last = seen.last().unwrap();
    assert_eq!((last.blobs_done, last.blobs_total), (5, 5));
    assert_eq!((last.bytes_done, last.bytes_total), (10_000, 10_000));
    assert!(
        seen.windows(2)
            .all(|pair| pair[0].bytes_done <= pair[1].bytes_done)
    );
}

#[test]
fn every_flipped_bit_is_found() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let writer = store.writer(&id("film")).unwrap();
    let bytes = noise(3, 61);
    for position in 0..bytes.len() * 8 {
        let entry = writer.put("x", &bytes, segment()).unwrap();
        let mut damaged = bytes.clone();
        damaged[position / 8] ^= 1 << (position % 8);
        overwrite(&scratch.blob_file(&entry.digest), &damaged);
        let report = verify(&store);
        assert_eq!(report.damaged.len(), 1, "bit {position}");
        assert_eq!(report.damaged[0].what, Damage::Content);
        assert_eq!(
            store.open_entry(&entry).unwrap_err().kind(),
            ErrorKind::Missing
        );
    }
}

#[test]
fn damage_is_told_to_every_asset_that_has_it_and_kept_in_the_trash() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let (a, b) = (fill(&store, "a", 2, true), fill(&store, "b", 1, true));
    let entry = store.asset(&a).unwrap().entry("0.ts").cloned().unwrap();
    overwrite(&scratch.blob_file(&entry.digest), b"short");
    let report = verify(&store);
    let told: Vec<_> = report
        .damaged
        .iter()
        .map(|f| (f.asset.as_str(), f.path.as_str()))
        .collect();
    assert_eq!(told, [("a", "0.ts"), ("b", "0.ts")]);
    assert_eq!(report.damaged[0].what, Damage::Length);
    let trash = files_below(&scratch.root().join("trash/damaged"));
    assert_eq!(trash.len(), 1);
    assert_eq!(std::fs::read(&trash[0]).unwrap(), b"short");
    // From now on it is missing, and other assets are none the worse.
    assert_eq!(verify(&store).missing.len(), 2);
    let only = store.verify(Some(&b), &mut |_| {}).unwrap();
    assert_eq!((only.checked, only.missing.len()), (1, 1));
    store
        .collect_garbage(&asset_store::GcOptions::default())
        .unwrap();
    assert_eq!(files_below(&scratch.root().join("trash/damaged")), trash);
}

#[test]
fn an_entry_of_the_wrong_length_is_not_opened() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let id = fill(&store, "a", 1, true);
    let entry = store.asset(&id).unwrap().entry("0.ts").cloned().unwrap();
    overwrite(&scratch.blob_file(&entry.digest), b"");
    assert_eq!(
        store.open_entry(&entry).unwrap_err().kind(),
        ErrorKind::Damaged
    );
    assert_eq!(
        store.open_entry(&entry).unwrap_err().kind(),
        ErrorKind::Missing
    );
    assert!(store.blob(&entry.digest).unwrap().is_none());
}

#[cfg(unix)]
#[test]
fn links_in_the_place_of_files_are_not_followed() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let id = fill(&store, "a", 1, true);
    let entry = store.asset(&id).unwrap().entry("0.ts").cloned().unwrap();
    let secret = scratch.root().join("secret");
    std::fs::write(&secret, noise(0, 2000)).unwrap();
    let blob = scratch.blob_file(&entry.digest);
    std::fs::remove_file(&blob).unwrap();
    std::os::unix::fs::symlink(&secret, &blob).unwrap();
    assert!(!store.has_blob(&entry.digest, entry.length));
    assert_eq!(
        store.open_entry(&entry).unwrap_err().kind(),
        ErrorKind::Damaged
    );
    assert_eq!(verify(&store).damaged.len(), 1);
    assert!(secret.exists());
}

#[cfg(unix)]
#[test]
fn pipes_in_the_place_of_files_are_not_waited_for() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let id = fill(&store, "a", 1, true);
    let entry = store.asset(&id).unwrap().entry("0.ts").cloned().unwrap();
    let blob = scratch.blob_file(&entry.digest);
    std::fs::remove_file(&blob).unwrap();
    let mkfifo = std::process::Command::new("mkfifo").arg(&blob).status();
    assert!(mkfifo.unwrap().success());
    assert_eq!(
        store.open_entry(&entry).unwrap_err().kind(),
        ErrorKind::Damaged
    );
    assert_eq!(verify(&store).damaged.len(), 1);
}

#[test]
fn a_damaged_orphan_does_not_stand_in_for_equal_content() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let id = fill(&store, "a", 1, true);
    let entry = store.asset(&id).unwrap().entry("0.ts").cloned().unwrap();
    let writer = store.writer(&id).unwrap();
    writer.remove_entry("0.ts").unwrap();
    overwrite(&scratch.blob_file(&entry.digest), &noise(9, 2000));
    let report = verify(&store);
    assert!(report.is_good());
    assert_eq!(report.damaged_orphans, [entry.digest]);
    assert!(!store.has_blob(&entry.digest, entry.length));
}

#[test]
fn what_is_read_is_compared_as_often_as_was_asked_for() {
    use asset_store::{StoreOptions, VerifyOnRead};

    let two = std::num::NonZeroU64::new(2).unwrap();
    // How often a blob can be opened that is damaged after it was opened so often.
    for (verify_on_read, before, after) in [
        (VerifyOnRead::Never, 0, 3),
        (VerifyOnRead::First, 0, 0),
        (VerifyOnRead::First, 1, 3),
        (VerifyOnRead::Always, 0, 0),
        (VerifyOnRead::Always, 1, 0),
        (VerifyOnRead::Sampled(two), 0, 0),
        (VerifyOnRead::Sampled(two), 1, 1),
    ] {
        let scratch = Scratch::new();
        let id = fill(&scratch.store(), "a", 1, true);
        let options = StoreOptions {
            verify_on_read,
            ..StoreOptions::default()
        };
        let store = Store::open_with(scratch.root(), &options).unwrap();
        let entry = store.asset(&id).unwrap().entry("0.ts").cloned().unwrap();
        for _ in 0..before {
            assert_eq!(content(&store, &entry), noise(0, 2000), "from the start");
        }
        overwrite(&scratch.blob_file(&entry.digest), &noise(9, 2000));
        let opened = (0..3)
            .take_while(|_| store.open_entry(&entry).is_ok())
            .count();
        assert_eq!(opened, after, "{verify_on_read:?} after {before}");
        let aside = files_below(&scratch.root().join("trash/damaged"));
        assert_eq!(aside.len(), usize::from(after < 3), "{verify_on_read:?}");
    }
}

#[test]
fn a_scrub_finds_what_verify_finds_and_takes_its_time() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let id = fill(&store, "a", 3, true);
    let entry = store.asset(&id).unwrap().entry("0.ts").cloned().unwrap();
    overwrite(&scratch.blob_file(&entry.digest), &noise(9, 2000));
    let start = std::time::Instant::now();
    let rate = std::num::NonZeroU64::new(60_000).unwrap();
    let report = store.scrub(rate, &mut |_| {}).unwrap();
    assert_eq!((report.checked, report.damaged.len()), (3, 1));
    assert!(start.elapsed().as_millis() >= 100, "6000 bytes");
}

/// What a reader gets of a damaged asset: an error, or nothing but what was stored.
fn check_reader(store: &Store, before: &Asset) -> Result<(), TestCaseError> {
    match store.asset(before.id()) {
        Ok(asset) => {
            for (path, entry) in asset.entries() {
                prop_assert_eq!(Some(entry), before.entry(path));
            }
        }
        Err(error) => prop_assert_eq!(error.kind(), ErrorKind::Damaged),
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Cut or change any file of an asset anywhere: readers are told or see less, a writer mends.
    #[test]
    fn a_damaged_asset_invents_nothing_and_can_be_mended(
        file in 0_usize..3, place in 0.0_f64..1.0, flip in 1_u8..=255, cut in any::<bool>(),
    ) {
        let scratch = Scratch::new();
        let store = scratch.store();
        let id = fill(&store, "a", 4, true);
        let writer = store.writer(&id).unwrap();
        writer.put("late.ts", b"late", segment()).unwrap();
        writer.remove_entry("3.ts").unwrap();
        drop(writer);
        let mut before = store.asset(&id).unwrap();
        // With the log damaged, the removal may be forgotten.
        let generation = before.generation();
        let three = noise(3, 2000);
        let writer = store.writer(&id).unwrap();
        let with_three = {
            writer.put("3.ts", &three, segment()).unwrap();
            let with_three = store.asset(&id).unwrap();
            writer.remove_entry("3.ts").unwrap();
            with_three
        };
        drop(writer);
        prop_assert_eq!(generation, before.generation());
        before = with_three;

        let path = scratch.asset_file(&id, ["1.manifest", "1.log", "HEAD"][file]);
        let mut bytes = std::fs::read(&path).unwrap();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss,
            reason = "a place in a small file")]
        let position = (place * bytes.len() as f64) as usize;
        if cut { bytes.truncate(position) } else { bytes[position] ^= flip }
        std::fs::write(&path, &bytes).unwrap();

        check_reader(&store, &before)?;
        let writer = store.writer(&id).unwrap();
        check_reader(&store, &before)?;
        prop_assert!(store.asset(&id).is_ok(), "mended");
        for number in 0..4 {
            writer.put(&format!("{number}.ts"), &noise(number, 2000), segment()).unwrap();
        }
        writer.put("late.ts", b"late", segment()).unwrap();
        let sealed = writer.seal().unwrap();
        prop_assert_eq!(sealed.entries(), before.entries());
        prop_assert_eq!(contents(&store, &sealed).len(), 5);
        prop_assert!(verify(&store).is_good());
    }
}

#[test]
fn a_torn_log_is_cut_and_continued() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let id = fill(&store, "a", 3, false);
    let log = scratch.asset_file(&id, "0.log");
    let whole = std::fs::read(&log).unwrap();
    for torn in 1..whole.len() / 3 {
        std::fs::write(&log, &whole[..whole.len() - torn]).unwrap();
        assert_eq!(store.asset(&id).unwrap().entries().len(), 2);
        assert!(verify(&store).is_good(), "a torn end is no damage");
        let writer = store.writer(&id).unwrap();
        writer.put("2.ts", &noise(2, 2000), segment()).unwrap();
        assert_eq!(std::fs::read(&log).unwrap(), whole);
    }
}

#[test]
fn a_missing_head_or_manifest_is_seen() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let id = fill(&store, "a", 3, true);
    std::fs::remove_file(scratch.asset_file(&id, "HEAD")).unwrap();
    assert_eq!(
        store.asset(&id).unwrap().entries().len(),
        3,
        "the newest manifest is right"
    );
    assert_eq!(verify(&store).damaged_assets.len(), 1);
    drop(store.writer(&id).unwrap());
    assert!(verify(&store).is_good());

    let generation = store.asset(&id).unwrap().generation();
    std::fs::remove_file(scratch.asset_file(&id, &format!("{generation}.manifest"))).unwrap();
    assert_eq!(store.asset(&id).unwrap_err().kind(), ErrorKind::Damaged);
    assert_eq!(verify(&store).damaged_assets.len(), 1);
}

#[test]
fn a_first_seal_that_was_cut_off_before_head_is_no_damage() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let id = fill(&store, "a", 3, false);
    let log = std::fs::read(scratch.asset_file(&id, "0.log")).unwrap();
    store.writer(&id).unwrap().seal().unwrap();
    std::fs::remove_file(scratch.asset_file(&id, "HEAD")).unwrap();
    std::fs::write(scratch.asset_file(&id, "0.log"), log).unwrap();
    let asset = store.asset(&id).unwrap();
    assert_eq!(
        (asset.generation(), asset.is_sealed(), asset.entries().len()),
        (0, false, 3)
    );
    assert!(verify(&store).is_good());
    assert_eq!(store.writer(&id).unwrap().seal().unwrap().generation(), 1);
}

#[test]
fn garbage_is_not_collected_while_a_manifest_is_damaged() {
    let scratch = Scratch::new();
    let store = scratch.store();
    let (a, b) = (fill(&store, "a", 3, true), fill(&store, "b", 5, true));
    let entry = store.asset(&a).unwrap().entry("0.ts").cloned().unwrap();
    let manifest = scratch.asset_file(&a, "1.manifest");
    let whole = std::fs::read(&manifest).unwrap();
    std::fs::write(&manifest, b"").unwrap();
    let error = store
        .collect_garbage(&asset_store::GcOptions::default())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Damaged);
    assert_eq!(store.remove(&b).unwrap().blobs_removed, 0);
    assert_eq!(content(&store, &entry).len(), 2000);
    std::fs::write(&manifest, whole).unwrap();
    let report = store
        .collect_garbage(&asset_store::GcOptions::default())
        .unwrap();
    assert_eq!((report.blobs_removed, report.blobs_kept), (2, 3));
}
