//! Plans a purge of three downloaded films.
//!
//! `cargo run -p storage-policy --example plan`
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::time::{Duration, SystemTime};

use storage_policy::{Error, Inventory, Item, Limits, Policy, Priority, plan};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn film(id: &str, policy: Policy, last_played: Option<SystemTime>, now: SystemTime) -> Item {
    Item {
        id: id.to_owned(),
        policy,
        created: now - 30 * DAY,
        last_played,
        in_use: false,
        blobs: Vec::new(),
    }
}

fn main() -> Result<(), Error> {
    // A program would ask the system; the crate itself reads no clock.
    let now = SystemTime::UNIX_EPOCH + 20_000 * DAY;
    let important = Policy {
        priority: Priority::Important,
        ..Policy::default()
    };
    let rented = Policy {
        expires: Some(now - 2 * DAY),
        ..Policy::default()
    };
    let mut items = vec![
        film("seen", Policy::default(), Some(now - 12 * DAY), now),
        film("unseen", important, None, now),
        film("rented", rented, Some(now - DAY), now),
    ];
    // "seen" and "unseen" share blob 1.
    for (item, blobs) in items.iter_mut().zip([vec![0, 1], vec![1, 2], vec![3]]) {
        item.blobs = blobs;
    }
    let inventory = Inventory {
        items,
        blob_lengths: vec![2_000_000_000, 100_000_000, 3_000_000_000, 1_500_000_000],
        free_bytes: None,
    };

    for max_bytes in [6_000_000_000, 4_000_000_000, 1_000_000_000] {
        let limits = Limits {
            max_bytes: Some(max_bytes),
            ..Limits::default()
        };
        let plan = plan(&inventory, &limits, now)?;
        println!("at most {max_bytes} bytes: frees {}", plan.freed);
        for purge in &plan.purges {
            println!(
                "  {} ({} bytes): {}",
                purge.id, purge.bytes_freed, purge.reason
            );
        }
    }
    Ok(())
}
