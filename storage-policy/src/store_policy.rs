//! How much may stay.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, Inner};
use crate::file;
use crate::priority::Priority;
use crate::words;

/// How much may stay, of everything and of what has a tag. The default asks for nothing, so it purges
/// nothing.
///
/// JSON has the fields by name; [`StorePolicy::from_toml`] reads what people write.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct StorePolicy {
    /// All items together may hold this many bytes.
    pub max_bytes: Option<u64>,
    /// Purging begins only above this mark; a share is one of `max_bytes`. By default `max_bytes`.
    pub high_water: Option<Amount>,
    /// Once it begins, purging goes on down to this mark; a share is one of `max_bytes`. By default
    /// the high mark.
    pub low_water: Option<Amount>,
    /// The volume should have this much free; a share is one of [`crate::Inventory::volume_bytes`].
    pub min_free: Option<Amount>,
    /// Take every expired and every surplus item that may go, even where there is no need.
    pub evict_expired: bool,
    /// What may go to make room for something new ([`crate::room_for`]).
    pub make_room: MakeRoom,
    /// Rules for what has a tag, by tag.
    pub tags: BTreeMap<String, TagPolicy>,
}

/// How much of what has one tag may stay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct TagPolicy {
    /// The items that have the tag may hold this many bytes together, each blob counted once, whoever
    /// else holds it.
    pub max_bytes: Option<u64>,
    /// What has the tag and is not among so many newest is surplus.
    pub keep_newest: Option<NonZeroU32>,
}

/// Bytes, or a share of something. Text and JSON: a number of bytes, or `"10%"`; a size as text, such
/// as `20 GB`, is read as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Amount {
    /// So many bytes.
    Bytes(u64),
    /// So many hundredths, at most 100.
    Percent(u8),
}

/// What may go to make room for something new, without anybody having asked for a purge. JSON and
/// text: `nothing`, `expired`, or a [`Priority`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MakeRoom {
    /// Nothing.
    Nothing,
    /// What is expired or surplus.
    Expired,
    /// That, and what has no higher priority than this.
    UpTo(Priority),
}

impl Default for MakeRoom {
    /// What is expired or surplus or has at most [`Priority::DEFAULT`].
    fn default() -> Self {
        Self::UpTo(Priority::DEFAULT)
    }
}

impl StorePolicy {
    /// Reads a store policy as people write it.
    ///
    /// Keys are the fields, and `[tags.NAME]` tables. Sizes are text such as `20 GB` or numbers of bytes.
    ///
    /// ```
    /// use storage_policy::StorePolicy;
    ///
    /// let policy = StorePolicy::from_toml(
    ///     r#"
    ///     max_bytes = "200 GB"
    ///     low_water = "80%"
    ///     min_free = "5%"
    ///
    ///     [tags.news]
    ///     max_bytes = "20 GB"
    ///     keep_newest = 10
    ///     "#,
    /// )?;
    /// assert_eq!(policy.tags["news"].max_bytes, Some(20_000_000_000));
    ///
    /// let error = StorePolicy::from_toml("max_bytes = \"20 GX\"").unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     r#"line 1, column 13: max_bytes is "20 GX"; expected a size such as 20 GB, 500 MiB or 1000000"#
    /// );
    /// # Ok::<(), storage_policy::Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidPolicy`](crate::ErrorKind::InvalidPolicy) with the line, the key and what is
    /// allowed.
    pub fn from_toml(text: &str) -> Result<Self, Error> {
        file::read(text, file::store)
    }

    /// The two marks between which the store moves, if it has any: above the first, purge down to the
    /// second.
    pub(crate) fn marks(&self) -> Result<Option<Marks>, Contradiction> {
        let resolve = |key, amount: Option<Amount>| match amount {
            None => Ok(None),
            Some(Amount::Bytes(bytes)) => Ok(Some(bytes)),
            Some(Amount::Percent(percent)) => match self.max_bytes {
                Some(max) => Ok(Some(share(max, percent))),
                None => Err(Contradiction {
                    key,
                    what: "is a share of max_bytes, which is not set",
                }),
            },
        };
        let high = resolve("high_water", self.high_water)?;
        let low = resolve("low_water", self.low_water)?;
        if let (Some(high), Some(max)) = (high, self.max_bytes)
            && high > max
        {
            return Err(Contradiction {
                key: "high_water",
                what: "is above max_bytes",
            });
        }
        let Some(high) = high.or(self.max_bytes) else {
            let alone = Contradiction {
                key: "low_water",
                what: "needs max_bytes or high_water beside it",
            };
            return if low.is_some() { Err(alone) } else { Ok(None) };
        };
        let low = low.unwrap_or(high);
        if low > high {
            return Err(Contradiction {
                key: "low_water",
                what: "is above the high mark",
            });
        }
        Ok(Some(Marks { high, low }))
    }
}

pub(crate) struct Marks {
    pub(crate) high: u64,
    pub(crate) low: u64,
}

/// A value that does not go with the others.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Contradiction {
    pub(crate) key: &'static str,
    pub(crate) what: &'static str,
}

/// Hundredths of a whole, rounded down.
pub(crate) fn share(whole: u64, percent: u8) -> u64 {
    let bytes = u128::from(whole) * u128::from(percent) / 100;
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes(bytes) => bytes.fmt(f),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl FromStr for Amount {
    type Err = Error;

    /// Reads `20 GB`, `1000000` or `10%`; anything else is
    /// [`ErrorKind::UnknownWord`](crate::ErrorKind::UnknownWord).
    fn from_str(text: &str) -> Result<Self, Error> {
        let percent = words::percent(text).map(Self::Percent);
        percent
            .or_else(|| words::size(text).map(Self::Bytes))
            .ok_or_else(|| Inner::unknown_word(text, &[words::SIZES, words::PERCENT]).into())
    }
}

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Bytes(bytes) => serializer.serialize_u64(*bytes),
            Self::Percent(_) => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Amount {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Amount;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{} or {}", words::SIZES, words::PERCENT)
            }

            fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<Amount, E> {
                Ok(Amount::Bytes(bytes))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Amount, E> {
                text.parse().map_err(E::custom)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl MakeRoom {
    pub(crate) const ALLOWED: &str =
        "nothing, expired, or a priority (low, default, important or a whole number)";
}

impl fmt::Display for MakeRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nothing => f.pad("nothing"),
            Self::Expired => f.pad("expired"),
            Self::UpTo(priority) => priority.fmt(f),
        }
    }
}

impl FromStr for MakeRoom {
    type Err = Error;

    /// Reads `nothing`, `expired` or a priority; anything else is
    /// [`ErrorKind::UnknownWord`](crate::ErrorKind::UnknownWord).
    fn from_str(word: &str) -> Result<Self, Error> {
        match word {
            "nothing" => Ok(Self::Nothing),
            "expired" => Ok(Self::Expired),
            _ => word
                .parse()
                .map(Self::UpTo)
                .map_err(|_| Inner::unknown_word(word, &[Self::ALLOWED]).into()),
        }
    }
}

impl Serialize for MakeRoom {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::UpTo(priority) => priority.serialize(serializer),
            _ => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for MakeRoom {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Form {
            Level(i16),
            Word(String),
        }
        match Form::deserialize(deserializer)? {
            Form::Level(level) => Ok(Self::UpTo(Priority::new(level))),
            Form::Word(word) => word.parse().map_err(de::Error::custom),
        }
    }
}
