//! The loop of a recording: looks, fetches, commits and pauses, whichever is ready first.

use std::future::Future;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use asset_store::{AssetWriter, Commit, Entry, PartialKey};
use futures::channel::mpsc::unbounded;
use futures::stream::{FuturesUnordered, StreamExt};
use segment_fetch::{Event, Job, Request};

use super::Ended;
use super::clock::Clock;
use super::looking::look;
use super::parts::together;
use super::recorder::{Committed, Later, Recorder};
use crate::adapters::sink::PartialSink;
use crate::session::attention::{Attention, Looks};
use crate::session::{DownloadEvent, Network};
use crate::{Error, ErrorKind, Result};

/// At most this much is lost when the process is killed.
const SAVE_EVERY: Duration = Duration::from_secs(30);

/// What players that follow the recording are behind it at most.
const SAVE_WATCHED_EVERY: Duration = Duration::from_secs(1);

impl Recorder<'_> {
    /// Records until there is a reason to end.
    pub(super) async fn run(
        &mut self,
        writer: &AssetWriter,
        mut stop: impl Future<Output = ()> + Unpin,
        observe: &mut impl FnMut(DownloadEvent),
    ) -> Result<Ended> {
        let session = self.session;
        let (jobs, queue) = unbounded();
        let unopened: Arc<Mutex<Option<Error>>> = Arc::default();
        let failed = Arc::clone(&unopened);
        let queue = queue.scan(
            (),
            move |(), (number, request, key): (u64, Request, PartialKey)| {
                let opened = writer.partial(&key).map_err(|error| {
                    let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
                    *failed = Some(error.into());
                });
                let sink = opened.map(PartialSink::new);
                std::future::ready(sink.ok().map(|sink| Job::new(number, request, sink)))
            },
        );
        let mut fetches = pin!(session.network.fetcher.fetch_all(queue));
        let mut looks = FuturesUnordered::new();
        let mut pauses = FuturesUnordered::new();
        let mut commits = FuturesUnordered::new();
        let (mut looks_of_players, mut save_every) = (Looks::new(SAVE_WATCHED_EVERY), SAVE_EVERY);
        self.begin(writer, observe);
        for track in 0..self.tracks.len() {
            let next = self.next_look(track);
            looks.extend(next.map(|next| look(session.network.clone(), self.clock, next)));
        }
        let ended = loop {
            if let Err(error) = self.open(writer, observe) {
                break Err(error);
            }
            self.make_room(observe);
            self.take_more(writer, observe);
            let later = std::mem::take(&mut self.to_do.later).into_iter();
            pauses.extend(later.map(|later| wait(&session.network, self.clock, later)));
            for number in std::mem::take(&mut self.to_do.fetches) {
                if let Some((request, key)) = self.fetching.request(number, self.reach) {
                    // The other end lives as long as this loop.
                    let _ = jobs.unbounded_send((number, request, key));
                }
            }
            let begun = std::mem::take(&mut self.to_do.commits).into_iter();
            commits.extend(begun.map(|(what, commit)| settle(what, commit)));
            if let Some(ended) = self.over(!looks.is_empty()) {
                break Ok(ended);
            }
            let save_at = match self.saved {
                // The first segments are playable at once.
                None if self.has_media() => Duration::ZERO,
                saved => saved.unwrap_or_default().saturating_add(save_every),
            };
            tokio::select! {
                biased;
                () = &mut stop => break Ok(Ended::Stopped),
                () = self.clock.until(save_at) => if let Err(error) = self.save(writer, false) {
                    break Err(error);
                },
                attention = looks_of_players.next(&session.store, &self.id) => save_every = save_every_for(&attention),
                Some((what, committed)) = commits.next() => match committed {
                    Ok(entry) => {
                        self.committed(&what, &entry, writer);
                        observe(self.progress());
                    }
                    Err(error) => break Err(error.into()),
                },
                event = fetches.next() => match event {
                    None => {
                        let error = unopened.lock().unwrap_or_else(PoisonError::into_inner).take();
                        let unknown = || Error::new(ErrorKind::Storage, "nothing is fetched any more");
                        break Err(error.unwrap_or_else(unknown));
                    }
                    Some(event) => if let Err(error) = self.fetched(event, writer, observe) {
                        break Err(error);
                    },
                },
                Some(seen) = looks.next() => {
                    let track = seen.track;
                    self.seen(seen, writer, observe);
                    let next = self.next_look(track);
                    looks.extend(next.map(|next| look(session.network.clone(), self.clock, next)));
                }
                Some((number, pieces)) = pauses.next() => {
                    if let Err(error) = self.waited(number, pieces, writer, observe) {
                        break Err(error);
                    }
                }
            }
        };
        // Whatever ended it: what is on its way to the disk is whole and worth keeping.
        while let Some((what, committed)) = commits.next().await {
            if let Ok(entry) = committed {
                self.committed(&what, &entry, writer);
            }
            let begun = std::mem::take(&mut self.to_do.commits).into_iter();
            commits.extend(begun.map(|(what, commit)| settle(what, commit)));
        }
        ended.and_then(|ended| self.open(writer, observe).map(|()| ended))
    }

    /// Takes in what the network tells.
    fn fetched(
        &mut self,
        event: Event<u64, PartialSink>,
        writer: &AssetWriter,
        observe: &mut impl FnMut(DownloadEvent),
    ) -> Result<()> {
        match event {
            Event::Finished { tag, sink, .. } => self.finished(tag, sink.into_partial(), writer),
            Event::Failed { tag, error, sink } => {
                // Whoever tries again opens it again.
                drop(sink);
                return self.failed(tag, error, observe);
            }
            Event::Progress { bytes, .. } => {
                self.bytes = self.bytes.saturating_add(bytes);
                observe(self.progress());
            }
            Event::Retrying { error, after, .. } => {
                observe(DownloadEvent::retrying(&error, after));
            }
            _ => {}
        }
        Ok(())
    }

    /// An item's time has come, or it was made of its pieces.
    fn waited(
        &mut self,
        number: u64,
        pieces: Option<Pieces>,
        writer: &AssetWriter,
        observe: &mut impl FnMut(DownloadEvent),
    ) -> Result<()> {
        match pieces {
            None => {
                self.to_do.fetches.push(number);
                Ok(())
            }
            Some(Ok(bytes)) => {
                let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                self.bytes = self.bytes.saturating_add(length);
                self.assembled(number, &bytes, writer)
            }
            Some(Err(error)) => self.failed(number, error, observe),
        }
    }
}

type Pieces = std::result::Result<Vec<u8>, segment_fetch::Error>;

fn save_every_for(attention: &Attention) -> Duration {
    if attention.is_any() {
        SAVE_WATCHED_EVERY
    } else {
        SAVE_EVERY
    }
}

async fn settle(
    what: Committed,
    commit: Commit,
) -> (Committed, std::result::Result<Entry, asset_store::Error>) {
    (what, commit.await)
}

/// Waits until it is time; what is to be made of pieces is fetched then.
async fn wait(network: &Network, clock: Clock, later: Later) -> (u64, Option<Pieces>) {
    clock.until(later.at).await;
    let bytes = if later.pieces.is_empty() {
        None
    } else {
        Some(together(network, later.pieces).await)
    };
    (later.number, bytes)
}
