//! How often what is read is compared with its digest.

use std::collections::HashSet;
use std::num::NonZeroU64;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::Digest;
use crate::completion::lock;

/// Digests that are remembered as checked; with more the memory starts anew.
const MAX_REMEMBERED: usize = 1 << 18;

/// When [`Store::open_entry`](crate::Store::open_entry) reads a blob whole and compares it with its
/// digest before it gives it out. The length is always compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum VerifyOnRead {
    /// Never: [`Store::verify`](crate::Store::verify) and [`Store::scrub`](crate::Store::scrub) find damage.
    #[default]
    Never,
    /// When this handle of the store opens it for the first time.
    First,
    /// Each time.
    Always,
    /// One time in so many.
    Sampled(NonZeroU64),
}

/// The policy of a store that is open, and what it has to remember.
#[derive(Debug)]
pub(crate) struct Reading {
    policy: VerifyOnRead,
    opened: AtomicU64,
    checked: Mutex<HashSet<Digest>>,
}

impl Reading {
    pub(crate) fn new(policy: VerifyOnRead) -> Reading {
        Reading {
            policy,
            opened: AtomicU64::new(0),
            checked: Mutex::default(),
        }
    }

    /// Whether the blob that is about to be given out is read first.
    pub(crate) fn wants_check(&self, digest: &Digest) -> bool {
        match self.policy {
            VerifyOnRead::Never => false,
            VerifyOnRead::First => !lock(&self.checked).contains(digest),
            VerifyOnRead::Always => true,
            VerifyOnRead::Sampled(every) => self
                .opened
                .fetch_add(1, Ordering::Relaxed)
                .is_multiple_of(every.get()),
        }
    }

    /// The blob was right.
    pub(crate) fn passed(&self, digest: Digest) {
        if self.policy == VerifyOnRead::First {
            let mut checked = lock(&self.checked);
            if checked.len() >= MAX_REMEMBERED {
                checked.clear();
            }
            checked.insert(digest);
        }
    }
}
