//! What was said, with what is set in front of it.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory, FromArgMatches};
use http::{HeaderName, HeaderValue};

use super::file::File;
use super::key;
use super::{From, HostSettings, Setting, Shown, ShownSetting, Value};
use crate::cli::{Cli, value};
use crate::{Error, Result};

/// Variables of their own meaning.
const OTHER_VARIABLES: [&str; 4] = [
    "OFFLINE_STORE",
    "OFFLINE_CONFIG",
    "OFFLINE_LOG",
    "OFFLINE_COMPLETE",
];

/// A command line, read, and what there is to warn about.
pub(crate) struct Parsed {
    pub(crate) cli: Cli,
    pub(crate) warnings: Vec<String>,
}

/// Reads the command line; what it does not say is as the environment and the file have it. Ends the process when the
/// command line is wrong, or asks for help.
pub(crate) fn parse(arguments: &[OsString]) -> Result<Parsed> {
    let said = read(arguments).unwrap_or_else(|error| error.exit());
    let found = Found::read(config(&said))?;
    let mut warnings = Vec::new();
    let Some((command, of_command)) = said.subcommand() else {
        return Ok(finish(&said, Vec::new(), warnings));
    };
    if let Some(file) = found.file.as_ref().filter(|file| file.is_open)
        && (file.settings.iter().any(key::is_secret)
            || file.hosts.iter().any(HostSettings::has_secrets))
    {
        warnings.push(format!(
            "warning: {} holds secrets, and others may read it; `chmod 600` keeps them out",
            file.path.display()
        ));
    }
    let mut pending: Vec<&Setting> = (key::flags(&found.root, command).into_iter())
        .filter(|(_, flag)| !is_said(of_command, flag) && !is_said(&said, flag))
        .filter_map(|(name, _)| found.holding(command, name))
        .filter(|setting| setting.value != Value::Times(0))
        .collect();
    let place = place_of(arguments, &found.root, command);
    let hosts = found.hosts_for(command, of_command);
    let mut taken: Vec<OsString> = Vec::new();
    let mut matches = said;
    // Some hold only beside others, which may come later.
    loop {
        let mut rest = Vec::new();
        let before = pending.len();
        for setting in pending {
            let mut words = taken.clone();
            words.extend(setting.words());
            match read(&with(arguments, place, &words)) {
                Ok(more) => (taken, matches) = (words, more),
                Err(error) => match error.kind() {
                    // It goes with something that is not asked for, or against something that is.
                    ErrorKind::MissingRequiredArgument | ErrorKind::ArgumentConflict => {
                        rest.push(setting);
                    }
                    _ => return Err(found.mistake(setting, &error)),
                },
            }
        }
        if rest.is_empty() || rest.len() == before {
            break;
        }
        pending = rest;
    }
    Ok(finish(&matches, hosts, warnings))
}

/// All that holds for all commands, with the file that the command line or the environment names.
pub(crate) fn shown(config: Option<&OsString>) -> Result<Shown> {
    let found = Found::read(config.cloned())?;
    let mut settings = Vec::new();
    for command in key::commands(&found.root) {
        for (name, flag) in key::flags(&found.root, command) {
            let by_clap = flag
                .get_env()
                .filter(|name| std::env::var_os(name).is_some());
            let (key, value, from) = match (by_clap, found.holding(command, name)) {
                (Some(variable), _) => (
                    name.to_owned(),
                    std::env::var(variable).ok(),
                    From::Environment {
                        variable: variable.to_string_lossy().into_owned(),
                    },
                ),
                (None, Some(setting)) => {
                    (setting.key(), Some(setting.shown()), setting.from.clone())
                }
                (None, None) => (format!("{command}.{name}"), default(flag), From::Default),
            };
            settings.push(ShownSetting {
                command: command.to_owned(),
                flag: name.to_owned(),
                key,
                value,
                from,
            });
        }
    }
    let (path, hosts) = found.file.map(|file| (file.path, file.hosts)).unzip();
    Ok(Shown {
        file: path,
        settings,
        hosts: hosts.unwrap_or_default(),
    })
}

