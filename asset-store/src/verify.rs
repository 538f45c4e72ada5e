//! Reading everything again to see whether it still is what was stored.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU64;
use std::time::{Duration, Instant};

use crate::blob::{self, Condition};
use crate::layout::Layout;
use crate::manifest::{self, Loaded};
use crate::{AssetId, Digest, Error, ErrorKind, Store};

/// How far [`Store::verify`] is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VerifyProgress {
    /// Blobs read so far.
    pub blobs_done: u64,
    /// Blobs to read.
    pub blobs_total: u64,
    /// Bytes read so far.
    pub bytes_done: u64,
    /// Bytes to read.
    pub bytes_total: u64,
}

/// What [`Store::verify`] found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Blobs that were looked at.
    pub checked: u64,
    /// Entries whose blob was not what was stored. Each such blob is in the trash now.
    pub damaged: Vec<Finding>,
    /// Entries whose blob is not there.
    pub missing: Vec<Finding>,
    /// Assets whose own files are not whole.
    pub damaged_assets: Vec<DamagedAsset>,
    /// Damaged blobs that no asset refers to. They are in the trash now.
    pub damaged_orphans: Vec<Digest>,
}

impl VerifyReport {
    /// Whether nothing was wrong with any asset.
    pub fn is_good(&self) -> bool {
        self.damaged.is_empty() && self.missing.is_empty() && self.damaged_assets.is_empty()
    }
}

/// An entry that cannot be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The asset.
    pub asset: AssetId,
    /// The path of the entry.
    pub path: String,
    /// Its blob.
    pub digest: Digest,
    /// What is wrong with it.
    pub what: Damage,
}

/// What is wrong with a blob.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Damage {
    /// It is not there.
    Missing,
    /// It is longer or shorter than it was.
    Length,
    /// It has the right length and other bytes.
    Content,
    /// The disk does not give its bytes.
    Unreadable,
}

/// An asset whose manifest, log or HEAD is not whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DamagedAsset {
    /// The asset.
    pub asset: AssetId,
    /// Which file, and what is wrong with it.
    pub reason: String,
}

/// Entries by blob: who is told when it is damaged.
type Users = BTreeMap<(Digest, u64), Vec<(AssetId, String)>>;

impl Store {
    /// Reads the blobs of one asset, or of the whole store, and compares each with its digest.
    ///
    /// A damaged blob is moved to the trash, where it stays: it is reported, and never served again.
    /// Can run beside downloads.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownAsset`]; failures to look, not findings.
    pub fn verify(
        &self,
        id: Option<&AssetId>,
        progress: &mut dyn FnMut(VerifyProgress),
    ) -> Result<VerifyReport, Error> {
        let mut report = VerifyReport::default();
        let mut users = Users::new();
        match id {
            Some(id) => note(manifest::load(self.layout(), id)?, &mut users, &mut report),
            None => self.for_each_asset(|loaded| {
                note(loaded, &mut users, &mut report);
                Ok(())
            })?,
        }
        let orphans = if id.is_none() {
            orphans(self.layout(), &users)?
        } else {
            Vec::new()
        };

        let mut state = VerifyProgress::default();
        let all = users.keys().chain(&orphans);
        for &(_, length) in all {
            state.blobs_total = state.blobs_total.saturating_add(1);
            state.bytes_total = state.bytes_total.saturating_add(length);
        }
        progress(state);
        let mut advance = |length: u64| {
            state.blobs_done = state.blobs_done.saturating_add(1);
            state.bytes_done = state.bytes_done.saturating_add(length);
            progress(state);
        };
        for ((digest, length), entries) in users {
            if let Some(what) = self.check(&digest, Some(length))? {
                self.report(&mut report, digest, what, entries)?;
            }
            report.checked = report.checked.saturating_add(1);
            advance(length);
        }
        for (digest, length) in orphans {
            match self.check(&digest, None)? {
                None | Some(Damage::Missing) => {}
                Some(_) => report.damaged_orphans.push(digest),
            }
            report.checked = report.checked.saturating_add(1);
            advance(length);
        }
        Ok(report)
    }

    /// [Verifies](Store::verify) the whole store in the background of other work: reads no more than so many
    /// bytes per second, a blob at a time.
    ///
    /// # Errors
    /// Failures to look, not findings.
    pub fn scrub(
        &self,
        bytes_per_second: NonZeroU64,
        progress: &mut dyn FnMut(VerifyProgress),
    ) -> Result<VerifyReport, Error> {
        let start = Instant::now();
        self.verify(None, &mut |state| {
            progress(state);
            let millis = u128::from(state.bytes_done) * 1000 / u128::from(bytes_per_second.get());
            let due = Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX));
            std::thread::sleep(due.saturating_sub(start.elapsed()));
        })
    }

    fn check(&self, digest: &Digest, length: Option<u64>) -> Result<Option<Damage>, Error> {
        let what = match blob::examine(self.layout(), digest, length)? {
            Condition::Intact => return Ok(None),
            Condition::Missing => return Ok(Some(Damage::Missing)),
            Condition::WrongLength => Damage::Length,
            Condition::WrongContent => Damage::Content,
            Condition::Unreadable => Damage::Unreadable,
        };
        blob::move_aside(self.layout(), digest)?;
        Ok(Some(what))
    }

    fn report(
        &self,
        report: &mut VerifyReport,
        digest: Digest,
        what: Damage,
        entries: Vec<(AssetId, String)>,
    ) -> Result<(), Error> {
        for (asset, path) in entries {
            // A blob may be gone because its entry was replaced or removed since we listed it.
            if what == Damage::Missing && !self.still_refers(&asset, &path, &digest)? {
                continue;
            }
            let finding = Finding {
                asset,
                path,
                digest,
                what,
            };
            match what {
                Damage::Missing => report.missing.push(finding),
                _ => report.damaged.push(finding),
            }
        }
        Ok(())
    }

    fn still_refers(&self, id: &AssetId, path: &str, digest: &Digest) -> Result<bool, Error> {
        match manifest::load(self.layout(), id) {
            Ok(loaded) => {
                let entry = loaded.asset.entry(path);
                Ok(entry.is_some_and(|entry| {
                    entry.digest == *digest && !self.has_blob(digest, entry.length)
                }))
            }
            Err(error) if error.kind() == ErrorKind::UnknownAsset => Ok(false),
            Err(error) => Err(error),
        }
    }
}

fn note(loaded: Loaded, users: &mut Users, report: &mut VerifyReport) {
    let asset = loaded.asset.id;
    for reason in [loaded.manifest_damage, loaded.other_damage]
        .into_iter()
        .flatten()
    {
        report.damaged_assets.push(DamagedAsset {
            asset: asset.clone(),
            reason,
        });
    }
    for (path, entry) in loaded.asset.entries {
        users
            .entry((entry.digest, entry.length))
            .or_default()
            .push((asset.clone(), path));
    }
}

/// Blobs that no asset refers to: equal content that is stored later would rely on them.
fn orphans(layout: &Layout, users: &Users) -> Result<Vec<(Digest, u64)>, Error> {
    let used: BTreeSet<Digest> = users.keys().map(|&(digest, _)| digest).collect();
    let mut orphans = Vec::new();
    for first in 0..=u8::MAX {
        for item in layout.fs().list(&layout.shard(first))? {
            if let Ok(digest) = item.name.parse::<Digest>()
                && !used.contains(&digest)
            {
                orphans.push((digest, item.length));
            }
        }
    }
    Ok(orphans)
}
