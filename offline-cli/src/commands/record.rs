//! `offline download --live`

use asset_store::Store;

use super::download::{Watch, completed, interrupted_twice, interrupts};
use crate::Result;
use crate::cli::Connection;
use crate::render::output::Output;
use crate::session::{DownloadRequest, LiveOptions, Session};

/// Records one asset and says how that ended. The first interrupt ends the recording, the second one the process.
pub(super) async fn run(
    request: DownloadRequest,
    live: LiveOptions,
    connection: &Connection,
    store: Store,
    output: Output,
) -> Result<u8> {
    let network = super::network(connection, &request.url, output)?;
    let session = Session::new(store, network);
    let mut watch = Watch::new(output);
    let (stop, twice) = interrupts();
    let result = tokio::select! {
        result = session.record(request, live, stop, |event| watch.show(&event)) => result,
        () = twice => Err(interrupted_twice("`--live` on the same address goes on, without it what is there is finished")),
    };
    let recording = watch.ended(result)?;
    let outcome = recording.outcome;
    if !output.json {
        output.message(&completed(&outcome));
        let reason = recording.ended.reason();
        output.message(&format!("the recording ended, since {reason}"));
    }
    if !outcome.gaps.is_empty() {
        let gaps = outcome.gaps.len();
        output.message(&format!(
            "with {gaps} gaps, where segments could not be had"
        ));
    }
    let is_good = outcome.gaps.is_empty() && !recording.ended.is_doubtful();
    Ok(u8::from(!is_good))
}
