//! Killed at any moment, again and again.

use std::process::Command;
use std::time::Duration;

use super::{Done, Setting};
use crate::run::Result;

use super::worker::{Told, Worker};

/// In milliseconds.
const LONGEST: u64 = 400;

pub(super) fn run(setting: &Setting) -> Result<Done> {
    let folder = setting.scratch.folder("kill")?;
    let store = folder.join("store");
    let mut told = Told::default();
    for round in 0..setting.rounds {
        let mut command = Command::new(&setting.worker);
        command
            .arg("write")
            .arg(&store)
            .args(["film", "100000", "8"]);
        let mut worker = Worker::start(&setting.scratch, "write", &mut command)?;
        // Now and then while the store is being created, or opened.
        if round % 4 > 0 {
            worker.wait_for_lines(1)?;
        }
        std::thread::sleep(Duration::from_millis(super::random(LONGEST)));
        let ended = worker.kill()?;
        told.add(&ended.lines);
        told.check(&setting.scratch, &setting.worker, &store)
            .map_err(|error| format!("round {round}: {error}"))?;
    }
    Ok(Done::rounds(
        setting.rounds,
        format!("{} entries acknowledged and there", told.stored()),
    ))
}
