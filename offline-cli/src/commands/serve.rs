//! `offline serve`

use asset_store::Store;
use serde_json::json;

use crate::Result;
use crate::cli::Serve;
use crate::playback::server::{Server, ServerOptions};
use crate::render::output::{self, Output};
use crate::render::text::printable;
use crate::session::library;

pub(super) async fn run(arguments: &Serve, store: Store, output: Output) -> Result<u8> {
    let listed = library::list(&store)?;
    let options = ServerOptions {
        address: arguments.bind,
        port: arguments.port,
        hosts: arguments.host.clone(),
        network: super::network_options(&arguments.connection, output),
    };
    let server = Server::bind_with(store, &options).await?;
    let address = server.address();
    if !address.ip().to_canonical().is_loopback() {
        output.message(&format!(
            "warning: listening on {address}, beyond this machine: who learns the address below plays, changes and removes what is stored, \
            and it goes over the network unencrypted"
        ));
    }
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
