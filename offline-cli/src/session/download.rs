//! The download itself: resources in flight, commits in the background, a state that survives anything.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use asset_store::{AssetId, AssetWriter, EntryAttributes, PartialKey, Store};
use futures::stream::{self, FuturesUnordered, StreamExt};
use segment_fetch::{Event, Job};
use serde::{Deserialize, Serialize};

use super::event::seconds;
use super::plan::{self, PlannedResource, PlannedTrack};
use super::record::{self, DownloadState, Metadata, StateRecord, StoredSelection};
use super::resolve::{Received, Resolved, ResolvedTrack};
use super::{DownloadEvent, DownloadRequest, Session, layout, source};
use crate::adapters::sink::PartialSink;
use crate::{Error, ErrorKind, Result};

/// Finished resources that wait for the disk; beyond this no new one is taken from the network.
const COMMITS_IN_FLIGHT: usize = 64;
/// Resources that may fail for good before the whole download gives up.
const FAILURES_LIMIT: usize = 8;

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
            resolved = self.network.resolve(&request.url, &request.selection) => resolved?,
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
            let asset = if job.pending.is_empty() && writer.asset().is_sealed() { writer.asset() } else { writer.seal()? };
            Ok(asset.entries().values().map(|entry| entry.length).sum::<u64>())
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
                Ok(Outcome { id, title: job.metadata.title.clone(), bytes, bytes_received: run.bytes, gaps: run.gaps })
            }
            Err(error) => {
                let paused = matches!(error.kind(), ErrorKind::Interrupted | ErrorKind::DiskFull);
                let state = if paused { DownloadState::Paused } else { DownloadState::Failed };
                // On a full disk this write may fail too; then the record still says `downloading`, which
                // reads as paused as soon as this process lets go of the asset.
                if let Err(unwritten) = record::set_state(&self.store, &id, &StateRecord::new(state, run.stored).because(&error)) {
                    tracing::warn!(%unwritten, "the state of the download could not be written");
                }
                if error.kind() == ErrorKind::Interrupted {
                    let resources = job.metadata.resources;
                    observe(DownloadEvent::Paused { id: id.to_string(), resources_stored: run.stored, resources });
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
        request.id = Some(id.clone());
        self.download(request, std::future::pending(), |_| {}).await
    }

    /// Pins the playlists and works out what is missing.
    fn prepare(&self, request: &DownloadRequest, id: &AssetId, resolved: Resolved, writer: &AssetWriter) -> Result<Prepared> {
        let before = record::metadata(&self.store, id)?;
        if let Some(before) = &before {
            let same = url::Url::parse(&before.url).is_ok_and(|url| source::identity(&url) == source::identity(&request.url));
            if !same {
                return Err(Error::usage(format!("asset {id} holds another address"))
                    .hint("choose another --id, or remove that asset first"));
            }
        }
        if let Some(multivariant) = &resolved.multivariant {
            pin_once(writer, layout::MULTIVARIANT, multivariant)?;
        }
        let mut tracks = Vec::with_capacity(resolved.tracks.len());
        for track in resolved.tracks {
            tracks.push(pin_track(&self.store, writer, track)?);
        }
        let resources = plan::resources(&tracks);
        let duration = tracks.iter().map(|track| track.fresh.duration()).max().unwrap_or_default();
        let metadata = Metadata {
            title: request
                .title
                .clone()
                .or_else(|| before.as_ref().map(|before| before.title.clone()))
                .unwrap_or_else(|| source::title(&request.url)),
            url: request.url.to_string(),
            created: before.as_ref().map_or_else(record::unix_now, |before| before.created),
            duration: seconds(duration),
            resources: u64::try_from(resources.len()).unwrap_or(u64::MAX),
            selection: StoredSelection::from(&request.selection),
        };
        let pending = pending(writer, &resources)?;
        record::set_metadata(&self.store, id, &metadata)?;
        let stored = metadata.resources.saturating_sub(u64::try_from(pending.len()).unwrap_or(u64::MAX));
        record::set_state(&self.store, id, &StateRecord::new(DownloadState::Downloading, stored))?;
        Ok(Prepared {
            id: id.clone(),
            metadata,
            duration,
            track_names: tracks.iter().map(|track| track.name.clone()).collect(),
            notes: resolved.notes,
            resources,
            pending,
            reach: resolved.reach,
            allow_gaps: request.allow_gaps,
        })
    }
}

/// Stores a playlist the first time it is seen and keeps it for good.
fn pin_once(writer: &AssetWriter, path: &str, playlist: &Received) -> Result<()> {
    if !writer.contains(path) {
        let attributes = EntryAttributes::new(layout::role::PLAYLIST)
            .with_source(asset_store::Source {
            identity: source::identity(&playlist.url),
            // Whole: relative addresses and query variables resolve against it.
            url: playlist.url.to_string(),
            ..asset_store::Source::default()
        });
        writer.put(path, &playlist.bytes, attributes)?;
    }
    Ok(())
}

