//! The values of tags and attributes (section 4.2), read without floating point.

use std::fmt;

use jiff::SignedDuration;

/// A part of the input: offsets of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Span {
    pub(crate) start: u32,
    pub(crate) end: u32,
}

impl Span {
    /// Inputs are shorter than 2^32 bytes, which the parser checks before anything else.
    pub(crate) fn new(start: usize, length: usize) -> Self {
        let offset = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self {
            start: offset(start),
            end: offset(start.saturating_add(length)),
        }
    }

    /// Where `part`, a slice of `text`, is in it.
    pub(crate) fn within(text: &str, part: &str) -> Self {
        let start = part.as_ptr().addr().wrapping_sub(text.as_ptr().addr());
        Self::new(start, part.len())
    }

    pub(crate) fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    pub(crate) fn of(self, text: &str) -> &str {
        text.get(self.range()).unwrap_or_default()
    }
}

/// A number of bytes from a place in a resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct ByteRange {
    /// Offset of the first byte.
    pub start: u64,
    /// How many bytes.
    pub length: u64,
}

impl ByteRange {
    /// The offset after the last byte.
    pub fn end(self) -> u64 {
        self.start.saturating_add(self.length)
    }
}

/// A size in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Resolution {
    /// Pixels from left to right.
    pub width: u64,
    /// Pixels from top to bottom.
    pub height: u64,
}

impl fmt::Display for Resolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// An unsigned decimal number with nine digits after the point, such as a frame rate or a score.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Decimal {
    billionths: u64,
}

impl Decimal {
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        decimal_billionths(text).map(|billionths| Self { billionths })
    }

    /// The number that is a billionth of what is given.
    pub fn from_billionths(billionths: u64) -> Self {
        Self { billionths }
    }

    /// The number times 1,000,000,000.
    pub fn billionths(self) -> u64 {
        self.billionths
    }

    /// The nearest floating-point number, for display.
    #[expect(
        clippy::cast_precision_loss,
        reason = "the nearest number is what is asked for"
    )]
    pub fn to_f64(self) -> f64 {
        self.billionths as f64 / 1e9
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&billionths_to_text(self.billionths))
    }
}

/// Writes billionths as a decimal number without needless zeros.
pub(crate) fn billionths_to_text(billionths: u64) -> String {
    let (whole, fraction) = (billionths / 1_000_000_000, billionths % 1_000_000_000);
    if fraction == 0 {
        return whole.to_string();
    }
    let digits = format!("{fraction:09}");
    format!("{whole}.{}", digits.trim_end_matches('0'))
}

