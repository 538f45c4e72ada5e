//! Questions about a store and changes to it that need no network.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::num::NonZeroU32;
use std::ops::Range;
use std::time::{Duration, SystemTime};

use asset_store::{AssetId, Entry, Store};
use cache_inspect::Inspection;
use serde::Serialize;
use storage_policy::{AfterPlayed, Policy};

use super::interstitials::{InspectedInterstitial, shown};
pub use super::listing::{Listed, list, names};
use super::presentation::Presentation;
use super::record::{self, DownloadState, StateRecord};
use super::{SessionDatum, StoredArtwork, artwork, clock, listing, session_data};
use crate::adapters::catalog;
use crate::{Error, Result};

/// Resources of some tracks that are stored; one resource may make several entries.
pub(super) fn stored_resources(entries: &BTreeMap<String, Entry>, tracks: &[String]) -> u64 {
    let mut sources: HashSet<(&str, Option<&Range<u64>>)> = HashSet::new();
    for (path, entry) in entries {
        let is_of = |track: &String| path.rsplit_once('/').is_some_and(|(of, _)| of == track);
        if entry.role != super::layout::role::PLAYLIST
            && tracks.iter().any(is_of)
            && let Some(source) = &entry.source
        {
            sources.insert((&source.identity, source.range.as_ref()));
        }
    }
    u64::try_from(sources.len()).unwrap_or(u64::MAX)
}

pub(super) fn share(part: u64, whole: u64) -> f64 {
    #[expect(
        clippy::cast_precision_loss,
        reason = "a share that is shown as a percentage"
    )]
    if whole == 0 {
        0.0
    } else {
        (part as f64 / whole as f64).min(1.0)
    }
}

/// Finds the asset a user means: an id, a unique prefix of one, or a unique title.
///
/// # Errors
/// A usage error when nothing or more than one asset matches.
pub fn find(store: &Store, wanted: &str) -> Result<AssetId> {
    let ids = store.asset_ids()?;
    if let Some(exact) = ids.iter().find(|id| id.as_str() == wanted) {
        // What a killed process left before there was anything to tell is no asset yet.
        let is_known = !matches!(record::metadata(store, exact), Ok(None));
        return if is_known {
            Ok(exact.clone())
        } else {
            Err(unknown(wanted))
        };
    }
    let prefixed: Vec<&AssetId> = ids
        .iter()
        .filter(|id| !wanted.is_empty() && id.as_str().starts_with(wanted))
        .collect();
    let mut titled = Vec::new();
    let mut nearest = Nearest::to(wanted);
    for id in &ids {
        // One that cannot be read has no title.
        if let Ok(Some(metadata)) = record::metadata(store, id) {
            nearest.look_at(&metadata.title, id);
            if metadata.title == wanted {
                titled.push(id);
            }
        }
    }
    match (prefixed.as_slice(), titled.as_slice()) {
        ([one], _) | ([], [one]) => Ok((*one).clone()),
        ([], []) => Err(match nearest.id {
            Some(near) => {
                unknown(wanted).hint(format!("did you mean `{near}`? See `offline list`"))
            }
            None => unknown(wanted),
        }),
        (many, titled) => {
            let names: Vec<&str> = many.iter().chain(titled).map(|id| id.as_str()).collect();
            Err(Error::usage(format!(
                "`{}` could be {}",
                crate::render::text::printable(wanted),
                names.join(", ")
            ))
            .hint("give more of the id"))
        }
    }
}

/// The asset whose id or title is most like what was asked for.
struct Nearest<'a> {
    wanted: String,
    likeness: f64,
    id: Option<&'a AssetId>,
}

impl<'a> Nearest<'a> {
    /// What is less like it was not meant.
    const LEAST: f64 = 0.85;
    /// Characters that are compared.
    const COMPARED: usize = 60;

    fn to(wanted: &str) -> Self {
        Self {
            wanted: Self::comparable(wanted),
            likeness: Self::LEAST,
            id: None,
        }
    }

