//! Dates as servers write them into cookies (RFC 6265bis, section 5.1.1).

use std::time::{Duration, SystemTime};

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];

/// Finds time, day, month and year in whatever order and between whatever else. A date before 1970 is 1970.
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let (mut time, mut day, mut month, mut year) = (None, None, None, None);
    for token in text.split(is_delimiter).filter(|token| !token.is_empty()) {
        if time.is_none()
            && let Some(found) = time_of(token)
        {
            time = Some(found);
        } else if day.is_none()
            && let Some(found) = leading_number(token, 1, 2)
        {
            day = Some(found);
        } else if month.is_none()
            && let Some(found) = month_of(token)
        {
            month = Some(found);
        } else if year.is_none()
            && let Some(found) = leading_number(token, 2, 4)
        {
            year = Some(found);
        }
    }
    let ((hour, minute, second), day, month) = (time?, day?, month?);
    let year = match year? {
        year @ 70..=99 => year.checked_add(1900)?,
        year @ 0..=69 => year.checked_add(2000)?,
        year => year,
    };
    if !(1..=days_in(year, month)).contains(&day)
        || year < 1601
        || hour > 23
        || minute > 59
        || second > 59
    {
        return None;
    }
    let Some(days) = days_since_1970(year, month, day) else {
        return Some(SystemTime::UNIX_EPOCH);
    };
    let seconds =
        days * 86_400 + u64::from(hour) * 3600 + u64::from(minute) * 60 + u64::from(second);
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

fn is_delimiter(character: char) -> bool {
    matches!(character, '\t' | ' '..='/' | ';'..='@' | '['..='`' | '{'..='~')
}

/// `h:m:s`, each with one or two digits; anything but a digit may follow.
fn time_of(token: &str) -> Option<(u32, u32, u32)> {
    let mut parts = token.splitn(3, ':');
    let exact = |part: &str| {
        let is_number =
            matches!(part.len(), 1 | 2) && part.bytes().all(|byte| byte.is_ascii_digit());
        is_number.then(|| part.parse().ok()).flatten()
    };
    let (hour, minute) = (exact(parts.next()?)?, exact(parts.next()?)?);
    Some((hour, minute, leading_number(parts.next()?, 1, 2)?))
}

/// A number with so many digits, after which anything but a digit may follow.
fn leading_number(token: &str, least: usize, most: usize) -> Option<u32> {
    let digits = token.bytes().take_while(u8::is_ascii_digit).count();
    if !(least..=most).contains(&digits) {
        return None;
    }
    token.get(..digits)?.parse().ok()
}

/// Counted from one.
fn month_of(token: &str) -> Option<u32> {
    let start = token.get(..3)?;
    let index = MONTHS
        .iter()
        .position(|month| month.eq_ignore_ascii_case(start))?;
    u32::try_from(index + 1).ok()
}

fn is_leap(year: u32) -> bool {
    year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400))
}

fn days_in(year: u32, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// `None` before that.
fn days_since_1970(year: u32, month: u32, day: u32) -> Option<u64> {
    let before = u64::from(year.checked_sub(1)?);
    // Years begin a leap day later after each leap year.
    let leaps = (before / 4 - before / 100 + before / 400).checked_sub(477)?;
    let years = u64::from(year.checked_sub(1970)?);
    let months: u32 = (1..month).map(|month| days_in(year, month)).sum();
    Some(years * 365 + leaps + u64::from(months) + u64::from(day) - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(text: &str) -> Option<u64> {
        let time = parse(text)?.duration_since(SystemTime::UNIX_EPOCH);
        Some(time.unwrap().as_secs())
    }

    #[test]
    fn dates_are_found_however_they_are_written() {
        for text in [
            "Wed, 21 Oct 2026 07:28:00 GMT",
            "Wed, 21-Oct-2026 07:28:00 GMT",
            "Wednesday, 21-Oct-26 07:28:00 GMT",
            "Wed Oct 21 07:28:00 2026",
            "2026 october 21 7:28:0",
        ] {
            assert_eq!(seconds(text), Some(1_792_567_680), "{text}");
        }
        assert_eq!(seconds("Thu, 01 Jan 1970 00:00:00 GMT"), Some(0));
        assert_eq!(
            seconds("Thu, 01 Jan 1601 00:00:00 GMT"),
            Some(0),
            "long ago"
        );
        assert_eq!(seconds("29 Feb 2000 00:00:00"), Some(951_782_400));
        assert_eq!(seconds("31 Dec 9999 23:59:59"), Some(253_402_300_799));
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "tomorrow",
            "21 Oct 2026",
            "21 Oct 2026 24:00:00",
            "29 Feb 2026 00:00:00",
            "00 Oct 2026 07:28:00",
            "21 Oct 1600 07:28:00",
            "21 Okt 2026 07:28:00",
            "21 Oct 20261 07:28:00",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn dates_agree_with_those_of_http() {
        for day in (0..40_000_u64).step_by(97) {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(day * 86_400 + day % 86_400);
            assert_eq!(parse(&httpdate::fmt_http_date(time)), Some(time));
        }
    }
}
