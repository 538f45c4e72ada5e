//! Which asset holds which content.

use std::collections::{HashMap, HashSet};
use std::time::SystemTime;

use serde::Serialize;

use crate::catalog::{AssetDescription, Catalog, TrackKind};

/// Bytes of some files. `exclusive + shared = stored`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Bytes {
    /// Equal content counted each time.
    pub logical: u64,
    /// Equal content counted once: what the files take.
    pub stored: u64,
    /// Of content that nothing else has: what is freed when these files go together.
    pub exclusive: u64,
    /// Of content that other files have too.
    pub shared: u64,
}

/// What a whole catalog holds, read once, to be asked in several ways.
///
/// ```
/// use cache_inspect::{AssetDescription, File, Holdings, MemoryCatalog};
///
/// let file = |blob: &str| File { blob: blob.to_owned(), length: 100, ..File::default() };
/// let mut catalog = MemoryCatalog::default();
/// for (id, blobs) in [("one", ["a", "b"]), ("two", ["b", "c"])] {
///     let files = blobs.map(file).into();
///     catalog.insert(AssetDescription { id: id.to_owned(), files, ..AssetDescription::default() });
/// }
/// let holdings = Holdings::read(&catalog)?;
/// // What both have goes with the second.
/// let removal = holdings.removal(["two", "one"]);
/// assert_eq!(removal.assets.iter().map(|asset| asset.freed).collect::<Vec<_>>(), [100, 200]);
/// assert_eq!((removal.freed, removal.remaining), (300, 0));
/// # Ok::<(), cache_inspect::UnknownAsset>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Holdings {
    pub(crate) assets: Vec<Holder>,
    pub(crate) blobs: Vec<Blob>,
    pub(crate) roles: Vec<String>,
}

/// What is kept of an asset.
#[derive(Clone, Debug)]
pub(crate) struct Holder {
    pub(crate) id: String,
    pub(crate) title: Option<String>,
    pub(crate) tags: Vec<String>,
    pub(crate) created: Option<SystemTime>,
    pub(crate) tracks: Vec<TrackName>,
    /// Sorted by their content.
    pub(crate) files: Vec<HeldFile>,
}

impl Holder {
    /// Its different contents, each with the files that have it.
    pub(crate) fn contents(&self) -> impl Iterator<Item = (usize, &[HeldFile])> {
        let contents = self.files.chunk_by(|one, other| one.blob == other.blob);
        contents.filter_map(|files| Some((files.first()?.blob, files)))
    }
}

/// What tells a track from others.
#[derive(Clone, Debug)]
pub(crate) struct TrackName {
    pub(crate) kind: TrackKind,
    pub(crate) name: Option<String>,
    pub(crate) language: Option<String>,
}

/// A file, by numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct HeldFile {
    pub(crate) blob: usize,
    pub(crate) role: usize,
    pub(crate) track: Option<usize>,
    pub(crate) length: u64,
}

/// A content.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blob {
    pub(crate) length: u64,
    /// How many assets hold it.
    pub(crate) assets: usize,
    /// The last asset that was seen to hold it.
    last: usize,
}

impl Holdings {
    /// Reads all descriptions. If files of one digest have different lengths, the greatest counts for all.
    ///
    /// # Errors
    ///
    /// The first error of the catalog.
    pub fn read<C: Catalog>(catalog: &C) -> Result<Self, C::Error> {
        let mut holdings = Self::default();
        let mut names = Names::default();
        for id in catalog.asset_ids()? {
            holdings.add(catalog.asset(&id)?, &mut names);
        }
        Ok(holdings)
    }

