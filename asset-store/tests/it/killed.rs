//! Killed at any moment, the store has everything that was acknowledged and nothing wrong.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::time::Duration;

use asset_store::{PartialKey, Store};

use crate::support::{Scratch, content, id, noise, segment};

const ROUNDS: u64 = 10;
const PER_ROUND: u64 = 100_000;

fn bytes_of(number: u64) -> Vec<u8> {
    noise(number, usize::try_from(number % 7).unwrap() * 3000 + 100)
}

/// Not a test of its own: what the child of the test below does, until it is killed.
#[test]
fn child_that_writes() {
    let Ok(root) = std::env::var("ASSET_STORE_WRITE") else {
        return;
    };
    let round: u64 = std::env::var("ASSET_STORE_ROUND").unwrap().parse().unwrap();
    let store = Store::open(root).unwrap();
    let writer = store.writer(&id("film")).unwrap();
    let mut under_way = std::collections::VecDeque::new();
    for number in round * PER_ROUND..(round + 1) * PER_ROUND {
        let mut partial = writer
            .partial(&PartialKey::new(number.to_string()))
            .unwrap();
        partial.append(&bytes_of(number)).unwrap();
        under_way.push_back((
            number,
            writer.commit(partial, &number.to_string(), segment()),
        ));
        if under_way.len() == 8 {
            let (number, commit) = under_way.pop_front().unwrap();
            commit.wait().unwrap();
            // In one piece, so that the parent sees whole lines.
            std::io::stdout()
                .write_all(format!("\nACK {number}\n").as_bytes())
                .unwrap();
        }
        if number % 50 == 49 {
            writer.seal().unwrap();
        }
    }
}

#[test]
fn a_killed_writer_loses_nothing_that_was_acknowledged() {
    let scratch = Scratch::new();
    drop(scratch.store());
    let mut acknowledged = Vec::new();
    for round in 0..ROUNDS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::child_that_writes", "--nocapture"])
            .env("ASSET_STORE_WRITE", scratch.root())
            .env("ASSET_STORE_ROUND", round.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let reader = std::thread::spawn(move || {
            output
                .lines()
                .map_while(Result::ok)
                .filter_map(|line| line.strip_prefix("ACK ")?.parse().ok())
                .collect::<Vec<u64>>()
        });
        std::thread::sleep(Duration::from_millis(60 + round * 41 % 200));
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(reader.join().unwrap());

        let store = scratch.store();
        if acknowledged.is_empty() {
            continue;
        }
        let asset = store.asset(&id("film")).unwrap();
        for number in &acknowledged {
            let entry = asset.entry(&number.to_string()).unwrap();
            assert_eq!(content(&store, entry), bytes_of(*number));
        }
        for (path, entry) in asset.entries() {
            assert_eq!(
                content(&store, entry),
                bytes_of(path.parse().unwrap()),
                "unacknowledged"
            );
        }
        let report = store.verify(None, &mut |_| {}).unwrap();
        assert!(
            report.is_good() && report.damaged_orphans.is_empty(),
            "{report:?}"
        );
        store
            .collect_garbage(&asset_store::GcOptions::default())
            .unwrap();
    }
    assert!(
        acknowledged.len() > 20,
        "only {} acknowledged",
        acknowledged.len()
    );
}
