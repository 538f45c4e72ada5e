//! What a stream says of itself: EXT-X-SESSION-DATA (RFC 8216bis section 4.4.6.4).

use std::io::Read;

use asset_store::Store;
use hls_parse::{Multivariant, SessionData};
use serde::Serialize;
use serde::de::IgnoredAny;
use url::Url;

use super::artwork;
use super::presentation::Presentation;

/// What a stream calls its title, by Apple's convention.
const TITLE: &str = "com.apple.hls.title";
/// Longer ones are no titles.
const LONGEST_TITLE: usize = 200;
/// Longer files of session data are refused.
pub(super) const LIMIT: u64 = 1 << 20;
/// No more files are fetched.
const MOST_FILES: usize = 32;

/// Something that the stream says of itself.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[non_exhaustive]
pub struct SessionDatum {
    /// DATA-ID.
    pub id: String,
    /// LANGUAGE.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// VALUE, or the content of a file that is not JSON.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// The content of a JSON file; absent when it is not stored.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub json: Option<serde_json::Value>,
}

/// The entry of a file of session data, by its number in the playlist.
fn path(index: usize) -> String {
    format!("session-data-{index}")
}

/// The files of session data: their entries, addresses, and whether they have to be JSON.
pub(super) fn files(multivariant: &Multivariant) -> impl Iterator<Item = (String, &Url, bool)> {
    let data = multivariant.session_data.iter().enumerate();
    data.filter(|(_, data)| !artwork::is_poster(&data.data_id))
        .filter_map(|(index, data)| Some((path(index), data.url.as_ref()?, is_json(data))))
        .take(MOST_FILES)
}

fn is_json(data: &SessionData) -> bool {
    data.format.as_deref() != Some("RAW")
}

/// Whether a file can be what it has to be.
pub(super) fn is_fitting(bytes: &[u8], json: bool) -> bool {
    !json || serde_json::from_slice::<IgnoredAny>(bytes).is_ok()
}

/// What the stream calls itself.
pub(super) fn title(multivariant: &Multivariant) -> Option<&str> {
    let mut data = multivariant.session_data.iter();
    let title = data.find_map(|data| data.value.as_deref().filter(|_| data.data_id == TITLE))?;
    let title = title.trim();
    (!title.is_empty() && title.len() <= LONGEST_TITLE).then_some(title)
}

/// Everything that the stream of a stored presentation says of itself.
pub(super) fn of(store: &Store, presentation: &Presentation) -> Vec<SessionDatum> {
    let Some(multivariant) = &presentation.multivariant else {
        return Vec::new();
    };
    let read = |index: usize| {
        let entry = presentation.entry(store, &path(index))?;
        let mut bytes = Vec::new();
        let file = store.open_entry(entry).ok()?;
        file.take(LIMIT).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    };
    let data = multivariant.session_data.iter().enumerate();
    let data = data.map(|(index, data)| {
        let content = data.url.as_ref().and_then(|_| read(index));
        let (json, text) = match content {
            Some(bytes) if is_json(data) => (serde_json::from_slice(&bytes).ok(), None),
            Some(bytes) => (None, String::from_utf8(bytes).ok()),
            None => (None, data.value.clone()),
        };
        SessionDatum {
            id: data.data_id.clone(),
            language: data.language.clone(),
            value: text,
            json,
        }
    });
    data.collect()
}
