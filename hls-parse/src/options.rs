//! How to parse: what is forgiven and how much is accepted.

/// What is forgiven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Strictness {
    /// Everything that leaves a meaning; each breach is reported as a diagnostic, and what clients must refuse as one that is
    /// [`forgiven`](crate::Diagnostic::forgiven).
    #[default]
    Lenient,
    /// What the specification lets a client forgive; a breach of a rule of [`Severity::Fatal`](crate::Severity::Fatal) is an error.
    Client,
    /// Only what is a mere [`Severity::Warning`](crate::Severity::Warning); every breach of the specification is an error.
    Strict,
}

/// Options of [`parse_with`](crate::parse_with).
///
/// ```
/// use hls_parse::{ParseOptions, Strictness};
///
/// let options = ParseOptions::default().strictness(Strictness::Client).max_bytes(1 << 20);
/// assert!(hls_parse::parse_with(b"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-VERSION:4\n", &options).is_err());
/// ```
#[derive(Debug, Clone)]
pub struct ParseOptions {
    pub(crate) strictness: Strictness,
    pub(crate) max_bytes: usize,
    pub(crate) max_lines: u32,
    pub(crate) max_attributes: usize,
    pub(crate) max_diagnostics: usize,
}

impl Default for ParseOptions {
    fn default() -> Self {
        Self {
            strictness: Strictness::Lenient,
            max_bytes: 64 << 20,
            max_lines: 2_000_000,
            max_attributes: 256,
            max_diagnostics: 1000,
        }
    }
}

impl ParseOptions {
    /// Sets what is forgiven; [`Strictness::Lenient`] by default.
    #[must_use]
    pub fn strictness(mut self, strictness: Strictness) -> Self {
        self.strictness = strictness;
        self
    }

    /// Sets how many bytes a playlist may have; 64 MiB by default, never above 2^32 - 2.
    #[must_use]
    pub fn max_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = bytes;
        self
    }

    /// Sets how many lines a playlist may have; 2,000,000 by default.
    #[must_use]
    pub fn max_lines(mut self, lines: u32) -> Self {
        self.max_lines = lines;
        self
    }

    /// Sets how many attributes one tag may have; 256 by default.
    #[must_use]
    pub fn max_attributes(mut self, attributes: usize) -> Self {
        self.max_attributes = attributes;
        self
    }

    /// Sets how many diagnostics are kept; 1,000 by default. The rest is counted.
    #[must_use]
    pub fn max_diagnostics(mut self, diagnostics: usize) -> Self {
        self.max_diagnostics = diagnostics;
        self
    }
}
