//! The attributes of a date range, kept where they are written.

use std::fmt;
use std::sync::Arc;

use crate::source::Source;
use crate::value::{self, Span};

/// The value of an attribute of a [`DateRange`](crate::DateRange) when it is a `&str`, of one to be written when it is a `String`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AttributeValue<T = String> {
    /// A quoted-string, without the quotes.
    Quoted(T),
    /// Anything else as written: a number, a hexadecimal-sequence, a word.
    Unquoted(T),
}

impl<'a> AttributeValue<&'a str> {
    /// The value as written, without quotes.
    pub fn text(self) -> &'a str {
        match self {
            Self::Quoted(text) | Self::Unquoted(text) => text,
        }
    }

    /// The bytes of a hexadecimal-sequence.
    pub fn bytes(self) -> Option<Vec<u8>> {
        match self {
            Self::Quoted(_) => None,
            Self::Unquoted(text) => value::hexadecimal_bytes(text),
        }
    }
}

impl AttributeValue {
    /// The same value as it is read.
    pub fn as_deref(&self) -> AttributeValue<&str> {
        match self {
            Self::Quoted(text) => AttributeValue::Quoted(text),
            Self::Unquoted(text) => AttributeValue::Unquoted(text),
        }
    }
}

/// The attributes of a [`DateRange`](crate::DateRange), each name once, in the order of the names.
///
/// They are parts of the text of the playlist, which stays in memory as long as they do.
#[derive(Clone)]
pub struct DateRangeAttributes {
    text: Arc<Source>,
    written: Box<[Written]>,
}

/// Where an attribute is in the text.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    pub(crate) name: Span,
    /// Without quotes.
    pub(crate) value: Span,
    pub(crate) quoted: bool,
}

impl Written {
    fn value_in(self, text: &str) -> AttributeValue<&str> {
        let value = self.value.of(text);
        if self.quoted {
            AttributeValue::Quoted(value)
        } else {
            AttributeValue::Unquoted(value)
        }
    }
}

impl DateRangeAttributes {
    /// Attributes in the order of the playlist, of which the first of a name counts.
    pub(crate) fn new(text: &Arc<Source>, mut written: Vec<Written>) -> Self {
        let name = |attribute: &Written| attribute.name.of(text);
        written.sort_by(|one, other| name(one).cmp(name(other)));
        written.dedup_by(|later, first| name(later) == name(first));
        Self {
            text: Arc::clone(text),
            written: written.into_boxed_slice(),
        }
    }

    /// The value of an attribute, if it is there.
    pub fn get(&self, name: &str) -> Option<AttributeValue<&str>> {
        let text: &str = &self.text;
        let found = self
            .written
            .binary_search_by(|attribute| attribute.name.of(text).cmp(name));
        Some(self.written.get(found.ok()?)?.value_in(text))
    }

    /// Names and values, ordered by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, AttributeValue<&str>)> + Clone {
        let text: &str = &self.text;
        let written = self.written.iter();
        written.map(move |attribute| (attribute.name.of(text), attribute.value_in(text)))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.written.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.written.is_empty()
    }

    /// Where the value of an attribute is in the text.
    pub(crate) fn place(&self, at: usize) -> Option<Span> {
        self.written.get(at).map(|attribute| attribute.value)
    }
}

impl PartialEq for DateRangeAttributes {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl Eq for DateRangeAttributes {}

impl fmt::Debug for DateRangeAttributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}
