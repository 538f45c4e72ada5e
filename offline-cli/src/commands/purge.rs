//! `offline purge`

use asset_store::Store;
use storage_policy::{Amount, StorePolicy};

use crate::Result;
use crate::cli::Purge;
use crate::render::output::{self, Output};
use crate::render::text::{printable, size};
use crate::session::upkeep::{self, Purged};

pub(super) fn run(store: Option<&Store>, arguments: &Purge, output: Output) -> Result<u8> {
    let policy = StorePolicy {
        max_bytes: arguments.max_size,
        min_free: arguments.min_free.map(Amount::Bytes),
        // With a limit, expired assets go first but only as far as needed; without one, they are what to purge.
        evict_expired: arguments.max_size.is_none() && arguments.min_free.is_none(),
        ..StorePolicy::default()
    };
    let purged = match store {
        Some(store) => upkeep::purge(store, &policy, arguments.dry_run)?,
        None => Purged::default(),
    };
    let code = u8::from(purged.shortfall > 0);
    if output.json {
        output::json(&purged)?;
        return Ok(code);
    }
    let verb = if arguments.dry_run {
        "would remove"
    } else {
        "removed"
    };
    for asset in &purged.purged {
        output::line(&format!(
            "{verb} {}, {}: {}",
            asset.id,
            size(asset.freed),
            printable(&asset.reason)
        ))?;
    }
    for kept in &purged.kept {
        output.message(&format!("kept {}", printable(kept)));
    }
    let verb = if arguments.dry_run {
        "would free"
    } else {
        "freed"
    };
    output::line(&format!("{verb} {}", size(purged.freed)))?;
    if purged.shortfall > 0 {
        output.message(&format!("{} more would have to go", size(purged.shortfall)));
    }
    Ok(code)
}
