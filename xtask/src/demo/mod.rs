//! `cargo xtask demo`: the whole way, for someone with no stream at hand.

pub(crate) mod origin;
pub(crate) mod stream;

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use clap::Args;

use crate::run::{self, Result, say};

/// Options of `demo`.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Check that the playlist is served, then stop instead of serving on
    #[arg(long)]
    pub(crate) once: bool,
}

pub(crate) fn run(options: &Options) -> Result {
    let target = run::target_directory()?;
    let folder = target.join("demo");
    let stream = folder.join("stream");
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&stream).map_err(|error| format!("{}: {error}", stream.display()))?;

    say("building offline …");
    run::status(run::cargo().args(["build", "--quiet", "--locked", "--package", "offline-cli"]))?;
    let offline = target
        .join("debug")
        .join(format!("offline{}", std::env::consts::EXE_SUFFIX));

    let playlist = stream::make(&stream)?;
    let origin = origin::Origin::start(&stream)?;
    let url = format!("{}/{playlist}", origin.url());
    let store = folder.join("store");
    let offline = || {
        let mut command = Command::new(&offline);
        command.arg("--store").arg(&store);
        command
    };

    say(&format!("$ offline download {url}"));
    run::status(offline().args(["download", &url, "--title", "Demo"]))?;
    origin.stop();
    say("the origin is stopped; from here on everything comes from the store");
    for command in ["list", "inspect"] {
        let id = if command == "inspect" {
            Some("Demo")
        } else {
            None
        };
        say(&format!(
            "$ offline {command}{}",
            id.map(|id| format!(" {id}")).unwrap_or_default()
        ));
        run::status(offline().arg(command).args(id))?;
    }
    say("$ offline serve");
    let mut server = Server(
        offline()
            .args(["serve", "--json"])
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| error.to_string())?,
    );
    let mut line = String::new();
    let output = server.0.stdout.take().ok_or("the server has no output")?;
    BufReader::new(output)
        .read_line(&mut line)
        .map_err(|error| error.to_string())?;
    let base = line
        .split('"')
        .nth(3)
        .ok_or("the server did not say where it listens")?
        .to_owned();
    let listed = run::output(offline().args(["list", "--json"]))?;
    let id = listed
        .split("\"id\":\"")
        .nth(1)
        .and_then(|rest| rest.split('"').next())
        .ok_or("nothing was stored")?;
    let address = format!("{base}/assets/{id}/index.m3u8");
    let answer = origin::get(&address)?;
    if !answer.contains("#EXTM3U") {
        return Err(format!(
            "{address} did not answer with a playlist:\n{answer}"
        ));
    }
    say("\nPlay it in VLC, mpv, ffplay, Safari or Chrome:");
    say(&format!("\n    {address}\n"));
    if options.once {
        return Ok(());
    }
    say("Ctrl-C stops serving.");
    server
        .0
        .wait()
        .map(|_| ())
        .map_err(|error| error.to_string())
}

/// The served store; it ends with this chore.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
