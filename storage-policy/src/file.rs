//! Policies in TOML, read key by key, so that every mistake has its place and what is allowed there.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;
use std::time::{Duration, SystemTime};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{Error, Inner};
use crate::policy::{AfterPlayed, Policy};
use crate::priority::Priority;
use crate::store_policy::{Amount, MakeRoom, StorePolicy, TagPolicy};
use crate::{time, words};

/// Longer files are no policies.
const MAX_BYTES: usize = 1 << 20;

/// A mistake, and where it is: an offset in bytes.
pub(crate) struct Mistake {
    offset: usize,
    key: String,
    what: String,
}

/// Reads a document with one of [`asset`] and [`store`].
pub(crate) fn read<T>(
    text: &str,
    document: fn(&Table<'_>) -> Result<T, Mistake>,
) -> Result<T, Error> {
    if text.len() > MAX_BYTES {
        let what = "the policy has more than 1 MiB".to_owned();
        return Err(invalid(text, 0, None, what));
    }
    let parsed = DeTable::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        let what = format!(
            "{}; a value is a number, true, false, a date, or text in quotation marks",
            error.message().trim_end().replace('\n', ", ")
        );
        invalid(text, offset, key_before(text, offset), what)
    })?;
    let root = Table {
        path: String::new(),
        offset: 0,
        entries: parsed.get_ref(),
    };
    document(&root)
        .map_err(|mistake| invalid(text, mistake.offset, Some(mistake.key), mistake.what))
}

pub(crate) fn store(table: &Table<'_>) -> Result<StorePolicy, Mistake> {
    table.allow(&[
        "max_bytes",
        "high_water",
        "low_water",
        "min_free",
        "evict_expired",
        "make_room",
        "tags",
    ])?;
    let mut tags = BTreeMap::new();
    if let Some(field) = table.get("tags") {
        let rules = field.table()?;
        for tag in rules.entries.keys() {
            let Some(rule) = rules.get(tag.get_ref()) else {
                continue;
            };
            let rule = rule.table()?;
            rule.allow(&["max_bytes", "keep_newest"])?;
            let policy = TagPolicy {
                max_bytes: rule.read("max_bytes", Field::size)?,
                keep_newest: rule.read("keep_newest", Field::count)?,
            };
            tags.insert(tag.get_ref().to_string(), policy);
        }
    }
    let policy = StorePolicy {
        max_bytes: table.read("max_bytes", Field::size)?,
        high_water: table.read("high_water", Field::amount)?,
        low_water: table.read("low_water", Field::amount)?,
        min_free: table.read("min_free", Field::amount)?,
        evict_expired: (table.read("evict_expired", Field::boolean)?).unwrap_or_default(),
        make_room: (table.read("make_room", Field::make_room)?).unwrap_or_default(),
        tags,
    };
    match policy.marks() {
        Err(wrong) => Err(table.mistake(wrong.key, wrong.what)),
        Ok(_) => Ok(policy),
    }
}

pub(crate) fn asset(table: &Table<'_>) -> Result<Policy, Mistake> {
    table.allow(&[
        "priority",
        "expires",
        "pinned",
        "after_played",
        "storage_window",
        "playback_window",
        "series",
        "keep_newest",
        "tags",
        "drop_auxiliary",
    ])?;
    let policy = Policy {
        priority: (table.read("priority", Field::priority)?).unwrap_or_default(),
        expires: table.read("expires", Field::time)?,
        pinned: (table.read("pinned", Field::boolean)?).unwrap_or_default(),
        after_played: table.read("after_played", Field::after_played)?,
        storage_window: table.read("storage_window", Field::duration)?,
        playback_window: table.read("playback_window", Field::duration)?,
        series: table.read("series", Field::name)?,
        keep_newest: table.read("keep_newest", Field::count)?,
        tags: (table.read("tags", Field::names)?).unwrap_or_default(),
        drop_auxiliary: (table.read("drop_auxiliary", Field::boolean)?).unwrap_or_default(),
    };
    if policy.keep_newest.is_some() && policy.series.is_none() {
        return Err(table.mistake("keep_newest", "needs series beside it"));
    }
    Ok(policy)
}

/// A table and how it is called.
pub(crate) struct Table<'a> {
    path: String,
    offset: usize,
    entries: &'a DeTable<'a>,
}

impl<'a> Table<'a> {
    /// Refuses keys that are not among these.
    fn allow(&self, allowed: &[&str]) -> Result<(), Mistake> {
        let mut unknown = (self.entries.keys())
            .filter(|key| !allowed.contains(&&**key.get_ref()))
            .collect::<Vec<_>>();
        unknown.sort_unstable_by_key(|key| key.span().start);
        match unknown.first() {
            None => Ok(()),
            Some(key) => Err(Mistake {
                offset: key.span().start,
                key: self.full(key.get_ref()),
                what: format!(
                    "there is no key {:?}; allowed are {}",
                    self.full(key.get_ref()),
                    allowed.join(", ")
                ),
            }),
        }
    }

    fn full(&self, key: &str) -> String {
        if self.path.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.path)
        }
    }

    fn get(&self, key: &str) -> Option<Field<'a>> {
        let value = self.entries.get(key)?;
        Some(Field {
            path: self.full(key),
            value,
        })
    }

    fn read<T>(
        &self,
        key: &str,
        read: fn(&Field<'a>) -> Result<T, Mistake>,
    ) -> Result<Option<T>, Mistake> {
        self.get(key).as_ref().map(read).transpose()
    }

    fn mistake(&self, key: &str, what: &str) -> Mistake {
        let offset = self
            .entries
            .get(key)
            .map_or(self.offset, |value| value.span().start);
        let key = self.full(key);
        let what = format!("{key} {what}");
        Mistake { offset, key, what }
    }
}

