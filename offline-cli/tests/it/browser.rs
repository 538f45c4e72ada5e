//! Scripts that drive the page in a real browser.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::environment::{Said, has, said, skipped};

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/page")
}

/// Whether the browser and what drives it are there.
pub(crate) fn has_browser() -> bool {
    let driver = scripts().join("node_modules/playwright-core");
    if !driver.exists() {
        skipped("playwright-core is not installed: npm ci --prefix offline-cli/tests/page");
    }
    driver.exists() && has("node") && has("chromium")
}

/// Lets a script drive the page.
pub(crate) fn drive<I: AsRef<OsStr>>(script: &str, arguments: impl IntoIterator<Item = I>) -> Said {
    let mut command = Command::new("node");
    command.arg(scripts().join(script)).args(arguments);
    said(&command.output().unwrap())
}
