//! `offline play`

use asset_store::Store;
use serde_json::json;
use tokio::process::Command;

use crate::cli::{Play, Player};
use crate::playback::local::LocalAsset;
use crate::playback::server::Server;
use crate::render::output::{self, Output};
use crate::session::library;
use crate::{Error, Result};

pub(super) async fn run(arguments: &Play, store: Store, output: Output) -> Result<u8> {
    let id = library::find(&store, &arguments.id)?;
    // What cannot be played is said here, with the reason.
    LocalAsset::load(&store, &id)?;
    let server = Server::bind(store, 0).await?;
    let address = match arguments.player {
        Some(_) => server.asset_url(&id),
        None => format!("{}/#{id}", server.url()),
    };
    if output.json {
        output::json(&json!({ "url": address }))?;
    }
    tokio::select! {
        () = server.run() => Ok(0),
        () = super::download::interrupt() => Ok(0),
        played = watch(arguments.player, &address, output) => played,
    }
}

/// Ready when the player is closed; a browser tells nobody when it is.
async fn watch(player: Option<Player>, address: &str, output: Output) -> Result<u8> {
    let Some(player) = player else {
        match open::that_detached(address) {
            Ok(()) => output.message(&format!("playing at {address} until interrupted")),
            Err(_) => output.message(&format!(
                "there is no browser to start; open {address} (until interrupted)"
            )),
        }
        return std::future::pending().await;
    };
    let (program, options): (_, &[&str]) = match player {
        Player::Mpv => ("mpv", &[]),
        Player::Vlc => ("vlc", &["--play-and-exit"]),
        Player::Ffplay => ("ffplay", &["-loglevel", "error"]),
    };
    let started = Command::new(program)
        .args(options)
        .arg(address)
        .kill_on_drop(true)
        .spawn();
    let mut child = started.map_err(|error| {
        Error::usage(format!("{program} does not start"))
            .hint("install it, or leave --player out for the browser")
            .because(error)
    })?;
    let status = child
        .wait()
        .await
        .map_err(|error| Error::usage(format!("{program} cannot be waited for")).because(error))?;
    if !status.success() {
        output.message(&format!("{program} ended with {status}"));
    }
    Ok(u8::from(!status.success()))
}
