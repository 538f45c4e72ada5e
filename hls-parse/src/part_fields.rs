//! The attributes of `EXT-X-PART` (section 4.4.4.9), of which low-latency playlists consist for the most part.

use crate::attributes::{Attribute, AttributeList, attributes};
use crate::value;

/// What the attributes of a part say.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PartFields<'t> {
    pub(crate) uri: Option<&'t str>,
    pub(crate) nanoseconds: Option<u64>,
    /// `BYTERANGE` as written.
    pub(crate) range: Option<&'t str>,
    pub(crate) independent: bool,
    pub(crate) gap: bool,
    /// Whether something unknown is required, so that the tag is to be ignored (section 6.3.1).
    pub(crate) is_ignored: bool,
}

impl<'t> PartFields<'t> {
    /// How many attributes the specification defines.
    pub(crate) const KNOWN: usize = 5;

    /// Reads what is written just as the specification says, each attribute at most once, so that there is nothing to report; `None` for all else.
    pub(crate) fn exact(list: &'t str) -> Option<Self> {
        let mut fields = Self::default();
        let mut rest = list;
        loop {
            if let Some(after) = rest.strip_prefix("DURATION=") {
                let length = after.bytes().position(|byte| byte == b',');
                let (number, after) = after.split_at_checked(length.unwrap_or(after.len()))?;
                let nanoseconds = value::decimal_billionths(number.as_bytes())?;
                rest = after;
                once(fields.nanoseconds.replace(nanoseconds).is_none())?;
            } else if let Some(after) = rest.strip_prefix("URI=\"") {
                let (uri, after) = quoted(after)?;
                rest = after;
                once(fields.uri.replace(uri).is_none())?;
            } else if let Some(after) = rest.strip_prefix("INDEPENDENT=YES") {
                rest = after;
                once(!std::mem::replace(&mut fields.independent, true))?;
            } else if let Some(after) = rest.strip_prefix("BYTERANGE=\"") {
                let (range, after) = quoted(after)?;
                rest = after;
                once(fields.range.replace(range).is_none())?;
            } else {
                rest = rest.strip_prefix("GAP=YES")?;
                once(!std::mem::replace(&mut fields.gap, true))?;
            }
            if rest.is_empty() {
                let is_complete = fields.uri.is_some() && fields.nanoseconds.is_some();
                return is_complete.then_some(fields);
            }
            rest = rest.strip_prefix(',')?;
        }
    }

    /// Reads any list.
    pub(crate) fn read(list: &'t str) -> Self {
        Self::exact(list).unwrap_or_else(|| Self::forgiving(list))
    }

    fn forgiving(list: &'t str) -> Self {
        let mut fields = Self::default();
        for Attribute { name, value, .. } in attributes(list) {
            match name {
                "URI" if fields.uri.is_none() && !value.is_empty() => fields.uri = Some(value),
                "DURATION" if fields.nanoseconds.is_none() => {
                    fields.nanoseconds = value::decimal_billionths(value.as_bytes());
                }
                "BYTERANGE" if fields.range.is_none() => fields.range = Some(value),
                "INDEPENDENT" => fields.independent = value == "YES",
                "GAP" => fields.gap = value == "YES",
                name if name.starts_with("REQ-") => fields.is_ignored = true,
                _ => {}
            }
        }
        fields
    }

    /// The fields of a list whose attributes are all there is to look at: the first of a name counts, an empty value is none.
    pub(crate) fn of_list(list: &AttributeList<'t>) -> Self {
        Self {
            uri: list.text("URI"),
            nanoseconds: list.billionths("DURATION"),
            range: list.text("BYTERANGE"),
            independent: list.is_yes("INDEPENDENT"),
            gap: list.is_yes("GAP"),
            is_ignored: false,
        }
    }
}

/// Gives up on what is there twice.
fn once(is_first: bool) -> Option<()> {
    is_first.then_some(())
}

/// What is up to the closing quote, not empty, and what follows it.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let close = memchr::memchr(b'"', text.as_bytes())?;
    let (value, rest) = text.split_at_checked(close)?;
    (close > 0).then_some((value, rest.get(1..)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::rule::Rule;

    fn list() -> impl Strategy<Value = String> {
        let attribute = prop_oneof![
            4 => "DURATION=[0-9]{1,2}\\.[0-9]{1,12}",
            4 => "URI=\"[a-z,=é]{1,9}\"",
            2 => "BYTERANGE=\"[0-9]{1,3}(@[0-9]{1,3})?\"",
            2 => "(INDEPENDENT|GAP)=YES",
            1 => "(URI|DURATION|GAP|BYTERANGE|INDEPENDENT|REQ-X| |X-A)=?\"?[ A-Z0-9]{0,3}\"?",
        ];
        proptest::collection::vec(attribute, 0..6).prop_map(|list| list.join(","))
    }

    proptest! {
        #[test]
        fn what_is_exact_reads_as_any_list_and_has_nothing_to_report(list in list()) {
            if let Some(exact) = PartFields::exact(&list) {
                prop_assert_eq!(exact, PartFields::forgiving(&list));
                prop_assert_eq!(exact, PartFields::of_list(&AttributeList::new(&list)));
                // A comment at the end keeps the list from being exact only where that is asked for the whole playlist.
                let text = format!("#EXTM3U\n#EXT-X-PART:{list}\n");
                let strict = crate::parse_with(text.as_bytes(), &crate::ParseOptions::default().max_attributes(PartFields::KNOWN - 1));
                let usual = crate::parse(text.as_bytes());
                if let (Ok(strict), Ok(usual)) = (strict, usual) {
                    prop_assert_eq!(&strict.diagnostics, &usual.diagnostics);
                    prop_assert!(usual.diagnostics.iter().all(|found| found.rule != Rule::PartAttributes));
                }
            }
        }
    }

    #[test]
    fn usual_parts_are_exact() {
        let exact = PartFields::exact("DURATION=0.33334,URI=\"part.mp4\",INDEPENDENT=YES");
        assert_eq!(
            exact.and_then(|fields| fields.nanoseconds),
            Some(333_340_000)
        );
        for odd in [
            "",
            "URI=\"a\"",
            "URI=\"a\",DURATION=1,",
            "URI=\"\",DURATION=1",
            "URI=\"a\",DURATION=1,DURATION=1",
        ] {
            assert_eq!(PartFields::exact(odd), None, "{odd}");
        }
    }
}
