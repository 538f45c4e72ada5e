//! What depends on where a playlist came from.

use hls_parse::{Context, Rule, parse};

/// A rule, a URL and a body that break it, a URL and a body that do not.
type Case = (
    Rule,
    (&'static str, &'static str),
    (&'static str, &'static str),
);

const PLAIN: &str = "https://h/a.m3u8";

pub(super) const CASES: &[Case] = &[
    (
        Rule::FileType,
        ("https://h/a?b=.m3u8", ""),
        ("https://h/a.M3U", ""),
    ),
    (
        Rule::ImportedVariable,
        (PLAIN, "#EXT-X-DEFINE:IMPORT=\"a\""),
        (PLAIN, "#EXT-X-DEFINE:NAME=\"a\",VALUE=\"b\""),
    ),
    (
        Rule::QueryParameter,
        (PLAIN, "#EXT-X-DEFINE:QUERYPARAM=\"a\""),
        ("https://h/a.m3u8?a=1", "#EXT-X-DEFINE:QUERYPARAM=\"a\""),
    ),
    (
        Rule::QueryParameter,
        ("https://h/a.m3u8?a=", "#EXT-X-DEFINE:QUERYPARAM=\"a\""),
        ("https://h/a.m3u8?%61=+", "#EXT-X-DEFINE:QUERYPARAM=\"a\""),
    ),
    (
        Rule::QueryParameterValue,
        ("https://h/a.m3u8?a=%22", "#EXT-X-DEFINE:QUERYPARAM=\"a\""),
        ("https://h/a.m3u8?a=%27", "#EXT-X-DEFINE:QUERYPARAM=\"a\""),
    ),
    (
        Rule::RemovedDateRanges,
        (
            "https://h/a.m3u8?_HLS_skip=v2",
            "#EXT-X-SKIP:SKIPPED-SEGMENTS=1",
        ),
        (
            "https://h/a.m3u8?_HLS_skip=YES",
            "#EXT-X-SKIP:SKIPPED-SEGMENTS=1",
        ),
    ),
    (
        Rule::RemovedDateRanges,
        (
            "https://h/a.m3u8?_HLS_skip=v2",
            "#EXT-X-SKIP:SKIPPED-SEGMENTS=1",
        ),
        (
            "https://h/a.m3u8?_HLS_skip=v2",
            "#EXT-X-SKIP:SKIPPED-SEGMENTS=1,RECENTLY-REMOVED-DATERANGES=\"\"",
        ),
    ),
];

fn found(url: &str, body: &str, content_type: Option<&str>) -> Vec<Rule> {
    let text = format!("#EXTM3U\n#EXT-X-VERSION:13\n#EXT-X-TARGETDURATION:6\n{body}\n");
    let parsed = parse(text.as_bytes()).unwrap();
    let context = Context::new(url.parse().unwrap());
    let found = parsed.playlist.check_delivery(&context, content_type);
    assert!(found.iter().all(|found| found.span.end <= text.len()));
    found.iter().map(|found| found.rule).collect()
}

#[test]
fn each_rule_is_reported_where_it_is_broken_and_only_there() {
    for (rule, bad, good) in CASES {
        assert_eq!(found(bad.0, bad.1, None), [*rule], "{bad:?}");
        assert_eq!(found(good.0, good.1, None), [], "{good:?}");
    }
}

#[test]
fn a_content_type_stands_for_an_extension() {
    let with = |content_type| found("https://h/a", "", Some(content_type));
    assert_eq!(with("Application/VND.Apple.mpegURL; charset=utf-8"), []);
    assert_eq!(with("audio/mpegurl"), []);
    assert_eq!(with("text/html"), [Rule::FileType]);
}

#[test]
fn imports_come_from_the_multivariant_playlist() {
    let outer =
        parse(b"#EXTM3U\n#EXT-X-DEFINE:NAME=\"a\",VALUE=\"{$a}\"\n#EXT-X-DEFINE:IMPORT=\"a\"\n")
            .unwrap();
    let url = || Context::new(PLAIN.parse().unwrap());
    // Neither a variable nor an import can refer to itself.
    let rules: Vec<Rule> = outer
        .playlist
        .check_delivery(&url(), None)
        .iter()
        .map(|found| found.rule)
        .collect();
    assert_eq!(rules, [Rule::ImportedVariable]);
}
