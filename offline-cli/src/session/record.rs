//! What the session keeps beside an asset's manifest: where it came from, how its download stands, its policy.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use asset_store::{AssetId, Store};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use storage_policy::Policy;

use super::attention::Attention;
use super::configuration::StoredSelection;
use super::download::Gap;
use super::queue::Wish;
use super::range::Expected;
use super::{Artwork, DownloadRequest, InterstitialRequest, LeftOut, clock, source};
use crate::{Error, ErrorKind, Result};

/// What an asset is and where it came from. Written once when its download begins.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Metadata {
    /// What people call it.
    pub title: String,
    /// The address that was asked for, whole: it may need its query to be fetched again.
    pub url: String,
    /// Where the playlist came from that `url` is the file of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
    /// Unix seconds when the download was first asked for.
    pub created: u64,
    /// Unix milliseconds when it was put into the queue, or begun without: its place in the order of the queue.
    #[serde(default)]
    pub queued: u64,
    /// Length of the presentation in seconds.
    pub duration: f64,
    /// How many resources (segments, initialization sections, keys) the selection needs.
    pub resources: u64,
    /// Whether the playlist was taken as it is although it has no EXT-X-ENDLIST.
    #[serde(default)]
    pub treat_as_vod: bool,
    /// Whether holes were allowed.
    #[serde(default)]
    pub allow_gaps: bool,
    /// Whether it is stored as it is if a key system protects it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keep_protected: bool,
    /// Which variants and renditions were asked for, by every download into the asset.
    #[serde(default)]
    pub selections: Vec<StoredSelection>,
    /// Where its picture comes from, when that was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artwork: Option<String>,
    /// What else was said of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metadata: BTreeMap<String, String>,
    /// Which interstitials were asked for last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interstitials: Option<InterstitialRequest>,
    /// The tracks of the last selection; `resources` counts theirs.
    #[serde(default)]
    pub tracks: Vec<String>,
    /// Tracks of which a part is to be there: its Media Sequence Numbers, the last one excluded.
    #[serde(default, skip_serializing_if = "Expected::is_empty")]
    pub(crate) expected: Expected,
}

impl Metadata {
    /// What is known of a download before its playlists are, and of those `before` it into the same asset.
    pub(crate) fn of(
        request: &DownloadRequest,
        id: &AssetId,
        before: Option<Self>,
    ) -> Result<Self> {
        let mut metadata = before.unwrap_or_else(|| Self {
            title: source::title(&request.url),
            url: request.url.to_string(),
            base: None,
            created: unix_now(),
            queued: unix_milliseconds(),
            duration: 0.0,
            resources: 0,
            treat_as_vod: false,
            allow_gaps: false,
            keep_protected: false,
            selections: Vec::new(),
            artwork: None,
            metadata: BTreeMap::new(),
            interstitials: None,
            tracks: Vec::new(),
            expected: Expected::new(),
        });
        let same = url::Url::parse(&metadata.url)
            .is_ok_and(|url| source::identity(&url) == source::identity(&request.url));
        if !same && !request.new_address {
            return Err(Error::usage(format!("asset {id} holds another address"))
                .hint("choose another --id, or remove that asset first"));
        }
        metadata.url = request.url.to_string();
        metadata.base = request.base.as_ref().map(ToString::to_string);
        if let Some(title) = &request.title {
            metadata.title.clone_from(title);
        }
        match &request.artwork {
            Some(Artwork::Address(url)) => metadata.artwork = Some(url.to_string()),
            Some(Artwork::Image(_)) => metadata.artwork = None,
            None => {}
        }
        metadata.metadata.extend(request.metadata.clone());
        metadata.metadata.retain(|_, value| !value.is_empty());
        metadata.treat_as_vod = request.treat_as_vod;
        metadata.allow_gaps = request.allow_gaps;
        metadata.keep_protected = request.keep_protected;
        metadata.interstitials.clone_from(&request.interstitials);
        let selection = StoredSelection::from(request);
        // The last is the one that is asked for again.
        metadata.selections.retain(|before| *before != selection);
        metadata.selections.push(selection);
        Ok(metadata)
    }

    /// Calls it what the stream calls itself, unless it is called something already.
    pub(crate) fn entitle(&mut self, request: &DownloadRequest, title: Option<&str>) {
        if let Some(title) = title
            && request.title.is_none()
            && self.title == source::title(&request.url)
        {
            title.clone_into(&mut self.title);
        }
    }

