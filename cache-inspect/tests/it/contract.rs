//! The contract of catalogs finds what breaks it.

use cache_inspect::testing::catalog_contract;
use cache_inspect::{
    AssetDescription, Catalog, File, MemoryCatalog, Reading, SegmentDescription, Track,
    UnknownAsset,
};

use crate::support::{audio, seconds};

/// One asset with one segment.
fn whole() -> (AssetDescription, MemoryCatalog) {
    let asset = AssetDescription {
        id: "film".to_owned(),
        tracks: vec![Track {
            segments: vec![SegmentDescription {
                duration: seconds(4),
                present: true,
                path: "0".to_owned(),
                ..SegmentDescription::default()
            }],
            ..Track::default()
        }],
        files: vec![File {
            path: "0".to_owned(),
            length: 5,
            track: Some(0),
            ..File::default()
        }],
        ..AssetDescription::default()
    };
    let mut catalog = MemoryCatalog::default();
    catalog.put("film", "0", Reading::Stored, b"bytes".to_vec());
    (asset, catalog)
}

fn broken(change: impl FnOnce(&mut AssetDescription, &mut MemoryCatalog)) -> String {
    let (mut asset, mut catalog) = whole();
    change(&mut asset, &mut catalog);
    catalog.insert(asset);
    catalog_contract(&catalog).unwrap_err().to_string()
}

#[test]
fn the_catalog_in_memory_keeps_it() {
    let (asset, mut catalog) = whole();
    catalog.insert(asset);
    catalog_contract(&catalog).unwrap();
    catalog_contract(&MemoryCatalog::default()).unwrap();
}

#[test]
fn descriptions_that_break_it() {
    let found = broken(|asset, _| asset.files[0].length = 6);
    assert_eq!(
        found,
        "the contract is broken: there are as many bytes as the file has"
    );
    let found = broken(|asset, _| asset.files[0].track = Some(1));
    assert_eq!(
        found,
        "the contract is broken: a file belongs to a track that there is"
    );
    let found = broken(|asset, _| asset.files.push(asset.files[0].clone()));
    assert_eq!(found, "the contract is broken: every path is there once");
    let found = broken(|asset, _| asset.files.clear());
    assert_eq!(
        found,
        "the contract is broken: what is present is among the files"
    );
    let found = broken(|asset, _| {
        asset.tracks[0]
            .prerequisites
            .push(crate::support::missing_key(0..2));
    });
    assert_eq!(
        found,
        "the contract is broken: what segments need is needed by segments that there are"
    );
    let found = broken(|asset, _| {
        asset.tracks.push(Track {
            muxed: true,
            ..audio("inside", "-")
        });
    });
    assert_eq!(
        found,
        "the contract is broken: a rendition inside the variants has no segments of its own"
    );
    let found =
        broken(|_, catalog| catalog.put("film", "0", Reading::Decrypted, b"bytes".to_vec()));
    assert_eq!(
        found,
        "the contract is broken: there are as many bytes as the file has"
    );
}

/// Adds to the buffer instead of replacing what it holds, and knows every asset.
struct Careless(MemoryCatalog, &'static str);

impl Catalog for Careless {
    type Error = UnknownAsset;

    fn asset_ids(&self) -> Result<Vec<String>, UnknownAsset> {
        self.0.asset_ids()
    }

    fn asset(&self, id: &str) -> Result<AssetDescription, UnknownAsset> {
        self.0.asset(if self.1.is_empty() { id } else { self.1 })
    }

    fn read(&self, id: &str, path: &str, into: &mut Vec<u8>) -> Result<Reading, UnknownAsset> {
        let mut bytes = Vec::new();
        let reading = self.0.read(id, path, &mut bytes)?;
        if path != "0" {
            into.clear();
        }
        into.extend(bytes);
        Ok(reading)
    }
}

#[test]
fn operations_that_break_it() {
    let (asset, mut catalog) = whole();
    catalog.insert(asset);
    let found = catalog_contract(&Careless(catalog.clone(), "film")).unwrap_err();
    assert_eq!(
        found.to_string(),
        "the contract is broken: an unknown asset is an error"
    );
    let found = catalog_contract(&Careless(catalog, "")).unwrap_err();
    assert_eq!(
        found.to_string(),
        "the contract is broken: what is read is the same each time, whatever the buffer held"
    );
}
