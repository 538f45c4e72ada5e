//! Subtitles of a movie: the cues of all segments in the time of the file.

use asset_store::Store;
use cache_inspect::media::{Container, identify};

use super::super::content::Content;
use super::program::{Chosen, Piece};
use super::source::Source;
use super::{Movie, unfit};
use crate::media::Damaged;
use crate::media::cue_samples;
use crate::media::movie::{FLICKS, Parts, Place, TrackBuilder, convert, timed_text};
use crate::media::webvtt::{Segment, Subtitles};
use crate::{Error, ErrorKind, Result};

/// Ticks of 90 kHz after which those of media begin again.
const WRAP: i64 = 1 << 33;
const TICKS: i64 = 90_000;

/// Forms of a file with subtitles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    WebVtt,
    SubRip,
}

impl Form {
    pub(crate) const ALL: [Self; 2] = [Self::WebVtt, Self::SubRip];

    /// The ending of its names.
    pub(crate) fn ending(self) -> &'static str {
        match self {
            Self::WebVtt => "vtt",
            Self::SubRip => "srt",
        }
    }

    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::WebVtt => "text/vtt; charset=utf-8",
            Self::SubRip => "application/x-subrip; charset=utf-8",
        }
    }

    pub(crate) fn write(self, subtitles: &Subtitles) -> String {
        match self {
            Self::WebVtt => subtitles.to_webvtt(),
            Self::SubRip => subtitles.to_subrip(),
        }
    }
}

impl Movie {
    /// The subtitles that go with it.
    pub(crate) fn subtitles(&self) -> &[Chosen] {
        &self.subtitles
    }

    /// The subtitles that a name of a file stands for, and their form: `en.vtt`.
    pub(crate) fn subtitles_named(&self, name: &str) -> Option<(usize, Form)> {
        let (file, ending) = name.rsplit_once('.')?;
        let form = Form::ALL.into_iter().find(|form| form.ending() == ending)?;
        let index = (self.subtitles.iter()).position(|chosen| chosen.file == file)?;
        Some((index, form))
    }

    /// One of them as one file.
    pub(crate) fn write_subtitles(
        &self,
        store: &Store,
        index: usize,
        form: Form,
    ) -> Result<String> {
        let chosen = self.subtitles.get(index);
        let chosen = chosen.ok_or_else(|| Error::usage("there are no such subtitles"))?;
        Ok(form.write(&chosen.cues(store, &self.layout.parts)?))
    }
}

impl Chosen {
    /// All cues, in the time of the movie.
    pub(super) fn cues(&self, store: &Store, parts: &Parts) -> Result<Subtitles> {
        let mut subtitles = Subtitles::default();
        let (mut begun, mut map) = (None, None);
        for piece in &self.segments {
            let bytes = whole(&piece.content, store)?;
            let segment = match identify(&bytes) {
                Container::WebVtt => Ok(Segment::read(&bytes)),
                Container::Mp4 => self
                    .initialization(store, piece, &mut map)?
                    .ok_or(Damaged("it has no initialization section"))
                    .and_then(|map| cue_samples::read(map, &bytes)),
                _ => Err(Damaged("its subtitles are not WebVTT")),
            };
            let segment = segment.map_err(|damaged| unfit(&self.track, damaged))?;
            if begun.is_none_or(|(part, _)| part != piece.part) {
                begun = Some((piece.part, piece.start));
            }
            let elapsed = begun.map_or(0, |(_, begun)| piece.start - begun);
            let shift = shift(parts, piece.part, elapsed, &segment);
            let shift = shift.ok_or_else(|| {
                let what = "its discontinuities are not those of its video";
                unfit(&self.track, Damaged(what))
            })?;
            subtitles.add(segment, shift);
        }
        Ok(subtitles)
    }

    /// The initialization section of a segment; the last one is kept in `last`.
    fn initialization<'l>(
        &self,
        store: &Store,
        piece: &Piece,
        last: &'l mut Option<(usize, Vec<u8>)>,
    ) -> Result<Option<&'l [u8]>> {
        let Some(index) = piece.map else {
            return Ok(None);
        };
        let Some(content) = self.maps.get(index) else {
            return Ok(None);
        };
        if last.as_ref().is_none_or(|(known, _)| *known != index) {
            *last = Some((index, whole(content, store)?));
        }
        Ok(last.as_ref().map(|(_, bytes)| bytes.as_slice()))
    }
}

