//! How what is stored is played and taken elsewhere.

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;

use clap::{Args, ValueEnum};
use http::uri::Authority;

use super::{Connection, complete, value};

/// Options of `serve`.
#[derive(Debug, Args)]
pub struct Serve {
    /// The port [default: a free one]
    #[arg(long, default_value_t = 0, hide_default_value = true)]
    pub port: u16,

    /// The address to listen on; any but a loopback one lets others on the network in
    #[arg(long, value_name = "ADDRESS", default_value_t = Ipv4Addr::LOCALHOST.into())]
    pub bind: IpAddr,

    /// A name that players may have for this server, with a port where it is not the server's
    #[arg(long, value_name = "NAME", value_parser = value::host)]
    pub host: Vec<Authority>,

    // Last, since its heading is for all that follows.
    #[command(flatten)]
    pub connection: Connection,
}

/// Options of `play`.
#[derive(Debug, Args)]
pub struct Play {
    /// The asset
    #[arg(add = complete::assets())]
    pub id: String,

    /// Play it with this program [default: the page, in the browser]
    #[arg(long, value_enum)]
    pub player: Option<Player>,

    // Last, since its heading is for all that follows.
    #[command(flatten)]
    pub connection: Connection,
}

/// Programs that play what is served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Player {
    /// mpv
    Mpv,
    /// VLC
    Vlc,
    /// ffplay, of ffmpeg
    Ffplay,
}

/// Options of `export`.
#[derive(Debug, Args)]
pub struct Export {
    /// The asset
    #[arg(add = complete::assets())]
    pub id: String,

    /// Where to write it
    #[arg(short, long, value_name = "PATH")]
    pub output: PathBuf,

    /// The form it is written in [default: what PATH ends with, else hls]
    #[arg(long, value_enum)]
    pub format: Option<ExportFormat>,

    /// Let this program write it, if it is installed: for codecs that have no place in MP4 here, and for mkv
    #[arg(long, value_enum, value_name = "PROGRAM")]
    pub with: Option<Writer>,
}

/// Programs that write what is exported.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum Writer {
    /// ffmpeg
    Ffmpeg,
}

/// Forms of export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ExportFormat {
    /// A folder of playlists and segments that plays from disk
    Hls,
    /// One MP4 file: the best variant with all its languages
    Mp4,
    /// One Transport Stream, where segments are parts of one
    Ts,
    /// One Matroska file, written by ffmpeg (`--with ffmpeg`)
    Mkv,
}

impl Export {
    /// The form that is asked for by name, or by the ending of the path.
    pub(crate) fn form(&self) -> ExportFormat {
        let ending = self.output.extension().and_then(|ending| ending.to_str());
        let by_ending = || match ending?.to_ascii_lowercase().as_str() {
            "mp4" | "m4v" | "m4a" => Some(ExportFormat::Mp4),
            "ts" => Some(ExportFormat::Ts),
            "mkv" => Some(ExportFormat::Mkv),
            _ => None,
        };
        self.format.or_else(by_ending).unwrap_or(ExportFormat::Hls)
    }
}
