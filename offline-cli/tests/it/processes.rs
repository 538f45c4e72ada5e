//! Several processes over one store: never a wrong answer, never a wait.

use std::time::{Duration, Instant};

use segment_fetch::testing::Fault;

use crate::environment::{Environment, wait_for};
use crate::stream::{Plain, segment_path};

#[test]
fn questions_are_answered_while_a_download_runs() {
    let plain = Plain::new(10, 20);
    plain
        .origin
        .site()
        .always(&segment_path(9), Fault::Stall(100));
    let environment = Environment::new();
    let mut child = environment.start(["download", &plain.url(), "--title", "Running"]);
    wait_for("progress", || {
        environment
            .list()
            .first()
            .is_some_and(|asset| asset["progress"].as_f64().unwrap() >= 0.9)
    });
    let started = Instant::now();
    let only = environment.only();
    assert_eq!(only["state"], "downloading");
    assert_eq!(only["title"], "Running");
    let id = environment.only_id();
    let found = environment.inspect();
    assert_eq!(found["variants"][0]["segments_present"], 9);
    assert_eq!(found["playable_offline"], false);
    environment
        .run(["policy", &id, "--priority", "important"])
        .fine();
    environment.run(["verify"]).fine();
    environment.run(["gc"]).fine();
    // What is being written is neither removed nor purged, and a second writer is told who has it.
    let said = environment.run(["remove", &id]).refused(5);
    assert!(said.stderr.contains("being written"), "{}", said.stderr);
    let purged = environment
        .run(["purge", "--max-size", "0", "--json"])
        .json();
    assert_eq!(purged["purged"].as_array().unwrap().len(), 0);
    let said = environment.run(["download", &plain.url()]).refused(5);
    assert!(
        said.stderr.contains(&child.id().to_string()),
        "{}",
        said.stderr
    );
    // A generous bound: all of these together wait for nothing that takes seconds.
    assert!(started.elapsed() < Duration::from_secs(15));
    assert!(
        child.try_wait().unwrap().is_none(),
        "the download should still run"
    );
    child.kill().unwrap();
    child.wait().unwrap();
    environment.run(["verify"]).fine();
}

#[test]
fn two_downloads_share_a_store() {
    let (one, other) = (Plain::new(20, 40), Plain::new(20, 40));
    let environment = Environment::new();
    let mut first = environment.start(["download", &one.url(), "--id", "one"]);
    let mut second = environment.start(["download", &other.url(), "--id", "other"]);
    assert!(first.wait().unwrap().success());
    assert!(second.wait().unwrap().success());
    let listed = environment.list();
    assert_eq!(listed.len(), 2);
    assert!(
        listed.iter().all(|asset| asset["state"] == "completed"),
        "{listed:?}"
    );
    // Both origins serve the same segments; only the playlists count for one of them alone.
    assert!(
        listed
            .iter()
            .all(|asset| asset["bytes_exclusive"].as_u64().unwrap() < 2000),
        "{listed:?}"
    );
    environment.run(["remove", "one"]).fine();
    environment.run(["verify"]).fine();
    assert_eq!(environment.list().len(), 1);
}
