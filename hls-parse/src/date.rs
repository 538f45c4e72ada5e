//! Dates of playlists: ISO 8601 as they are written in practice.

use jiff::Timestamp;

/// Reads `2026-01-31T12:00:00.123+01:00` and its relatives.
///
/// Any length of fraction (digits after the ninth are dropped), a comma in the place of the point, zones `Z`, `+hh:mm`, `+hhmm` and `+hh`; no zone means
/// UTC (section 4.4.4.6).
pub(crate) fn parse(text: &[u8]) -> Option<Timestamp> {
    let (date, rest) = text.split_at_checked(10)?;
    let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = date else {
        return None;
    };
    let year = i64::from(two(y0, y1)?) * 100 + i64::from(two(y2, y3)?);
    let (month, day) = (two(m0, m1)?, two(d0, d1)?);
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    let &[
        b'T' | b't' | b' ',
        h0,
        h1,
        b':',
        i0,
        i1,
        b':',
        s0,
        s1,
        ref rest @ ..,
    ] = rest
    else {
        return None;
    };
    let (hour, minute, second) = (two(h0, h1)?, two(i0, i1)?, two(s0, s1)?);
    // A leap second is the last one of its minute, as everywhere on POSIX systems.
    let second = if second == 60 { 59 } else { second };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let (nanoseconds, zone) = fraction(rest)?;
    let offset = zone_seconds(zone)?;
    let seconds = days_from_civil(year, month, day) * 86_400
        + i64::from(hour) * 3600
        + i64::from(minute) * 60
        + i64::from(second)
        - offset;
    // Before 1970 the fraction still counts forward, while a Timestamp wants equal signs.
    if seconds < 0 && nanoseconds > 0 {
        return Timestamp::new(seconds + 1, nanoseconds - 1_000_000_000).ok();
    }
    Timestamp::new(seconds, nanoseconds).ok()
}

/// Whether a date that can be read is written as ISO 8601 says and has a zone.
pub(crate) fn is_complete(text: &[u8]) -> bool {
    let zone = text.get(19..).unwrap_or_default();
    text.get(10) == Some(&b'T') && zone.iter().any(|byte| matches!(byte, b'Z' | b'+' | b'-'))
}

fn two(tens: u8, ones: u8) -> Option<u8> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| tens * 10 + ones)
}

fn days_in_month(year: i64, month: u8) -> u8 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the Gregorian calendar, counting years from March so that leap days come last.
fn days_from_civil(year: i64, month: u8, day: u8) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month_from_march = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(day) - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn fraction(text: &[u8]) -> Option<(i32, &[u8])> {
    let [b'.' | b',', digits @ ..] = text else {
        return Some((0, text));
    };
    let (mut nanoseconds, mut scale) = (0, 100_000_000);
    let length = digits
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let (digits, zone) = digits.split_at_checked(length)?;
    for digit in digits {
        nanoseconds += i32::from(digit - b'0') * scale;
        scale /= 10;
    }
    (length > 0).then_some((nanoseconds, zone))
}

fn zone_seconds(zone: &[u8]) -> Option<i64> {
    let (sign, hours, minutes) = match *zone {
        [] | [b'Z' | b'z'] => return Some(0),
        [sign, h0, h1] => (sign, two(h0, h1)?, 0),
        [sign, h0, h1, m0, m1] | [sign, h0, h1, b':', m0, m1] => (sign, two(h0, h1)?, two(m0, m1)?),
        _ => return None,
    };
    if hours > 23 || minutes > 59 {
        return None;
    }
    let seconds = i64::from(hours) * 3600 + i64::from(minutes) * 60;
    match sign {
        b'+' => Some(seconds),
        b'-' => Some(-seconds),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let expected: Timestamp = expected.parse().unwrap();
        assert_eq!(parse(text.as_bytes()), Some(expected), "{text}");
    }

    #[test]
    fn zones_and_fractions() {
        check("2026-01-31T12:00:00.123Z", "2026-01-31T12:00:00.123Z");
        check("2026-01-31T12:00:00,5+0800", "2026-01-31T04:00:00.5Z");
        check("2026-01-31T12:00:00+08", "2026-01-31T04:00:00Z");
        check("2026-01-31T12:00:00-08:30", "2026-01-31T20:30:00Z");
        check("2026-01-31T12:00:00", "2026-01-31T12:00:00Z");
        check(
            "2024-02-29T00:00:00.1234567899Z",
            "2024-02-29T00:00:00.123456789Z",
        );
        check("1969-12-31T23:59:59.25Z", "1969-12-31T23:59:59.25Z");
        check("0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z");
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "2026-02-29T00:00:00Z",
            "2026-01-31",
            "2026-13-01T00:00:00Z",
            "2026-01-31T24:00:00Z",
            "2026-01-31T12:00:00.Z",
            "2026-01-31T12:00:00x",
            "2026-01-31T\u{7f}2:00:00Z",
        ] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }
}
