//! `offline purge`

use asset_store::Store;
use storage_policy::StorePolicy;

use super::policy_file;
use crate::Result;
use crate::cli::Purge;
use crate::render::output::{self, Output};
use crate::render::text::{self, printable, size};
use crate::session::purge::{self, PurgeRequest, Purged};

pub(super) fn run(store: Option<&Store>, arguments: &Purge, output: Output) -> Result<u8> {
    let policy = match &arguments.policy {
        Some(file) => Some(
            StorePolicy::from_toml(&policy_file::read(file)?)
                .map_err(|error| policy_file::wrong(file, error))?,
        ),
        None => None,
    };
    let request = PurgeRequest {
        policy,
        max_bytes: arguments.max_size,
        min_free: arguments.min_free,
        needed: arguments.needed,
        trust_clock: arguments.trust_clock,
        dry_run: arguments.dry_run,
    };
    let purged = match store {
        Some(store) => purge::purge(store, &request)?,
        None => Purged::default(),
    };
    let code = u8::from(!purged.is_enough());
    for warning in &purged.warnings {
        output.message(&format!("warning: {}", printable(warning)));
    }
    if output.json {
        output::json(&purged)?;
        return Ok(code);
    }
    let (remove, free) = if arguments.dry_run {
        ("would remove", "would free")
    } else {
        ("removed", "freed")
    };
    for asset in &purged.purged {
        output::line(&format!("{remove} {}", text::purged(asset)))?;
    }
    for kept in &purged.kept {
        output.message(&format!("kept {}", printable(kept)));
    }
    output::line(&format!("{free} {}", size(purged.freed)))?;
    if let Some(next) = purged.next_expiry.as_ref().filter(|_| arguments.dry_run) {
        let at = text::date(next.at);
        output::line(&format!(
            "next to expire: {} at {at}, by {}",
            next.id, next.cause
        ))?;
    }
    if purged.shortfall > 0 {
        output.message(&format!("{} more would have to go", size(purged.shortfall)));
    }
    for quota in &purged.tag_shortfalls {
        output.message(&format!(
            "{} more of `{}` would have to go",
            size(quota.shortfall),
            printable(&quota.tag)
        ));
    }
    Ok(code)
}