/// A value and how it is called.
struct Field<'a> {
    path: String,
    value: &'a Spanned<DeValue<'a>>,
}

impl<'a> Field<'a> {
    fn expected(&self, allowed: &str) -> Mistake {
        let found = match self.value.get_ref() {
            DeValue::String(text) => format!("{text:?}"),
            DeValue::Integer(number) => number.to_string(),
            DeValue::Float(number) => number.to_string(),
            DeValue::Boolean(value) => value.to_string(),
            DeValue::Datetime(time) => time.to_string(),
            DeValue::Array(_) => "a list".to_owned(),
            DeValue::Table(_) => "a table".to_owned(),
        };
        Mistake {
            offset: self.value.span().start,
            key: self.path.clone(),
            what: format!("{} is {found}; expected {allowed}", self.path),
        }
    }

    fn text(&self) -> Option<&str> {
        self.value.get_ref().as_str()
    }

    fn integer(&self) -> Option<i64> {
        let integer = self.value.get_ref().as_integer()?;
        i64::from_str_radix(integer.as_str(), integer.radix()).ok()
    }

    fn unsigned(&self) -> Option<u64> {
        u64::try_from(self.integer()?).ok()
    }

    fn table(&self) -> Result<Table<'a>, Mistake> {
        match self.value.get_ref() {
            DeValue::Table(entries) => Ok(Table {
                path: self.path.clone(),
                offset: self.value.span().start,
                entries,
            }),
            _ => Err(self.expected("a table")),
        }
    }

    fn boolean(&self) -> Result<bool, Mistake> {
        let value = self.value.get_ref().as_bool();
        value.ok_or_else(|| self.expected("true or false"))
    }

    fn size(&self) -> Result<u64, Mistake> {
        (self.unsigned())
            .or_else(|| self.text().and_then(words::size))
            .ok_or_else(|| self.expected(words::SIZES))
    }

    fn amount(&self) -> Result<Amount, Mistake> {
        let bytes = self.unsigned().map(Amount::Bytes);
        bytes
            .or_else(|| self.text()?.parse().ok())
            .ok_or_else(|| self.expected(&format!("{} or {}", words::SIZES, words::PERCENT)))
    }

    fn duration(&self) -> Result<Duration, Mistake> {
        (self.unsigned().map(Duration::from_secs))
            .or_else(|| self.text().and_then(words::duration))
            .ok_or_else(|| self.expected(words::DURATIONS))
    }

    fn time(&self) -> Result<SystemTime, Mistake> {
        let read = match self.value.get_ref() {
            DeValue::Datetime(time) => words::time(&time.to_string()),
            DeValue::String(text) => words::time(text),
            _ => self.integer().and_then(time::from_unix),
        };
        read.ok_or_else(|| self.expected(words::TIMES))
    }

    fn count(&self) -> Result<NonZeroU32, Mistake> {
        (self.unsigned())
            .and_then(|count| u32::try_from(count).ok())
            .and_then(NonZeroU32::new)
            .ok_or_else(|| self.expected("a whole number from 1"))
    }

    fn priority(&self) -> Result<Priority, Mistake> {
        let level = self.integer().and_then(|level| i16::try_from(level).ok());
        level
            .map(Priority::new)
            .or_else(|| self.text()?.parse().ok())
            .ok_or_else(|| self.expected(Priority::ALLOWED))
    }

    fn make_room(&self) -> Result<MakeRoom, Mistake> {
        let read = match self.text() {
            Some(word) => word.parse().ok(),
            None => self.priority().ok().map(MakeRoom::UpTo),
        };
        read.ok_or_else(|| self.expected(MakeRoom::ALLOWED))
    }

    fn after_played(&self) -> Result<AfterPlayed, Mistake> {
        let form = "{ priority = … } or { expire = … }";
        let table = match self.value.get_ref() {
            DeValue::Table(_) => self.table()?,
            _ => return Err(self.expected(form)),
        };
        table.allow(&["priority", "expire"])?;
        let priority = table.read("priority", Field::priority)?;
        let expire = table.read("expire", Field::duration)?;
        match (priority, expire) {
            (Some(priority), None) => Ok(AfterPlayed::Priority(priority)),
            (None, Some(after)) => Ok(AfterPlayed::Expire(after)),
            _ => Err(self.expected(form)),
        }
    }

    fn name(&self) -> Result<String, Mistake> {
        (self.text())
            .filter(|text| !text.is_empty())
            .map(ToOwned::to_owned)
            .ok_or_else(|| self.expected("a name in quotation marks"))
    }

    fn names(&self) -> Result<BTreeSet<String>, Mistake> {
        let wrong = || self.expected("a list of names, such as [\"news\", \"kids\"]");
        let DeValue::Array(values) = self.value.get_ref() else {
            return Err(wrong());
        };
        (values.iter())
            .map(|value| {
                let path = self.path.clone();
                Field { path, value }.name()
            })
            .collect()
    }
}

/// The key of the line in which the reading ended.
fn key_before(text: &str, offset: usize) -> Option<String> {
    let before = text.get(..offset)?;
    let line = before.rsplit('\n').next()?;
    let (key, _) = line.split_once('=')?;
    Some(key.trim().to_owned())
}

fn invalid(text: &str, offset: usize, key: Option<String>, what: String) -> Error {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    Inner::InvalidPolicy {
        line,
        column,
        key,
        what,
    }
    .into()
}
