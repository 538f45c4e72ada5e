//! Variables (sections 4.3 and 4.4.2.3), and where a playlist came from.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use url::Url;

use crate::attributes::AttributeList;
use crate::error::{Error, ErrorKind, excerpt};
use crate::playlist::TagEntry;
use crate::rule::Rule;
use crate::source::{Part, Source};
use crate::value::Span;

/// The variables of a playlist after resolution, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Variables {
    values: HashMap<String, String>,
}

impl Variables {
    /// The value of a variable; names are case-sensitive.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    /// Names and values, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        let entries = self.values.iter();
        entries.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// How many variables there are.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no variable.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }
}

/// Where a playlist came from: what its URIs are relative to, and which variables it may import.
///
/// ```
/// use hls_parse::{Context, Playlist};
/// use url::Url;
///
/// let text = b"#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM=\"token\"\n#EXTINF:6,\na.ts?t={$token}\n#EXT-X-ENDLIST\n";
/// let parsed = hls_parse::parse(text)?;
/// let context = Context::new(Url::parse("https://example.com/film/index.m3u8?token=7")?);
/// let timeline = parsed.playlist.as_media().ok_or("no Media Playlist")?.resolve(&context)?;
/// assert_eq!(timeline.segment_url(0).as_str(), "https://example.com/film/a.ts?t=7");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct Context {
    pub(crate) base: Url,
    imports: Option<Variables>,
    max_expanded_bytes: usize,
}

impl Context {
    /// The playlist was found at `url`, after all redirects.
    pub fn new(url: Url) -> Self {
        Self {
            base: url,
            imports: None,
            max_expanded_bytes: 64 << 20,
        }
    }

    /// Where the playlist was found.
    pub fn url(&self) -> &Url {
        &self.base
    }

    /// The variables of the Multivariant Playlist that named this Media Playlist, for `EXT-X-DEFINE:IMPORT`.
    #[must_use]
    pub fn with_imports(mut self, variables: &Variables) -> Self {
        self.imports = Some(variables.clone());
        self
    }

    /// Sets how many bytes of text variables may make; 64 MiB by default. A few lines could ask for terabytes.
    #[must_use]
    pub fn max_expanded_bytes(mut self, bytes: usize) -> Self {
        self.max_expanded_bytes = bytes;
        self
    }
}

/// Takes the name off the front of `{$name}`; gives the name and what follows.
fn reference(text: &str) -> Option<(&str, &str)> {
    let body = text.strip_prefix("{$")?;
    let end = body.bytes().position(|byte| !is_name_byte(byte))?;
    let (name, rest) = body.split_at_checked(end)?;
    let rest = rest.strip_prefix('}')?;
    (!name.is_empty()).then_some((name, rest))
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// Whether a variable may have that name.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(is_name_byte)
}

/// The names that a text refers to.
pub(crate) fn references(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            let at = memchr::memmem::find(rest.as_bytes(), b"{$")?;
            rest = rest.get(at..)?;
            if let Some((name, after)) = reference(rest) {
                rest = after;
                return Some(name);
            }
            rest = rest.get(2..)?;
        }
    })
}

/// Puts values in the place of references, in the order of the file.
#[derive(Debug)]
pub(crate) struct Expander<'p> {
    context: &'p Context,
    /// Most names and values are parts of the playlist.
    variables: HashMap<&'p str, Cow<'p, str>>,
    /// Whether the playlist has references at all.
    active: bool,
    /// How many bytes of replaced text may still be made: a few lines can ask for terabytes.
    budget: usize,
}

impl<'p> Expander<'p> {
    pub(crate) fn new(context: &'p Context, active: bool) -> Self {
        Self {
            context,
            variables: HashMap::new(),
            active,
            budget: context.max_expanded_bytes,
        }
    }

    pub(crate) fn into_variables(self) -> Variables {
        let variables = self.variables.into_iter();
        Variables {
            values: variables
                .map(|(name, value)| (name.to_owned(), value.into_owned()))
                .collect(),
        }
    }

    /// Whether there are references at all.
    pub(crate) fn is_active(&self) -> bool {
        self.active
    }