    /// Whether no download asked for audio beside what is in the variants.
    pub(crate) fn is_silent(&self) -> bool {
        !self.selections.is_empty() && self.selections.iter().all(StoredSelection::is_silent)
    }
}

/// How a download stands (DESIGN: queued → resolving → downloading → completed, paused, failed, cancelled).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum DownloadState {
    /// It waits for its turn.
    Queued,
    /// A process is fetching it now.
    Downloading,
    /// It was interrupted and continues where it stopped.
    Paused,
    /// It ended with an error; downloading again continues where it stopped.
    Failed,
    /// Everything that was selected is stored.
    Completed,
    /// It was given up; what is there stays until the asset is removed.
    Cancelled,
}

impl DownloadState {
    /// The word shown and printed.
    pub fn name(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Downloading => "downloading",
            Self::Paused => "paused",
            Self::Failed => "failed",
            Self::Completed => "completed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The state with what explains it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StateRecord {
    /// How the download stands.
    pub state: DownloadState,
    /// Why it stands still, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The class of the reason, as in [`ErrorKind::name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason_kind: Option<String>,
    /// Whether it was paused or cancelled on purpose: it waits to be resumed, and is not in the queue.
    #[serde(default)]
    pub held: bool,
    /// Resources stored when the state was written.
    #[serde(default)]
    pub resources_stored: u64,
    /// Segments that could not be had, when gaps were allowed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gaps: Vec<Gap>,
    /// Interstitials that were asked for and could not be had.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_out: Vec<LeftOut>,
    /// Unix seconds of this record.
    pub updated: u64,
}

impl StateRecord {
    pub(crate) fn new(state: DownloadState, resources_stored: u64) -> Self {
        Self {
            state,
            reason: None,
            reason_kind: None,
            held: false,
            resources_stored,
            gaps: Vec::new(),
            left_out: Vec::new(),
            updated: unix_now(),
        }
    }

    /// Whether it is in the queue: it was put there, or ended through no fault of its own.
    pub(crate) fn is_waiting(&self) -> bool {
        match self.state {
            DownloadState::Queued => true,
            DownloadState::Paused => !self.held,
            DownloadState::Failed => self.reason_kind.as_deref() == Some(ErrorKind::Network.name()),
            _ => false,
        }
    }

    pub(crate) fn because(mut self, error: &Error) -> Self {
        self.reason = Some(error.one_line());
        self.reason_kind = Some(error.kind().name().to_owned());
        self
    }
}

/// When an asset was played, in Unix seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Played {
    /// Absent in what was written before it was noted.
    #[serde(default)]
    pub(crate) first: Option<u64>,
    pub(crate) last: u64,
    /// The clock was behind at the first time.
    #[serde(default)]
    pub(crate) is_first_doubtful: bool,
}

/// When an asset was last verified without a finding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Verified {
    last: u64,
}

const METADATA: &str = "metadata";
const STATE: &str = "state";
const POLICY: &str = "policy";
const PLAYED: &str = "played";
const COMPARED: &str = "compared";
const POSITION: &str = "position";
const VERIFIED: &str = "verified";
const RECORDING: &str = "recording";
const WISH: &str = "wish";
const ATTENTION: &str = "attention";

pub(crate) fn metadata(store: &Store, id: &AssetId) -> Result<Option<Metadata>> {
    read(store, id, METADATA)
}

pub(crate) fn set_metadata(store: &Store, id: &AssetId, metadata: &Metadata) -> Result<()> {
    write(store, id, METADATA, metadata)
}

/// The state, corrected for a process that died: nobody writes it, so it cannot be downloading.
pub(crate) fn state(store: &Store, id: &AssetId) -> Result<StateRecord> {
    let record: Option<StateRecord> = read(store, id, STATE)?;
    let mut record = record.unwrap_or_else(|| StateRecord::new(DownloadState::Paused, 0));
    if record.state == DownloadState::Downloading && !store.is_being_written(id)? {
        record.state = DownloadState::Paused;
        record.reason =
            Some("the process that downloaded it ended; download it again to continue".to_owned());
        record.reason_kind = Some(ErrorKind::Interrupted.name().to_owned());
    }
    Ok(record)
}

pub(crate) fn set_state(store: &Store, id: &AssetId, record: &StateRecord) -> Result<()> {
    write(store, id, STATE, record)
}

pub(crate) fn policy(store: &Store, id: &AssetId) -> Result<Policy> {
    Ok(read(store, id, POLICY)?.unwrap_or_default())
}

