//! Completions: the scripts that shells load, and the answers they ask for.
//!
//! The scripts know nothing: at each completion they call `offline` with a variable set, so that what
//! they complete is what this version understands and this store holds.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::CommandFactory;
use clap_complete::engine::{self, CompletionCandidate};
use clap_complete::env::{Bash, Elvish, EnvCompleter, Fish, Powershell, Shells, Zsh};
use clap_complete::{ArgValueCompleter, CompleteEnv, Shell};

use super::Cli;
use crate::session::library;

/// Set to the name of a shell while it asks for completions.
const VARIABLE: &str = "OFFLINE_COMPLETE";
const SHELLS: Shells<'static> = Shells(&[&QuotingBash, &Elvish, &Fish, &Powershell, &Zsh]);

/// The script that a shell loads to complete the arguments of `offline`.
pub(crate) fn script(shell: Shell) -> io::Result<String> {
    let completer = SHELLS
        .completer(&shell.to_string())
        .ok_or_else(|| io::Error::from(io::ErrorKind::Unsupported))?;
    let mut script = Vec::new();
    completer.write_registration(VARIABLE, "offline", "offline", "offline", &mut script)?;
    Ok(format!("{}\n", String::from_utf8_lossy(&script).trim()))
}

/// Answers the shell, if it is one that asks.
pub(crate) fn answer() -> Result<bool, clap::Error> {
    CompleteEnv::with_factory(Cli::command)
        .var(VARIABLE)
        .shells(SHELLS)
        .try_complete(std::env::args_os(), std::env::current_dir().ok().as_deref())
}

/// Completes an asset: ids that begin so, else titles that do.
pub(super) fn assets() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| candidates(&current.to_string_lossy()))
}

fn candidates(current: &str) -> Vec<CompletionCandidate> {
    let words: Vec<OsString> = std::env::args_os().collect();
    // Whoever completes is told nothing when something is wrong; the command itself will say it.
    let store = store_of(&words).or_else(|| std::env::var_os("OFFLINE_STORE").map(PathBuf::from));
    let names = crate::commands::place(store.as_deref())
        .and_then(crate::commands::existing)
        .and_then(|store| store.as_ref().map(library::names).transpose())
        .ok()
        .flatten()
        .unwrap_or_default();
    let by_id: Vec<_> = names
        .iter()
        .filter(|(id, _)| id.starts_with(current))
        .map(|(id, title)| CompletionCandidate::new(id).help(Some(title.clone().into())))
        .collect();
    if !by_id.is_empty() {
        return by_id;
    }
    let wanted = current.to_lowercase();
    names
        .iter()
        .filter(|(_, title)| title.to_lowercase().starts_with(&wanted))
        // A title of several says nothing.
        .filter(|(_, title)| names.iter().filter(|(_, other)| other == title).count() == 1)
        .map(|(id, title)| CompletionCandidate::new(title).help(Some(id.clone().into())))
        .collect()
}

/// The store that the words so far name.
fn store_of(words: &[OsString]) -> Option<PathBuf> {
    let mut words = words.iter().map(|word| word.to_string_lossy());
    while let Some(word) = words.next() {
        let named = match word.strip_prefix("--store") {
            Some("") => words.next().and_then(|next| match next.as_ref() {
                // Bash hands `--store=DIR` over in three words.
                "=" => words.next(),
                _ => Some(next),
            }),
            Some(rest) => rest.strip_prefix('=').map(|rest| rest.to_owned().into()),
            None => None,
        };
        if let Some(named) = named {
            return Some(match (named.strip_prefix("~/"), std::env::home_dir()) {
                (Some(rest), Some(home)) => home.join(rest),
                _ => PathBuf::from(named.as_ref()),
            });
        }
    }
    None
}

/// Bash gives words as they were typed and takes them as they are to be typed: titles have spaces.
#[derive(Debug)]
struct QuotingBash;

