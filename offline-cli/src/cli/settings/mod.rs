//! Defaults of flags, from the environment and a file: what is not said on the command line.
//!
//! Every flag is a key under its own name, found in the definitions of the command line, so that a new flag
//! is a key at once. What is set is put in front of what was said as if it had been said, and read by the same
//! parsers.

mod file;
mod hosts;
mod key;
mod merge;

use std::ffi::OsString;
use std::path::PathBuf;

use serde::Serialize;

pub(crate) use hosts::HostSettings;
pub(crate) use key::redacted;
pub(crate) use merge::{Parsed, parse, shown};

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum From {
    /// Nobody has said anything else.
    Default,
    /// A line of the file.
    File {
        /// Its number, from 1.
        line: usize,
    },
    /// A variable.
    Environment {
        /// Its name.
        variable: String,
    },
}

/// What is set for a flag.
#[derive(Clone, Debug)]
pub(crate) struct Setting {
    /// The command it is for; otherwise it is for all that have the flag.
    command: Option<String>,
    /// The name of the flag, without dashes.
    flag: String,
    value: Value,
    from: From,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    /// How often a switch is there.
    Times(u8),
    /// The values, one for each time the flag is there.
    Texts(Vec<String>),
}

impl Setting {
    /// Whether it is for the flag of a command.
    fn is_for(&self, command: &str, flag: &str) -> bool {
        self.flag == flag
            && self
                .command
                .as_deref()
                .is_none_or(|wanted| wanted == command)
    }

    /// As it would be said.
    fn words(&self) -> Vec<OsString> {
        match &self.value {
            Value::Times(times) => (0..*times)
                .map(|_| OsString::from(format!("--{}", self.flag)))
                .collect(),
            Value::Texts(values) => (values.iter())
                .map(|value| OsString::from(format!("--{}={value}", self.flag)))
                .collect(),
        }
    }

    fn texts(&self) -> &[String] {
        match &self.value {
            Value::Texts(texts) => texts,
            Value::Times(_) => &[],
        }
    }

    /// The key as it is written in the file.
    fn key(&self) -> String {
        match &self.command {
            Some(command) => format!("{command}.{}", self.flag),
            None => self.flag.clone(),
        }
    }

    /// Its value for people, secrets left out.
    fn shown(&self) -> String {
        match &self.value {
            Value::Times(0) => "false".to_owned(),
            Value::Times(1) => "true".to_owned(),
            Value::Times(times) => times.to_string(),
            Value::Texts(values) => {
                let values: Vec<String> = (values.iter())
                    .map(|value| key::redacted(&self.flag, value))
                    .collect();
                values.join(", ")
            }
        }
    }
}

/// All that holds: what is set, by whom, and what is not.
#[derive(Debug, Serialize)]
pub(crate) struct Shown {
    /// The file, if there is one.
    pub(crate) file: Option<PathBuf>,
    /// Every flag of every command that can have a default.
    pub(crate) settings: Vec<ShownSetting>,
    /// What holds for some hosts only.
    pub(crate) hosts: Vec<HostSettings>,
}

/// What holds for a flag.
#[derive(Debug, Serialize)]
pub(crate) struct ShownSetting {
    /// The command.
    pub(crate) command: String,
    /// The flag, without dashes.
    pub(crate) flag: String,
    /// The key that sets it, or would.
    pub(crate) key: String,
    /// Its value, unless there is none.
    pub(crate) value: Option<String>,
    /// Where that comes from.
    pub(crate) from: From,
}
