//! Sizes, durations and dates as people write them; text from servers made safe to print.

use std::borrow::Cow;
use std::time::{Duration, SystemTime};

use console::{measure_text_width, truncate_str};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::session::purge::PurgedAsset;

/// Replaces control characters, so that nothing a server sends can steer the terminal.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|character| {
            if is_unsafe(character) {
                '\u{fffd}'
            } else {
                character
            }
        })
        .collect()
}

fn is_unsafe(character: char) -> bool {
    // Besides C0 and C1: the marks that reorder text in a terminal or browser.
    character.is_control() || matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A text in that many columns of the terminal: whole, or its beginning and an ellipsis.
pub(crate) fn shortened(text: &str, width: usize) -> Cow<'_, str> {
    if measure_text_width(text) <= width {
        return Cow::Borrowed(text);
    }
    // It is cut character by character, and some together are wider than each by itself: what is shown as an emoji, for one.
    let shorter = (0..width).rev().map(|width| truncate_str(text, width, ""));
    let mut fitting = shorter.filter(|beginning| measure_text_width(beginning) < width);
    let beginning = fitting.next();
    beginning.map_or_else(Cow::default, |beginning| {
        Cow::Owned(format!("{}…", beginning.trim_end()))
    })
}

/// `1.2 GB`, `512 B`: decimal units, as disks and networks are sold.
pub(crate) fn size(bytes: u64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
    if bytes < 1000 {
        return format!("{bytes} B");
    }
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let mut value = bytes as f64;
    let mut unit = 0;
    value /= 1000.0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS.get(unit).copied().unwrap_or("EB"))
}

/// `1:02:03`, `4:05`: hours only when there are some.
pub(crate) fn clock(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 {
        format!("{hours}:{minutes:02}:{seconds:02}")
    } else {
        format!("{minutes}:{seconds:02}")
    }
}

/// `2026-11-22 14:05` by the clock of this place.
pub(crate) fn date(time: SystemTime) -> String {
    date_in(time, TimeZone::system())
}

fn date_in(time: SystemTime, zone: TimeZone) -> String {
    let stamp = Timestamp::try_from(time).map(|stamp| stamp.to_zoned(zone));
    stamp.map_or_else(
        |_| "unknown".to_owned(),
        |stamp| stamp.strftime("%Y-%m-%d %H:%M").to_string(),
    )
}

/// Parses a size: `20G`, `500 MB`, `1.5GiB`, `1000000`.
///
/// `K M G T` and `kB MB …` are powers of 1000, `KiB MiB …` powers of 1024.
///
/// # Errors
/// A message that says what is allowed.
pub(crate) fn parse_size(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not a size; write for example 500M, 20GB or 1.5GiB");
    let trimmed = text.trim();
    let digits = trimmed
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(trimmed.len());
    let (number, unit) = trimmed.split_at(digits);
    let unit = unit.trim().to_ascii_lowercase();
    let (power, base): (u32, u64) = match unit.as_str() {
        "" | "b" => (0, 1000),
        "k" | "kb" => (1, 1000),
        "m" | "mb" => (2, 1000),
        "g" | "gb" => (3, 1000),
        "t" | "tb" => (4, 1000),
        "kib" => (1, 1024),
        "mib" => (2, 1024),
        "gib" => (3, 1024),
        "tib" => (4, 1024),
        _ => return Err(wrong()),
    };
    let factor = u128::from(base.pow(power));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() || fraction.len() > 9 {
        return Err(wrong());
    }
    let parse = |digits: &str| {
        if digits.is_empty() {
            Ok(0)
        } else {
            digits.parse::<u64>()
        }
    };
    let whole = u128::from(parse(whole).map_err(|_| wrong())?);
    let decimals = u32::try_from(fraction.len()).map_err(|_| wrong())?;
    let fraction = u128::from(parse(fraction).map_err(|_| wrong())?);
    let bytes = whole * factor + fraction * factor / 10_u128.pow(decimals);
    u64::try_from(bytes).map_err(|_| wrong())
}

/// What was purged, and why: `film (audio-1), 1.2 GB: default priority, …`.
pub(crate) fn purged(asset: &PurgedAsset) -> String {
    let track = asset.track.as_ref();
    let track = track.map_or_else(String::new, |track| format!(" ({track})"));
    let reason = printable(&asset.reason);
    format!("{}{track}, {}: {reason}", asset.id, size(asset.freed))
}

/// `30d`, `48h`: in its largest unit that is whole.
pub(crate) fn span(seconds: u64) -> String {
    const UNITS: [(u64, char); 4] = [(86_400, 'd'), (3_600, 'h'), (60, 'm'), (1, 's')];
    let whole = |(unit, _): &&(u64, char)| seconds.is_multiple_of(*unit);
    let (unit, name) = UNITS.iter().find(whole).copied().unwrap_or((1, 's'));
    format!("{}{name}", seconds / unit)
}

/// `3 days`, `5 hours`: roughly.
pub(crate) fn about(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds >= 2 * 86_400 => format!("{} days", seconds / 86_400),
        seconds if seconds >= 2 * 3_600 => format!("{} hours", seconds / 3_600),
        seconds => format!("{} minutes", seconds / 60),
    }
}

