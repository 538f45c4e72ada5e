//! When the playlists are read again, because addresses have expired or something came wrong.

use std::collections::HashSet;
use std::time::{Duration, Instant};

/// Addresses that are refused sooner than this after they were read have hardly expired.
const YOUNG: Duration = Duration::from_secs(10);
/// How often addresses as young as that are taken for expired all the same.
const YOUNG_REFRESHES: usize = 8;

/// What a download knows of its addresses.
#[derive(Debug)]
pub(super) struct Refreshes {
    read: Instant,
    /// How often the playlists were read again.
    count: usize,
    young: usize,
    /// What was refused before, by path.
    refused: HashSet<String>,
    /// Whether something that came wrong was asked for once more.
    is_wrong_retried: bool,
}

impl Refreshes {
    /// The playlists have just been read.
    pub(super) fn new() -> Self {
        Self {
            read: Instant::now(),
            count: 0,
            young: 0,
            refused: HashSet::new(),
            is_wrong_retried: false,
        }
    }

    /// Whether this is still the first reading.
    pub(super) fn is_first(&self) -> bool {
        self.count == 0
    }

    /// The address of a resource was refused: whether that says that the addresses have expired. It does not when a fresh address of it was refused too, or when
    /// nothing at all came from fresh ones: then it is withheld.
    pub(super) fn has_expired(&mut self, path: String, something_came: bool) -> bool {
        let is_new = self.refused.insert(path);
        if self.count == 0 || self.read.elapsed() >= YOUNG {
            return is_new;
        }
        if !is_new || !something_came || self.young >= YOUNG_REFRESHES {
            return false;
        }
        self.young += 1;
        true
    }

    /// Whether what came wrong is to be asked for again: once.
    pub(super) fn retries_wrong(&mut self) -> bool {
        !std::mem::replace(&mut self.is_wrong_retried, true)
    }

    /// The playlists have been read again.
    pub(super) fn done(&mut self) {
        self.count += 1;
        self.read = Instant::now();
    }
}
