//! `offline download`

use asset_store::{AssetId, Store};

use crate::cli::Download;
use crate::render::output::{self, Output};
use crate::render::progress::Progress;
use crate::render::text::{printable, size};
use crate::session::{DownloadEvent, DownloadRequest, Session};
use crate::{Error, Result};

pub(super) async fn run(arguments: &Download, store: Store, output: Output) -> Result<u8> {
    let network = super::network(&arguments.connection, &arguments.url, output)?;
    let session = Session::new(store, network);
    let mut request = DownloadRequest::new(arguments.url.clone());
    request.selection = super::selection(&arguments.choice);
    request.title.clone_from(&arguments.title);
    request.id = arguments.id.as_deref().map(AssetId::new).transpose()?;
    request.allow_gaps = arguments.allow_gaps;
    request.treat_as_vod = arguments.treat_as_vod;
    let mut progress = Progress::new(output);
    let mut paused = false;
    let result = session
        .download(request, interrupt(), |event| {
            paused |= matches!(event, DownloadEvent::Paused { .. });
            progress.show(&event);
        })
        .await;
    progress.clear();
    if let (Ok(_), Some(error)) = (&result, progress.failed.take()) {
        return Err(error);
    }
    match result {
        Ok(outcome) => {
            if !output.json {
                let got = if outcome.bytes_received > 0 {
                    format!(", {} received", size(outcome.bytes_received))
                } else {
                    String::new()
                };
                output.message(&format!(
                    "{} [{}] is complete: {}{got}",
                    printable(&outcome.title),
                    outcome.id,
                    size(outcome.bytes)
                ));
            }
            if outcome.gaps.is_empty() {
                return Ok(0);
            }
            output.message(&format!(
                "with {} gaps; download it again to try to fill them",
                outcome.gaps.len()
            ));
            Ok(1)
        }
        Err(error) => {
            // Every run ends with an event that says how.
            if output.json && !paused {
                output::json(&DownloadEvent::failed(&error))?;
            }
            Err(error)
        }
    }
}

/// Ready when the user interrupts or the system asks the process to end.
pub(super) async fn interrupt() {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    if let Err(error) = tokio::signal::ctrl_c().await {
        tracing::warn!(%error, "interrupts are not noticed");
        std::future::pending::<Error>().await;
    }
}
