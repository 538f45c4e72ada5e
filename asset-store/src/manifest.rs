//! Manifests, logs and HEAD of one asset: how they are written and how an asset is read from them.

mod write;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

pub(crate) use self::write::{write, write_in};
use crate::entry::check_entry_path;
use crate::fs::{self, Fs};
use crate::layout::{self, Layout};
use crate::record::{self, Parsed};
use crate::{Asset, AssetId, Digest, Entry, Error, ErrorKind};

/// Longer manifests and logs are not read.
pub(crate) const MAX_BYTES: u64 = 512 << 20;
const MAX_HEAD_BYTES: u64 = 4096;

/// Readers that meet a writer at the same moment this often in a row give up.
const MAX_ATTEMPTS: usize = 64;

/// One line of a manifest or a log.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Record {
    /// First line of a manifest. The asset may have been renamed since.
    Header {
        asset: AssetId,
        generation: u64,
        sealed: bool,
    },
    /// The path has this entry.
    Put {
        path: String,
        entry: Entry,
        /// In a log: acknowledged before it was durable, as [`Relaxed`](crate::Durability::Relaxed)
        /// stores do.
        #[serde(default, skip_serializing_if = "is_false")]
        relaxed: bool,
    },
    /// The path has no entry any more.
    Remove {
        path: String,
        /// As above.
        #[serde(default, skip_serializing_if = "is_false")]
        relaxed: bool,
    },
    /// Last line of a manifest: the number of entries and the BLAKE3 of all lines before.
    Trailer { entries: u64, digest: Digest },
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde asks for a reference"
)]
fn is_false(flag: &bool) -> bool {
    !flag
}

impl Record {
    fn relaxed_blob(&self) -> Option<(Digest, u64)> {
        match self {
            Record::Put {
                entry,
                relaxed: true,
                ..
            } => Some((entry.digest, entry.length)),
            _ => None,
        }
    }
}

/// The line in HEAD.
#[derive(Serialize, Deserialize)]
struct Head {
    generation: u64,
}

/// An asset as its files say it is.
pub(crate) struct Loaded {
    pub(crate) asset: Asset,
    /// The manifest is missing or not whole: `asset` has only what could be saved.
    pub(crate) manifest_damage: Option<String>,
    /// HEAD or lines of the log are not whole; what they would have said is missing.
    pub(crate) other_damage: Option<String>,
    /// Up to where the log is intact; what follows was cut off while it was written.
    pub(crate) log_end: u64,
    /// Entries of the asset whose blobs may have lost their bytes in a power cut.
    pub(crate) relaxed: BTreeSet<(Digest, u64)>,
    /// Blobs of entries that the log has replaced or removed. They count again if a power cut takes lines
    /// of the log back, and nobody who reads it can tell whether it will: the sync of a writer may have failed.
    pub(crate) superseded: BTreeSet<Digest>,
}

impl Loaded {
    /// The asset, or that its manifest is damaged.
    pub(crate) fn into_asset(self, layout: &Layout) -> Result<Asset, Error> {
        match self.manifest_damage {
            None => Ok(self.asset),
            Some(damage) => {
                let hint = "download the asset again to mend it, or remove it";
                let folder = layout.asset(&self.asset.id);
                Err(Error::at(
                    ErrorKind::Damaged,
                    &folder,
                    &format!("{damage}; {hint}"),
                ))
            }
        }
    }

    pub(crate) fn is_damaged(&self) -> bool {
        self.manifest_damage.is_some() || self.other_damage.is_some()
    }
}

/// Reads an asset without a lock, beside a writer if there is one.
pub(crate) fn load(layout: &Layout, id: &AssetId) -> Result<Loaded, Error> {
    let fs = layout.fs();
    let folder = layout.asset(id);
    let head_path = folder.join("HEAD");
    for _ in 0..MAX_ATTEMPTS {
        if !fs.is_directory(&folder) {
            let message = format!("there is no asset {id}");
            return Err(Error::new(ErrorKind::UnknownAsset, message));
        }
        let before = fs.read(&head_path, MAX_HEAD_BYTES)?;
        let loaded = load_with_head(fs, &folder, id, before.as_deref())?;
        // A writer that sealed meanwhile has deleted the files of the generation before, maybe
        // between two of our reads; then HEAD is another one now.
        if before == fs.read(&head_path, MAX_HEAD_BYTES)? && fs.is_directory(&folder) {
            return Ok(loaded);
        }
    }
    Err(Error::at(
        ErrorKind::Busy,
        &folder,
        "changes faster than it can be read; try again",
    ))
}

