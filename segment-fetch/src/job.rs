//! Jobs, and what happens to them.

use std::time::Duration;

use crate::{Error, Report, Request, Sink};

/// One resource to fetch into one sink, with a tag to know it by.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Job<T, K> {
    /// Comes back with every event of the job.
    pub tag: T,
    /// What to fetch.
    pub request: Request,
    /// Where to put it; comes back when the job has ended.
    pub sink: K,
    /// What it belongs to, for example one download of several: groups of the same priority take turns. 0 by default.
    pub group: u64,
    /// Higher comes first. 0 by default.
    pub priority: i32,
}

impl<T, K: Sink> Job<T, K> {
    /// A job of group 0 and priority 0.
    pub fn new(tag: T, request: Request, sink: K) -> Self {
        Job {
            tag,
            request,
            sink,
            group: 0,
            priority: 0,
        }
    }

    /// Puts it into a group.
    #[must_use]
    pub fn with_group(mut self, group: u64) -> Self {
        self.group = group;
        self
    }

    /// Gives it a priority.
    #[must_use]
    pub fn with_priority(mut self, priority: i32) -> Self {
        self.priority = priority;
        self
    }
}

/// What happens to a job. Exactly one of `Finished` and `Failed` comes for each, and nothing after it.
#[derive(Debug)]
#[non_exhaustive]
pub enum Event<T, K> {
    /// The sink got more bytes. At most four a second for a job, or one for each 256 KiB.
    Progress {
        /// Which job.
        tag: T,
        /// Bytes appended since the last event of this job. After a restart bytes are counted again.
        bytes: u64,
    },
    /// An attempt failed and will be made again.
    Retrying {
        /// Which job.
        tag: T,
        /// Why.
        error: Error,
        /// After which pause.
        after: Duration,
        /// The number of the attempt that failed, from 1.
        attempt: u32,
    },
    /// Everything is in the sink, and right.
    Finished {
        /// Which job.
        tag: T,
        /// The sink, finished.
        sink: K,
        /// How it went.
        report: Report,
    },
    /// The job is given up.
    Failed {
        /// Which job.
        tag: T,
        /// The sink, where it is; a later job can continue it.
        sink: K,
        /// Why.
        error: Error,
    },
}
