//! Bytes of a catalog.

use std::collections::{BTreeMap, BTreeSet};

use cache_inspect::{AssetDescription, Catalog, File, usage};
use proptest::collection::vec;
use proptest::prelude::*;

#[derive(Debug)]
struct Memory(Vec<AssetDescription>);

#[derive(Debug, PartialEq)]
struct Unknown(String);

impl std::fmt::Display for Unknown {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "unknown asset {}", self.0)
    }
}

impl std::error::Error for Unknown {}

impl Catalog for Memory {
    type Error = Unknown;

    fn asset_ids(&self) -> Result<Vec<String>, Unknown> {
        Ok(self.0.iter().map(|asset| asset.id.clone()).collect())
    }

    fn asset(&self, id: &str) -> Result<AssetDescription, Unknown> {
        (self.0.iter().find(|asset| asset.id == id).cloned())
            .filter(|asset| asset.complete)
            .ok_or_else(|| Unknown(id.to_owned()))
    }
}

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
                path: String::new(),
            })
            .collect(),
        ..AssetDescription::default()
    }
}

#[test]
fn bytes_by_asset_and_role() {
    let catalog = Memory(vec![
        asset(
            "one",
            &[
                ("aa", "segment", 100),
                ("aa", "segment", 100),
                ("bb", "key", 16),
            ],
        ),
        asset("two", &[("aa", "segment", 100), ("cc", "segment", 50)]),
        asset("none", &[]),
    ]);
    let usage = usage(&catalog).unwrap();
    assert_eq!((usage.logical, usage.stored, usage.shared), (366, 166, 100));
    let roles = |segment, key| {
        let roles = [("segment".to_owned(), segment), ("key".to_owned(), key)];
        BTreeMap::from(roles)
    };
    assert_eq!(usage.roles, roles(350, 16));
    assert_eq!(usage.assets[0].roles, roles(200, 16));
    let bytes: Vec<_> = (usage.assets.iter())
        .map(|asset| {
            (
                &*asset.id,
                asset.logical,
                asset.stored,
                asset.exclusive,
                asset.shared,
            )
        })
        .collect();
    assert_eq!(
        bytes,
        [
            ("one", 216, 116, 16, 100),
            ("two", 150, 150, 50, 100),
            ("none", 0, 0, 0, 0)
        ]
    );
}

#[test]
fn an_error_of_the_catalog_is_passed_on() {
    let mut catalog = Memory(vec![asset("one", &[]), asset("two", &[])]);
    catalog.0[1].complete = false;
    assert_eq!(usage(&catalog).unwrap_err(), Unknown("two".to_owned()));
}

#[test]
fn sums_do_not_overflow() {
    let catalog = Memory(vec![asset(
        "one",
        &[("aa", "a", u64::MAX), ("bb", "a", u64::MAX)],
    )]);
    assert_eq!(usage(&catalog).unwrap().stored, u64::MAX);
}

fn any_catalog() -> impl Strategy<Value = Memory> {
    // The length belongs to the digest.
    let file = (0_u8..8, 0_u8..3);
    vec(vec(file, 0..8), 0..6).prop_map(|assets| {
        Memory(
            (assets.into_iter().enumerate())
                .map(|(number, files)| {
                    let mut description = asset(&number.to_string(), &[]);
                    description.files = (files.into_iter())
                        .map(|(blob, role)| File {
                            blob: blob.to_string(),
                            length: u64::from(blob) * 10,
                            role: role.to_string(),
                            path: String::new(),
                        })
                        .collect();
                    description
                })
                .collect(),
        )
    })
}

fn blobs(asset: &AssetDescription) -> BTreeSet<(&str, u64)> {
    (asset.files.iter())
        .map(|file| (&*file.blob, file.length))
        .collect()
}

fn bytes(blobs: &BTreeSet<(&str, u64)>) -> u64 {
    blobs.iter().map(|(_, length)| length).sum()
}

proptest! {
    #[test]
    fn counts_like_sets(catalog in any_catalog()) {
        let usage = usage(&catalog).unwrap();
        let all: BTreeSet<_> = catalog.0.iter().flat_map(blobs).collect();
        prop_assert_eq!(usage.stored, bytes(&all));
        for (asset, found) in catalog.0.iter().zip(&usage.assets) {
            let others: BTreeSet<_> = (catalog.0.iter())
                .filter(|other| other.id != asset.id)
                .flat_map(blobs)
                .collect();
            let own = blobs(asset);
            prop_assert_eq!(found.stored, bytes(&own));
            prop_assert_eq!(found.exclusive, bytes(&own.difference(&others).copied().collect()));
            prop_assert_eq!(found.exclusive + found.shared, found.stored);
            prop_assert_eq!(found.roles.values().sum::<u64>(), found.logical);
        }
        let exclusive: u64 = usage.assets.iter().map(|asset| asset.exclusive).sum();
        prop_assert_eq!(exclusive + usage.shared, usage.stored);
        prop_assert_eq!(usage.roles.values().sum::<u64>(), usage.logical);
    }
}
