//! `offline completions`, `offline man`

use std::path::Path;

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};

use crate::cli::{self, Cli, Manual};
use crate::render::output;
use crate::{Error, ErrorKind, Result};

/// What a heading of the long help begins with; what follows it are examples.
const EXAMPLES: &str = "Examples:\n";

pub(super) fn completions(shell: clap_complete::Shell) -> Result<u8> {
    let script = cli::completion_script(shell).map_err(cannot_write)?;
    output::line(script.trim_end())?;
    Ok(0)
}

pub(super) fn man(arguments: &Manual) -> Result<u8> {
    let mut offline = Cli::command().disable_help_subcommand(true);
    offline.build();
    if let Some(folder) = &arguments.output {
        std::fs::create_dir_all(folder).map_err(cannot_write)?;
        for command in std::iter::once(&offline).chain(shown(&offline)) {
            write(folder, command)?;
        }
        return Ok(0);
    }
    let command = match &arguments.command {
        None => &offline,
        Some(name) => shown(&offline)
            .find(|command| command.get_name() == name)
            .ok_or_else(|| {
                Error::usage(format!("no command `{name}`")).hint("see `offline --help`")
            })?,
    };
    output::line(page(command)?.trim_end())?;
    Ok(0)
}

fn shown(offline: &Command) -> impl Iterator<Item = &Command> {
    offline
        .get_subcommands()
        .filter(|command| !command.is_hide_set())
}

fn write(folder: &Path, command: &Command) -> Result<()> {
    let path = folder.join(Man::new(command.clone()).get_filename());
    std::fs::write(&path, page(command)?).map_err(|error| {
        Error::new(
            ErrorKind::Storage,
            format!("cannot write {}", path.display()),
        )
        .because(error)
    })
}

fn page(command: &Command) -> Result<String> {
    let version = concat!("offline ", env!("CARGO_PKG_VERSION"));
    let man = Man::new(command.clone())
        .source(version)
        .manual("offline manual");
    let mut page = Vec::new();
    man.render_title(&mut page)
        .and_then(|()| man.render_name_section(&mut page))
        .and_then(|()| man.render_synopsis_section(&mut page))
        .and_then(|()| man.render_description_section(&mut page))
        .and_then(|()| man.render_options_section(&mut page))
        .map_err(cannot_write)?;
    if shown(command).next().is_some() {
        man.render_subcommands_section(&mut page)
            .and_then(|()| man.render_extra_section(&mut page))
            .map_err(cannot_write)?;
    }
    let long = command.get_after_long_help().map(ToString::to_string);
    if let Some(examples) = long.as_ref().and_then(|text| text.strip_prefix(EXAMPLES)) {
        section_of_examples(examples)
            .to_writer(&mut page)
            .map_err(cannot_write)?;
    }
    if command.get_name() != "offline" {
        let mut roff = Roff::new();
        roff.control("SH", ["SEE ALSO"]);
        roff.text([roman("offline(1)")]);
        roff.to_writer(&mut page).map_err(cannot_write)?;
    }
    Ok(String::from_utf8_lossy(&page).into_owned())
}

/// Each line as it is typed, under what it is for.
fn section_of_examples(examples: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]);
    for block in examples.split("\n\n") {
        roff.control("PP", []);
        roff.control("nf", []);
        for line in block.lines() {
            roff.text([roman(line.trim_start())]);
        }
        roff.control("fi", []);
    }
    roff
}

fn cannot_write(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Storage, "the page cannot be written").because(error)
}
