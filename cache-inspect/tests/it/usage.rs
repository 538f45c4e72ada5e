//! Bytes of a catalog.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use cache_inspect::{
    Age, AssetDescription, Bytes, Catalog, File, Freshness, Holdings, MemoryCatalog, Reading,
    Track, TrackKind, UnknownAsset, usage,
};
use proptest::collection::vec;
use proptest::prelude::*;

fn memory(assets: Vec<AssetDescription>) -> MemoryCatalog {
    let mut catalog = MemoryCatalog::default();
    for asset in assets {
        catalog.insert(asset);
    }
    catalog
}

/// A time that is later than all in these tests.
fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + 20_000 * DAY
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Files by digest, role and length.
fn asset(id: &str, files: &[(&str, &str, u64)]) -> AssetDescription {
    AssetDescription {
        id: id.to_owned(),
        complete: true,
        files: (files.iter())
            .map(|(blob, role, length)| File {
                blob: (*blob).to_owned(),
                role: (*role).to_owned(),
                length: *length,
                ..File::default()
            })
            .collect(),
        ..AssetDescription::default()
    }
}

fn bytes(logical: u64, exclusive: u64, shared: u64) -> [u64; 4] {
    [logical, exclusive + shared, exclusive, shared]
}

fn numbers(bytes: &Bytes) -> [u64; 4] {
    [bytes.logical, bytes.stored, bytes.exclusive, bytes.shared]
}

fn by_role(roles: &BTreeMap<String, Bytes>) -> Vec<(&str, [u64; 4])> {
    (roles.iter())
        .map(|(role, bytes)| (&**role, numbers(bytes)))
        .collect()
}

#[test]
fn bytes_by_asset_and_role() {
    let catalog = memory(vec![
        asset(
            "a",
            &[
                ("aa", "segment", 100),
                ("aa", "segment", 100),
                ("bb", "key", 16),
                ("bb", "spare", 16),
            ],
        ),
        asset("b", &[("aa", "segment", 100), ("cc", "segment", 50)]),
        asset("c", &[]),
    ]);
    let usage = usage(&catalog, now()).unwrap();
    assert_eq!((usage.logical, usage.stored, usage.shared), (382, 166, 100));
    // Content in two roles belongs to neither alone.
    assert_eq!(
        by_role(&usage.bytes_by_role),
        [
            ("key", bytes(16, 0, 16)),
            ("segment", bytes(350, 150, 0)),
            ("spare", bytes(16, 0, 16))
        ]
    );
    assert_eq!(
        by_role(&usage.assets[0].bytes_by_role),
        [
            ("key", bytes(16, 0, 16)),
            ("segment", bytes(200, 0, 100)),
            ("spare", bytes(16, 0, 16))
        ]
    );
    let assets: Vec<_> = (usage.assets.iter())
        .map(|asset| (&*asset.id, numbers(&asset.bytes)))
        .collect();
    assert_eq!(
        assets,
        [
            ("a", bytes(232, 16, 100)),
            ("b", bytes(150, 50, 100)),
            ("c", bytes(0, 0, 0))
        ]
    );
}

#[test]
fn bytes_by_rendition() {
    let mut film = asset(
        "film",
        &[
            ("v", "segment", 900),
            ("en", "segment", 60),
            ("de", "segment", 50),
            ("en", "segment", 60),
        ],
    );
    let audio = |language: &str| Track {
        kind: TrackKind::Audio,
        language: Some(language.to_owned()),
        ..Track::default()
    };
    film.tracks = vec![Track::default(), audio("en"), audio("de"), audio("none")];
    for (file, track) in film.files.iter_mut().zip([0, 1, 2, 2]) {
        file.track = Some(track);
    }
    let other = asset("other", &[("v", "segment", 900)]);
    let usage = usage(&memory(vec![film, other]), now()).unwrap();
    let renditions: Vec<_> = (usage.assets[0].renditions.iter())
        .map(|one| (one.kind, one.language.as_deref(), numbers(&one.bytes)))
        .collect();
    assert_eq!(
        renditions,
        [
            (TrackKind::Main, None, bytes(900, 0, 900)),
            (TrackKind::Audio, Some("en"), bytes(60, 0, 60)),
            (TrackKind::Audio, Some("de"), bytes(110, 50, 60)),
        ]
    );
}

