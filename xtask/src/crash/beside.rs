//! Writers, readers and garbage collections in processes of their own, at the same time.

use std::process::Command;
use std::time::{Duration, Instant};

use super::worker::{Told, Worker};
use super::{Done, Setting};
use crate::run::{self, Result};

pub(super) fn run(setting: &Setting) -> Result<Done> {
    let store = setting.scratch.folder("beside")?.join("store");
    run::status(Command::new(&setting.worker).arg("create").arg(&store))?;
    let start = |name: &str, what: &str, arguments: &[&str]| {
        let mut command = Command::new(&setting.worker);
        command.arg(what).arg(&store).args(arguments);
        Worker::start(&setting.scratch, name, &mut command)
    };
    // Two writers of equal content, so that one relies on blobs of the other while garbage is collected.
    let mut workers = vec![
        ("writer a", start("a", "write", &["a", "1000000", "8"])?),
        ("writer b", start("b", "write", &["b", "1000000", "8"])?),
        ("reader 1", start("reader1", "read", &[])?),
        ("reader 2", start("reader2", "read", &[])?),
        ("collector", start("collector", "collect", &[])?),
    ];
    let begun = Instant::now();
    let mut early = None;
    while early.is_none() && begun.elapsed() < Duration::from_secs(setting.seconds) {
        std::thread::sleep(Duration::from_millis(100));
        for (name, worker) in &mut workers {
            if worker.is_over()? {
                early = Some(*name);
            }
        }
    }
    let mut told = Told::default();
    let mut notes = Vec::new();
    for (name, worker) in workers {
        let ended = worker.stop()?;
        if ended.panicked() {
            return Err(format!("the {name}: {}", ended.errors));
        }
        let ended = ended
            .good()
            .map_err(|error| format!("the {name}: {error}"))?;
        if let Some(error) = ended.lines.iter().find(|line| line.starts_with("ERROR")) {
            return Err(format!("the {name}: {error}"));
        }
        notes.extend(
            ended
                .lines
                .iter()
                .filter(|line| line.starts_with("READ ") || line.starts_with("COLLECTED "))
                .map(|line| line.to_lowercase()),
        );
        told.add(&ended.lines);
    }
    if let Some(name) = early {
        return Err(format!("the {name} ended before it was told to"));
    }
    let stored = told.stored();
    told.check(&setting.scratch, &setting.worker, &store)?;
    Ok(Done::Passed {
        rounds: format!("{} s", setting.seconds),
        note: format!("{stored} entries stored, {}", notes.join(", ")),
    })
}