fn default(flag: &Arg) -> Option<String> {
    let values: Vec<_> = (flag.get_default_values().iter())
        .map(|value| value.to_string_lossy())
        .collect();
    match key::kind(flag) {
        key::Kind::Switch => Some("false".to_owned()),
        _ if values.is_empty() => None,
        _ => Some(values.join(", ")),
    }
}

fn read(arguments: &[OsString]) -> std::result::Result<ArgMatches, clap::Error> {
    Cli::command().try_get_matches_from(arguments)
}

fn config(said: &ArgMatches) -> Option<OsString> {
    let of_command = said
        .subcommand()
        .and_then(|(_, matches)| matches.get_one::<OsString>("config"));
    of_command.or_else(|| said.get_one("config")).cloned()
}

fn is_said(matches: &ArgMatches, flag: &Arg) -> bool {
    let id = flag.get_id().as_str();
    let source = matches
        .try_contains_id(id)
        .is_ok()
        .then(|| matches.value_source(id))
        .flatten();
    matches!(
        source,
        Some(ValueSource::CommandLine | ValueSource::EnvVariable)
    )
}

/// Where the words of the command begin: behind its name.
fn place_of(arguments: &[OsString], root: &Command, command: &str) -> usize {
    let takes_value = |word: &str| {
        let flag = word.trim_start_matches('-');
        root.get_arguments().any(|known| {
            known.get_action().takes_values()
                && (known.get_long() == Some(flag)
                    || known
                        .get_short()
                        .is_some_and(|short| flag == short.to_string()))
        })
    };
    let mut is_value = false;
    for (index, word) in arguments.iter().enumerate().skip(1) {
        let word = word.to_string_lossy();
        if std::mem::take(&mut is_value) {
            continue;
        }
        if word.starts_with('-') {
            is_value = takes_value(&word);
        } else if word == command {
            return index + 1;
        }
    }
    arguments.len()
}

fn with(arguments: &[OsString], place: usize, words: &[OsString]) -> Vec<OsString> {
    let (before, after) = arguments.split_at(place.min(arguments.len()));
    [before, words, after].concat()
}

fn finish(matches: &ArgMatches, hosts: Vec<HostSettings>, warnings: Vec<String>) -> Parsed {
    let mut cli = Cli::from_arg_matches(matches).unwrap_or_else(|error| error.exit());
    if let Some(connection) = cli.connection_mut() {
        connection.hosts = hosts;
    }
    Parsed { cli, warnings }
}

/// All that is set.
struct Found {
    /// The definitions of the command line.
    root: Command,
    /// What goes first comes first.
    settings: Vec<Setting>,
    file: Option<File>,
}

impl Found {
    fn read(config: Option<OsString>) -> Result<Found> {
        let mut root = Cli::command();
        root.build();
        let mut settings = environment(&root)?;
        let file = File::find(config.map(PathBuf::from), &root)?;
        if let Some(file) = &file {
            // What is said of one command goes before what is said of all.
            let (of_one, of_all): (Vec<Setting>, Vec<Setting>) =
                (file.settings.iter().cloned()).partition(|setting| setting.command.is_some());
            settings.extend(of_one);
            settings.extend(of_all);
        }
        let found = Found {
            root,
            settings,
            file,
        };
        found.check()?;
        Ok(found)
    }

    /// What is set for a flag of a command.
    fn holding(&self, command: &str, flag: &str) -> Option<&Setting> {
        let mut settings = self.settings.iter();
        settings.find(|setting| setting.is_for(command, flag))
    }

    /// Reads every value, so that a mistake is told by whatever command is run first.
    fn check(&self) -> Result<()> {
        for setting in &self.settings {
            let commands = key::commands(&self.root);
            let command = commands.into_iter().find(|command| {
                let mut flags = key::flags(&self.root, command).into_iter();
                flags.any(|(flag, _)| setting.is_for(command, flag))
            });
            let words = [OsString::from("offline")];
            let words = words.into_iter().chain(command.map(OsString::from));
            let words: Vec<OsString> = words.chain(setting.words()).collect();
            if let Err(error) = read(&words)
                && matches!(
                    error.kind(),
                    ErrorKind::ValueValidation
                        | ErrorKind::InvalidValue
                        | ErrorKind::InvalidUtf8
                        | ErrorKind::TooManyValues
                        | ErrorKind::WrongNumberOfValues
                )
            {
                return Err(self.mistake(setting, &error));
            }
        }
        Ok(())
    }

