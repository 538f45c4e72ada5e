//! Each system call of one ingest fails in turn, or is the last one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use super::scratch::Scratch;
use super::worker::{Told, Worker};
use super::{Done, Setting};
use crate::run::{Result, say};

/// Calls that change something or bring it to the disk, in groups as strace takes them. `?`: not every system has it.
const CALLS: [&str; 8] = [
    "fsync,fdatasync",
    "?rename,?renameat,?renameat2",
    "write,?pwrite64,?writev,?pwritev",
    "?open,openat",
    "?mkdir,mkdirat",
    "?unlink,unlinkat,?rmdir",
    "ftruncate",
    "?chmod,?fchmod,fchmodat",
];

/// With these a name comes to stand for another file.
const RENAMED: &str = "?unlink,unlinkat,?rename,?renameat,?renameat2";

const FAULTS: [&str; 3] = ["error=EIO", "error=ENOSPC", "signal=KILL"];

/// How many of the calls of a kind that create a store fail.
const ALIKE: usize = 20;

/// How many faults are injected when only some are.
const SAMPLE: usize = 24;

/// How many faults are injected at the same time, each into a store of its own.
const LANES: usize = 4;

/// One run of the worker that faults are injected into.
struct Ingest {
    name: &'static str,
    arguments: &'static [&'static str],
    /// The store before; none when the run creates it.
    before: Option<(PathBuf, Told)>,
}

/// What goes wrong in a run.
#[derive(Clone, Copy)]
struct Fault<'a> {
    ingest: &'a Ingest,
    calls: &'static str,
    kind: &'static str,
    /// Which of the calls, counted in each thread for itself.
    number: usize,
}

pub(super) fn run(setting: &Setting) -> Result<Done> {
    if let Some(lacking) = super::needs("strace") {
        return Ok(Done::Skipped(lacking));
    }
    let scratch = setting.scratch.lane("inject")?;
    // What goes before has the large ones; the rest has an entry that is removed and others that are replaced.
    let before = scratch.path("before");
    let mut told = Told::default();
    let mut command = Command::new(&setting.worker);
    command.arg("write").arg(&before).args(["film", "14", "1"]);
    let ended = Worker::start(&scratch, "write", &mut command)?;
    told.add(&ended.wait()?.good()?.lines);
    let ingests = [
        Ingest {
            name: "create",
            arguments: &[],
            before: None,
        },
        Ingest {
            name: "write",
            // One commit at a time, so that the same call is the same one each time.
            arguments: &["film", "22", "1"],
            before: Some((before, told)),
        },
    ];
    let mut faults = Vec::new();
    for ingest in &ingests {
        faults.extend(ingest.faults(&setting.worker, &scratch)?);
    }
    if setting.sample {
        let step = faults.len().div_ceil(SAMPLE);
        let first = usize::try_from(super::random(1000)).unwrap_or_default() % step;
        faults = faults.into_iter().skip(first).step_by(step).collect();
    }
    let rounds = faults.len();
    let wrong = inject_all(setting, &scratch, faults)?;
    match wrong.first() {
        None => Ok(Done::Passed {
            rounds: rounds.to_string(),
            note: "nothing lost, nothing wrong, every store went on".to_owned(),
        }),
        Some(first) => Err(format!("{} of {rounds}, the first: {first}", wrong.len())),
    }
}

/// Injects one fault after the other, several at the same time, and says what went wrong.
fn inject_all(setting: &Setting, scratch: &Scratch, faults: Vec<Fault<'_>>) -> Result<Vec<String>> {
    let left = Mutex::new(faults.into_iter());
    let wrong = Mutex::new(Vec::new());
    let next = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
    let work = |lane: &Scratch| {
        while let Some(fault) = next() {
            if let Err(error) = fault.inject(&setting.worker, lane) {
                let Fault {
                    ingest,
                    calls,
                    kind,
                    number,
                } = fault;
                let error = format!("{} {calls}:{kind}:when={number}: {error}", ingest.name);
                say(&error);
                wrong
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push(error);
            }
        }
    };
    let lanes = (0..LANES).map(|lane| scratch.lane(&format!("lane{lane}")));
    let lanes = lanes.collect::<Result<Vec<_>>>()?;
    std::thread::scope(|scope| {
        for lane in &lanes {
            scope.spawn(|| work(lane));
        }
    });
    Ok(wrong.into_inner().unwrap_or_else(PoisonError::into_inner))
}

