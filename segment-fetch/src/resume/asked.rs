//! What one request asks for.

use std::ops::Range;

use http::header::{ACCEPT_ENCODING, IF_RANGE, RANGE};
use http::{HeaderMap, HeaderValue};

use crate::{Expect, Position, Validator};

/// What one request asks for: the range wanted, and from where in it, on which condition.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    pub(super) range: Option<Range<u64>>,
    pub(super) expect: &'a Expect,
    /// How many bytes are held already and are not asked for again.
    pub(super) offset: u64,
    /// There whenever `offset` is not zero.
    pub(super) validator: Option<Validator>,
    pub(super) complete_length: Option<u64>,
}

impl<'a> Asked<'a> {
    /// Asks for the rest of `range` (of the whole resource when `None`) after what is held, if that can be continued.
    ///
    /// It can when there is a validator, the length fits what is wanted, and the content is not one that may come
    /// compressed: the bytes of an encoded body are others than those held.
    pub fn new(range: Option<Range<u64>>, held: &Position, expect: &'a Expect) -> Self {
        let complete_length = match &range {
            Some(range) => Some(range.end.saturating_sub(range.start)),
            None => held.complete_length,
        };
        let fits =
            held.length > 0 && complete_length.is_none_or(|complete| held.length <= complete);
        match &held.validator {
            Some(validator) if fits && !expect.compression => Asked {
                range,
                expect,
                offset: held.length,
                validator: Some(validator.clone()),
                complete_length,
            },
            _ => {
                let complete_length = range.as_ref().and(complete_length);
                Asked {
                    range,
                    expect,
                    offset: 0,
                    validator: None,
                    complete_length,
                }
            }
        }
    }

    /// How many bytes are held and not asked for again.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The length of the content, when nothing is left to ask for.
    pub fn already_complete(&self) -> Option<u64> {
        self.complete_length
            .filter(|&complete| self.offset > 0 && self.offset == complete)
    }

    /// `Range`, `If-Range` and `Accept-Encoding` of the request.
    pub fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        let range = match (&self.range, self.offset) {
            (Some(range), offset) => Some(format!(
                "bytes={}-{}",
                range.start.saturating_add(offset),
                range.end.saturating_sub(1)
            )),
            (None, 0) => None,
            (None, offset) => Some(format!("bytes={offset}-")),
        };
        let compression = self.expect.compression && range.is_none();
        headers.insert(
            ACCEPT_ENCODING,
            HeaderValue::from_static(if compression { "gzip" } else { "identity" }),
        );
        // Digits, and a validator that was checked when it was made: neither can fail.
        if let Some(Ok(range)) = range.map(HeaderValue::try_from) {
            headers.insert(RANGE, range);
            if let Some(Ok(validator)) = self
                .validator
                .as_ref()
                .map(|validator| HeaderValue::try_from(validator.to_string()))
            {
                headers.insert(IF_RANGE, validator);
            }
        }
        headers
    }

    /// Whether the request has a `Range`.
    pub(super) fn asks_range(&self) -> bool {
        self.range.is_some() || self.offset > 0
    }

    /// The first byte asked for, counted from the start of the resource.
    pub(super) fn first(&self) -> u64 {
        self.range
            .as_ref()
            .map_or(0, |range| range.start)
            .saturating_add(self.offset)
    }
}