fn load_with_head(
    fs: &Fs,
    folder: &Path,
    id: &AssetId,
    head: Option<&[u8]>,
) -> Result<Loaded, Error> {
    let mut loaded = Loaded {
        asset: Asset::empty(id.clone()),
        manifest_damage: None,
        other_damage: None,
        log_end: 0,
        relaxed: BTreeSet::new(),
        superseded: BTreeSet::new(),
    };
    let named = head.and_then(|head| record::parse::<Head>(head).records.pop());
    if let Some(head) = named {
        loaded.asset.generation = head.generation;
        if head.generation > 0 {
            load_manifest(fs, folder, head.generation, &mut loaded)?;
        }
    } else if head.is_some() || fs.length(&folder.join(layout::log_name(0))).is_none() {
        load_newest_manifest(fs, folder, &mut loaded)?;
        if head.is_some() || loaded.asset.generation > 0 {
            loaded.other_damage = Some("HEAD is damaged or missing".to_owned());
        }
    }
    // Otherwise the first seal has not come to HEAD yet: what counts is the first log.
    load_log(fs, folder, &mut loaded)?;
    Ok(loaded)
}

/// Without HEAD the newest whole manifest is right: it holds at least what the one before it held.
fn load_newest_manifest(fs: &Fs, folder: &Path, loaded: &mut Loaded) -> Result<(), Error> {
    let mut generations: Vec<u64> = fs
        .list(folder)?
        .iter()
        .filter(|item| item.name.ends_with(".manifest"))
        .filter_map(|item| layout::generation_of(&item.name))
        .collect();
    generations.sort_unstable_by(|a, b| b.cmp(a));
    let mut first_damage = None;
    for generation in generations {
        loaded.asset.generation = generation;
        load_manifest(fs, folder, generation, loaded)?;
        match loaded.manifest_damage.take() {
            None => return Ok(()),
            Some(damage) => first_damage = first_damage.or(Some(damage)),
        }
    }
    loaded.manifest_damage = first_damage;
    Ok(())
}

/// Sets the entries; of a damaged manifest those whose lines are intact.
fn load_manifest(
    fs: &Fs,
    folder: &Path,
    generation: u64,
    loaded: &mut Loaded,
) -> Result<(), Error> {
    let name = layout::manifest_name(generation);
    loaded.asset.entries = Arc::default();
    let Some(bytes) = fs.read(&folder.join(&name), MAX_BYTES)? else {
        loaded.manifest_damage = Some(format!("{name} is missing"));
        return Ok(());
    };
    let parsed = record::parse::<Record>(&bytes);
    let sealed = whole_manifest(&parsed, &bytes, generation);
    loaded.asset.sealed = sealed.unwrap_or(false);
    let refused = apply(&mut loaded.asset, parsed.records);
    if sealed.is_none() || refused > 0 {
        loaded.manifest_damage = Some(format!("{name} is damaged"));
    }
    Ok(())
}

/// Whether the header says sealed; `None` unless header, trailer and every line between are right.
fn whole_manifest(parsed: &Parsed<Record>, bytes: &[u8], generation: u64) -> Option<bool> {
    let (
        Record::Header {
            generation: written,
            sealed,
            ..
        },
        Record::Trailer { entries, digest },
    ) = (parsed.records.first()?, parsed.records.last()?)
    else {
        return None;
    };
    let puts = parsed
        .records
        .iter()
        .filter(|record| matches!(record, Record::Put { .. }))
        .count();
    let whole = *written == generation
        && parsed.damaged == 0
        && parsed.intact_end == bytes.len()
        && u64::try_from(puts) == Ok(*entries)
        && puts.checked_add(2) == Some(parsed.records.len())
        && bytes.get(..parsed.last_start).map(Digest::of) == Some(*digest);
    whole.then_some(*sealed)
}

fn load_log(fs: &Fs, folder: &Path, loaded: &mut Loaded) -> Result<(), Error> {
    let name = layout::log_name(loaded.asset.generation);
    let Some(bytes) = fs.read(&folder.join(&name), MAX_BYTES)? else {
        return Ok(());
    };
    let parsed = record::parse::<Record>(&bytes);
    loaded.log_end = u64::try_from(parsed.intact_end).unwrap_or(u64::MAX);
    if !parsed.records.is_empty() {
        loaded.asset.sealed = false;
    }
    let relaxed: BTreeSet<(Digest, u64)> = parsed
        .records
        .iter()
        .filter_map(Record::relaxed_blob)
        .collect();
    let Loaded {
        asset, superseded, ..
    } = &mut *loaded;
    let refused = apply_telling(asset, parsed.records, |entry| {
        superseded.insert(entry.digest);
    });
    loaded.relaxed = loaded
        .asset
        .blobs()
        .intersection(&relaxed)
        .copied()
        .collect();
    if parsed.damaged > 0 || refused > 0 {
        loaded
            .other_damage
            .get_or_insert_with(|| format!("{name} has damaged lines"));
    }
    Ok(())
}

