//! Dates of playlists: ISO 8601 as they are written in practice.

use jiff::Timestamp;

/// Reads `2026-01-31T12:00:00.123+01:00` and its relatives.
///
/// Any length of fraction (digits after the ninth are dropped), a comma in the place of the point, zones `Z`, `+hh:mm`, `+hhmm` and `+hh`; no zone means
/// UTC (section 4.4.4.6).
pub(crate) fn parse(text: &[u8]) -> Option<Timestamp> {
    usual(text).or_else(|| tolerated(text))
}

/// The form that dates of segments have: milliseconds, in UTC.
fn usual(text: &[u8]) -> Option<Timestamp> {
    let &[
        y0,
        y1,
        y2,
        y3,
        b'-',
        m0,
        m1,
        b'-',
        d0,
        d1,
        b'T',
        h0,
        h1,
        b':',
        i0,
        i1,
        b':',
        s0,
        s1,
        b'.',
        f0,
        f1,
        f2,
        b'Z',
    ] = text
    else {
        return None;
    };
    let all = [
        y0, y1, y2, y3, m0, m1, d0, d1, h0, h1, i0, i1, s0, s1, f0, f1, f2,
    ];
    let digits = all.map(|byte| u32::from(byte.wrapping_sub(b'0')));
    let all_are = digits.iter().all(|digit| *digit <= 9);
    let [
        y0,
        y1,
        y2,
        y3,
        m0,
        m1,
        d0,
        d1,
        h0,
        h1,
        i0,
        i1,
        s0,
        s1,
        f0,
        f1,
        f2,
    ] = digits;
    let year = y0 * 1000 + y1 * 100 + y2 * 10 + y3;
    let (month, day) = (m0 * 10 + m1, d0 * 10 + d1);
    let (hour, minute, second) = (h0 * 10 + h1, i0 * 10 + i1, s0 * 10 + s1);
    // What needs another look, such as a leap second, is for the other way.
    let is_plain = all_are
        && (1970..=9998).contains(&year)
        && (1..=12).contains(&month)
        && day >= 1
        && (day <= 28 || day <= days_in_month(year, month))
        && hour <= 23
        && minute <= 59
        && second <= 59;
    if !is_plain {
        return None;
    }
    let seconds =
        days_from_civil(year, month, day) * 86_400 + i64::from(hour * 3600 + minute * 60 + second);
    let nanoseconds = i32::try_from((f0 * 100 + f1 * 10 + f2) * 1_000_000).ok()?;
    Timestamp::new(seconds, nanoseconds).ok()
}

/// Every other form.
fn tolerated(text: &[u8]) -> Option<Timestamp> {
    let (date, rest) = text.split_at_checked(10)?;
    let &[y0, y1, y2, y3, b'-', m0, m1, b'-', d0, d1] = date else {
        return None;
    };
    let year = two(y0, y1)? * 100 + two(y2, y3)?;
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

fn two(tens: u8, ones: u8) -> Option<u32> {
    let (tens, ones) = (tens.wrapping_sub(b'0'), ones.wrapping_sub(b'0'));
    (tens <= 9 && ones <= 9).then(|| u32::from(tens) * 10 + u32::from(ones))
}

fn days_in_month(year: u32, month: u32) -> u32 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => {
            29
        }
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the Gregorian calendar, counting years from March so that leap days come last.
fn days_from_civil(year: u32, month: u32, day: u32) -> i64 {
    const DAYS_OF_ERA: u32 = 146_097;
    // One era of 400 years more, so that nothing is negative.
    let year = year + 400 - u32::from(month <= 2);
    let (era, year_of_era) = (year / 400, year % 400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    i64::from(era * DAYS_OF_ERA + day_of_era) - i64::from(719_468 + DAYS_OF_ERA)
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
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn usual_dates_are_read_as_others_are(text in "(19|20|99|00|[0-9x]{2})[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-6][0-9]:[0-6][0-9]\\.[0-9]{3}Z") {
            if let Some(date) = usual(text.as_bytes()) {
                prop_assert_eq!(Some(date), tolerated(text.as_bytes()));
            }
        }
    }

    #[test]
    fn what_is_usual_is_read_fast() {
        let text = "2026-01-31T23:59:58.123Z";
        assert_eq!(
            usual(b"2026-01-28T23:59:58.123Z"),
            tolerated(b"2026-01-28T23:59:58.123Z")
        );
        assert!(usual(b"2026-01-28T23:59:58.123Z").is_some());
        check(text, text);
    }

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
