//! An application that keeps a stream and then serves it: `cargo run -p offline-cli --example application -- URL FOLDER`.
#![expect(clippy::print_stdout, reason = "an example shows its result")]

use asset_store::Store;
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
    let mut request = DownloadRequest::new(url.parse()?);
    request.title = Some("Kept by the example".to_owned());
    request.selection.variants = vec!["height<=720".parse()?];
    let interrupted = async { tokio::signal::ctrl_c().await.unwrap_or_default() };
    let outcome = session
        .download(request, interrupted, |event| {
            if let DownloadEvent::Resolved {
                tracks, duration, ..
            } = event
            {
                println!("{duration} s in {} tracks", tracks.len());
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
