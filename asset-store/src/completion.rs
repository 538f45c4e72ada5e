//! One result handed from the committer to whoever waits for it, blocking or as a future.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::{Entry, Error, ErrorKind};

/// Locks even after a panic of another thread: what our mutexes guard is never half changed.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug)]
struct Shared<T> {
    slot: Mutex<Slot<T>>,
    filled: Condvar,
}

#[derive(Debug)]
struct Slot<T> {
    result: Option<Result<T, Error>>,
    done: bool,
    waker: Option<Waker>,
}

/// The end that is filled once. Dropped unfilled, it says that the store was closed.
#[derive(Debug)]
pub(crate) struct Completion<T> {
    shared: Arc<Shared<T>>,
}

/// The end that waits.
#[derive(Debug)]
pub(crate) struct Pending<T> {
    shared: Arc<Shared<T>>,
}

pub(crate) fn pair<T>() -> (Completion<T>, Pending<T>) {
    let slot = Mutex::new(Slot {
        result: None,
        done: false,
        waker: None,
    });
    let shared = Arc::new(Shared {
        slot,
        filled: Condvar::new(),
    });
    (
        Completion {
            shared: Arc::clone(&shared),
        },
        Pending { shared },
    )
}

impl<T> Completion<T> {
    pub(crate) fn fill(self, result: Result<T, Error>) {
        self.fill_if_empty(|| result);
    }

    fn fill_if_empty(&self, result: impl FnOnce() -> Result<T, Error>) {
        let mut slot = lock(&self.shared.slot);
        if slot.done {
            return;
        }
        slot.done = true;
        slot.result = Some(result());
        let waker = slot.waker.take();
        drop(slot);
        self.shared.filled.notify_all();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

impl<T> Drop for Completion<T> {
    fn drop(&mut self) {
        self.fill_if_empty(|| {
            Err(Error::new(
                ErrorKind::Io,
                "the store was closed before the commit was done",
            ))
        });
    }
}

impl<T> Pending<T> {
    pub(crate) fn wait(self) -> Result<T, Error> {
        let mut slot = lock(&self.shared.slot);
        loop {
            if let Some(result) = slot.result.take() {
                return result;
            }
            slot = self
                .shared
                .filled
                .wait(slot)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn poll(&self, context: &Context<'_>) -> Poll<Result<T, Error>> {
        let mut slot = lock(&self.shared.slot);
        if let Some(result) = slot.result.take() {
            return Poll::Ready(result);
        }
        slot.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

/// A commit under way: a future that any executor can drive, or [`wait`](Commit::wait) for it.
///
/// Ready means acknowledged: in a durable store the entry survives a power cut from then on.
/// Dropping it abandons the answer, not the commit.
#[derive(Debug)]
#[must_use = "a commit is acknowledged only when it has been waited for"]
pub struct Commit {
    pending: Pending<Entry>,
}

impl Commit {
    pub(crate) fn new(pending: Pending<Entry>) -> Commit {
        Commit { pending }
    }

    /// Blocks until the commit is acknowledged or has failed.
    ///
    /// # Errors
    /// [`ErrorKind::DiskFull`] and others; then the asset is as it was before.
    pub fn wait(self) -> Result<Entry, Error> {
        self.pending.wait()
    }
}

impl Future for Commit {
    type Output = Result<Entry, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        self.pending.poll(context)
    }
}
