//! Memory of a plan over a large store.

use std::fs;

use storage_policy::{Inventory, Item, Part, TagPolicy, plan};

use crate::support::{at, max_bytes, with};

/// The most memory that this process ever had, in bytes; `None` where the system does not tell.
fn peak_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes * 1024)
}

/// Set in the process that runs one test alone.
const ALONE: &str = "STORAGE_POLICY_TEST_ALONE";

/// Runs a test in a process of its own, where the memory measured is its own and not also its neighbours', which
/// `cargo test` runs in threads of one process. True in that process.
fn is_alone(test: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let ran = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
    false
}

#[test]
fn a_hundred_thousand_assets_with_a_million_blobs_need_less_than_200_megabytes() {
    if !is_alone(
        "scale::a_hundred_thousand_assets_with_a_million_blobs_need_less_than_200_megabytes",
    ) {
        return;
    }
    let items = (0..100_000_u32).map(|number| {
        let mut blobs: Vec<u32> = (number * 10..number * 10 + 8).collect();
        // Shared with the next one.
        blobs.extend([
            (number * 10 + 10) % 1_000_000,
            (number * 10 + 11) % 1_000_000,
        ]);
        let played = u64::from(number.wrapping_mul(2_654_435_761) >> 8);
        let item = Item {
            last_played: Some(at(played)),
            parts: vec![Part {
                name: "audio".to_owned(),
                blobs: vec![number * 10 + 8, number * 10 + 9],
            }],
            ..Item::new(format!("asset-{number}"), at(0), blobs)
        };
        with(item, |policy| {
            policy.tags.insert("news".to_owned());
            policy.drop_auxiliary = number % 2 == 0;
        })
    });
    let inventory = Inventory {
        items: items.collect(),
        blob_lengths: (0..1_000_000).map(|number| 1_000_000 + number).collect(),
        ..Inventory::default()
    };
    let held: u64 = inventory.blob_lengths.iter().sum();
    let mut policy = max_bytes(held / 2);
    let quota = TagPolicy {
        max_bytes: Some(held / 3),
        ..TagPolicy::default()
    };
    policy.tags.insert("news".to_owned(), quota);
    let plan = plan(&inventory, &policy, at(1 << 30)).unwrap();
    assert!(plan.is_enough());
    assert!(plan.freed < held / 3 * 2 + 20_000_000);
    if let Some(peak) = peak_memory() {
        assert!(peak < 200_000_000, "{peak}");
    }
}