    fn comparable(name: &str) -> String {
        let characters = name.chars().take(Self::COMPARED);
        characters.flat_map(char::to_lowercase).collect()
    }

    fn look_at(&mut self, title: &str, id: &'a AssetId) {
        // Ids end in a part that nobody types.
        let (stem, _) = id.as_str().rsplit_once('-').unwrap_or((id.as_str(), ""));
        for name in [title, stem, id.as_str()] {
            let likeness = strsim::jaro_winkler(&self.wanted, &Self::comparable(name));
            if likeness > self.likeness {
                self.likeness = likeness;
                self.id = Some(id);
            }
        }
    }
}

/// The error for a name that no asset has.
pub(crate) fn unknown(wanted: &str) -> Error {
    let wanted = crate::render::text::printable(wanted);
    Error::usage(format!("no asset `{wanted}`")).hint("see `offline list`")
}

/// What `offline inspect` answers: cache-inspect's findings with the state and policy beside them.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Inspected {
    /// How the download stands.
    pub state: DownloadState,
    /// Why it stands still.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The address, without its query.
    pub url: String,
    /// Priority, expiration, pin.
    pub policy: PolicyView,
    /// Its picture.
    pub artwork: Option<StoredArtwork>,
    /// What was said of it when it was downloaded.
    pub metadata: BTreeMap<String, String>,
    /// What the stream says of itself.
    pub session_data: Vec<SessionDatum>,
    /// What is played in between, downloaded or not.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub interstitials: Vec<InspectedInterstitial>,
    /// What is cached.
    #[serde(flatten)]
    pub inspection: Inspection,
}

/// A policy as it is printed: times as Unix seconds, durations as seconds.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct PolicyView {
    /// `low`, `default`, `important`, or a number.
    pub priority: String,
    /// Unix seconds, or null for never.
    pub expires: Option<u64>,
    /// Never purged while true.
    pub pinned: bool,
    /// What changes once it was played.
    pub after_played: Option<AfterPlayed>,
    /// How long after its download it expires.
    pub storage_window: Option<u64>,
    /// How long after its first play it expires.
    pub playback_window: Option<u64>,
    /// The series it is an episode of.
    pub series: Option<String>,
    /// How many newer episodes make it surplus.
    pub keep_newest: Option<u32>,
    /// Its tags.
    pub tags: BTreeSet<String>,
    /// Whether audio in other languages than the main one may go before whole assets do.
    pub drop_auxiliary: bool,
}

impl From<&Policy> for PolicyView {
    fn from(policy: &Policy) -> Self {
        let unix = |time: SystemTime| {
            time.duration_since(SystemTime::UNIX_EPOCH)
                .map_or(0, |since| since.as_secs())
        };
        let seconds = |duration: Duration| duration.as_secs();
        Self {
            priority: policy.priority.to_string(),
            expires: policy.expires.map(unix),
            pinned: policy.pinned,
            after_played: policy.after_played,
            storage_window: policy.storage_window.map(seconds),
            playback_window: policy.playback_window.map(seconds),
            series: policy.series.clone(),
            keep_newest: policy.keep_newest.map(NonZeroU32::get),
            tags: policy.tags.clone(),
            drop_auxiliary: policy.drop_auxiliary,
        }
    }
}

/// Looks at one asset.
///
/// # Errors
/// When the asset or its pinned playlists cannot be read.
pub fn inspect(store: &Store, id: &AssetId) -> Result<Inspected> {
    let presentation = Presentation::load(store, id)?;
    let description = catalog::describe(store, id, &presentation)?;
    let StateRecord {
        state,
        reason,
        left_out,
        ..
    } = record::state(store, id)?;
    let metadata = record::metadata(store, id)?;
    let url = metadata.as_ref();
    let url = url.and_then(|metadata| url::Url::parse(&metadata.url).ok());
    let artwork = artwork::stored(store, &presentation.asset);
    Ok(Inspected {
        artwork: artwork.map(|(entry, media_type)| StoredArtwork {
            media_type,
            bytes: entry.length,
        }),
        metadata: metadata.map(|known| known.metadata).unwrap_or_default(),
        session_data: session_data::of(store, &presentation),
        state,
        reason,
        url: url.as_ref().map(super::source::shown).unwrap_or_default(),
        policy: PolicyView::from(&record::policy(store, id)?),
        interstitials: shown::interstitials(store, &presentation, &left_out),
        inspection: cache_inspect::inspect(&description),
    })
}

