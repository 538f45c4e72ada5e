//! The assets that an `X-ASSET-LIST` leads to (section D.2).

#[cfg(feature = "serde")]
mod json;

use std::fmt;
use std::time::Duration;

use url::Url;

use crate::error::{Error, ErrorKind, excerpt};
use crate::interstitial::SkipControl;

/// What an [`InterstitialAsset::List`](crate::InterstitialAsset) leads to: assets that are played one after the other. With the feature `serde` it can be read
/// from its JSON, and written as such.
///
/// What clients forgive is forgiven and [reported](AssetList::defects): an asset without a URI, a duration in quotes, members that nobody knows. A document without
/// an array `ASSETS`, or with more than [`AssetList::MAX_ASSETS`] in it, is none. How long the document itself may be is for the caller to say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssetList {
    /// `ASSETS`, in the order in which they are played.
    pub assets: Vec<ListedAsset>,
    /// `SKIP-CONTROL`: what it says overrides what the date range says.
    pub skip_control: Option<SkipControl>,
    /// What was left out or forgiven, in the order of the document.
    pub defects: Vec<AssetListDefect>,
}

/// One asset of an [`AssetList`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListedAsset {
    /// `URI`; see [`ListedAsset::url`].
    pub uri: String,
    /// `DURATION`, if it could be read.
    pub duration: Option<Duration>,
}

/// What is wrong in an [`AssetList`] that was read all the same.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AssetListDefect {
    /// Which member of `ASSETS` it is about, counted from 0; `None` when it is about `SKIP-CONTROL`.
    pub asset: Option<usize>,
    /// What is wrong, and what was made of it.
    pub what: &'static str,
}

impl fmt::Display for AssetListDefect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.asset {
            Some(asset) => write!(f, "ASSETS[{asset}] {}", self.what),
            None => write!(f, "SKIP-CONTROL {}", self.what),
        }
    }
}

impl AssetList {
    /// The most assets that a list may have.
    pub const MAX_ASSETS: usize = 1000;
}

impl ListedAsset {
    /// Where the asset is. The specification wants its URI to be absolute; one that is relative is taken as relative to the list.
    ///
    /// # Errors
    /// When that is no URL.
    pub fn url(&self, list: &Url) -> Result<Url, Error> {
        list.join(&self.uri).map_err(|error| {
            let message = format!("the asset \"{}\" has no address", excerpt(&self.uri));
            Error::new(ErrorKind::InvalidUrl, message).with_source(error)
        })
    }
}
