//! The queue: downloads that wait for their turn, and how any process steers those that run.

use std::collections::{HashMap, HashSet};
use std::future::Future;
use std::num::NonZeroUsize;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use asset_store::{AssetId, Store};
use futures::FutureExt;
use futures::stream::{FuturesUnordered, StreamExt};
use serde::{Deserialize, Serialize};

use super::record::{self, DownloadState, Metadata, StateRecord};
use super::repair::{self, origin};
use super::requirements::Requirements;
use super::{DownloadEvent, DownloadRequest, NetworkOptions, Outcome, artwork, clock, source};
use crate::{Error, ErrorKind, Result};

/// How soon a running download notices what another process wishes.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How often the requirements are checked while downloads run.
const CHECK_EVERY: Duration = Duration::from_secs(30);
/// How long a running download may take to stop; it keeps what is on its way to the disk.
const STOPS_WITHIN: Duration = Duration::from_secs(30);

/// What a process wishes of a download that another one runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Wish {
    Pause,
    Cancel,
}

impl Wish {
    /// The state of a download that was wished so.
    fn state(self) -> DownloadState {
        match self {
            Self::Pause => DownloadState::Paused,
            Self::Cancel => DownloadState::Cancelled,
        }
    }

    /// How the download ends that was wished so.
    pub(super) fn error(self, id: &AssetId) -> Error {
        let kind = match self {
            Self::Pause => ErrorKind::Paused,
            Self::Cancel => ErrorKind::Cancelled,
        };
        Error::new(kind, "as asked for, what is there is kept").hint(format!(
            "`offline resume {id}` continues, `offline remove {id}` frees its bytes"
        ))
    }
}

impl DownloadRequest {
    /// The last request of an asset again.
    ///
    /// # Errors
    /// When nothing is known of the asset.
    pub fn again(store: &Store, id: &AssetId) -> Result<Self> {
        let (metadata, url) = origin(store, id)?;
        let mut request = Self::new(url);
        request.treat_as_vod = metadata.treat_as_vod;
        request.allow_gaps = metadata.allow_gaps;
        request.keep_protected = metadata.keep_protected;
        request.base = metadata.base.and_then(|base| base.parse().ok());
        request.interstitials = metadata.interstitials;
        request.id = Some(id.clone());
        if let Some(selection) = metadata.selections.last() {
            request.choose(selection);
        }
        Ok(request)
    }
}

/// Puts a download into the queue, without a look at the network. One that is in it keeps its place.
///
/// # Errors
/// When the asset is being downloaded, or is one of another address; when the store cannot be written.
pub fn enqueue(store: &Store, request: &DownloadRequest) -> Result<AssetId> {
    let id = match &request.id {
        Some(id) => id.clone(),
        None => source::asset_id(&request.url)?,
    };
    // Nobody else begins while the records are written.
    let writer = store.writer(&id)?;
    let before = record::metadata(store, &id)?;
    let is_new = before.is_none();
    let metadata = Metadata::of(request, &id, before)?;
    // An address can wait; bytes are at hand now only.
    artwork::put(&writer, request.artwork.as_ref())?;
    if is_new {
        clock::note_beginning(store, &id)?;
    }
    let before = record::state(store, &id)?;
    if is_new || !before.is_waiting() {
        let mut state = StateRecord::new(DownloadState::Queued, before.resources_stored);
        state.gaps = before.gaps;
        record::set_state(store, &id, &state)?;
    }
    // It is listed from here on.
    record::set_metadata(store, &id, &metadata)?;
    drop(writer);
    Ok(id)
}

/// The downloads that wait for their turn, in the order in which they were first asked for.
///
/// That is what was put into the queue, and what ended through no fault of its own: interrupted, killed, with the disk full or the network gone. What was
/// paused or cancelled on purpose waits for [`DownloadRequest::again`].
///
/// # Errors
/// When the store cannot be read.
pub fn waiting(store: &Store) -> Result<Vec<AssetId>> {
    let mut waiting = Vec::new();
    for id in store.asset_ids()? {
        // What cannot be read is listed as damaged, and is in nobody's way here.
        if let (Ok(Some(metadata)), Ok(state)) =
            (record::metadata(store, &id), record::state(store, &id))
            && state.is_waiting()
        {
            waiting.push((metadata.queued, id));
        }
    }
    waiting
        .sort_unstable_by(|one, other| (one.0, one.1.as_str()).cmp(&(other.0, other.1.as_str())));
    Ok(waiting.into_iter().map(|(_, id)| id).collect())
}

/// Pauses a download, whichever process runs it, and keeps it out of the queue until it is resumed.
///
/// # Errors
/// When there is nothing to pause, or the other process does not stop.
pub async fn pause(store: &Store, id: &AssetId) -> Result<()> {
    steer(store, id, Wish::Pause).await
}

/// Cancels a download, whichever process runs it. What is there stays until the asset is removed.
///
/// # Errors
/// When there is nothing to cancel, or the other process does not stop.
pub async fn cancel(store: &Store, id: &AssetId) -> Result<()> {
    steer(store, id, Wish::Cancel).await
}

