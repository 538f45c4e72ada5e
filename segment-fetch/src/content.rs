//! Whether content is what its role promises, told by its first bytes.

use crate::Expect;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
/// The longest run of white space looked through for an HTML tag.
const HTML_WINDOW: usize = 512;
const HTML_BEGINNINGS: [&[u8]; 6] = [
    b"<!doctype html",
    b"<html",
    b"<head",
    b"<body",
    b"<title",
    b"<script",
];

/// What the first bytes say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// More bytes are needed to tell.
    Undecided,
    Right,
    NotTheBeginning,
    Html,
}

/// Judges the first bytes of a content; `ended` says that there are no more.
pub(crate) fn judge(expect: &Expect, first: &[u8], ended: bool) -> Verdict {
    if expect.refuse_html {
        match html(first) {
            Some(true) => return Verdict::Html,
            None if !ended => return Verdict::Undecided,
            Some(false) | None => {}
        }
    }
    let Some(beginning) = expect.starts_with else {
        return Verdict::Right;
    };
    if without_mark(first).starts_with(beginning) || first.starts_with(beginning) {
        Verdict::Right
    } else if !ended
        && (beginning.starts_with(without_mark(first)) || BYTE_ORDER_MARK.starts_with(first))
    {
        Verdict::Undecided
    } else {
        Verdict::NotTheBeginning
    }
}

/// Whether this is the beginning of an HTML page, `None` when it is too short to tell.
fn html(first: &[u8]) -> Option<bool> {
    if BYTE_ORDER_MARK.starts_with(first) {
        return None;
    }
    let text = without_mark(first).trim_ascii_start();
    if text.is_empty() {
        return (first.len() > HTML_WINDOW).then_some(false);
    }
    let mut undecided = false;
    for beginning in HTML_BEGINNINGS {
        let shared = text.len().min(beginning.len());
        if text
            .iter()
            .zip(beginning)
            .all(|(found, expected)| found.eq_ignore_ascii_case(expected))
        {
            if shared == beginning.len() {
                return Some(true);
            }
            undecided = true;
        }
    }
    if undecided { None } else { Some(false) }
}

fn without_mark(first: &[u8]) -> &[u8] {
    first.strip_prefix(BYTE_ORDER_MARK).unwrap_or(first)
}

/// The first bytes as a message may quote them.
pub(crate) fn quoted(first: &[u8]) -> String {
    let start: String = first
        .iter()
        .take(24)
        .flat_map(|byte| byte.escape_ascii())
        .map(char::from)
        .collect();
    format!("\"{start}\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn playlist() -> Expect {
        Expect {
            starts_with: Some(b"#EXTM3U"),
            refuse_html: true,
            ..Expect::default()
        }
    }

    #[test]
    fn every_prefix_of_a_right_beginning_is_undecided_and_the_whole_right() {
        for text in [&b"#EXTM3U\n"[..], b"\xEF\xBB\xBF#EXTM3U\r\n"] {
            let decided = (0..=text.len())
                .find(|&end| judge(&playlist(), &text[..end], false) != Verdict::Undecided)
                .unwrap();
            assert_eq!(decided, text.trim_ascii_end().len(), "{text:?}");
            assert_eq!(judge(&playlist(), &text[..decided], false), Verdict::Right);
        }
    }

    #[test]
    fn pages_are_told_whatever_case_and_space() {
        for page in [
            &b"<!DOCTYPE html>"[..],
            b"\n\n  <HTML lang=en>",
            b"\xEF\xBB\xBF<head>",
        ] {
            assert_eq!(judge(&playlist(), page, false), Verdict::Html);
        }
        let any = Expect {
            refuse_html: true,
            ..Expect::default()
        };
        for media in [
            &b"\x47\x40\x11"[..],
            b"WEBVTT",
            b"<?xml version=\"1.0\"?><tt>",
            b"\x00\x00\x00\x18ftyp",
        ] {
            assert_eq!(judge(&any, media, false), Verdict::Right);
        }
    }

    #[test]
    fn a_short_content_is_judged_at_its_end() {
        assert_eq!(judge(&playlist(), b"#EXT", false), Verdict::Undecided);
        assert_eq!(judge(&playlist(), b"#EXT", true), Verdict::NotTheBeginning);
        assert_eq!(judge(&playlist(), b"", true), Verdict::NotTheBeginning);
        assert_eq!(judge(&Expect::default(), b"", false), Verdict::Right);
    }

    #[test]
    fn quotes_hold_no_control_characters() {
        assert_eq!(quoted(b"\x1b[31m<html>\n"), "\"\\x1b[31m<html>\\n\"");
    }
}
