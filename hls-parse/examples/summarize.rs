//! Prints one line of JSON for each playlist file named on the command line.
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::collections::HashSet;
use std::fmt::Write as _;

use hls_parse::{Document, Parsed, Playlist, Tag, TagName};

fn main() {
    for path in std::env::args().skip(1) {
        let line = match std::fs::read(&path) {
            Ok(bytes) => summary(&path, &bytes),
            Err(error) => refusal(&path, &error.to_string()),
        };
        println!("{line}");
    }
}

fn summary(path: &str, bytes: &[u8]) -> String {
    let parsed = match hls_parse::parse(bytes) {
        Ok(parsed) => parsed,
        Err(error) => return refusal(path, &error.to_string()),
    };
    let roundtrip = Document::parse(bytes).is_ok_and(|document| document.write() == bytes);
    let tags: Vec<Tag<'_>> = match &parsed.playlist {
        Playlist::Multivariant(playlist) => playlist.tags().collect(),
        Playlist::Media(playlist) => playlist.tags().collect(),
    };
    let count = |name: TagName| tags.iter().filter(|tag| tag.name == name).count();
    let (kind, segments, duration) = match &parsed.playlist {
        Playlist::Multivariant(_) => ("multivariant", 0, 0.0),
        Playlist::Media(media) => (
            "media",
            media.segment_count(),
            media.duration().as_secs_f64(),
        ),
    };
    let variants = match &parsed.playlist {
        Playlist::Multivariant(playlist) => playlist.variant_count(),
        Playlist::Media(_) => 0,
    };
    let ranges: HashSet<String> = tags
        .iter()
        .filter(|tag| tag.name == TagName::DateRange)
        .filter_map(|tag| {
            let mut attributes = hls_parse::attributes(tag.value);
            attributes
                .find(|attribute| attribute.name == "ID")
                .map(|id| id.value.to_owned())
        })
        .collect();
    format!(
        "{{\"path\":{},\"kind\":\"{kind}\",\"segments\":{segments},\"variants\":{variants},\"renditions\":{},\"parts\":{},\"keys\":{},\"dateranges\":{},\"duration\":{duration},\"diagnostics\":{},\"roundtrip\":{roundtrip}}}",
        quote(path),
        count(TagName::Media),
        count(TagName::Part),
        count(TagName::Key),
        ranges.len(),
        diagnostics(&parsed),
    )
}

fn diagnostics(parsed: &Parsed) -> String {
    let list: Vec<String> = parsed
        .diagnostics
        .iter()
        .map(|diagnostic| {
            format!(
                "{{\"rule\":\"{}\",\"severity\":\"{}\",\"line\":{},\"column\":{},\"message\":{}}}",
                diagnostic.rule,
                diagnostic.severity,
                diagnostic.line,
                diagnostic.column,
                quote(&diagnostic.message)
            )
        })
        .collect();
    format!("[{}]", list.join(","))
}

fn refusal(path: &str, error: &str) -> String {
    format!(
        "{{\"path\":{},\"kind\":null,\"error\":{}}}",
        quote(path),
        quote(error)
    )
}

fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                // Writing to a String cannot fail.
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
