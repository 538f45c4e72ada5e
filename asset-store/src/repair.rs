//! Mending what is damaged from bytes that somebody else has.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use crate::lock::{Mode, SweepLock};
use crate::{Digest, Entry, Error, ErrorKind, Finding, Store, VerifyReport, blob, manifest};

/// What [`Store::repair`] did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RepairReport {
    /// Entries that are whole again.
    pub mended: Vec<Finding>,
    /// Entries for which there were no bytes, or other ones than were stored.
    pub unmended: Vec<Finding>,
    /// Bytes that were stored.
    pub bytes: u64,
}

/// Where [`Store::repair`] gets bytes from: `None` when there are none for this entry.
pub type RepairSource<'a> = dyn FnMut(&Finding, &Entry) -> Option<Box<dyn Read>> + 'a;

impl Store {
    /// Mends the entries that [`verify`](Store::verify) has found damaged or missing, and nothing else.
    ///
    /// `source` is asked once for each blob and gives its bytes, or `None`. They are stored only if they are those
    /// that were there: the digest says so. No asset changes, so a sealed one stays sealed, and
    /// assets may be in use or being written.
    ///
    /// Assets whose manifest is damaged are mended by their next [writer](Store::writer).
    ///
    /// # Errors
    /// Failures of the store. Bytes that cannot be read, or are other ones, leave their entries in
    /// [`unmended`](RepairReport::unmended).
    pub fn repair(
        &self,
        report: &VerifyReport,
        source: &mut RepairSource<'_>,
    ) -> Result<RepairReport, Error> {
        let mut done = RepairReport::default();
        let mut asked: BTreeMap<Digest, bool> = BTreeMap::new();
        for finding in report.damaged.iter().chain(&report.missing) {
            // Replaced or removed meanwhile, or mended with another entry.
            let Some(entry) = self.current(finding)? else {
                continue;
            };
            let mended = match asked.get(&finding.digest) {
                Some(&mended) => mended,
                None if self.has_blob(&entry.digest, entry.length) => true,
                None => {
                    let mended = match source(finding, &entry) {
                        Some(mut bytes) => self.restore(&entry, &mut *bytes)?,
                        None => false,
                    };
                    if mended {
                        done.bytes = done.bytes.saturating_add(entry.length);
                    }
                    asked.insert(finding.digest, mended);
                    mended
                }
            };
            let list = if mended {
                &mut done.mended
            } else {
                &mut done.unmended
            };
            list.push(finding.clone());
        }
        Ok(done)
    }

    /// The entry that was found, if it is still the same.
    fn current(&self, finding: &Finding) -> Result<Option<Entry>, Error> {
        match manifest::load(self.layout(), &finding.asset) {
            Ok(mut loaded) => {
                let entry = Arc::make_mut(&mut loaded.asset.entries).remove(&finding.path);
                Ok(entry.filter(|entry| entry.digest == finding.digest))
            }
            Err(error) if error.kind() == ErrorKind::UnknownAsset => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn restore(&self, entry: &Entry, bytes: &mut dyn Read) -> Result<bool, Error> {
        let layout = self.layout();
        let Some(temporary) = blob::receive(layout, entry, bytes)? else {
            return Ok(false);
        };
        let placed = SweepLock::acquire(layout, Mode::Shared).and_then(|_sweep| {
            // It may be a key somewhere.
            layout.fs().make_immutable(&temporary, true)?;
            layout.fs().sync_existing(&temporary)?;
            layout
                .fs()
                .rename(&temporary, &layout.blob(&entry.digest))?;
            layout.fs().sync_directory(&layout.shard_of(&entry.digest))
        });
        if placed.is_err() {
            // What stays behind is swept later.
            let _ = layout.fs().remove_file(&temporary);
        }
        placed.map(|()| true)
    }
}