pub(crate) fn set_policy(store: &Store, id: &AssetId, policy: &Policy) -> Result<()> {
    write(store, id, POLICY, policy)
}

pub(crate) fn played(store: &Store, id: &AssetId) -> Result<Option<Played>> {
    read(store, id, PLAYED)
}

/// Notes that an asset is being played.
pub(crate) fn set_played(store: &Store, id: &AssetId) -> Result<()> {
    let before = played(store, id)?;
    let clock::Moment { now, latest } = clock::moment(store);
    let first = before.map(|before| before.first.unwrap_or(before.last));
    let played = Played {
        first: Some(first.unwrap_or(now)),
        // Later than all that was played before, even if the clock is behind.
        last: now.max(latest.unwrap_or(now)),
        is_first_doubtful: before.map_or(latest.is_some(), |before| before.is_first_doubtful),
    };
    write(store, id, PLAYED, &played)
}

/// How far somebody has watched it, in seconds of media time.
pub(crate) fn position(store: &Store, id: &AssetId) -> Result<Option<f64>> {
    read(store, id, POSITION)
}

pub(crate) fn set_position(store: &Store, id: &AssetId, seconds: f64) -> Result<()> {
    write(store, id, POSITION, &seconds)
}

/// When all bytes of an asset were last found to be what they were.
pub(crate) fn last_verified(store: &Store, id: &AssetId) -> Result<Option<SystemTime>> {
    let verified: Option<Verified> = read(store, id, VERIFIED)?;
    Ok(verified.and_then(|verified| time(verified.last)))
}

pub(crate) fn set_last_verified(store: &Store, id: &AssetId) -> Result<()> {
    write(store, id, VERIFIED, &Verified { last: unix_now() })
}

/// The playlists of an asset held against those of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Compared {
    /// When, in Unix seconds.
    pub(crate) at: u64,
    /// What had changed, in words.
    pub(crate) drift: Option<String>,
}

/// How the playlists of an asset were last held against those of the server.
pub(crate) fn compared(store: &Store, id: &AssetId) -> Result<Option<Compared>> {
    read(store, id, COMPARED)
}

pub(crate) fn set_compared(store: &Store, id: &AssetId, drift: Option<String>) -> Result<()> {
    let at = unix_now();
    write(store, id, COMPARED, &Compared { at, drift })
}

/// What another process wishes of the download.
pub(crate) fn wish(store: &Store, id: &AssetId) -> Result<Option<Wish>> {
    Ok(read::<Option<Wish>>(store, id, WISH)?.flatten())
}

pub(crate) fn set_wish(store: &Store, id: &AssetId, wish: Option<Wish>) -> Result<()> {
    write(store, id, WISH, &wish)
}

/// What players waited for when it was written.
pub(super) fn attention(store: &Store, id: &AssetId) -> Result<Option<Attention>> {
    read(store, id, ATTENTION)
}

pub(super) fn set_attention(store: &Store, id: &AssetId, attention: &Attention) -> Result<()> {
    write(store, id, ATTENTION, attention)
}

/// What a later run needs to go on with a recording; absent unless the asset is one.
pub(super) fn recording<T: DeserializeOwned>(store: &Store, id: &AssetId) -> Result<Option<T>> {
    read(store, id, RECORDING)
}

pub(super) fn set_recording<T: Serialize>(store: &Store, id: &AssetId, value: &T) -> Result<()> {
    write(store, id, RECORDING, value)
}

pub(super) fn read<T: DeserializeOwned>(
    store: &Store,
    id: &AssetId,
    name: &str,
) -> Result<Option<T>> {
    let Some(bytes) = store.document(id, name)? else {
        return Ok(None);
    };
    serde_json::from_slice(&bytes).map(Some).map_err(|error| {
        Error::new(
            ErrorKind::Storage,
            format!("the {name} of {id} cannot be read"),
        )
        .hint("remove that asset and download it again")
        .because(error)
    })
}

pub(super) fn write<T: Serialize>(
    store: &Store,
    id: &AssetId,
    name: &str,
    value: &T,
) -> Result<()> {
    let bytes = serde_json::to_vec(value).map_err(|error| {
        Error::new(
            ErrorKind::Storage,
            format!("cannot write the {name} of {id}"),
        )
        .because(error)
    })?;
    Ok(store.set_document(id, name, &bytes)?)
}

pub(crate) fn unix_now() -> u64 {
    unix_milliseconds() / 1000
}

pub(super) fn unix_milliseconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

pub(crate) fn time(unix_seconds: u64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_secs(unix_seconds))
}
