//! Absolute URLs that are made of a base and a reference when somebody looks.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use url::Url;

use crate::error::Error;
use crate::multivariant::join;
use crate::reference::is_path;
use crate::source::{Part, Source};

/// An absolute URL that is joined when it is first looked at. Use it as the [`Url`] it dereferences to.
///
/// That it can be joined has been made sure of before: it never fails later.
///
/// ```
/// use hls_parse::LazyUrl;
/// use url::Url;
///
/// let mut lazy = LazyUrl::from(Url::parse("https://example.com/film/high.m3u8")?);
/// assert_eq!(lazy.host_str(), Some("example.com"));
/// lazy = lazy.join("low.m3u8")?.into();
/// assert_eq!(lazy.as_str(), "https://example.com/film/low.m3u8");
/// # Ok::<(), url::ParseError>(())
/// ```
#[derive(Clone)]
pub struct LazyUrl(State);

#[derive(Clone)]
enum State {
    Known(Box<Url>),
    Joinable {
        reference: Part,
        joined: OnceLock<Box<Url>>,
    },
}

impl LazyUrl {
    /// Longer references are joined at once: only what comes near the longest URL there may be could fail.
    const LONGEST: usize = 1 << 20;

    /// Refuses what cannot be joined. Most references are paths, of which it is plain that they can.
    #[inline]
    pub(crate) fn new(reference: Part, line: u32) -> Result<Self, Error> {
        let (base, text) = (reference.base(), reference.as_str());
        if text.len() <= Self::LONGEST && is_path(text) && !base.cannot_be_a_base() {
            return Ok(Self(State::Joinable {
                reference,
                joined: OnceLock::new(),
            }));
        }
        Ok(join(base, text, line)?.into())
    }

    /// What keeps the reference, when it is not joined already.
    #[inline]
    pub(crate) fn source(&self) -> Option<&Arc<Source>> {
        match &self.0 {
            State::Known(_) => None,
            State::Joinable { reference, .. } => Some(reference.source()),
        }
    }

    /// Whether both are the same reference from the same base, so that they need not be joined to see that they are equal.
    fn is_written_as(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (
                State::Joinable { reference: one, .. },
                State::Joinable {
                    reference: other, ..
                },
            ) => Arc::ptr_eq(one.base(), other.base()) && one.as_str() == other.as_str(),
            _ => false,
        }
    }
}

impl Deref for LazyUrl {
    type Target = Url;

    fn deref(&self) -> &Url {
        match &self.0 {
            State::Known(url) => url,
            State::Joinable { reference, joined } => joined.get_or_init(|| {
                // That it can be joined was made sure of.
                let base = reference.base();
                let url = base.join(reference.as_str());
                Box::new(url.unwrap_or_else(|_| Url::clone(base)))
            }),
        }
    }
}

impl AsRef<Url> for LazyUrl {
    fn as_ref(&self) -> &Url {
        self
    }
}

impl From<Url> for LazyUrl {
    fn from(url: Url) -> Self {
        Self(State::Known(Box::new(url)))
    }
}

impl From<LazyUrl> for Url {
    fn from(url: LazyUrl) -> Self {
        Self::clone(&url)
    }
}

impl PartialEq for LazyUrl {
    fn eq(&self, other: &Self) -> bool {
        self.is_written_as(other) || **self == **other
    }
}

impl Eq for LazyUrl {}

impl PartialEq<Url> for LazyUrl {
    fn eq(&self, other: &Url) -> bool {
        **self == *other
    }
}

impl fmt::Debug for LazyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for LazyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for LazyUrl {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serde::Serialize::serialize(&**self, serializer)
    }
}
