//! `offline config`

use std::collections::HashSet;
use std::ffi::OsString;

use crate::Result;
use crate::cli::Config;
use crate::cli::settings::{self, From, Shown};
use crate::render::output::{self, Output};
use crate::render::table::table;
use crate::render::text::printable;

pub(super) fn run(file: Option<&OsString>, arguments: &Config, output: Output) -> Result<u8> {
    let shown = settings::shown(file)?;
    if output.json {
        output::json(&shown)?;
        return Ok(0);
    }
    match &shown.file {
        Some(file) => output::line(&format!("file  {}", printable(&file.to_string_lossy())))?,
        None => output::line("file  none")?,
    }
    let rows = rows(&shown, arguments.all);
    if rows.is_empty() {
        output.message("nothing is set; `offline config --all` shows every default");
        return Ok(0);
    }
    output::line(&table(&["KEY", "VALUE", "FROM"], &[], rows))?;
    Ok(0)
}

fn rows(shown: &Shown, with_defaults: bool) -> Vec<Vec<String>> {
    // What is set for all commands is one row.
    let mut seen = HashSet::new();
    let settings = (shown.settings.iter())
        .filter(|setting| with_defaults || setting.from != From::Default)
        .filter(|setting| seen.insert(setting.key.as_str()))
        .map(|setting| {
            let value = setting.value.as_deref().unwrap_or("-");
            let from = match &setting.from {
                From::Default => "default".to_owned(),
                From::File { line } => format!("line {line}"),
                From::Environment { variable } => variable.clone(),
            };
            vec![setting.key.clone(), printable(value), from]
        });
    let hosts = shown.hosts.iter().flat_map(|host| {
        (host.shown().into_iter()).map(|(key, value)| {
            vec![
                printable(&format!("hosts.{:?}.{key}", host.name)),
                printable(&value),
                format!("line {}", host.line),
            ]
        })
    });
    settings.chain(hosts).collect()
}
