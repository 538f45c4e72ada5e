//! `cargo xtask gen`: what is written by programs and checked by tests.

use crate::run::{self, Result, say};

/// Writes the snapshots of what the tool says anew where they differ.
pub(crate) fn run() -> Result {
    run::status(
        run::cargo()
            .args(["test", "--locked", "--quiet", "-p", "offline-cli"])
            .args(["--test", "it", "snapshots"])
            .env("INSTA_UPDATE", "always"),
    )?;
    say("`git diff offline-cli/tests/it/snapshots` shows what the tool says differently");
    Ok(())
}
