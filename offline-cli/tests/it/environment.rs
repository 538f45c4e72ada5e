//! A store in a temporary folder and the tool over it.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

/// A place to run the tool in.
pub(crate) struct Environment {
    folder: TempDir,
}

/// What a run of the tool said.
pub(crate) struct Said {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Said {
    /// Every line of standard output as JSON.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.stdout
            .lines()
            .map(|line| serde_json::from_str(line).expect(line))
            .collect()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr))
    }

    /// The run ended well.
    pub(crate) fn fine(self) -> Self {
        assert_eq!(self.code, 0, "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// The run ended with this code.
    pub(crate) fn code_is(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        self
    }

    /// The run ended with this code, one line of error, and nothing like a panic.
    pub(crate) fn refused(self, code: i32) -> Self {
        assert_eq!(self.code, code, "{}\n{}", self.stdout, self.stderr);
        let errors: Vec<&str> = self
            .stderr
            .lines()
            .filter(|line| line.starts_with("error: "))
            .collect();
        assert_eq!(errors.len(), 1, "{}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
        self
    }
}

impl Environment {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.path("store")
    }

    pub(crate) fn command(&self) -> Command {
        self.command_on(&self.store())
    }

    pub(crate) fn command_on(&self, store: &Path) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_offline"));
        command
            .arg("--store")
            .arg(store)
            .stdin(Stdio::null())
            .current_dir(self.folder.path());
        command
            .env_remove("OFFLINE_STORE")
            .env_remove("OFFLINE_LOG")
            // Times and colours are those of the tests.
            .env("TZ", "UTC")
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR")
            .env_remove("CLICOLOR_FORCE")
            // Whoever runs the tests may have a configuration.
            .env("OFFLINE_CONFIG", "");
        for proxy in ["http", "https", "all", "no"] {
            let name = format!("{proxy}_proxy");
            command.env_remove(name.to_uppercase()).env_remove(name);
        }
        command
    }

    pub(crate) fn run<I: AsRef<std::ffi::OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = I>,
    ) -> Said {
        said(&self.command().args(arguments).output().unwrap())
    }

    /// Starts a run whose output nobody reads.
    pub(crate) fn start<I: AsRef<std::ffi::OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = I>,
    ) -> Child {
        self.command()
            .args(arguments)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    pub(crate) fn list(&self) -> Vec<Value> {
        self.run(["list", "--json"])
            .fine()
            .json()
            .as_array()
            .unwrap()
            .clone()
    }

    /// The only asset of the store.
    pub(crate) fn only(&self) -> Value {
        let listed = self.list();
        assert_eq!(listed.len(), 1, "{listed:?}");
        listed[0].clone()
    }

    pub(crate) fn only_id(&self) -> String {
        self.only()["id"].as_str().unwrap().to_owned()
    }

    /// Exports the only asset and returns the folder.
    pub(crate) fn export(&self) -> PathBuf {
        let folder = self.path("out");
        self.run(["export", &self.only_id(), "-o", folder.to_str().unwrap()])
            .fine();
        folder
    }

    pub(crate) fn inspect(&self) -> Value {
        self.run(["inspect", "--json", &self.only_id()])
            .fine()
            .json()
    }
}

pub(crate) fn said(output: &Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout.clone()).unwrap(),
        stderr: String::from_utf8(output.stderr.clone()).unwrap(),
    }
}

/// Waits until something holds; panics when it never does.
pub(crate) fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(
            started.elapsed() < Duration::from_secs(30),
            "{what} never happened"
        );
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a program is there. A test that needs one that is not returns early.
pub(crate) fn has(program: &str) -> bool {
    let there = Command::new(program)
        .arg("-version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !there {
        skipped(&format!("{program} is not installed"));
    }
    there
}

/// Says that a test is skipped; fails it where skipping is forbidden.
pub(crate) fn skipped(why: &str) {
    assert!(std::env::var_os("OFFLINE_TEST_STRICT").is_none(), "{why}");
    eprintln!("skipped: {why}");
}
