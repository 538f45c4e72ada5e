//! A download from its address to its end, with a state that survives anything.

use std::future::Future;
use std::pin::pin;
use std::sync::OnceLock;

use asset_store::{AssetId, AssetWriter};
use serde::{Deserialize, Serialize};

use super::prepare::Prepared;
use super::record::{self, DownloadState, StateRecord};
use super::redundancy::{self, Detours};
use super::refresh::Refreshes;
use super::resolve::Resolved;
use super::run::{Failed, Run, Totals};
use super::{
    DownloadEvent, DownloadRequest, LeftOut, Session, companions, decryption, file, live, queue,
    source,
};
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
    /// Interstitials that were asked for and could not be had; the primary content plays without them.
    pub left_out: Vec<LeftOut>,
}

impl Outcome {
    /// Whether everything that was asked for is there.
    pub fn is_whole(&self) -> bool {
        self.gaps.is_empty() && self.left_out.is_empty()
    }
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

/// How a run ended.
pub(super) struct Ran {
    pub(super) fetched: Result<()>,
    /// Whether another one with fresh addresses may go on.
    pub(super) is_worth_another: bool,
    failed: Failed,
    pub(super) totals: Totals,
}

impl Session {
    /// Notes beside a stored asset that its playlists are others now. A wrong address says nothing about the right one.
    fn note_drift(&self, request: &DownloadRequest, id: &AssetId, error: &Error) -> Result<()> {
        let is_drift = error.kind() == ErrorKind::Changed && !request.new_address;
        if is_drift && record::metadata(&self.store, id)?.is_some() {
            record::set_compared(&self.store, id, Some(error.one_line()))?;
        }
        Ok(())
    }

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
        let id = match &request.id {
            Some(id) => id.clone(),
            None => source::asset_id(&request.url)?,
        };
        let mut detours = Detours::default();
        let mut resolved = match self.resolve(&request, &id, &mut detours, &mut stop).await {
            Ok(resolved) => resolved,
            Err(error) => {
                self.never_began(&id, &error)?;
                return Err(error);
            }
        };
        let is_new = !self.store.asset_ids()?.contains(&id);
        let writer = self.store.writer(&id)?;
        let wish = OnceLock::new();
        let mut stop = pin!(queue::steered(&self.store, &id, &mut stop, &wish)?);
        let mut totals = Totals::default();
        let mut refreshes = Refreshes::new();
        // Why tracks come from elsewhere, and which.
        let mut lost: Option<(Error, Failed)> = None;
        let error = loop {
            let job = match self.prepare(&request, &id, resolved, &writer).await {
                Ok(job) => job,
                Err(elsewhere) if lost.is_some() => {
                    let Some((error, failed)) = lost.take() else {
                        break elsewhere;
                    };
                    tracing::info!(error = %elsewhere.one_line(), "what is there instead is something else");
                    match self
                        .detour(&request, &id, &failed, &error, &mut detours, &mut stop)
                        .await
                    {
                        Some(elsewhere) => resolved = elsewhere,
                        None => break error,
                    }
                    lost = Some((error, failed));
                    continue;
                }
                Err(error) if !refreshes.is_first() => break error,
                Err(error) => {
                    drop(writer);
                    self.note_drift(&request, &id, &error)?;
                    if is_new {
                        // Nothing was stored yet; an asset that never began is not worth listing.
                        self.store.remove(&id)?;
                    }
                    return Err(error);
                }
            };
            if let Some((error, failed)) = lost.take() {
                tell_detour(&error, failed, &detours, &mut observe);
            } else if refreshes.is_first() {
                observe(job.resolved_event());
                if let Err(error) = self.make_room(&job, &writer, &mut observe) {
                    break error;
                }
            }
            let spare = detours.spare(&job.metadata.tracks);
            let run = Run::new(&job, &mut refreshes, spare, &totals);
            let ran = Box::pin(self.run(run, &writer, &mut stop, &mut observe)).await?;
            totals.go_on(ran.totals);
            match ran.fetched {
                Ok(()) => {
                    let completed =
                        self.complete(&request, &writer, job, &mut totals, &mut stop, &mut observe);
                    match completed.await {
                        Ok(outcome) => return Ok(outcome),
                        Err(error) => break error,
                    }
                }
                // Addresses expire, and keys and segments come damaged: everything is asked for anew.
                Err(error) if ran.is_worth_another => {
                    tracing::info!(error = %error.one_line(), "reading the playlists again");
                    resolved = match self.resolve(&request, &id, &mut detours, &mut stop).await {
                        Ok(resolved) => resolved,
                        Err(error) => break error,
                    };
                    refreshes.done();
                }
                Err(error) => {
                    let failed = ran.failed;
                    match self
                        .detour(&request, &id, &failed, &error, &mut detours, &mut stop)
                        .await
                    {
                        Some(elsewhere) => resolved = elsewhere,
                        None => break error,
                    }
                    lost = Some((error, failed));
                }
            }
        };
        let error = match wish.get() {
            _ if error.kind() != ErrorKind::Interrupted => error,
            Some(wish) => wish.error(&id),
            None => error.hint(format!("`offline resume {id}` continues")),
        };
        let kept = is_new.then_some(writer);
        observe(DownloadEvent::Summary(totals.summary.clone()));
        Err(self.ended_badly(&id, kept, totals, error, &mut observe))
    }

