//! Which waiting jobs can share one request: ranges of one file that follow each other, and all of a file that comes whole.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::ops::Range;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::{HeaderName, HeaderValue};
use url::Url;

use super::{Driver, UnderWay, Waiting};
use crate::schedule::Place;
use crate::{HttpService, Job, Merge, Reach, Sink};

/// How many files are remembered for how their server answers.
const REMEMBERED: usize = 256;

/// What jobs have to have in common to share a request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct File {
    url: Url,
    headers: Vec<(HeaderName, HeaderValue)>,
    reach: Reach,
    refuse_html: bool,
    group: u64,
    priority: i32,
}

/// A job and the place where it waited.
pub(super) struct Part<T, K> {
    pub(super) place: Place,
    pub(super) waiting: Waiting<T, K>,
}

/// Where jobs come to a request that is under way. Clones are the same.
pub(super) struct Lobby<T, K>(Arc<Mutex<Entrance<T, K>>>);

pub(super) struct Entrance<T, K> {
    /// Whether jobs may come: the server sends the whole, or is thought to.
    pub(super) is_open: bool,
    /// The place in the file of the next piece of the body.
    pub(super) at: u64,
    pub(super) arrivals: Vec<Part<T, K>>,
}

impl<T, K> Clone for Lobby<T, K> {
    fn clone(&self) -> Self {
        Lobby(Arc::clone(&self.0))
    }
}

impl<T, K> Lobby<T, K> {
    fn new(is_open: bool) -> Self {
        Lobby(Arc::new(Mutex::new(Entrance {
            is_open,
            at: 0,
            arrivals: Vec::new(),
        })))
    }

    pub(super) fn enter(&self) -> MutexGuard<'_, Entrance<T, K>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The jobs that wait and may share a request, and what is known of their servers.
#[derive(Default)]
pub(super) struct Neighbours {
    waiting: HashMap<File, BTreeMap<u64, Place>>,
    /// Files that come whole, whatever is asked for.
    whole: HashSet<File>,
    /// Files of which merged ranges were not answered rightly.
    refused: HashSet<File>,
    /// The request that takes in jobs, by file.
    hosts: HashMap<File, u64>,
}

impl Neighbours {
    fn add(&mut self, file: File, start: u64, place: Place) {
        self.waiting.entry(file).or_default().insert(start, place);
    }

    fn remove(&mut self, file: &File, start: u64, place: Place) {
        let Some(starts) = self.waiting.get_mut(file) else {
            return;
        };
        if starts.get(&start) == Some(&place) {
            starts.remove(&start);
        }
        if starts.is_empty() {
            self.waiting.remove(file);
        }
    }

    /// The first job that begins at or after `start`.
    fn first_from(&self, file: &File, start: u64) -> Option<(u64, Place)> {
        let (&start, &place) = self.waiting.get(file)?.range(start..).next()?;
        Some((start, place))
    }

