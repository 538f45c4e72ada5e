//! The power fails: a file system in a file, copied as it is at some moment, has exactly what it wrote until then.
//!
//! What only the page cache knew is lost with the writer. Not modelled is a disk that forgets or reorders what it was
//! given before it was told to flush. A relaxed store may lose what was not sealed, and has to say so.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::scratch::Mount;
use super::worker::{Told, Worker};
use super::{Done, Setting};
use crate::run::{self, Result};

pub(super) struct FileSystem {
    name: &'static str,
    make: [&'static str; 3],
}

pub(super) const EXT4: FileSystem = FileSystem {
    name: "ext4",
    make: ["mkfs.ext4", "-q", "-F"],
};
pub(super) const XFS: FileSystem = FileSystem {
    name: "xfs",
    make: ["mkfs.xfs", "-q", "-f"],
};
pub(super) const BTRFS: FileSystem = FileSystem {
    name: "btrfs",
    make: ["mkfs.btrfs", "-q", "-f"],
};

/// How the worker stores, and what must be there after the cut.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    /// Everything that was acknowledged.
    Durable,
    /// Everything that was sealed; the rest may be lost, and is then said to be.
    Relaxed,
}

impl Mode {
    fn write(self) -> &'static str {
        match self {
            Mode::Durable => "write",
            Mode::Relaxed => "write-relaxed",
        }
    }

    fn check(self) -> &'static str {
        match self {
            Mode::Durable => "check",
            Mode::Relaxed => "check-relaxed",
        }
    }
}

/// More than fast workers fill on btrfs, which keeps its own notes twice; XFS takes none below 300 MB. Only what is
/// written takes memory.
const DISK_BYTES: u64 = 560 << 20;
/// So many cuts a file system goes through before the next one is made.
const CUTS: u32 = 4;
/// A test that finds nothing when nothing is synced tests nothing; by luck it may in a round.
const CONTROLS: u32 = 5;
/// After so many lines of the worker something must be lost when nothing is synced.
const CONTROL_LINES: usize = 100;
/// How long the worker goes on before the cut, in milliseconds at most.
const LONGEST: u64 = 1500;
/// How often a copy is tried until nothing was written meanwhile.
const COPIES: u32 = 50;

pub(super) fn run(setting: &Setting, system: &FileSystem, mode: Mode) -> Result<Done> {
    let [make, ..] = system.make;
    if let Some(lacking) = super::needs_root().or_else(|| super::needs(make)) {
        return Ok(Done::Skipped(lacking));
    }
    if !run::succeeds(Command::new("losetup").arg("--find")) {
        return Ok(Done::Skipped("there are no loop devices".to_owned()));
    }
    let disks = setting.scratch.mount(
        "disks",
        &["-t", "tmpfs", "-o", "size=1200m,mode=0700", "none"],
    )?;
    let machine = Machine {
        setting,
        system,
        mode,
        disk: disks.path().join("disk"),
        copy: disks.path().join("copy"),
    };
    machine.make()?;
    if !machine.is_known()? {
        return Ok(Done::Skipped(format!("the kernel lacks {}", system.name)));
    }

    let rounds = if setting.sample { 2 } else { setting.rounds };
    let mut stored = 0;
    let mut lost = 0;
    let mut told = Told::default();
    for round in 0..rounds {
        // What a relaxed store has lost is not told of any further.
        if round % CUTS == 0 || mode == Mode::Relaxed {
            machine.make()?;
            told = Told::default();
        }
        let before = told.stored();
        let end = match round % CUTS {
            0 if mode == Mode::Durable => End::Early,
            1 => End::Closed,
            _ => End::Cut,
        };
        machine.cut(&mut told, end)?;
        machine
            .check(&mut told)
            .map_err(|error| format!("round {round}: {error}"))?;
        stored += told.stored() - before;
        lost += told.lost();
    }
    let control = machine.control()?;
    disks.unmount()?;
    let outcome = match mode {
        Mode::Durable => "and there".to_owned(),
        Mode::Relaxed => format!("and {lost} of them lost, none that was sealed, none unnoticed"),
    };
    Ok(Done::rounds(
        rounds,
        format!("{stored} entries acknowledged {outcome}; {control}"),
    ))
}

