//! Checks every attribute list against the table of [`schema`](super::schema).

use std::collections::HashSet;
use std::ops::Range;

use crate::attributes::{Attribute, AttributeDefect, AttributeList, Item};
use crate::check::schema::{AttributeRule, Form, attributes_of};
use crate::diagnostic::{Diagnostics, Fix};
use crate::error::{Error, ErrorKind, excerpt};
use crate::options::ParseOptions;
use crate::playlist::TagEntry;
use crate::rule::Rule;
use crate::value;

/// Reads the attribute list of a tag into `list` and checks it; `false` for a tag that has no such list.
///
/// # Errors
/// [`ErrorKind::LimitExceeded`] when there are too many attributes.
pub(crate) fn check<'t>(
    tag: &TagEntry,
    text: &'t str,
    options: &ParseOptions,
    list: &mut AttributeList<'t>,
    diagnostics: &mut Diagnostics,
) -> Result<bool, Error> {
    let Some(rules) = attributes_of(tag.name) else {
        return Ok(false);
    };
    let list_text = tag.value.of(text);
    let offset = tag.value.start as usize;
    list.read(list_text, options.max_attributes).map_err(|at| {
        let message = format!("more than {} attributes in one tag", options.max_attributes);
        Error::at(ErrorKind::LimitExceeded, tag.line, message)
            .with_column(tag.place().column(offset + at))
    })?;
    let (mut unknown, mut covered) = (0usize, 0usize);
    for Item { attribute, known } in list.items() {
        covered += attribute.span.len();
        let rule = known.and_then(|known| rules.of(known));
        unknown += usize::from(rule.is_none());
        if rule.is_some_and(|rule| is_as_it_should_be(rule.form, attribute)) {
            continue;
        }
        let span = offset + attribute.span.start..offset + attribute.span.end;
        let mut report = |rule: Rule, message: &str, value: Option<String>| {
            diagnostics.report_with(
                rule,
                tag.place(),
                span.clone(),
                format_args!("{}: {message}", excerpt(attribute.name)),
                || {
                    Some(Fix::new(
                        span.clone(),
                        format!("{}={}", attribute.name, value?),
                    ))
                },
            );
        };
        check_writing(attribute, &mut report);
        if let Some(rule) = rule {
            check_form(rule, attribute, &mut report);
        } else {
            check_name(attribute, &mut report);
        }
    }
    let commas = list.items().len().saturating_sub(1);
    if covered + commas != list_text.len()
        && let Some(gap) = empty_attribute(list, list_text)
    {
        let span = offset + gap.start..offset + gap.end;
        // Between two attributes one comma stays.
        let comma = if gap.start == 0 || gap.end == list_text.len() {
            ""
        } else {
            ","
        };
        diagnostics.report_with(
            Rule::AttributeListSyntax,
            tag.place(),
            span.clone(),
            "there is a comma with no attribute beside it",
            || Some(Fix::new(span, comma)),
        );
    }
    if (list.may_repeat() || unknown > 1)
        && let Some(name) = repeated_name(list)
    {
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
    for rule in rules.up_to_last_required() {
        let is_there = || {
            list.get_known(rule.known)
                .is_some_and(|found| !found.value.is_empty())
        };
        if let Some(required) = rule.required.filter(|_| !is_there()) {
            let stands_in = if required == Rule::SkippedSegments && list.has("NUM") {
                ", NUM counts, as it was called before"
            } else {
                ""
            };
            let message = format_args!("{} is missing{stands_in}", rule.name);
            diagnostics.report(required, tag.place(), tag.value.range(), message);
        }
    }
    Ok(true)
}

/// The first place where there is more than one comma between attributes, or one at an end.
fn empty_attribute(list: &AttributeList<'_>, text: &str) -> Option<Range<usize>> {
    let mut end = 0;
    for (index, attribute) in list.iter().enumerate() {
        if attribute.span.start > end + usize::from(index > 0) {
            return Some(end..attribute.span.start);
        }
        end = attribute.span.end;
    }
    (end < text.len()).then_some(end..text.len())
}

/// The first name that was there before.
fn repeated_name<'t>(list: &AttributeList<'t>) -> Option<&'t str> {
    const FEW: usize = 24;
    if list.items().len() <= FEW {
        return list
            .iter()
            .enumerate()
            .find(|(index, item)| {
                list.iter()
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

/// What to report: the rule, the message, and the value as it should be written.
type Report<'r> = dyn FnMut(Rule, &str, Option<String>) + 'r;

fn check_writing(attribute: &Attribute<'_>, report: &mut Report<'_>) {
    match attribute.defect {
        Some(AttributeDefect::NoValue) => {
            report(Rule::AttributeListSyntax, "there is no value", None);
        }
        Some(AttributeDefect::Unclosed) => {
            report(Rule::QuotedString, "the closing quote is missing", None);
        }
        Some(AttributeDefect::TextAfterQuote) => report(
            Rule::AttributeListSyntax,
            "text after the closing quote is left out",
            None,
        ),
        Some(AttributeDefect::WhiteSpace) => report(
            Rule::StrayWhiteSpace,
            "there is white space around the name or the value",
            Some(written(attribute.value, attribute.quoted)),
        ),
        None => {}
    }
}

fn check_name(attribute: &Attribute<'_>, report: &mut Report<'_>) {
    let legal = |byte: u8| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'-');
    if !attribute.name.bytes().all(legal) || attribute.name.is_empty() {
        report(
            Rule::AttributeName,
            "the name has other characters than A-Z, 0-9 and -",
            None,
        );
    }
}

fn written(value: &str, quoted: bool) -> String {
    if quoted {
        format!("\"{value}\"")
    } else {
        value.to_owned()
    }
}

/// Whether there surely is nothing to report, as with nearly all attributes.
#[inline]
fn is_as_it_should_be(form: Form, attribute: &Attribute<'_>) -> bool {
    let value = attribute.value;
    attribute.defect.is_none()
        && match form {
            Form::Quoted => attribute.quoted && !value.is_empty(),
            Form::QuotedOrEmpty => attribute.quoted,
            _ if attribute.quoted => false,
            Form::Integer => value::decimal_integer(value.as_bytes()).is_some(),
            Form::Float => value::decimal_billionths(value.as_bytes()).is_some(),
            Form::YesNo => matches!(value, "YES" | "NO"),
            Form::Yes => value == "YES",
            Form::Word(values) => values.contains(&value),
            Form::Resolution => {
                value::resolution(value.as_bytes()).is_some() && !value.as_bytes().contains(&b'X')
            }
            _ => false,
        }
}

fn check_form(rule: &AttributeRule, attribute: &Attribute<'_>, report: &mut Report<'_>) {
    let (value, bytes) = (attribute.value, attribute.value.as_bytes());
    let wants_quotes = match rule.form {
        Form::Quoted | Form::QuotedOrEmpty | Form::StableId => true,
        Form::QuotedOrNone => value != "NONE",
        _ => false,
    };
    if wants_quotes != attribute.quoted && attribute.defect.is_none() {
        let message = if wants_quotes {
            "the value is not quoted and is taken as if it were"
        } else {
            "the value is quoted and is taken as if it were not"
        };
        let can_be_written = !value.contains('"') && (wants_quotes || !value.contains(','));
        let fix = (can_be_written && !value.is_empty()).then(|| written(value, wants_quotes));
        report(Rule::AttributeForm, message, fix);
    }
    match rule.form {
        Form::Quoted | Form::QuotedOrNone | Form::StableId if bytes.is_empty() => report(
            Rule::QuotedString,
            "the value is empty and counts as missing",
            None,
        ),
        Form::StableId if !value.contains("{$") && !value.bytes().all(is_stable_id) => report(
            Rule::StableId,
            "the value has other characters than A-Z, a-z, 0-9 and +/=.-_",
            None,
        ),
        Form::Integer if value::decimal_integer(bytes).is_none() => report(
            Rule::DecimalInteger,
            "the value is not an integer below 2^64 and counts as missing",
            None,
        ),
        Form::Float if value::decimal_billionths(bytes).is_none() => report(
            Rule::DecimalFloatingPoint,
            "the value is not an unsigned decimal number and counts as missing",
            None,
        ),
        Form::SignedFloat => {
            let digits = bytes.strip_prefix(b"-").unwrap_or(bytes);
            if value::decimal_billionths(digits).is_none() {
                report(
                    Rule::DecimalFloatingPoint,
                    "the value is not a decimal number",
                    None,
                );
            }
        }
        Form::Resolution if value::resolution(bytes).is_none() => report(
            Rule::DecimalResolution,
            "the value is not WIDTHxHEIGHT and counts as missing",
            None,
        ),
        Form::Resolution if bytes.contains(&b'X') => report(
            Rule::DecimalResolution,
            "the x of WIDTHxHEIGHT is not in lower case",
            Some(value.replace('X', "x")),
        ),
        Form::YesNo if !matches!(value, "YES" | "NO") => report(
            Rule::AttributeForm,
            "the value is neither YES nor NO and counts as NO",
            None,
        ),
        Form::Yes if value != "YES" => report(
            Rule::AttributeForm,
            "the value is not YES and counts as missing",
            None,
        ),
        Form::Word(_) if bytes.is_empty() => {
            report(Rule::AttributeForm, "the value is empty", None);
        }
        Form::Word(values) if !values.contains(&value) => report(
            Rule::UnknownValue,
            "the value is not one that is defined, clients may ignore the tag",
            None,
        ),
        Form::Hexadecimal if !value.contains("{$") => check_hexadecimal(value, report),
        _ => {}
    }
}

fn is_stable_id(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'.' | b'-' | b'_')
}

fn check_hexadecimal(value: &str, report: &mut Report<'_>) {
    let digits = value
        .strip_prefix("0x")
        .or_else(|| value.strip_prefix("0X"))
        .unwrap_or_default();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        report(
            Rule::HexadecimalSequence,
            "the value is not 0x followed by 0-9 and A-F",
            None,
        );
    } else if digits.bytes().any(|byte| byte.is_ascii_lowercase()) {
        report(
            Rule::HexadecimalSequence,
            "there are digits in lower case",
            Some(format!("0x{}", digits.to_ascii_uppercase())),
        );
    }
}
