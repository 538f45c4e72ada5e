//! The file, read key by key, so that every mistake has its place and what is allowed there.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use clap::{Arg, Command};
use http::header::{AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION};
use http::{HeaderName, HeaderValue};
use segment_fetch::HostPattern;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::key::{self, Kind};
use super::{From, HostSettings, Setting, Value};
use crate::cli::value;
use crate::{Error, Result};

/// Longer files are no configuration.
const MAX_BYTES: u64 = 1 << 20;
const HOSTS: &str = "hosts";
const OF_HOSTS: [&str; 5] = ["header", "cookies", "proxy", "user-agent", "limit-rate"];

/// What a file says.
#[derive(Debug)]
pub(super) struct File {
    pub(super) path: PathBuf,
    pub(super) settings: Vec<Setting>,
    pub(super) hosts: Vec<HostSettings>,
    /// Others than its owner may read it.
    pub(super) is_open: bool,
}

impl File {
    /// The file that is named, or the one of the user, if it is there. An empty name is none.
    pub(super) fn find(named: Option<PathBuf>, root: &Command) -> Result<Option<File>> {
        if let Some(path) = named {
            if path.as_os_str().is_empty() {
                return Ok(None);
            }
            return Self::read(path, root).map(Some);
        }
        let Some(path) = usual_place().filter(|path| path.exists()) else {
            return Ok(None);
        };
        Self::read(path, root).map(Some)
    }

    fn read(path: PathBuf, root: &Command) -> Result<File> {
        let unreadable = |error| {
            Error::usage(format!("cannot read the configuration {}", path.display())).because(error)
        };
        let file = fs::File::open(&path).map_err(unreadable)?;
        let is_open = is_open(&file.metadata().map_err(unreadable)?);
        let mut text = String::new();
        file.take(MAX_BYTES + 1)
            .read_to_string(&mut text)
            .map_err(unreadable)?;
        let (settings, hosts) = read(&text, root).map_err(|mistake| mistake.of(&path, &text))?;
        Ok(File {
            path,
            settings,
            hosts,
            is_open,
        })
    }
}

/// Where the file is unless another one is named.
pub(super) fn usual_place() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "offline")
        .map(|directories| directories.config_dir().join("config.toml"))
}

#[cfg(unix)]
fn is_open(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    metadata.permissions().mode() & 0o044 != 0
}

#[cfg(not(unix))]
fn is_open(_: &fs::Metadata) -> bool {
    false
}

/// What is wrong, and where: an offset in bytes.
struct Mistake {
    offset: usize,
    what: String,
}

impl Mistake {
    fn of(self, path: &Path, text: &str) -> Error {
        let before = text.get(..self.offset).unwrap_or(text);
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        let place = format!("{}:{}:{column}", path.display(), line_of(text, self.offset));
        Error::usage(format!("{place}: {}", self.what))
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    let before = text.get(..offset).unwrap_or(text);
    before.matches('\n').count() + 1
}

type Found<T> = std::result::Result<T, Mistake>;

fn read(text: &str, root: &Command) -> Found<(Vec<Setting>, Vec<HostSettings>)> {
    let at = |offset, what: String| Mistake { offset, what };
    if text.len() as u64 > MAX_BYTES {
        return Err(at(0, "a configuration has no more than 1 MiB".to_owned()));
    }
    let parsed = DeTable::parse(text).map_err(|error| {
        let offset = error.span().map_or(0, |span| span.start);
        at(offset, error.message().trim_end().replace('\n', ", "))
    })?;
    let commands = key::commands(root);
    let (mut settings, mut hosts) = (Vec::new(), Vec::new());
    for (name, found) in parsed.get_ref() {
        let key = name.get_ref().as_ref();
        let DeValue::Table(table) = found.get_ref() else {
            let flag = commands.iter().find_map(|command| find(root, command, key));
            let of_all = commands
                .iter()
                .flat_map(|command| key::flags(root, command));
            let allowed = of_all.map(|(flag, _)| flag).chain(commands.iter().copied());
            let flag = flag.ok_or_else(|| unknown(name, "", allowed))?;
            settings.push(setting(text, None, key, flag, found)?);
            continue;
        };
        if key == HOSTS {
            for (pattern, rules) in table {
                hosts.push(host(text, pattern, rules)?);
            }
            continue;
        }
        if !commands.contains(&key) {
            return Err(unknown(name, "", commands.iter().copied().chain([HOSTS])));
        }
        for (name, value) in table {
            let wanted = name.get_ref().as_ref();
            if let Some(why) = key::without(key, wanted) {
                let what = format!("{key}.{wanted} cannot have a default, since {why}");
                return Err(at(name.span().start, what));
            }
            let allowed = key::flags(root, key);
            let flag = find(root, key, wanted)
                .ok_or_else(|| unknown(name, key, allowed.iter().map(|(flag, _)| *flag)))?;
            settings.push(setting(text, Some(key), wanted, flag, value)?);
        }
    }
    // The last of several wins: the one that says most.
    hosts.sort_by(|one, other| one.hosts.cmp(&other.hosts));
    Ok((settings, hosts))
}

fn find<'a>(root: &'a Command, command: &str, flag: &str) -> Option<&'a Arg> {
    let flags = key::flags(root, command).into_iter();
    flags
        .filter(|(name, _)| *name == flag)
        .map(|(_, found)| found)
        .next()
}

