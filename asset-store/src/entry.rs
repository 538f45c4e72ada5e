//! What an asset is made of: entries, and where they came from.

use std::ops::Range;

use serde::{Deserialize, Serialize};

use crate::{Digest, Error, ErrorKind};

/// The role whose blobs only the owner may read (mode 0400 instead of 0444).
pub const ROLE_KEY: &str = "key";

const MAX_PATH: usize = 1024;

/// One file of an asset: which blob it is and what it is for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The blob.
    pub digest: Digest,
    /// Length of the blob in bytes.
    pub length: u64,
    /// What the entry is for, in the caller's words; only [`ROLE_KEY`] means something here.
    pub role: String,
    /// Where the bytes came from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<Source>,
}

/// Where the bytes of an entry came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Source {
    /// What stays the same when the same bytes are asked for again: the URL without what expires.
    pub identity: String,
    /// The URL as it was used.
    pub url: String,
    /// The byte range of the resource, when it is not the whole.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub range: Option<Range<u64>>,
    /// The strong `ETag` or `Last-Modified` under which the bytes were received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub validator: Option<String>,
}

/// What the caller says about an entry that is about to be stored.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EntryAttributes {
    /// See [`Entry::role`].
    pub role: String,
    /// See [`Entry::source`].
    pub source: Option<Source>,
}

impl EntryAttributes {
    /// Attributes with a role and no source.
    pub fn new(role: impl Into<String>) -> EntryAttributes {
        EntryAttributes {
            role: role.into(),
            source: None,
        }
    }

    /// The same attributes with a source.
    #[must_use]
    pub fn with_source(mut self, source: Source) -> EntryAttributes {
        self.source = Some(source);
        self
    }

    pub(crate) fn into_entry(self, digest: Digest, length: u64) -> Entry {
        Entry {
            digest,
            length,
            role: self.role,
            source: self.source,
        }
    }
}

/// Checks the path of an entry: relative, parts separated by `/`, no part empty, `.` or `..`, no
/// control character and no backslash, at most 1024 bytes. Such a path stays below the folder it is
/// exported to.
///
/// # Errors
/// [`ErrorKind::InvalidName`] when it breaks one of the rules.
pub fn check_entry_path(path: &str) -> Result<(), Error> {
    let problem = if path.is_empty() {
        "is empty"
    } else if path.len() > MAX_PATH {
        "is longer than 1024 bytes"
    } else if path.chars().any(|c| c.is_control() || c == '\\') {
        "has a control character or a backslash"
    } else if path.split('/').any(|part| matches!(part, "" | "." | "..")) {
        "is absolute or has an empty part, \".\" or \"..\""
    } else if path
        .split('/')
        .next()
        .is_some_and(|part| part.contains(':'))
    {
        "starts with a drive or a scheme"
    } else {
        return Ok(());
    };
    let shown: String = path.chars().take(80).collect();
    Err(Error::new(
        ErrorKind::InvalidName,
        format!("entry path {shown:?} {problem}"),
    ))
}
