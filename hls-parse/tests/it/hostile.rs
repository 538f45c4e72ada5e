//! Input that means harm: limits hold, nothing takes for ever.

use std::fmt::Write as _;

use hls_parse::{
    Diagnostic, Document, ErrorKind, ParseOptions, PresentationMember, Rule, parse, parse_with,
};

use crate::{context, media, multivariant_playlist, resolved};

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
fn what_is_over_a_limit_is_placed() {
    let text = "#EXTM3U\n#EXT-X-MAP:URI=\"a\",B=1,C=2\n\n\n";
    let place = |options: ParseOptions| {
        let error = parse_with(text.as_bytes(), &options).unwrap_err();
        (error.line(), error.column())
    };
    let options = ParseOptions::default;
    assert_eq!(place(options().max_attributes(2)), (Some(2), Some(24)));
    assert_eq!(place(options().max_attributes(0)), (Some(2), Some(12)));
    assert_eq!(place(options().max_lines(1)), (Some(2), Some(1)));
    let error = parse(b"\n  <html>").unwrap_err();
    assert_eq!((error.line(), error.column()), (Some(2), Some(3)));
}

#[test]
fn a_line_may_be_as_long_as_the_input() {
    // Each is one line, or one value on a line, of 4 MiB.
    let long = "a".repeat(4 << 20);
    for text in [
        format!("#EXTM3U\n{long}"),
        format!("#EXTM3U\n#EXT-X-{long}:1\n"),
        format!("#EXTM3U\n#EXTINF:{}.5,{long}\na\n", "0".repeat(1 << 20)),
        format!("#EXTM3U\n#EXT-X-DATERANGE:ID=\"{long}\",X-{long}=1\n"),
    ] {
        let options = ParseOptions::default().max_bytes(text.len());
        assert!(parse_with(text.as_bytes(), &options).is_ok());
        let options = options.max_bytes(text.len() - 1);
        let refused = parse_with(text.as_bytes(), &options).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::LimitExceeded);
        assert_eq!(
            Document::parse(text.as_bytes()).unwrap().write(),
            text.as_bytes()
        );
    }
    // Messages quote no more of it than is read.
    for text in [
        long.clone(),
        format!("#EXTM3U\n#EXT-X-KEY:METHOD={long}\n#EXT-X-VERSION:{long}\n{{${long}}}"),
    ] {
        let shown = match parse(text.as_bytes()) {
            Ok(parsed) => parsed
                .diagnostics
                .iter()
                .map(Diagnostic::to_string)
                .collect(),
            Err(error) => vec![error.to_string()],
        };
        assert!(!shown.is_empty() && shown.iter().all(|shown| shown.len() < 400));
    }
}

