//! A playlist as its lines, written back as it was read.

use std::collections::BTreeMap;
use std::ops::Range;

use crate::error::{Error, ErrorKind};
use crate::lines::{Ending, Line, lines};

/// Every line of a playlist, comments and blank lines included.
///
/// An untouched document is written back byte for byte, whatever the bytes were; a replaced line changes that line only.
///
/// ```
/// use hls_parse::Document;
///
/// let bytes = b"\xef\xbb\xbf#EXTM3U\r\n\r\n# a comment\n#EXTINF:6\na.ts";
/// let mut document = Document::parse(bytes)?;
/// assert_eq!(document.write(), bytes);
/// document.replace_line(3, b"#EXTINF:6,")?;
/// assert_eq!(document.write(), b"\xef\xbb\xbf#EXTM3U\r\n\r\n# a comment\n#EXTINF:6,\na.ts");
/// # Ok::<(), hls_parse::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Document {
    bytes: Vec<u8>,
    lines: Vec<Place>,
    replaced: BTreeMap<usize, Vec<u8>>,
}

#[derive(Debug, Clone)]
struct Place {
    span: Range<usize>,
    ending: Ending,
}

impl Document {
    /// The most lines a document may have.
    pub const MAX_LINES: usize = 4_000_000;

    /// Takes the lines apart.
    ///
    /// # Errors
    /// [`ErrorKind::LimitExceeded`] when there are more than [`Document::MAX_LINES`] lines.
    pub fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut places = Vec::new();
        for line in lines(bytes) {
            if places.len() == Self::MAX_LINES {
                return Err(Error::at(
                    ErrorKind::LimitExceeded,
                    line.number,
                    format!("more than {} lines", Self::MAX_LINES),
                ));
            }
            places.push(Place {
                span: line.span(),
                ending: line.ending,
            });
        }
        Ok(Self {
            bytes: bytes.to_vec(),
            lines: places,
            replaced: BTreeMap::new(),
        })
    }

    /// How many lines there are.
    pub fn len(&self) -> usize {
        self.lines.len()
    }

    /// Whether there is no line.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The line at `index`, counted from 0, as it is now. Its `start` is the offset in the bytes that were read.
    pub fn line(&self, index: usize) -> Option<Line<'_>> {
        let place = self.lines.get(index)?;
        let text = match self.replaced.get(&index) {
            Some(text) => text,
            None => self.bytes.get(place.span.clone())?,
        };
        Some(Line {
            number: u32::try_from(index + 1).unwrap_or(u32::MAX),
            start: place.span.start,
            text,
            ending: place.ending,
        })
    }

    /// Puts `text` in the place of the line at `index`, counted from 0; the line keeps its ending.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidEdit`] when there is no such line or `text` holds a CR or LF.
    pub fn replace_line(&mut self, index: usize, text: &[u8]) -> Result<(), Error> {
        if index >= self.lines.len() {
            return Err(Error::new(
                ErrorKind::InvalidEdit,
                format!(
                    "there is no line at index {index}, the document has {} lines",
                    self.lines.len()
                ),
            ));
        }
        if memchr::memchr2(b'\r', b'\n', text).is_some() {
            return Err(Error::new(
                ErrorKind::InvalidEdit,
                "the text of a line must not hold a line break",
            ));
        }
        self.replaced.insert(index, text.to_vec());
        Ok(())
    }

    /// The bytes of the document.
    pub fn write(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.bytes.len());
        let mut copied = 0;
        for (&index, text) in &self.replaced {
            if let Some(place) = self.lines.get(index) {
                out.extend_from_slice(self.bytes.get(copied..place.span.start).unwrap_or_default());
                out.extend_from_slice(text);
                copied = place.span.end;
            }
        }
        out.extend_from_slice(self.bytes.get(copied..).unwrap_or_default());
        out
    }
}
