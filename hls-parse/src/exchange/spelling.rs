//! Attributes as values to be compared or taken, however they are spelled.

use std::collections::{BTreeMap, HashMap};

use m3u8_rs::QuotedOrUnquoted;

use crate::attributes::attributes;
use crate::date;
use crate::playlist::Tag;
use crate::tag::TagName;
use crate::value;

/// What a tag says, with numbers, dates and flags in one spelling.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Meaning<'a> {
    /// By name, each with the value and whether it is quoted.
    Attributes(BTreeMap<&'a str, (String, bool)>),
    /// Anything else, as written.
    Text(&'a str),
}

impl<'a> Meaning<'a> {
    pub(super) fn of(tag: &Tag<'a>) -> Self {
        let has_attributes = matches!(
            tag.name,
            TagName::Key
                | TagName::Map
                | TagName::DateRange
                | TagName::Start
                | TagName::Media
                | TagName::StreamInf
                | TagName::IFrameStreamInf
                | TagName::SessionData
                | TagName::SessionKey
        );
        if !has_attributes {
            return Self::Text(tag.value);
        }
        let mut values = BTreeMap::new();
        let mut seen = std::collections::HashSet::new();
        for attribute in attributes(tag.value) {
            // The first of a name counts.
            if !seen.insert(attribute.name) {
                continue;
            }
            let (name, text, quoted) = (attribute.name, attribute.value, attribute.quoted);
            let is_unset = !quoted && (text.is_empty() || (text == "NO" && is_flag(name)));
            if !is_unset {
                values.insert(name, (canonical(name, text, quoted), quoted));
            }
        }
        Self::Attributes(values)
    }

    /// The names of the attributes that are not the same in both, each with whether it is in this one.
    pub(super) fn differences(&self, other: &Self) -> Vec<(String, bool)> {
        let (Self::Attributes(one), Self::Attributes(two)) = (self, other) else {
            return Vec::new();
        };
        let changed = one
            .iter()
            .filter(|(name, value)| two.get(*name) != Some(value));
        let added = two.keys().filter(|name| !one.contains_key(*name));
        changed
            .map(|(name, _)| ((*name).to_owned(), true))
            .chain(added.map(|name| ((*name).to_owned(), false)))
            .collect()
    }
}

fn is_flag(name: &str) -> bool {
    matches!(
        name,
        "DEFAULT" | "AUTOSELECT" | "FORCED" | "END-ON-NEXT" | "PRECISE"
    )
}

fn canonical(name: &str, text: &str, quoted: bool) -> String {
    let same = || text.to_owned();
    match name {
        "START-DATE" | "END-DATE" => {
            date::parse(text.as_bytes()).map_or_else(same, |date| date.to_string())
        }
        "IV" => value::hexadecimal_128(text).map_or_else(same, |(iv, _)| format!("{iv:?}")),
        "RESOLUTION" => {
            value::resolution(text.as_bytes()).map_or_else(same, |size| size.to_string())
        }
        "BYTERANGE" => {
            value::byte_range(text.as_bytes()).map_or_else(same, |range| format!("{range:?}"))
        }
        _ if quoted => same(),
        "TIME-OFFSET" => value::signed_seconds(text).map_or_else(same, |time| time.to_string()),
        _ => value::decimal_billionths(text.as_bytes()).map_or_else(same, |n| n.to_string()),
    }
}

/// The attributes of a tag, to be taken one after the other; what is left has no field.
#[derive(Debug)]
pub(super) struct Taken {
    map: HashMap<String, QuotedOrUnquoted>,
}

impl Taken {
    pub(super) fn new(list: &str) -> Self {
        let mut map = HashMap::new();
        for attribute in attributes(list) {
            let text = attribute.value.to_owned();
            let value = if attribute.quoted {
                QuotedOrUnquoted::Quoted(text)
            } else {
                QuotedOrUnquoted::Unquoted(text)
            };
            map.entry(attribute.name.to_owned()).or_insert(value);
        }
        Self { map }
    }

    pub(super) fn value(&mut self, name: &str) -> Option<QuotedOrUnquoted> {
        self.map.remove(name)
    }

    pub(super) fn text(&mut self, name: &str) -> Option<String> {
        match self.map.remove(name)? {
            QuotedOrUnquoted::Quoted(text) | QuotedOrUnquoted::Unquoted(text) => Some(text),
        }
    }

    /// Takes a value that can be read; another one stays among those without field.
    pub(super) fn read<T>(&mut self, name: &str, read: impl Fn(&str) -> Option<T>) -> Option<T> {
        let value = read(self.map.get(name)?.as_str())?;
        self.map.remove(name);
        Some(value)
    }

    pub(super) fn integer(&mut self, name: &str) -> Option<u64> {
        self.read(name, |text| value::decimal_integer(text.as_bytes()))
    }

    pub(super) fn decimal(&mut self, name: &str) -> Option<f64> {
        self.read(name, |text| {
            value::decimal_billionths(text.as_bytes())?;
            text.parse().ok()
        })
    }

    pub(super) fn is_yes(&mut self, name: &str) -> bool {
        let is_yes = |text: &str| match text {
            "YES" => Some(true),
            "NO" => Some(false),
            _ => None,
        };
        self.read(name, is_yes).unwrap_or_default()
    }

    pub(super) fn rest(self) -> HashMap<String, QuotedOrUnquoted> {
        self.map
    }

    /// The rest; `None` when there is none, as m3u8-rs has it.
    pub(super) fn rest_if_any(self) -> Option<HashMap<String, QuotedOrUnquoted>> {
        Some(self.map).filter(|map| !map.is_empty())
    }
}