#[test]
fn bytes_that_no_text_has_are_reported_where_they_are() {
    let bytes = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\r#EXT-X-VERSION:3\n#EXTINF:9,\0\na\xff\n";
    let parsed = parse(bytes).unwrap();
    let place = |rule: Rule| {
        let found = parsed.diagnostics.iter().find(|found| found.rule == rule);
        found.map(|found| (found.line, found.column))
    };
    assert_eq!(place(Rule::LoneCarriageReturn), Some((2, 24)));
    assert_eq!(place(Rule::ControlCharacter), Some((3, 11)));
    assert_eq!(place(Rule::NotUtf8), Some((4, 2)));
    assert_eq!(Document::parse(bytes).unwrap().write(), bytes);
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

#[test]
fn checks_across_playlists_grow_with_the_input() {
    // Quadratic work on 10,000 of each would take a minute.
    let copy = |from: usize| {
        let mut text = format!(
            "#EXTM3U\n#EXT-X-VERSION:13\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:{from}\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n"
        );
        for number in from..from + 10_000 {
            writeln!(text, "#EXT-X-DATERANGE:ID=\"d{number}\",CLASS=\"c\",END-ON-NEXT=YES,START-DATE=\"2026-01-01T00:00:00Z\"").unwrap();
            writeln!(
                text,
                "#EXT-X-DISCONTINUITY\n#EXT-X-PART:URI=\"p\",DURATION=1\n#EXTINF:1,\ns{number}"
            )
            .unwrap();
        }
        text.push_str(&"#EXT-X-PART:URI=\"p\",DURATION=1\n".repeat(10_000));
        media(&text)
    };
    let (before, after) = (copy(0), copy(6_000));
    let rules = |found: &[Diagnostic]| found.iter().map(|found| found.rule).collect::<Vec<_>>();
    // The discontinuity sequence stands still, and 6,000 date ranges that overlap are gone.
    let found = rules(&after.check_update(&before));
    assert!(
        found.contains(&Rule::DiscontinuitySequenceChange)
            && found.contains(&Rule::DateRangeChange)
    );
    assert_eq!(rules(&before.check_update(&before)), []);
    let mut outer = String::from("#EXTM3U\n");
    for number in 0..10_000 {
        writeln!(outer, "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"g\",NAME=\"{number}\"\n#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"{number}\"").unwrap();
        writeln!(outer, "#EXT-X-STREAM-INF:BANDWIDTH=1,AUDIO=\"g\",CODECS=\"mp4a.{number}\",PATHWAY-ID=\"{number}\"\nv{number}").unwrap();
    }
    let at = context();
    let member = |playlist| PresentationMember {
        url: at.url(),
        context: &at,
        playlist,
    };
    let found = multivariant_playlist(&outer)
        .check_presentation(&at, &[member(&before), member(&after)])
        .unwrap();
    assert!(
        found
            .iter()
            .any(|found| found.diagnostic.rule == Rule::SameDateRanges)
    );
}

#[test]
fn a_million_attributes_and_definitions_are_read_within_limits() {
    let text = format!(
        "#EXTM3U\n#EXT-X-DATERANGE:ID=\"a\"{}\n",
        ",X-A=1".repeat(1_000_000)
    );
    let refused = parse(text.as_bytes()).unwrap_err();
    assert_eq!(
        (refused.kind(), refused.line()),
        (ErrorKind::LimitExceeded, Some(2))
    );
    let options = ParseOptions::default().max_attributes(2_000_000);
    let parsed = parse_with(text.as_bytes(), &options).unwrap();
    assert!(
        parsed
            .diagnostics
            .iter()
            .any(|found| found.rule == Rule::DuplicateAttribute)
    );
    let mut text = String::from("#EXTM3U\n");
    for number in 0..100_000 {
        writeln!(text, "#EXT-X-DEFINE:NAME=\"{number}\",VALUE=\"{{$a}}\"").unwrap();
    }
    let parsed = parse(text.as_bytes()).unwrap();
    assert!(parsed.suppressed_diagnostics > 90_000);
    let kept = parsed.playlist.as_media().unwrap();
    assert_eq!(
        kept.resolve(&context()).unwrap_err().kind(),
        ErrorKind::UndefinedVariable
    );
    // All of them count when they can.
    let mut text = String::from("#EXTM3U\n");
    for number in 0..1_000_000 {
        writeln!(text, "#EXT-X-DEFINE:NAME=\"{number}\",VALUE=\"x\"").unwrap();
    }
    text.push_str("#EXTINF:1,\n{$999999}{$0}\n");
    assert_eq!(
        media(&text).resolve(&context()).unwrap().segment_uri(0),
        "xx"
    );
}

#[test]
fn the_text_that_variables_make_has_a_limit_of_the_caller() {
    let text = "#EXTM3U\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"0123456789\"\n#EXTINF:1,\n{$a}{$a}{$a}\n";
    let limited = |bytes| media(text).resolve(&context().max_expanded_bytes(bytes));
    assert!(limited(100).is_ok());
    let refused = limited(25).unwrap_err();
    assert_eq!(
        (refused.kind(), refused.line()),
        (ErrorKind::LimitExceeded, Some(4))
    );
}

#[test]
fn variables_cannot_refer_to_themselves() {
    for define in [
        "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"{$a}\"",
        "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"{$b}\"\n#EXT-X-DEFINE:NAME=\"b\",VALUE=\"{$a}\"",
        "#EXT-X-DEFINE:IMPORT=\"a\"\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"x\"",
    ] {
        let error = resolved(&format!("#EXTM3U\n{define}\n#EXTINF:1,\n{{$a}}\n")).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UndefinedVariable, "{define}");
    }
    let outer = "#EXTM3U\n#EXT-X-DEFINE:IMPORT=\"a\"\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{$a}\n";
    let error = multivariant_playlist(outer)
        .resolve(&context())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::UndefinedVariable);
}

#[test]
fn metadata_and_updates_grow_with_the_input() {
    let mut text = String::from("#EXTM3U\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n");
    for number in 0..40_000 {
        writeln!(text, "#EXT-X-DATERANGE:ID=\"d{number}\",CLASS=\"c\",START-DATE=\"2026-01-01T00:00:00Z\",END-ON-NEXT=YES\n#EXT-X-DATERANGE:ID=\"one\",X-{number}=1").unwrap();
        writeln!(text, "#EXT-X-KEY:METHOD=AES-128,URI=\"k{number}\",IV=0x1\n#EXT-X-MAP:URI=\"m{number}\"\n#EXT-X-BITRATE:{number}\n#EXT-X-CUE-OUT\n#EXTINF:1,\n{number}").unwrap();
        writeln!(text, "#EXT-X-PART:DURATION=1,URI=\"p\"\n#EXT-X-RENDITION-REPORT:URI=\"r\"\n#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{number}\"").unwrap();
    }
    let before = media(&text).resolve(&context()).unwrap();
    let delta = "#EXTM3U\n#EXT-X-SKIP:SKIPPED-SEGMENTS=40000,RECENTLY-REMOVED-DATERANGES=\"\"\n#EXTINF:1,\nlast\n";
    let after = before.update(&media(delta), &context()).unwrap().timeline;
    assert_eq!(
        (after.segments().len(), after.keys().len()),
        (40_001, 40_000)
    );
    assert_eq!(
        (after.foreign_tags().count(), after.date_ranges().len()),
        (40_000, 40_000)
    );
}