    fn add(&mut self, asset: AssetDescription, names: &mut Names) {
        let number = self.assets.len();
        let mut files = Vec::with_capacity(asset.files.len());
        for file in asset.files {
            let blob = *names.blobs.entry(file.blob).or_insert(self.blobs.len());
            if let Some(known) = self.blobs.get_mut(blob) {
                known.length = known.length.max(file.length);
                known.assets += usize::from(known.last != number);
                known.last = number;
            } else {
                self.blobs.push(Blob {
                    length: file.length,
                    assets: 1,
                    last: number,
                });
            }
            let role = names.roles.get(&file.role).copied().unwrap_or_else(|| {
                self.roles.push(file.role.clone());
                names.roles.insert(file.role, self.roles.len() - 1);
                self.roles.len() - 1
            });
            files.push(HeldFile {
                blob,
                role,
                track: file.track,
                length: file.length,
            });
        }
        files.sort_unstable_by_key(|file| file.blob);
        let name = |track: crate::Track| TrackName {
            kind: track.kind,
            name: track.name,
            language: track.language,
        };
        self.assets.push(Holder {
            id: asset.id,
            title: asset.title,
            tags: asset.tags,
            created: asset.freshness.created,
            tracks: asset.tracks.into_iter().map(name).collect(),
            files,
        });
    }

    /// The bytes of some assets together: what they share among each other only counts as exclusive.
    pub(crate) fn bytes_of<'a>(&'a self, assets: impl IntoIterator<Item = &'a Holder>) -> Bytes {
        let mut bytes = Bytes::default();
        let mut held = Vec::new();
        for asset in assets {
            bytes.add_logical(&asset.files);
            held.extend(asset.contents().map(|(blob, _)| blob));
        }
        held.sort_unstable();
        for holders in held.chunk_by(|one, other| one == other) {
            let blob = holders.first().and_then(|blob| self.blobs.get(*blob));
            if let Some(blob) = blob {
                bytes.add_blob(blob.length, blob.assets == holders.len());
            }
        }
        bytes
    }

    /// What would happen if these assets were removed, one after the other: what a purge plan would take.
    pub fn removal<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> Removal {
        let assets: HashMap<&str, &Holder> = (self.assets.iter())
            .map(|asset| (&*asset.id, asset))
            .collect();
        let mut remaining: Vec<usize> = self.blobs.iter().map(|blob| blob.assets).collect();
        let mut gone = HashSet::new();
        let mut removal = Removal::default();
        for id in ids {
            let Some(asset) = assets.get(id) else {
                removal.unknown.push(id.to_owned());
                continue;
            };
            if !gone.insert(id) {
                continue;
            }
            let mut freed = 0_u64;
            for (blob, _) in asset.contents() {
                let Some(left) = remaining.get_mut(blob) else {
                    continue;
                };
                *left = left.saturating_sub(1);
                if *left == 0 {
                    freed =
                        freed.saturating_add(self.blobs.get(blob).map_or(0, |blob| blob.length));
                }
            }
            removal.freed = removal.freed.saturating_add(freed);
            removal.assets.push(RemovedAsset {
                id: asset.id.clone(),
                title: asset.title.clone(),
                freed,
            });
        }
        removal.remaining = (self.blobs.iter().zip(&remaining))
            .filter(|(_, left)| **left > 0)
            .fold(0, |sum, (blob, _)| sum.saturating_add(blob.length));
        removal
    }
}

impl Bytes {
    pub(crate) fn add_logical(&mut self, files: &[HeldFile]) {
        for file in files {
            self.logical = self.logical.saturating_add(file.length);
        }
    }

    /// Counts a blob, the first time.
    pub(crate) fn add_blob(&mut self, length: u64, exclusive: bool) {
        self.stored = self.stored.saturating_add(length);
        let part = if exclusive {
            &mut self.exclusive
        } else {
            &mut self.shared
        };
        *part = part.saturating_add(length);
    }
}

/// Numbers of the contents and roles seen so far.
#[derive(Default)]
struct Names {
    blobs: HashMap<String, usize>,
    roles: HashMap<String, usize>,
}

/// What the removal of some assets frees.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Removal {
    /// The assets that go, in this order.
    pub assets: Vec<RemovedAsset>,
    /// Bytes that they free together.
    pub freed: u64,
    /// Bytes of what stays.
    pub remaining: u64,
    /// Ids of which there is no asset.
    pub unknown: Vec<String>,
}

/// One asset that goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RemovedAsset {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: Option<String>,
    /// Bytes that it frees after those before it are gone.
    pub freed: u64,
}
