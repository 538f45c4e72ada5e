//! `offline list`

use std::time::Duration;

use asset_store::Store;

use crate::Result;
use crate::render::output::{self, Output};
use crate::render::paint::Tone;
use crate::render::table::painted;
use crate::render::text::{clock, size};
use crate::session::{DownloadState, library};

pub(super) fn run(store: Option<&Store>, output: Output) -> Result<u8> {
    let listed = store.map(library::list).transpose()?.unwrap_or_default();
    if output.json {
        output::json(&listed)?;
        return Ok(0);
    }
    if listed.is_empty() {
        output.message("nothing is stored; `offline download URL` begins");
        return Ok(0);
    }
    let rows = listed.iter().map(|asset| {
        let state = match asset.state {
            DownloadState::Completed => asset.state.name().to_owned(),
            state => format!("{} {:.0} %", state.name(), (asset.progress * 100.0).floor()),
        };
        let cells = vec![
            asset.id.clone(),
            asset.title.clone(),
            clock(Duration::try_from_secs_f64(asset.duration).unwrap_or_default()),
            size(asset.bytes),
            state,
        ];
        (cells, Tone::of(asset.state))
    });
    output::line(&painted(
        &["ID", "TITLE", "TIME", "SIZE", "STATE"],
        &[2, 3],
        rows.collect(),
    ))?;
    Ok(0)
}
