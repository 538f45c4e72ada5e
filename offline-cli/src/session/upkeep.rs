//! Keeping a store in order: removal, garbage, verification, usage.

use std::collections::HashSet;
use std::time::SystemTime;

use asset_store::{AssetId, Damage, GcOptions, GcReport, Store, VerifyProgress};
use cache_inspect::MediaFinding;
use serde::Serialize;

use super::record;
use crate::Result;
use crate::adapters::catalog;

/// What `offline usage` answers.
#[derive(Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Used {
    /// Bytes of the assets.
    #[serde(flatten)]
    pub usage: cache_inspect::Usage,
    /// Bytes of downloads that were not finished.
    pub partials: u64,
    /// Bytes that were moved aside because they are damaged.
    pub trash: u64,
}

/// Counts the bytes of a store.
///
/// # Errors
/// When the store cannot be read.
pub fn usage(store: &Store) -> Result<Used> {
    let files = store.usage()?;
    let usage = cache_inspect::usage(&catalog::StoreCatalog::new(store), SystemTime::now())?;
    Ok(Used {
        usage,
        partials: files.partial_bytes,
        trash: files.trash_bytes,
    })
}

/// Bytes that are free on the disk of a store, and bytes that it has at all.
///
/// # Errors
/// When the system does not tell.
pub fn disk(store: &Store) -> Result<(u64, u64)> {
    Ok((store.free_bytes()?, store.volume_bytes()?))
}

/// Removes an asset and the bytes that only it needs; returns the bytes freed.
///
/// # Errors
/// When it is being written, or cannot be removed.
pub fn remove(store: &Store, id: &AssetId) -> Result<u64> {
    Ok(store.remove(id)?.bytes_freed)
}

/// Whether another process has the asset, or has removed it.
pub(super) fn is_gone_or_busy(error: &asset_store::Error) -> bool {
    matches!(
        error.kind(),
        asset_store::ErrorKind::Busy | asset_store::ErrorKind::UnknownAsset
    )
}

/// Removes bytes that nothing refers to.
///
/// # Errors
/// When the store cannot be read or written.
pub fn collect_garbage(store: &Store, options: &GcOptions) -> Result<GcReport> {
    for id in store.asset_ids()? {
        // Left by a process that was killed before there was anything to tell. One that is just
        // beginning has its lock.
        if !options.dry_run && record::metadata(store, &id)?.is_none() {
            match store.remove(&id) {
                Err(error) if !is_gone_or_busy(&error) => return Err(error.into()),
                _ => {}
            }
        }
    }
    Ok(store.collect_garbage(options)?)
}

/// What `offline verify` answers.
#[derive(Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Verified {
    /// Blobs whose content was read and hashed.
    pub checked: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Entries whose content is not what it was; it has been moved aside.
    pub damaged: Vec<Finding>,
    /// Entries whose content is not there.
    pub missing: Vec<Finding>,
    /// Entries that were fetched again.
    pub repaired: Vec<Finding>,
    /// What the media says, if it was looked into.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<VerifiedMedia>,
}

/// What was found in the media of assets.
#[derive(Debug, Default, Serialize)]
#[non_exhaustive]
pub struct VerifiedMedia {
    /// Segments that were looked into.
    pub segments: u64,
    /// Segments whose key is not stored, so that nothing can be said of them.
    pub encrypted: u64,
    /// Bytes read.
    pub bytes: u64,
    /// What is wrong, by asset and time.
    pub findings: Vec<AssetFinding>,
}

/// Something that is wrong with the media of an asset.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct AssetFinding {
    /// The asset.
    pub id: String,
    /// What is wrong, and where.
    #[serde(flatten)]
    pub finding: MediaFinding,
    /// It keeps the media from being played as it should.
    pub harmful: bool,
}

/// An entry that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// The asset.
    pub id: String,
    /// The entry.
    pub path: String,
    /// What is wrong.
    pub what: String,
}

