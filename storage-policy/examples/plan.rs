//! Reads a store policy and asks what it would take: now, with another limit, for a new film.
//!
//! `cargo run -p storage-policy --example plan`
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use std::time::{Duration, SystemTime};

use storage_policy::{
    Error, Incoming, Inventory, Item, Part, Plan, Policy, StorePolicy, expiries, plan, room_for,
};

const HOUR: Duration = Duration::from_secs(60 * 60);

const STORE: &str = r#"
max_bytes = "8 GB"
min_free = "5%"
make_room = "default"

[tags.news]
keep_newest = 1
"#;

fn show(question: &str, plan: &Plan) {
    println!(
        "{question}: frees {} bytes, lacks {}",
        plan.freed, plan.shortfall
    );
    for purge in &plan.purges {
        let part = purge
            .part
            .as_ref()
            .map_or(String::new(), |part| format!(" ({part})"));
        println!(
            "  {}{part}, {} bytes: {}",
            purge.id, purge.bytes_freed, purge.reason
        );
    }
}

fn main() -> Result<(), Error> {
    // A program would ask the system; the crate itself reads no clock.
    let now = SystemTime::UNIX_EPOCH + 500_000 * HOUR;
    let film = |id: &str, days: u32, blobs, policy| {
        let created = now - days * 24 * HOUR;
        Ok::<_, Error>(Item {
            policy: Policy::from_toml(policy)?,
            ..Item::new(id, created, blobs)
        })
    };
    let mut seen = film("seen", 30, vec![0, 1], "drop_auxiliary = true")?;
    seen.last_played = Some(now - 12 * 24 * HOUR);
    seen.parts = vec![Part {
        name: "audio in French".to_owned(),
        blobs: vec![2],
    }];
    let mut rented = film("rented", 3, vec![5], "playback_window = \"48h\"")?;
    rented.first_played = Some(now - 5 * HOUR);
    let inventory = Inventory {
        items: vec![
            seen,
            // Shares blob 1 with "seen".
            film("unseen", 30, vec![1, 3], "priority = \"important\"")?,
            film("news of Monday", 2, vec![4], "tags = [\"news\"]")?,
            film("news of Tuesday", 1, vec![6], "tags = [\"news\"]")?,
            rented,
        ],
        blob_lengths: [1900, 100, 400, 3000, 300, 1500, 300]
            .map(|mb| mb * 1_000_000)
            .to_vec(),
        free_bytes: Some(20_000_000_000),
        volume_bytes: Some(100_000_000_000),
        ..Inventory::default()
    };
    let store = StorePolicy::from_toml(STORE)?;

    show("by the policy", &plan(&inventory, &store, now)?);
    for gigabytes in [7, 5, 2] {
        let store = StorePolicy {
            max_bytes: Some(gigabytes * 1_000_000_000),
            ..store.clone()
        };
        show(
            &format!("at most {gigabytes} GB"),
            &plan(&inventory, &store, now)?,
        );
    }
    let film = Incoming {
        bytes: 3_000_000_000,
        ..Incoming::default()
    };
    show("room for 3 GB", &room_for(&inventory, &store, &film, now)?);
    if let Some(next) = expiries(&inventory, now).first() {
        let hours = next.at.duration_since(now).unwrap_or_default().as_secs() / 3600;
        println!(
            "next to expire: {} in {hours} hours, by {}",
            next.id, next.cause
        );
    }
    if let Err(error) = StorePolicy::from_toml("[tags.news]\nkeep = 3\n") {
        println!("{error}");
    }
    Ok(())
}
