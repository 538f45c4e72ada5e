//! The `Content-Range` field (RFC 9110, section 14.4).

use http::HeaderMap;
use http::header::CONTENT_RANGE;

/// What a response says it holds of the whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ContentRange {
    /// `bytes first-last/complete`, with `*` for an unknown complete length.
    Bytes {
        first: u64,
        last: u64,
        complete: Option<u64>,
    },
    /// `bytes */complete`: the range asked for cannot be had.
    Unsatisfied { complete: u64 },
}

impl ContentRange {
    /// `None` when the field is missing, there twice, or breaks the grammar.
    pub(crate) fn from_headers(headers: &HeaderMap) -> Option<ContentRange> {
        let mut values = headers.get_all(CONTENT_RANGE).iter();
        let (value, None) = (values.next()?, values.next()) else {
            return None;
        };
        parse(value.to_str().ok()?)
    }
}

fn parse(value: &str) -> Option<ContentRange> {
    let (unit, rest) = value.trim().split_once(' ')?;
    if !unit.eq_ignore_ascii_case("bytes") {
        return None;
    }
    let (range, complete) = rest.trim().split_once('/')?;
    if range == "*" {
        return Some(ContentRange::Unsatisfied {
            complete: number(complete)?,
        });
    }
    let (first, last) = range.split_once('-')?;
    let (first, last) = (number(first)?, number(last)?);
    let complete = if complete == "*" {
        None
    } else {
        Some(number(complete)?)
    };
    let possible = first <= last && complete.is_none_or(|complete| last < complete);
    possible.then_some(ContentRange::Bytes {
        first,
        last,
        complete,
    })
}

/// Digits only: `str::parse` alone would also take a sign.
pub(crate) fn number(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_and_nothing_else() {
        let bytes = |first, last, complete| {
            Some(ContentRange::Bytes {
                first,
                last,
                complete,
            })
        };
        assert_eq!(parse("bytes 0-99/100"), bytes(0, 99, Some(100)));
        assert_eq!(parse("Bytes 5-9/*"), bytes(5, 9, None));
        assert_eq!(
            parse("bytes */100"),
            Some(ContentRange::Unsatisfied { complete: 100 })
        );
        for wrong in [
            "",
            "bytes",
            "bytes 0-99",
            "bytes 0-100/100",
            "bytes 9-5/100",
            "bytes -5/100",
            "bytes 5-/100",
            "bytes */*",
            "items 0-9/10",
            "bytes 0-9/10/11",
            "bytes +0-9/10",
            "bytes 0-99999999999999999999/*",
            "bytes=0-9/10",
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }
}
