//! Numbers and dates as text, without the machinery of `fmt`, which would take most of the time of writing a playlist.

use jiff::Timestamp;

use super::push;

/// Writes a decimal-integer.
pub(crate) fn push_integer(out: &mut String, number: u64) {
    let mut digits = [0; 20];
    let mut rest = number;
    let mut start = digits.len();
    for (at, digit) in digits.iter_mut().enumerate().rev() {
        *digit = digit_of(rest);
        start = at;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    push_ascii(out, digits.get(start..).unwrap_or_default());
}

/// Writes billionths as the fraction of a decimal number, without needless zeros.
pub(crate) fn push_fraction(out: &mut String, billionths: u32) {
    if billionths > 0 {
        let digits = nine_digits(billionths);
        let zeros = digits.iter().rev().take_while(|digit| **digit == b'0');
        let length = digits.len() - zeros.count();
        out.push('.');
        push_ascii(out, digits.get(..length).unwrap_or_default());
    }
}

fn digit_of(number: u64) -> u8 {
    // The remainder has one digit.
    b'0' + u8::try_from(number % 10).unwrap_or_default()
}

fn nine_digits(number: u32) -> [u8; 9] {
    let mut digits = [b'0'; 9];
    let mut rest = u64::from(number);
    for digit in digits.iter_mut().rev() {
        *digit = digit_of(rest);
        rest /= 10;
    }
    digits
}

fn push_ascii(out: &mut String, digits: &[u8]) {
    out.push_str(std::str::from_utf8(digits).unwrap_or_default());
}

/// Writes dates; the day is worked out once for all dates in it.
#[derive(Debug, Default)]
pub(crate) struct DateWriter {
    day: Option<i64>,
    /// The day up to the `T`.
    text: String,
}

impl DateWriter {
    const DAY: i64 = 86_400;

    /// Writes a date with all nine digits.
    pub(crate) fn push(&mut self, out: &mut String, date: Timestamp) {
        let nanosecond = self.push_second(out, date);
        out.push('.');
        push_ascii(out, &nine_digits(nanosecond));
        out.push('Z');
    }

    /// Writes a date with as many digits as it takes.
    pub(crate) fn push_short(&mut self, out: &mut String, date: Timestamp) {
        let nanosecond = self.push_second(out, date);
        push_fraction(out, nanosecond);
        out.push('Z');
    }

    /// Writes a date without fraction, which is returned in billionths.
    fn push_second(&mut self, out: &mut String, date: Timestamp) -> u32 {
        let (mut second, mut nanosecond) = (date.as_second(), date.subsec_nanosecond());
        if nanosecond < 0 {
            // Before 1970 both parts are negative, while clocks run forward.
            second -= 1;
            nanosecond += 1_000_000_000;
        }
        let (day, second) = (second.div_euclid(Self::DAY), second.rem_euclid(Self::DAY));
        if self.day != Some(day) {
            self.text.clear();
            push(&mut self.text, format_args!("{date}"));
            self.text
                .truncate(self.text.find('T').map_or(0, |at| at + 1));
            self.day = Some(day);
        }
        out.push_str(&self.text);
        let mut clock = *b"00:00:00";
        let places = [(0, second / 3600), (3, second / 60 % 60), (6, second % 60)];
        for (at, number) in places {
            let number = number.unsigned_abs();
            clock[at] = digit_of(number / 10);
            clock[at + 1] = digit_of(number);
        }
        push_ascii(out, &clock);
        nanosecond.unsigned_abs()
    }
}

/// Writes bytes in hexadecimal.
pub(crate) fn push_hexadecimal(out: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digit = |nibble: u8| DIGITS[usize::from(nibble & 15)];
    for chunk in bytes.chunks(16) {
        let mut digits = [0; 32];
        for (pair, byte) in digits.chunks_exact_mut(2).zip(chunk) {
            pair.copy_from_slice(&[digit(byte >> 4), digit(*byte)]);
        }
        push_ascii(out, digits.get(..2 * chunk.len()).unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_fmt() {
        for number in [0, 7, 10, 4_294_967_296, u64::MAX] {
            let mut out = String::new();
            push_integer(&mut out, number);
            assert_eq!(out, number.to_string());
        }
        let mut out = String::new();
        push_fraction(&mut out, 0);
        push_fraction(&mut out, 6_000_000);
        push_fraction(&mut out, 999_999_999);
        assert_eq!(out, ".006.999999999");
    }

    #[test]
    fn bytes_are_those_of_fmt() {
        let bytes = [
            1, 0x23, 0xfe, 0, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0xf0,
        ];
        let mut out = String::new();
        push_hexadecimal(&mut out, &bytes);
        assert_eq!(out, format!("{:032X}", u128::from_be_bytes(bytes)));
        out.clear();
        push_hexadecimal(&mut out, &[&bytes[..], &[0xab]].concat());
        assert!(out.ends_with("0FF0AB"));
    }

    #[test]
    fn dates_are_those_of_fmt() {
        let mut dates = DateWriter::default();
        for (second, nanosecond) in [
            (0, 0),
            (1_767_225_599, 999_999_999),
            (1_767_225_600, 6_000_000),
            (-1, -250_000_000),
            (-86_400, -1),
            (Timestamp::MIN.as_second(), 0),
            (Timestamp::MAX.as_second(), 5),
        ] {
            let date = Timestamp::new(second, nanosecond).unwrap();
            let mut out = String::new();
            dates.push(&mut out, date);
            assert_eq!(out, format!("{date:.9}"));
            out.clear();
            dates.push_short(&mut out, date);
            assert_eq!(out, format!("{date}"));
        }
    }
}
