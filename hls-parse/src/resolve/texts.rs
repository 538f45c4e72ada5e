//! The text of a timeline while it is made.

use std::sync::Arc;

use crate::error::{Error, ErrorKind};
use crate::value::Span;

/// The text of the playlist, followed by what is not in it: text with variables replaced, and what a delta update takes over.
pub(crate) struct Texts<'p> {
    playlist: &'p Arc<str>,
    added: String,
}

impl<'p> Texts<'p> {
    pub(super) fn new(playlist: &'p Arc<str>) -> Self {
        Self {
            playlist,
            added: String::new(),
        }
    }

    pub(crate) fn playlist(&self) -> &'p str {
        self.playlist
    }

    /// Adds text that is not in the playlist.
    pub(crate) fn add(&mut self, text: &str, line: u32) -> Result<Span, Error> {
        if text.is_empty() {
            return Ok(Span::default());
        }
        let start = self.playlist.len() + self.added.len();
        let span = Span::new(start, text.len());
        if span.end == u32::MAX {
            return Err(Error::at(
                ErrorKind::LimitExceeded,
                line,
                "variables or skipped segments make the playlist too long",
            ));
        }
        self.added.push_str(text);
        Ok(span)
    }

    pub(super) fn of(&self, span: Span) -> &str {
        match span.range().start.checked_sub(self.playlist.len()) {
            Some(start) => self
                .added
                .get(start..span.range().end - self.playlist.len())
                .unwrap_or_default(),
            None => span.of(self.playlist),
        }
    }

    /// All of it.
    pub(super) fn whole(&self) -> Arc<str> {
        if self.added.is_empty() {
            return Arc::clone(self.playlist);
        }
        Arc::from([self.playlist(), self.added.as_str()].concat())
    }
}
