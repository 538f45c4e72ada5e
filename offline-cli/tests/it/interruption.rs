//! Interrupts: the answer is 130, and the next run continues.
#![cfg(unix)]

use std::process::{Command, Stdio};

use segment_fetch::testing::Fault;

use crate::environment::{Environment, said, wait_for};
use crate::stream::{Plain, segment_path};

fn interrupt_with(signal: &str) {
    let plain = Plain::new(10, 20);
    // The last segment never comes; everything before it does.
    plain
        .origin
        .site()
        .always(&segment_path(9), Fault::Stall(100));
    let environment = Environment::new();
    let child = environment
        .command()
        .args(["download", "--json", &plain.url()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for("a download of all but one segment", || {
        environment
            .list()
            .first()
            .is_some_and(|asset| asset["progress"].as_f64().unwrap() >= 0.9)
    });
    let killed = Command::new("kill")
        .args([signal, &child.id().to_string()])
        .status()
        .unwrap();
    assert!(killed.success());
    let said = said(&child.wait_with_output().unwrap());
    assert_eq!(said.code, 130, "{}", said.stderr);
    let last = said.events().pop().unwrap();
    assert_eq!(last["event"], "paused");
    assert_eq!(last["resources_stored"], 9);
    let only = environment.only();
    assert_eq!(only["state"], "paused");

    plain.origin.site().always(&segment_path(9), Fault::None);
    environment.run(["download", &plain.url()]).fine();
    for index in 0..9 {
        assert_eq!(
            plain.requests(index),
            1,
            "segment {index} was fetched again"
        );
    }
    assert_eq!(environment.only()["state"], "completed");
}

#[test]
fn an_interrupt_before_the_playlist_is_there_leaves_nothing() {
    let plain = Plain::new(1, 20);
    plain.origin.site().always("/media.m3u8", Fault::Stall(10));
    let environment = Environment::new();
    let child = environment
        .command()
        .args(["download", "--json", &plain.url()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    wait_for("a request", || !plain.origin.site().requests().is_empty());
    Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    let said = said(&child.wait_with_output().unwrap());
    assert_eq!(said.code, 130, "{}", said.stderr);
    let last = said.events().pop().unwrap();
    assert_eq!(
        (&last["event"], &last["kind"]),
        (&"failed".into(), &"interrupted".into())
    );
    assert!(environment.list().is_empty());
}

#[test]
fn control_c_pauses() {
    interrupt_with("-INT");
}

#[test]
fn a_request_to_terminate_pauses() {
    interrupt_with("-TERM");
}
