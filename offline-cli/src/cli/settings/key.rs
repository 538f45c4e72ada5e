//! Which flags can have defaults, and how their values are written.

use clap::{Arg, ArgAction, Command};
use url::Url;

use super::{Setting, Value};

/// Flags without a default of one's own, of a command or (`*`) of all, and why.
pub(super) const WITHOUT: &[(&str, &str, &str)] = &[
    ("*", "help", "it asks for something else"),
    ("*", "config", "it says where defaults are"),
    ("download", "id", "it names one asset"),
    ("download", "title", "it names one asset"),
    ("download", "artwork", "it is of one asset"),
    ("download", "metadata", "it is of one asset"),
    ("download", "base-url", "it is of one playlist"),
    ("download", "interactive", "it needs somebody to ask"),
    ("probe", "base-url", "it is of one playlist"),
    ("resume", "url", "it is of one asset"),
    ("export", "output", "it is of one asset"),
    ("man", "output", "it is where something goes once"),
    ("policy", "*", "it changes an asset"),
    ("purge", "trust-clock", "it is decided each time"),
];

/// Why a flag has no default, if it has none.
pub(super) fn without(command: &str, flag: &str) -> Option<&'static str> {
    let is_it = |(of, name, _): &&(&str, &str, &str)| {
        (*of == "*" || *of == command) && (*name == "*" || *name == flag)
    };
    WITHOUT
        .iter()
        .find(is_it)
        // Those that every command has are never meant by `*`.
        .filter(|(_, name, _)| *name != "*" || !GLOBAL.contains(&flag))
        .map(|(_, _, why)| *why)
}

const GLOBAL: &[&str] = &["store", "json", "color", "verbose", "log-file", "quiet"];

/// How a flag is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Switch,
    Count,
    Text,
    /// With or without a value.
    Optional,
    /// Several times.
    List,
}

pub(super) fn kind(flag: &Arg) -> Kind {
    let at_least = flag.get_num_args().map_or(1, |range| range.min_values());
    match flag.get_action() {
        ArgAction::SetTrue | ArgAction::SetFalse => Kind::Switch,
        ArgAction::Count => Kind::Count,
        _ if at_least == 0 => Kind::Optional,
        ArgAction::Append => Kind::List,
        _ => Kind::Text,
    }
}

/// The flags of a command that can have defaults, by name. `root` is built.
pub(super) fn flags<'a>(root: &'a Command, command: &str) -> Vec<(&'a str, &'a Arg)> {
    let found = root.find_subcommand(command).map(Command::get_arguments);
    (found.into_iter().flatten())
        .filter_map(|flag| Some((flag.get_long()?, flag)))
        .filter(|(name, _)| without(command, name).is_none())
        .collect()
}

/// The names of all commands that can have sections.
pub(super) fn commands(root: &Command) -> Vec<&str> {
    let commands = root.get_subcommands().map(Command::get_name);
    commands.filter(|name| *name != "help").collect()
}

/// Reads a value of the environment, where everything is text. Several values are lines.
pub(super) fn from_text(flag: &Arg, text: &str) -> Result<Value, String> {
    let switch = || match text.trim().to_ascii_lowercase().as_str() {
        "1" | "true" | "yes" | "on" => Ok(true),
        "" | "0" | "false" | "no" | "off" => Ok(false),
        _ => Err("is neither true nor false".to_owned()),
    };
    Ok(match kind(flag) {
        Kind::Switch => Value::Times(u8::from(switch()?)),
        Kind::Count => match text.trim().parse() {
            Ok(times) if times < 10 => Value::Times(times),
            _ => Value::Times(u8::from(switch()?)),
        },
        Kind::Optional => match switch() {
            Ok(is_on) => Value::Times(u8::from(is_on)),
            Err(_) => Value::Texts(vec![text.to_owned()]),
        },
        Kind::Text => Value::Texts(vec![text.to_owned()]),
        Kind::List => Value::Texts(
            (text.lines().filter(|line| !line.trim().is_empty()))
                .map(str::to_owned)
                .collect(),
        ),
    })
}

