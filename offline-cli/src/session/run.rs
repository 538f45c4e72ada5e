//! One run of a download: resources in flight, commits in the background.

use std::collections::{HashSet, VecDeque};
use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use asset_store::{AssetWriter, Commit, Digest, Entry, PartialKey};
use futures::stream::{self, FuturesUnordered, StreamExt};
use hls_parse::ResourceKind;
use segment_fetch::{Event, Job};

use super::attention::Looks;
use super::download::{Gap, interrupted};
use super::event::seconds;
use super::loaded::{Loaded, Pace};
use super::order::Order;
use super::plan::PlannedTrack;
use super::prepare::{Link, Prepared, attributes};
use super::record::{self, DownloadState, StateRecord};
use super::refresh::Refreshes;
use super::tally::Tally;
use super::{DownloadEvent, DownloadSummary, Session, admission, concealed, layout, source};
use crate::adapters::sink::PartialSink;
use crate::{Error, ErrorKind, Result};

/// Finished resources that wait for the disk; beyond this no new one is taken from the network.
const COMMITS_IN_FLIGHT: usize = 64;
/// How often gaps are written down.
const NOTE_GAPS_EVERY: Duration = Duration::from_secs(1);
/// How soon a download notices what players wait for.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Resources that may fail for good before the whole download gives up.
const FAILURES_LIMIT: usize = 8;

/// What a download has come to so far.
#[derive(Debug, Default)]
pub(super) struct Totals {
    /// Bytes received.
    pub(super) bytes: u64,
    /// Resources stored.
    pub(super) stored: u64,
    /// What could not be had, where gaps are allowed.
    pub(super) gaps: Vec<Gap>,
    /// What all passes over the resources came to.
    pub(super) summary: DownloadSummary,
    /// The same for each track.
    pub(super) tally: Tally,
}

impl Totals {
    /// What it has come to after another run, which counted on from this one.
    pub(super) fn go_on(&mut self, run: Self) {
        let mut summary = std::mem::take(&mut self.summary);
        summary.append(run.summary);
        *self = Self { summary, ..run };
    }
}

/// Where something could not be had.
#[derive(Clone, Debug, Default)]
pub(super) struct Failed {
    pub(super) tracks: HashSet<String>,
    /// Whether nothing can be had from that server any more.
    pub(super) is_host_gone: bool,
}

/// Counters of one run.
pub(super) struct Run<'a> {
    job: &'a Prepared,
    bytes: u64,
    stored: u64,
    media_stored: Duration,
    media_total: Duration,
    gaps: Vec<Gap>,
    /// How many of them are written down, and when that was.
    noted_gaps: (usize, Instant),
    failures: Vec<Error>,
    /// Initialization sections of what is protected although no playlist says so.
    refused: Vec<usize>,
    links: VecDeque<Link>,
    refreshes: &'a mut Refreshes,
    /// Whether this run has stored anything.
    something_came: bool,
    /// Whether it ended since the addresses have expired.
    has_expired: bool,
    /// Tracks that may be had from elsewhere.
    spare: HashSet<String>,
    failed: Failed,
    pace: Pace,
    loaded: Loaded,
    tally: Tally,
    /// How long it took until the first bytes came.
    first_bytes: Option<Duration>,
    summary: DownloadSummary,
}

impl<'a> Run<'a> {
    pub(super) fn new(
        job: &'a Prepared,
        refreshes: &'a mut Refreshes,
        spare: HashSet<String>,
        before: &Totals,
    ) -> Self {
        let media_time = |index| job.plan.media_time(index);
        let media_total: Duration = (0..job.plan.len()).map(media_time).sum();
        let outstanding: Duration = job.pending.iter().copied().map(media_time).sum();
        let pending = u64::try_from(job.pending.len()).unwrap_or(u64::MAX);
        Self {
            job,
            bytes: before.bytes,
            stored: job.metadata.resources.saturating_sub(pending),
            media_stored: media_total.saturating_sub(outstanding),
            media_total,
            gaps: Vec::new(),
            noted_gaps: (0, Instant::now()),
            failures: Vec::new(),
            refused: Vec::new(),
            links: job.links.clone(),
            refreshes,
            something_came: false,
            has_expired: false,
            spare,
            failed: Failed::default(),
            pace: Pace::default(),
            loaded: Loaded::new(&job.plan, &job.pending),
            tally: Tally::new(&job.plan, &job.pending, &before.tally),
            first_bytes: None,
            summary: DownloadSummary::default(),
        }
    }

