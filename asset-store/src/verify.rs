//! Reading everything again to see whether it still is what was stored.

use std::collections::{BTreeMap, BTreeSet};
use std::num::{NonZeroU64, NonZeroUsize};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::blob::{self, Condition};
use crate::collector::Collector;
use crate::manifest::{self, Loaded};
use crate::parallel::for_each_on;
use crate::shards::{self, Other};
use crate::{AssetId, Digest, Error, Store};

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
#[non_exhaustive]
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
    /// Blobs that no asset refers to: garbage, or of commits under way. Not looked for where one asset is verified.
    pub orphans: u64,
    /// Bytes of these.
    pub orphan_bytes: u64,
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

/// Blobs with which something is wrong.
type Wrong = BTreeMap<Blob, Damage>;

/// Digest and length.
type Blob = (Digest, u64);

impl Store {
    /// Reads the blobs of one asset, or of the whole store, and compares each with its digest.
    ///
    /// A damaged blob is moved to the trash, where it stays: it is reported, and never served again.
    /// Can run beside downloads. Reads on as many threads as there are processors.
    ///
    /// # Errors
    /// [`ErrorKind::UnknownAsset`](crate::ErrorKind::UnknownAsset); failures to look, not findings.
    pub fn verify(
        &self,
        id: Option<&AssetId>,
        progress: &mut dyn FnMut(VerifyProgress),
    ) -> Result<VerifyReport, Error> {
        let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        self.verify_with(id, threads, progress)
    }

    fn verify_with(
        &self,
        id: Option<&AssetId>,
        threads: NonZeroUsize,
        progress: &mut dyn FnMut(VerifyProgress),
    ) -> Result<VerifyReport, Error> {
        let mut report = VerifyReport::default();
        let mut blobs = Collector::default();
        self.for_each_chosen(id, |loaded| {
            let asset = loaded.asset;
            for entry in asset.entries.values() {
                blobs.add((entry.digest, entry.length));
            }
            let damage = [loaded.manifest_damage, loaded.other_damage];
            for reason in damage.into_iter().flatten() {
                report.damaged_assets.push(DamagedAsset {
                    asset: asset.id.clone(),
                    reason,
                });
            }
            Ok(())
        })?;
        let blobs = blobs.finish();
        let orphans = match id {
            Some(_) => Vec::new(),
            None => self.orphans(&blobs)?,
        };
        report.orphans = u64::try_from(orphans.len()).unwrap_or(u64::MAX);
        let lengths = orphans.iter().map(|orphan| orphan.1);
        report.orphan_bytes = lengths.fold(0, u64::saturating_add);
        let mut state = VerifyProgress::default();
        for (_, length) in blobs.iter().chain(&orphans) {
            state.blobs_total = state.blobs_total.saturating_add(1);
            state.bytes_total = state.bytes_total.saturating_add(*length);
        }
        progress(state);

        let mut advance = |length: u64| {
            report.checked = report.checked.saturating_add(1);
            state.blobs_done = state.blobs_done.saturating_add(1);
            state.bytes_done = state.bytes_done.saturating_add(length);
            progress(state);
        };
        let mut wrong = Wrong::new();
        let check = |blob: &Blob| self.check(&blob.0, Some(blob.1));
        for_each_on(threads, &blobs, check, |blob, what| {
            wrong.extend(what.map(|what| (*blob, what)));
            advance(blob.1);
        })?;
        let check = |blob: &Blob| self.check(&blob.0, None);
        for_each_on(threads, &orphans, check, |blob, what| {
            if what.is_some_and(|what| what != Damage::Missing) {
                report.damaged_orphans.push(blob.0);
            }
            advance(blob.1);
        })?;
        self.tell(id, &wrong, &mut report)?;
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
        self.verify_with(None, NonZeroUsize::MIN, &mut |state| {
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

    /// Finds out whose blobs are wrong: few are, so nobody had to remember before.
    fn tell(
        &self,
        id: Option<&AssetId>,
        wrong: &Wrong,
        report: &mut VerifyReport,
    ) -> Result<(), Error> {
        if wrong.is_empty() {
            return Ok(());
        }
        let mut told = BTreeSet::new();
        self.for_each_chosen(id, |loaded| {
            for (path, entry) in Arc::unwrap_or_clone(loaded.asset.entries) {
                let Some(&what) = wrong.get(&(entry.digest, entry.length)) else {
                    continue;
                };
                told.insert(entry.digest);
                let finding = Finding {
                    asset: loaded.asset.id.clone(),
                    path,
                    digest: entry.digest,
                    what,
                };
                if what != Damage::Missing {
                    report.damaged.push(finding);
                } else if !self.has_blob(&entry.digest, entry.length) {
                    report.missing.push(finding);
                }
            }
            Ok(())
        })?;
        report.damaged.sort_by_key(|finding| finding.digest);
        report.missing.sort_by_key(|finding| finding.digest);
        // Of a blob that is missing and that nobody refers to any more there is nothing to tell.
        let orphaned = wrong
            .iter()
            .filter(|((digest, _), what)| **what != Damage::Missing && !told.contains(digest))
            .map(|((digest, _), _)| *digest);
        report.damaged_orphans.extend(orphaned);
        Ok(())
    }

    /// Blobs that no asset refers to: equal content that is stored later would rely on them.
    fn orphans(&self, used: &[Blob]) -> Result<Vec<Blob>, Error> {
        let is_used = |digest: &Digest| used.binary_search_by_key(digest, |blob| blob.0).is_ok();
        let blob = |other: &Other| Ok(other.digest.map(|digest| (digest, other.item.length)));
        let mut orphans = Vec::new();
        shards::for_each_other(self.layout(), is_used, blob, |blob| orphans.extend(blob))?;
        Ok(orphans)
    }

    /// The one asset if there is one, or all that are there.
    fn for_each_chosen(
        &self,
        id: Option<&AssetId>,
        mut visit: impl FnMut(Loaded) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match id {
            Some(id) => visit(manifest::load(self.layout(), id)?),
            None => self.for_each_asset(visit),
        }
    }
}
