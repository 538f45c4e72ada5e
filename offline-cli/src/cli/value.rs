//! Values of the command line, read.

use std::time::Duration;

use http::uri::Authority;
use http::{HeaderName, HeaderValue};
use storage_policy::AfterPlayed;
use url::Url;

use super::{AfterPlayedChange, Expiry, Window};
use crate::render::text;
use crate::session::MediaTime;

/// An address, or the path of a playlist.
pub(super) fn source(text: &str) -> Result<Url, String> {
    let parsed = Url::parse(text).ok();
    if let Some(url) = parsed.filter(|url| url.scheme() == "file") {
        let is_there = url.to_file_path().is_ok_and(|path| path.is_file());
        return is_there
            .then_some(url)
            .ok_or_else(|| format!("`{text}` is no file that is there"));
    }
    // Before anything else is tried: on Windows a path may look like an address.
    if std::path::Path::new(text).is_file() {
        let path = std::path::absolute(text).ok();
        return path
            .and_then(|path| Url::from_file_path(path).ok())
            .ok_or_else(|| format!("`{text}` has no absolute path"));
    }
    url(text)
}

pub(super) fn url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| {
        format!(
            "not an address ({error}); write it whole, for example https://example.com/master.m3u8"
        )
    })?;
    match url.scheme() {
        "http" | "https" => Ok(url),
        other => Err(format!(
            "`{other}` addresses cannot be downloaded, only http and https"
        )),
    }
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    // As times of a presentation are written; a date is no duration.
    let duration = match text.parse::<MediaTime>() {
        Ok(MediaTime::Start(duration)) => Some(duration),
        _ => None,
    };
    duration
        .filter(|duration| !duration.is_zero())
        .ok_or_else(|| format!("`{text}` is no time; write 90m, 1h30m, 1:30:00 or 45s"))
}

pub(super) fn rate(text: &str) -> Result<u64, String> {
    match text::parse_size(text)? {
        0 => Err("nothing would ever come".to_owned()),
        rate => Ok(rate),
    }
}

/// `never`, `30d`, `2026-12-24` or `2026-12-24T18:00Z`.
pub(super) fn expiry(text: &str) -> Result<Expiry, String> {
    if text.trim().eq_ignore_ascii_case("never") {
        return Ok(Expiry::Never);
    }
    let after = text::parse_span(text).map(Expiry::After);
    after
        .or_else(|| text::parse_date(text).map(Expiry::At))
        .ok_or_else(|| {
            format!(
                "`{text}` is neither `never`, a time from now such as 30d, 12h or 2w, nor a date such as 2026-12-24"
            )
        })
}

/// `30d`, or `none`.
pub(super) fn window(text: &str) -> Result<Window, String> {
    if text.trim().eq_ignore_ascii_case("none") {
        return Ok(Window(None));
    }
    text::parse_span(text)
        .map(|after| Window(Some(after)))
        .ok_or_else(|| format!("`{text}` is neither `none` nor a time such as 30d, 48h or 2w"))
}

/// `nothing`, a priority, or a time.
pub(super) fn after_played(text: &str) -> Result<AfterPlayedChange, String> {
    if text.trim().eq_ignore_ascii_case("nothing") {
        return Ok(AfterPlayedChange(None));
    }
    let expire = text::parse_span(text).map(AfterPlayed::Expire);
    expire
        .or_else(|| text.parse().ok().map(AfterPlayed::Priority))
        .map(|change| AfterPlayedChange(Some(change)))
        .ok_or_else(|| {
            format!(
                "`{text}` is neither `nothing`, a priority (low, default, important or a whole number), nor a time such as 48h"
            )
        })
}

/// A name that is not empty.
pub(super) fn name(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("a name is needed".to_owned()),
        name => Ok(name.to_owned()),
    }
}

pub(super) fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text
        .split_once(':')
        .ok_or("a header is a name, a colon and a value")?;
    let name = HeaderName::from_bytes(name.trim().as_bytes())
        .map_err(|_| "a header's name has letters, digits and dashes".to_owned())?;
    let value = HeaderValue::from_str(value.trim())
        .map_err(|_| "a header's value is one line of text".to_owned())?;
    Ok((name, value))
}

pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    let pair = text
        .split_once('=')
        .filter(|(key, _)| !key.trim().is_empty());
    let (key, value) = pair.ok_or("write a key, `=` and a value")?;
    Ok((key.trim().to_owned(), value.to_owned()))
}

/// The name of a server, with or without a port.
pub(super) fn host(text: &str) -> Result<Authority, String> {
    let host = text.parse::<Authority>().ok();
    host.filter(|host| !host.host().is_empty() && !text.contains('@'))
        .ok_or_else(|| {
            format!("`{text}` is no name of a server; write films.example or films.example:8080")
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_people_write_them() {
        for (text, seconds) in [
            ("90m", 5_400),
            ("1h30m", 5_400),
            ("01:30:00", 5_400),
            ("2:05", 125),
            ("45", 45),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_secs(seconds)), "{text}");
        }
        for wrong in [
            "",
            "0",
            "0:00",
            "-5m",
            "1:75",
            "soon",
            "2026-05-01T20:15:00Z",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
