//! Checks keys, and maps under keys (sections 4.4.4.4 and 4.4.4.5).

use crate::attributes::{Attribute, AttributeList};
use crate::diagnostic::{Diagnostics, Fix};
use crate::playlist::TagEntry;
use crate::rule::Rule;
use crate::value;

/// Checks `EXT-X-KEY` and what it means for `EXT-X-MAP`.
#[derive(Debug, Default)]
pub(crate) struct KeyCheck<'t> {
    /// The formats of the AES-128 keys without IV that are in force.
    without_iv: Vec<&'t str>,
}

impl<'t> KeyCheck<'t> {
    pub(crate) fn key(
        &mut self,
        tag: &TagEntry,
        list: &AttributeList<'t>,
        diagnostics: &mut Diagnostics,
    ) {
        check_key(tag, list, diagnostics);
        let method = list.text("METHOD");
        if method == Some("NONE") {
            self.without_iv.clear();
            return;
        }
        let format = list.text("KEYFORMAT").unwrap_or("identity");
        self.without_iv.retain(|other| *other != format);
        // More formats than anything can make use of would make every key cost as much as all before it.
        if method == Some("AES-128") && !list.has("IV") && self.without_iv.len() < 64 {
            self.without_iv.push(format);
        }
    }

    pub(crate) fn map(
        &mut self,
        tag: &TagEntry,
        list: &AttributeList<'_>,
        diagnostics: &mut Diagnostics,
    ) {
        let range = list
            .get("BYTERANGE")
            .filter(|range| !range.value.contains("{$"));
        if let Some(range) = range {
            match value::byte_range(range.value.as_bytes()) {
                Some((_, None)) => diagnostics.report_with(
                    Rule::MapByteRangeOffset,
                    tag.place(),
                    tag.value.range(),
                    "the byte range has no offset, which counts as 0",
                    || replace_value(tag, range, &format!("{}@0", range.value)),
                ),
                Some(_) => {}
                None => diagnostics.report(
                    Rule::AttributeForm,
                    tag.place(),
                    tag.value.range(),
                    "the byte range is not LENGTH@OFFSET",
                ),
            }
        }
        if !self.without_iv.is_empty() {
            diagnostics.report(
                Rule::MapKeyIv,
                tag.place(),
                tag.value.range(),
                "an AES-128 key in force has no IV, without which the map cannot be decrypted",
            );
        }
    }
}

/// The rules that `EXT-X-KEY` and `EXT-X-SESSION-KEY` share (section 4.4.4.4).
pub(crate) fn check_key(tag: &TagEntry, list: &AttributeList<'_>, diagnostics: &mut Diagnostics) {
    let mut report = |rule: Rule, message: &str, fix: Option<Fix>| {
        diagnostics.report_with(rule, tag.place(), tag.value.range(), message, || fix);
    };
    let method = list.text("METHOD");
    if method == Some("NONE") {
        if list.iter().any(|attribute| attribute.name != "METHOD") {
            report(
                Rule::KeyNoneAlone,
                "METHOD=NONE has other attributes beside it, they are ignored",
                Some(Fix::new(tag.value.range(), "METHOD=NONE")),
            );
        }
        return;
    }
    if !list.has("URI") {
        report(Rule::KeyUri, "URI is missing", None);
    }
    if let Some(iv) = list.get("IV").filter(|iv| !iv.value.contains("{$")) {
        if matches!(method, Some("SAMPLE-AES-CTR" | "AES-256-GCM")) {
            report(
                Rule::KeyIvForbidden,
                "the method has no IV",
                remove_attribute(tag, list, "IV"),
            );
        }
        match value::hexadecimal_128(iv.value) {
            Some((bytes, true)) => {
                let padded = format!("0x{:032X}", u128::from_be_bytes(bytes));
                report(
                    Rule::KeyIvLength,
                    "the IV is shorter than 128 bits and is filled with zeros on the left",
                    replace_value(tag, iv, &padded),
                );
            }
            Some(_) => {}
            None => report(
                Rule::KeyIvLength,
                "the IV is not 128 bits in hexadecimal and cannot be used",
                None,
            ),
        }
    }
    if let Some(versions) = list
        .text("KEYFORMATVERSIONS")
        .filter(|versions| !versions.contains("{$"))
    {
        let legal =
            |part: &str| value::decimal_integer(part.as_bytes()).is_some_and(|number| number > 0);
        if !versions.split('/').all(legal) {
            report(
                Rule::KeyFormatVersions,
                "KEYFORMATVERSIONS is not integers with / between",
                None,
            );
        }
    }
}

/// Puts another value in the place of that of an attribute, quoted as it was.
pub(crate) fn replace_value(tag: &TagEntry, attribute: &Attribute<'_>, value: &str) -> Option<Fix> {
    let offset = tag.value.start as usize;
    let end = offset + attribute.span.end - usize::from(attribute.quoted);
    let start = end.checked_sub(attribute.value.len())?;
    attribute
        .defect
        .is_none()
        .then(|| Fix::new(start..end, value))
}

/// Takes an attribute and one of the commas beside it out of its list.
pub(crate) fn remove_attribute(
    tag: &TagEntry,
    list: &AttributeList<'_>,
    name: &str,
) -> Option<Fix> {
    let index = list.iter().position(|attribute| attribute.name == name)?;
    let attribute = list.iter().nth(index)?;
    let before = index
        .checked_sub(1)
        .and_then(|before| list.iter().nth(before));
    let span = match (before, list.iter().nth(index + 1)) {
        (Some(before), _) => before.span.end..attribute.span.end,
        (None, Some(after)) => attribute.span.start..after.span.start,
        (None, None) => attribute.span.clone(),
    };
    let offset = tag.value.start as usize;
    Some(Fix::new(offset + span.start..offset + span.end, ""))
}
