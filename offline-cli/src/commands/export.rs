//! `offline export`

use asset_store::Store;
use serde_json::json;

use crate::Result;
use crate::cli::{Export, ExportFormat};
use crate::playback::export;
use crate::render::output::{self, Output};
use crate::render::text::size;
use crate::session::library;

pub(super) fn run(store: &Store, arguments: &Export, output: Output) -> Result<u8> {
    let id = library::find(store, &arguments.id)?;
    let exported = match arguments.format {
        ExportFormat::Hls => export::hls(store, &id, &arguments.output, |_| {})?,
        ExportFormat::Mp4 => export::mp4(store, &id, &arguments.output, |_| {})?,
        ExportFormat::Ts => export::transport_stream(store, &id, &arguments.output, |_| {})?,
    };
    if output.json {
        output::json(&json!({
            "path": exported.index.display().to_string(),
            "files": exported.files,
            "bytes": exported.bytes,
            "notes": exported.notes,
        }))?;
    } else {
        for note in &exported.notes {
            output.message(&format!("note: {note}"));
        }
        output::line(&format!(
            "{} ({} files, {})",
            exported.index.display(),
            exported.files,
            size(exported.bytes)
        ))?;
    }
    Ok(0)
}
