//! The index: from the identity of a source to the blob that was stored for it.
//!
//! Nothing but a hint. It is built from the manifests, belongs to one process at a time, and may be
//! deleted whenever nobody uses it. Nothing is believed of it that the files do not confirm. It is
//! opened, or built anew, by a thread of its own: nobody waits for it for long.

mod rebuild;
mod table;

use std::collections::HashMap;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use table::{SledTable, Table};

use crate::completion::lock;
use crate::fs::File;
use crate::layout::Layout;
use crate::lock::{self, Mode};
use crate::partial::PartialKey;
use crate::{Digest, Entry, Error};

const VALUE_BYTES: usize = 40;

/// How long after it began to open the index is waited for. A whole one is there by then.
const PATIENCE: Duration = Duration::from_secs(1);

/// A look at the lock holds it for a moment, so one refusal does not yet mean that it is taken.
const GLANCE: Duration = Duration::from_millis(5);

/// Items that may wait until the index is open; with more it does without.
const MAX_WAITING: usize = 1 << 17;

/// Key and value: the digest of the source, and the blob with its length.
type Value = [u8; VALUE_BYTES];
type Item = (Digest, Value);

/// The index of one open store, opened when first needed.
pub(crate) struct SourceIndex {
    shared: Arc<Shared>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

/// What the thread that opens it needs too.
struct Shared {
    layout: Arc<Layout>,
    state: Mutex<State>,
    opened: Condvar,
    /// The store goes away: an index that is not finished yet stays so.
    stop: AtomicBool,
}

enum State {
    Untried,
    /// The thread is at work.
    Opening {
        since: Instant,
        /// Stored meanwhile.
        waiting: HashMap<Digest, Value>,
    },
    Open(Open),
    /// Another process has it, or it cannot be opened.
    Unavailable,
}

struct Open {
    table: Box<dyn Table>,
    _lock: File,
}

impl SourceIndex {
    pub(crate) fn new(layout: Arc<Layout>) -> SourceIndex {
        SourceIndex {
            shared: Arc::new(Shared {
                layout,
                state: Mutex::new(State::Untried),
                opened: Condvar::new(),
                stop: AtomicBool::new(false),
            }),
            thread: Mutex::default(),
        }
    }

    /// The blob that was last stored under the key.
    pub(crate) fn find(&self, key: &Digest) -> Option<(Digest, u64)> {
        let state = self.shared.wait(self.started(), Some(key));
        match &*state {
            State::Open(open) => decode(&open.table.get(key.as_bytes())?),
            State::Opening { waiting, .. } => decode(waiting.get(key)?),
            State::Untried | State::Unavailable => None,
        }
    }

    /// Notes what is about to be stored. Says whether it did; if not, whoever opens it next knows.
    pub(crate) fn insert<'a>(&self, entries: impl Iterator<Item = &'a Entry>) -> bool {
        let mut items = entries.filter_map(item).peekable();
        if items.peek().is_none() {
            return true;
        }
        let mut state = self.started();
        let noted = match &mut *state {
            State::Open(open) => open.table.insert(&mut items),
            State::Opening { waiting, .. } => {
                waiting.extend(items);
                waiting.len() <= MAX_WAITING
            }
            State::Untried | State::Unavailable => false,
        };
        if !noted {
            *state = State::Unavailable;
            self.shared.mark_stale();
        }
        noted
    }

    /// Whether it broke after it had begun to take notes.
    pub(crate) fn is_broken(&self) -> bool {
        let unavailable = matches!(*lock(&self.shared.state), State::Unavailable);
        unavailable && lock(&self.thread).is_some()
    }

    /// Lets whoever opens the index next know that it lacks something.
    pub(crate) fn mark_stale(&self) {
        self.shared.mark_stale();
    }

    /// The state, with the opening begun.
    fn started(&self) -> MutexGuard<'_, State> {
        let mut state = lock(&self.shared.state);
        if matches!(*state, State::Untried) {
            *state = self.start().unwrap_or_else(|error| {
                tracing::warn!(%error, "going on without the index");
                State::Unavailable
            });
        }
        state
    }

    /// Takes the lock of the index and leaves the rest to the thread.
    fn start(&self) -> Result<State, Error> {
        let layout = &self.shared.layout;
        let fs = layout.fs();
        // sled makes its own system calls.
        if !fs.is_local() {
            return Ok(State::Unavailable);
        }
        let folder = layout.index();
        fs.create_directory(&folder)?;
        let lock_path = folder.join("lock");
        let index_lock = fs.open_or_create(&lock_path)?;
        if !lock::acquire(&index_lock, &lock_path, Mode::Exclusive, GLANCE)? {
            return Ok(State::Unavailable);
        }
        let stale = fs.remove_file(&folder.join(STALE))?;
        // The marker goes before the first change, so that a crash leaves none.
        let clean = fs.remove_file(&folder.join(CLEAN))?;
        fs.sync_directory(&folder)?;
        let shared = Arc::clone(&self.shared);
        let thread = Builder::new()
            .name("asset-store index".to_owned())
            .spawn(move || shared.open(index_lock, clean && !stale))
            .map_err(|error| Error::io("start a thread for", &folder, error))?;
        *lock(&self.thread) = Some(thread);
        Ok(State::Opening {
            since: Instant::now(),
            waiting: HashMap::new(),
        })
    }
}