/// What the power cut finds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum End {
    /// A worker that may not yet have created the store.
    Early,
    /// A worker that writes.
    Cut,
    /// A store that has just been closed, with an index that counts as complete.
    Closed,
    /// A worker that writes and whose syncs do nothing.
    Unsynced,
}

/// A machine whose power can be cut.
struct Machine<'a> {
    setting: &'a Setting,
    system: &'a FileSystem,
    mode: Mode,
    disk: PathBuf,
    copy: PathBuf,
}

impl Machine<'_> {
    /// A new, empty disk.
    fn make(&self) -> Result {
        let failed = |error| format!("{}: {error}", self.disk.display());
        let file = File::create(&self.disk).map_err(failed)?;
        file.set_len(DISK_BYTES).map_err(failed)?;
        let [program, arguments @ ..] = self.system.make;
        let mut command = Command::new(program);
        command.args(arguments).arg(&self.disk);
        run::output(&mut command).map(drop)
    }

    fn mount(&self) -> Result<Mount> {
        let disk = self.disk.display().to_string();
        let arguments = ["-t", self.system.name, "-o", "loop", &disk];
        self.setting.scratch.mount("mounted", &arguments)
    }

    /// Whether the kernel has the file system.
    fn is_known(&self) -> Result<bool> {
        let mounted = self.mount();
        let known = fs::read_to_string("/proc/filesystems").unwrap_or_default();
        let is_known = known.lines().any(|line| line.ends_with(self.system.name));
        match mounted {
            Ok(mounted) => mounted.unmount().map(|()| true),
            Err(error) if is_known => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// Writes for a moment, then takes the disk as it is. What was told until then is added.
    fn cut(&self, told: &mut Told, end: End) -> Result {
        let mounted = self.mount()?;
        let mut command = Command::new(&self.setting.worker);
        command
            .arg(self.mode.write())
            .arg(mounted.path().join("store"));
        command.args(["film", "100000", "8"]);
        if end == End::Unsynced {
            command.env("LD_PRELOAD", "libeatmydata.so");
        }
        let mut worker = Worker::start(&self.setting.scratch, "write", &mut command)?;
        worker.wait_for_lines(match end {
            End::Early => 0,
            End::Cut | End::Closed => 1,
            End::Unsynced => CONTROL_LINES,
        })?;
        std::thread::sleep(Duration::from_millis(super::random(LONGEST)));
        let ended = if end == End::Closed {
            let ended = worker.stop()?.good()?;
            self.take()?;
            ended
        } else {
            worker.signal("STOP")?;
            self.take()?;
            worker.kill()?
        };
        told.add(&ended.lines);
        mounted.unmount()?;
        fs::rename(&self.copy, &self.disk).map_err(|error| error.to_string())
    }

    /// Copies the disk as it is at one moment: the copy is equal to what is there after it was made.
    fn take(&self) -> Result {
        for _ in 0..COPIES {
            let mut copy = Command::new("cp");
            copy.arg("--sparse=always").arg(&self.disk).arg(&self.copy);
            run::status(&mut copy)?;
            let mut compare = Command::new("cmp");
            compare.arg("--quiet").arg(&self.disk).arg(&self.copy);
            if run::succeeds(&mut compare) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err(format!("{} never comes to rest", self.system.name))
    }

    /// Switches the machine on again and compares.
    fn check(&self, told: &mut Told) -> Result {
        let mounted = self.mount()?;
        let store = mounted.path().join("store");
        let Setting {
            scratch, worker, ..
        } = self.setting;
        let checked = told.check_by(self.mode.check(), scratch, worker, &store);
        mounted.unmount()?;
        checked
    }

    /// The same without syncs, which must go wrong.
    fn control(&self) -> Result<String> {
        if let Some(lacking) = super::needs("eatmydata") {
            return Ok(format!("without the control: {lacking}"));
        }
        for round in 1..=CONTROLS {
            let mut told = Told::default();
            self.make()?;
            self.cut(&mut told, End::Unsynced)?;
            if let Err(error) = self.check(&mut told) {
                let first = error.lines().next().unwrap_or_default();
                return Ok(format!("without syncs round {round} fails ({first})"));
            }
        }
        Err(format!(
            "{CONTROLS} rounds without syncs passed: this tests nothing"
        ))
    }
}
