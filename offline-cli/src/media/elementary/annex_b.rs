//! NAL units in a byte stream (ITU-T H.264 annex B, H.265 annex B).

use std::ops::Range;
use std::sync::LazyLock;

use memchr::memmem::Finder;

static START: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(&[0, 0, 1]));
static ESCAPED: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(&[0, 0, 3]));

/// The NAL units of a byte stream, without start codes and without zeros after them; never empty.
pub(crate) fn nal_units(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> + '_ {
    let mut starts = START.find_iter(bytes).map(|start| start + 3).peekable();
    std::iter::from_fn(move || {
        loop {
            let start = starts.next()?;
            let mut end = starts.peek().map_or(bytes.len(), |next| next - 3);
            while end > start && bytes.get(end - 1) == Some(&0) {
                end -= 1;
            }
            if start < end {
                return Some(start..end);
            }
        }
    })
}

/// Whether a NAL unit has emulation prevention bytes.
pub(crate) fn is_escaped(nal: &[u8]) -> bool {
    ESCAPED.find(nal).is_some()
}

/// Takes the emulation prevention bytes out.
pub(crate) fn unescape(nal: &[u8], into: &mut Vec<u8>) {
    into.clear();
    let mut from = 0;
    while let Some(found) = nal.get(from..).and_then(|rest| ESCAPED.find(rest)) {
        into.extend_from_slice(nal.get(from..from + found + 2).unwrap_or_default());
        from += found + 3;
    }
    into.extend_from_slice(nal.get(from..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_found_without_zeros_around_them() {
        let bytes = [9, 0, 0, 0, 1, 5, 6, 0, 0, 0, 0, 1, 0, 0, 1, 7, 0];
        let found: Vec<&[u8]> = nal_units(&bytes).map(|range| &bytes[range]).collect();
        assert_eq!(found, [&[5, 6][..], &[7][..]]);
    }

    #[test]
    fn escapes_are_taken_out_and_nothing_else() {
        let mut plain = Vec::new();
        unescape(&[0, 0, 3, 1, 0, 0, 3, 0, 0, 3, 3, 0, 3], &mut plain);
        assert_eq!(plain, [0, 0, 1, 0, 0, 0, 0, 3, 0, 3]);
    }
}