    fn at(&self, file: &File, start: u64) -> Option<Place> {
        self.waiting.get(file)?.get(&start).copied()
    }
}

fn remember(files: &mut HashSet<File>, file: File) {
    if files.len() >= REMEMBERED {
        files.clear();
    }
    files.insert(file);
}

/// The range of a job that may share a request: nothing is held of it, and nothing asked that only one request can have.
fn sharing<T, K: Sink>(waiting: &Waiting<T, K>) -> Option<Range<u64>> {
    let Job { request, sink, .. } = &waiting.job;
    let range = request.range.clone()?;
    let length = range.end.checked_sub(range.start)?;
    let may = !waiting.is_alone
        && length > 0
        && length <= request.expect.max_length
        && !request.expect.compression
        && request.expect.total_timeout.is_none()
        && matches!(request.url.scheme(), "http" | "https")
        && sink.position().length == 0;
    may.then_some(range)
}

fn file<T, K>(job: &Job<T, K>) -> File {
    let headers = job.request.headers.iter();
    File {
        url: job.request.url.clone(),
        headers: headers
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
        reach: job.request.reach,
        refuse_html: job.request.expect.refuse_html,
        group: job.group,
        priority: job.priority,
    }
}

/// How a job that was taken from the queue is to run.
pub(super) enum Start<T, K> {
    Alone {
        waiting: Box<Waiting<T, K>>,
        file: Option<File>,
    },
    Shared {
        file: File,
        parts: Vec<Part<T, K>>,
        lobby: Lobby<T, K>,
    },
}

impl<S, T, K> Driver<S, T, K>
where
    S: HttpService,
    T: Clone + Send + 'static,
    K: Sink + 'static,
{
    /// A job waits at `place` from now on, or goes to a request that brings it along.
    pub(super) fn waits_at(&mut self, place: Place) {
        if self.fetcher.options().merge.is_none() {
            return;
        }
        let Some(waiting) = self.schedule.get_mut(place) else {
            return;
        };
        let Some(range) = sharing(waiting) else {
            return;
        };
        let file = file(&waiting.job);
        self.neighbours.add(file.clone(), range.start, place);
        if let Some(lobby) = self.host(&file) {
            self.fill(&file, &lobby);
        }
    }

    /// The job that waits at `place` is about to be taken from there.
    pub(super) fn waits_no_more_at(&mut self, place: Place) {
        let Some(waiting) = self.schedule.get_mut(place) else {
            return;
        };
        if let Some(range) = sharing(waiting) {
            let file = file(&waiting.job);
            self.neighbours.remove(&file, range.start, place);
        }
    }

    /// How to run what was taken from the queue as `number`, and with which others. `exhausted`: no more jobs come.
    pub(super) fn gather(
        &mut self,
        number: u64,
        place: Place,
        waiting: Waiting<T, K>,
        exhausted: bool,
    ) -> Start<T, K> {
        let Some((merge, range)) = self.fetcher.options().merge.zip(sharing(&waiting)) else {
            return Start::Alone {
                waiting: Box::new(waiting),
                file: None,
            };
        };
        let file = file(&waiting.job);
        self.neighbours.remove(&file, range.start, place);
        let mut parts = vec![Part { place, waiting }];
        if !self.neighbours.refused.contains(&file) {
            self.follow(&file, range, place, merge, exhausted, &mut parts);
        }
        let hosting = self.neighbours.whole.contains(&file) && self.host(&file).is_none();
        match parts.pop() {
            Some(part) if parts.is_empty() && !hosting => Start::Alone {
                waiting: Box::new(part.waiting),
                file: Some(file),
            },
            last => {
                parts.extend(last);
                self.held.fetch_add(parts.len(), Ordering::Relaxed);
                let lobby = Lobby::new(hosting);
                if hosting {
                    self.neighbours.hosts.insert(file.clone(), number);
                    self.fill(&file, &lobby);
                }
                Start::Shared { file, parts, lobby }
            }
        }
    }

    /// Takes those from the queue that follow `range` without a gap.
    fn follow(
        &mut self,
        file: &File,
        range: Range<u64>,
        place: Place,
        merge: Merge,
        exhausted: bool,
        parts: &mut Vec<Part<T, K>>,
    ) {
        let mut most = merge.parts;
        if exhausted {
            // The last ones are shared out, so that no connection has to bring all of them.
            let waiting = self.schedule.queue().waiting_at(place.host());
            most = most.min((waiting + 1).div_ceil(self.schedule.window_at(place).max(1)));
        }
        let Range { start, mut end } = range;
        if end - start > merge.longest {
            return;
        }
        while parts.len() < most
            && self.held.load(Ordering::Relaxed) + parts.len() < merge.total
            && let Some(next) = self.neighbours.at(file, end)
            && let Some(range) = self.schedule.get_mut(next).and_then(|job| sharing(job))
            && range.end - range.start <= merge.longest
            && range.end - start <= merge.bytes
            && let Some(waiting) = self.schedule.take(next)
        {
            self.neighbours.remove(file, end, next);
            end = range.end;
            let place = next;
            parts.push(Part { place, waiting });
        }
    }

    /// The request that takes in jobs of a file.
    fn host(&self, file: &File) -> Option<Lobby<T, K>> {
        let number = self.neighbours.hosts.get(file)?;
        let lobby = self.under_way.get(number)?.lobby.as_ref()?;
        lobby.enter().is_open.then(|| lobby.clone())
    }

    /// Brings the waiting jobs that lie ahead of a request to it.
    fn fill(&mut self, file: &File, lobby: &Lobby<T, K>) {
        let mut entrance = lobby.enter();
        let mut from = entrance.at;
        while let Some((start, place)) = self.neighbours.first_from(file, from) {
            self.neighbours.remove(file, start, place);
            if let Some(waiting) = self.schedule.take(place) {
                entrance.arrivals.push(Part { place, waiting });
                self.held.fetch_add(1, Ordering::Relaxed);
            }
            from = start;
        }
    }

    /// The server of what runs as `number` sends the whole to those who ask for a range, or after all does not.
    pub(super) fn ignores_ranges(&mut self, number: u64, ignores: bool) {
        let Some(under_way) = self.under_way.get(&number) else {
            return;
        };
        let (Some(file), lobby) = (under_way.file.clone(), under_way.lobby.clone()) else {
            return;
        };
        self.changed = true;
        if !ignores {
            self.neighbours.whole.remove(&file);
            self.close(lobby);
            return;
        }
        remember(&mut self.neighbours.whole, file.clone());
        if let Some(lobby) = lobby
            && self.host(&file).is_none()
        {
            lobby.enter().is_open = true;
            self.neighbours.hosts.insert(file.clone(), number);
            self.fill(&file, &lobby);
        }
    }

    /// What ran as `number` with others is no more: `left` wait again. Its own place still has to be given up.
    pub(super) fn parted(&mut self, number: u64, ended: UnderWay<T, K>, left: Vec<Part<T, K>>) {
        if let Some(file) = &ended.file
            && self.neighbours.hosts.get(file) == Some(&number)
        {
            self.neighbours.hosts.remove(file);
        }
        for part in left {
            self.back(part);
        }
        self.close(ended.lobby);
    }

    /// Merged ranges of what runs as `number` were not answered rightly.
    pub(super) fn not_merged(&mut self, number: u64) {
        let file = self
            .under_way
            .get(&number)
            .and_then(|under_way| under_way.file.clone());
        if let Some(file) = file {
            remember(&mut self.neighbours.refused, file);
        }
    }

    /// Sends away those who came to a request and were not taken along. What they came to still has to run, so that their
    /// places are good.
    fn close(&mut self, lobby: Option<Lobby<T, K>>) {
        let Some(lobby) = lobby else {
            return;
        };
        let arrivals = {
            let mut entrance = lobby.enter();
            entrance.is_open = false;
            std::mem::take(&mut entrance.arrivals)
        };
        for part in arrivals {
            self.back(part);
        }
    }

    /// A job that was to share a request waits again.
    fn back(&mut self, part: Part<T, K>) {
        self.held.fetch_sub(1, Ordering::Relaxed);
        self.schedule.put_back(part.place, part.waiting);
        self.waits_at(part.place);
    }
}
