//! What could not be had.

use serde::{Deserialize, Serialize};
use url::{Origin, Url};

use super::references::Reference;
use crate::render::text::printable;
use crate::session::source;
use crate::{Error, ErrorKind};

/// An interstitial that was asked for and is not there, or not whole. The primary content plays without it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct LeftOut {
    /// The ID of its date range.
    pub id: String,
    /// The address of the asset or asset list, without the query.
    pub url: String,
    /// Why, on one line.
    pub reason: String,
}

impl LeftOut {
    pub(super) fn new(reference: &Reference, error: &Error) -> Self {
        Self::because(&reference.range, &reference.url, error.one_line())
    }

    pub(super) fn because(range: &str, url: &Url, reason: String) -> Self {
        Self {
            id: printable(range),
            url: source::shown(url),
            reason,
        }
    }
}

/// Whether an error says nothing of the store or the user: the interstitial is left out, and what else there is goes on.
pub(super) fn is_of_the_interstitial(error: &Error) -> bool {
    match error.kind() {
        ErrorKind::Usage
        | ErrorKind::Unsupported
        | ErrorKind::PlaylistRejected
        | ErrorKind::Live
        | ErrorKind::Protected
        | ErrorKind::Network
        | ErrorKind::AddressExpired
        | ErrorKind::Changed
        | ErrorKind::Incomplete => true,
        ErrorKind::Busy
        | ErrorKind::DiskFull
        | ErrorKind::Storage
        | ErrorKind::Interrupted
        | ErrorKind::Paused
        | ErrorKind::Cancelled => false,
    }
}

/// The server that did not answer at all, if that is what went wrong.
pub(super) fn unreachable(error: &Error) -> Option<Origin> {
    use segment_fetch::ErrorKind as Fetch;
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if let Some(fetch) = error.downcast_ref::<segment_fetch::Error>() {
            let is_silent = matches!(
                fetch.kind(),
                Fetch::Connect | Fetch::Proxy | Fetch::Tls | Fetch::Timeout
            );
            return fetch.url().filter(|_| is_silent).map(Url::origin);
        }
        cause = error.source();
    }
    None
}
