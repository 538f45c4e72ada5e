//! How many bytes a catalog holds, and whose they are.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::{Duration, SystemTime};

use serde::Serialize;

use crate::catalog::{Catalog, TrackKind};
use crate::holdings::{Bytes, HeldFile, Holder, Holdings};

/// The bytes of a whole catalog.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Usage {
    /// Bytes of all files, equal content counted each time.
    pub logical: u64,
    /// Bytes of all different contents: what the files take when equal content is stored once.
    pub stored: u64,
    /// Bytes of those contents that more than one asset holds.
    pub shared: u64,
    /// Logical bytes by the role of the files.
    pub roles: BTreeMap<String, u64>,
    /// All bytes by the role of the files. What two roles have is not exclusive to either.
    pub bytes_by_role: BTreeMap<String, Bytes>,
    /// The assets, in the order of the catalog.
    pub assets: Vec<AssetUsage>,
    /// Content that several assets hold, what saves most first.
    pub duplicates: Vec<Duplicate>,
    /// By the tags of the assets; an asset counts with each of its tags.
    pub tags: BTreeMap<String, GroupUsage>,
    /// By how long ago the download of the assets began, the youngest first; ages of no asset are left out.
    pub ages: Vec<AgeUsage>,
}

/// The bytes of one asset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AssetUsage {
    /// The id of the asset.
    pub id: String,
    /// Its title.
    pub title: Option<String>,
    /// Its bytes. Exclusive is what removing this asset alone frees.
    #[serde(flatten)]
    pub bytes: Bytes,
    /// Logical bytes by the role of the files.
    pub roles: BTreeMap<String, u64>,
    /// All bytes by the role of the files; exclusive is what no other role and no other asset has.
    pub bytes_by_role: BTreeMap<String, Bytes>,
    /// By the tracks that have files, in the order of [`AssetDescription::tracks`](crate::AssetDescription::tracks).
    pub renditions: Vec<RenditionUsage>,
}

/// The bytes of one track.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RenditionUsage {
    /// Index into [`AssetDescription::tracks`](crate::AssetDescription::tracks).
    pub track: usize,
    /// What it is in its asset.
    pub kind: TrackKind,
    /// NAME, for renditions.
    pub name: Option<String>,
    /// LANGUAGE, for renditions.
    pub language: Option<String>,
    /// Its bytes. Exclusive is what removing this track alone frees.
    #[serde(flatten)]
    pub bytes: Bytes,
}

/// Content that the same assets hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Duplicate {
    /// The ids of the assets: two or more.
    pub assets: Vec<String>,
    /// How many different contents they have in common, and no other asset has.
    pub contents: u64,
    /// Bytes of these contents, which are stored once.
    pub bytes: u64,
    /// Bytes that would be stored besides if every asset had its own.
    pub saved: u64,
}

/// The bytes of some assets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GroupUsage {
    /// How many assets there are.
    pub assets: u64,
    /// Their bytes. Exclusive is what removing them together frees.
    #[serde(flatten)]
    pub bytes: Bytes,
}

/// The bytes of assets of an age.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct AgeUsage {
    /// How old they are.
    pub age: Age,
    /// Their bytes.
    #[serde(flatten)]
    pub usage: GroupUsage,
}

/// How long ago the download of an asset began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Age {
    /// Less than a day, or in the future.
    Day,
    /// Less than a week.
    Week,
    /// Less than thirty days.
    Month,
    /// Less than 365 days.
    Year,
    /// More.
    Older,
    /// The catalog does not know.
    Unknown,
}

impl Age {
    fn of(created: Option<SystemTime>, now: SystemTime) -> Self {
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        let Some(created) = created else {
            return Self::Unknown;
        };
        let age = now.duration_since(created).unwrap_or_default();
        match age {
            age if age < DAY => Self::Day,
            age if age < 7 * DAY => Self::Week,
            age if age < 30 * DAY => Self::Month,
            age if age < 365 * DAY => Self::Year,
            _ => Self::Older,
        }
    }

    /// A name for people: `under a day`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "under a day",
            Self::Week => "under a week",
            Self::Month => "under a month",
            Self::Year => "under a year",
            Self::Older => "over a year",
            Self::Unknown => "unknown",
        }
    }
}

/// Counts the bytes of every asset of a catalog; `now` tells how old they are.
///
/// # Errors
///
/// The first error of the catalog.
pub fn usage<C: Catalog>(catalog: &C, now: SystemTime) -> Result<Usage, C::Error> {
    Ok(Holdings::read(catalog)?.usage(now))
}

impl Holdings {
    /// Counts the bytes of every asset; `now` tells how old they are.
    pub fn usage(&self, now: SystemTime) -> Usage {
        let bytes_by_role = self.all_roles();
        let mut usage = Usage {
            roles: logical(&bytes_by_role),
            bytes_by_role,
            assets: self.assets.iter().map(|asset| self.asset(asset)).collect(),
            duplicates: self.duplicates(),
            ..Usage::default()
        };
        for blob in &self.blobs {
            add(&mut usage.stored, blob.length);
            if blob.assets > 1 {
                add(&mut usage.shared, blob.length);
            }
        }
        let mut tags: BTreeMap<&str, Vec<&Holder>> = BTreeMap::new();
        let mut ages: BTreeMap<Age, Vec<&Holder>> = BTreeMap::new();
        for (asset, found) in self.assets.iter().zip(&usage.assets) {
            add(&mut usage.logical, found.bytes.logical);
            for tag in asset.tags.iter().collect::<HashSet<_>>() {
                tags.entry(tag).or_default().push(asset);
            }
            ages.entry(Age::of(asset.created, now))
                .or_default()
                .push(asset);
        }
        let group = |assets: Vec<&Holder>| GroupUsage {
            assets: u64::try_from(assets.len()).unwrap_or(u64::MAX),
            bytes: self.bytes_of(assets),
        };
        usage.tags = (tags.into_iter())
            .map(|(tag, assets)| (tag.to_owned(), group(assets)))
            .collect();
        usage.ages = (ages.into_iter())
            .map(|(age, assets)| AgeUsage {
                age,
                usage: group(assets),
            })
            .collect();
        usage
    }

