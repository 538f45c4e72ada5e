//! The tokenizer: the lines of a playlist with their place, nothing copied.

use std::ops::Range;

/// How a line ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Ending {
    /// A line feed.
    Lf,
    /// A carriage return and a line feed.
    CrLf,
    /// The end of the input.
    End,
}

impl Ending {
    /// The bytes of the ending.
    pub fn as_bytes(self) -> &'static [u8] {
        match self {
            Self::Lf => b"\n",
            Self::CrLf => b"\r\n",
            Self::End => b"",
        }
    }
}

/// One line of a playlist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Line<'a> {
    /// Its number, counted from 1.
    pub number: u32,
    /// Offset of its first byte in the input.
    pub start: usize,
    /// Its bytes without the ending; a byte order mark before the first line is not part of it.
    pub text: &'a [u8],
    /// How it ends.
    pub ending: Ending,
}

/// What a line is (section 4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LineKind<'a> {
    /// Nothing, or white space only.
    Blank,
    /// Starts with `#` but not with `#EXT`.
    Comment,
    /// Starts with `#EXT`.
    Tag {
        /// Offset of the `#` in the input.
        start: usize,
        /// The name without `#`, up to the first `:` or the end.
        name: &'a [u8],
        /// What follows the `:`, trailing white space left out; `None` without a `:`.
        value: Option<&'a [u8]>,
    },
    /// Anything else: a URI, white space around it left out.
    Uri {
        /// Offset of its first byte in the input.
        start: usize,
        /// The URI as written.
        text: &'a [u8],
    },
}

impl<'a> Line<'a> {
    /// Where the line is in the input, its ending not counted.
    pub fn span(&self) -> Range<usize> {
        self.start..self.start.saturating_add(self.text.len())
    }

    /// Whether there is white space before or after the text, which section 4.1 forbids.
    pub fn has_stray_space(&self) -> bool {
        let edge = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
        edge(self.text.first()) || edge(self.text.last())
    }

    /// What the line is.
    pub fn kind(&self) -> LineKind<'a> {
        // What most tags are needs no search for the colon.
        if let [b'#', rest @ .., last] = self.text
            && last.is_ascii_graphic()
        {
            for name in USUAL {
                if let Some([b':', ..]) = rest.strip_prefix(name) {
                    return LineKind::Tag {
                        start: self.start,
                        name,
                        value: self.text.get(name.len() + 2..),
                    };
                }
            }
        }
        let trimmed_start = self.text.trim_ascii_start();
        let start = self
            .start
            .saturating_add(self.text.len() - trimmed_start.len());
        let text = trimmed_start.trim_ascii_end();
        match text {
            [] => LineKind::Blank,
            [b'#', rest @ ..] if rest.starts_with(b"EXT") => {
                let colon = rest.iter().position(|&byte| byte == b':');
                match colon.and_then(|at| rest.split_at_checked(at)) {
                    Some((name, value)) => LineKind::Tag {
                        start,
                        name,
                        value: value.get(1..),
                    },
                    None => LineKind::Tag {
                        start,
                        name: rest,
                        value: None,
                    },
                }
            }
            [b'#', ..] => LineKind::Comment,
            _ => LineKind::Uri { start, text },
        }
    }
}

/// The names that most tags have.
const USUAL: [&[u8]; 4] = [
    b"EXTINF",
    b"EXT-X-PROGRAM-DATE-TIME",
    b"EXT-X-BYTERANGE",
    b"EXT-X-PART",
];

/// The byte order mark, tolerated before the first line.
pub(crate) const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The lines of `input`, in order. Any bytes will do.
///
/// Lines end with LF or CR LF; a lone CR does not end one (section 4.1). A byte order mark at the start is skipped.
///
/// ```
/// use hls_parse::{lines, LineKind};
///
/// let kinds: Vec<_> = lines(b"#EXTM3U\r\n#EXTINF:6,\na.ts").map(|line| line.kind()).collect();
/// assert!(matches!(kinds[1], LineKind::Tag { name: b"EXTINF", value: Some(b"6,"), .. }));
/// assert!(matches!(kinds[2], LineKind::Uri { start: 20, text: b"a.ts" }));
/// ```
pub fn lines(input: &[u8]) -> Lines<'_> {
    let position = if input.starts_with(BYTE_ORDER_MARK) {
        BYTE_ORDER_MARK.len()
    } else {
        0
    };
    Lines {
        input,
        position,
        number: 0,
    }
}

/// Iterator over the [`Line`]s of an input; made by [`lines()`].
#[derive(Debug, Clone)]
pub struct Lines<'a> {
    input: &'a [u8],
    position: usize,
    number: u32,
}

impl<'a> Iterator for Lines<'a> {
    type Item = Line<'a>;

    fn next(&mut self) -> Option<Line<'a>> {
        let rest = self.input.get(self.position..)?;
        if rest.is_empty() {
            return None;
        }
        let start = self.position;
        let (text, ending, consumed) = match memchr::memchr(b'\n', rest) {
            None => (rest, Ending::End, rest.len()),
            Some(at) => match rest.get(..at) {
                Some([text @ .., b'\r']) => (text, Ending::CrLf, at + 1),
                Some(text) => (text, Ending::Lf, at + 1),
                None => return None,
            },
        };
        self.position += consumed;
        self.number = self.number.saturating_add(1);
        Some(Line {
            number: self.number,
            start,
            text,
            ending,
        })
    }
}