#[test]
fn duplicates_are_grouped_by_who_has_them() {
    let catalog = memory(vec![
        asset("a", &[("x", "", 100), ("y", "", 10), ("z", "", 1)]),
        asset("b", &[("x", "", 100), ("y", "", 10), ("own", "", 7)]),
        asset("c", &[("z", "", 1), ("z", "", 1)]),
        asset("d", &[("z", "", 1)]),
    ]);
    let usage = usage(&catalog, now()).unwrap();
    let found: Vec<_> = (usage.duplicates.iter())
        .map(|one| (one.assets.join(" "), one.contents, one.bytes, one.saved))
        .collect();
    assert_eq!(
        found,
        [
            ("a b".to_owned(), 2, 110, 110),
            ("a c d".to_owned(), 1, 1, 2)
        ]
    );
}

#[test]
fn bytes_by_tag_and_age() {
    let with = |id, files: &[_], tags: &[&str], created: Option<SystemTime>| AssetDescription {
        tags: tags.iter().map(|tag| (*tag).to_owned()).collect(),
        freshness: Freshness {
            created,
            ..Freshness::default()
        },
        ..asset(id, files)
    };
    let catalog = memory(vec![
        with(
            "a",
            &[("x", "", 100), ("y", "", 10)],
            &["news", "kids", "news"],
            Some(now() - 3 * DAY),
        ),
        with("b", &[("x", "", 100)], &["news"], Some(now() + DAY)),
        with("c", &[("y", "", 10)], &[], Some(now() - 7 * DAY)),
        with("d", &[("z", "", 1)], &[], Some(now() - 400 * DAY)),
        with("e", &[], &[], None),
    ]);
    let usage = usage(&catalog, now()).unwrap();
    let tags: Vec<_> = (usage.tags.iter())
        .map(|(tag, usage)| (&**tag, usage.assets, numbers(&usage.bytes)))
        .collect();
    assert_eq!(
        tags,
        // What both assets of a tag have is exclusive to the tag.
        [
            ("kids", 1, bytes(110, 0, 110)),
            ("news", 2, bytes(210, 100, 10))
        ]
    );
    let ages: Vec<_> = (usage.ages.iter())
        .map(|one| (one.age, one.usage.assets, numbers(&one.usage.bytes)))
        .collect();
    assert_eq!(
        ages,
        [
            (Age::Day, 1, bytes(100, 0, 100)),
            (Age::Week, 1, bytes(110, 0, 110)),
            (Age::Month, 1, bytes(10, 0, 10)),
            (Age::Older, 1, bytes(1, 1, 0)),
            (Age::Unknown, 1, bytes(0, 0, 0)),
        ]
    );
}

#[test]
fn what_a_plan_would_take() {
    let catalog = memory(vec![
        asset("a", &[("x", "", 100), ("y", "", 10)]),
        asset("b", &[("x", "", 100), ("z", "", 1)]),
        asset("c", &[("w", "", 1_000)]),
    ]);
    let removal = Holdings::read(&catalog)
        .unwrap()
        .removal(["b", "nothing", "a", "b"]);
    let freed: Vec<_> = (removal.assets.iter())
        .map(|asset| (&*asset.id, asset.freed))
        .collect();
    assert_eq!(freed, [("b", 1), ("a", 110)]);
    assert_eq!((removal.freed, removal.remaining), (111, 1_000));
    assert_eq!(removal.unknown, ["nothing"]);
}

/// One asset of which cannot be read.
struct Failing(MemoryCatalog);

impl Catalog for Failing {
    type Error = UnknownAsset;

    fn asset_ids(&self) -> Result<Vec<String>, UnknownAsset> {
        Ok(vec!["one".to_owned(), "two".to_owned()])
    }

    fn asset(&self, id: &str) -> Result<AssetDescription, UnknownAsset> {
        self.0.asset(id)
    }

    fn read(&self, id: &str, path: &str, into: &mut Vec<u8>) -> Result<Reading, UnknownAsset> {
        self.0.read(id, path, into)
    }
}

#[test]
fn an_error_of_the_catalog_is_passed_on() {
    let catalog = Failing(memory(vec![asset("one", &[])]));
    let error = usage(&catalog, now()).unwrap_err();
    assert_eq!(error.to_string(), "there is no asset \"two\"");
}