/// The policy of an asset.
///
/// # Errors
/// When it cannot be read.
pub fn policy(store: &Store, id: &AssetId) -> Result<Policy> {
    record::policy(store, id)
}

/// Replaces the policy of an asset.
///
/// # Errors
/// When it cannot be written.
pub fn set_policy(store: &Store, id: &AssetId, policy: &Policy) -> Result<()> {
    // Reading it first refuses assets that do not exist.
    store.asset(id)?;
    record::set_policy(store, id, policy)
}

/// What is being downloaded now, by whatever process, and a text that is another one whenever an asset came, went or changed its state.
///
/// # Errors
/// When the store cannot be read.
pub fn running(store: &Store) -> Result<(Vec<Listed>, String)> {
    let mut running = Vec::new();
    let mut hasher = blake3::Hasher::new();
    for id in store.asset_ids()? {
        // What cannot be read is listed as damaged; here it changes nothing.
        let Ok(record) = record::state(store, &id) else {
            continue;
        };
        hasher.update(id.as_str().as_bytes());
        hasher.update(record.state.name().as_bytes());
        if record.state == DownloadState::Downloading {
            running.extend(listing::without_exclusive(store, &id).ok().flatten());
        } else {
            hasher.update(&record.updated.to_le_bytes());
        }
    }
    Ok((running, hasher.finalize().to_hex().to_string()))
}

/// When an asset came, and how far somebody has watched it.
#[derive(Clone, Debug, Default, Serialize)]
#[non_exhaustive]
pub struct Watched {
    /// Unix seconds when it was first asked for.
    pub created: u64,
    /// Unix seconds when it was last played.
    pub last_played: Option<u64>,
    /// Media time in seconds at which somebody stopped.
    pub position: Option<f64>,
}

/// When an asset came, and how far somebody has watched it.
///
/// # Errors
/// When its records cannot be read.
pub fn watched(store: &Store, id: &AssetId) -> Result<Watched> {
    Ok(Watched {
        created: record::metadata(store, id)?.map_or(0, |metadata| metadata.created),
        last_played: record::played(store, id)?.map(|played| played.last),
        position: record::position(store, id)?,
    })
}

/// Notes how far somebody has watched an asset, in seconds of media time.
///
/// # Errors
/// When it is no time, or cannot be written.
pub fn set_position(store: &Store, id: &AssetId, seconds: f64) -> Result<()> {
    if !seconds.is_finite() || seconds < 0.0 {
        return Err(Error::usage("a position is a number of seconds"));
    }
    // Reading it first refuses assets that do not exist.
    store.asset(id)?;
    record::set_position(store, id, seconds)
}

/// What people call an asset.
///
/// # Errors
/// When there is no such asset, or its record cannot be read.
pub fn title(store: &Store, id: &AssetId) -> Result<String> {
    let metadata = record::metadata(store, id)?;
    Ok(metadata.ok_or_else(|| unknown(id.as_str()))?.title)
}

/// The time of the clock, for what counts from now.
///
/// # Errors
/// A usage error when the clock is behind what is recorded: what counts from it would end too early.
pub fn now(store: &Store) -> Result<SystemTime> {
    match clock::behind(store) {
        None => Ok(SystemTime::now()),
        Some(by) => Err(Error::usage(format!(
            "the clock is {} behind the latest time that is recorded",
            crate::render::text::about(by)
        ))
        .hint("give a date, set the clock, or see `offline purge --trust-clock`")),
    }
}

/// Notes that an asset is being played, for the order of purging.
///
/// # Errors
/// When it cannot be written.
pub fn played(store: &Store, id: &AssetId) -> Result<()> {
    record::set_played(store, id)
}
