//! The quota: how many bytes of blobs the store may hold.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use crate::completion::lock;
use crate::error::Shortage;
use crate::layout::Layout;
use crate::{Error, ErrorKind, reservation};

/// How long a count is believed at least; other processes store meanwhile.
const BELIEVED: Duration = Duration::from_secs(60);

/// Counting takes no more than this part of the time.
const SHARE: u32 = 100;

/// The limit, and how much of it is known to be used.
#[derive(Debug, Default)]
pub(crate) struct Quota {
    limit: Option<u64>,
    counted: Mutex<Option<Counted>>,
}

#[derive(Clone, Copy, Debug)]
struct Counted {
    bytes: u64,
    until: Instant,
}

impl Quota {
    pub(crate) fn new(limit: Option<u64>) -> Quota {
        Quota {
            limit,
            counted: Mutex::default(),
        }
    }

    /// Lets a blob of `length` bytes in, unless it and what others have reserved go beyond the limit.
    /// `own`: what its writer has reserved.
    pub(crate) fn admit(&self, layout: &Layout, length: u64, own: u64) -> Result<(), Error> {
        let Some(limit) = self.limit else {
            return Ok(());
        };
        let reserved = reservation::reserved(layout)?.saturating_sub(own);
        let known = *lock(&self.counted);
        let known = known.filter(|known| known.until > Instant::now());
        if known.is_some_and(|known| fits(limit, known.bytes, reserved, length)) {
            return Ok(());
        }
        // Before anybody is turned away it is counted anew: others may have deleted.
        let used = self.count(layout)?;
        check(limit, used, reserved, length)
    }

    /// Whether `bytes` more can be promised beside the `reserved` ones.
    pub(crate) fn check(&self, layout: &Layout, bytes: u64, reserved: u64) -> Result<(), Error> {
        match self.limit {
            Some(limit) => check(limit, self.count(layout)?, reserved, bytes),
            None => Ok(()),
        }
    }

    /// A blob of `length` bytes has come.
    pub(crate) fn placed(&self, length: u64) {
        if let Some(counted) = &mut *lock(&self.counted) {
            counted.bytes = counted.bytes.saturating_add(length);
        }
    }

    fn count(&self, layout: &Layout) -> Result<u64, Error> {
        let start = Instant::now();
        let bytes = layout.fs().bytes_below(&layout.blobs())?;
        let now = Instant::now();
        let believed = BELIEVED.max(now.duration_since(start).saturating_mul(SHARE));
        let until = now.checked_add(believed).unwrap_or(now);
        *lock(&self.counted) = Some(Counted { bytes, until });
        Ok(bytes)
    }
}

fn fits(limit: u64, used: u64, reserved: u64, needed: u64) -> bool {
    used.saturating_add(reserved).saturating_add(needed) <= limit
}

fn check(limit: u64, used: u64, reserved: u64, needed: u64) -> Result<(), Error> {
    if fits(limit, used, reserved, needed) {
        return Ok(());
    }
    let message = format!(
        "the quota of the store is {limit} bytes, {used} are used and {reserved} reserved, \
         {needed} more do not fit: remove something or raise the quota"
    );
    let shortage = Shortage {
        limit,
        used: used.saturating_add(reserved),
        needed,
    };
    Err(Error::short(ErrorKind::OverQuota, message, shortage))
}
