//! The worker of asset-store as a process: started, listened to, ended; and what it has told so far.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use super::scratch::Scratch;
use crate::run::{self, Result};

/// No run of the worker that is not told to go on takes longer.
const PATIENCE: Duration = Duration::from_secs(120);

/// Builds the worker and says where it is: at a place where nobody builds another one meanwhile.
pub(super) fn build(scratch: &Scratch) -> Result<PathBuf> {
    run::status(run::cargo().args([
        "build",
        "--locked",
        "--quiet",
        "--package",
        "asset-store",
        "--example",
        "crash_worker",
    ]))?;
    let built = run::target_directory()?
        .join("debug")
        .join("examples")
        .join("crash_worker");
    let worker = scratch.path("crash_worker");
    fs::copy(&built, &worker).map_err(|error| format!("{}: {error}", built.display()))?;
    Ok(worker)
}

/// A worker that runs. Dropped, it is killed.
pub(super) struct Worker {
    child: Child,
    /// Closed to tell it to end.
    input: Option<ChildStdin>,
    output: Option<JoinHandle<Vec<String>>>,
    /// How many lines it has printed so far.
    printed: Arc<AtomicUsize>,
    errors: PathBuf,
    scratch: Scratch,
}

/// What is known of a worker that has ended.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) lines: Vec<String>,
    pub(super) errors: String,
}

impl Ended {
    /// An error unless it ended as one that is content.
    pub(super) fn good(self) -> Result<Ended> {
        if self.status.success() {
            Ok(self)
        } else {
            Err(format!("{}: {}", self.status, self.errors.trim()))
        }
    }

    /// Whether the store itself panicked; that of its index is caught.
    pub(super) fn panicked(&self) -> bool {
        let of_ours = |line: &str| line.contains("panicked at asset-store");
        self.errors.lines().any(of_ours)
    }
}

impl Worker {
    /// Starts a command that is, or runs, a worker. `name` tells it from others that run beside it.
    pub(super) fn start(scratch: &Scratch, name: &str, command: &mut Command) -> Result<Worker> {
        let errors = scratch.path(&format!("{name}.stderr"));
        let log =
            File::create(&errors).map_err(|error| format!("{}: {error}", errors.display()))?;
        let mut child = command
            .current_dir(run::root())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        scratch.has_begun(child.id());
        let printed = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&printed);
        let output = child.stdout.take().map(|output| {
            std::thread::spawn(move || {
                let lines = BufReader::new(output).lines();
                let count = |_: &String| {
                    counter.fetch_add(1, Ordering::Relaxed);
                };
                lines
                    .map_while(std::result::Result::ok)
                    .inspect(count)
                    .collect()
            })
        });
        Ok(Worker {
            input: child.stdin.take(),
            child,
            output,
            printed,
            errors,
            scratch: scratch.clone(),
        })
    }

    /// Sends a signal, by the name that `kill` has for it.
    pub(super) fn signal(&self, name: &str) -> Result {
        run::status(Command::new("kill").args([format!("-{name}"), self.child.id().to_string()]))
    }

    /// Waits until it has printed so many lines, however slow the machine is at the moment.
    pub(super) fn wait_for_lines(&mut self, count: usize) -> Result {
        let start = Instant::now();
        while self.printed.load(Ordering::Relaxed) < count && !self.is_over()? {
            if start.elapsed() > PATIENCE {
                return Err(format!("the worker hangs: {}", self.read_errors().trim()));
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// Kills it.
    pub(super) fn kill(mut self) -> Result<Ended> {
        self.child.kill().map_err(|error| error.to_string())?;
        self.wait()
    }

    /// Tells it to end, and waits.
    pub(super) fn stop(mut self) -> Result<Ended> {
        self.input = None;
        self.wait()
    }

    /// Whether it has ended by itself.
    pub(super) fn is_over(&mut self) -> Result<bool> {
        let ended = self.child.try_wait().map_err(|error| error.to_string())?;
        Ok(ended.is_some())
    }

    /// Waits until it ends. One that does not is an error.
    pub(super) fn wait(mut self) -> Result<Ended> {
        let start = Instant::now();
        let status = loop {
            let ended = self.child.try_wait().map_err(|error| error.to_string())?;
            if let Some(status) = ended {
                break status;
            }
            if start.elapsed() > PATIENCE {
                return Err(format!("the worker hangs: {}", self.read_errors().trim()));
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let lines = match self.output.take() {
            Some(output) => output.join().unwrap_or_default(),
            None => Vec::new(),
        };
        Ok(Ended {
            status,
            lines,
            errors: self.read_errors(),
        })
    }

    fn read_errors(&self) -> String {
        let bytes = fs::read(&self.errors).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        self.scratch.has_ended(self.child.id());
    }
}

/// What workers have told of one store.
#[derive(Clone, Default)]
pub(super) struct Told(Vec<String>);

impl Told {
    /// How many entries were acknowledged.
    pub(super) fn stored(&self) -> usize {
        let stored = |line: &&String| line.starts_with("STORED ");
        self.0.iter().filter(stored).count()
    }

    pub(super) fn add(&mut self, lines: &[String]) {
        self.0.extend_from_slice(lines);
    }

    /// How many of these relaxed stores have lost.
    pub(super) fn lost(&self) -> usize {
        let lost = |line: &String| line.strip_prefix("LOST ")?.parse::<usize>().ok();
        self.0.iter().filter_map(lost).sum()
    }

    /// Has a worker compare the store with all that was told, and use it further, which is told too.
    pub(super) fn check(&mut self, scratch: &Scratch, worker: &Path, store: &Path) -> Result {
        self.check_by("check", scratch, worker, store)
    }

    /// The same by another of its checks.
    pub(super) fn check_by(
        &mut self,
        check: &str,
        scratch: &Scratch,
        worker: &Path,
        store: &Path,
    ) -> Result {
        let told = scratch.path("told");
        fs::write(&told, self.0.join("\n"))
            .map_err(|error| format!("{}: {error}", told.display()))?;
        let mut command = Command::new(worker);
        command.arg(check).arg(store).arg(&told);
        let ended = Worker::start(scratch, "check", &mut command)?.wait()?;
        if ended.panicked() {
            return Err(ended.errors);
        }
        let ended = ended.good()?;
        self.add(&ended.lines);
        Ok(())
    }
}