/// Parses a time from now or after something: `30d`, `12h`, `2w`, `1d12h`, `2h 30m`. Larger units come first, each once.
pub(crate) fn parse_span(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    let mut seconds = 0_u64;
    let mut last = u64::MAX;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let (count, after) = rest.split_at(end);
        let after = after.trim_start();
        let unit: u64 = match after.chars().next()?.to_ascii_lowercase() {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            'w' => 604_800,
            'y' => 31_536_000,
            _ => return None,
        };
        if unit >= last {
            return None;
        }
        last = unit;
        let count: u64 = count.parse().ok()?;
        seconds = seconds.checked_add(count.checked_mul(unit)?)?;
        rest = after.get(1..)?.trim_start();
    }
    (last < u64::MAX).then(|| Duration::from_secs(seconds))
}

/// Parses a date or a time: `2026-12-24`, `2026-12-24 18:00` by the clock of this place, or `2026-12-24T18:00Z`.
pub(crate) fn parse_date(text: &str) -> Option<SystemTime> {
    parse_date_in(text, TimeZone::system())
}

fn parse_date_in(text: &str, zone: TimeZone) -> Option<SystemTime> {
    let text = text.trim();
    if let Ok(stamp) = text.parse::<Timestamp>() {
        return Some(stamp.into());
    }
    let (text, zone) = match text.strip_suffix('Z') {
        Some(text) => (text, TimeZone::UTC),
        None => (text, zone),
    };
    let date: DateTime = text.parse().ok()?;
    let zoned = date.to_zoned(zone).ok()?;
    Some(zoned.timestamp().into())
}

/// A rendition in a few words: `English (en), describes-video`.
pub(crate) fn rendition(
    name: &str,
    language: Option<&str>,
    forced: bool,
    characteristics: &[String],
) -> String {
    let mut words = name.to_owned();
    if let Some(language) = language {
        words.extend([" (", language, ")"]);
    }
    if forced {
        words.push_str(", forced");
    }
    let last = |characteristic: &String| characteristic.rsplit('.').next().map(str::to_owned);
    for word in characteristics.iter().filter_map(last) {
        words.extend([", ", &word]);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_as_an_emoji_takes_its_room() {
        assert_eq!(shortened("0\u{fe0f}123456", 5), "0\u{fe0f}12…");
        assert_eq!(shortened("Film", 4), "Film");
        assert_eq!(shortened("A film", 3), "A…");
        assert_eq!(shortened("千と千尋", 7), "千と千…");
        assert_eq!([shortened("ab", 1), shortened("ab", 0)], ["…", ""]);
    }

    #[test]
    fn sizes_read_and_write() {
        assert_eq!(size(999), "999 B");
        assert_eq!(size(999_999), "1.0 MB");
        assert_eq!(size(1_234_567_890), "1.2 GB");
        assert_eq!(size(u64::MAX), "18.4 EB");
        assert_eq!(parse_size("20G"), Ok(20_000_000_000));
        assert_eq!(parse_size("1.5 GiB"), Ok(1_610_612_736));
        assert_eq!(parse_size("0"), Ok(0));
        for wrong in ["", "G", "-1", "1.2.3", "99999999999T", "3 apples", "."] {
            assert!(parse_size(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_in_all_forms() {
        assert_eq!(parse_span("30d"), Some(Duration::from_secs(30 * 86_400)));
        for (text, seconds) in [("2h30m", 9_000), ("1D 12 h", 129_600), (" 90s ", 90)] {
            assert_eq!(parse_span(text), Some(Duration::from_secs(seconds)));
        }
        for seconds in [30 * 86_400, 36 * 3_600, 90 * 60, 61, 1] {
            let read = parse_span(&span(seconds));
            assert_eq!(read, Some(Duration::from_secs(seconds)));
        }
        let eve = SystemTime::UNIX_EPOCH + Duration::from_secs(1_798_070_400);
        assert_eq!(parse_date_in("2026-12-24", TimeZone::UTC), Some(eve));
        let berlin = TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap();
        let here = |text| parse_date_in(text, berlin.clone()).unwrap();
        assert_eq!(date_in(eve, berlin.clone()), "2026-12-24 01:00");
        assert_eq!(here("2026-12-24 01:00"), eve);
        for text in [
            "2026-12-24T00:00Z",
            "2026-12-24T00:00:00Z",
            "2026-12-24T02:00:00+02:00",
        ] {
            assert_eq!(here(text), eve, "{text}");
        }
        // In summer it is another hour.
        let summer = here("2026-07-01 12:00");
        assert_eq!(date_in(summer, TimeZone::UTC), "2026-07-01 10:00");
        for wrong in [
            "",
            "soon",
            "d",
            "99999999999999999999d",
            "30x",
            "30m2h",
            "1h1h",
            "2h30",
            "1é",
            "2026-13-01",
        ] {
            assert_eq!(parse_span(wrong), None, "{wrong}");
            assert_eq!(parse_date(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn nothing_steers_the_terminal() {
        assert_eq!(
            printable("a\u{1b}[31mb\r\nc\u{202e}d"),
            "a\u{fffd}[31mb\u{fffd}\u{fffd}c\u{fffd}d"
        );
    }
}
