//! Group commit: one thread per store that takes what is queued and makes it durable together.
//!
//! While the disk works on one batch the next one gathers, so nobody ever waits for company. The
//! order within a batch is what a crash may not reorder: data, then names, then log, then answers.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{Builder, JoinHandle};

use crate::completion::{Completion, lock};
use crate::entry::ROLE_KEY;
use crate::index::SourceIndex;
use crate::layout::Layout;
use crate::lock::{Mode, SweepLock};
use crate::manifest::Record;
use crate::partial::Partial;
use crate::writer::WriterState;
use crate::{Asset, Entry, Error, ErrorKind, blob, record};

const MAX_BATCH: usize = 256;

/// Whoever commits faster than the disk takes it waits here, with this many files open.
const QUEUE: usize = 256;

/// Syncs under way at the same time, so that the file system can answer several with one flush.
const SYNC_THREADS: usize = 8;

/// A change of one entry of one asset.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) state: Arc<WriterState>,
    pub(crate) path: String,
    pub(crate) entry: Entry,
    pub(crate) action: Action,
    pub(crate) done: Completion<Entry>,
}

#[derive(Debug)]
pub(crate) enum Action {
    /// The blob comes from this partial.
    Store(Box<Partial>),
    /// The blob is there already.
    Link,
    /// The path loses its entry.
    Remove,
}

impl Action {
    fn name(&self) -> &'static str {
        match self {
            Action::Store(_) => "stored",
            Action::Link => "linked",
            Action::Remove => "removed",
        }
    }
}

pub(crate) enum Job {
    Change(Change),
    Seal {
        state: Arc<WriterState>,
        done: Completion<Asset>,
    },
}

/// The thread and the queue in front of it.
#[derive(Debug)]
pub(crate) struct Committer {
    queue: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Committer {
    pub(crate) fn start(
        layout: Arc<Layout>,
        index: Arc<SourceIndex>,
        durable: bool,
    ) -> Result<Committer, Error> {
        let (queue, jobs) = sync_channel(QUEUE);
        let root = layout.root().to_owned();
        let work = Work {
            layout,
            index,
            durable,
        };
        let thread = Builder::new()
            .name("asset-store commit".to_owned())
            .spawn(move || work.run(&jobs))
            .map_err(|error| Error::io("start the commit thread of", &root, error))?;
        Ok(Committer {
            queue: Some(queue),
            thread: Some(thread),
        })
    }

    /// Queues a job. If the thread is gone the job is dropped, and its completion says so.
    pub(crate) fn submit(&self, job: Job) {
        if let Some(queue) = &self.queue {
            // The job inside the error is dropped, which answers whoever waits.
            let _ = queue.send(job);
        }
    }
}

impl Drop for Committer {
    /// What is queued is committed before the store goes away.
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            // A task that we wake may drop the last handle of the store on our own thread.
            if thread.thread().id() != std::thread::current().id() {
                let _ = thread.join();
            }
        }
    }
}

/// A change on its way through a batch.
struct Step {
    change: Change,
    failure: Option<Error>,
}

struct Work {
    layout: Arc<Layout>,
    index: Arc<SourceIndex>,
    durable: bool,
}

impl Work {
    fn run(&self, jobs: &Receiver<Job>) {
        let mut batch = Vec::new();
        while let Ok(first) = jobs.recv() {
            let mut next = Some(first);
            while let Some(job) = next.take() {
                match job {
                    Job::Change(change) => batch.push(Step {
                        change,
                        failure: None,
                    }),
                    Job::Seal { state, done } => {
                        // Everything queued before the seal belongs to it.
                        self.commit(&mut batch);
                        let sealed = self.seal(&state);
                        drop(state);
                        done.fill(sealed);
                    }
                }
                if batch.len() < MAX_BATCH {
                    next = jobs.try_recv().ok();
                }
            }
            self.commit(&mut batch);
        }
    }

    fn seal(&self, state: &WriterState) -> Result<Asset, Error> {
        let _sweep = SweepLock::acquire(&self.layout, Mode::Shared)?;
        state.seal()
    }

    fn commit(&self, batch: &mut Vec<Step>) {
        if batch.is_empty() {
            return;
        }
        for_each(batch, |step| step.attempt(|change| self.prepare(change)));
        // Before the logs: whoever is killed leaves no entry that an index called complete lacks.
        let told = self.write_index(batch);
        match SweepLock::acquire(&self.layout, Mode::Shared) {
            Ok(_sweep) => {
                for step in &mut *batch {
                    step.attempt(|change| self.place(change));
                }
                if self.durable {
                    self.sync_directories(batch);
                }
                self.write_logs(batch);
            }
            Err(busy) => batch.iter_mut().for_each(|step| step.fail(&busy)),
        }
        if !told || self.index.is_broken() {
            // Another process may have built it in between, without these.
            self.index.mark_stale();
        }
        for step in batch.drain(..) {
            let Change {
                state,
                path,
                entry,
                action,
                done,
            } = step.change;
            match &step.failure {
                None => {
                    let what = action.name();
                    let bytes = entry.length;
                    tracing::debug!(asset = %state.id(), path, bytes, what, "committed");
                }
                Some(error) => {
                    tracing::debug!(asset = %state.id(), path, %error, "not committed");
                }
            }
            // Whoever is answered may at once open the partial or the writer again.
            drop(action);
            drop(state);
            done.fill(step.failure.map_or(Ok(entry), Err));
        }
    }

