//! The body of one response on its way to the sink: counted, cut, decoded, judged. No I/O.

use std::io::Write;

use bytes::{Bytes, BytesMut};
use flate2::write::MultiGzDecoder;

use crate::content::{Verdict, judge, quoted};
use crate::resume::{Encoding, Rejection, Retry, Storing};
use crate::{ErrorKind, Expect};

/// How many encoded bytes are decoded before the length is looked at again: gzip grows at most a thousandfold.
const DECODED_AT_ONCE: usize = 1 << 10;
/// How much of a piece is looked at to tell a page by its opening.
const OPENING: usize = 1 << 10;

pub(crate) struct Intake {
    expect: Expect,
    announced: Option<u64>,
    /// Bytes that came, before decoding.
    received: u64,
    skip: u64,
    take: Option<u64>,
    /// Bytes the sink will hold with everything handed out so far.
    length: u64,
    decoder: Option<MultiGzDecoder<Vec<u8>>>,
    /// The opening of a resource of which only a later part is wanted: a page is told by it, not by a part.
    opening: Option<Vec<u8>>,
    /// The first bytes, kept back until they can be judged. `None` when they were.
    unjudged: Option<BytesMut>,
}

impl Intake {
    pub(crate) fn new(expect: &Expect, storing: &Storing) -> Self {
        Intake {
            expect: expect.clone(),
            announced: storing.announced,
            received: 0,
            skip: storing.skip,
            take: storing.take,
            length: storing.offset,
            decoder: (storing.encoding == Encoding::Gzip).then(|| MultiGzDecoder::new(Vec::new())),
            opening: (expect.refuse_html && is_cut_out(storing)).then(Vec::new),
            // What continues something was judged when that began.
            unjudged: (storing.offset == 0).then(BytesMut::new),
        }
    }

    /// Takes one piece of the body and returns what of it the sink gets.
    pub(crate) fn push(&mut self, piece: Bytes) -> Result<Option<Bytes>, Rejection> {
        self.received = self.received.saturating_add(piece.len() as u64);
        if let Some(announced) = self
            .announced
            .filter(|&announced| self.received > announced)
        {
            let reason = format!("the body is longer than the {announced} bytes announced");
            return Err(Rejection::new(
                ErrorKind::WrongLength,
                Retry::Always,
                reason,
            ));
        }
        let piece = match self.decoder.as_mut() {
            Some(decoder) => decode(decoder, &piece, self.expect.max_length)?,
            None => piece,
        };
        self.keep(piece, false)
    }

    /// The body has ended, or was taken as far as wanted: returns what was kept back, and how long the content is.
    pub(crate) fn finish(&mut self) -> Result<(Option<Bytes>, u64), Rejection> {
        if self.take != Some(0) {
            let unread = self
                .announced
                .map_or(0, |announced| announced.saturating_sub(self.received));
            let missing = unread.max(self.take.unwrap_or(0));
            if missing > 0 {
                let reason = format!("the body ended {missing} bytes early");
                return Err(Rejection::new(ErrorKind::Truncated, Retry::Always, reason));
            }
        }
        let decoded = match self.decoder.as_mut() {
            Some(decoder) => {
                let ended = decoder.try_finish();
                ended.map_err(|_| {
                    Rejection::new(
                        ErrorKind::Truncated,
                        Retry::Always,
                        "the gzip body ended early",
                    )
                })?;
                std::mem::take(decoder.get_mut()).into()
            }
            None => Bytes::new(),
        };
        let rest = self.keep(decoded, true)?;
        if let Some(exact) = self
            .expect
            .exact_length
            .filter(|&exact| exact != self.length)
        {
            return Err(wrong_length(&format!(
                "{} bytes and not the {exact} expected",
                self.length
            )));
        }
        Ok((rest, self.length))
    }

    /// Cuts, counts and judges what was decoded.
    fn keep(&mut self, piece: Bytes, ended: bool) -> Result<Option<Bytes>, Rejection> {
        let piece = self.sliced(piece, ended)?;
        self.length = self.length.saturating_add(piece.len() as u64);
        if self.length > self.expect.max_length {
            return Err(too_large(self.expect.max_length));
        }
        if let Some(exact) = self
            .expect
            .exact_length
            .filter(|&exact| self.length > exact)
        {
            return Err(wrong_length(&format!(
                "more than the {exact} bytes expected"
            )));
        }
        self.judged(piece, ended)
    }

    /// Whether all of a range was taken and the rest of the body can stay where it is. A body that ends with the range
    /// is read to its end, so that its connection can be used again.
    pub(crate) fn is_satisfied(&self) -> bool {
        self.take == Some(0)
            && self
                .announced
                .is_none_or(|announced| self.received < announced)
    }

