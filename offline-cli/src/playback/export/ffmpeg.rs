//! One file written by an installed ffmpeg: containers and codecs that are not ours.

use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Stdio;

use asset_store::{AssetId, Store};
use tokio::io::AsyncReadExt;
use tokio::process::Command;

use super::super::local::{INDEX, LocalAsset};
use super::super::movie::{self, Movie, Program};
use super::super::server::Server;
use super::subtitles::Beside;
use super::unfinished::refuse_existing;
use super::{Exported, UnfinishedFolder};
use crate::media::movie::three_letters;
use crate::{Error, ErrorKind, Result};

/// How much of what ffmpeg says is kept: the end of it.
const SAID: usize = 4096;
/// The name of the file while it is not whole.
const FILE: &str = "film";

/// Containers that ffmpeg is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Container {
    /// Matroska.
    Matroska,
    /// MP4, its tables first.
    Mp4,
    /// A Transport Stream.
    TransportStream,
}

impl Container {
    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Matroska => &["-f", "matroska"],
            Self::Mp4 => &["-f", "mp4", "-movflags", "+faststart"],
            Self::TransportStream => &["-f", "mpegts"],
        }
    }
}

/// Has ffmpeg write the variant with the highest bandwidth, and all renditions of its groups that are complete, as one
/// file. Nothing is coded anew. Subtitles are tracks of it where the container has such, and beside it.
///
/// ffmpeg reads from a server of its own on the loopback interface, so that it needs no keys and sees only what is
/// complete.
///
/// # Errors
/// When one of the files exists, ffmpeg is not installed, or it cannot write the file: with what it says.
pub async fn with_ffmpeg(
    store: &Store,
    id: &AssetId,
    path: &Path,
    container: Container,
) -> Result<Exported> {
    refuse_existing(path)?;
    let unfinished = UnfinishedFolder::create(path)?;
    let file = unfinished.hidden().join(FILE);
    let server = Server::bind(store.clone(), 0).await?;
    let folder = format!("{}/assets/{id}", server.url());
    let (from, of, beside) = (store.clone(), id.clone(), path.to_owned());
    let prepared =
        tokio::task::spawn_blocking(move || prepare(&from, &of, &folder, &beside, container));
    let prepared = prepared.await.map_err(|error| {
        Error::new(ErrorKind::Storage, "the asset cannot be read").because(error)
    })?;
    let Prepared {
        arguments,
        notes,
        beside,
    } = prepared?;
    let mut command = Command::new("ffmpeg");
    command
        .args(["-nostdin", "-hide_banner", "-loglevel", "error", "-y"])
        .args(arguments)
        .args(container.options())
        .arg(named(&file))
        // What is on this machine needs no proxy.
        .env_remove("http_proxy")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    tokio::select! {
        () = server.run() => {}
        ended = run(command) => ended?,
    }
    let bytes = fs::File::open(&file)
        .and_then(|file| file.sync_all().and_then(|()| file.metadata()))
        .map_err(|error| Error::io(&file, "read", error))?
        .len();
    let mut exported = Exported {
        index: path.to_owned(),
        files: 1,
        bytes,
        notes,
    };
    beside.finish(&mut exported)?;
    refuse_existing(path)?;
    fs::rename(&file, path).map_err(|error| Error::io(path, "write", error))?;
    Ok(exported)
}

/// What ffmpeg is to be told.
struct Prepared {
    arguments: Vec<String>,
    notes: Vec<String>,
    beside: Beside,
}

fn prepare(
    store: &Store,
    id: &AssetId,
    folder: &str,
    film: &Path,
    container: Container,
) -> Result<Prepared> {
    let asset = LocalAsset::load(store, id)?;
    let program = Program::choose(&asset)?;
    let movie = Movie::of(store, &asset);
    let mut prepared = Prepared {
        arguments: Vec::new(),
        notes: Vec::new(),
        beside: Beside::default(),
    };
    if let Ok(movie) = &movie {
        prepared.beside = Beside::write(store, movie, film)?;
    }
    let mut tell = |arguments: &[&str]| {
        prepared
            .arguments
            .extend(arguments.iter().map(|&argument| argument.to_owned()));
    };
    // What plays nowhere is not written either.
    if let Err(error) = movie.as_ref()
        && error.kind() == ErrorKind::Protected
    {
        return movie.map(|_| prepared);
    }
    // The movie has discontinuities and changing maps in order, which ffmpeg does not get out of playlists.
    let Some(movie) = movie.ok().filter(|movie| !movie.lacks_media) else {
        prepared.notes.clone_from(&program.notes);
        for chosen in &program.sources {
            tell(&["-i", &format!("{folder}/{}/{INDEX}", chosen.track)]);
        }
        for (index, chosen) in program.sources.iter().enumerate() {
            for (kind, is_wanted) in [("v", chosen.has_video), ("a", chosen.has_audio)] {
                if is_wanted {
                    tell(&["-map", &format!("{index}:{kind}?")]);
                }
            }
        }
        // All playlists count from the same time, which is where the file begins.
        tell(&["-c", "copy", "-copyts", "-avoid_negative_ts", "make_zero"]);
        for chosen in &program.subtitles {
            let note = format!("{}: its subtitles are no track of it", chosen.track);
            prepared.notes.push(note);
        }
        return Ok(prepared);
    };
    prepared.notes.clone_from(&movie.notes);
    tell(&["-i", &format!("{folder}/{}", movie::NAME)]);
    if container == Container::Matroska {
        for chosen in movie.subtitles() {
            tell(&[
                "-i",
                &format!("{folder}/{}/{}.vtt", movie::SUBTITLES, chosen.file),
            ]);
        }
    }
    tell(&["-map", "0:v?", "-map", "0:a?", "-c", "copy"]);
    match container {
        Container::Mp4 => tell(&["-map", "0:s?"]),
        Container::TransportStream => {}
        Container::Matroska => {
            for (index, chosen) in movie.subtitles().iter().enumerate() {
                tell(&["-map", &format!("{}:s", index + 1)]);
                let language = three_letters(&chosen.language);
                for (name, value) in [("language", language), ("title", &chosen.name)] {
                    tell(&[
                        &format!("-metadata:s:s:{index}"),
                        &format!("{name}={value}"),
                    ]);
                }
            }
        }
    }
    Ok(prepared)
}

/// A path that is a path to ffmpeg, whatever it looks like.
fn named(path: &Path) -> OsString {
    let mut name = OsString::from("file:");
    name.push(path);
    name
}

async fn run(mut command: Command) -> Result<()> {
    let mut child = command.spawn().map_err(|error| {
        Error::usage("ffmpeg does not start")
            .hint("install ffmpeg, or leave --with out")
            .because(error)
    })?;
    let mut said = Vec::new();
    if let Some(mut errors) = child.stderr.take() {
        let mut piece = [0; 1024];
        while let Ok(length @ 1..) = errors.read(&mut piece).await {
            said.extend_from_slice(piece.get(..length).unwrap_or_default());
            let surplus = said.len().saturating_sub(SAID);
            said.drain(..surplus);
        }
    }
    let status = child
        .wait()
        .await
        .map_err(|error| Error::usage("ffmpeg cannot be waited for").because(error))?;
    if status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&said);
    let lines = said.lines().map(|line| {
        let is_shown = |character: &char| !character.is_control();
        line.trim().chars().filter(is_shown).collect::<String>()
    });
    let said: Vec<String> = lines.filter(|line| !line.is_empty()).collect();
    let ended = Error::new(
        ErrorKind::Unsupported,
        format!("ffmpeg cannot write it and ended with {status}"),
    );
    Err(ended.because(said.join("; ")))
}