/// The blobs that manifests and logs of other generations than the current one name: a power cut may bring
/// them back, if a seal could not make HEAD durable.
pub(crate) fn of_other_generations(
    layout: &Layout,
    asset: &Asset,
    names: &[String],
) -> Result<Vec<Digest>, Error> {
    let mut digests = Vec::new();
    for name in names {
        if layout::generation_of(name).is_none_or(|found| found == asset.generation) {
            continue;
        }
        let path = layout.asset(&asset.id).join(name);
        let bytes = layout.fs().read(&path, MAX_BYTES)?.unwrap_or_default();
        let records = record::parse::<Record>(&bytes).records.into_iter();
        digests.extend(records.filter_map(|record| match record {
            Record::Put { entry, .. } => Some(entry.digest),
            _ => None,
        }));
    }
    Ok(digests)
}

/// Applies changes in order. Says how many were refused because of their path.
pub(crate) fn apply(asset: &mut Asset, records: Vec<Record>) -> usize {
    apply_telling(asset, records, |_| {})
}

/// [`apply`], and tells of each entry that was replaced or removed.
fn apply_telling(
    asset: &mut Asset,
    records: Vec<Record>,
    mut superseded: impl FnMut(Entry),
) -> usize {
    let mut refused = 0_usize;
    // Copies the tree if somebody still looks at an earlier state of it.
    let entries = Arc::make_mut(&mut asset.entries);
    for record in records {
        match record {
            Record::Put { path, entry, .. } if check_entry_path(&path).is_ok() => {
                entries
                    .insert(path, entry)
                    .into_iter()
                    .for_each(&mut superseded);
            }
            Record::Put { .. } => refused = refused.saturating_add(1),
            Record::Remove { path, .. } => {
                entries.remove(&path).into_iter().for_each(&mut superseded);
            }
            Record::Header { .. } | Record::Trailer { .. } => {}
        }
    }
    refused
}

/// What happens to the files of other generations once HEAD names the new one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Old {
    /// They are deleted: the new generation says all that they said.
    Delete,
    /// They are moved to the trash: something in them could not be read.
    MoveAside,
}

/// Lets HEAD name the generation of `asset`, durably.
pub(crate) fn make_current(layout: &Layout, asset: &Asset) -> Result<(), Error> {
    make_current_in(layout.fs(), &layout.asset(&asset.id), asset.generation)
}

/// [`make_current`] in a folder that is not the asset's yet.
pub(crate) fn make_current_in(fs: &Fs, folder: &Path, generation: u64) -> Result<(), Error> {
    let head = record::encode(&Head { generation })?;
    fs.replace(folder, "HEAD", &head)
}

/// Clears away manifests and logs that HEAD does not name: left over from a seal, maybe cut off.
pub(crate) fn retire_other_generations(
    layout: &Layout,
    asset: &Asset,
    old: Old,
) -> Result<(), Error> {
    for item in layout.fs().list(&layout.asset(&asset.id))? {
        if layout::generation_of(&item.name).is_none_or(|found| found == asset.generation) {
            continue;
        }
        match old {
            Old::Delete => {
                layout.fs().remove_file(&item.path)?;
            }
            Old::MoveAside => {
                let name = format!("{}-{}-", asset.id, item.name);
                layout
                    .fs()
                    .rename(&item.path, &layout.damaged().join(fs::unique_name(&name)))?;
            }
        }
    }
    Ok(())
}

/// Deletes what a seal that was cut off has left. Whoever died in it may not have made HEAD durable, and
/// without it the older generation counts again.
pub(crate) fn clear_leftovers(layout: &Layout, asset: &Asset) -> Result<(), Error> {
    let folder = layout.asset(&asset.id);
    let items = layout.fs().list(&folder)?;
    let mut generations = items
        .iter()
        .filter_map(|item| layout::generation_of(&item.name));
    if generations.any(|found| found != asset.generation) {
        layout.fs().sync_directory(&folder)?;
        retire_other_generations(layout, asset, Old::Delete)?;
    }
    Ok(())
}

/// Gives a damaged asset a whole manifest of what could be saved of it.
pub(crate) fn mend(layout: &Layout, loaded: Loaded) -> Result<Asset, Error> {
    let mut asset = loaded.asset;
    let newest = layout
        .fs()
        .list(&layout.asset(&asset.id))?
        .iter()
        .filter_map(|item| layout::generation_of(&item.name))
        .fold(asset.generation, u64::max);
    asset.generation = newest.saturating_add(1);
    asset.sealed = false;
    write(layout, &asset)?;
    make_current(layout, &asset)?;
    retire_other_generations(layout, &asset, Old::MoveAside)?;
    Ok(asset)
}
