//! Attribute lists (section 4.2): `NAME=value,NAME="value"`.

use std::ops::Range;

use crate::attribute_name::AttributeName;
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

    #[expect(
        clippy::inline_always,
        reason = "attributes are made where they are kept instead of being copied there"
    )]
    #[inline(always)]
    fn next(&mut self) -> Option<Attribute<'a>> {
        let rest = self.list.get(self.position..)?;
        let Some(shape) = Shape::of(rest.as_bytes()) else {
            return self.next_of_any_shape();
        };
        let start = self.position;
        self.position = start + shape.end + 1;
        Some(Attribute {
            name: rest.get(..shape.name_end)?,
            value: rest.get(shape.value)?,
            quoted: shape.quoted,
            span: start..start + shape.end,
            defect: None,
        })
    }
}

/// Where the parts of a well-written attribute are.
struct Shape {
    name_end: usize,
    value: Range<usize>,
    quoted: bool,
    end: usize,
}

impl Shape {
    /// The shape of the attribute at the start of `text` when it has a value and nothing is wrong with the way it is written, as is the case nearly always.
    #[expect(clippy::inline_always, reason = "the parts are used at once")]
    #[inline(always)]
    fn of(text: &[u8]) -> Option<Self> {
        let name_end = find_near::<b'=', b','>(text);
        let (name, rest) = text.split_at_checked(name_end)?;
        let [b'=', value @ ..] = rest else {
            return None;
        };
        if !is_trimmed(name) {
            return None;
        }
        let start = name_end + 1;
        if let [b'"', inner @ ..] = value {
            let length = find_near::<b'"', b'"'>(inner);
            return match inner.get(length..)? {
                [b'"'] | [b'"', b',', ..] => Some(Self {
                    name_end,
                    value: start + 1..start + 1 + length,
                    quoted: true,
                    end: start + length + 2,
                }),
                _ => None,
            };
        }
        let length = find_near::<b',', b','>(value);
        is_trimmed(value.get(..length)?).then_some(Self {
            name_end,
            value: start..start + length,
            quoted: false,
            end: start + length,
        })
    }
}

/// Whether there surely is no white space around a text that is not empty.
#[inline]
fn is_trimmed(text: &[u8]) -> bool {
    let graphic = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_graphic);
    graphic(text.first()) && graphic(text.last())
}

impl<'a> Attributes<'a> {
    #[cold]
    fn next_of_any_shape(&mut self) -> Option<Attribute<'a>> {
        loop {
            let start = self.position;
            let rest = self.list.get(start..).filter(|rest| !rest.is_empty())?;
            let split = find_near::<b'=', b','>(rest.as_bytes());
            let raw_name = rest.get(..split).unwrap_or_default();
            let name = raw_name.trim();
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

/// Where the first of two bytes is, or the length of `text`. Names and values are short: it looks at eight bytes at once, and calls on a search that is better
/// for long ones only when there is nothing near.
#[inline(always)]
fn find_near<const ONE: u8, const OTHER: u8>(text: &[u8]) -> usize {
    const NEAR: usize = 64;
    let (words, rest) = text.as_chunks::<8>();
    let mut at = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let found = zero_bytes(word ^ spread(ONE)) | zero_bytes(word ^ spread(OTHER));
        if found != 0 {
            return at + found.trailing_zeros() as usize / 8;
        }
        at += 8;
        if at == NEAR {
            let far = text.get(NEAR..).unwrap_or_default();
            return NEAR + memchr::memchr2(ONE, OTHER, far).unwrap_or(far.len());
        }
    }
    let is_it = |byte: &u8| *byte == ONE || *byte == OTHER;
    at + rest.iter().position(is_it).unwrap_or(rest.len())
}

/// A byte in each of the eight places.
#[inline]
const fn spread(byte: u8) -> u64 {
    u64::from_ne_bytes([byte; 8])
}

/// The highest bit of each byte that is zero is set; bits above the lowest of them may be wrong.
#[inline]
const fn zero_bytes(word: u64) -> u64 {
    word.wrapping_sub(spread(0x01)) & !word & spread(0x80)
}

/// The value at the start of `text`, whether it is quoted, its length up to the comma, and what is wrong with it.
fn read_value(text: &str) -> (&str, bool, usize, Option<AttributeDefect>) {
    let spaces = match text.as_bytes() {
        [first, ..] if first.is_ascii_graphic() => 0,
        _ => text.len() - text.trim_start().len(),
    };
    let body = text.get(spaces..).unwrap_or_default();
    let Some(inner) = body.strip_prefix('"') else {
        let length = find_near::<b',', b','>(text.as_bytes());
        let raw = text.get(..length).unwrap_or_default();
        let value = raw.trim();
        let defect = (value.len() != raw.len()).then_some(AttributeDefect::WhiteSpace);
        return (value, false, length, defect);
    };
    let close = find_near::<b'"', b'"'>(inner.as_bytes());
    if close == inner.len() {
        return (inner, true, text.len(), Some(AttributeDefect::Unclosed));
    }
    let value = inner.get(..close).unwrap_or_default();
    let tail_start = spaces + 1 + close + 1;
    let tail = text.get(tail_start..).unwrap_or_default();
    let tail_length = match tail.as_bytes() {
        [] | [b',', ..] => 0,
        tail => memchr::memchr(b',', tail).unwrap_or(tail.len()),
    };
    let tail = tail.get(..tail_length).unwrap_or_default();
    let defect = if !tail.trim().is_empty() {
        Some(AttributeDefect::TextAfterQuote)
    } else if spaces > 0 || !tail.is_empty() {
        Some(AttributeDefect::WhiteSpace)
    } else {
        None
    };
    (value, true, tail_start + tail_length, defect)
}

/// How the names of attributes start that a client must know to make use of the tag (section 6.3.1).
const REQUIREMENT: &str = "REQ-";

/// An attribute, and which of those that are known it is.
#[derive(Debug)]
pub(crate) struct Item<'a> {
    pub(crate) attribute: Attribute<'a>,
    pub(crate) known: Option<AttributeName>,
}