    fn mistake(&self, setting: &Setting, error: &clap::Error) -> Error {
        let place = match (&setting.from, &self.file) {
            (From::File { line }, Some(file)) => format!("{}:{line}", file.path.display()),
            (From::Environment { variable }, _) => format!("the variable {variable}"),
            _ => "a default".to_owned(),
        };
        let said = error.to_string();
        let what = said.lines().next().unwrap_or_default();
        let what = what.strip_prefix("error: ").unwrap_or(what);
        // The value may be a secret: what is said of a header is said without it.
        let what = match setting.flag.as_str() {
            "header" => what.rsplit_once("': ").map_or(what, |(_, reason)| reason),
            _ => what,
        };
        Error::usage(format!("{place}: {}: {what}", setting.key()))
    }

    /// The sections of hosts, without what the command line or the environment says of all.
    fn hosts_for(&self, command: &str, said: &ArgMatches) -> Vec<HostSettings> {
        let flags = key::flags(&self.root, command);
        let holding = |name: &str| {
            let flag = flags.iter().find(|(flag, _)| *flag == name)?.1;
            let set = self.holding(command, name);
            let set = set.filter(|set| matches!(set.from, From::Environment { .. }));
            (is_said(said, flag) || set.is_some()).then_some((flag, set))
        };
        let headers: Vec<HeaderName> = match holding("header") {
            None => Vec::new(),
            Some((flag, set)) => {
                let id = flag.get_id().as_str();
                let said = said.try_get_many::<(HeaderName, HeaderValue)>(id);
                let said = said.ok().flatten().into_iter().flatten();
                let set = set.map(Setting::texts).unwrap_or_default().iter();
                let set = set.filter_map(|text| value::header(text).ok());
                (said.cloned().chain(set)).map(|(name, _)| name).collect()
            }
        };
        let is_said = |name| holding(name).is_some();
        let hosts = self.file.iter().flat_map(|file| &file.hosts);
        hosts
            .map(|host| {
                let mut host = host.clone();
                host.headers.retain(|(name, _)| !headers.contains(name));
                host.proxy = host.proxy.filter(|_| !is_said("proxy"));
                host.user_agent = host.user_agent.filter(|_| !is_said("user-agent"));
                host.limit_rate = host.limit_rate.filter(|_| !is_said("limit-rate"));
                host
            })
            .collect()
    }
}

/// What is set in variables: `OFFLINE_PARALLEL` for all commands that have the flag, `OFFLINE_DOWNLOAD_PARALLEL` for
/// one, which goes first.
fn environment(root: &Command) -> Result<Vec<Setting>> {
    let name_of = |words: &str| format!("OFFLINE_{}", words.to_uppercase().replace('-', "_"));
    let (mut of_one, mut of_all) = (Vec::new(), Vec::new());
    for command in key::commands(root) {
        for (name, flag) in key::flags(root, command) {
            let variables = [
                (Some(command), name_of(&format!("{command}_{name}"))),
                (None, name_of(name)),
            ];
            for (command, variable) in variables {
                let known: &Vec<Setting> = if command.is_some() { &of_one } else { &of_all };
                if OTHER_VARIABLES.contains(&variable.as_str())
                    || known
                        .iter()
                        .any(|setting| setting.flag == name && command.is_none())
                {
                    continue;
                }
                let Some(text) = std::env::var_os(&variable) else {
                    continue;
                };
                let read = text.to_str().ok_or_else(|| "is no text".to_owned());
                let value = read
                    .and_then(|text| key::from_text(flag, text))
                    .map_err(|what| Error::usage(format!("the variable {variable} {what}")))?;
                let settings = if command.is_some() {
                    &mut of_one
                } else {
                    &mut of_all
                };
                settings.push(Setting {
                    command: command.map(str::to_owned),
                    flag: name.to_owned(),
                    value,
                    from: From::Environment { variable },
                });
            }
        }
    }
    of_one.append(&mut of_all);
    Ok(of_one)
}