/// A decimal-integer: digits only, at most 2^64 - 1.
pub(crate) fn decimal_integer(text: &[u8]) -> Option<u64> {
    /// Numbers with that many digits cannot overflow.
    const SAFE: usize = 19;
    if text.is_empty() {
        return None;
    }
    if text.len() <= SAFE {
        return text.iter().try_fold(0u64, |value, byte| {
            let digit = byte.wrapping_sub(b'0');
            (digit <= 9).then(|| value * 10 + u64::from(digit))
        });
    }
    text.iter().try_fold(0u64, |value, byte| {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// Whether it would be a decimal-integer if it were not above 2^64 - 1.
pub(crate) fn is_too_large(text: &[u8]) -> bool {
    is_digits(text) && decimal_integer(text).is_none()
}

fn is_digits(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(u8::is_ascii_digit)
}

/// Whether it consists of digits and at most one point, however large it is.
pub(crate) fn is_decimal_form(text: &[u8]) -> bool {
    let mut halves = text.splitn(2, |&byte| byte == b'.');
    let (whole, fraction) = (
        halves.next().unwrap_or_default(),
        halves.next().unwrap_or_default(),
    );
    whole.len() + fraction.len() > 0 && whole.iter().chain(fraction).all(u8::is_ascii_digit)
}

/// Whether it is `n` or `n@o`, however large they are.
pub(crate) fn is_byte_range_form(text: &[u8]) -> bool {
    text.splitn(2, |&byte| byte == b'@')
        .all(|number| is_digits(number.trim_ascii()))
}

/// A decimal-floating-point in billionths, rounded half up after the ninth digit.
pub(crate) fn decimal_billionths(text: &[u8]) -> Option<u64> {
    short_billionths(text).or_else(|| any_billionths(text))
}

/// Digits, or digits, a point and digits: few enough that nothing overflows and nothing is rounded, as in nearly all durations.
#[inline]
fn short_billionths(text: &[u8]) -> Option<u64> {
    /// What a fraction of so many digits is multiplied with.
    const SCALES: [u64; 10] = [
        1_000_000_000,
        100_000_000,
        10_000_000,
        1_000_000,
        100_000,
        10_000,
        1_000,
        100,
        10,
        1,
    ];
    const SAFE: u64 = 1_000_000_000;
    let (whole, rest) = leading_digits(text)?;
    let fraction = match rest {
        [] => 0,
        [b'.', digits @ ..] => match leading_digits(digits)? {
            (fraction, []) => fraction * SCALES.get(digits.len())?,
            _ => return None,
        },
        _ => return None,
    };
    (whole <= SAFE).then(|| whole * 1_000_000_000 + fraction)
}

/// Any number of digits, whichever are there.
fn any_billionths(text: &[u8]) -> Option<u64> {
    let mut whole: u64 = 0;
    let mut rest = text;
    let mut digits = false;
    while let [byte @ b'0'..=b'9', tail @ ..] = rest {
        whole = whole.checked_mul(10)?.checked_add(u64::from(byte - b'0'))?;
        digits = true;
        rest = tail;
    }
    let mut fraction: u64 = 0;
    if let [b'.', tail @ ..] = rest {
        let mut scale: u64 = 100_000_000;
        let mut rounded = false;
        for byte in tail {
            let digit = byte.wrapping_sub(b'0');
            if digit > 9 {
                return None;
            }
            digits = true;
            if scale > 0 {
                fraction += u64::from(digit) * scale;
                scale /= 10;
            } else if !rounded {
                fraction += u64::from(digit >= 5);
                rounded = true;
            }
        }
    } else if !rest.is_empty() {
        return None;
    }
    if !digits {
        return None;
    }
    whole.checked_mul(1_000_000_000)?.checked_add(fraction)
}

/// `n` or `n@o`.
pub(crate) fn byte_range(text: &[u8]) -> Option<(u64, Option<u64>)> {
    exact_byte_range(text).or_else(|| spaced_byte_range(text))
}

/// The same without white space, and with numbers so short that they cannot overflow.
#[inline]
pub(crate) fn exact_byte_range(text: &[u8]) -> Option<(u64, Option<u64>)> {
    let (length, rest) = leading_digits(text)?;
    match rest {
        [] => Some((length, None)),
        [b'@', rest @ ..] => match leading_digits(rest)? {
            (offset, []) => Some((length, Some(offset))),
            _ => None,
        },
        _ => None,
    }
}

/// The digits at the start, at least one and at most 18, and what follows them.
fn leading_digits(text: &[u8]) -> Option<(u64, &[u8])> {
    const SAFE: usize = 18;
    let (mut number, mut rest) = (0u64, text);
    while let [byte @ b'0'..=b'9', tail @ ..] = rest {
        // Past the safe number of digits this is not looked at.
        number = number.wrapping_mul(10).wrapping_add(u64::from(byte - b'0'));
        rest = tail;
    }
    let digits = text.len() - rest.len();
    (1..=SAFE).contains(&digits).then_some((number, rest))
}

fn spaced_byte_range(text: &[u8]) -> Option<(u64, Option<u64>)> {
    let mut parts = text.splitn(2, |&byte| byte == b'@');
    let length = decimal_integer(parts.next()?.trim_ascii())?;
    match parts.next() {
        None => Some((length, None)),
        Some(offset) => {
            let offset = decimal_integer(offset.trim_ascii())?;
            offset.checked_add(length)?;
            Some((length, Some(offset)))
        }
    }
}

/// `WIDTHxHEIGHT`; an upper-case X is taken too.
pub(crate) fn resolution(text: &[u8]) -> Option<Resolution> {
    let by = text.iter().position(|byte| matches!(byte, b'x' | b'X'))?;
    let (width, height) = (text.get(..by)?, text.get(by + 1..)?);
    Some(Resolution {
        width: decimal_integer(width)?,
        height: decimal_integer(height)?,
    })
}

/// A hexadecimal-sequence of up to 128 bits, and whether it had fewer.
pub(crate) fn hexadecimal_128(text: &str) -> Option<([u8; 16], bool)> {
    let digits = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))?;
    if digits.is_empty() || digits.len() > 32 {
        return None;
    }
    let mut value = [0u8; 16];
    for (digit, at) in digits.bytes().rev().zip(0..) {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            b'A'..=b'F' => digit - b'A' + 10,
            _ => return None,
        };
        let byte = value.get_mut(15 - at / 2)?;
        *byte |= if at % 2 == 0 { digit } else { digit << 4 };
    }
    Some((value, digits.len() < 32))
}

/// A hexadecimal-sequence of whole bytes.
pub(crate) fn hexadecimal_bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text
        .strip_prefix("0x")
        .or_else(|| text.strip_prefix("0X"))?;
    if digits.is_empty() || digits.len() % 2 != 0 {
        return None;
    }
    let nibble = |byte: u8| char::from(byte).to_digit(16);
    digits
        .as_bytes()
        .chunks_exact(2)
        .map(|pair| match *pair {
            [high, low] => u8::try_from(nibble(high)? * 16 + nibble(low)?).ok(),
            _ => None,
        })
        .collect()
}

