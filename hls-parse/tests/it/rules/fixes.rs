//! A fix puts right what it belongs to.

use hls_parse::{Diagnostic, parse};

use super::all;

fn diagnostics(text: &str) -> Vec<Diagnostic> {
    parse(text.as_bytes()).unwrap().diagnostics
}

#[test]
fn a_fix_leaves_fewer_breaches_of_its_rule() {
    let mut fixed = std::collections::BTreeSet::new();
    for (_, start, body, _) in all() {
        let text = format!("{}{body}\n", start.text());
        let found = diagnostics(&text);
        for diagnostic in &found {
            let Some(fix) = &diagnostic.fix else { continue };
            let mut repaired = text.clone();
            repaired.replace_range(fix.span.clone(), &fix.replacement);
            let count = |found: &[Diagnostic]| {
                found
                    .iter()
                    .filter(|other| other.rule == diagnostic.rule)
                    .count()
            };
            let left = diagnostics(&repaired);
            assert!(
                count(&left) < count(&found),
                "{diagnostic} in {text:?} is still in {repaired:?}"
            );
            fixed.insert(diagnostic.rule);
        }
    }
    assert!(fixed.len() >= 25, "only {fixed:?} have a fix");
}

#[test]
fn fixes_one_after_the_other_leave_nothing() {
    let mut text = String::from(
        "\u{feff}#EXTM3U \r\n#EXT-X-TARGETDURATION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-KEY:METHOD=AES-128,URI=k,IV=0xab\n #EXTINF:5.5\na.ts\n#EXT-X-ENDLIST\n",
    );
    for _ in 0..20 {
        let found = diagnostics(&text);
        let Some(fix) = found.iter().find_map(|found| found.fix.as_ref()) else {
            break;
        };
        text.replace_range(fix.span.clone(), &fix.replacement);
    }
    assert_eq!(
        text,
        "#EXTM3U\r\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:6\n#EXT-X-INDEPENDENT-SEGMENTS\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\",IV=0x000000000000000000000000000000AB\n#EXTINF:5.5,\na.ts\n#EXT-X-ENDLIST\n"
    );
    assert_eq!(diagnostics(&text), []);
}
