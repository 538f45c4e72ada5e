//! The command line that asks nothing: the one that was typed, and what was answered.

use std::ffi::OsString;

use super::settings::redacted;
use crate::render::text::printable;

/// Flags whose values may be secret.
const SECRET: &[&str] = &["header", "proxy"];

/// The command line of this process without `-i`, with more words at its end, as a shell reads it. Secrets are left out.
pub(crate) fn command_line(
    arguments: impl IntoIterator<Item = OsString>,
    more: impl IntoIterator<Item = String>,
) -> String {
    let mut words = vec!["offline".to_owned()];
    let mut secret = None;
    // The first one is the name of the program.
    for argument in arguments.into_iter().skip(1) {
        let word = argument.to_string_lossy();
        if let Some(flag) = secret.take() {
            words.push(redacted(flag, &word));
            continue;
        }
        let long = word.strip_prefix("--");
        if long == Some("interactive") {
            continue;
        }
        let (name, value) = match long.and_then(|long| long.split_once('=')) {
            Some((name, value)) => (Some(name), Some(value)),
            None => (long, None),
        };
        let flag = SECRET.iter().find(|secret| Some(**secret) == name);
        match (flag, value) {
            (Some(flag), Some(value)) => {
                words.push(format!("--{flag}={}", redacted(flag, value)));
            }
            (flag, _) => {
                secret = flag.copied();
                words.extend(without_switch(&word));
            }
        }
    }
    words.extend(more);
    let quoted: Vec<String> = words.iter().map(|word| quoted(word)).collect();
    quoted.join(" ")
}

/// A word without the `i` among short switches; `None` when nothing is left of it.
fn without_switch(word: &str) -> Option<String> {
    let switches = word
        .strip_prefix('-')
        .filter(|rest| !rest.is_empty() && rest.bytes().all(|letter| letter.is_ascii_alphabetic()));
    let Some(switches) = switches else {
        return Some(word.to_owned());
    };
    let left = switches.replace('i', "");
    (!left.is_empty()).then(|| format!("-{left}"))
}

/// A word as a shell reads it.
fn quoted(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./:=,@%+".contains(&byte);
    let word = printable(word);
    if !word.is_empty() && word.bytes().all(is_plain) {
        return word;
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(typed: &[&str], more: &[&str]) -> String {
        command_line(
            typed.iter().map(OsString::from),
            more.iter().map(|word| (*word).to_owned()),
        )
    }

    #[test]
    fn what_was_typed_stays_but_for_the_asking() {
        assert_eq!(
            line(
                &["/bin/offline", "download", "-vi", "http://a/b?c=1&d", "-i"],
                &["--variant", "height=720 && codec=hvc1"]
            ),
            "offline download -v 'http://a/b?c=1&d' --variant 'height=720 && codec=hvc1'"
        );
        assert_eq!(
            line(
                &[
                    "offline",
                    "download",
                    "u",
                    "--title",
                    "It's",
                    "--interactive"
                ],
                &[]
            ),
            r"offline download u --title 'It'\''s'"
        );
    }

    #[test]
    fn secrets_are_not_repeated() {
        let said = line(
            &[
                "offline",
                "download",
                "-i",
                "--header",
                "Authorization: Bearer hush",
                "--header=Cookie: hush",
                "--proxy",
                "http://me:hush@proxy/",
                "u",
            ],
            &["--audio", "en"],
        );
        assert!(!said.contains("hush"), "{said}");
        assert!(said.ends_with(" u --audio en"), "{said}");
        assert_eq!(said.matches("--header").count(), 2, "{said}");
    }
}
