//! Checks every attribute list against the table of [`schema`](super::schema).

use std::collections::HashSet;

use crate::attributes::{Attribute, AttributeDefect, AttributeList, attributes};
use crate::check::schema::{AttributeRule, Form, attributes_of};
use crate::diagnostic::Diagnostics;
use crate::error::{Error, ErrorKind, excerpt};
use crate::options::ParseOptions;
use crate::playlist::TagEntry;
use crate::rule::Rule;
use crate::value;

/// Checks the attribute list of a tag and hands it back, or `None` for a tag that has no such list.
///
/// # Errors
/// [`ErrorKind::LimitExceeded`] when there are too many attributes.
pub(crate) fn check<'t>(
    tag: &TagEntry,
    text: &'t str,
    options: &ParseOptions,
    diagnostics: &mut Diagnostics,
) -> Result<Option<AttributeList<'t>>, Error> {
    let Some(rules) = attributes_of(tag.name) else {
        return Ok(None);
    };
    let list_text = tag.value.of(text);
    if attributes(list_text).nth(options.max_attributes).is_some() {
        return Err(Error::at(
            ErrorKind::LimitExceeded,
            tag.line,
            format!("more than {} attributes in one tag", options.max_attributes),
        ));
    }
    let list = AttributeList::new(list_text);
    let offset = tag.value.start as usize;
    for attribute in list.iter() {
        let mut report = |rule: Rule, message: &str| {
            let span = offset + attribute.span.start..offset + attribute.span.end;
            diagnostics.report(
                rule,
                tag.place(),
                span,
                format_args!("{}: {message}", excerpt(attribute.name)),
            );
        };
        check_writing(attribute, &mut report);
        if let Some(rule) = rules.iter().find(|rule| rule.name == attribute.name) {
            check_form(rule, attribute, &mut report);
        }
    }
    if let Some(name) = repeated_name(&list) {
        let message = format_args!(
            "the attribute {} is repeated, the first one counts",
            excerpt(name)
        );
        diagnostics.report(
            Rule::DuplicateAttribute,
            tag.place(),
            tag.value.range(),
            message,
        );
    }
    for rule in rules {
        if let Some(required) = rule.required.filter(|_| list.text(rule.name).is_none()) {
            let message = format_args!("{} is missing", rule.name);
            diagnostics.report(required, tag.place(), tag.value.range(), message);
        }
    }
    Ok(Some(list))
}

fn repeated_name<'t>(list: &AttributeList<'t>) -> Option<&'t str> {
    const FEW: usize = 24;
    let items = list.iter();
    if items.len() <= FEW {
        return items
            .clone()
            .enumerate()
            .find(|(index, item)| {
                items
                    .clone()
                    .take(*index)
                    .any(|earlier| earlier.name == item.name)
            })
            .map(|(_, item)| item.name);
    }
    let mut seen = HashSet::new();
    list.iter()
        .find(|item| !seen.insert(item.name))
        .map(|item| item.name)
}

fn check_writing(attribute: &Attribute<'_>, report: &mut impl FnMut(Rule, &str)) {
    match attribute.defect {
        Some(AttributeDefect::NoValue) => report(Rule::AttributeListSyntax, "there is no value"),
        Some(AttributeDefect::Unclosed) => {
            report(Rule::QuotedString, "the closing quote is missing");
        }
        Some(AttributeDefect::TextAfterQuote) => {
            report(
                Rule::AttributeListSyntax,
                "text after the closing quote is left out",
            );
        }
        Some(AttributeDefect::WhiteSpace) => report(
            Rule::StrayWhiteSpace,
            "there is white space around the name or the value",
        ),
        None => {}
    }
    let legal = |byte: u8| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'-');
    if !attribute.name.bytes().all(legal) || attribute.name.is_empty() {
        report(
            Rule::AttributeName,
            "the name has other characters than A-Z, 0-9 and -",
        );
    }
}

fn check_form(
    rule: &AttributeRule,
    attribute: &Attribute<'_>,
    report: &mut impl FnMut(Rule, &str),
) {
    let bytes = attribute.value.as_bytes();
    let wants_quotes = match rule.form {
        Form::Quoted | Form::QuotedOrEmpty => true,
        Form::QuotedOrNone => attribute.value != "NONE",
        _ => false,
    };
    if wants_quotes != attribute.quoted {
        report(
            Rule::AttributeForm,
            if wants_quotes {
                "the value is not quoted and is taken as if it were"
            } else {
                "the value is quoted and is taken as if it were not"
            },
        );
    }
    match rule.form {
        Form::Quoted | Form::QuotedOrNone if bytes.is_empty() => {
            report(
                Rule::QuotedString,
                "the value is empty and counts as missing",
            );
        }
        Form::Integer if value::decimal_integer(bytes).is_none() => {
            report(
                Rule::DecimalInteger,
                "the value is not an integer below 2^64 and counts as missing",
            );
        }
        Form::Float if value::decimal_billionths(bytes).is_none() => {
            report(
                Rule::DecimalFloatingPoint,
                "the value is not an unsigned decimal number and counts as missing",
            );
        }
        Form::SignedFloat => {
            let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
            if value::decimal_billionths(digits).is_none() {
                report(
                    Rule::DecimalFloatingPoint,
                    "the value is not a decimal number",
                );
            }
        }
        Form::Resolution if value::resolution(bytes).is_none() || bytes.contains(&b'X') => {
            report(Rule::DecimalResolution, "the value is not WIDTHxHEIGHT");
        }
        Form::YesNo if !matches!(attribute.value, "YES" | "NO") => {
            report(
                Rule::AttributeForm,
                "the value is neither YES nor NO and counts as NO",
            );
        }
        Form::Word if bytes.is_empty() => report(Rule::AttributeForm, "the value is empty"),
        Form::Hexadecimal if !attribute.value.contains("{$") && !is_hexadecimal(bytes) => {
            report(
                Rule::HexadecimalSequence,
                "the value is not 0x followed by 0-9 and A-F",
            );
        }
        _ => {}
    }
}

/// Lower-case digits are everywhere and change nothing, so they pass.
fn is_hexadecimal(bytes: &[u8]) -> bool {
    match bytes {
        [b'0', b'x' | b'X', digits @ ..] => {
            !digits.is_empty() && digits.iter().all(u8::is_ascii_hexdigit)
        }
        _ => false,
    }
}