/// A signed-decimal-floating-point as a number of seconds.
pub(crate) fn signed_seconds(text: &str) -> Option<SignedDuration> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let nanoseconds = i64::try_from(decimal_billionths(digits.as_bytes())?).ok()?;
    Some(SignedDuration::from_nanos(if negative {
        -nanoseconds
    } else {
        nanoseconds
    }))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn short_decimals_are_read_as_any_are(text in "[0-9]{0,12}|[0-9]{0,12}\\.[0-9]{0,12}|[0-9.x]{0,6}") {
            if let Some(number) = short_billionths(text.as_bytes()) {
                prop_assert_eq!(Some(number), any_billionths(text.as_bytes()));
            }
        }

        #[test]
        fn exact_ranges_are_read_as_any_are(text in "[0-9]{0,20}|[0-9]{0,20}@[0-9]{0,20}|[0-9@ x]{0,8}") {
            if let Some(range) = exact_byte_range(text.as_bytes()) {
                prop_assert_eq!(Some(range), spaced_byte_range(text.as_bytes()));
            }
        }
    }

    #[test]
    fn what_is_usual_is_read_fast() {
        assert_eq!(short_billionths(b"6.006"), Some(6_006_000_000));
        assert_eq!(short_billionths(b"0.33334"), Some(333_340_000));
        assert_eq!(
            short_billionths(b"1000000000.123456789"),
            Some(1_000_000_000_123_456_789)
        );
        assert_eq!(
            exact_byte_range(b"1048576@104857500000"),
            Some((1_048_576, Some(104_857_500_000)))
        );
    }

    #[test]
    fn decimals_are_exact() {
        assert_eq!(decimal_billionths(b"6"), Some(6_000_000_000));
        assert_eq!(
            decimal_billionths(b"1.7083333333333333"),
            Some(1_708_333_333)
        );
        assert_eq!(decimal_billionths(b"0.0000000005"), Some(1));
        assert_eq!(decimal_billionths(b"0.9999999999"), Some(1_000_000_000));
        assert_eq!(decimal_billionths(b".5"), Some(500_000_000));
        for odd in ["", ".", "-1", "1e3", "1.2.3", "99999999999999999999"] {
            assert_eq!(decimal_billionths(odd.as_bytes()), None, "{odd}");
        }
        assert!(is_decimal_form(b"99999999999999999999.5") && is_decimal_form(b"1."));
        for odd in ["", ".", "-1", "1e3", "1.2.3", "inf"] {
            assert!(!is_decimal_form(odd.as_bytes()), "{odd}");
        }
        assert_eq!(billionths_to_text(1_708_300_000), "1.7083");
        assert_eq!(billionths_to_text(6_000_000_000), "6");
    }

    #[test]
    fn integers_end_at_the_limit() {
        assert_eq!(decimal_integer(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(decimal_integer(b"18446744073709551616"), None);
        assert_eq!(
            decimal_integer(b"9999999999999999999"),
            Some(9_999_999_999_999_999_999)
        );
        assert_eq!(decimal_integer(b"1a"), None);
        assert_eq!(decimal_integer(b""), None);
        assert!(is_too_large(b"18446744073709551616") && !is_too_large(b"18446744073709551615"));
        assert!(!is_too_large(b"-1") && !is_too_large(b"") && !is_too_large(b"1e99"));
    }

    #[test]
    fn hexadecimal_is_filled_on_the_left() {
        let full = "0x000102030405060708090A0b0c0D0e0F";
        let bytes = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
        assert_eq!(hexadecimal_128(full), Some((bytes, false)));
        let mut short = [0; 16];
        short[14..].copy_from_slice(&[0x0a, 0xbc]);
        assert_eq!(hexadecimal_128("0Xabc"), Some((short, true)));
        for odd in ["0x", "abc", "0xg", "0x000102030405060708090A0b0c0D0e0F0"] {
            assert_eq!(hexadecimal_128(odd), None, "{odd}");
        }
    }

    #[test]
    fn ranges_do_not_wrap() {
        assert_eq!(byte_range(b"5@7"), Some((5, Some(7))));
        assert_eq!(byte_range(b"5"), Some((5, None)));
        assert_eq!(byte_range(b"1@18446744073709551615"), None);
        assert_eq!(byte_range(b"@5"), None);
        for large in [
            "1@18446744073709551615",
            "18446744073709551616",
            "99999999999999999999@0",
        ] {
            assert!(is_byte_range_form(large.as_bytes()), "{large}");
        }
        for odd in ["", "@5", "5@", "5@1@2", "-1", "a"] {
            assert!(!is_byte_range_form(odd.as_bytes()), "{odd}");
        }
    }
}
