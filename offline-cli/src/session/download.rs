//! A download from its address to its end, with a state that survives anything.

use std::future::Future;
use std::pin::pin;

use asset_store::AssetId;
use serde::{Deserialize, Serialize};

use super::record::{self, DownloadState, StateRecord};
use super::run::Run;
use super::{DownloadEvent, DownloadRequest, Session, source};
use crate::{Error, ErrorKind, Result};

/// How a download ended well.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Outcome {
    /// The asset.
    pub id: AssetId,
    /// Its title.
    pub title: String,
    /// Bytes of the asset.
    pub bytes: u64,
    /// Bytes received by this run.
    pub bytes_received: u64,
    /// What could not be had; empty unless gaps were allowed.
    pub gaps: Vec<Gap>,
}

/// A resource that could not be had, in a download that allows gaps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Gap {
    /// The entry that is missing.
    pub path: String,
    /// Its address, without the query.
    pub url: String,
}

impl Session {
    /// Downloads a presentation, or continues where an earlier download of the same address stopped.
    ///
    /// When `stop` is ready the download pauses: everything finished is kept and the error is of kind
    /// [`ErrorKind::Interrupted`]. Dropping the future keeps the same promise.
    ///
    /// # Errors
    /// The kinds of [`ErrorKind`]. The state of the asset says the same, unless nothing was stored, in
    /// which case there is no asset.
    pub async fn download(
        &self,
        request: DownloadRequest,
        stop: impl Future<Output = ()>,
        mut observe: impl FnMut(DownloadEvent),
    ) -> Result<Outcome> {
        let mut stop = pin!(stop);
        let resolved = tokio::select! {
            biased;
            () = &mut stop => return Err(interrupted()),
            resolved = self.network.resolve(&request) => resolved?,
        };
        let id = match &request.id {
            Some(id) => id.clone(),
            None => source::asset_id(&request.url)?,
        };
        let is_new = !self.store.asset_ids()?.contains(&id);
        let writer = self.store.writer(&id)?;
        let prepared = self.prepare(&request, &id, resolved, &writer);
        let job = match prepared {
            Ok(job) => job,
            Err(error) => {
                drop(writer);
                if is_new {
                    // Nothing was stored yet; an asset that never began is not worth listing.
                    self.store.remove(&id)?;
                }
                return Err(error);
            }
        };
        observe(job.resolved_event());
        let mut run = Run::new(&job);
        let result = run.fetch(self, &writer, &mut stop, &mut observe).await;
        let ended = result.and_then(|()| {
            let asset = if job.pending.is_empty() && writer.asset().is_sealed() {
                writer.asset()
            } else {
                writer.seal()?
            };
            Ok(asset
                .entries()
                .values()
                .map(|entry| entry.length)
                .sum::<u64>())
        });
        match ended {
            Ok(bytes) => {
                let mut state = StateRecord::new(DownloadState::Completed, run.stored);
                state.gaps.clone_from(&run.gaps);
                record::set_state(&self.store, &id, &state)?;
                observe(DownloadEvent::Completed {
                    id: id.to_string(),
                    bytes,
                    bytes_received: run.bytes,
                    gaps: run.gaps.iter().map(|gap| gap.url.clone()).collect(),
                });
                Ok(Outcome {
                    id,
                    title: job.metadata.title.clone(),
                    bytes,
                    bytes_received: run.bytes,
                    gaps: run.gaps,
                })
            }
            Err(error) => {
                let paused = matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::DiskFull);
                let state = if paused {
                    DownloadState::Paused
                } else {
                    DownloadState::Failed
                };
                // On a full disk this write may fail too; then the record still says `downloading`, which
                // reads as paused as soon as this process lets go of the asset.
                if let Err(unwritten) = record::set_state(
                    &self.store,
                    &id,
                    &StateRecord::new(state, run.stored).because(&error),
                ) {
                    tracing::warn!(%unwritten, "the state of the download could not be written");
                }
                if error.kind() == ErrorKind::Interrupted {
                    let resources = job.metadata.resources;
                    observe(DownloadEvent::Paused {
                        id: id.to_string(),
                        resources_stored: run.stored,
                        resources,
                    });
                }
                Err(error)
            }
        }
    }

    /// Fetches what an asset lacks, from where it came from and with the choices made then.
    ///
    /// # Errors
    /// Like [`Session::download`].
    pub async fn repair(&self, id: &AssetId) -> Result<Outcome> {
        let unknown = || Error::usage(format!("it is not known where {id} came from"));
        let metadata = record::metadata(&self.store, id)?.ok_or_else(unknown)?;
        let mut request = DownloadRequest::new(metadata.url.parse().map_err(|_| unknown())?);
        request.selection = metadata.selection.request();
        request.treat_as_vod = metadata.treat_as_vod;
        request.id = Some(id.clone());
        self.download(request, std::future::pending(), |_| {}).await
    }
}

pub(super) fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "interrupted, what is there is kept")
        .hint("download the same address again to continue")
}