    /// Whether the run ended since the addresses have expired, and another one with fresh addresses may go on.
    pub(super) fn has_expired(&self) -> bool {
        self.has_expired
    }

    /// What it fetches.
    pub(super) fn job(&self) -> &'a Prepared {
        self.job
    }

    /// Whether what came wrong is to be asked for again.
    pub(super) fn retries_wrong(&mut self) -> bool {
        self.refreshes.retries_wrong()
    }

    /// Where something could not be had.
    pub(super) fn failed_at(&self) -> Failed {
        self.failed.clone()
    }

    /// What this run came to.
    pub(super) fn totals(self) -> Totals {
        Totals {
            bytes: self.bytes,
            stored: self.stored,
            gaps: self.gaps,
            summary: self.summary,
            tally: self.tally,
        }
    }

    pub(super) async fn fetch(
        &mut self,
        session: &Session,
        writer: &AssetWriter,
        mut stop: impl Future<Output = ()> + Unpin,
        observe: &mut impl FnMut(DownloadEvent),
    ) -> Result<()> {
        let job = self.job;
        // Another asset may have been told to keep it.
        let mut links = job.links.iter();
        links.try_for_each(|link| self.check_open(session, link.resource, &link.digest))?;
        let began = Instant::now();
        let unopened: Arc<Mutex<Option<Error>>> = Arc::default();
        let order = Mutex::new(Order::new(&job.plan, &job.pending));
        let ordered = || order.lock().unwrap_or_else(PoisonError::into_inner);
        let resources = std::iter::from_fn(|| {
            let (index, priority) = ordered().next()?;
            Some((index, priority, job.plan.get(index)?))
        });
        let jobs = stream::iter(resources).map(|(index, priority, resource)| {
            let request = resource.request(job.reach);
            let key = PartialKey {
                identity: resource.identity,
                range: resource.range,
            };
            let sink = PartialSink::new(writer.partial(&key)?);
            Ok(Job::new(index, request, sink).with_priority(priority))
        });
        let failed = Arc::clone(&unopened);
        let jobs = jobs.scan((), move |(), opened: Result<_>| {
            std::future::ready(
                opened
                    .map_err(|error| {
                        *failed.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                    })
                    .ok(),
            )
        });
        let mut fetches = pin!(session.network.fetcher.fetch_all(jobs));
        let mut commits = FuturesUnordered::new();
        let mut looks = Looks::new(LOOK_EVERY);
        let mut fetching = true;
        let mut ended = loop {
            while commits.len() < COMMITS_IN_FLIGHT
                && let Some(linked) = self.link(writer)
            {
                commits.push(settle(None, linked));
            }
            if !fetching && commits.is_empty() {
                break Ok(());
            }
            self.note_gaps(session);
            tokio::select! {
                biased;
                () = &mut stop => break Err(interrupted()),
                Some((resource, committed)) = commits.next() => {
                    match (resource, committed) {
                        (Some(index), Ok(entry)) => if let Err(error) = self.stored(session, index, &entry) { break Err(error); },
                        (None, Ok(_)) => {}
                        (_, Err(error)) => break Err(Error::from(error)),
                    }
                    self.tell(false, observe);
                }
                attention = looks.next(&session.store, &job.id), if fetching => {
                    if ordered().heed(&attention) {
                        fetches.as_mut().prioritize(|&resource| ordered().priority(resource));
                    }
                }
                event = fetches.next(), if fetching && commits.len() < COMMITS_IN_FLIGHT => match event {
                    None => fetching = false,
                    Some(Event::Finished { tag, sink, .. }) => {
                        if let Some(resource) = job.plan.get(tag)
                            && let Some(path) = job.plan.paths(tag).next()
                        {
                            let commit = writer.commit(sink.into_partial(), &path, attributes(&resource));
                            commits.push(settle(Some(tag), commit));
                        }
                    }
                    Some(Event::Failed { tag, error, .. }) => if let Err(error) = self.failed(tag, error, observe) { break Err(error); },
                    Some(Event::Progress { tag, bytes }) => {
                        self.bytes = self.bytes.saturating_add(bytes);
                        self.tally.received(&job.plan, tag, bytes);
                        self.first_bytes.get_or_insert_with(|| began.elapsed());
                        self.tell(false, observe);
                    }
                    Some(Event::Retrying { error, after, .. }) => observe(DownloadEvent::retrying(&error, after)),
                    Some(_) => {}
                },
            }
        };
        // Whatever ended the loop: what is on its way to the disk is whole and worth keeping.
        while let Some((resource, committed)) = commits.next().await {
            if let (Some(index), Ok(entry)) = (resource, committed) {
                let stored = self.stored(session, index, &entry);
                ended = ended.and(stored);
            }
        }
        self.take_out_refused(writer)?;
        self.tell(true, observe);
        let pass = fetches.summary();
        self.summary = DownloadSummary::of(&pass, self.first_bytes, &job.metadata.tracks);
        ended?;
        let unopened = unopened
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        unopened.map_or_else(|| self.verdict(), Err)
    }

    /// Begins to store what is there already under the next path that lacks it.
    fn link(&mut self, writer: &AssetWriter) -> Option<Commit> {
        let link = self.links.pop_front()?;
        let attributes = attributes(&self.job.plan.get(link.resource)?);
        Some(writer.begin_link(&link.path, &link.digest, link.length, attributes))
    }

    /// Counts a resource whose first path is stored, and asks for its other paths. What is protected is refused.
    fn stored(&mut self, session: &Session, index: usize, entry: &Entry) -> Result<()> {
        self.check_open(session, index, &entry.digest)
            .inspect_err(|_| self.refused.push(index))?;
        let plan = &self.job.plan;
        for path in plan.paths(index).skip(1) {
            self.links.push_back(Link {
                resource: index,
                path,
                digest: entry.digest,
                length: entry.length,
            });
        }
        self.something_came = true;
        self.stored = self.stored.saturating_add(1);
        self.media_stored += plan.media_time(index);
        self.loaded.insert(plan, index);
        self.tally.stored(plan, index);
        Ok(())
    }

    /// What is fetched again is refused again.
    fn take_out_refused(&mut self, writer: &AssetWriter) -> Result<()> {
        for index in std::mem::take(&mut self.refused) {
            let paths = self.job.plan.paths(index);
            for path in paths.filter(|path| writer.contains(path)) {
                writer.remove_entry(&path)?;
            }
        }
        Ok(())
    }

    /// Whether a resource is an initialization section that says what its playlist does not: that its samples are encrypted.
    fn check_open(&self, session: &Session, index: usize, digest: &Digest) -> Result<()> {
        let plan = &self.job.plan;
        let is_silent = |(track, kind)| {
            let track: Option<&PlannedTrack> = plan.tracks().get(track);
            matches!(kind, ResourceKind::Map(_))
                && track.is_some_and(|track| track.fresh.keys().is_empty())
        };
        if self.job.metadata.keep_protected || !plan.needs(index).any(is_silent) {
            return Ok(());
        }
        let Some(systems) = concealed::of_blob(&session.store, digest) else {
            return Ok(());
        };
        let at = plan.get(index).map(|resource| source::shown(&resource.url));
        let at = at.unwrap_or_default();
        Err(admission::protected(&at, &systems.join(", ")))
    }

    /// Tells how far it has come, as often as somebody wants to know.
    fn tell(&mut self, is_last: bool, observe: &mut impl FnMut(DownloadEvent)) {
        if self.pace.is_due(is_last) {
            observe(self.progress());
            for event in self.loaded.news(&self.job.plan, is_last) {
                observe(event);
            }
        }
    }

    /// Notes a resource that cannot be had; an error means that going on is pointless.
    fn failed(
        &mut self,
        index: usize,
        error: segment_fetch::Error,
        observe: &mut impl FnMut(DownloadEvent),
    ) -> Result<()> {
        let Some(resource) = self.job.plan.get(index) else {
            return Ok(());
        };
        let withheld = error.kind() == segment_fetch::ErrorKind::AddressExpired && {
            let path = self.job.plan.paths(index).next().unwrap_or_default();
            self.has_expired = self.refreshes.has_expired(path, self.something_came);
            !self.has_expired
        };
        let about_this_resource = withheld || is_about_the_resource(error.kind());
        let error = Error::from(error);
        let track = self
            .job
            .plan
            .need(index)
            .map(|(track, _)| track.name.clone());
        let has_spare = track
            .as_ref()
            .is_some_and(|track| self.spare.contains(track));
        self.failed.tracks.extend(track);
        if !about_this_resource {
            self.failed.is_host_gone = true;
            return Err(error);
        }
        let url = source::shown(&resource.url);
        if self.job.allow_gaps && resource.role == layout::role::SEGMENT && !has_spare {
            observe(DownloadEvent::Gap {
                url: url.clone(),
                error: error.one_line(),
            });
            self.gaps.extend(self.job.plan.paths(index).map(|path| Gap {
                path,
                url: url.clone(),
            }));
            return Ok(());
        }
        self.failures.push(error);
        if self.failures.len() >= FAILURES_LIMIT {
            self.verdict()
        } else {
            Ok(())
        }
    }

    /// Writes gaps down, so that who plays what is there goes on behind them. The end of the download does so again.
    fn note_gaps(&mut self, session: &Session) {
        let (noted, when) = self.noted_gaps;
        if self.gaps.len() == noted || when.elapsed() < NOTE_GAPS_EVERY {
            return;
        }
        self.noted_gaps = (self.gaps.len(), Instant::now());
        let mut state = StateRecord::new(DownloadState::Downloading, self.stored);
        state.gaps.clone_from(&self.job.accepted_gaps);
        state.gaps.extend(self.gaps.iter().cloned());
        if let Err(error) = record::set_state(&session.store, &self.job.id, &state) {
            tracing::warn!(%error, "gaps could not be noted");
        }
    }

    fn verdict(&mut self) -> Result<()> {
        let count = self.failures.len();
        let Some(first) = self.failures.drain(..).next() else {
            return Ok(());
        };
        let kind = first.kind();
        let what = if count == 1 {
            "a resource could not be had".to_owned()
        } else {
            format!("{count} resources could not be had, the first")
        };
        let hint = if kind == ErrorKind::AddressExpired {
            format!(
                "the address has expired or needs credentials: `offline resume {} --url URL` goes on from a fresh one, what is there is kept",
                self.job.id
            )
        } else {
            "download again to try once more, or leave holes where they are with --allow-gaps"
                .to_owned()
        };
        Err(Error::new(kind, what).because(first).hint(hint))
    }

    fn progress(&self) -> DownloadEvent {
        let share = if self.media_total.is_zero() {
            0.0
        } else {
            seconds(self.media_stored) / seconds(self.media_total)
        };
        DownloadEvent::Progress {
            bytes: self.bytes,
            resources_stored: self.stored,
            resources: self.job.metadata.resources,
            media_time: share * seconds(self.job.duration),
            duration: seconds(self.job.duration),
            tracks: self.tally.tracks(),
        }
    }
}

/// Waits for a commit, and says of which resource it is the first.
async fn settle(
    resource: Option<usize>,
    commit: Commit,
) -> (
    Option<usize>,
    std::result::Result<Entry, asset_store::Error>,
) {
    (resource, commit.await)
}

/// Whether other resources may still be had: the server answered, and what it said is about this one.
pub(super) fn is_about_the_resource(kind: segment_fetch::ErrorKind) -> bool {
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
