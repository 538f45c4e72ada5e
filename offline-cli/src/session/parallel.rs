//! The same for many things on all processors.

use std::panic;
use std::thread;

/// What `action` gives for each item, in the order of the items.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], action: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    let size = items.len().div_ceil(threads).max(1);
    let action = &action;
    thread::scope(|scope| {
        let running: Vec<_> = items
            .chunks(size)
            .map(|items| scope.spawn(move || items.iter().map(action).collect::<Vec<R>>()))
            .collect();
        let joined = running.into_iter().map(thread::ScopedJoinHandle::join);
        joined
            .flat_map(|part| part.unwrap_or_else(|panic| panic::resume_unwind(panic)))
            .collect()
    })
}