    /// Notes why a download that waited for its turn did not even begin.
    fn never_began(&self, id: &AssetId, error: &Error) -> Result<()> {
        if error.kind() == ErrorKind::Interrupted || !self.store.asset_ids()?.contains(id) {
            return Ok(());
        }
        let state = record::state(&self.store, id)?;
        if state.state == DownloadState::Queued {
            let failed = StateRecord::new(DownloadState::Failed, 0).because(error);
            record::set_state(&self.store, id, &failed)?;
        }
        Ok(())
    }

    /// Fetches what is missing, and looks whether what is encrypted opens.
    pub(super) async fn run(
        &self,
        mut run: Run<'_>,
        writer: &AssetWriter,
        stop: impl Future<Output = ()> + Unpin,
        observe: &mut impl FnMut(DownloadEvent),
    ) -> Result<Ran> {
        let job = run.job();
        let media = run.fetch(self, writer, stop, observe);
        let companions = self.network.accompany(&job.companions, writer);
        let (mut fetched, notes) = companions::beside(media, companions).await;
        for note in notes {
            observe(DownloadEvent::Note { note });
        }
        let mut is_worth_another = run.has_expired();
        if fetched.is_ok()
            && let Some(wrong) = decryption::take_out_undecryptable(&self.store, writer, job)?
        {
            is_worth_another = run.retries_wrong();
            fetched = Err(wrong);
        }
        Ok(Ran {
            fetched,
            is_worth_another,
            failed: run.failed_at(),
            totals: run.totals(),
        })
    }

    /// The presentation without the places where tracks could not be had, if there are others.
    async fn detour(
        &self,
        request: &DownloadRequest,
        id: &AssetId,
        failed: &Failed,
        error: &Error,
        detours: &mut Detours,
        stop: impl Future<Output = ()> + Unpin,
    ) -> Option<Resolved> {
        if !redundancy::is_about_the_place(error.kind())
            || !detours.leave(&failed.tracks, failed.is_host_gone)
        {
            return None;
        }
        tracing::info!(error = %error.one_line(), "looking for the same elsewhere");
        let resolved = self.resolve(request, id, detours, stop).await;
        resolved
            .inspect_err(
                |error| tracing::info!(error = %error.one_line(), "there is nothing elsewhere"),
            )
            .ok()
    }

    async fn resolve(
        &self,
        request: &DownloadRequest,
        id: &AssetId,
        detours: &mut Detours,
        stop: impl Future<Output = ()> + Unpin,
    ) -> Result<Resolved> {
        tracing::info!(%id, url = source::shown(&request.url), "reading the playlists");
        if let Some(recorded) = live::recorded(&self.store, id)? {
            return Ok(recorded);
        }
        if let Some(root) = file::pinned(&self.store, request, id)? {
            return self.network.resolve_pinned(request, root, detours).await;
        }
        tokio::select! {
            biased;
            () = stop => Err(interrupted()),
            resolved = self.network.resolve_around(request, detours) => resolved,
        }
    }

    /// With the primary content stored, adds what is played in between, and calls the asset finished.
    async fn complete(
        &self,
        request: &DownloadRequest,
        writer: &AssetWriter,
        job: Prepared,
        totals: &mut Totals,
        stop: &mut (impl Future<Output = ()> + Unpin),
        observe: &mut impl FnMut(DownloadEvent),
    ) -> Result<Outcome> {
        let interstitials =
            self.download_interstitials(request, &job, writer, totals, stop, observe);
        let left_out = Box::pin(interstitials).await?;
        observe(DownloadEvent::Summary(totals.summary.clone()));
        self.ended_well(writer, job, totals, left_out, observe)
    }

