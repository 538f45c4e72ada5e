//! Text that is a part of a playlist and shares its memory.

use std::borrow::Borrow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use crate::source::{Part, Source};
use crate::value::Span;

/// Text that never changes, either on its own or a part of the playlist it was read from. Use it as the [`str`] it dereferences to.
///
/// Copies are cheap. One that is a part of a playlist keeps the text of the playlist in memory; `to_string` makes a copy that does not.
///
/// ```
/// use hls_parse::SharedText;
///
/// let codecs = SharedText::from("avc1.640028,mp4a.40.2");
/// assert!(codecs.starts_with("avc1"));
/// assert_eq!(codecs, "avc1.640028,mp4a.40.2");
/// ```
#[derive(Clone)]
pub struct SharedText(State);

/// As large as one pointer and a place: there are many texts for each playlist.
#[derive(Clone)]
enum State {
    Part(Part),
    Own(Arc<Box<str>>),
}

impl SharedText {
    /// A part of `source`.
    #[inline]
    pub(crate) fn part(source: &Arc<Source>, part: Span) -> Self {
        Part::new(source, part).into()
    }

    /// The text.
    #[inline]
    pub fn as_str(&self) -> &str {
        match &self.0 {
            State::Part(part) => part.as_str(),
            State::Own(text) => text,
        }
    }
}

impl Deref for SharedText {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl AsRef<str> for SharedText {
    fn as_ref(&self) -> &str {
        self
    }
}

impl Borrow<str> for SharedText {
    fn borrow(&self) -> &str {
        self
    }
}

impl From<Part> for SharedText {
    fn from(part: Part) -> Self {
        Self(State::Part(part))
    }
}

impl From<String> for SharedText {
    fn from(text: String) -> Self {
        Self(State::Own(Arc::new(text.into())))
    }
}

impl From<&str> for SharedText {
    fn from(text: &str) -> Self {
        Self(State::Own(Arc::new(text.into())))
    }
}

impl From<SharedText> for String {
    fn from(text: SharedText) -> Self {
        text.as_str().to_owned()
    }
}

impl Default for SharedText {
    fn default() -> Self {
        Self::from("")
    }
}

impl PartialEq for SharedText {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for SharedText {}

impl PartialEq<str> for SharedText {
    fn eq(&self, other: &str) -> bool {
        **self == *other
    }
}

impl PartialEq<&str> for SharedText {
    fn eq(&self, other: &&str) -> bool {
        **self == **other
    }
}

impl PartialEq<String> for SharedText {
    fn eq(&self, other: &String) -> bool {
        **self == **other
    }
}

impl PartialOrd for SharedText {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for SharedText {
    fn cmp(&self, other: &Self) -> Ordering {
        (**self).cmp(&**other)
    }
}

impl Hash for SharedText {
    fn hash<H: Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl fmt::Debug for SharedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

impl fmt::Display for SharedText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&**self, f)
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for SharedText {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self)
    }
}