fn whole(content: &Content, store: &Store) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    content.read(store, &mut bytes).map_err(|unopened| {
        let what = "subtitles cannot be read";
        Error::new(ErrorKind::Storage, what).because(unopened.to_string())
    })?;
    Ok(bytes)
}

impl Chosen {
    /// All cues as a track, and where its samples are: a source of this number.
    pub(super) fn timed_text(
        &self,
        store: &Store,
        parts: &Parts,
        size: (u32, u32),
        source: usize,
    ) -> Result<(TrackBuilder, Source)> {
        let cues = self.cues(store, parts)?;
        let end = convert(parts.duration, FLICKS, 1000);
        // The movie begins when its first part does.
        let base = parts.start(parts.first()).unwrap_or(0);
        let demuxed = timed_text(&cues, size, convert(base, FLICKS, TICKS), end);
        let mut track = TrackBuilder::new(&self.name, &self.language, self.is_default);
        for stream in &demuxed.streams {
            let place = Place {
                source: u16::try_from(source).unwrap_or(u16::MAX),
                segment: 0,
                stream: stream.id,
            };
            track
                .add(parts.first(), stream, place)
                .map_err(|error| unfit(&self.track, error))?;
        }
        Ok((track, Source::made(demuxed)))
    }
}

/// Milliseconds from the time of a cue to that of the movie, of a segment that begins `elapsed` flicks after its part.
fn shift(parts: &Parts, part: u64, elapsed: i64, segment: &Segment) -> Option<i64> {
    let flicks = FLICKS / TICKS;
    let expected = parts.start(part)?.saturating_add(elapsed) / flicks;
    let first = segment.cues.first().map_or(0, |cue| cue.start);
    let first = first.saturating_mul(TICKS / 1000);
    // Of all times that look the same in 33 bits, the one nearest to when the segment begins.
    let there = segment.origin.saturating_add(first);
    let distance = there.wrapping_sub(expected).rem_euclid(WRAP);
    let distance = if distance >= WRAP / 2 {
        distance - WRAP
    } else {
        distance
    };
    let start = expected.saturating_add(distance).saturating_sub(first);
    let place = parts.in_movie(part, start.saturating_mul(flicks));
    Some(convert(place, FLICKS, 1000))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Milliseconds as ticks of media.
    const MILLISECOND: i64 = FLICKS / 1000;

    #[test]
    fn times_are_told_apart_by_when_the_segment_begins() {
        // Twenty hours that begin one minute before the clock of media does so again, and an hour after a discontinuity.
        let hour = 3600 * FLICKS;
        let start = (WRAP * MILLISECOND) / 90 - 60 * FLICKS;
        let parts = [(3, (start, start + 20 * hour)), (4, (0, hour))];
        let parts = Parts::of(parts.into());
        let in_movie = |part: u64, elapsed: i64, map: &str, cue: &str| {
            let text = format!("WEBVTT\nX-TIMESTAMP-MAP={map}\n\n{cue} --> 99:00:00.000\nOne\n");
            let segment = Segment::read(text.as_bytes());
            let shift = shift(&parts, part, elapsed, &segment)?;
            Some(segment.cues[0].start + shift)
        };
        let begin = (WRAP - 60 * TICKS) % WRAP;
        let (zero, early) = ("00:00:00.000", "00:00:02.000");
        // Cue times that count from the start of the stream, and such that do from that of each segment.
        let map = format!("MPEGTS:{begin},LOCAL:{zero}");
        assert_eq!(in_movie(3, 0, &map, early), Some(2000));
        assert_eq!(
            in_movie(3, 19 * hour, &map, "19:00:02.000"),
            Some(68_402_000)
        );
        let later = (begin + 19 * 3600 * TICKS) % WRAP;
        let map = format!("LOCAL:{zero},MPEGTS:{later}");
        assert_eq!(in_movie(3, 19 * hour, &map, early), Some(68_402_000));
        // A cue that began in the segment before.
        assert_eq!(
            in_movie(
                3,
                0,
                &format!("MPEGTS:{},LOCAL:{zero}", begin - TICKS),
                zero
            ),
            Some(-1000)
        );
        assert_eq!(
            in_movie(4, 0, &format!("MPEGTS:0,LOCAL:{zero}"), early),
            Some(72_002_000)
        );
        assert_eq!(in_movie(5, 0, &map, early), None);
    }
}
