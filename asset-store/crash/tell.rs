//! What the worker prints, and how it learns that it is to end.

use std::borrow::Borrow;
use std::error::Error as _;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use asset_store::Error;

use crate::Result;

/// Prints a line in one piece. An error when nobody listens any more.
pub(crate) fn tell(line: &str) -> Result {
    std::io::stdout()
        .write_all(format!("{line}\n").as_bytes())
        .map_err(|error| format!("cannot print: {error}"))
}

/// An error with its kind and what it comes from, in one line.
pub(crate) fn error(error: impl Borrow<Error>) -> String {
    let error = error.borrow();
    let source = error.source().map(|source| format!(": {source}"));
    format!("{:?} {error}{}", error.kind(), source.unwrap_or_default())
}

/// Turns true when standard input ends: whoever runs the worker closes it, or is gone.
pub(crate) struct End(Arc<AtomicBool>);

impl End {
    pub(crate) fn watch() -> End {
        let flag = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&flag);
        std::thread::spawn(move || {
            let _ = std::io::stdin().read_to_end(&mut Vec::new());
            seen.store(true, Ordering::Relaxed);
        });
        End(flag)
    }

    pub(crate) fn has_come(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
