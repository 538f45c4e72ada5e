//! One look at a playlist.

use std::time::Duration;

use hls_parse::DeliveryDirectives;
use segment_fetch::Reach;
use url::Url;

use super::clock::Clock;
use crate::session::resolve::{Received, Root};
use crate::session::{Network, tracks};
use crate::{ErrorKind, Result};

/// What to look at, and when.
#[derive(Debug)]
pub(super) struct Look {
    pub(super) track: usize,
    pub(super) name: String,
    /// Where the playlist is: as it was named, before redirects.
    pub(super) url: Url,
    pub(super) directives: DeliveryDirectives,
    pub(super) due: Duration,
    /// The Multivariant Playlist that names it.
    pub(super) root: Option<Url>,
    pub(super) reach: Reach,
}

/// What was seen.
#[derive(Debug)]
pub(super) struct Seen {
    pub(super) track: usize,
    pub(super) asked: Duration,
    pub(super) was_blocking: bool,
    pub(super) playlist: Result<Received>,
    /// Where the playlist is now, when that has changed.
    pub(super) moved: Option<Url>,
}

/// Waits until it is time, and looks. An address that has expired is looked up anew.
pub(super) async fn look(network: Network, clock: Clock, look: Look) -> Seen {
    clock.until(look.due).await;
    let asked = clock.now();
    let url = look.directives.apply_to(&look.url);
    let mut playlist = network.playlist(&url, look.reach).await;
    let mut moved = None;
    if let (Err(error), Some(root)) = (&playlist, &look.root)
        && error.kind() == ErrorKind::AddressExpired
        && let Some(url) = address_of(&network, root, &look.name).await
        && url != look.url
    {
        playlist = network.playlist(&url, look.reach).await;
        moved = Some(url);
    }
    Seen {
        track: look.track,
        asked,
        was_blocking: look.directives.is_blocking(),
        playlist: playlist.map(|(mut received, _)| {
            // The base of what is relative: without what we asked for.
            received.url = DeliveryDirectives::default().apply_to(&received.url);
            received
        }),
        moved,
    }
}

async fn address_of(network: &Network, root: &Url, name: &str) -> Option<Url> {
    let (Root::Multivariant(_, multivariant), _) = network.root(root).await.ok()? else {
        return None;
    };
    let mut declared = tracks::declared(&multivariant).into_iter();
    declared
        .find(|track| track.name == name)
        .map(|track| track.url)
}