impl Verified {
    /// Moves the findings that are whole again, after a repair, from missing and damaged to repaired.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn mark_repaired(&mut self, store: &Store) -> Result<()> {
        let mut repaired = Vec::new();
        for list in [&mut self.damaged, &mut self.missing] {
            for finding in std::mem::take(list) {
                let asset = store.asset(&AssetId::new(&finding.id)?);
                let whole = asset.is_ok_and(|asset| match asset.entries().get(&finding.path) {
                    Some(entry) => store.has_blob(&entry.digest, entry.length),
                    // A finding about the asset itself: it can be read again.
                    None => finding.path.is_empty(),
                });
                if whole { &mut repaired } else { &mut *list }.push(finding);
            }
        }
        self.repaired = repaired;
        Ok(())
    }

    /// Whether everything is as it should be.
    pub fn is_clean(&self) -> bool {
        let is_harmful = |media: &VerifiedMedia| media.findings.iter().any(|one| one.harmful);
        self.damaged.is_empty()
            && self.missing.is_empty()
            && !self.media.as_ref().is_some_and(is_harmful)
    }
}

/// Reads and hashes every stored byte of one asset or all.
///
/// # Errors
/// When the store cannot be read. Damage is no error but an answer.
pub fn verify(
    store: &Store,
    id: Option<&AssetId>,
    progress: &mut dyn FnMut(VerifyProgress),
) -> Result<Verified> {
    let mut bytes = 0;
    let report = store.verify(id, &mut |step| {
        bytes = step.bytes_done;
        progress(step);
    })?;
    let findings = |found: &[asset_store::Finding]| {
        found
            .iter()
            .map(|finding| Finding {
                id: finding.asset.to_string(),
                path: finding.path.clone(),
                what: describe(finding.what).to_owned(),
            })
            .collect::<Vec<_>>()
    };
    let mut damaged = findings(&report.damaged);
    damaged.extend(report.damaged_assets.iter().map(|asset| Finding {
        id: asset.asset.to_string(),
        path: String::new(),
        what: asset.reason.clone(),
    }));
    let verified = Verified {
        checked: report.checked,
        bytes,
        damaged,
        missing: findings(&report.missing),
        repaired: Vec::new(),
        media: None,
    };
    note_verified(store, id, &verified)?;
    Ok(verified)
}

/// Looks into the media of one asset or all: whether each segment is whole, opens with its key, and belongs where the
/// playlist has it.
///
/// # Errors
/// When the store cannot be read. What is wrong with media is no error but an answer.
pub fn verify_media(store: &Store, id: Option<&AssetId>) -> Result<VerifiedMedia> {
    let ids = match id {
        Some(id) => vec![id.clone()],
        None => store.asset_ids()?,
    };
    let catalog = catalog::StoreCatalog::new(store);
    let mut verified = VerifiedMedia::default();
    for id in ids {
        let found = match cache_inspect::verify(&catalog, id.as_str()) {
            Ok(found) => found,
            // Removed since the listing.
            Err(_) if store.asset(&id).is_err_and(|error| is_gone_or_busy(&error)) => continue,
            Err(error) => return Err(error),
        };
        verified.segments += found.segments;
        verified.encrypted += found.encrypted;
        verified.bytes += found.bytes;
        let findings = found.findings.into_iter();
        verified
            .findings
            .extend(findings.map(|finding| AssetFinding {
                id: id.to_string(),
                harmful: finding.problem.kind.is_harmful(),
                finding,
            }));
    }
    Ok(verified)
}

/// Notes of every asset in which nothing was found that it was verified.
fn note_verified(store: &Store, id: Option<&AssetId>, verified: &Verified) -> Result<()> {
    let findings = verified.damaged.iter().chain(&verified.missing);
    let bad: HashSet<&str> = findings.map(|finding| finding.id.as_str()).collect();
    let ids = match id {
        Some(id) => vec![id.clone()],
        None => store.asset_ids()?,
    };
    for id in ids.iter().filter(|id| !bad.contains(id.as_str())) {
        // What was found holds all the same.
        if let Err(error) = record::set_last_verified(store, id) {
            tracing::warn!(%id, error = %error.one_line(), "it is not noted that it was verified");
        }
    }
    Ok(())
}

fn describe(damage: Damage) -> &'static str {
    match damage {
        Damage::Missing => "its bytes are gone",
        Damage::Length => "its length is wrong; what is left was moved to the trash of the store",
        Damage::Unreadable => "the disk does not give its bytes back",
        _ => {
            "its bytes are not the ones that were stored; they were moved to the trash of the store"
        }
    }
}