/// A path may begin at home, as the shell has it.
pub(super) fn at_home(flag: &Arg, text: String) -> String {
    let names = flag.get_value_names().unwrap_or_default();
    let is_path = names
        .iter()
        .any(|name| ["FILE", "DIR", "PATH"].contains(&name.as_str()));
    let home = directories::BaseDirs::new();
    match (text.strip_prefix("~/"), home) {
        (Some(rest), Some(home)) if is_path => {
            home.home_dir().join(rest).to_string_lossy().into_owned()
        }
        _ => text,
    }
}

/// A value without what is secret in it.
pub(crate) fn redacted(flag: &str, value: &str) -> String {
    match flag {
        "header" => match value.split_once(':') {
            Some((name, _)) => format!("{}: …", name.trim()),
            None => "…".to_owned(),
        },
        "proxy" => without_user(value),
        _ => value.to_owned(),
    }
}

/// The address of a proxy without user and password.
pub(super) fn without_user(address: &str) -> String {
    match Url::parse(address) {
        Ok(mut url) if url.has_authority() => {
            let _ = url.set_username("");
            let _ = url.set_password(None);
            url.to_string()
        }
        _ => address
            .rsplit_once('@')
            .map_or(address, |(_, host)| host)
            .to_owned(),
    }
}

/// Whether a setting is something that nobody else should read.
pub(super) fn is_secret(setting: &Setting) -> bool {
    let Value::Texts(values) = &setting.value else {
        return false;
    };
    match setting.flag.as_str() {
        "header" => true,
        "proxy" => values.iter().any(|value| value.contains('@')),
        _ => false,
    }
}

/// What may have been meant.
pub(super) fn nearest<'a>(
    wrong: &str,
    right: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let rated = right
        .into_iter()
        .map(|name| (strsim::jaro_winkler(wrong, name), name));
    rated
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;
    use crate::cli::Cli;

    #[test]
    fn every_flag_is_a_key_or_is_said_why_not() {
        let mut root = Cli::command();
        root.build();
        let mut is_used = vec![false; WITHOUT.len()];
        let mut keys = 0;
        for command in commands(&root) {
            let arguments = root.find_subcommand(command).unwrap().get_arguments();
            for flag in arguments.filter(|argument| !argument.is_positional()) {
                let name = flag.get_long().unwrap();
                match without(command, name) {
                    Some(why) => assert!(!why.is_empty()),
                    None => keys += 1,
                }
                for (index, (of, not, _)) in WITHOUT.iter().enumerate() {
                    is_used[index] |=
                        (*of == "*" || *of == command) && (*not == "*" || *not == name);
                }
            }
        }
        assert!(keys > 50, "{keys}");
        for ((of, name, _), is_used) in WITHOUT.iter().zip(is_used) {
            assert!(is_used, "there is no {of}.{name} any more");
        }
        let globals = root.get_arguments().filter(|flag| flag.is_global_set());
        let globals = globals.filter_map(Arg::get_long);
        let left: Vec<&str> = globals
            .filter(|name| !GLOBAL.contains(name) && without("list", name).is_none())
            .collect();
        assert_eq!(left, [""; 0], "every command has them: name them in GLOBAL");
    }

    #[test]
    fn what_is_secret_is_left_out() {
        assert_eq!(
            redacted("header", "Authorization: Bearer 1"),
            "Authorization: …"
        );
        assert_eq!(redacted("header", "secret"), "…");
        assert_eq!(
            redacted("proxy", "http://user:word@proxy:1/"),
            "http://proxy:1/"
        );
        assert_eq!(redacted("proxy", "user:word@proxy:1"), "proxy:1");
        assert_eq!(redacted("proxy", ""), "");
    }

    #[test]
    fn something_near_is_meant() {
        let names = ["parallel", "proxy", "header"];
        assert_eq!(nearest("paralel", names), Some("parallel"));
        assert_eq!(nearest("headers", names), Some("header"));
        assert_eq!(nearest("zzz", names), None);
    }
}
