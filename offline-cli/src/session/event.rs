//! What a running download tells.

use std::time::Duration;

use serde::Serialize;

use super::purge::PurgedAsset;
use super::source;
use super::{Chosen, DownloadSummary, TrackProgress};

/// A step of a download. As JSON, an object whose `event` names the step; times are seconds, sizes bytes.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DownloadEvent {
    /// The playlists are read and the selection is made.
    Resolved {
        /// The asset.
        id: String,
        /// Its title.
        title: String,
        /// Length of the presentation in seconds.
        duration: f64,
        /// The tracks that will be stored, for example `variant-0` and `audio-2`.
        tracks: Vec<String>,
        /// What the selection takes of a Multivariant Playlist: variants, renditions, what is inside them.
        chosen: Vec<Chosen>,
        /// Resources that the selection needs.
        resources: u64,
        /// How many of them are stored already.
        resources_stored: u64,
        /// Things the user should know, for example a language that is not offered.
        notes: Vec<String>,
    },
    /// Other assets were removed, as far as the policy of the store allows, so that this one fits.
    MadeRoom {
        /// Bytes freed.
        freed: u64,
        /// The assets that went, in this order.
        purged: Vec<PurgedAsset>,
    },
    /// Bytes arrived or a resource was stored.
    Progress {
        /// Bytes received by this run.
        bytes: u64,
        /// Resources stored.
        resources_stored: u64,
        /// Resources needed.
        resources: u64,
        /// Media time stored, in seconds.
        media_time: f64,
        /// Length of the presentation in seconds.
        duration: f64,
        /// How far each track has come, in the order of [`Resolved`](Self::Resolved).
        #[serde(skip_serializing_if = "Vec::is_empty")]
        tracks: Vec<TrackProgress>,
    },
    /// More media time of a track is stored. Told a few times a second, and when the download ends.
    Loaded {
        /// The track, for example `variant-0`.
        track: String,
        /// What is there, as start and end in seconds of media time, at most a thousand ranges.
        ranges: Vec<(f64, f64)>,
    },
    /// What the download came to. It comes before the event that ends it.
    Summary(DownloadSummary),
    /// The playlists of a live stream are read, and its recording begins.
    RecordingStarted {
        /// The asset.
        id: String,
        /// Its title.
        title: String,
        /// The tracks that are recorded, for example `variant-0` and `audio-2`.
        tracks: Vec<String>,
        /// Things the user should know, for example a language that is not offered.
        notes: Vec<String>,
    },
    /// Something of a live stream arrived or was settled.
    Recording {
        /// Bytes received by this run.
        bytes: u64,
        /// Media time recorded, in seconds.
        media_time: f64,
        /// How much of it was asked for, in seconds.
        #[serde(skip_serializing_if = "Option::is_none")]
        duration: Option<f64>,
        /// Segments that are missing.
        gaps: usize,
    },
    /// A live stream is in trouble, and is waited for.
    Waiting {
        /// The address of the playlist, without its query.
        url: String,
        /// What went wrong.
        error: String,
    },
    /// A request failed and will be tried again.
    Retrying {
        /// The address, without its query.
        url: String,
        /// What went wrong.
        error: String,
        /// Seconds until the next attempt.
        after: f64,
    },
    /// Something the user should know; the download goes on.
    Note {
        /// What it is, for example that there is no picture at the address of the artwork.
        note: String,
    },
    /// Something of a track could not be had where it was, and the rest of it comes from elsewhere: a redundant variant or another pathway.
    FailedOver {
        /// The track, for example `variant-0`.
        track: String,
        /// Its Media Playlist now, without the query.
        url: String,
        /// What went wrong.
        error: String,
    },
    /// A resource could not be had and gaps are allowed.
    Gap {
        /// The address, without its query.
        url: String,
        /// What went wrong.
        error: String,
    },
    /// An interstitial was asked for and could not be had; the primary content plays without it.
    InterstitialLeftOut {
        /// The ID of its date range.
        id: String,
        /// The address of the asset or asset list, without the query.
        url: String,
        /// What went wrong.
        error: String,
    },
    /// Everything is stored.
    Completed {
        /// The asset.
        id: String,
        /// Bytes of the asset.
        bytes: u64,
        /// Bytes received by this run.
        bytes_received: u64,
        /// Addresses that could not be had, when gaps were allowed.
        gaps: Vec<String>,
    },
    /// Stopped, to be continued.
    Paused {
        /// The asset.
        id: String,
        /// Why: `interrupted` or `disk-full`.
        reason: String,
        /// Resources stored.
        resources_stored: u64,
    },
    /// Ended with an error.
    Failed {
        /// The class of the error.
        kind: String,
        /// What went wrong, on one line.
        error: String,
        /// What to do about it.
        #[serde(skip_serializing_if = "Option::is_none")]
        hint: Option<String>,
    },
}

impl DownloadEvent {
    /// The event of a request that failed and is tried again.
    pub(super) fn retrying(error: &segment_fetch::Error, after: Duration) -> Self {
        Self::Retrying {
            url: error.url().map(source::shown).unwrap_or_default(),
            error: crate::render::text::printable(&error.to_string()),
            after: seconds(after),
        }
    }

    /// The event of an error that ends a download.
    pub fn failed(error: &crate::Error) -> Self {
        Self::Failed {
            kind: error.kind().name().to_owned(),
            error: error.one_line(),
            hint: error.advice().map(str::to_owned),
        }
    }
}

/// Seconds of a duration, for JSON.
pub(crate) fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}
