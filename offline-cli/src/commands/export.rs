//! `offline export`

use asset_store::Store;
use serde_json::json;

use crate::cli::{Export, ExportFormat, Writer};
use crate::playback::export::{self, Container};
use crate::render::output::{self, Output};
use crate::render::text::size;
use crate::session::library;
use crate::{Error, ErrorKind, Result};

pub(super) async fn run(store: &Store, arguments: &Export, output: Output) -> Result<u8> {
    let id = library::find(store, &arguments.id)?;
    let path = &arguments.output;
    let exported = match (arguments.form(), arguments.with) {
        (ExportFormat::Hls, None) => export::hls(store, &id, path, |_| {})?,
        (ExportFormat::Mp4, None) => export::mp4(store, &id, path, |_| {})?,
        (ExportFormat::Ts, None) => export::transport_stream(store, &id, path, |_| {})?,
        (ExportFormat::Mkv, None) => {
            let what = "mkv is written by an installed ffmpeg only";
            return Err(Error::usage(what).hint("add --with ffmpeg, or export it as mp4"));
        }
        (format, Some(Writer::Ffmpeg)) => {
            let container = match format {
                ExportFormat::Hls => {
                    let what = "a folder of playlists is written without ffmpeg";
                    return Err(Error::usage(what).hint("leave --with out, or name a --format"));
                }
                ExportFormat::Mp4 => Container::Mp4,
                ExportFormat::Ts => Container::TransportStream,
                ExportFormat::Mkv => Container::Matroska,
            };
            tokio::select! {
                exported = export::with_ffmpeg(store, &id, path, container) => exported?,
                () = super::download::interrupt() => {
                    return Err(Error::new(ErrorKind::Interrupted, "nothing was written"));
                }
            }
        }
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
