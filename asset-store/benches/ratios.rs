//! How the store compares: durable ingest beside loops that are not and beside cacache, verifying beside `b3sum`, and a store of a million
//! blobs.
//!
//! Prints tables; the last line is a JSON object. Times are the best of rounds in which all take turns, so that a busy machine slows all
//! alike. What is asked of the large store runs in a process of its own, so that its memory is known.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark prints its result, and one that cannot go on has failed"
)]

mod common;
mod large;
mod rivals;

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use asset_store::{Durability, GcOptions, Store, StoreOptions};
use common::{CASES, Sync, files, group_commit, scratch, simple_loop, sync_file_system};

const ROUNDS: usize = 7;

/// How long the index may take until it answers.
const PATIENCE: Duration = Duration::from_secs(300);

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [flag, operation, root] = arguments.as_slice()
        && flag == "--operation"
    {
        let seconds = operate(operation, Path::new(root)).as_secs_f64();
        let memory = kilobytes("VmHWM:").unwrap_or_default() / 1024;
        println!("{seconds} {memory}");
    } else if arguments.iter().any(|argument| argument == "--bench") {
        let mut report = Vec::new();
        for (name, measure) in SECTIONS {
            // Like other benchmarks: with names, only those.
            let mut named = arguments.iter().filter(|word| !word.starts_with('-'));
            if named.clone().next().is_none() || named.any(|word| word == name) {
                measure(&mut report);
            }
        }
        let fields: Vec<String> = report
            .iter()
            .map(|(name, value)| format!("\"{name}\":{value:.2}"))
            .collect();
        println!("{{{}}}", fields.join(","));
    } else {
        // `cargo test --all-targets` runs this too; it is not there to measure.
        println!("run it with cargo bench");
    }
}