    fn asset(&self, asset: &Holder) -> AssetUsage {
        let tracks = self.parts(asset, asset.tracks.len(), |file| file.track);
        let renditions = (tracks.into_iter()).filter_map(|(track, bytes)| {
            let name = asset.tracks.get(track)?;
            Some(RenditionUsage {
                track,
                kind: name.kind,
                name: name.name.clone(),
                language: name.language.clone(),
                bytes,
            })
        });
        let roles = self.parts(asset, self.roles.len(), |file| Some(file.role));
        let bytes_by_role = self.named(roles);
        AssetUsage {
            id: asset.id.clone(),
            title: asset.title.clone(),
            bytes: self.bytes_of([asset]),
            roles: logical(&bytes_by_role),
            bytes_by_role,
            renditions: renditions.collect(),
        }
    }

    /// The bytes of the parts of an asset into which its files fall, by the numbers of the parts, which are less than `count`.
    fn parts(
        &self,
        asset: &Holder,
        count: usize,
        part: impl Fn(&HeldFile) -> Option<usize>,
    ) -> Vec<(usize, Bytes)> {
        // Each with the last content that was counted.
        let mut parts: Vec<Option<(Bytes, usize)>> = vec![None; count];
        for (index, files) in asset.contents() {
            let Some(blob) = self.blobs.get(index) else {
                continue;
            };
            let first = files.first().and_then(&part);
            let is_of_one = files.iter().all(|file| part(file) == first);
            for file in files {
                let Some(found) = part(file).and_then(|part| parts.get_mut(part)) else {
                    continue;
                };
                let is_new = found.as_ref().is_none_or(|(_, last)| *last != index);
                let (bytes, last) = found.get_or_insert((Bytes::default(), index));
                *last = index;
                add(&mut bytes.logical, file.length);
                if is_new {
                    bytes.add_blob(blob.length, is_of_one && blob.assets == 1);
                }
            }
        }
        (parts.into_iter().enumerate())
            .filter_map(|(part, found)| Some((part, found?.0)))
            .collect()
    }

    fn all_roles(&self) -> BTreeMap<String, Bytes> {
        let mut roles: HashMap<usize, Bytes> = HashMap::new();
        let mut owners: Vec<Option<usize>> = vec![None; self.blobs.len()];
        let mut several = HashSet::new();
        for file in self.assets.iter().flat_map(|asset| &asset.files) {
            add(
                &mut roles.entry(file.role).or_default().logical,
                file.length,
            );
            if let Some(owner) = owners.get_mut(file.blob)
                && *owner.get_or_insert(file.role) != file.role
            {
                several.insert((file.role, file.blob));
                several.extend(owner.map(|owner| (owner, file.blob)));
            }
        }
        let shared: HashSet<usize> = several.iter().map(|(_, blob)| *blob).collect();
        for (index, (blob, owner)) in self.blobs.iter().zip(owners).enumerate() {
            if let Some(owner) = owner.filter(|_| !shared.contains(&index)) {
                roles.entry(owner).or_default().add_blob(blob.length, true);
            }
        }
        for (role, blob) in several {
            let length = self.blobs.get(blob).map_or(0, |blob| blob.length);
            roles.entry(role).or_default().add_blob(length, false);
        }
        self.named(roles)
    }

    fn named(&self, roles: impl IntoIterator<Item = (usize, Bytes)>) -> BTreeMap<String, Bytes> {
        (roles.into_iter())
            .filter_map(|(role, bytes)| Some((self.roles.get(role)?.clone(), bytes)))
            .collect()
    }

    fn duplicates(&self) -> Vec<Duplicate> {
        let mut holders: HashMap<usize, Vec<usize>> = HashMap::new();
        for (number, asset) in self.assets.iter().enumerate() {
            for file in &asset.files {
                if self.blobs.get(file.blob).is_none_or(|blob| blob.assets < 2) {
                    continue;
                }
                let list = holders.entry(file.blob).or_default();
                if list.last() != Some(&number) {
                    list.push(number);
                }
            }
        }
        let mut groups: HashMap<Vec<usize>, Duplicate> = HashMap::new();
        for (blob, assets) in holders {
            let length = self.blobs.get(blob).map_or(0, |blob| blob.length);
            let copies = u64::try_from(assets.len())
                .unwrap_or(u64::MAX)
                .saturating_sub(1);
            let group = groups.entry(assets).or_default();
            group.contents += 1;
            add(&mut group.bytes, length);
            add(&mut group.saved, length.saturating_mul(copies));
        }
        let mut duplicates: Vec<Duplicate> = (groups.into_iter())
            .map(|(assets, group)| Duplicate {
                assets: (assets.iter())
                    .filter_map(|number| Some(self.assets.get(*number)?.id.clone()))
                    .collect(),
                ..group
            })
            .collect();
        duplicates.sort_by(|one, other| {
            let order = other.saved.cmp(&one.saved);
            order.then_with(|| one.assets.cmp(&other.assets))
        });
        duplicates
    }
}

fn logical(roles: &BTreeMap<String, Bytes>) -> BTreeMap<String, u64> {
    let roles = roles.iter();
    roles
        .map(|(role, bytes)| (role.clone(), bytes.logical))
        .collect()
}

fn add(sum: &mut u64, bytes: u64) {
    *sum = sum.saturating_add(bytes);
}
