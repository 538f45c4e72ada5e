//! What was found wrong in a playlist that could be read all the same.

use std::fmt;
use std::ops::Range;

use crate::rule::Rule;

/// How serious a [`Diagnostic`] is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum Severity {
    /// Allowed, or harmless, but not what was meant.
    Warning,
    /// The specification forbids it.
    Error,
    /// The specification says that a client fails to parse such a playlist. Such a rule is [`forgiven`](Diagnostic::forgiven) where reading goes on all the
    /// same, so that a diagnostic is only fatal when there is no going on.
    Fatal,
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Fatal => "fatal",
        })
    }
}

/// One breach of a rule: what, where, how serious.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Diagnostic {
    /// The rule that is broken.
    pub rule: Rule,
    /// How serious it is here; what was [forgiven](Self::forgiven) is an error.
    pub severity: Severity,
    /// Whether clients must refuse such a playlist, which [`Strictness::Lenient`](crate::Strictness::Lenient) has not done: the rule itself is
    /// [`Severity::Fatal`]. The message says what was made of it.
    pub forgiven: bool,
    /// The line, counted from 1.
    pub line: u32,
    /// The first byte of the place within its line, counted from 1.
    pub column: u32,
    /// The place as offsets of bytes in the input.
    pub span: Range<usize>,
    /// What is wrong and what was made of it: a lowercase fragment without control characters.
    pub message: String,
    /// How to put it right, where there is one obvious way.
    pub fix: Option<Fix>,
}

/// An edit of the input that puts one [`Diagnostic`] right; others may stay.
///
/// ```
/// let text = "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6\na.ts\n#EXT-X-ENDLIST\n";
/// let parsed = hls_parse::parse(text.as_bytes())?;
/// let fix = parsed.diagnostics[0].fix.as_ref().ok_or("no fix")?;
/// let mut repaired = text.to_owned();
/// repaired.replace_range(fix.span.clone(), &fix.replacement);
/// assert_eq!(repaired, "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\na.ts\n#EXT-X-ENDLIST\n");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Fix {
    /// The bytes of the input to replace; empty to insert.
    pub span: Range<usize>,
    /// What to put in their place; empty to delete.
    pub replacement: String,
}

impl Fix {
    pub(crate) fn new(span: Range<usize>, replacement: impl Into<String>) -> Self {
        Self {
            span,
            replacement: replacement.into(),
        }
    }

    /// Deletes a line of `text` with its ending, given a place in it.
    pub(crate) fn delete_line(text: &str, inside: usize) -> Option<Self> {
        let before = text.get(..inside)?;
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let length = text.get(start..)?.find('\n').map(|at| at + 1);
        Some(Self::new(
            start..length.map_or(text.len(), |length| start + length),
            "",
        ))
    }
}

impl fmt::Display for Diagnostic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "line {}, column {}: {} ({} {}, section {}{})",
            self.line,
            self.column,
            self.message,
            self.severity,
            self.rule,
            self.rule.section(),
            if self.forgiven {
                ", forgiven: clients must refuse it"
            } else {
                ""
            }
        )
    }
}

/// Where a line is, from which columns are counted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LinePlace {
    pub(crate) number: u32,
    pub(crate) start: usize,
}

impl LinePlace {
    /// The column of a byte of the input, counted from 1.
    pub(crate) fn column(self, at: usize) -> u32 {
        let column = at.saturating_sub(self.start).saturating_add(1);
        u32::try_from(column).unwrap_or(u32::MAX)
    }
}

/// Collects diagnostics up to a number; the rest is only counted.
#[derive(Debug)]
pub(crate) struct Diagnostics {
    list: Vec<Diagnostic>,
    limit: usize,
    suppressed: usize,
    /// The first of the highest severity so far, kept even when the list is full.
    worst: Option<Diagnostic>,
}

impl Diagnostics {
    pub(crate) fn new(limit: usize) -> Self {
        Self {
            list: Vec::new(),
            limit,
            suppressed: 0,
            worst: None,
        }
    }

    pub(crate) fn report(
        &mut self,
        rule: Rule,
        place: LinePlace,
        span: Range<usize>,
        message: impl fmt::Display,
    ) {
        self.report_with(rule, place, span, message, || None);
    }

    /// As [`report`](Self::report), with a way to put it right, which is only made when it is kept.
    pub(crate) fn report_with(
        &mut self,
        rule: Rule,
        place: LinePlace,
        span: Range<usize>,
        message: impl fmt::Display,
        fix: impl FnOnce() -> Option<Fix>,
    ) {
        let severity = rule.severity();
        let worse = self
            .worst
            .as_ref()
            .is_none_or(|worst| worst.severity < severity);
        let full = self.list.len() >= self.limit;
        if full {
            self.suppressed = self.suppressed.saturating_add(1);
        }
        if full && !worse {
            return;
        }
        let diagnostic = Diagnostic {
            rule,
            severity,
            forgiven: false,
            line: place.number,
            column: place.column(span.start),
            span,
            message: message.to_string(),
            fix: fix(),
        };
        if worse {
            self.worst = Some(diagnostic.clone());
        }
        if !full {
            self.list.push(diagnostic);
        }
    }

    pub(crate) fn worst(&self) -> Option<&Diagnostic> {
        self.worst.as_ref()
    }

    /// As [`finish`](Self::finish), of a reading that went on whatever was found.
    pub(crate) fn forgive(mut self) -> (Vec<Diagnostic>, usize) {
        for diagnostic in &mut self.list {
            if diagnostic.severity == Severity::Fatal {
                diagnostic.severity = Severity::Error;
                diagnostic.forgiven = true;
            }
        }
        self.finish()
    }

    /// The diagnostics by place, and how many did not fit.
    pub(crate) fn finish(mut self) -> (Vec<Diagnostic>, usize) {
        self.list
            .sort_by_key(|diagnostic| (diagnostic.span.start, diagnostic.rule));
        (self.list, self.suppressed)
    }
}
