//! `offline usage`

use asset_store::Store;

use crate::Result;
use crate::render::output::{self, Output};
use crate::render::table::table;
use crate::render::text::size;
use crate::session::upkeep;

pub(super) fn run(store: Option<&Store>, output: Output) -> Result<u8> {
    let used = store.map(upkeep::usage).transpose()?.unwrap_or_default();
    if output.json {
        output::json(&used)?;
        return Ok(0);
    }
    let rows = used.usage.assets.iter().map(|asset| {
        vec![
            asset.id.clone(),
            asset.title.clone().unwrap_or_default(),
            size(asset.bytes.logical),
            size(asset.bytes.exclusive),
            size(asset.bytes.shared),
        ]
    });
    output::line(&table(
        &["ID", "TITLE", "SIZE", "EXCLUSIVE", "SHARED"],
        &[2, 3, 4],
        rows.collect(),
    ))?;
    for (role, bytes) in &used.usage.roles {
        output::line(&format!("{role:<16}{:>10}", size(*bytes)))?;
    }
    for (name, bytes) in [
        ("assets", used.usage.stored),
        ("unfinished", used.partials),
        ("trash", used.trash),
    ] {
        output::line(&format!("{name:<16}{:>10}", size(bytes)))?;
    }
    Ok(0)
}
