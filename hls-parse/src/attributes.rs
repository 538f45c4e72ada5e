//! Attribute lists (section 4.2): `NAME=value,NAME="value"`.

use std::ops::Range;

use crate::value;

/// One attribute, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attribute<'a> {
    /// The name, white space around it left out.
    pub name: &'a str,
    /// The value without quotes.
    pub value: &'a str,
    /// Whether the value was in double quotes.
    pub quoted: bool,
    /// Where it is in the list, in bytes, from the name to the end of the value.
    pub span: Range<usize>,
    /// What is wrong with the way it is written, although it could be read.
    pub defect: Option<AttributeDefect>,
}

/// What is wrong with the way an attribute is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AttributeDefect {
    /// There is no `=`; the value is empty.
    NoValue,
    /// The closing quote is missing; the value goes on to the end.
    Unclosed,
    /// There is text between the closing quote and the next comma, which is left out.
    TextAfterQuote,
    /// There is white space around the name or the value.
    WhiteSpace,
}

/// The attributes of a list, in order; whatever is between commas is one.
///
/// ```
/// use hls_parse::attributes;
///
/// let list: Vec<_> = attributes("METHOD=AES-128,URI=\"key,1\"").collect();
/// assert_eq!((list[1].name, list[1].value, list[1].quoted), ("URI", "key,1", true));
/// ```
pub fn attributes(list: &str) -> Attributes<'_> {
    Attributes { list, position: 0 }
}

/// Iterator over the [`Attribute`]s of a list; made by [`attributes()`].
#[derive(Debug, Clone)]
pub struct Attributes<'a> {
    list: &'a str,
    position: usize,
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    // In line, so that attributes are made where they are kept instead of being copied there.
    #[inline]
    fn next(&mut self) -> Option<Attribute<'a>> {
        loop {
            let start = self.position;
            let rest = self.list.get(start..).filter(|rest| !rest.is_empty())?;
            // Names are too short for a vectorized search to pay.
            let mut bytes = rest.bytes();
            let split = bytes
                .position(|byte| matches!(byte, b'=' | b','))
                .unwrap_or(rest.len());
            let raw_name = rest.get(..split).unwrap_or_default();
            let name = trim(raw_name);
            if rest.as_bytes().get(split) != Some(&b'=') {
                self.position = start + split + 1;
                if name.is_empty() {
                    continue;
                }
                return Some(Attribute {
                    name,
                    value: "",
                    quoted: false,
                    span: start..start + split,
                    defect: Some(AttributeDefect::NoValue),
                });
            }
            let after = rest.get(split + 1..).unwrap_or_default();
            let (value, quoted, length, defect) = read_value(after);
            self.position = start + split + 1 + length + 1;
            let spaced = (raw_name.len() != name.len()).then_some(AttributeDefect::WhiteSpace);
            return Some(Attribute {
                name,
                value,
                quoted,
                span: start..start + split + 1 + length,
                defect: defect.or(spaced),
            });
        }
    }
}

/// The text without white space around it; there hardly ever is any, and this tells so cheaply.
fn trim(text: &str) -> &str {
    match text.as_bytes() {
        [first, .., last] if first.is_ascii_graphic() && last.is_ascii_graphic() => text,
        _ => text.trim(),
    }
}

/// The value at the start of `text`, whether it is quoted, its length up to the comma, and what is wrong with it.
#[inline]
fn read_value(text: &str) -> (&str, bool, usize, Option<AttributeDefect>) {
    let spaces = match text.as_bytes() {
        [first, ..] if first.is_ascii_graphic() => 0,
        _ => text.len() - text.trim_start().len(),
    };
    let body = text.get(spaces..).unwrap_or_default();
    let Some(inner) = body.strip_prefix('"') else {
        let mut bytes = text.bytes();
        let length = bytes.position(|byte| byte == b',').unwrap_or(text.len());
        let raw = text.get(..length).unwrap_or_default();
        let value = trim(raw);
        let defect = (value.len() != raw.len()).then_some(AttributeDefect::WhiteSpace);
        return (value, false, length, defect);
    };
    let Some(close) = memchr::memchr(b'"', inner.as_bytes()) else {
        return (inner, true, text.len(), Some(AttributeDefect::Unclosed));
    };
    let value = inner.get(..close).unwrap_or_default();
    let tail_start = spaces + 1 + close + 1;
    let tail = text.get(tail_start..).unwrap_or_default();
    let tail_length = match tail.as_bytes() {
        [] | [b',', ..] => 0,
        tail => memchr::memchr(b',', tail).unwrap_or(tail.len()),
    };
    let tail = tail.get(..tail_length).unwrap_or_default();
    let defect = if !trim(tail).is_empty() {
        Some(AttributeDefect::TextAfterQuote)
    } else if spaces > 0 || !tail.is_empty() {
        Some(AttributeDefect::WhiteSpace)
    } else {
        None
    };
    (value, true, tail_start + tail_length, defect)
}

/// The attributes of one tag, for reading by name. The first of a name counts.
#[derive(Debug)]
pub(crate) struct AttributeList<'a> {
    items: Vec<Attribute<'a>>,
}

impl<'a> AttributeList<'a> {
    /// Most lists are shorter than that.
    const USUAL: usize = 12;

    pub(crate) fn new(list: &'a str) -> Self {
        let mut items = Vec::with_capacity(Self::USUAL);
        items.extend(attributes(list));
        Self { items }
    }

    /// The attributes, or `None` when there are more than `limit`.
    pub(crate) fn with_limit(list: &'a str, limit: usize) -> Option<Self> {
        let mut items = Vec::with_capacity(Self::USUAL);
        for attribute in attributes(list) {
            if items.len() == limit {
                return None;
            }
            items.push(attribute);
        }
        Some(Self { items })
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Attribute<'a>> {
        self.items.iter()
    }

    #[inline]
    pub(crate) fn get(&self, name: &str) -> Option<&Attribute<'a>> {
        self.items.iter().find(|attribute| attribute.name == name)
    }

    #[inline]
    pub(crate) fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// The value of an attribute that is there and not empty.
    #[inline]
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.get(name)
            .map(|attribute| attribute.value)
            .filter(|value| !value.is_empty())
    }

    #[inline]
    pub(crate) fn integer(&self, name: &str) -> Option<u64> {
        value::decimal_integer(self.text(name)?.as_bytes())
    }

    #[inline]
    pub(crate) fn billionths(&self, name: &str) -> Option<u64> {
        value::decimal_billionths(self.text(name)?.as_bytes())
    }

    #[inline]
    pub(crate) fn is_yes(&self, name: &str) -> bool {
        self.text(name) == Some("YES")
    }
}
