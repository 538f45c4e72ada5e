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
use super::recorder::{Committed, Recorder};
use crate::adapters::sink::PartialSink;
use crate::session::DownloadEvent;
use crate::{Error, ErrorKind, Result};

/// At most this much is lost when the process is killed.
const SAVE_EVERY: Duration = Duration::from_secs(30);

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
        self.begin(writer, observe);
        for track in 0..self.tracks.len() {
            let next = self.next_look(track);
            looks.extend(next.map(|next| look(session.network.clone(), self.clock, next)));
        }
        let ended = loop {
            if let Err(error) = self.open(writer, observe) {
                break Err(error);
            }
            self.take_more(writer, observe);
            let later = std::mem::take(&mut self.to_do.later).into_iter();
            pauses.extend(later.map(|(at, number)| pause(self.clock, at, number)));
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
                saved => saved.unwrap_or_default().saturating_add(SAVE_EVERY),
            };
            tokio::select! {
                biased;
                () = &mut stop => break Ok(Ended::Stopped),
                () = self.clock.until(save_at) => if let Err(error) = self.save(writer, false) {
                    break Err(error);
                },
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
                    Some(Event::Finished { tag, sink, .. }) => self.finished(tag, sink.into_partial(), writer),
                    Some(Event::Failed { tag, error, sink }) => {
                        // Whoever tries again opens it again.
                        drop(sink);
                        match self.failed(tag, error, observe) {
                            Ok(again) => pauses.extend(again.map(|at| pause(self.clock, at, tag))),
                            Err(error) => break Err(error),
                        }
                    }
                    Some(Event::Progress { bytes, .. }) => {
                        self.bytes = self.bytes.saturating_add(bytes);
                        observe(self.progress());
                    }
                    Some(Event::Retrying { error, after, .. }) => observe(DownloadEvent::retrying(&error, after)),
                    Some(_) => {}
                },
                Some(seen) = looks.next() => {
                    let track = seen.track;
                    self.seen(seen, writer, observe);
                    let next = self.next_look(track);
                    looks.extend(next.map(|next| look(session.network.clone(), self.clock, next)));
                }
                Some(number) = pauses.next() => self.to_do.fetches.push(number),
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
}

async fn settle(
    what: Committed,
    commit: Commit,
) -> (Committed, std::result::Result<Entry, asset_store::Error>) {
    (what, commit.await)
}

async fn pause(clock: Clock, until: Duration, number: u64) -> u64 {
    clock.until(until).await;
    number
}
