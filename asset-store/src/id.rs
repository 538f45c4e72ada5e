//! Names that become file names: asset ids and document names.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Error, ErrorKind};

const MAX_LENGTH: usize = 128;
const MAX_DOCUMENT_NAME: usize = 64;

/// The id of an asset, which is also the name of its folder.
///
/// 1 to 128 characters of `A-Z a-z 0-9 . _ -`, not starting with a dot, not ending with one, and
/// not a device name of Windows, so that it is a file name on every system. Ids that differ only in
/// case are the same folder on some systems; choose them so that this does not matter.
///
/// ```
/// use asset_store::AssetId;
///
/// assert!(AssetId::new("big-buck-bunny").is_ok());
/// assert!(AssetId::new("../etc").is_err());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AssetId(String);

impl AssetId {
    /// Checks `id` and takes it.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidName`] when it breaks one of the rules above.
    pub fn new(id: impl Into<String>) -> Result<AssetId, Error> {
        let id = id.into();
        match problem(&id, MAX_LENGTH) {
            None => Ok(AssetId(id)),
            Some(problem) => Err(Error::new(
                ErrorKind::InvalidName,
                format!("asset id {id:?} {problem}"),
            )),
        }
    }

    /// The name of a folder that no reader takes for an asset.
    pub(crate) fn unpublished(name: String) -> AssetId {
        AssetId(name)
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A document lies beside the manifest, so its name obeys the same rules as an id.
pub(crate) fn check_document_name(name: &str) -> Result<(), Error> {
    match problem(name, MAX_DOCUMENT_NAME) {
        None => Ok(()),
        Some(problem) => Err(Error::new(
            ErrorKind::InvalidName,
            format!("document name {name:?} {problem}"),
        )),
    }
}

fn problem(name: &str, max_length: usize) -> Option<&'static str> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    if name.is_empty() {
        Some("is empty")
    } else if name.len() > max_length {
        Some("is too long")
    } else if !name.bytes().all(allowed) {
        Some("has a character other than A-Z a-z 0-9 . _ -")
    } else if name.starts_with('.') || name.ends_with('.') {
        Some("starts or ends with a dot")
    } else if is_windows_device(name) {
        Some("is a device name on Windows")
    } else {
        None
    }
}

/// Windows reserves these with any extension: `nul.txt` is the device too.
fn is_windows_device(name: &str) -> bool {
    let stem = name
        .split('.')
        .next()
        .unwrap_or_default()
        .to_ascii_lowercase();
    match stem.as_str() {
        "con" | "prn" | "aux" | "nul" => true,
        other => other
            .strip_prefix("com")
            .or_else(|| other.strip_prefix("lpt"))
            .is_some_and(|number| matches!(number.as_bytes(), [b'0'..=b'9'])),
    }
}

impl fmt::Display for AssetId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for AssetId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl FromStr for AssetId {
    type Err = Error;

    fn from_str(text: &str) -> Result<AssetId, Error> {
        AssetId::new(text)
    }
}

impl TryFrom<String> for AssetId {
    type Error = Error;

    fn try_from(text: String) -> Result<AssetId, Error> {
        AssetId::new(text)
    }
}

impl From<AssetId> for String {
    fn from(id: AssetId) -> String {
        id.0
    }
}
