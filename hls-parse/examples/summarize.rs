//! Prints one line of JSON for each playlist file named on the command line.
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::collections::HashSet;
use std::ffi::OsString;
use std::fmt::Write as _;
use std::process::ExitCode;

use hls_parse::{Document, Parsed, Playlist, Tag, TagName};

fn main() -> ExitCode {
    let mut all_read = true;
    for path in std::env::args_os().skip(1) {
        let (line, is_read) = summarize(&path);
        println!("{line}");
        all_read &= is_read;
    }
    if all_read {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The line of a file, and whether the file could be read. A playlist that is refused is an answer like any other.
fn summarize(path: &OsString) -> (String, bool) {
    let shown = path.to_string_lossy();
    match std::fs::read(path) {
        Ok(bytes) => (summary(&shown, &bytes), true),
        Err(error) => (refusal(&shown, &error.to_string(), false), false),
    }
}

fn summary(path: &str, bytes: &[u8]) -> String {
    let roundtrip = Document::parse(bytes).is_ok_and(|document| document.write() == bytes);
    let parsed = match hls_parse::parse(bytes) {
        Ok(parsed) => parsed,
        Err(error) => return refusal(path, &error.to_string(), roundtrip),
    };
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
                "{{\"rule\":\"{}\",\"severity\":\"{}\",\"forgiven\":{},\"line\":{},\"column\":{},\"message\":{}}}",
                diagnostic.rule,
                diagnostic.severity,
                diagnostic.forgiven,
                diagnostic.line,
                diagnostic.column,
                quote(&diagnostic.message)
            )
        })
        .collect();
    format!("[{}]", list.join(","))
}

fn refusal(path: &str, error: &str, roundtrip: bool) -> String {
    let nothing = "\"segments\":0,\"variants\":0,\"renditions\":0,\"parts\":0,\"keys\":0,\"dateranges\":0,\"duration\":0,\"diagnostics\":[]";
    format!(
        "{{\"path\":{},\"kind\":null,\"error\":{},{nothing},\"roundtrip\":{roundtrip}}}",
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read(line: &str) -> Value {
        serde_json::from_str(line).unwrap()
    }

    #[test]
    fn a_media_playlist_is_counted() {
        let text = concat!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-PART-INF:PART-TARGET=3\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n",
            "#EXT-X-DATERANGE:ID=\"a\",START-DATE=\"2026-01-01T00:00:00Z\"\n#EXT-X-DATERANGE:ID=\"a\",DURATION=1\n",
            "#EXT-X-PART:DURATION=3,URI=\"a.0\"\n#EXTINF:5.5,\na\n#EXTINF:1,\nb\n",
        );
        let mut line = read(&summary("a \"b\"\\\u{1}", text.as_bytes()));
        let diagnostics = line["diagnostics"].take();
        assert!(diagnostics.is_array());
        assert_eq!(
            line,
            json!({
                "path": "a \"b\"\\\u{1}", "kind": "media", "segments": 2, "variants": 0, "renditions": 0, "parts": 1, "keys": 1,
                "dateranges": 1, "duration": 6.5, "diagnostics": null, "roundtrip": true,
            })
        );
    }

    #[test]
    fn a_multivariant_playlist_is_counted() {
        let text = "#EXTM3U\r\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"A\"\r\n#EXT-X-STREAM-INF:AUDIO=\"a\"\r\nv\r\n#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,URI=\"i\"";
        let line = read(&summary("p", text.as_bytes()));
        let counts = ["kind", "segments", "variants", "renditions", "roundtrip"];
        assert_eq!(
            counts.map(|name| line[name].clone()),
            [
                json!("multivariant"),
                json!(0),
                json!(1),
                json!(1),
                json!(true)
            ]
        );
        let found = &line["diagnostics"][0];
        for name in ["rule", "severity", "line", "column", "message"] {
            assert!(!found[name].is_null(), "{name} of {found}");
        }
    }

    #[test]
    fn what_is_refused_has_no_kind() {
        let line = read(&summary("p", b"<html>"));
        assert_eq!(line["kind"], Value::Null);
        assert!(line["error"].is_string());
    }

    #[test]
    fn a_file_that_cannot_be_read_is_told_apart() {
        let (line, is_read) = summarize(&"no/such/file".into());
        assert!(!is_read);
        assert!(read(&line)["error"].is_string());
        #[cfg(unix)]
        {
            let path = std::os::unix::ffi::OsStringExt::from_vec(b"no/such/\xff".to_vec());
            let (line, is_read) = summarize(&path);
            assert!(!is_read);
            assert_eq!(read(&line)["path"], "no/such/\u{fffd}");
        }
    }
}
