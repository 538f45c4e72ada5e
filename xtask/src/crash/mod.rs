//! `cargo xtask crash`: asset-store killed, starved and cut off from power, for real.

mod beside;
mod full;
mod inject;
mod kill;
mod power;
mod scratch;
mod worker;

use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use clap::Args;

use crate::run::{self, Result, say};
use power::{BTRFS, EXT4, Mode, XFS};
use scratch::Scratch;

/// Options of `crash`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// How often to kill, and to cut the power of each file system
    #[arg(long, value_name = "N", default_value_t = 20)]
    rounds: u32,

    /// How long to read and to collect garbage beside writers
    #[arg(long, value_name = "N", default_value_t = 60)]
    seconds: u64,

    /// Only this test: kill, inject, full, power, relaxed (power cuts too), beside
    #[arg(long, value_name = "NAME")]
    only: Option<String>,

    /// Inject only some of the faults, as the gate does
    #[arg(long)]
    sample: bool,
}

impl Options {
    /// What the gate has time for.
    pub(crate) fn short() -> Options {
        Options {
            rounds: 5,
            seconds: 5,
            only: None,
            sample: true,
        }
    }
}

/// What the tests run with.
struct Setting {
    scratch: Scratch,
    worker: PathBuf,
    rounds: u32,
    seconds: u64,
    sample: bool,
}

/// How a test went that found nothing wrong.
enum Done {
    Passed {
        rounds: String,
        note: String,
    },
    /// What is lacking to run it.
    Skipped(String),
}

impl Done {
    fn rounds(rounds: u32, note: String) -> Done {
        Done::Passed {
            rounds: rounds.to_string(),
            note,
        }
    }
}

type Test = fn(&Setting) -> Result<Done>;

/// The tests: the name to choose by, the name of the row, what runs.
const TESTS: [(&str, &str, Test); 10] = [
    ("kill", "kill", kill::run),
    ("inject", "inject", inject::run),
    ("full", "full", full::run),
    ("power", "power, ext4", |setting| {
        power::run(setting, &EXT4, Mode::Durable)
    }),
    ("power", "power, XFS", |setting| {
        power::run(setting, &XFS, Mode::Durable)
    }),
    ("power", "power, btrfs", |setting| {
        power::run(setting, &BTRFS, Mode::Durable)
    }),
    ("relaxed", "relaxed, ext4", |setting| {
        power::run(setting, &EXT4, Mode::Relaxed)
    }),
    ("relaxed", "relaxed, XFS", |setting| {
        power::run(setting, &XFS, Mode::Relaxed)
    }),
    ("relaxed", "relaxed, btrfs", |setting| {
        power::run(setting, &BTRFS, Mode::Relaxed)
    }),
    ("beside", "beside", beside::run),
];

pub(crate) fn run(options: &Options) -> Result {
    let chosen: Vec<_> = TESTS
        .iter()
        .filter(|(name, ..)| options.only.as_deref().is_none_or(|only| only == *name))
        .collect();
    if chosen.is_empty() {
        return Err(
            "no such test; there are kill, inject, full, power, relaxed, beside".to_owned(),
        );
    }
    if cfg!(not(unix)) {
        say("skipped: the crash tests need the signals of Unix");
        return Ok(());
    }
    let scratch = Scratch::new()?;
    let setting = Setting {
        worker: worker::build(&scratch)?,
        scratch,
        rounds: options.rounds,
        seconds: options.seconds,
        sample: options.sample,
    };
    let mut failures = 0;
    let mut rows = vec![row("test", "rounds", "time", "result")];
    for (_, name, test) in chosen {
        let begun = Instant::now();
        let (rounds, result) = match test(&setting) {
            Ok(Done::Passed { rounds, note }) => (rounds, format!("passed: {note}")),
            Ok(Done::Skipped(lacking)) => ("-".to_owned(), format!("skipped: {lacking}")),
            Err(error) => {
                failures += 1;
                ("-".to_owned(), format!("FAILED: {error}"))
            }
        };
        let time = format!("{:.1} s", begun.elapsed().as_secs_f64());
        say(&format!("{name}: {result}"));
        rows.push(row(name, &rounds, &time, &result));
    }
    say("");
    for row in rows {
        say(&row);
    }
    match failures {
        0 => Ok(()),
        _ => Err(format!("{failures} of the crash tests failed")),
    }
}

fn row(test: &str, rounds: &str, time: &str, result: &str) -> String {
    let first = result.lines().next().unwrap_or_default();
    format!("{test:<14}{rounds:>8}{time:>10}  {first}")
}

/// A number below `limit`, another one each time.
fn random(limit: u64) -> u64 {
    RandomState::new().hash_one(limit) % limit
}

/// What is lacking when this is not run by root.
fn needs_root() -> Option<String> {
    let user = run::output(Command::new("id").arg("-u")).unwrap_or_default();
    (user.trim() != "0").then(|| "needs root".to_owned())
}

/// What is lacking when a program is not installed.
fn needs(program: &str) -> Option<String> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path)
        .chain(["/usr/sbin".into(), "/sbin".into()])
        .any(|folder| folder.join(program).is_file());
    (!found).then(|| format!("{program} is not installed"))
}

/// Copies a folder with everything about its files.
fn copy(from: &Path, to: &Path) -> Result {
    run::status(Command::new("cp").arg("-a").arg(from).arg(to))
}
