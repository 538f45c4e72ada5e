//! Files of policies, as they are named on the command line.

use std::io::Read;
use std::path::Path;

use crate::{Error, Result};

/// Longer files are no policies.
const MAX_BYTES: u64 = 1 << 20;

/// The text of a file, or of the input when it is called `-`.
pub(super) fn read(file: &Path) -> Result<String> {
    let failed = |error| Error::io(file, "read", error);
    let mut text = String::new();
    if file == Path::new("-") {
        std::io::stdin()
            .take(MAX_BYTES + 1)
            .read_to_string(&mut text)
            .map_err(failed)?;
    } else {
        let opened = std::fs::File::open(file).map_err(|error| {
            let message = format!("cannot read {}", file.display());
            Error::usage(message).because(error)
        })?;
        opened
            .take(MAX_BYTES + 1)
            .read_to_string(&mut text)
            .map_err(failed)?;
    }
    Ok(text)
}

/// The error of a file with a mistake in it.
pub(super) fn wrong(file: &Path, error: storage_policy::Error) -> Error {
    Error::usage(format!("{} is no policy", file.display())).because(error)
}
