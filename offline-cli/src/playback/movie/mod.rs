//! An asset as one progressive MP4 file that is nowhere written: its tables are worked out once, and its bytes are
//! read out of the segments when they are asked for.

mod program;
mod reader;
mod source;
mod subtitles;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use asset_store::Store;

pub(crate) use program::Program;
pub(crate) use reader::MovieReader;
use source::Source;
pub(crate) use subtitles::Form;

use super::local::LocalAsset;
use crate::media::movie::{self, Layout, Place, TrackBuilder};
use crate::media::samples::Stream;
use crate::{Error, ErrorKind, Result};

/// The name of the file beside an asset's playlists.
pub(crate) const NAME: &str = "movie.mp4";
/// How many movies' tables are kept: some megabytes each for a long film.
const KEPT: usize = 4;
/// Where subtitles of sound are shown.
const NO_PICTURE: (u32, u32) = (640, 360);

static MOVIES: Mutex<VecDeque<Arc<Movie>>> = Mutex::new(VecDeque::new());
/// Tables are worked out one after the other, so that what was asked for twice is done once.
static BUILDING: Mutex<()> = Mutex::new(());

/// The folder beside it of its subtitles, each as one file.
pub(crate) const SUBTITLES: &str = "subtitles";

/// The file.
#[derive(Debug)]
pub(crate) struct Movie {
    layout: Layout,
    sources: Vec<Source>,
    subtitles: Vec<program::Chosen>,
    /// What of the asset is not in it, or may not play everywhere.
    pub(crate) notes: Vec<String>,
    /// Whether video or audio of its segments is not in it.
    pub(crate) lacks_media: bool,
    /// A name for its bytes.
    pub(crate) tag: String,
}

impl Movie {
    /// The movie of an asset, out of memory if it was asked for lately.
    pub(crate) fn of(store: &Store, asset: &LocalAsset) -> Result<Arc<Self>> {
        let program = Program::choose(asset)?;
        let find = || {
            let movies = MOVIES.lock().unwrap_or_else(PoisonError::into_inner);
            movies
                .iter()
                .find(|movie| movie.tag == program.tag)
                .cloned()
        };
        if let Some(movie) = find() {
            return Ok(movie);
        }
        let _building = BUILDING.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(movie) = find() {
            return Ok(movie);
        }
        let movie = Arc::new(Self::build(store, program)?);
        let mut movies = MOVIES.lock().unwrap_or_else(PoisonError::into_inner);
        movies.push_front(Arc::clone(&movie));
        movies.truncate(KEPT);
        Ok(movie)
    }

    /// Works out the tables. Memory in use grows by some twenty bytes for each sample.
    pub(crate) fn build(store: &Store, program: Program) -> Result<Self> {
        let mut notes = program.notes.clone();
        let mut near = HashMap::new();
        let mut lacks_media = false;
        let mut tracks = Vec::new();
        let mut sources = Vec::new();
        for (number, chosen) in program.sources.iter().enumerate() {
            let mut source = Source::open(store, chosen)?;
            let mut own = Tracks::default();
            for segment in 0..source.len() {
                let demuxed = source
                    .index(store, segment, &mut near)
                    .map_err(|error| unfit(&chosen.track, error))?;
                lacks_media |= demuxed.lacks_media;
                for what in demuxed.left_out {
                    note(&mut notes, format!("{}: left out {what}", chosen.track));
                }
                let mut streams = demuxed.streams;
                streams.sort_by_key(|stream| stream.id);
                for stream in &streams {
                    let place = Place {
                        source: u16::try_from(number).unwrap_or(u16::MAX),
                        segment: u32::try_from(segment).unwrap_or(u32::MAX),
                        stream: stream.id,
                    };
                    own.add(chosen, source.part(segment), stream, place, &mut notes)
                        .map_err(|error| unfit(&chosen.track, error))?;
                }
                own.counts.clear();
            }
            let added = own.tracks.into_iter().map(|(_, _, track)| track);
            for track in added {
                if track.changes() {
                    note(
                        &mut notes,
                        format!(
                            "{}: picture size or sound format changes on the way, which not every player follows",
                            chosen.track
                        ),
                    );
                }
                tracks.push(track);
            }
            sources.push(source);
        }
        let parts = movie::place(&tracks);
        let subtitles = program.subtitles.iter().filter(|_| parts.duration > 0);
        let size = tracks.iter().find_map(TrackBuilder::picture);
        for chosen in subtitles {
            let made = chosen.timed_text(store, &parts, size.unwrap_or(NO_PICTURE), sources.len());
            match made {
                Ok((track, source)) => {
                    tracks.push(track);
                    sources.push(source);
                }
                Err(error) => note(
                    &mut notes,
                    format!("{}: left out: {}", chosen.track, error.one_line()),
                ),
            }
        }
        let layout = movie::lay_out(tracks, parts).map_err(|error| unfit("the movie", error))?;
        if layout.chunks.is_empty() {
            let what = "there is no video or audio that an MP4 file can hold";
            return Err(
                Error::new(ErrorKind::Unsupported, what).hint("export it as hls, or with ffmpeg")
            );
        }
        Ok(Self {
            layout,
            sources,
            subtitles: program.subtitles,
            notes,
            lacks_media,
            tag: program.tag,
        })
    }

    /// Bytes of the file.
    pub(crate) fn length(&self) -> u64 {
        self.layout.length
    }
}

/// The tracks out of one playlist: those of a kind in the order of their numbers, whatever these are.
#[derive(Default)]
struct Tracks {
    tracks: Vec<([u8; 4], usize, TrackBuilder)>,
    counts: Vec<([u8; 4], usize)>,
}

impl Tracks {
    fn add(
        &mut self,
        chosen: &program::Chosen,
        part: u64,
        stream: &Stream,
        place: Place,
        notes: &mut Vec<String>,
    ) -> crate::media::Result<()> {
        let Some(handler) = stream
            .formats
            .first()
            .map(crate::media::samples::Format::handler)
        else {
            return Ok(());
        };
        let is_wanted = match &handler {
            b"vide" => chosen.has_video,
            b"soun" => chosen.has_audio,
            _ => true,
        };
        if !is_wanted {
            let kind = if handler == *b"vide" {
                "video"
            } else {
                "audio"
            };
            note(
                notes,
                format!(
                    "{}: left out its {kind}, which its renditions replace",
                    chosen.track
                ),
            );
            return Ok(());
        }
        let at = self.counts.iter().position(|(known, _)| *known == handler);
        let at = at.unwrap_or_else(|| {
            self.counts.push((handler, 0));
            self.counts.len() - 1
        });
        let Some((_, count)) = self.counts.get_mut(at) else {
            return Ok(());
        };
        let ordinal = *count;
        *count += 1;
        let known = self
            .tracks
            .iter()
            .position(|(kind, number, _)| (*kind, *number) == (handler, ordinal));
        let known = known.unwrap_or_else(|| {
            let is_default = chosen.is_default && ordinal == 0;
            let track = TrackBuilder::new(&chosen.name, &chosen.language, is_default);
            self.tracks.push((handler, ordinal, track));
            self.tracks.len() - 1
        });
        match self.tracks.get_mut(known) {
            Some((.., track)) => track.add(part, stream, place),
            None => Ok(()),
        }
    }
}

fn note(notes: &mut Vec<String>, what: String) {
    if !notes.contains(&what) {
        notes.push(what);
    }
}

fn unfit(track: &str, error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::new(
        ErrorKind::Unsupported,
        format!("{track} cannot be written as MP4"),
    )
    .because(error)
    .hint("export it as hls, or with ffmpeg")
}