impl EnvCompleter for QuotingBash {
    fn name(&self) -> &'static str {
        Bash.name()
    }

    fn is(&self, name: &str) -> bool {
        Bash.is(name)
    }

    fn write_registration(
        &self,
        var: &str,
        name: &str,
        bin: &str,
        completer: &str,
        buf: &mut dyn Write,
    ) -> io::Result<()> {
        Bash.write_registration(var, name, bin, completer, buf)
    }

    fn write_complete(
        &self,
        cmd: &mut clap::Command,
        args: Vec<OsString>,
        current_dir: Option<&Path>,
        buf: &mut dyn Write,
    ) -> io::Result<()> {
        let index = std::env::var("_CLAP_COMPLETE_INDEX")
            .ok()
            .and_then(|index| index.parse().ok())
            .unwrap_or(args.len().saturating_sub(1));
        let separator = std::env::var("_CLAP_IFS").unwrap_or_else(|_| "\n".to_owned());
        // Inside quotes, of which bash keeps the first to itself, a space is typed as it is.
        let is_quoted = args.get(index).is_some_and(|word| has_bare_space(word));
        let words = args.iter().map(|word| unquoted(word)).collect();
        let found = engine::complete(cmd, words, index, current_dir)?;
        // Options are offered where one was begun, or where there is nothing else.
        let is_begun = args.get(index).is_some_and(|word| !word.is_empty());
        let values = found.iter().map(|one| one.get_value().to_string_lossy());
        let (options, others): (Vec<_>, Vec<_>) = values.partition(|value| value.starts_with('-'));
        let offered = if is_begun || others.is_empty() {
            [others, options].concat()
        } else {
            others
        };
        let shown = offered.into_iter().map(|value| {
            if is_quoted || value.starts_with('-') {
                value.into_owned()
            } else {
                quoted(&value)
            }
        });
        write!(buf, "{}", shown.collect::<Vec<_>>().join(&separator))
    }
}

fn has_bare_space(word: &OsStr) -> bool {
    let word = word.to_string_lossy();
    word.replace("\\ ", "").contains(' ')
}

/// What the shell makes of a word, as far as names of assets and files need it.
fn unquoted(word: &OsStr) -> OsString {
    let Some(word) = word.to_str() else {
        return word.to_owned();
    };
    let mut plain = String::with_capacity(word.len());
    let mut characters = word.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => plain.extend(characters.next()),
            '\'' | '"' => {}
            other => plain.push(other),
        }
    }
    plain.into()
}

fn quoted(value: &str) -> String {
    let mut typed = String::with_capacity(value.len());
    for character in value.chars() {
        let is_plain = character.is_alphanumeric() || "_-./,+@%".contains(character);
        if !is_plain {
            typed.push('\\');
        }
        typed.push(character);
    }
    typed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_quoted_is_read_back() {
        for value in [
            "The Film",
            "it's \"so\"",
            "a:b=c$d`e\\f",
            "映画 Ω",
            "plain-id_1.x",
        ] {
            assert_eq!(unquoted(OsStr::new(&quoted(value))), value);
        }
        assert_eq!(quoted("The Film (1)"), "The\\ Film\\ \\(1\\)");
        assert!(has_bare_space(OsStr::new("The F")) && !has_bare_space(OsStr::new("The\\ F")));
    }

    #[test]
    fn the_store_is_found_however_it_is_said() {
        let found = |words: &[&str]| {
            let words: Vec<OsString> = words.iter().map(OsString::from).collect();
            store_of(&words)
        };
        for words in [
            &["offline", "--store", "a", "list"][..],
            &["offline", "inspect", "--store=a", "x"],
            &["offline", "--store", "=", "a", "list"],
        ] {
            assert_eq!(found(words), Some(PathBuf::from("a")), "{words:?}");
        }
        assert_eq!(found(&["offline", "list"]), None);
    }
}
