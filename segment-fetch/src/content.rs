//! Whether content is what its role promises, told by its first bytes.

use crate::Expect;

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";
/// The longest run of white space looked through for an HTML tag.
const HTML_WINDOW: usize = 512;
/// So many printable bytes at the beginning make a text.
const TEXT_WINDOW: usize = 64;
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
    Text,
    Empty,
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
    if expect.refuse_text {
        match text(first) {
            None if ended && first.is_empty() => return Verdict::Empty,
            None if !ended => return Verdict::Undecided,
            Some(true) | None => return Verdict::Text,
            Some(false) => {}
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

/// Whether this is text or gzip and so no media, `None` when it is too short to tell.
fn text(first: &[u8]) -> Option<bool> {
    const GZIP: &[u8] = b"\x1f\x8b\x08";
    const WEBVTT: &[u8] = b"WEBVTT";
    let window = first.get(..TEXT_WINDOW).unwrap_or(first);
    if window.starts_with(GZIP) {
        return Some(true);
    }
    if without_mark(window).starts_with(WEBVTT) {
        return Some(false);
    }
    // Media have other bytes early on; in so many encrypted ones, text by chance is out of the question.
    let is_text = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | b' '..=b'~');
    if !without_mark(window).iter().all(is_text) && !GZIP.starts_with(window) {
        return Some(false);
    }
    (window.len() == TEXT_WINDOW).then_some(true)
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
    fn text_and_nothing_are_no_media() {
        let media = Expect {
            refuse_text: true,
            ..Expect::default()
        };
        for (content, verdict) in [
            (&b""[..], Verdict::Empty),
            (b"{\"error\":\"quota exceeded\"}", Verdict::Text),
            (
                b"<?xml version=\"1.0\"?><Error><Code>AccessDenied</Code></Error>",
                Verdict::Text,
            ),
            (b"\x1f\x8b\x08\x00\x00", Verdict::Text),
            (b"WEBVTT", Verdict::Right),
            (b"ID3\x04\x00\x00", Verdict::Right),
            (b"\x47\x40\x11", Verdict::Right),
            (b"\x00\x00\x00\x18ftyp", Verdict::Right),
        ] {
            assert_eq!(judge(&media, content, true), verdict, "{content:?}");
        }
        assert_eq!(judge(&media, b"{\"error\"", false), Verdict::Undecided);
        assert_eq!(judge(&media, &[b'a'; TEXT_WINDOW], false), Verdict::Text);
        assert_eq!(judge(&media, b"\x1f\x8b", false), Verdict::Undecided);
    }

    #[test]
    fn quotes_hold_no_control_characters() {
        assert_eq!(quoted(b"\x1b[31m<html>\n"), "\"\\x1b[31m<html>\\n\"");
    }
}
