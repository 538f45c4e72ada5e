//! `offline play`

use asset_store::Store;
use serde_json::json;
use tokio::process::Command;

use crate::cli::{Play, Player};
use crate::playback::local::LocalAsset;
use crate::playback::player;
use crate::playback::server::{Server, ServerOptions};
use crate::render::output::{self, Output};
use crate::session::library;
use crate::{Error, Result};

pub(super) async fn run(arguments: &Play, store: Store, output: Output) -> Result<u8> {
    let id = library::find(&store, &arguments.id)?;
    // What cannot be played is said here, with the reason.
    let asset = LocalAsset::load(&store, &id)?;
    let form = arguments.player.map(|_| player::form(&store, &asset));
    let options = ServerOptions {
        network: super::network_options(&arguments.connection, output),
        ..ServerOptions::default()
    };
    let server = Server::bind_with(store, &options).await?;
    let below = |path: &String| format!("{}/assets/{id}/{path}", server.url());
    let address = match &form {
        Some(form) => below(&form.film),
        None => format!("{}/#{id}", server.url()),
    };
    let subtitles = form.iter().flat_map(|form| &form.subtitles).map(below);
    let subtitles: Vec<String> = subtitles.collect();
    if output.json {
        output::json(&json!({ "url": address }))?;
    }
    tokio::select! {
        () = server.run() => Ok(0),
        () = super::download::interrupt() => Ok(0),
        played = watch(arguments.player, &address, &subtitles, output) => played,
    }
}

/// Ready when the player is closed; a browser tells nobody when it is.
async fn watch(
    player: Option<Player>,
    address: &str,
    subtitles: &[String],
    output: Output,
) -> Result<u8> {
    let Some(player) = player else {
        match open::that_detached(address) {
            Ok(()) => output.message(&format!("playing at {address} until interrupted")),
            Err(_) => output.message(&format!(
                "there is no browser to start; open {address} (until interrupted)"
            )),
        }
        return std::future::pending().await;
    };
    let (program, options): (_, Vec<String>) = match player {
        // The others show those of playlists, or none at all.
        Player::Mpv => {
            let option = |address: &String| format!("--sub-file={address}");
            ("mpv", subtitles.iter().map(option).collect())
        }
        Player::Vlc => ("vlc", vec!["--play-and-exit".to_owned()]),
        Player::Ffplay => ("ffplay", vec!["-loglevel".to_owned(), "error".to_owned()]),
    };
    let started = Command::new(program)
        .args(options)
        .arg(address)
        // What is on this machine needs no proxy.
        .env_remove("http_proxy")
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
