//! Language tags: RFC 4647 lookup.

/// How far a tag is from a range: 0 when it is the range, odd when it says more than the range, and two more for each step to a shorter range.
/// `None` when they have nothing in common.
pub(super) fn distance(range: &str, tag: &str) -> Option<usize> {
    let mut range = range.trim_matches('-');
    let mut steps = 0;
    loop {
        if range == "*" {
            return Some(steps + 1);
        }
        if language_covers(range, tag) {
            return Some(steps + usize::from(range.len() != tag.len()));
        }
        range = shorter(range)?;
        steps += 2;
    }
}

/// The range without its last subtag, and without a single character that would then be the last (RFC 4647, section 3.4).
fn shorter(range: &str) -> Option<&str> {
    let (mut rest, _) = range.rsplit_once('-')?;
    if let Some((before, last)) = rest.rsplit_once('-')
        && last.len() == 1
    {
        rest = before;
    }
    Some(rest)
}

/// Whether a language tag is a range or says more than it: `en` covers `en` and `en-GB`, but not `eng` (RFC 4647, section 3.3.1, without `*`).
///
/// ```
/// assert!(hls_parse::language_covers("en", "EN-GB"));
/// assert!(!hls_parse::language_covers("en-GB", "en"));
/// ```
pub fn language_covers(range: &str, tag: &str) -> bool {
    let start = tag.get(..range.len());
    !range.is_empty()
        && start.is_some_and(|start| start.eq_ignore_ascii_case(range))
        && matches!(tag.as_bytes().get(range.len()), None | Some(b'-'))
}

#[cfg(test)]
mod tests {
    use super::distance;

    #[test]
    fn ranges_get_shorter_until_they_cover() {
        for (range, tag, expected) in [
            ("en", "EN", Some(0)),
            ("en", "en-GB", Some(1)),
            ("en-GB", "en", Some(2)),
            ("en-GB", "en-US", Some(3)),
            ("zh-Hant-CN-x-private1", "zh-Hant-CN", Some(2)),
            ("zh-Hant-CN-x-private1", "zh-Hant", Some(4)),
            ("*", "fr", Some(1)),
            ("en", "eng", None),
            ("e", "en", None),
            ("", "en", None),
        ] {
            assert_eq!(distance(range, tag), expected, "{range} {tag}");
        }
    }
}
