//! `offline remove` and `offline gc`

use std::collections::BTreeSet;

use asset_store::{AssetId, GcOptions, Store};
use serde::Serialize;

use crate::Result;
use crate::render::output::{self, Output};
use crate::render::text::size;
use crate::session::{library, upkeep};

#[derive(Serialize)]
struct Removed {
    id: String,
    freed: u64,
}

pub(super) fn run(store: &Store, wanted: &[String], output: Output) -> Result<u8> {
    // All names are looked up before anything goes.
    let ids: BTreeSet<AssetId> = wanted
        .iter()
        .map(|wanted| library::find(store, wanted))
        .collect::<Result<_>>()?;
    let mut removed = Vec::new();
    for id in ids {
        let freed = upkeep::remove(store, &id)?;
        output.message(&format!("removed {id}, {} freed", size(freed)));
        removed.push(Removed {
            id: id.to_string(),
            freed,
        });
    }
    if output.json {
        output::json(&removed)?;
    }
    Ok(0)
}

#[derive(Serialize)]
struct Collected {
    blobs: u64,
    partials: u64,
    freed: u64,
}

pub(super) fn collect_garbage(store: Option<&Store>, dry_run: bool, output: Output) -> Result<u8> {
    let mut collected = Collected {
        blobs: 0,
        partials: 0,
        freed: 0,
    };
    if let Some(store) = store {
        let options = GcOptions {
            dry_run,
            ..GcOptions::default()
        };
        let report = upkeep::collect_garbage(store, &options)?;
        collected = Collected {
            blobs: report.blobs_removed,
            partials: report.partials_removed,
            freed: report.bytes_freed,
        };
    }
    if output.json {
        output::json(&collected)?;
    } else {
        let verb = if dry_run { "would free" } else { "freed" };
        output::line(&format!(
            "{verb} {}: {} blobs, {} partial downloads",
            size(collected.freed),
            collected.blobs,
            collected.partials
        ))?;
    }
    Ok(0)
}
