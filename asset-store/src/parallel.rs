//! The same for many things on several threads.

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::Builder;

use crate::{Error, ErrorKind};

/// Results that may wait to be told.
const RESULTS: usize = 64;

/// Calls `action` on every item, on so many threads, and `done` with what it gave, here. With one thread in order,
/// with more in no order. The first error ends it.
pub(crate) fn for_each_on<T: Sync, R: Send>(
    threads: NonZeroUsize,
    items: &[T],
    action: impl Fn(&T) -> Result<R, Error> + Sync,
    mut done: impl FnMut(&T, R),
) -> Result<(), Error> {
    let threads = threads.get().min(items.len());
    if threads <= 1 {
        return items.iter().try_for_each(|item| {
            done(item, action(item)?);
            Ok(())
        });
    }
    let next = AtomicUsize::new(0);
    let (send, results) = sync_channel(RESULTS);
    let work = |send: SyncSender<_>| {
        while let Some(item) = items.get(next.fetch_add(1, Ordering::Relaxed)) {
            // After a failure nobody listens any more.
            if send.send((item, action(item))).is_err() {
                break;
            }
        }
    };
    std::thread::scope(|scope| {
        for number in 0..threads {
            let send = send.clone();
            match Builder::new().spawn_scoped(scope, || work(send)) {
                Ok(_) => {}
                Err(error) if number == 0 => {
                    let message = format!("cannot start a thread: {error}");
                    return Err(Error::new(ErrorKind::Io, message));
                }
                // Those that are there do it all.
                Err(_) => break,
            }
        }
        drop(send);
        for (item, result) in results {
            done(item, result?);
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_done_once_and_the_first_error_ends_it() {
        let items: Vec<u32> = (0..1000).collect();
        for threads in [1, 3, 2000] {
            let threads = NonZeroUsize::new(threads).unwrap();
            let mut sum = 0;
            for_each_on(
                threads,
                &items,
                |item| Ok(item * 2),
                |_, double| sum += double,
            )
            .unwrap();
            assert_eq!(sum, 999_000);

            let mut done = 0;
            let refuse = |item: &u32| match item {
                10 => Err(Error::new(ErrorKind::Io, "refused")),
                _ => Ok(()),
            };
            assert!(for_each_on(threads, &items, refuse, |_, ()| done += 1).is_err());
            assert!(done < 1000);
        }
    }
}
