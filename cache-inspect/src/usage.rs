//! How many bytes a catalog holds, and whose they are.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::catalog::{Catalog, File};

/// The bytes of a whole catalog.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Bytes of all files, equal content counted each time.
    pub logical: u64,
    /// Bytes of all different contents: what the files take when equal content is stored once.
    pub stored: u64,
    /// Bytes of those contents that more than one asset holds.
    pub shared: u64,
    /// Logical bytes by the role of the files.
    pub roles: BTreeMap<String, u64>,
    /// The assets, in the order of the catalog.
    pub assets: Vec<AssetUsage>,
}

/// The bytes of one asset. `exclusive + shared = stored`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AssetUsage {
    /// The id of the asset.
    pub id: String,
    /// Its title.
    pub title: Option<String>,
    /// Bytes of its files, equal content counted each time.
    pub logical: u64,
    /// Bytes of its different contents.
    pub stored: u64,
    /// Those that no other asset holds: what removing this asset alone frees.
    pub exclusive: u64,
    /// Those that another asset holds too.
    pub shared: u64,
    /// Logical bytes by the role of the files.
    pub roles: BTreeMap<String, u64>,
}

/// Counts the bytes of every asset of a catalog. If files of one digest have different lengths,
/// the greatest counts for all.
///
/// # Errors
///
/// The first error of the catalog.
pub fn usage<C: Catalog>(catalog: &C) -> Result<Usage, C::Error> {
    let mut blobs = Blobs::default();
    let mut usage = Usage::default();
    let mut contents = Vec::new();
    for (number, id) in (1..).zip(catalog.asset_ids()?) {
        let asset = catalog.asset(&id)?;
        let mut asset_usage = AssetUsage {
            id: asset.id,
            title: asset.title,
            ..AssetUsage::default()
        };
        let mut held = Vec::new();
        for file in asset.files {
            add(&mut asset_usage.logical, file.length);
            add_role(&mut asset_usage.roles, &file.role, file.length);
            held.extend(blobs.hold(file, number));
        }
        add(&mut usage.logical, asset_usage.logical);
        for (role, bytes) in &asset_usage.roles {
            add_role(&mut usage.roles, role, *bytes);
        }
        usage.assets.push(asset_usage);
        contents.push(held);
    }

    for (asset, held) in usage.assets.iter_mut().zip(contents) {
        for blob in held.iter().filter_map(|index| blobs.list.get(*index)) {
            add(&mut asset.stored, blob.length);
            if blob.assets > 1 {
                add(&mut asset.shared, blob.length);
            } else {
                add(&mut asset.exclusive, blob.length);
            }
        }
    }
    for blob in &blobs.list {
        add(&mut usage.stored, blob.length);
        if blob.assets > 1 {
            add(&mut usage.shared, blob.length);
        }
    }
    Ok(usage)
}

/// The different contents seen so far.
#[derive(Default)]
struct Blobs {
    by_digest: HashMap<String, usize>,
    list: Vec<Blob>,
}

struct Blob {
    length: u64,
    /// How many assets hold it.
    assets: usize,
    /// The number of the last asset that was seen to hold it.
    last: usize,
}

impl Blobs {
    /// Notes that an asset holds the content of a file; its index, the first time for this asset.
    fn hold(&mut self, file: File, asset: usize) -> Option<usize> {
        let index = *self.by_digest.entry(file.blob).or_insert(self.list.len());
        let Some(blob) = self.list.get_mut(index) else {
            self.list.push(Blob {
                length: file.length,
                assets: 1,
                last: asset,
            });
            return Some(index);
        };
        blob.length = blob.length.max(file.length);
        if blob.last == asset {
            return None;
        }
        blob.last = asset;
        blob.assets += 1;
        Some(index)
    }
}

fn add(sum: &mut u64, bytes: u64) {
    *sum = sum.saturating_add(bytes);
}

fn add_role(roles: &mut BTreeMap<String, u64>, role: &str, bytes: u64) {
    match roles.get_mut(role) {
        Some(sum) => add(sum, bytes),
        None => {
            roles.insert(role.to_owned(), bytes);
        }
    }
}