#[test]
fn sums_do_not_overflow() {
    let catalog = memory(vec![asset(
        "one",
        &[("aa", "a", u64::MAX), ("bb", "a", u64::MAX)],
    )]);
    assert_eq!(usage(&catalog, now()).unwrap().stored, u64::MAX);
}

fn any_catalog() -> impl Strategy<Value = Vec<AssetDescription>> {
    // The length belongs to the digest.
    let file = (0_u8..8, 0_u8..3);
    vec(vec(file, 0..8), 0..6).prop_map(|assets| {
        (assets.into_iter().enumerate())
            .map(|(number, files)| {
                let mut description = asset(&number.to_string(), &[]);
                description.files = (files.into_iter())
                    .map(|(blob, role)| File {
                        blob: blob.to_string(),
                        length: u64::from(blob) * 10,
                        role: role.to_string(),
                        ..File::default()
                    })
                    .collect();
                description
            })
            .collect()
    })
}

fn blobs(asset: &AssetDescription) -> BTreeSet<(&str, u64)> {
    (asset.files.iter())
        .map(|file| (&*file.blob, file.length))
        .collect()
}

fn sum(blobs: &BTreeSet<(&str, u64)>) -> u64 {
    blobs.iter().map(|(_, length)| length).sum()
}

proptest! {
    #[test]
    fn counts_like_sets(assets in any_catalog()) {
        let usage = usage(&memory(assets.clone()), now()).unwrap();
        let all: BTreeSet<_> = assets.iter().flat_map(blobs).collect();
        prop_assert_eq!(usage.stored, sum(&all));
        for (asset, found) in assets.iter().zip(&usage.assets) {
            let others: BTreeSet<_> = (assets.iter())
                .filter(|other| other.id != asset.id)
                .flat_map(blobs)
                .collect();
            let own = blobs(asset);
            prop_assert_eq!(found.bytes.stored, sum(&own));
            prop_assert_eq!(found.bytes.exclusive, sum(&own.difference(&others).copied().collect()));
            prop_assert_eq!(found.bytes.exclusive + found.bytes.shared, found.bytes.stored);
            prop_assert_eq!(found.roles.values().sum::<u64>(), found.bytes.logical);
            for (role, found) in &found.bytes_by_role {
                let (of_role, rest): (Vec<_>, Vec<_>) = (asset.files.iter()).partition(|file| file.role == *role);
                let set = |files: &[&File]| AssetDescription {
                    files: files.iter().map(|file| (*file).clone()).collect(),
                    ..AssetDescription::default()
                };
                let (of_role, rest) = (set(&of_role), set(&rest));
                let elsewhere: BTreeSet<_> = others.iter().copied().chain(blobs(&rest)).collect();
                prop_assert_eq!(found.stored, sum(&blobs(&of_role)));
                prop_assert_eq!(found.exclusive, sum(&blobs(&of_role).difference(&elsewhere).copied().collect()));
            }
        }
        let exclusive: u64 = usage.assets.iter().map(|asset| asset.bytes.exclusive).sum();
        prop_assert_eq!(exclusive + usage.shared, usage.stored);
        prop_assert_eq!(usage.roles.values().sum::<u64>(), usage.logical);
        prop_assert_eq!(usage.duplicates.iter().map(|one| one.bytes).sum::<u64>(), usage.shared);
        let age: u64 = usage.ages.iter().map(|age| age.usage.bytes.stored).sum();
        prop_assert_eq!(age, usage.stored);
    }

    #[test]
    fn a_plan_frees_what_nothing_that_stays_has(assets in any_catalog(), taken in vec(0..6_usize, 0..6)) {
        let catalog = memory(assets.clone());
        let ids: Vec<String> = taken.iter().map(ToString::to_string).collect();
        let removal = Holdings::read(&catalog).unwrap().removal(ids.iter().map(String::as_str));
        let all: BTreeSet<_> = assets.iter().flat_map(blobs).collect();
        let stays: BTreeSet<_> = assets.iter().filter(|asset| !ids.contains(&asset.id)).flat_map(blobs).collect();
        prop_assert_eq!(removal.remaining, sum(&stays));
        prop_assert_eq!(removal.freed, sum(&all) - sum(&stays));
        prop_assert_eq!(removal.assets.iter().map(|asset| asset.freed).sum::<u64>(), removal.freed);
    }
}
