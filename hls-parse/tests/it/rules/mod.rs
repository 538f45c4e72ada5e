//! Every rule is reported by something that breaks it, and not by something close that keeps it.

mod dates;
mod delivery;
mod fixes;
mod low_latency;
mod multivariant;
mod presentation;
mod segments;
mod syntax;
mod update;
mod version;

use std::collections::BTreeMap;

use hls_parse::{Context, Diagnostic, Rule, parse};

/// What a case is put after.
#[derive(Debug, Clone, Copy)]
enum Start {
    Header,
    Media,
    Multivariant,
}

use Start::{Header, Media, Multivariant};

use crate::media;

impl Start {
    fn text(self) -> &'static str {
        match self {
            Header => "#EXTM3U\n",
            Media => "#EXTM3U\n#EXT-X-VERSION:13\n#EXT-X-TARGETDURATION:6\n",
            Multivariant => "#EXTM3U\n#EXT-X-VERSION:13\n#EXT-X-STREAM-INF:BANDWIDTH=1\nv\n",
        }
    }
}

/// A rule, what both texts are put after, a text that breaks it, and one that does not.
type Case = (Rule, Start, &'static str, &'static str);

fn all() -> impl Iterator<Item = &'static Case> {
    [
        syntax::CASES,
        version::CASES,
        segments::CASES,
        low_latency::CASES,
        dates::CASES,
        multivariant::CASES,
    ]
    .into_iter()
    .flatten()
}

fn reported(text: &str, rule: Rule) -> bool {
    let parsed = parse(text.as_bytes()).unwrap();
    parsed
        .diagnostics
        .iter()
        .any(|diagnostic| diagnostic.rule == rule)
}

#[test]
fn each_rule_is_reported_where_it_is_broken_and_only_there() {
    for (rule, start, bad, good) in all() {
        let text = |body: &str| format!("{}{body}\n", start.text());
        assert!(reported(&text(bad), *rule), "{rule:?} not in {bad:?}");
        assert!(!reported(&text(good), *rule), "{rule:?} in {good:?}");
    }
}

#[test]
fn every_rule_has_a_case() {
    let elsewhere = |rule: &Rule| {
        let first_line = [Rule::HeaderLine, Rule::NotUtf8, Rule::NotNormalized];
        first_line.contains(rule)
            || delivery::CASES.iter().any(|case| case.0 == *rule)
            || presentation::CASES.iter().any(|case| case.0 == *rule)
            || update::CASES.iter().any(|case| case.0 == *rule)
    };
    let missing: Vec<Rule> = Rule::ALL
        .iter()
        .copied()
        .filter(|rule| !elsewhere(rule) && all().all(|case| case.0 != *rule))
        .collect();
    assert_eq!(missing, []);
}

#[test]
fn the_first_line_and_the_encoding() {
    let body = "#EXTINF:1,\u{e9}\na\n";
    for (start, rule) in [
        (" #EXTM3U\n", Rule::HeaderLine),
        ("#EXTM3U \n", Rule::HeaderLine),
        ("\n#EXTM3U\n", Rule::HeaderLine),
        ("\u{feff}#EXTM3U\n", Rule::NotUtf8),
        ("#EXTM3U\n# e\u{301}\n", Rule::NotNormalized),
    ] {
        assert!(reported(&format!("{start}{body}"), rule), "{start:?}");
        assert!(!reported(&format!("#EXTM3U\n# \u{e9}\n{body}"), rule));
    }
    let parsed = parse(b"#EXTM3U\n#EXTINF:1,\xe9\na\n").unwrap();
    let encoding = |other: &&Diagnostic| other.rule == Rule::NotUtf8;
    let found = parsed.diagnostics.iter().find(encoding);
    assert_eq!(found.map(|found| (found.line, found.column)), Some((2, 11)));
}

#[test]
fn errors_of_resolution_name_their_rules() {
    for (body, rule) in [
        ("#EXTINF:1,\n{$a}", Rule::UndefinedVariable),
        ("#EXT-X-DEFINE:IMPORT=\"a\"", Rule::ImportedVariable),
        ("#EXT-X-DEFINE:QUERYPARAM=\"a\"", Rule::QueryParameter),
        ("#EXT-X-DEFINE:QUERYPARAM=\"empty\"", Rule::QueryParameter),
        (
            "#EXT-X-DEFINE:QUERYPARAM=\"quote\"",
            Rule::QueryParameterValue,
        ),
        ("#EXTINF:1,\n#EXT-X-BYTERANGE:1\na", Rule::ImplicitByteRange),
    ] {
        let url = "https://example.com/index.m3u8?empty=&quote=%22";
        let error = media(&format!("{}{body}\n", Media.text()))
            .resolve(&Context::new(url.parse().unwrap()))
            .unwrap_err();
        assert_eq!(error.rule(), Some(rule), "{error}");
    }
}

#[test]
fn numbers_are_those_of_the_enumeration_and_in_order() {
    let by_number: BTreeMap<u16, Rule> = Rule::ALL
        .iter()
        .map(|rule| (rule.number(), *rule))
        .collect();
    assert_eq!(by_number.len(), Rule::ALL.len());
    assert!(Rule::ALL.is_sorted());
    assert_eq!(Rule::SegmentDuration.to_string(), "HLS044");
}
