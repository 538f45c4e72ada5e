//! A disk that is full, at another byte each time.

use std::process::Command;

use super::worker::{Told, Worker};
use super::{Done, Setting};
use crate::run::{self, Result};

/// The smallest disk, in KiB: room for what is removed later and for something beside it.
const SMALLEST: u64 = 12 << 10;
/// By how much the disks differ at most.
const SPREAD: u64 = 4 << 10;

pub(super) fn run(setting: &Setting) -> Result<Done> {
    if let Some(lacking) = super::needs_root() {
        return Ok(Done::Skipped(lacking));
    }
    let rounds = setting.rounds.div_ceil(2);
    let mut stored = 0;
    for round in 0..rounds {
        let size = SMALLEST + super::random(SPREAD);
        let options = format!("size={size}k,mode=0700");
        let disk = setting
            .scratch
            .mount("full", &["-t", "tmpfs", "-o", &options, "none"])?;
        let store = disk.path().join("store");
        let mut command = Command::new(&setting.worker);
        command.arg("full").arg(&store);
        let ended = Worker::start(&setting.scratch, "full", &mut command)?.wait()?;
        let place = format!("round {round}, {size} KiB");
        if ended.panicked() {
            return Err(format!("{place}: {}", ended.errors));
        }
        let ended = ended.good().map_err(|error| format!("{place}: {error}"))?;
        let mut told = Told::default();
        told.add(&ended.lines);
        // What goes on from here on needs more than what was freed.
        let mut larger = Command::new("mount");
        larger.args(["-o", "remount,size=64m"]).arg(disk.path());
        run::status(&mut larger)?;
        told.check(&setting.scratch, &setting.worker, &store)
            .map_err(|error| format!("{place}: {error}"))?;
        stored += told.stored();
        disk.unmount()?;
    }
    Ok(Done::rounds(
        rounds,
        format!("{stored} entries acknowledged and there, each disk told as full"),
    ))
}
