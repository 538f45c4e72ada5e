//! The error of this crate.

use std::error::Error as StdError;
use std::fmt;

use crate::diagnostic::Diagnostic;
use crate::rule::Rule;

/// Why a playlist, a selection or an expression was refused.
///
/// The message is a lowercase fragment fit for "cannot read the playlist: {error}" and names the line where there is one.
pub struct Error {
    inner: Box<Inner>,
}

struct Inner {
    kind: ErrorKind,
    message: String,
    line: Option<u32>,
    column: Option<u32>,
    rule: Option<Rule>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

/// What sort of [`Error`] it is, for callers that branch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The bytes do not start with `#EXTM3U`.
    NotAPlaylist,
    /// A limit of [`ParseOptions`](crate::ParseOptions) or a fixed bound of resolution was exceeded.
    LimitExceeded,
    /// A rule was broken that the chosen [`Strictness`](crate::Strictness) does not forgive.
    RuleViolation,
    /// A URI cannot be turned into an absolute URL.
    InvalidUrl,
    /// A byte range has no start that could be known, or ends beyond 2^64 - 1.
    InvalidByteRange,
    /// A variable is not defined, not importable or has a value that is not allowed.
    UndefinedVariable,
    /// An `EXT-X-KEY` or `EXT-X-MAP` lacks what is needed to use it.
    IncompleteTag,
    /// The playlist is a delta update (`EXT-X-SKIP`) that does not go with what is known; a full playlist is needed.
    NeedFullReload,
    /// Times or sequence numbers do not fit their types.
    Overflow,
    /// A [`Qualifier`](crate::Qualifier) or [`RenditionRequest`](crate::RenditionRequest) cannot be read.
    InvalidExpression,
    /// A line of a [`Document`](crate::Document) cannot be replaced so.
    InvalidEdit,
    /// A Multivariant Playlist has no variant to choose.
    NoVariant,
    /// What was given to be written cannot be, such as a URI with a line break.
    InvalidValue,
    /// A pathway cannot be made of another as a steering manifest says.
    InvalidPathwayClone,
}

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                kind,
                message: message.into(),
                line: None,
                column: None,
                rule: None,
                source: None,
            }),
        }
    }

    pub(crate) fn at(kind: ErrorKind, line: u32, message: impl Into<String>) -> Self {
        let mut error = Self::new(kind, message);
        error.inner.line = Some(line);
        error
    }

    pub(crate) fn with_column(mut self, column: u32) -> Self {
        self.inner.column = Some(column);
        self
    }

    /// The error that a diagnostic is when it is not forgiven.
    pub(crate) fn unforgiven(diagnostic: &Diagnostic) -> Self {
        let rule = diagnostic.rule;
        let message = format!(
            "{} ({rule}, section {})",
            diagnostic.message,
            rule.section()
        );
        let mut error = Self::at(ErrorKind::RuleViolation, diagnostic.line, message);
        error.inner.column = Some(diagnostic.column);
        error.with_rule(rule)
    }

    pub(crate) fn with_rule(mut self, rule: Rule) -> Self {
        self.inner.rule = Some(rule);
        self
    }

    pub(crate) fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.inner.source = Some(Box::new(source));
        self
    }

    pub(crate) fn message(&self) -> &str {
        &self.inner.message
    }

    /// What sort of error it is.
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// The line of the playlist it is about, counted from 1.
    pub fn line(&self) -> Option<u32> {
        self.inner.line
    }

    /// The first byte of the place within its line, counted from 1, where it is known.
    pub fn column(&self) -> Option<u32> {
        self.inner.column
    }

    /// The rule of the specification that is broken, if it is one.
    pub fn rule(&self) -> Option<Rule> {
        self.inner.rule
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.inner.line {
            write!(f, "line {line}")?;
            if let Some(column) = self.inner.column {
                write!(f, ", column {column}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.inner.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Error")
            .field("kind", &self.inner.kind)
            .field("line", &self.inner.line)
            .field("column", &self.inner.column)
            .field("rule", &self.inner.rule)
            .field("message", &self.inner.message)
            .field("source", &self.inner.source)
            .finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner
            .source
            .as_deref()
            .map(|source| source as &(dyn StdError + 'static))
    }
}

/// Text from a playlist made fit for a message: one line, no control characters, not too long.
pub(crate) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 80;
    let mut shown: String = text
        .chars()
        .take(LONGEST)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if text.chars().nth(LONGEST).is_some() {
        shown.push_str("...");
    }
    shown
}

/// A URI made fit for a message: an excerpt without the query and fragment, which may hold credentials.
pub(crate) fn excerpt_uri(uri: &str) -> String {
    let end = uri.find(['?', '#']).unwrap_or(uri.len());
    excerpt(uri.get(..end).unwrap_or(uri))
}
