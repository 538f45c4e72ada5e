//! The bytes of a playlist as text (section 4.1).

use std::ops::Range;
use std::sync::Arc;

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::diagnostic::{Diagnostics, LinePlace};
use crate::lines::lines;
use crate::rule::Rule;

/// The character that stands for what is no text: DEL has one byte, and URLs neither drop it nor give it a meaning.
const SUBSTITUTE: u8 = 0x7f;

/// The input as text of the same length: bytes that are not UTF-8 become DEL, so that all offsets stay.
pub(crate) fn readable(input: &[u8], diagnostics: &mut Diagnostics) -> Arc<str> {
    let text = match std::str::from_utf8(input) {
        Ok(text) => Arc::from(text),
        Err(error) => {
            report_at(
                input,
                error.valid_up_to(),
                Rule::NotUtf8,
                "the text is not UTF-8 from here",
                diagnostics,
            );
            substitute(input)
        }
    };
    // One pass without branches over everything; the places are looked for only when there are any.
    let (mut suspicious, mut seen) = (0u8, 0u8);
    for &byte in input {
        suspicious |= u8::from(is_suspicious(byte));
        seen |= byte;
    }
    if suspicious != 0 {
        report_control_characters(input, diagnostics);
    }
    if !seen.is_ascii() {
        let (normalized, rest) = ComposingNormalizerBorrowed::new_nfc().split_normalized(&text);
        if !rest.is_empty() {
            report_at(
                input,
                normalized.len(),
                Rule::NotNormalized,
                "the text is not in normalization form C from here",
                diagnostics,
            );
        }
    }
    text
}

fn is_suspicious(byte: u8) -> bool {
    (byte < 0x20 && byte != b'\n') || byte == 0x7f
}

fn substitute(input: &[u8]) -> Arc<str> {
    let mut text = String::with_capacity(input.len());
    for chunk in input.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::from(SUBSTITUTE)));
    }
    Arc::from(text)
}

/// Reports the first control character and the first lone CR; a TAB is legal in a list of removed date ranges.
fn report_control_characters(input: &[u8], diagnostics: &mut Diagnostics) {
    let (mut control, mut lone) = (false, false);
    for line in lines(input) {
        let mut tabs = None;
        for (at, &byte) in line.text.iter().enumerate() {
            let (rule, seen, message) = match byte {
                b'\r' => (
                    Rule::LoneCarriageReturn,
                    &mut lone,
                    "a carriage return does not end a line alone",
                ),
                b'\t'
                    if !tabs
                        .get_or_insert_with(|| forbids_tabs(line.text))
                        .contains(&at) =>
                {
                    continue;
                }
                _ if is_suspicious(byte) => (
                    Rule::ControlCharacter,
                    &mut control,
                    "there is a control character",
                ),
                _ => continue,
            };
            if !std::mem::replace(seen, true) {
                let place = LinePlace {
                    number: line.number,
                    start: line.start,
                };
                let start = line.start + at;
                diagnostics.report(rule, place, start..start + 1, message);
            }
        }
        if control && lone {
            return;
        }
    }
}

/// Where a line must not have a TAB: they are between the IDs of removed date ranges, and around a line they are reported as white space.
fn forbids_tabs(line: &[u8]) -> Range<usize> {
    let start = line.len() - line.trim_ascii_start().len();
    let end = line.trim_ascii_end().len();
    let list = memchr::memmem::find(line, b"RECENTLY-REMOVED-DATERANGES=");
    start..list.unwrap_or(end)
}

fn report_at(
    input: &[u8],
    offset: usize,
    rule: Rule,
    message: &str,
    diagnostics: &mut Diagnostics,
) {
    if let Some(line) = lines(input).take_while(|line| line.start <= offset).last() {
        let place = LinePlace {
            number: line.number,
            start: line.start,
        };
        diagnostics.report(rule, place, offset..offset + 1, message);
    }
}