    /// Whether as much came as was announced, so that it does not matter how the body ends.
    pub(crate) fn has_all(&self) -> bool {
        self.announced == Some(self.received)
    }

    /// Drops what comes before the range, and what comes after it.
    fn sliced(&mut self, mut piece: Bytes, ended: bool) -> Result<Bytes, Rejection> {
        if let Some(mut opening) = self.opening.take() {
            opening.extend_from_slice(piece.get(..piece.len().min(OPENING)).unwrap_or_default());
            let page = Expect {
                starts_with: None,
                refuse_text: false,
                ..self.expect.clone()
            };
            match judge(&page, &opening, ended) {
                Verdict::Html => return Err(html(&opening)),
                Verdict::Undecided => self.opening = Some(opening),
                _ => {}
            }
        }
        let skipped = usize::try_from(self.skip)
            .unwrap_or(usize::MAX)
            .min(piece.len());
        drop(piece.split_to(skipped));
        self.skip = self.skip.saturating_sub(skipped as u64);
        if let Some(take) = self.take.as_mut() {
            piece.truncate(usize::try_from(*take).unwrap_or(usize::MAX));
            *take = take.saturating_sub(piece.len() as u64);
        }
        Ok(piece)
    }

    fn judged(&mut self, piece: Bytes, ended: bool) -> Result<Option<Bytes>, Rejection> {
        let Some(mut kept) = self.unjudged.take() else {
            return Ok((!piece.is_empty()).then_some(piece));
        };
        let first = if kept.is_empty() {
            piece
        } else {
            kept.extend_from_slice(&piece);
            kept.freeze()
        };
        // Nothing of a resource goes out while its opening may still turn out to be a page.
        if self.opening.is_some() && !ended {
            self.unjudged = Some(BytesMut::from(first));
            return Ok(None);
        }
        match judge(&self.expect, &first, ended) {
            Verdict::Right => Ok((!first.is_empty()).then_some(first)),
            Verdict::Undecided => {
                self.unjudged = Some(BytesMut::from(first));
                Ok(None)
            }
            Verdict::Html => Err(html(&first)),
            Verdict::Text => {
                let reason = format!(
                    "the content is text or gzip and no media, beginning with {}",
                    quoted(&first)
                );
                Err(Rejection::new(
                    ErrorKind::WrongContent,
                    Retry::Never,
                    reason,
                ))
            }
            Verdict::Empty => Err(Rejection::new(
                ErrorKind::WrongContent,
                Retry::Once,
                "the content is empty",
            )),
            Verdict::NotTheBeginning => {
                let reason = format!(
                    "the content begins with {} and not with {}",
                    quoted(&first),
                    quoted(self.expect.starts_with.unwrap_or_default())
                );
                Err(Rejection::new(
                    ErrorKind::WrongContent,
                    Retry::Never,
                    reason,
                ))
            }
        }
    }
}

/// Whether what is wanted is a part of the body, whose own first bytes may be too few to tell a page by.
fn is_cut_out(storing: &Storing) -> bool {
    storing.skip > 0 || storing.take.is_some() && storing.announced != storing.take
}

fn decode(
    decoder: &mut MultiGzDecoder<Vec<u8>>,
    piece: &[u8],
    most: u64,
) -> Result<Bytes, Rejection> {
    for part in piece.chunks(DECODED_AT_ONCE) {
        decoder.write_all(part).map_err(|error| {
            Rejection::new(
                ErrorKind::WrongContent,
                Retry::Always,
                format!("the gzip body is damaged: {error}"),
            )
        })?;
        if decoder.get_ref().len() as u64 > most {
            return Err(too_large(most));
        }
    }
    // What was decoded of this piece may still be inside the decoder; it comes out with the next piece or at the end.
    Ok(std::mem::take(decoder.get_mut()).into())
}

fn html(first: &[u8]) -> Rejection {
    let reason = format!(
        "the content is an HTML page, beginning with {}",
        quoted(first)
    );
    Rejection::new(ErrorKind::WrongContent, Retry::Never, reason)
}

fn too_large(most: u64) -> Rejection {
    Rejection::new(
        ErrorKind::TooLarge,
        Retry::Never,
        format!("more than the {most} bytes allowed"),
    )
}

/// A content of another length than expected is not worth continuing.
fn wrong_length(reason: &str) -> Rejection {
    Rejection::new(ErrorKind::WrongLength, Retry::Always, reason).starting_again()
}