/// The attributes of one tag, for reading by name. The first of a name counts.
#[derive(Debug)]
pub(crate) struct AttributeList<'a> {
    items: Vec<Item<'a>>,
    /// One more than the place in `items` of each known name; 0 for those that are not there or too far behind to be told.
    places: [u16; AttributeName::COUNT],
    /// Whether a known name is there twice.
    repeated: bool,
    /// Whether a name starts with `REQ-`.
    requires: bool,
}

impl<'a> AttributeList<'a> {
    /// Most lists are shorter than that.
    const USUAL: usize = 12;

    pub(crate) fn new(list: &'a str) -> Self {
        let mut read = Self::empty();
        // Without a limit nothing can be above it.
        let _ = read.read(list, usize::MAX);
        read
    }

    /// A list of no attributes, to [read](Self::read) many into, one after the other.
    pub(crate) fn empty() -> Self {
        Self {
            items: Vec::with_capacity(Self::USUAL),
            places: [0; AttributeName::COUNT],
            repeated: false,
            requires: false,
        }
    }

    /// Puts the attributes of another list in the place of those there are. When there are more than `limit`, reads no further and tells where the first of the rest is.
    pub(crate) fn read(&mut self, list: &'a str, limit: usize) -> Result<(), usize> {
        self.items.clear();
        self.places = [0; AttributeName::COUNT];
        (self.repeated, self.requires) = (false, false);
        for attribute in attributes(list) {
            if self.items.len() == limit {
                return Err(attribute.span.start);
            }
            let known = AttributeName::of(attribute.name);
            if known.is_none_or(|name| name == AttributeName::ReqVideoLayout) {
                self.requires |= attribute.name.starts_with(REQUIREMENT);
            }
            if let Some(name) = known {
                let place = &mut self.places[name.place()];
                if *place == 0 {
                    *place = u16::try_from(self.items.len() + 1).unwrap_or(0);
                } else {
                    self.repeated = true;
                }
            }
            self.items.push(Item { attribute, known });
        }
        Ok(())
    }

    pub(crate) fn items(&self) -> &[Item<'a>] {
        &self.items
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Attribute<'a>> {
        self.items.iter().map(|item| &item.attribute)
    }

    /// Whether an attribute that the specification knows is there twice; of very long lists it may be said although none is.
    pub(crate) fn may_repeat(&self) -> bool {
        self.repeated || self.is_long()
    }

    /// Whether an attribute says what a client must know to make use of the tag. No tag of a Media Playlist has one that is known.
    pub(crate) fn has_requirement(&self) -> bool {
        self.requires
    }

    /// Whether there are attributes further behind than `places` tells.
    fn is_long(&self) -> bool {
        self.items.len() >= usize::from(u16::MAX)
    }

    /// The first attribute of that name. What the name is gets looked up when this is compiled, mostly.
    #[inline]
    pub(crate) fn get(&self, name: &str) -> Option<&Attribute<'a>> {
        match AttributeName::of(name) {
            Some(known) => self.get_known(known),
            None => self.iter().find(|attribute| attribute.name == name),
        }
    }

    #[inline]
    pub(crate) fn get_known(&self, name: AttributeName) -> Option<&Attribute<'a>> {
        let place = usize::from(self.places[name.place()]);
        if place == 0 && self.is_long() {
            let mut items = self.items.iter();
            return items
                .find(|item| item.known == Some(name))
                .map(|item| &item.attribute);
        }
        Some(&self.items.get(place.checked_sub(1)?)?.attribute)
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