    /// The text with values in the place of references; values are not looked at again (section 4.3).
    pub(crate) fn expand<'t>(&mut self, text: &'t str, line: u32) -> Result<Cow<'t, str>, Error> {
        if !self.active || !text.contains("{$") {
            return Ok(Cow::Borrowed(text));
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find("{$") {
            let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
            out.push_str(before);
            if let Some((name, after)) = reference(from) {
                let value = self.variables.get(name).ok_or_else(|| {
                    let message = format!(
                        "the variable {} is not defined before it is used",
                        excerpt(name)
                    );
                    Error::at(ErrorKind::UndefinedVariable, line, message)
                        .with_rule(Rule::UndefinedVariable)
                })?;
                if value.len() + out.len() > self.budget {
                    return Err(Error::at(
                        ErrorKind::LimitExceeded,
                        line,
                        "variables make the playlist too long",
                    ));
                }
                out.push_str(value);
                rest = after;
            } else {
                out.push_str("{$");
                rest = from.get(2..).unwrap_or_default();
            }
        }
        out.push_str(rest);
        self.budget = self.budget.saturating_sub(out.len());
        Ok(Cow::Owned(out))
    }

    /// The value of an attribute with its references replaced.
    #[inline]
    pub(crate) fn attribute(
        &mut self,
        list: &AttributeList<'_>,
        name: &str,
        line: u32,
    ) -> Result<Option<String>, Error> {
        list.text(name)
            .map(|text| self.expand(text, line).map(Cow::into_owned))
            .transpose()
    }

    /// The same, a part of the text that the list is in where there is nothing to replace.
    #[inline]
    pub(crate) fn part(
        &mut self,
        list: &AttributeList<'_>,
        name: &str,
        line: u32,
        source: &Arc<Source>,
    ) -> Result<Option<Part>, Error> {
        let Some(text) = list.text(name) else {
            return Ok(None);
        };
        Ok(Some(match self.expand(text, line)? {
            Cow::Borrowed(text) => Part::new(source, Span::within(source, text)),
            Cow::Owned(text) => Part::beside(source, &text),
        }))
    }

    /// Takes in an `EXT-X-DEFINE`. The first definition of a name counts.
    pub(crate) fn define(&mut self, tag: &TagEntry, text: &'p str) -> Result<(), Error> {
        let list = AttributeList::new(tag.value.of(text));
        if list.has_requirement() {
            return Ok(());
        }
        let (name, value) = if let Some(name) = list.text("NAME") {
            let value = list.get("VALUE").map_or("", |attribute| attribute.value);
            (name, self.expand(value, tag.line)?)
        } else if let Some(name) = list.text("IMPORT") {
            let imported = self
                .context
                .imports
                .as_ref()
                .and_then(|imports| imports.get(name));
            let value = imported.ok_or_else(|| {
                let message = format!("the variable {} cannot be imported, the Multivariant Playlist does not define it", excerpt(name));
                Error::at(ErrorKind::UndefinedVariable, tag.line, message)
                    .with_rule(Rule::ImportedVariable)
            })?;
            (name, Cow::Borrowed(value))
        } else if let Some(name) = list.text("QUERYPARAM") {
            (name, self.query_parameter(name, tag.line)?.into())
        } else {
            return Ok(());
        };
        self.variables.entry(name).or_insert(value);
        Ok(())
    }

    fn query_parameter(&self, name: &str, line: u32) -> Result<String, Error> {
        let query = self.context.base.query().unwrap_or_default();
        let value = query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .find(|(key, _)| percent_decode(key).is_some_and(|key| key == name.as_bytes()))
            .map(|(_, value)| value)
            .filter(|value| !value.is_empty());
        let value = value.ok_or_else(|| {
            let message = format!(
                "the URL of the playlist has no query parameter {} with a value",
                excerpt(name)
            );
            Error::at(ErrorKind::UndefinedVariable, line, message).with_rule(Rule::QueryParameter)
        })?;
        percent_decode(value)
            .and_then(|bytes| String::from_utf8(bytes).ok())
            .filter(|value| !value.contains(['"', '\r', '\n']))
            .ok_or_else(|| {
                let message = format!(
                    "the query parameter {} has a value that no quoted-string may have",
                    excerpt(name)
                );
                Error::at(ErrorKind::UndefinedVariable, line, message)
                    .with_rule(Rule::QueryParameterValue)
            })
    }
}

/// Decodes `%41`; a `+` stays one (RFC 3986). `None` when a `%` is not followed by two digits.
pub(crate) fn percent_decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte == b'%' {
            let high = char::from(bytes.next()?).to_digit(16)?;
            let low = char::from(bytes.next()?).to_digit(16)?;
            out.push(u8::try_from(high * 16 + low).ok()?);
        } else {
            out.push(byte);
        }
    }
    Some(out)
}
