//! A catalog in memory.

use std::collections::BTreeMap;
use std::fmt;

use crate::catalog::{AssetDescription, Catalog, Reading};

/// A catalog in memory, for tests and for those who collect descriptions themselves.
///
/// ```
/// use std::time::SystemTime;
/// use cache_inspect::{AssetDescription, MemoryCatalog, usage};
///
/// let mut catalog = MemoryCatalog::default();
/// catalog.insert(AssetDescription { id: "film".to_owned(), ..AssetDescription::default() });
/// assert_eq!(usage(&catalog, SystemTime::now())?.assets[0].id, "film");
/// # Ok::<(), cache_inspect::UnknownAsset>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryCatalog {
    assets: BTreeMap<String, AssetDescription>,
    /// By the ids of the assets and their paths.
    files: BTreeMap<(String, String), (Reading, Vec<u8>)>,
}

impl MemoryCatalog {
    /// Adds an asset, or replaces the one of its id.
    pub fn insert(&mut self, asset: AssetDescription) {
        self.assets.insert(asset.id.clone(), asset);
    }

    /// Sets what comes out when a file is read; the bytes only if the reading is one with bytes.
    pub fn put(&mut self, id: &str, path: &str, reading: Reading, bytes: Vec<u8>) {
        let name = (id.to_owned(), path.to_owned());
        let has_bytes = matches!(reading, Reading::Stored | Reading::Decrypted);
        let bytes = if has_bytes { bytes } else { Vec::new() };
        self.files.insert(name, (reading, bytes));
    }

    fn known(&self, id: &str) -> Result<&AssetDescription, UnknownAsset> {
        let unknown = || UnknownAsset { id: id.to_owned() };
        self.assets.get(id).ok_or_else(unknown)
    }
}

impl Catalog for MemoryCatalog {
    type Error = UnknownAsset;

    fn asset_ids(&self) -> Result<Vec<String>, UnknownAsset> {
        Ok(self.assets.keys().cloned().collect())
    }

    fn asset(&self, id: &str) -> Result<AssetDescription, UnknownAsset> {
        self.known(id).cloned()
    }

    fn read(&self, id: &str, path: &str, into: &mut Vec<u8>) -> Result<Reading, UnknownAsset> {
        self.known(id)?;
        into.clear();
        let Some((reading, bytes)) = self.files.get(&(id.to_owned(), path.to_owned())) else {
            return Ok(Reading::Unreadable("there is no such file".to_owned()));
        };
        into.extend_from_slice(bytes);
        Ok(reading.clone())
    }
}

/// A [`MemoryCatalog`] has no asset of this id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownAsset {
    id: String,
}

impl fmt::Display for UnknownAsset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no asset {:?}", self.id)
    }
}

impl std::error::Error for UnknownAsset {}
