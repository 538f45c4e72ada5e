//! Each system call of one ingest fails in turn, or is the last one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

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

const FAULTS: [&str; 3] = ["error=EIO", "error=ENOSPC", "signal=KILL"];

/// How many of the calls of a kind that create a store fail.
const ALIKE: usize = 20;

/// How many faults are injected when only some are.
const SAMPLE: usize = 40;

/// One run of the worker that faults are injected into.
struct Ingest {
    name: &'static str,
    arguments: &'static [&'static str],
    /// The store before; none when the run creates it.
    before: Option<(PathBuf, Told)>,
}

pub(super) fn run(setting: &Setting) -> Result<Done> {
    if let Some(lacking) = super::needs("strace") {
        return Ok(Done::Skipped(lacking));
    }
    let folder = setting.scratch.folder("inject")?;
    // What goes before has the large ones; the rest has an entry that is removed and others that are replaced.
    let before = folder.join("before");
    let mut told = Told::default();
    let mut command = Command::new(&setting.worker);
    command.arg("write").arg(&before).args(["film", "14", "1"]);
    let ended = Worker::start(&setting.scratch, "write", &mut command)?;
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
        for calls in CALLS {
            let count = count(setting, ingest, calls, &folder)?;
            say(&format!("inject: {count} × {calls} in {}", ingest.name));
            for fault in FAULTS {
                // The 256 folders of blobs are made alike.
                let step = match ingest.before {
                    Some(_) => 1,
                    None => count.div_ceil(ALIKE).max(1),
                };
                let numbers = (1..=count).step_by(step);
                faults.extend(numbers.map(|number| (ingest, calls, fault, number)));
            }
        }
    }
    let step = if setting.sample {
        faults.len().div_ceil(SAMPLE)
    } else {
        1
    };
    let offset = usize::try_from(super::random(1000)).unwrap_or_default() % step;
    let mut rounds = 0_u32;
    let mut wrong = Vec::new();
    for (ingest, calls, fault, number) in faults.into_iter().skip(offset).step_by(step) {
        rounds += 1;
        if let Err(error) = inject(setting, ingest, calls, fault, number, &folder) {
            let error = format!("{} {calls}:{fault}:when={number}: {error}", ingest.name);
            say(&error);
            wrong.push(error);
        }
    }
    match wrong.first() {
        None => Ok(Done::rounds(
            rounds,
            "nothing lost, nothing wrong, every store went on".to_owned(),
        )),
        Some(first) => Err(format!("{} of {rounds}, the first: {first}", wrong.len())),
    }
}

/// How often one thread at most makes these calls: strace counts each thread for itself.
fn count(setting: &Setting, ingest: &Ingest, calls: &str, folder: &Path) -> Result<usize> {
    let trace = folder.join("trace");
    let (store, _) = ingest.prepare(folder)?;
    let mut command = strace(&trace, calls);
    ingest.add(&mut command, &setting.worker, &store);
    let ended = Worker::start(&setting.scratch, "count", &mut command)?;
    ended.wait()?.good()?;
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for line in read(&trace)?.lines() {
        if let Some((process, call)) = line.split_once(' ')
            && let Some((call, _)) = call.trim_start().split_once('(')
            && calls.split([',', '?']).any(|name| name == call)
        {
            *counts
                .entry((process.to_owned(), call.to_owned()))
                .or_default() += 1;
        }
    }
    match counts.into_values().max() {
        Some(count) => Ok(count),
        // Creating replaces little.
        None if ingest.before.is_none() => Ok(0),
        None => Err(format!(
            "strace sees no {calls}: they have other names here"
        )),
    }
}

fn inject(
    setting: &Setting,
    ingest: &Ingest,
    calls: &str,
    fault: &str,
    number: usize,
    folder: &Path,
) -> Result {
    let trace = folder.join("trace");
    let (store, mut told) = ingest.prepare(folder)?;
    let mut command = strace(&trace, calls);
    command.args(["-e", &format!("inject={calls}:{fault}:when={number}")]);
    ingest.add(&mut command, &setting.worker, &store);
    let ended = Worker::start(&setting.scratch, "injected", &mut command)?.wait()?;
    let is_error = fault.starts_with("error");
    if ended.panicked() || is_error && ended.status.code().is_none() {
        return Err(format!("{}: {}", ended.status, ended.errors.trim()));
    }
    let error = ended.lines.iter().find(|line| line.starts_with("ERROR"));
    if let Some(error) = error
        && fault == "error=ENOSPC"
        && !error.starts_with("ERROR DiskFull")
        && !error.starts_with("ERROR cannot print")
    {
        return Err(format!("a full disk is not called one: {error}"));
    }
    if is_error {
        synced_again(&read(&trace)?, &store)?;
    }
    told.add(&ended.lines);
    told.check(&setting.scratch, &setting.worker, &store)
}

impl Ingest {
    /// A store to run on, and what was told of it.
    fn prepare(&self, folder: &Path) -> Result<(PathBuf, Told)> {
        let store = folder.join("store");
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
    let traced = format!("trace={calls},?unlink,unlinkat,?rename,?renameat,?renameat2");
    command.args(["-e", &traced, "-e", "signal=none"]);
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
            failed.retain(|path| !call.contains(path));
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
