//! Byte ranges of a request (RFC 9110 §14): one range is answered, anything else gets the whole.

use std::ops::Range;

/// What a `Range` header asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// No range, several ranges or another unit: the whole representation.
    Whole,
    /// One range inside the representation; never empty.
    Part(Range<u64>),
    /// A range that begins after the end: 416.
    Unsatisfiable,
}

/// Reads a `Range` header for a representation of `length` bytes.
pub(crate) fn parse(header: &str, length: u64) -> Asked {
    let Some(("bytes", ranges)) = header.trim().split_once('=') else {
        return Asked::Whole;
    };
    let Some((first, last)) = ranges.trim().split_once('-') else {
        return Asked::Whole;
    };
    if ranges.contains(',') {
        return Asked::Whole;
    }
    let number = |text: &str| -> Option<u64> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        // More digits than 64 bits hold is beyond any end.
        Some(text.parse().unwrap_or(u64::MAX))
    };
    match (number(first.trim()), number(last.trim())) {
        (None, Some(suffix)) if first.trim().is_empty() => {
            if suffix == 0 || length == 0 {
                Asked::Unsatisfiable
            } else {
                Asked::Part(length.saturating_sub(suffix)..length)
            }
        }
        (Some(start), None) if last.trim().is_empty() => {
            if start < length {
                Asked::Part(start..length)
            } else {
                Asked::Unsatisfiable
            }
        }
        (Some(start), Some(end)) if start <= end => {
            if start < length {
                Asked::Part(start..end.saturating_add(1).min(length))
            } else {
                Asked::Unsatisfiable
            }
        }
        _ => Asked::Whole,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_forms_of_a_range() {
        assert_eq!(parse("bytes=0-", 10), Asked::Part(0..10));
        assert_eq!(parse("bytes=2-4", 10), Asked::Part(2..5));
        assert_eq!(parse("bytes=2-400", 10), Asked::Part(2..10));
        assert_eq!(parse("bytes=-3", 10), Asked::Part(7..10));
        assert_eq!(parse("bytes=-30", 10), Asked::Part(0..10));
        assert_eq!(parse("bytes=10-", 10), Asked::Unsatisfiable);
        assert_eq!(parse("bytes=-0", 10), Asked::Unsatisfiable);
        assert_eq!(parse("bytes=0-", 0), Asked::Unsatisfiable);
        assert_eq!(
            parse("bytes=99999999999999999999-", 10),
            Asked::Unsatisfiable
        );
        for whole in [
            "",
            "bytes",
            "bytes=",
            "bytes=-",
            "bytes=4-2",
            "bytes=0-1,3-4",
            "items=0-1",
            "bytes=a-b",
            "bytes=+1-2",
        ] {
            assert_eq!(parse(whole, 10), Asked::Whole, "{whole}");
        }
    }

    proptest! {
        #[test]
        fn a_part_is_never_empty_and_never_outside(header in "(bytes=)?[0-9,-]{0,24}", length: u64) {
            if let Asked::Part(range) = parse(&header, length) {
                prop_assert!(range.start < range.end && range.end <= length);
            }
        }
    }
}
