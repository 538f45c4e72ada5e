//! Standard output for answers, standard error for messages; a closed pipe ends quietly.

use std::io::{self, Write};

use serde::Serialize;

use crate::{Error, ErrorKind, Result};

/// Where a command's words go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    pub(crate) json: bool,
    pub(crate) quiet: bool,
}

impl Output {
    /// A message to the person at the terminal.
    pub(crate) fn message(self, message: &str) {
        if !self.quiet {
            // Nobody is left to tell when standard error is closed.
            let _ = writeln!(io::stderr().lock(), "{message}");
        }
    }
}

/// An answer as JSON on one line.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<()> {
    let text = serde_json::to_string(value).map_err(|error| {
        Error::new(ErrorKind::Storage, "the answer cannot be written").because(error)
    })?;
    line(&text)
}

/// One line of an answer.
pub(crate) fn line(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{text}")
        .and_then(|()| out.flush())
        .map_err(closed)
}

/// An error that ends the program quietly when nobody reads any more.
fn closed(error: io::Error) -> Error {
    Error::new(ErrorKind::Storage, "cannot write to standard output").because(error)
}

/// Whether the error says that the reader of standard output has gone.
pub(crate) fn is_closed_pipe(error: &Error) -> bool {
    std::error::Error::source(error)
        .and_then(|source| source.downcast_ref::<io::Error>())
        .is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