/// Pins the playlist of a track, or makes sure that the pinned one still describes what the server has.
fn pin_track(store: &Store, writer: &AssetWriter, track: ResolvedTrack) -> Result<PlannedTrack> {
    let path = layout::playlist(&track.name);
    let pinned = match super::presentation::pinned(store, &writer.asset(), &path)? {
        Some(pinned) if pinned.bytes != track.playlist.bytes => {
            let timeline = super::presentation::timeline(store, &writer.asset(), &pinned)?;
            if !plan::same_media(&timeline, &track.timeline) {
                return Err(Error::new(
                    ErrorKind::Changed,
                    format!("the playlist of {} has changed at the server since this download began", track.name),
                )
                .hint("keep what there is, or remove the asset and download it again; --id keeps both"));
            }
            timeline
        }
        Some(_) => track.timeline.clone(),
        None => {
            pin_once(writer, &path, &track.playlist)?;
            track.timeline.clone()
        }
    };
    Ok(PlannedTrack { name: track.name, subtitles: track.subtitles, pinned, fresh: track.timeline })
}

/// Indices of the resources that are not stored under all their paths; those stored under one are linked to the rest.
fn pending(writer: &AssetWriter, resources: &[PlannedResource]) -> Result<Vec<usize>> {
    let mut pending = Vec::new();
    let asset = writer.asset();
    for (index, resource) in resources.iter().enumerate() {
        let Some(stored) = resource.paths.iter().find(|path| writer.contains(path)) else {
            pending.push(index);
            continue;
        };
        if let Some(entry) = asset.entries().get(stored) {
            for path in resource.paths.iter().filter(|path| !writer.contains(path)) {
                writer.link(path, &entry.digest, entry.length, attributes(resource))?;
            }
        }
    }
    Ok(pending)
}

fn attributes(resource: &PlannedResource) -> EntryAttributes {
    let origin = asset_store::Source {
        identity: resource.identity.clone(),
        url: source::shown(&resource.url),
        range: resource.range.clone(),
        validator: None,
    };
    EntryAttributes::new(resource.role).with_source(origin)
}

fn interrupted() -> Error {
    Error::new(ErrorKind::Interrupted, "interrupted").hint("download the same address again to continue")
}

/// Whether other resources may still be had: the server answered, and what it said is about this one.
fn is_about_the_resource(kind: segment_fetch::ErrorKind) -> bool {
    use segment_fetch::ErrorKind as Fetch;
    matches!(
        kind,
        Fetch::NotFound
            | Fetch::Status(_)
            | Fetch::Truncated
            | Fetch::WrongRange
            | Fetch::WrongLength
            | Fetch::TooLarge
            | Fetch::WrongContent
    )
}

/// A download whose playlists are pinned.
struct Prepared {
    id: AssetId,
    metadata: Metadata,
    duration: Duration,
    track_names: Vec<String>,
    notes: Vec<String>,
    resources: Vec<PlannedResource>,
    pending: Vec<usize>,
    reach: segment_fetch::Reach,
    allow_gaps: bool,
}

impl Prepared {
    fn resolved_event(&self) -> DownloadEvent {
        DownloadEvent::Resolved {
            id: self.id.to_string(),
            title: self.metadata.title.clone(),
            duration: self.metadata.duration,
            tracks: self.track_names.clone(),
            resources: self.metadata.resources,
            resources_stored: self.metadata.resources.saturating_sub(u64::try_from(self.pending.len()).unwrap_or(u64::MAX)),
            notes: self.notes.clone(),
        }
    }
}

/// Counters of one run.
struct Run<'a> {
    job: &'a Prepared,
    bytes: u64,
    stored: u64,
    media_stored: Duration,
    media_total: Duration,
    gaps: Vec<Gap>,
    failures: Vec<Error>,
}

impl<'a> Run<'a> {
    fn new(job: &'a Prepared) -> Self {
        let media_total = job.resources.iter().map(|resource| resource.media_time).sum();
        let outstanding: Duration =
            job.pending.iter().filter_map(|&index| job.resources.get(index)).map(|resource| resource.media_time).sum();
        let pending = u64::try_from(job.pending.len()).unwrap_or(u64::MAX);
        Self {
            job,
            bytes: 0,
            stored: job.metadata.resources.saturating_sub(pending),
            media_stored: media_total - outstanding,
            media_total,
            gaps: Vec::new(),
            failures: Vec::new(),
        }
    }