async fn steer(store: &Store, id: &AssetId, wish: Wish) -> Result<()> {
    let started = Instant::now();
    loop {
        if record::metadata(store, id)?.is_none() {
            // A download that had nothing yet leaves no asset behind.
            return Ok(());
        }
        let mut state = record::state(store, id)?;
        match state.state {
            DownloadState::Completed => {
                return Err(Error::usage(format!("{id} is complete"))
                    .hint("`offline remove` takes away what is stored"));
            }
            now if now == wish.state() && state.held => return Ok(()),
            DownloadState::Downloading => {}
            _ => match store.writer(id) {
                Ok(_writer) => {
                    // Nobody has begun since.
                    state.state = wish.state();
                    state.held = true;
                    state = state.because(&wish.error(id));
                    return record::set_state(store, id, &state);
                }
                Err(error) if error.kind() == asset_store::ErrorKind::Busy => {}
                Err(error) => return Err(error.into()),
            },
        }
        if started.elapsed() > STOPS_WITHIN {
            record::set_wish(store, id, None)?;
            return Err(Error::new(
                ErrorKind::Busy,
                format!("the process that downloads {id} does not react"),
            )
            .hint("stop that process; what is there is kept"));
        }
        // Again and again: a download that is just beginning forgets what was wished before.
        record::set_wish(store, id, Some(wish))?;
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Ready when `stop` is, or when another process wishes something of this download, which is then in `wish`. What was wished before is forgotten: it was meant
/// for an earlier run.
pub(super) fn steered<'a>(
    store: &'a Store,
    id: &'a AssetId,
    stop: impl Future<Output = ()> + 'a,
    wish: &'a OnceLock<Wish>,
) -> Result<impl Future<Output = ()> + 'a> {
    if record::wish(store, id)?.is_some() {
        record::set_wish(store, id, None)?;
    }
    Ok(async move {
        tokio::select! {
            () = stop => {}
            wished = wished(store, id) => {
                let _ = wish.set(wished);
            }
        }
    })
}

/// Ready when another process wishes something of this download.
async fn wished(store: &Store, id: &AssetId) -> Wish {
    loop {
        match record::wish(store, id) {
            Ok(Some(wish)) => return wish,
            Ok(None) => {}
            Err(error) => tracing::warn!(%error, "what other processes wish cannot be read"),
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What happens while the queue is worked off.
#[derive(Debug)]
#[non_exhaustive]
pub enum QueueEvent<'a> {
    /// A download of the queue has come further.
    Download(&'a DownloadEvent),
    /// It has ended.
    Ended(&'a Result<Outcome>),
}

/// How the queue is worked off.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct QueueOptions {
    /// How servers are reached. Credentials go to a single origin: downloads from others fail then.
    pub network: NetworkOptions,
    /// How many downloads run at once.
    pub jobs: NonZeroUsize,
    /// What has to hold meanwhile.
    pub requirements: Requirements,
}

impl QueueOptions {
    /// Two downloads at once, without requirements.
    pub fn new(network: NetworkOptions) -> Self {
        Self {
            network,
            jobs: NonZeroUsize::MIN.saturating_add(1),
            requirements: Requirements::default(),
        }
    }
}

/// Works the queue off: each download is tried once, and those too that are put into the queue meanwhile.
///
/// When `stop` is ready or a requirement no longer holds, all of them pause and this ends. Gives the requirement that did not hold.
///
/// # Errors
/// When the store cannot be read, or a requirement cannot be checked. How a download ended is an event.
pub async fn work_off(
    store: &Store,
    options: &QueueOptions,
    stop: impl Future<Output = ()>,
    observe: impl FnMut(&AssetId, QueueEvent<'_>),
) -> Result<Option<String>> {
    let QueueOptions {
        network,
        jobs,
        requirements,
    } = options;
    if let Some(unmet) = requirements.unmet(store).await? {
        return Ok(Some(unmet));
    }
    let unmet = OnceLock::new();
    let stop = async {
        tokio::select! {
            () = stop => {}
            reason = no_longer_met(requirements, store) => {
                let _ = unmet.set(reason);
            }
        }
    };
    let stop = stop.shared();
    let observe = Mutex::new(observe);
    let tell = |id: &AssetId, event: QueueEvent<'_>| {
        (observe.lock().unwrap_or_else(PoisonError::into_inner))(id, event);
    };
    let mut sessions = HashMap::new();
    let mut tried = HashSet::new();
    let mut running = FuturesUnordered::new();
    loop {
        while running.len() < jobs.get() && stop.peek().is_none() {
            let next = waiting(store)?.into_iter().find(|id| !tried.contains(id));
            let Some(id) = next else { break };
            tried.insert(id.clone());
            let request = match DownloadRequest::again(store, &id) {
                Ok(request) => request,
                Err(error) => {
                    tell(&id, QueueEvent::Ended(&Err(error)));
                    continue;
                }
            };
            let session =
                repair::session(&mut sessions, store, network, request.origin().clone())?.clone();
            if network.is_for_one_origin() && sessions.len() > 1 {
                sessions.remove(&request.origin().origin());
                let reason =
                    "it comes from another server than the first, and credentials are for one";
                let error = Error::usage(reason).hint("`offline resume ID` continues a single one");
                tell(&id, QueueEvent::Ended(&Err(error)));
                continue;
            }
            let (stop, tell) = (stop.clone(), &tell);
            running.push(async move {
                let observe = |event| tell(&id, QueueEvent::Download(&event));
                let result = session.download(request, stop, observe).await;
                (id, result)
            });
        }
        let Some((id, result)) = running.next().await else {
            break;
        };
        tell(&id, QueueEvent::Ended(&result));
    }
    Ok(unmet.get().cloned())
}

/// Ready when a requirement no longer holds, with the reason.
async fn no_longer_met(requirements: &Requirements, store: &Store) -> String {
    loop {
        tokio::time::sleep(CHECK_EVERY).await;
        match requirements.unmet(store).await {
            Ok(None) => {}
            Ok(Some(reason)) => return reason,
            Err(error) => return error.one_line(),
        }
    }
}