fn unknown<'a>(
    name: &Spanned<std::borrow::Cow<'_, str>>,
    section: &str,
    allowed: impl Iterator<Item = &'a str>,
) -> Mistake {
    let key = name.get_ref();
    let mut allowed: Vec<&str> = allowed.collect();
    allowed.sort_unstable();
    allowed.dedup();
    let meant = key::nearest(key, allowed.iter().copied());
    let full = if section.is_empty() {
        key.to_string()
    } else {
        format!("{section}.{key}")
    };
    let what = match meant {
        Some(meant) => format!("there is no key {full:?}; did you mean {meant:?}?"),
        None => format!(
            "there is no key {full:?}; allowed are {}",
            allowed.join(", ")
        ),
    };
    Mistake {
        offset: name.span().start,
        what,
    }
}

fn setting(
    text: &str,
    command: Option<&str>,
    name: &str,
    flag: &Arg,
    found: &Spanned<DeValue<'_>>,
) -> Found<Setting> {
    let expected = |what: &str| Mistake {
        offset: found.span().start,
        what: format!("{name} is {what}"),
    };
    let kind = key::kind(flag);
    let value = match (kind, found.get_ref()) {
        (Kind::Switch | Kind::Optional | Kind::Count, DeValue::Boolean(is_on)) => {
            Value::Times(u8::from(*is_on))
        }
        (Kind::Switch, _) => return Err(expected("true or false")),
        (Kind::Count, DeValue::Integer(_)) => {
            let times = plain(found.get_ref()).and_then(|text| text.parse().ok());
            let times = times.filter(|times| *times < 10);
            Value::Times(times.ok_or_else(|| expected("a small number"))?)
        }
        (Kind::Count, _) => return Err(expected("a small number")),
        (Kind::List, DeValue::Array(values)) => {
            let values = values.iter().map(|value| plain(value.get_ref()));
            let values: Option<Vec<String>> = values.collect();
            Value::Texts(values.ok_or_else(|| expected("a list of texts"))?)
        }
        (_, one) => {
            let allowed = match kind {
                Kind::List => "a text or a list of texts",
                Kind::Optional => "true, false or a text",
                _ => "a text or a number",
            };
            Value::Texts(vec![plain(one).ok_or_else(|| expected(allowed))?])
        }
    };
    if name == "header" && secret_among(&value) {
        return Err(Mistake {
            offset: found.span().start,
            what: "credentials are for a host: write them below [hosts.\"NAME\"]".to_owned(),
        });
    }
    let value = match value {
        Value::Texts(texts) => Value::Texts(
            (texts.into_iter())
                .map(|text| key::at_home(flag, text))
                .collect(),
        ),
        times @ Value::Times(_) => times,
    };
    Ok(Setting {
        command: command.map(str::to_owned),
        flag: name.to_owned(),
        value,
        from: From::File {
            line: line_of(text, found.span().start),
        },
    })
}

/// Whether there is a header among these that whatever server a playlist is on should not have.
fn secret_among(headers: &Value) -> bool {
    let Value::Texts(texts) = headers else {
        return false;
    };
    let secret = [AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION];
    let read = texts.iter().filter_map(|text| value::header(text).ok());
    read.into_iter().any(|(name, _)| secret.contains(&name))
}

/// A text or a number as it would be said.
fn plain(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .ok()
            .map(|number| number.to_string()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        _ => None,
    }
}

fn host(
    text: &str,
    name: &Spanned<std::borrow::Cow<'_, str>>,
    rules: &Spanned<DeValue<'_>>,
) -> Found<HostSettings> {
    let at = |offset, what: String| Mistake { offset, what };
    let pattern = name.get_ref();
    let hosts: HostPattern = (pattern.parse())
        .map_err(|error: segment_fetch::Error| at(name.span().start, error.to_string()))?;
    let DeValue::Table(table) = rules.get_ref() else {
        let what = format!("write the keys of a host below [hosts.{pattern:?}]");
        return Err(at(rules.span().start, what));
    };
    let mut host = HostSettings::new(pattern, hosts, line_of(text, name.span().start));
    for (name, found) in table {
        let key = name.get_ref().as_ref();
        let expected = |what: &str| at(found.span().start, format!("{key} is {what}"));
        let one = || plain(found.get_ref()).ok_or_else(|| expected("a text"));
        match key {
            "header" => {
                let texts: Option<Vec<String>> = match found.get_ref() {
                    DeValue::Array(values) => {
                        values.iter().map(|value| plain(value.get_ref())).collect()
                    }
                    other => plain(other).map(|text| vec![text]),
                };
                let texts = texts.ok_or_else(|| expected("a text or a list of texts"))?;
                let headers = texts.iter().map(|text| value::header(text));
                let headers: std::result::Result<Vec<(HeaderName, HeaderValue)>, String> =
                    headers.collect();
                host.headers = headers.map_err(|what| at(found.span().start, what))?;
            }
            "cookies" => host.cookies = Some(PathBuf::from(home(one()?))),
            "proxy" => host.proxy = Some(one()?),
            "user-agent" => {
                let agent = one()?;
                if HeaderValue::from_str(&agent).is_err() {
                    return Err(expected("one line of text"));
                }
                host.user_agent = Some(agent);
            }
            "limit-rate" => {
                let rate = value::rate(&one()?);
                host.limit_rate = Some(rate.map_err(|what| at(found.span().start, what))?);
            }
            _ => return Err(unknown(name, HOSTS, OF_HOSTS.into_iter())),
        }
    }
    Ok(host)
}

fn home(path: String) -> String {
    key::at_home(&Arg::new("cookies").value_name("FILE"), path)
}
