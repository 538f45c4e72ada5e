//! What players wait for: noted by who serves an asset that is not whole yet, and heeded by who downloads or records it.
//!
//! It is a document beside the manifest, as everything is by which processes reach each other. It is a favour: what is lost or late of it
//! changes the order of a download for some seconds, and nothing else.

use std::collections::BTreeMap;
use std::time::Duration;

use asset_store::{AssetId, Store};
use serde::{Deserialize, Serialize};
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::record;
use crate::Result;

/// How long a player that asks for nothing counts as one that goes on.
const LASTS: Duration = Duration::from_secs(20);

/// The tracks that are being played.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Attention {
    tracks: BTreeMap<String, Wanted>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Wanted {
    /// Unix milliseconds of the last request.
    at: u64,
    /// Somebody asked for a segment that is not there yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ahead: Option<Ahead>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Ahead {
    /// Unix milliseconds of that request.
    at: u64,
    /// Where the segment starts, in milliseconds from the start of the playlist.
    from: u64,
}

impl Attention {
    /// What is waited for now. What cannot be read is nothing.
    pub(crate) fn load(store: &Store, id: &AssetId) -> Self {
        let mut attention = match record::attention(store, id) {
            Ok(attention) => attention.unwrap_or_default(),
            Err(error) => {
                tracing::debug!(%error, "what players wait for cannot be read");
                Self::default()
            }
        };
        attention.forget(record::unix_milliseconds());
        attention
    }

    /// Takes in a request: for what comes next of a track, or for a segment that starts at a time and is not there yet. Whether others have to know at once.
    pub(crate) fn note(&mut self, track: &str, ahead: Option<Duration>) -> bool {
        let now = record::unix_milliseconds();
        self.forget(now);
        let ahead = ahead.map(|from| Ahead {
            at: now,
            from: u64::try_from(from.as_millis()).unwrap_or(u64::MAX),
        });
        let Some(wanted) = self.tracks.get_mut(track) else {
            let wanted = Wanted { at: now, ahead };
            self.tracks.insert(track.to_owned(), wanted);
            return true;
        };
        wanted.at = now;
        let from = |ahead: Option<Ahead>| ahead.map(|ahead| ahead.from);
        let is_new = ahead.is_some() && from(wanted.ahead) != from(ahead);
        wanted.ahead = ahead.or(wanted.ahead);
        is_new
    }

    /// Makes it known to other processes, beside what they have noted.
    pub(crate) fn save(&self, store: &Store, id: &AssetId) -> Result<()> {
        let mut all = Self::load(store, id);
        for (track, wanted) in &self.tracks {
            let known = all.tracks.entry(track.clone()).or_insert(*wanted);
            if known.at < wanted.at {
                *known = *wanted;
            }
        }
        record::set_attention(store, id, &all)
    }

    /// Whether anybody waits for anything.
    pub(crate) fn is_any(&self) -> bool {
        !self.tracks.is_empty()
    }

    /// The tracks that are played, each with the time from which on it was asked for, if that was ahead of what there is.
    pub(crate) fn tracks(&self) -> impl Iterator<Item = (&str, Option<Duration>)> {
        self.tracks.iter().map(|(track, wanted)| {
            let from = wanted.ahead.map(|ahead| Duration::from_millis(ahead.from));
            (track.as_str(), from)
        })
    }

    fn forget(&mut self, now: u64) {
        // Clocks of several machines differ: the future is as good as now.
        let is_past = |at: u64| now.saturating_sub(at) > LASTS.as_secs() * 1000;
        self.tracks.retain(|_, wanted| !is_past(wanted.at));
        for wanted in self.tracks.values_mut() {
            wanted.ahead = wanted.ahead.filter(|ahead| !is_past(ahead.at));
        }
    }
}

/// Looks at what players wait for from time to time.
#[derive(Debug)]
pub(super) struct Looks(Interval);

impl Looks {
    pub(super) fn new(every: Duration) -> Self {
        let mut interval = interval(every);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self(interval)
    }

    /// What is waited for when the time has come. Can be dropped and called again.
    pub(super) async fn next(&mut self, store: &Store, id: &AssetId) -> Attention {
        self.0.tick().await;
        Attention::load(store, id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_count_for_a_while() {
        let mut attention = Attention::default();
        assert!(attention.note("video", None));
        assert!(!attention.note("video", None));
        let ahead = Duration::from_secs(40);
        assert!(attention.note("video", Some(ahead)));
        assert!(!attention.note("video", None), "what is ahead stays wanted");
        let all: Vec<_> = attention.tracks().collect();
        assert_eq!(all, [("video", Some(ahead))]);
        attention.forget(record::unix_milliseconds() + 21_000);
        assert!(!attention.is_any());
    }

    #[test]
    fn servers_note_beside_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path()).unwrap();
        let id = AssetId::new("a").unwrap();
        let _writer = store.writer(&id).unwrap();
        for track in ["video", "audio"] {
            let mut own = Attention::default();
            own.note(track, None);
            own.save(&store, &id).unwrap();
        }
        assert_eq!(Attention::load(&store, &id).tracks().count(), 2);
        store.set_document(&id, "attention", b"{").unwrap();
        assert!(!Attention::load(&store, &id).is_any());
    }
}
