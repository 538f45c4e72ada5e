//! `offline serve`

use asset_store::Store;
use serde_json::json;

use crate::Result;
use crate::cli::Serve;
use crate::playback::server::Server;
use crate::render::output::{self, Output};
use crate::render::text::printable;
use crate::session::library;

pub(super) async fn run(arguments: &Serve, store: Store, output: Output) -> Result<u8> {
    let listed = library::list(&store)?;
    let server = Server::bind(store, arguments.port).await?;
    if output.json {
        output::json(&json!({ "url": server.url() }))?;
    } else {
        output::line(&format!("serving at {}/ until interrupted", server.url()))?;
        for asset in listed {
            output::line(&format!(
                "{}: {}",
                printable(&asset.title),
                server.asset_url(&asset_store::AssetId::new(&asset.id)?)
            ))?;
        }
    }
    tokio::select! {
        () = server.run() => {}
        () = super::download::interrupt() => {}
    }
    Ok(0)
}
