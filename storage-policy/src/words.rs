//! Sizes, shares, durations and times as people write them.

use std::time::{Duration, SystemTime};

use jiff::civil;
use jiff::tz::TimeZone;

pub(crate) const SIZES: &str = "a size such as 20 GB, 500 MiB or 1000000";
pub(crate) const PERCENT: &str = "a share such as 10%";
pub(crate) const DURATIONS: &str = "a duration such as 30d, 48h or 2w, or a number of seconds";
pub(crate) const TIMES: &str = "a date such as 2026-12-24 or a time such as 2026-12-24T18:00:00Z";

/// `20 GB`, `1.5GiB`, `1000000`: `k M G T` and `kB MB …` are powers of 1000, `KiB MiB …` of 1024.
pub(crate) fn size(text: &str) -> Option<u64> {
    let (whole, fraction, unit) = number(text)?;
    let (power, base): (u32, u128) = match unit.to_ascii_lowercase().as_str() {
        "" | "b" => (0, 1000),
        "k" | "kb" => (1, 1000),
        "m" | "mb" => (2, 1000),
        "g" | "gb" => (3, 1000),
        "t" | "tb" => (4, 1000),
        "kib" => (1, 1024),
        "mib" => (2, 1024),
        "gib" => (3, 1024),
        "tib" => (4, 1024),
        _ => return None,
    };
    let factor = base.pow(power);
    let decimals = u32::try_from(fraction.len()).ok().filter(|&n| n <= 9)?;
    let part = digits(fraction)?.checked_mul(factor)? / 10_u128.pow(decimals);
    let bytes = digits(whole)?.checked_mul(factor)?.checked_add(part)?;
    u64::try_from(bytes).ok()
}

/// `10%`: whole, at most 100.
pub(crate) fn percent(text: &str) -> Option<u8> {
    let (whole, fraction, unit) = number(text)?;
    let percent = digits(whole)?;
    (fraction.is_empty() && unit == "%" && percent <= 100).then_some(u8::try_from(percent).ok()?)
}

/// `30d`, `48h`, `90m`, `2w`, `1y`.
pub(crate) fn duration(text: &str) -> Option<Duration> {
    let (whole, fraction, unit) = number(text)?;
    let unit: u128 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "w" => 604_800,
        "y" => 31_536_000,
        _ => return None,
    };
    let seconds = digits(whole)?.checked_mul(unit)?;
    let seconds = u64::try_from(seconds).ok()?;
    fraction.is_empty().then_some(Duration::from_secs(seconds))
}

/// An RFC 3339 time, or without a zone, or a date: UTC then.
pub(crate) fn time(text: &str) -> Option<SystemTime> {
    if let Ok(stamp) = text.parse::<jiff::Timestamp>() {
        return Some(stamp.into());
    }
    let local: civil::DateTime = text.parse().ok()?;
    let zoned = local.to_zoned(TimeZone::UTC).ok()?;
    Some(zoned.timestamp().into())
}

/// Digits before and after the point, and what follows.
fn number(text: &str) -> Option<(&str, &str, &str)> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, unit) = text.split_at(end.unwrap_or(text.len()));
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let is_number = !(whole.is_empty() && fraction.is_empty());
    is_number.then_some((whole, fraction, unit.trim()))
}

fn digits(text: &str) -> Option<u128> {
    if text.is_empty() {
        return Some(0);
    }
    text.parse::<u64>().ok().map(u128::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("20 GB", 20_000_000_000),
            ("1.5GiB", 1_610_612_736),
            ("0", 0),
            ("7b", 7),
            ("18446744073709551615", u64::MAX),
        ] {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for text in [
            "",
            "GB",
            "-1",
            "1.2.3",
            "99999999999T",
            "3 apples",
            ".",
            "1e9",
        ] {
            assert_eq!(size(text), None, "{text}");
        }
    }

    #[test]
    fn shares() {
        assert_eq!(percent("10%"), Some(10));
        assert_eq!(percent("100 %"), Some(100));
        for text in [
            "",
            "%",
            "10",
            "101%",
            "1.5%",
            "-1%",
            "99999999999999999999999%",
        ] {
            assert_eq!(percent(text), None, "{text}");
        }
    }

    #[test]
    fn durations() {
        assert_eq!(duration("30d"), Some(Duration::from_secs(30 * 86_400)));
        assert_eq!(duration("0s"), Some(Duration::ZERO));
        for text in [
            "",
            "d",
            "30",
            "30x",
            "1.5h",
            "99999999999999999999d",
            "18446744073709551615y",
        ] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn times() {
        let eve = SystemTime::UNIX_EPOCH + Duration::from_secs(1_798_070_400);
        let morning = eve + Duration::from_secs(6 * 3_600);
        assert_eq!(time("2026-12-24"), Some(eve));
        assert_eq!(time("2026-12-24T06:00:00"), Some(morning));
        assert_eq!(time("2026-12-24T07:00:00+01:00"), Some(morning));
        for text in ["", "soon", "2026-13-01", "12:00:00"] {
            assert_eq!(time(text), None, "{text}");
        }
    }
}
