//! `offline pause`, `resume`, `cancel`, and `download` without an address

use std::collections::HashMap;

use asset_store::{AssetId, Store};
use serde::Serialize;

use super::download;
use crate::cli::{Download, Resume};
use crate::render::lines::Lines;
use crate::render::output::{self, Output};
use crate::render::progress::Progress;
use crate::session::queue::{self, QueueEvent, QueueOptions};
use crate::session::{DownloadEvent, DownloadRequest, library};
use crate::{Error, ErrorKind, Result};

#[derive(Serialize)]
struct Steered {
    id: String,
    state: &'static str,
}

pub(super) async fn pause(store: &Store, wanted: &[String], output: Output) -> Result<u8> {
    let ids = find(store, wanted)?;
    for id in &ids {
        queue::pause(store, id).await?;
        output.message(&format!("paused {id}; `offline resume {id}` continues"));
    }
    answer(&ids, "paused", output)
}

pub(super) async fn cancel(store: &Store, wanted: &[String], output: Output) -> Result<u8> {
    let ids = find(store, wanted)?;
    for id in &ids {
        queue::cancel(store, id).await?;
        output.message(&format!(
            "cancelled {id}; `offline remove {id}` frees what is there"
        ));
    }
    answer(&ids, "cancelled", output)
}

/// All names are looked up before anything changes.
fn find(store: &Store, wanted: &[String]) -> Result<Vec<AssetId>> {
    let ids = wanted.iter().map(|wanted| library::find(store, wanted));
    ids.collect()
}

fn answer(ids: &[AssetId], state: &'static str, output: Output) -> Result<u8> {
    if output.json {
        let steered = ids.iter().map(|id| Steered {
            id: id.to_string(),
            state,
        });
        output::json(&steered.collect::<Vec<_>>())?;
    }
    Ok(0)
}

pub(super) async fn resume(arguments: &Resume, store: Store, output: Output) -> Result<u8> {
    let id = library::find(&store, &arguments.id)?;
    let mut request = DownloadRequest::again(&store, &id)?;
    if let Some(url) = &arguments.url {
        request.url = url.clone();
        request.new_address = true;
    }
    download::one(request, &arguments.connection, store, output).await
}

pub(super) fn enqueue(store: &Store, request: &DownloadRequest, output: Output) -> Result<u8> {
    let id = queue::enqueue(store, request)?;
    output.message(&format!(
        "{id} waits in the queue; `offline download` works it off"
    ));
    answer(&[id], "queued", output)
}

pub(super) async fn work_off(arguments: &Download, store: &Store, output: Output) -> Result<u8> {
    if queue::waiting(store)?.is_empty() {
        output
            .message("nothing waits; `offline download --queue URL` puts something into the queue");
        return Ok(0);
    }
    let mut options = QueueOptions::new(super::network_options(&arguments.connection, output));
    options.jobs = arguments.working.jobs;
    options.requirements.min_free = arguments.working.min_free;
    options.requirements.hours = arguments.working.hours;
    options
        .requirements
        .only_if
        .clone_from(&arguments.working.only_if);
    let lines = Lines::new(output);
    let mut shown: HashMap<AssetId, Progress> = HashMap::new();
    let (mut failed, mut interrupted) = (0usize, false);
    let (stop, twice) = download::interrupts();
    let worked = queue::work_off(store, &options, stop, |id, event| {
        let progress = shown.entry(id.clone());
        let progress = progress.or_insert_with(|| Progress::among(&lines, id.as_str(), output));
        match event {
            QueueEvent::Download(event) => progress.show(event),
            QueueEvent::Ended(Ok(outcome)) => {
                progress.end(&download::completed(outcome));
                failed += usize::from(!outcome.is_whole());
            }
            QueueEvent::Ended(Err(error)) => {
                let how = match error.kind() {
                    ErrorKind::Interrupted => {
                        interrupted = true;
                        "is paused"
                    }
                    ErrorKind::Paused => "is paused",
                    ErrorKind::Cancelled => "is cancelled",
                    _ => {
                        failed += 1;
                        "failed"
                    }
                };
                progress.end(&format!("{id} {how}: {}", error.one_line()));
                // What pauses has told so itself.
                if !error.kind().is_pause() {
                    progress.show(&DownloadEvent::failed(error));
                }
            }
        }
    });
    let worked = tokio::select! {
        worked = worked => worked,
        () = twice => Err(download::interrupted_twice("`offline download` continues")),
    };
    let unwritten = shown
        .into_values()
        .find_map(|mut progress| progress.failed.take());
    if let Some(error) = unwritten {
        return Err(error);
    }
    if let Some(unmet) = worked? {
        output.message(&format!("not now: {unmet}; what waits stays in the queue"));
        return Ok(u8::from(failed > 0));
    }
    if interrupted {
        return Err(
            Error::new(ErrorKind::Interrupted, "interrupted, what is there is kept")
                .hint("`offline download` continues"),
        );
    }
    Ok(u8::from(failed > 0))
}
