//! Subtitles beside a film, as WebVTT and as `SubRip`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use asset_store::Store;

use super::super::movie::{Form, Movie};
use super::{Exported, Unfinished};
use crate::Result;

/// Files beside a film, which are whole but have no names yet.
#[derive(Default)]
pub(super) struct Beside {
    files: Vec<Unfinished>,
    bytes: u64,
    notes: Vec<String>,
}

impl Beside {
    /// Writes all subtitles that a movie has: `film.en.vtt` and `film.en.srt` for `film.mp4`.
    ///
    /// # Errors
    /// When there is a file of such a name, or it cannot be written.
    pub(super) fn write(store: &Store, movie: &Movie, film: &Path) -> Result<Self> {
        let mut beside = Self::default();
        for (index, chosen) in movie.subtitles().iter().enumerate() {
            for form in Form::ALL {
                let Ok(text) = movie.write_subtitles(store, index, form) else {
                    // The movie has said why.
                    continue;
                };
                let path = named(film, &chosen.file, form);
                let mut unfinished = Unfinished::create(&path)?;
                unfinished.write(text.as_bytes())?;
                beside.bytes += text.len() as u64;
                beside.files.push(unfinished);
                let name = path.file_name().unwrap_or_default().display();
                let note = format!("{}: its subtitles are beside it as {name}", chosen.track);
                beside.notes.push(note);
            }
        }
        Ok(beside)
    }

    /// Gives them their names.
    pub(super) fn finish(self, exported: &mut Exported) -> Result<()> {
        exported.files += self.files.len() as u64;
        exported.bytes += self.bytes;
        exported.notes.extend(self.notes);
        self.files.into_iter().try_for_each(Unfinished::finish)
    }
}

/// The path of a film, with an ending that players look for.
fn named(film: &Path, name: &str, form: Form) -> PathBuf {
    let ending = film.extension().and_then(|ending| ending.to_str());
    let is_film = ending.is_some_and(|ending| {
        ["mp4", "m4v", "m4a", "mov", "mkv", "ts"]
            .iter()
            .any(|known| ending.eq_ignore_ascii_case(known))
    });
    let stem = if is_film {
        film.file_stem()
    } else {
        film.file_name()
    };
    let mut whole: OsString = stem.unwrap_or_default().to_owned();
    whole.push(format!(".{name}.{}", form.ending()));
    film.with_file_name(whole)
}