    fn ended_well(
        &self,
        writer: &AssetWriter,
        job: Prepared,
        totals: &Totals,
        left_out: Vec<LeftOut>,
        observe: &mut impl FnMut(DownloadEvent),
    ) -> Result<Outcome> {
        if job.expected != job.metadata.expected {
            // From here on the asset is what was asked for; until now it was what it had been.
            let mut metadata =
                record::metadata(&self.store, &job.id)?.unwrap_or(job.metadata.clone());
            metadata.expected = job.expected;
            record::set_metadata(&self.store, &job.id, &metadata)?;
        }
        let is_unchanged = job.pending.is_empty() && writer.asset().is_sealed();
        let asset = if is_unchanged {
            writer.asset()
        } else {
            writer.seal()?
        };
        let mut state = StateRecord::new(DownloadState::Completed, totals.stored);
        state.gaps = job.accepted_gaps;
        state
            .gaps
            .retain(|gap| !totals.gaps.contains(gap) && !asset.entries().contains_key(&gap.path));
        state.gaps.extend(totals.gaps.iter().cloned());
        state.left_out.clone_from(&left_out);
        record::set_state(&self.store, &job.id, &state)?;
        let bytes = asset.entries().values().map(|entry| entry.length).sum();
        tracing::info!(id = %job.id, bytes, received = totals.bytes, "downloaded");
        observe(DownloadEvent::Completed {
            id: job.id.to_string(),
            bytes,
            bytes_received: totals.bytes,
            gaps: totals.gaps.iter().map(|gap| gap.url.clone()).collect(),
        });
        Ok(Outcome {
            id: job.id,
            title: job.metadata.title,
            bytes,
            bytes_received: totals.bytes,
            gaps: totals.gaps.clone(),
            left_out,
        })
    }

    /// `new` is the writer of an asset that this download made.
    pub(super) fn ended_badly(
        &self,
        id: &AssetId,
        new: Option<AssetWriter>,
        totals: Totals,
        error: Error,
        observe: &mut impl FnMut(DownloadEvent),
    ) -> Error {
        tracing::info!(%id, error = %error.one_line(), "not downloaded");
        if let Some(writer) = new
            && (totals.stored == 0 || error.kind() == ErrorKind::Protected)
            && !matches!(
                error.kind(),
                ErrorKind::Interrupted | ErrorKind::Paused | ErrorKind::Cancelled
            )
        {
            // Nothing came of it, or nothing that plays; an asset without any media is not worth listing.
            drop(writer);
            return match self.store.remove(id) {
                Ok(_) => error,
                Err(left) => left.into(),
            };
        }
        let state = match error.kind() {
            kind if kind.is_pause() => DownloadState::Paused,
            ErrorKind::Cancelled => DownloadState::Cancelled,
            _ => DownloadState::Failed,
        };
        let is_paused = state == DownloadState::Paused;
        let recorded = record::state(&self.store, id).and_then(|before| {
            let mut state = StateRecord::new(state, totals.stored).because(&error);
            state.held = matches!(error.kind(), ErrorKind::Paused | ErrorKind::Cancelled);
            // What was accepted before stays accepted.
            state.gaps = before.gaps;
            state.gaps.retain(|gap| !totals.gaps.contains(gap));
            state.gaps.extend(totals.gaps);
            record::set_state(&self.store, id, &state)
        });
        // The record then still says `downloading`, which reads as paused once this process lets go of the asset.
        if let Err(unwritten) = recorded {
            tracing::warn!(%unwritten, "the state of the download could not be written");
        }
        if is_paused {
            observe(DownloadEvent::Paused {
                id: id.to_string(),
                reason: error.kind().name().to_owned(),
                resources_stored: totals.stored,
            });
        }
        error
    }
}

/// Says where tracks come from now.
fn tell_detour(
    error: &Error,
    failed: Failed,
    detours: &Detours,
    observe: &mut impl FnMut(DownloadEvent),
) {
    for track in failed.tracks {
        observe(DownloadEvent::FailedOver {
            url: detours.place(&track).unwrap_or_default(),
            track,
            error: error.one_line(),
        });
    }
}

pub(super) fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "interrupted, what is there is kept")
        .hint("download the same address again to continue")
}
