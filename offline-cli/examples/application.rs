//! An application that keeps a stream and then serves it: `cargo run -p offline-cli --example application -- URL FOLDER`.
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use asset_store::Store;
use hls_parse::AuxiliaryRequest;
use offline_cli::playback::server::Server;
use offline_cli::session::{DownloadEvent, DownloadRequest, Network, Session, library};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(url), Some(folder)) = (arguments.next(), arguments.next()) else {
        return Err("usage: application URL FOLDER".into());
    };

    let store = Store::open(folder)?;
    let session = Session::new(store.clone(), Network::new()?);
    // What was chosen the last time stays chosen; without a choice it would be the best variant and the default renditions.
    let mut request = DownloadRequest::augmenting(&store, url.parse()?, None)?;
    request.title = Some("Kept by the example".to_owned());
    request.selection.variants = vec!["height<=720".parse()?];
    // French beside, with the video that is taken anyway where that goes with it.
    let mut french = AuxiliaryRequest::default();
    french.request.audio = "fr".parse()?;
    request.options.auxiliary = vec![french];
    let interrupted = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    let outcome = session
        .download(request, interrupted, |event| {
            if let DownloadEvent::Resolved { chosen, .. } = event {
                println!("takes {chosen:?}");
            }
        })
        .await?;

    let found = library::inspect(&store, &outcome.id)?;
    println!("plays offline: {}", found.inspection.playable_offline);
    let server = Server::bind(store, 0).await?;
    println!(
        "an application would now `server.run()` and open {}",
        server.asset_url(&outcome.id)
    );
    Ok(())
}
