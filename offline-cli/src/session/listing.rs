//! The list of a store: one line an asset.

use std::collections::HashMap;

use asset_store::{AssetId, Entry, Store};
use serde::Serialize;

use super::library::{share, stored_resources};
use super::record::{self, DownloadState};
use super::{artwork, parallel, source};
use crate::{Error, Result};

/// One line of `offline list`.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Listed {
    /// The asset.
    pub id: String,
    /// Its title.
    pub title: String,
    /// The address it came from, without its query.
    pub url: String,
    /// How its download stands.
    pub state: DownloadState,
    /// Why it stands still.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// Bytes of its entries.
    pub bytes: u64,
    /// Bytes that removing it would free.
    pub bytes_exclusive: u64,
    /// Length of the presentation in seconds.
    pub duration: f64,
    /// Resources stored over resources needed, 0 to 1.
    pub progress: f64,
    /// Whether there is a picture of it.
    pub artwork: bool,
}

/// All assets, by title.
///
/// # Errors
/// When the store cannot be read.
pub fn list(store: &Store) -> Result<Vec<Listed>> {
    let ids = store.asset_ids()?;
    let read = parallel::map(&ids, |id| list_one(store, id));
    let mut is_damaged = false;
    let mut listed: Vec<(Listed, Vec<Blob>)> = Vec::with_capacity(ids.len());
    for (id, read) in ids.iter().zip(read) {
        match read {
            Ok(found) => listed.extend(found),
            Err(error) => {
                is_damaged = true;
                listed.push((Listed::damaged(id, &error), Vec::new()));
            }
        }
    }
    if is_damaged {
        // Of a damaged asset, too, what can be read counts: that takes another look at everything.
        let exclusive = exclusive_of_store(store)?;
        for (listed, _) in &mut listed {
            listed.bytes_exclusive = exclusive.get(&listed.id).copied().unwrap_or_default();
        }
    } else {
        count_exclusive(&mut listed);
    }
    let mut listed: Vec<Listed> = listed.into_iter().map(|(listed, _)| listed).collect();
    listed.sort_by(|one, other| (&one.title, &one.id).cmp(&(&other.title, &other.id)));
    Ok(listed)
}

/// The ids and titles of the assets whose titles can be read, without asking what they hold.
///
/// # Errors
///
/// When the names of the assets cannot be read.
pub fn names(store: &Store) -> Result<Vec<(String, String)>> {
    let mut names = Vec::new();
    for id in store.asset_ids()? {
        if let Ok(Some(metadata)) = record::metadata(store, &id) {
            names.push((id.to_string(), metadata.title));
        }
    }
    names.sort();
    Ok(names)
}

/// Enough of a digest to tell blobs apart, and the length.
type Blob = (u128, u64);

/// Counts for each asset the blobs that no other one has.
fn count_exclusive(listed: &mut [(Listed, Vec<Blob>)]) {
    let mut users: HashMap<u128, u32> = HashMap::new();
    for (digest, _) in listed.iter().flat_map(|(_, blobs)| blobs) {
        let count = users.entry(*digest).or_default();
        *count = count.saturating_add(1);
    }
    for (listed, blobs) in listed {
        let own = blobs
            .iter()
            .filter(|(digest, _)| users.get(digest) == Some(&1));
        listed.bytes_exclusive = own.fold(0, |total, (_, length)| total.saturating_add(*length));
    }
}

fn exclusive_of_store(store: &Store) -> Result<HashMap<String, u64>> {
    let assets = store.usage()?.assets.into_iter();
    Ok(assets
        .map(|usage| (usage.id.to_string(), usage.exclusive_bytes))
        .collect())
}

/// An asset as it is listed, but for its exclusive bytes, which depend on all the others.
pub(super) fn without_exclusive(store: &Store, id: &AssetId) -> Result<Option<Listed>> {
    Ok(list_one(store, id)?.map(|(listed, _)| listed))
}

/// `None` when the download of the asset began this very moment, or it was removed since its name was read.
fn list_one(store: &Store, id: &AssetId) -> Result<Option<(Listed, Vec<Blob>)>> {
    let Some(metadata) = record::metadata(store, id)? else {
        return Ok(None);
    };
    let asset = match store.asset(id) {
        Ok(asset) => asset,
        Err(error) if error.kind() == asset_store::ErrorKind::UnknownAsset => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let state = record::state(store, id)?;
    let progress = match state.state {
        DownloadState::Completed => 1.0,
        _ => share(
            stored_resources(asset.entries(), &metadata.tracks),
            metadata.resources,
        ),
    };
    let url = url::Url::parse(&metadata.url);
    let mut blobs: Vec<Blob> = asset.entries().values().map(blob).collect();
    blobs.sort_unstable();
    blobs.dedup();
    let listed = Listed {
        id: id.to_string(),
        url: url.as_ref().map(source::shown).unwrap_or_default(),
        title: metadata.title,
        state: state.state,
        reason: state.reason,
        bytes: asset.entries().values().map(|entry| entry.length).sum(),
        bytes_exclusive: 0,
        duration: metadata.duration,
        progress,
        artwork: asset.entry(artwork::PATH).is_some(),
    };
    Ok(Some((listed, blobs)))
}

fn blob(entry: &Entry) -> Blob {
    let start = entry.digest.as_bytes().first_chunk::<16>();
    (
        u128::from_le_bytes(*start.unwrap_or(&[0; 16])),
        entry.length,
    )
}

impl Listed {
    /// An asset that cannot be read. It is listed all the same, so that it can be removed.
    fn damaged(id: &AssetId, error: &Error) -> Self {
        Self {
            id: id.to_string(),
            title: id.to_string(),
            url: String::new(),
            state: DownloadState::Failed,
            reason: Some(error.one_line()),
            bytes: 0,
            bytes_exclusive: 0,
            duration: 0.0,
            progress: 0.0,
            artwork: false,
        }
    }
}
