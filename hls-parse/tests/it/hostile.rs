//! Input that means harm: limits hold, nothing takes for ever.

use std::fmt::Write as _;

use hls_parse::{Document, ErrorKind, ParseOptions, parse, parse_with};

use crate::{context, media, resolved};

#[test]
fn limits_are_kept() {
    let kind = |text: &str, options: ParseOptions| {
        parse_with(text.as_bytes(), &options).unwrap_err().kind()
    };
    let text = "#EXTM3U\n#EXT-X-MAP:URI=\"a\",B=1,C=2\n\n\n";
    let options = ParseOptions::default;
    assert!(
        parse_with(
            text.as_bytes(),
            &options()
                .max_bytes(text.len())
                .max_lines(4)
                .max_attributes(3)
        )
        .is_ok()
    );
    assert_eq!(
        kind(text, options().max_bytes(text.len() - 1)),
        ErrorKind::LimitExceeded
    );
    assert_eq!(kind(text, options().max_lines(3)), ErrorKind::LimitExceeded);
    assert_eq!(
        kind(text, options().max_attributes(2)),
        ErrorKind::LimitExceeded
    );
}

#[test]
fn diagnostics_are_counted_when_there_are_too_many() {
    let text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:1\n{}", "uri\n".repeat(50));
    let parsed = parse_with(text.as_bytes(), &ParseOptions::default().max_diagnostics(7)).unwrap();
    assert_eq!(
        (parsed.diagnostics.len(), parsed.suppressed_diagnostics),
        (7, 43)
    );
}

#[test]
fn variables_that_double_are_stopped() {
    let mut text = String::from("#EXTM3U\n#EXT-X-DEFINE:NAME=\"v0\",VALUE=\"0123456789abcdef\"\n");
    for number in 1..60 {
        let before = number - 1;
        writeln!(
            text,
            "#EXT-X-DEFINE:NAME=\"v{number}\",VALUE=\"{{$v{before}}}{{$v{before}}}\""
        )
        .unwrap();
    }
    text.push_str("#EXTINF:1,\n{$v59}\n");
    assert_eq!(
        resolved(&text).unwrap_err().kind(),
        ErrorKind::LimitExceeded
    );
}

#[test]
fn key_formats_without_end_are_stopped() {
    let keys = (0..100)
        .map(|number| format!("#EXT-X-KEY:METHOD=AES-128,URI=\"k\",KEYFORMAT=\"f{number}\"\n"))
        .collect::<Vec<_>>()
        .concat();
    assert_eq!(
        resolved(&format!("#EXTM3U\n{keys}#EXTINF:1,\na\n"))
            .unwrap_err()
            .kind(),
        ErrorKind::LimitExceeded
    );
}

#[test]
fn bytes_that_are_not_utf_8_are_survived() {
    let bytes = b"#EXTM3U\n#EXTINF:1,\xff\xfe\n\xe9t\xe9.ts\n#EXT-X-MINE:\xc3";
    let parsed = parse(bytes).unwrap();
    let timeline = parsed
        .playlist
        .as_media()
        .unwrap()
        .resolve(&context())
        .unwrap();
    assert_eq!(
        timeline.segment_url(0).as_str(),
        "https://example.com/film/%7Ft%7F.ts"
    );
    assert_eq!(Document::parse(bytes).unwrap().write(), bytes);
}

#[test]
fn work_grows_with_the_input() {
    // Quadratic work on 40,000 of each would take minutes.
    let mut text = String::from("#EXTM3U\n#EXT-X-VERSION:13\n");
    for number in 0..40_000 {
        writeln!(text, "#EXT-X-DEFINE:NAME=\"v{number}\",VALUE=\"x\"\n#EXT-X-KEY:METHOD=AES-128,URI=\"k{number}\",IV=0x{number:032x}").unwrap();
        writeln!(text, "#EXT-X-MAP:URI=\"m{number}\"\n#EXT-X-DATERANGE:ID=\"d{number}\"\n#EXTINF:1,\n#EXT-X-BYTERANGE:1@0\n{{$v{number}}}{number}").unwrap();
    }
    let timeline = media(&text).resolve(&context()).unwrap();
    assert_eq!(
        (
            timeline.keys().len(),
            timeline.maps().len(),
            timeline.resources().len()
        ),
        (40_000, 40_000, 120_000)
    );
}
