//! kill -9 in the middle, again and again: no finished segment is lost or asked for again.

use std::ops::Range;
use std::time::Duration;

use segment_fetch::testing::Fault;

use crate::environment::{Environment, wait_for};
use crate::stream::{Plain, segment_path};

const KILLS: usize = 20;
const SEGMENTS: usize = 300;

/// Segments that each run can finish.
const MORE: usize = 10;

#[test]
fn twenty_kills_lose_no_finished_segment() {
    let plain = Plain::new(SEGMENTS, 60);
    // Every kill hits the middle, however slow the machine is: for each run the server hands out a few segments more,
    // drop by drop, and the others never end.
    let answer = |segments: Range<usize>, fault: &Fault| {
        for index in segments {
            let site = plain.origin.site();
            site.always(&segment_path(index), fault.clone());
        }
    };
    answer(0..SEGMENTS, &Fault::Stall(5000));
    let drip = Fault::Drip {
        piece: 4096,
        pause: Duration::from_millis(40),
    };
    let environment = Environment::new();
    let stored = |environment: &Environment| -> u64 {
        let listed = environment.list();
        let progress = listed
            .first()
            .map_or(0.0, |asset| asset["progress"].as_f64().unwrap());
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a share of a small count"
        )]
        let stored = (progress * SEGMENTS as f64).round() as u64;
        stored
    };
    let mut kills = 0;
    let mut before = 0;
    while kills < KILLS {
        answer(0..usize::try_from(before).unwrap() + MORE, &drip);
        let mut child = environment.start(["download", &plain.url()]);
        let goal = before + 2;
        let asked = plain.origin.site().requests().len();
        wait_for("progress", || {
            stored(&environment) >= goal || child.try_wait().unwrap().is_some()
        });
        assert!(child.try_wait().unwrap().is_none(), "it ended by itself");
        // Some kills come between two segments, some in the middle of several.
        std::thread::sleep(Duration::from_millis((kills as u64 * 7) % 40));
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        let after = stored(&environment);
        assert!(
            after >= goal,
            "kill {kills}: {after} segments are stored, {goal} were before"
        );
        assert!(plain.origin.site().requests().len() > asked);
        before = after;
        let only = environment.only();
        assert_eq!(only["state"], "paused", "{only}");
        // Nothing that is listed as stored is damaged or missing.
        environment.run(["verify"]).fine();
    }

    // What is stored now is not asked for again.
    let missing: Vec<String> = environment.inspect()["missing"]
        .as_array()
        .unwrap()
        .iter()
        .map(|missing| missing["url"].as_str().unwrap().to_owned())
        .collect();
    assert!(!missing.is_empty() && missing.len() < SEGMENTS);
    answer(0..SEGMENTS, &drip);
    let asked_before: Vec<usize> = (0..SEGMENTS).map(|index| plain.requests(index)).collect();
    environment.run(["download", &plain.url()]).fine();
    for (index, asked) in asked_before.into_iter().enumerate() {
        let was_missing = missing
            .iter()
            .any(|url| url.ends_with(&segment_path(index)));
        assert_eq!(
            plain.requests(index) > asked,
            was_missing,
            "segment {index}"
        );
    }

    plain.assert_exported(&environment.export());
    environment.run(["gc"]).fine();
    environment.run(["verify"]).fine();
}