impl Fault<'_> {
    fn inject(&self, worker: &Path, scratch: &Scratch) -> Result {
        let trace = scratch.path("trace");
        let (store, mut told) = self.ingest.prepare(scratch)?;
        let mut command = strace(&trace, &format!("{},{RENAMED}", self.calls));
        let inject = format!("inject={}:{}:when={}", self.calls, self.kind, self.number);
        command.args(["-e", &inject]);
        self.ingest.add(&mut command, worker, &store);
        let ended = Worker::start(scratch, "injected", &mut command)?.wait()?;
        let is_error = self.kind.starts_with("error");
        if ended.panicked() || is_error && ended.status.code().is_none() {
            return Err(format!("{}: {}", ended.status, ended.errors.trim()));
        }
        let error = ended.lines.iter().find(|line| line.starts_with("ERROR"));
        if let Some(error) = error
            && self.kind == "error=ENOSPC"
            && !error.starts_with("ERROR DiskFull")
            && !error.starts_with("ERROR cannot print")
        {
            return Err(format!("a full disk is not called one: {error}"));
        }
        if is_error {
            synced_again(&read(&trace)?, &store)?;
        }
        told.add(&ended.lines);
        told.check(scratch, worker, &store)
    }
}

impl Ingest {
    /// Each fault of each call. One thread at most makes so many: strace counts each for itself.
    fn faults(&self, worker: &Path, scratch: &Scratch) -> Result<Vec<Fault<'_>>> {
        let trace = scratch.path("trace");
        let (store, _) = self.prepare(scratch)?;
        let mut command = strace(&trace, &CALLS.join(","));
        self.add(&mut command, worker, &store);
        Worker::start(scratch, "count", &mut command)?
            .wait()?
            .good()?;
        let mut counts: BTreeMap<(&str, &str), usize> = BTreeMap::new();
        let traced = read(&trace)?;
        for line in traced.lines() {
            if let Some((process, call)) = line.split_once(' ')
                && let Some((call, _)) = call.trim_start().split_once('(')
            {
                *counts.entry((process, call)).or_default() += 1;
            }
        }
        let mut faults = Vec::new();
        for calls in CALLS {
            let of_these = |call: &str| calls.split([',', '?']).any(|name| name == call);
            let counted = counts.iter().filter(|((_, call), _)| of_these(call));
            let count = counted.map(|(_, count)| *count).max().unwrap_or_default();
            // The 256 folders of blobs are made alike; and creating replaces little.
            let step = match self.before {
                Some(_) if count == 0 => {
                    return Err(format!(
                        "strace sees no {calls}: they have other names here"
                    ));
                }
                Some(_) => 1,
                None => count.div_ceil(ALIKE).max(1),
            };
            say(&format!("inject: {} makes {count} of {calls}", self.name));
            for kind in FAULTS {
                faults.extend((1..=count).step_by(step).map(|number| Fault {
                    ingest: self,
                    calls,
                    kind,
                    number,
                }));
            }
        }
        Ok(faults)
    }

    /// A store to run on, and what was told of it.
    fn prepare(&self, scratch: &Scratch) -> Result<(PathBuf, Told)> {
        let store = scratch.path("store");
        let _ = fs::remove_dir_all(&store);
        Ok(match &self.before {
            Some((before, told)) => {
                super::copy(before, &store)?;
                (store, told.clone())
            }
            None => (store, Told::default()),
        })
    }

    fn add(&self, command: &mut Command, worker: &Path, store: &Path) {
        command.arg(worker).arg(self.name).arg(store);
        command.args(self.arguments);
    }
}

/// strace beside the worker, so that the process that is waited for is the worker.
fn strace(trace: &Path, calls: &str) -> Command {
    let mut command = Command::new("strace");
    command.args(["-D", "-f", "-y", "-o"]).arg(trace);
    command.args(["-e", &format!("trace={calls}"), "-e", "signal=none"]);
    command
}

/// Fails when a file is synced after that has failed once: the second success would prove nothing.
fn synced_again(trace: &str, store: &Path) -> Result {
    let mut under_way: BTreeMap<&str, &str> = BTreeMap::new();
    let mut failed: BTreeSet<&str> = BTreeSet::new();
    for line in trace.lines() {
        let Some((process, call)) = line.split_once(' ') else {
            continue;
        };
        let call = call.trim_start();
        if call.starts_with("fsync(") || call.starts_with("fdatasync(") {
            let path = call.split(['<', '>']).nth(1).unwrap_or_default();
            // The names in a folder are not told apart: those of a failed sync are not relied on.
            if failed.contains(path) && !store.join(path).is_dir() {
                return Err(format!("synced again after a failure: {path}"));
            }
            under_way.insert(process, path);
        }
        // Written again from its source, it is another file of the same name.
        if call.starts_with("unlink") || call.starts_with("rename") {
            failed.retain(|path| !call.contains(path) && !names_in_folder(call, path));
        }
        if call.contains("sync") && call.contains("(INJECTED)") {
            failed.extend(under_way.get(process));
        }
    }
    Ok(())
}

fn read(trace: &Path) -> Result<String> {
    let bytes = fs::read(trace).map_err(|error| format!("{}: {error}", trace.display()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Whether a call names a file as strace shows one in an open folder: `5</folder>, "name"`.
fn names_in_folder(call: &str, path: &str) -> bool {
    let parts = path.rsplit_once('/');
    parts.is_some_and(|(folder, name)| call.contains(&format!("<{folder}>, \"{name}\"")))
}