    async fn fetch(
        &mut self,
        session: &Session,
        writer: &AssetWriter,
        mut stop: impl Future<Output = ()> + Unpin,
        observe: &mut impl FnMut(DownloadEvent),
    ) -> Result<()> {
        let job = self.job;
        let unopened: Arc<Mutex<Option<Error>>> = Arc::default();
        let jobs = stream::iter(job.pending.iter().filter_map(|&index| Some((index, job.resources.get(index)?)))).map(|(index, resource)| {
            let key = PartialKey { identity: resource.identity.clone(), range: resource.range.clone() };
            Ok(Job { tag: index, request: resource.request(job.reach), sink: PartialSink::new(writer.partial(&key)?) })
        });
        let failed = Arc::clone(&unopened);
        let jobs = jobs.scan((), move |(), opened: Result<_>| {
            std::future::ready(opened.map_err(|error| *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error)).ok())
        });
        let mut fetches = pin!(session.network.fetcher.fetch_all(jobs));
        let mut commits = FuturesUnordered::new();
        let mut fetching = true;
        let ended = loop {
            if !fetching && commits.is_empty() {
                break Ok(());
            }
            tokio::select! {
                biased;
                () = &mut stop => break Err(interrupted()),
                Some((index, committed)) = commits.next() => {
                    let stored = match committed { Ok(entry) => self.stored(writer, index, &entry), Err(error) => Err(Error::from(error)) };
                    if let Err(error) = stored { break Err(error); }
                    observe(self.progress());
                }
                event = fetches.next(), if fetching && commits.len() < COMMITS_IN_FLIGHT => match event {
                    None => fetching = false,
                    Some(Event::Finished { tag, sink, .. }) => {
                        if let Some(resource) = job.resources.get(tag)
                            && let Some(path) = resource.paths.first()
                        {
                            let commit = writer.commit(sink.into_partial(), path, attributes(resource));
                            commits.push(async move { (tag, commit.await) });
                        }
                    }
                    Some(Event::Failed { tag, error, .. }) => if let Err(error) = self.failed(tag, error, observe) { break Err(error); },
                    Some(Event::Progress { bytes, .. }) => {
                        self.bytes = self.bytes.saturating_add(bytes);
                        observe(self.progress());
                    }
                    Some(Event::Retrying { error, after, .. }) => observe(DownloadEvent::Retrying {
                        url: error.url().map(source::shown).unwrap_or_default(),
                        error: crate::render::text::printable(&error.to_string()),
                        after: seconds(after),
                    }),
                    Some(_) => {}
                },
            }
        };
        // Whatever ended the loop: what is on its way to the disk is whole and worth keeping.
        while let Some((index, committed)) = commits.next().await {
            if let Ok(entry) = committed {
                self.stored(writer, index, &entry)?;
            }
        }
        ended?;
        if let Some(error) = unopened.lock().unwrap_or_else(PoisonError::into_inner).take() {
            return Err(error);
        }
        self.verdict()
    }

    fn stored(&mut self, writer: &AssetWriter, index: usize, entry: &asset_store::Entry) -> Result<()> {
        let Some(resource) = self.job.resources.get(index) else { return Ok(()) };
        for path in resource.paths.iter().skip(1) {
            writer.link(path, &entry.digest, entry.length, attributes(resource))?;
        }
        self.stored = self.stored.saturating_add(1);
        self.media_stored += resource.media_time;
        Ok(())
    }

    /// Notes a resource that cannot be had; an error means that going on is pointless.
    fn failed(&mut self, index: usize, error: segment_fetch::Error, observe: &mut impl FnMut(DownloadEvent)) -> Result<()> {
        let Some(resource) = self.job.resources.get(index) else { return Ok(()) };
        let about_this_resource = is_about_the_resource(error.kind());
        let error = Error::from(error);
        if !about_this_resource {
            return Err(error);
        }
        let url = source::shown(&resource.url);
        if self.job.allow_gaps && resource.role == layout::role::SEGMENT {
            observe(DownloadEvent::Gap { url: url.clone(), error: error.one_line() });
            self.gaps.extend(resource.paths.iter().map(|path| Gap { path: path.clone(), url: url.clone() }));
            return Ok(());
        }
        self.failures.push(error);
        if self.failures.len() >= FAILURES_LIMIT { self.verdict() } else { Ok(()) }
    }

    fn verdict(&mut self) -> Result<()> {
        let count = self.failures.len();
        let Some(first) = self.failures.drain(..).next() else { return Ok(()) };
        let kind = first.kind();
        let what = if count == 1 { "a resource could not be had".to_owned() } else { format!("{count} resources could not be had, the first") };
        Err(Error::new(kind, what)
            .because(first)
            .hint("download again to try once more, or leave holes where they are with --allow-gaps"))
    }

    fn progress(&self) -> DownloadEvent {
        let share = if self.media_total.is_zero() { 0.0 } else { seconds(self.media_stored) / seconds(self.media_total) };
        DownloadEvent::Progress {
            bytes: self.bytes,
            resources_stored: self.stored,
            resources: self.job.metadata.resources,
            media_time: share * seconds(self.job.duration),
            duration: seconds(self.job.duration),
        }
    }
}
