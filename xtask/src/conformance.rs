//! `cargo xtask conformance DIR`: playlists of other projects, read as they read them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use clap::Args;

use crate::run::{self, Result, say};

/// Options of `conformance`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// A folder of playlists with an EXPECTED.tsv: path, then M and the number of segments or V and the number of variants
    folder: PathBuf,
}

/// In tenths of a percent, how many have to be read as expected.
const AS_EXPECTED: usize = 995;

/// How many files one process reads; a panic in one of them costs only its batch.
const BATCH: usize = 50;

/// What came of the files of one source.
#[derive(Debug, Default)]
struct Tally {
    files: usize,
    as_expected: usize,
    refused: usize,
    identical: usize,
    /// With a breach of what clients must refuse, read all the same.
    forgiven: usize,
    fatal: usize,
    panics: usize,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        self.files += other.files;
        self.as_expected += other.as_expected;
        self.refused += other.refused;
        self.identical += other.identical;
        self.forgiven += other.forgiven;
        self.fatal += other.fatal;
        self.panics += other.panics;
    }

    fn row(&self, name: &str) -> String {
        format!(
            "{name:<28}{:>7}{:>13}{:>11}{:>9}{:>10}{:>8}{:>8}",
            self.files,
            self.as_expected,
            self.identical,
            self.refused,
            self.forgiven,
            self.fatal,
            self.panics
        )
    }
}

pub(crate) fn run(options: &Options) -> Result {
    run::status(run::cargo().args([
        "build",
        "--locked",
        "-p",
        "hls-parse",
        "--example",
        "summarize",
    ]))?;
    let program = run::target_directory()?
        .join("debug/examples")
        .join(format!("summarize{}", std::env::consts::EXE_SUFFIX));
    let expected = expected(&options.folder)?;
    let mut sources: BTreeMap<&str, Tally> = BTreeMap::new();
    for batch in expected.chunks(BATCH) {
        let lines = summaries(&program, &options.folder, batch)?;
        for ((path, kind_and_count), line) in batch.iter().zip(lines) {
            let source = path.split('/').next().unwrap_or_default();
            let tally = judge(path, kind_and_count, line.as_deref());
            sources.entry(source).or_default().add(&tally);
        }
    }
    let mut total = Tally::default();
    say(&format!(
        "{:<28}{:>7}{:>13}{:>11}{:>9}{:>10}{:>8}{:>8}",
        "source", "files", "as expected", "identical", "refused", "forgiven", "fatal", "panics"
    ));
    for (source, tally) in &sources {
        say(&tally.row(source));
        total.add(tally);
    }
    say(&total.row("all"));
    verdict(&total)
}

fn verdict(total: &Tally) -> Result {
    if total.files == 0 {
        return Err("EXPECTED.tsv names no files".to_owned());
    }
    let mut failures = Vec::new();
    if total.as_expected * 1000 < total.files * AS_EXPECTED {
        failures.push(format!(
            "{} of {} are as expected, less than 99.5 %",
            total.as_expected, total.files
        ));
    }
    let different = total.files - total.refused - total.panics - total.identical;
    if different > 0 {
        failures.push(format!("{different} are not written back byte for byte"));
    }
    if total.fatal > 0 {
        failures.push(format!(
            "{} are accepted by others and have a fatal diagnostic",
            total.fatal
        ));
    }
    if total.panics > 0 {
        failures.push(format!("{} made the parser panic", total.panics));
    }
    if failures.is_empty() {
        Ok(())
    } else {
        Err(failures.join("; "))
    }
}

fn expected(folder: &Path) -> Result<Vec<(String, String)>> {
    let path = folder.join("EXPECTED.tsv");
    let text = fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let rows = text
        .lines()
        .skip(1)
        .filter_map(|line| line.split_once('\t'));
    Ok(rows
        .map(|(path, kind)| (path.to_owned(), kind.trim().to_owned()))
        .collect())
}

/// One line of JSON for each file; `None` where the parser panicked.
fn summaries(
    program: &Path,
    folder: &Path,
    batch: &[(String, String)],
) -> Result<Vec<Option<String>>> {
    let run = |files: &[(String, String)]| {
        Command::new(program)
            .args(files.iter().map(|(path, _)| folder.join(path)))
            .stderr(Stdio::null())
            .output()
            .map_err(|error| format!("{}: {error}", program.display()))
    };
    let output = run(batch)?;
    let text = String::from_utf8_lossy(&output.stdout);
    let lines: Vec<Option<String>> = text.lines().map(|line| Some(line.to_owned())).collect();
    if output.status.success() && lines.len() == batch.len() {
        return Ok(lines);
    }
    // Some file is to blame; one by one it shows which.
    batch
        .iter()
        .map(|file| {
            let output = run(std::slice::from_ref(file))?;
            let line = String::from_utf8_lossy(&output.stdout).trim().to_owned();
            Ok((output.status.success() && !line.is_empty()).then_some(line))
        })
        .collect()
}

fn judge(path: &str, expected: &str, line: Option<&str>) -> Tally {
    let mut tally = Tally {
        files: 1,
        ..Tally::default()
    };
    let Some(line) = line else {
        tally.panics = 1;
        say(&format!("{path}: panic"));
        return tally;
    };
    let number = |name: &str| field(line, name).unwrap_or_default();
    let found = match number("kind") {
        "\"media\"" => format!("M{}", number("segments")),
        "\"multivariant\"" => format!("V{}", number("variants")),
        _ => {
            tally.refused = 1;
            "refused".to_owned()
        }
    };
    tally.as_expected = usize::from(found == expected);
    // What is refused as a playlist is written back all the same.
    tally.identical = usize::from(tally.refused == 0 && number("roundtrip") == "true");
    tally.forgiven = usize::from(line.contains("\"forgiven\":true"));
    tally.fatal = usize::from(line.contains("\"severity\":\"fatal\""));
    if found != expected {
        say(&format!("{path}: expected {expected}, found {found}"));
    }
    if tally.refused + tally.identical == 0 {
        say(&format!("{path}: not written back byte for byte"));
    }
    if tally.fatal > 0 {
        say(&format!("{path}: has a fatal diagnostic"));
    }
    tally
}

/// A value in a line that the example has written: names in quotes, no space around the colon, numbers and words without a comma in them.
fn field<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let (_, rest) = line.split_once(&format!("\"{name}\":"))?;
    rest.split([',', '}']).next()
}