    /// Everything that needs no order among the changes: the bytes reach the disk, and a blob that
    /// is there already is trusted only if it holds what its name says.
    fn prepare(&self, change: &mut Change) -> Result<(), Error> {
        match &mut change.action {
            Action::Store(partial) => partial.finish(self.durable)?,
            Action::Link => {}
            Action::Remove => return Ok(()),
        }
        let digest = &change.entry.digest;
        match blob::examine(&self.layout, digest, Some(change.entry.length))? {
            blob::Condition::Intact | blob::Condition::Missing => Ok(()),
            _ => blob::move_aside(&self.layout, digest).map(drop),
        }
    }

    /// Gives the blob its name. Under the sweep lock, so that nobody collects it before the log
    /// names it.
    fn place(&self, change: &mut Change) -> Result<(), Error> {
        let Entry {
            digest,
            length,
            ref role,
            ..
        } = change.entry;
        let target = self.layout.blob(&digest);
        let there = blob::exists(&self.layout, &digest, length);
        let secret = role == ROLE_KEY;
        match &mut change.action {
            Action::Remove => return Ok(()),
            Action::Link if !there => {
                return Err(Error::at(
                    ErrorKind::Missing,
                    &target,
                    "the blob is not there",
                ));
            }
            Action::Store(partial) if !there => {
                let own = change.state.reserved();
                self.layout.quota().admit(&self.layout, length, own)?;
                partial.place(&target, secret).or_else(|error| {
                    // A copy of a store may have lost its empty folders.
                    let shard = self.layout.shard_of(&digest);
                    if !self.layout.fs().create_directory(&shard)? {
                        return Err(error);
                    }
                    self.layout.fs().sync_directory(&self.layout.blobs())?;
                    partial.place(&target, secret)
                })?;
                self.layout.quota().placed(length);
            }
            Action::Store(_) | Action::Link => {
                if let Action::Store(partial) = &mut change.action {
                    partial.mark_duplicate();
                }
                if secret {
                    self.layout.fs().make_immutable(&target, true)?;
                }
                // Whoever stored it may not have made it durable yet.
                if self.durable {
                    blob::make_durable(&self.layout, &digest)?;
                }
            }
        }
        if !self.durable {
            change.state.remember_unsynced(digest);
        }
        Ok(())
    }

    /// Makes the names durable, each folder once.
    fn sync_directories(&self, batch: &mut [Step]) {
        let mut folders: BTreeMap<PathBuf, Vec<usize>> = BTreeMap::new();
        for (position, step) in batch.iter().enumerate() {
            if step.failure.is_none() && !matches!(step.change.action, Action::Remove) {
                let shard = self.layout.shard_of(&step.change.entry.digest);
                folders.entry(shard).or_default().push(position);
            }
        }
        let mut folders: Vec<_> = folders
            .into_iter()
            .map(|(path, positions)| (path, positions, None))
            .collect();
        for_each(&mut folders, |(path, _, failure)| {
            *failure = self.layout.fs().sync_directory(path).err();
        });
        for (_, positions, failure) in folders {
            if let Some(error) = failure {
                fail_all(batch, &positions, &error);
            }
        }
    }

    /// Appends to the log of each asset once, then shows the changes to its writer.
    fn write_logs(&self, batch: &mut [Step]) {
        let mut assets: Vec<(Arc<WriterState>, Vec<usize>)> = Vec::new();
        for (position, step) in batch.iter().enumerate() {
            if step.failure.is_some() {
                continue;
            }
            let state = &step.change.state;
            match assets
                .iter_mut()
                .find(|(known, _)| Arc::ptr_eq(known, state))
            {
                Some((_, positions)) => positions.push(position),
                None => assets.push((Arc::clone(state), vec![position])),
            }
        }
        for (state, positions) in assets {
            let changes = positions.iter().filter_map(|&position| batch.get(position));
            let records: Vec<Record> = changes.map(|step| step.record(!self.durable)).collect();
            if let Err(error) =
                encode_all(&records).and_then(|lines| state.append_to_log(&lines, self.durable))
            {
                fail_all(batch, &positions, &error);
            } else {
                state.apply(records);
            }
        }
    }

    /// Says whether the index has it now.
    fn write_index(&self, batch: &[Step]) -> bool {
        let stored = batch
            .iter()
            .filter(|step| step.failure.is_none() && !matches!(step.change.action, Action::Remove))
            .map(|step| &step.change.entry);
        self.index.insert(stored)
    }
}

impl Step {
    fn attempt(&mut self, action: impl FnOnce(&mut Change) -> Result<(), Error>) {
        if self.failure.is_none() {
            self.failure = action(&mut self.change).err();
        }
    }

    fn fail(&mut self, error: &Error) {
        self.failure.get_or_insert_with(|| error.clone());
    }

    fn record(&self, relaxed: bool) -> Record {
        let path = self.change.path.clone();
        match self.change.action {
            Action::Remove => Record::Remove { path, relaxed },
            _ => Record::Put {
                path,
                entry: self.change.entry.clone(),
                relaxed,
            },
        }
    }
}

fn fail_all(batch: &mut [Step], positions: &[usize], error: &Error) {
    for &position in positions {
        if let Some(step) = batch.get_mut(position) {
            step.fail(error);
        }
    }
}

fn encode_all(records: &[Record]) -> Result<Vec<u8>, Error> {
    let mut lines = Vec::new();
    for record in records {
        lines.extend_from_slice(&record::encode(record)?);
    }
    Ok(lines)
}

/// Calls `action` on every item, a few at the same time: a disk takes several syncs at once.
fn for_each<T: Send>(items: &mut [T], action: impl Fn(&mut T) + Sync) {
    let threads = items.len().min(SYNC_THREADS);
    let left = Mutex::new(items.iter_mut());
    let work = || {
        loop {
            let Some(item) = lock(&left).next() else {
                break;
            };
            action(item);
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            // Where no more threads are to be had, those that are there do it all.
            let _ = Builder::new().spawn_scoped(scope, work);
        }
        work();
    });
}