impl Shared {
    /// Waits until it is open, it has had enough time for that, or the wanted key is known without.
    fn wait<'a>(
        &self,
        mut state: MutexGuard<'a, State>,
        wanted: Option<&Digest>,
    ) -> MutexGuard<'a, State> {
        while let State::Opening { since, waiting } = &*state {
            let left = PATIENCE.saturating_sub(since.elapsed());
            if left.is_zero() || wanted.is_some_and(|key| waiting.contains_key(key)) {
                break;
            }
            let woken = self.opened.wait_timeout(state, left);
            state = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        state
    }

    /// Opens the table, or builds it where it is not `whole`, and lets the others have it.
    fn open(&self, index_lock: File, whole: bool) {
        let path = self.layout.index().join("sled");
        let kept = if whole {
            SledTable::open(self.layout.fs(), &path)
        } else {
            None
        };
        let table = if let Some(table) = kept {
            Ok(Some(table))
        } else {
            tracing::info!("building the index from the manifests");
            rebuild::rebuild(&self.layout, &path, &self.stop)
        };
        let mut table = table.unwrap_or_else(|error| {
            tracing::warn!(%error, "going on without the index");
            None
        });
        let mut state = lock(&self.state);
        // What was stored meanwhile goes in without holding others up, until there is no more of it.
        while let (State::Opening { waiting, .. }, Some(open)) = (&mut *state, &table) {
            if waiting.is_empty() {
                break;
            }
            let waiting = mem::take(waiting);
            drop(state);
            let noted = open.insert(&mut waiting.into_iter());
            state = lock(&self.state);
            if !noted {
                self.mark_stale();
                table = None;
            }
        }
        if let State::Opening { waiting, .. } = &*state {
            if table.is_none() && !waiting.is_empty() {
                self.mark_stale();
            }
            *state = match table {
                Some(table) => State::Open(Open {
                    table: Box::new(table),
                    _lock: index_lock,
                }),
                None => State::Unavailable,
            };
        }
        drop(state);
        self.opened.notify_all();
    }

    /// Lets whoever opens the index next know that it lacks something.
    fn mark_stale(&self) {
        let folder = self.layout.index();
        let fs = self.layout.fs();
        let _ = fs.create_directory(&folder);
        let _ = fs.overwrite(&folder.join(STALE), b"");
    }
}

/// File whose presence says that the index was closed with everything in it.
pub(crate) const CLEAN: &str = "clean";
/// File whose presence says that something was stored that the index was not told of.
pub(crate) const STALE: &str = "stale";

impl Drop for SourceIndex {
    fn drop(&mut self) {
        // What is small is finished first, so that the next one need not begin anew.
        drop(self.shared.wait(lock(&self.shared.state), None));
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = lock(&self.thread).take() {
            let _ = thread.join();
        }
        if let State::Open(open) = &*lock(&self.shared.state)
            && open.table.flush()
        {
            let folder = self.shared.layout.index();
            let _ = self.shared.layout.fs().replace(&folder, CLEAN, b"1\n");
        }
    }
}

impl std::fmt::Debug for SourceIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SourceIndex").finish_non_exhaustive()
    }
}

fn item(entry: &Entry) -> Option<Item> {
    let source = entry.source.as_ref()?;
    let key = PartialKey {
        identity: source.identity.clone(),
        range: source.range.clone(),
    };
    let mut value = [0; VALUE_BYTES];
    let (digest, length) = value.split_at_mut(32);
    digest.copy_from_slice(entry.digest.as_bytes());
    length.copy_from_slice(&entry.length.to_le_bytes());
    Some((key.digest().ok()?, value))
}

fn decode(value: &[u8]) -> Option<(Digest, u64)> {
    let (digest, length) = value.split_at_checked(32)?;
    let digest = Digest::from_bytes(digest.try_into().ok()?);
    Some((digest, u64::from_le_bytes(length.try_into().ok()?)))
}