/// Names and values of the last line.
type Report = Vec<(&'static str, f64)>;
type Section = (&'static str, fn(&mut Report));

const SECTIONS: [Section; 3] = [("ingest", ingest), ("verify", verify), ("large", million)];

fn ingest(report: &mut Report) {
    println!("stored, MB/s, and times");
    println!(
        "              a loop: one sync, a sync of each   cacache: no sync, one sync, contents synced"
    );
    for (name, length, count) in CASES {
        let files = files(length, count);
        let runs: [&dyn Fn(&Path) -> Duration; 6] = [
            &|folder| {
                // Opening, with its 256 folders, happens once in the life of a store.
                let store = Store::open(folder.join("store")).unwrap();
                timed(|| group_commit(&store, &files))
            },
            &|folder| timed(|| simple_loop(folder, &files, Sync::OnceAtTheEnd)),
            &|folder| timed(|| simple_loop(folder, &files, Sync::EachFile)),
            &|folder| timed(|| rivals::cacache(folder, &files, false)),
            &|folder| {
                timed(|| {
                    rivals::cacache(folder, &files, false);
                    sync_file_system(folder);
                })
            },
            &|folder| timed(|| rivals::cacache(folder, &files, true)),
        ];
        let [ours, theirs @ ..] = best(&runs.map(|run| {
            move || {
                let folder = scratch();
                let time = run(folder.path());
                drop(folder);
                // What one has left to write is not for the next to wait for.
                sync_file_system(Path::new(env!("CARGO_TARGET_TMPDIR")));
                time
            }
        }));
        let rate = megabytes(length * count) / ours.as_secs_f64();
        let ratios = theirs.map(|theirs| ratio(theirs, ours));
        let [one_sync, each, cached, cached_and_synced, cached_each] = ratios;
        println!(
            "{name:<12}  {rate:.0}: {one_sync:.2}, {each:.2}   {cached:.2}, {cached_and_synced:.2}, {cached_each:.2}"
        );
        let fields = match name {
            "1MB-x64" => [
                "ingest_1mb_vs_one_sync",
                "ingest_1mb_vs_fsync_each",
                "ingest_1mb_vs_cacache_without_sync",
                "ingest_1mb_vs_cacache_one_sync",
                "ingest_1mb_vs_cacache_sync_each",
            ],
            _ => [
                "ingest_20kb_vs_one_sync",
                "ingest_20kb_vs_fsync_each",
                "ingest_20kb_vs_cacache_without_sync",
                "ingest_20kb_vs_cacache_one_sync",
                "ingest_20kb_vs_cacache_sync_each",
            ],
        };
        report.extend(fields.into_iter().zip(ratios));
    }
}

/// The store reads and compares what `b3sum`, or a loop where that is not installed, reads and hashes. Whole processes.
fn verify(report: &mut Report) {
    let files = files(1_000_000, 256);
    let folder = scratch();
    let root = folder.path().join("store");
    let options = StoreOptions {
        durability: Durability::Relaxed,
        ..StoreOptions::default()
    };
    group_commit(&Store::open_with(&root, &options).unwrap(), &files);
    let blobs = root.join("blobs/b3");
    let has_b3sum = rivals::b3sum(&blobs).is_some();
    let (rival, field) = if has_b3sum {
        ("b3sum --num-threads 1", "verify_vs_b3sum")
    } else {
        println!("b3sum is not installed: a loop that hashes takes its place");
        ("a loop that hashes", "verify_vs_hash")
    };
    let process = |operation, on_one_core| command(operation, &root, on_one_core);
    let runs: [&dyn Fn() -> Command; 3] = [
        &|| process("verify", true),
        &|| rivals::b3sum(&blobs).unwrap_or_else(|| process("hash", true)),
        &|| process("verify", false),
    ];
    let runs = runs.map(|run| {
        move || {
            let mut command = run();
            timed(|| assert!(command.output().unwrap().status.success()))
        }
    });
    let [verified, hashed, on_all] = best(&runs);
    let rate = megabytes(256_000_000) / verified.as_secs_f64();
    println!("verified, MB/s (times {rival} on one core; all cores times one)");
    let (to_hash, scaling) = (ratio(hashed, verified), ratio(verified, on_all));
    println!("1MB-x256      {rate:.0} ({to_hash:.2}; {scaling:.2})");
    report.extend([(field, to_hash), ("verify_scaling", scaling)]);
}

/// Seconds and megabytes of a process for each.
fn million(report: &mut Report) {
    let folder = scratch();
    let root = folder.path().join("store");
    let (filled, _) = whole_process("fill", &root);
    println!(
        "{} assets, {} blobs, written in {:.0} s: seconds (peak memory, MB)",
        large::ASSETS,
        large::ASSETS * large::BLOBS_OF_AN_ASSET,
        filled.as_secs_f64()
    );
    let mut peak = 0;
    for (operation, field) in [
        ("list-without-index", None),
        ("rebuild", Some("rebuild_s")),
        ("open", Some("open_s")),
        ("list", Some("list_s")),
        ("find", Some("first_answer_of_the_index_s")),
        ("usage", Some("usage_s")),
        ("verify", Some("verify_small_s")),
        ("collect", Some("gc_s")),
    ] {
        let (time, memory) = whole_process(operation, &root);
        println!("{operation:<20}  {:.3} ({memory})", time.as_secs_f64());
        peak = peak.max(memory);
        report.extend(field.map(|field| (field, time.as_secs_f64())));
    }
    report.push(("peak_memory_mb", f64::from(peak)));
}

/// What a process of its own does with the store at `root`. Says how long it took.
fn operate(operation: &str, root: &Path) -> Duration {
    let open = || Store::open(root).unwrap();
    match operation {
        "open" => timed(|| drop(open())),
        "list" | "list-without-index" => {
            let store = open();
            timed(|| assert_eq!(store.asset_ids().unwrap().len() as u64, large::ASSETS))
        }
        "rebuild" | "find" => timed(|| {
            let store = open();
            let start = Instant::now();
            while store
                .find_source(&large::first_source(0))
                .unwrap()
                .is_none()
            {
                assert!(start.elapsed() < PATIENCE, "the index does not answer");
                std::thread::sleep(Duration::from_millis(5));
            }
        }),
        "usage" => {
            let store = open();
            timed(|| assert_eq!(store.usage().unwrap().assets.len() as u64, large::ASSETS))
        }
        "verify" => {
            let store = open();
            timed(|| assert!(store.verify(None, &mut |_| {}).unwrap().is_good()))
        }
        "collect" => {
            let store = open();
            timed(|| {
                let report = store.collect_garbage(&GcOptions::default()).unwrap();
                assert_eq!(report.blobs_kept, large::ASSETS * large::BLOBS_OF_AN_ASSET);
            })
        }
        "fill" => timed(|| large::fill(root)),
        "hash" => timed(|| hash_all(&root.join("blobs/b3"))),
        _ => unreachable!("no such operation"),
    }
}

/// What `b3sum` does with one thread, without the printing.
fn hash_all(folder: &Path) {
    let mut buffer = vec![0; 64 << 10];
    for path in rivals::files_below(folder) {
        let mut file = File::open(&path).unwrap();
        let mut hasher = blake3::Hasher::new();
        loop {
            match file.read(&mut buffer).unwrap() {
                0 => break,
                count => hasher.update(&buffer[..count]),
            };
        }
        std::hint::black_box(hasher.finalize());
    }
}

/// What runs an operation in a process of its own.
fn command(operation: &str, root: &Path, on_one_core: bool) -> Command {
    let own = std::env::current_exe().unwrap();
    let mut command = if on_one_core {
        let mut command = Command::new("taskset");
        command.args(["-c", "0"]).arg(own);
        command
    } else {
        Command::new(own)
    };
    command.args(["--operation", operation]).arg(root);
    command
}

/// Runs an operation in a process of its own: time, and peak of memory in MB (0 where it is not known).
fn whole_process(operation: &str, root: &Path) -> (Duration, u32) {
    let output = command(operation, root, false).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let (seconds, memory) = text.trim().split_once(' ').unwrap_or_default();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{operation}: {errors}");
    (
        Duration::from_secs_f64(seconds.parse().unwrap()),
        memory.parse().unwrap(),
    )
}

fn timed(action: impl FnOnce()) -> Duration {
    let start = Instant::now();
    action();
    start.elapsed()
}

/// The best time of each.
fn best<const N: usize>(runs: &[impl Fn() -> Duration; N]) -> [Duration; N] {
    let mut best = [Duration::MAX; N];
    for _ in 0..ROUNDS {
        for (run, best) in runs.iter().zip(&mut best) {
            *best = run().min(*best);
        }
    }
    best
}

fn ratio(theirs: Duration, ours: Duration) -> f64 {
    theirs.as_secs_f64() / ours.as_secs_f64()
}

#[expect(clippy::cast_precision_loss, reason = "a rate is rounded anyway")]
fn megabytes(bytes: usize) -> f64 {
    bytes as f64 / 1e6
}

/// Linux only.
fn kilobytes(field: &str) -> Option<u32> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with(field))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
