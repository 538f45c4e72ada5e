//! The text of a playlist with what is needed to make sense of its parts.

use std::ops::Deref;
use std::sync::Arc;

use url::Url;

use crate::entry_attributes::EntryAttributes;
use crate::value::Span;

/// Text that others refer to instead of copying it, each with a single count: that of a playlist, or of a value whose variables were replaced.
#[derive(Debug)]
pub(crate) struct Source {
    text: Arc<str>,
    /// What references in the text are relative to.
    base: Arc<Url>,
    /// What the variants and renditions of a Multivariant Playlist say; there are none in other text.
    entries: Option<Arc<EntryAttributes>>,
}

impl Source {
    pub(crate) fn new(text: Arc<str>, base: Arc<Url>) -> Self {
        Self {
            text,
            base,
            entries: None,
        }
    }

    /// The text of a Multivariant Playlist.
    pub(crate) fn with_entries(text: Arc<str>, base: Url, entries: &Arc<EntryAttributes>) -> Self {
        Self {
            text,
            base: Arc::new(base),
            entries: Some(Arc::clone(entries)),
        }
    }

    pub(crate) fn base(&self) -> &Arc<Url> {
        &self.base
    }

    pub(crate) fn entries(&self) -> Option<&EntryAttributes> {
        self.entries.as_deref()
    }
}

impl Deref for Source {
    type Target = str;

    #[inline]
    fn deref(&self) -> &str {
        &self.text
    }
}

/// A part of a [`Source`].
#[derive(Debug, Clone)]
pub(crate) struct Part {
    source: Arc<Source>,
    span: Span,
}

impl Part {
    #[inline]
    pub(crate) fn new(source: &Arc<Source>, span: Span) -> Self {
        Self {
            source: Arc::clone(source),
            span,
        }
    }

    /// All of a text that is not in the playlist, but is relative to the same base.
    pub(crate) fn beside(source: &Source, text: &str) -> Self {
        let span = Span::new(0, text.len());
        let source = Arc::new(Source::new(text.into(), Arc::clone(&source.base)));
        Self { source, span }
    }

    #[inline]
    pub(crate) fn as_str(&self) -> &str {
        self.span.of(&self.source)
    }

    #[inline]
    pub(crate) fn source(&self) -> &Arc<Source> {
        &self.source
    }

    pub(crate) fn base(&self) -> &Arc<Url> {
        &self.source.base
    }
}
