//! Standard output for answers, standard error for messages; a closed pipe ends quietly.

use std::io::{self, Write};

use serde::Serialize;

use super::{lines, paint};
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
            let _ = lines::above(format!("{}\n", paint::message(message)).as_bytes());
        }
    }
}

/// A question to the person at the terminal, who answers on the same line.
pub(crate) fn question(text: &str) {
    let mut terminal = io::stderr().lock();
    // Nobody is left to answer when standard error is closed.
    let _ = write!(terminal, "{text}").and_then(|()| terminal.flush());
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
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        // Nobody reads any more; the command goes on and its exit code still tells.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => {
            Err(Error::new(ErrorKind::Storage, "cannot write to standard output").because(error))
        }
        Ok(()) => Ok(()),
    }
}
