//! A segment of fragmented MP4 against its initialization section.

use std::time::Duration;

use super::mp4::{Boxes, Fragment, FragmentTrack, InitSection, InitTrack, Mp4Box};
use super::problem::{Problem, ProblemKind, Problems};
use super::stream::{Stream, StreamKind};
use crate::error::Error;

/// Fragments of one track may be this far apart.
const TOLERANCE: Duration = Duration::from_millis(500);

/// The streams of a segment, and what is wrong with it.
pub(super) fn read(bytes: &[u8], known: Option<&InitSection>) -> (Vec<Stream>, Vec<Problem>) {
    let mut reader = Reader {
        tracks: Vec::new(),
        pending: None,
        fragments: 0,
        problems: Problems::default(),
    };
    // A segment may bring its own.
    let own = match known {
        Some(_) => None,
        None => InitSection::read(bytes).ok(),
    };
    let section = known.or(own.as_ref());
    if let Err(error) = reader.read(bytes, section) {
        reader.problems.push(error.into());
    }
    reader.settle();
    if reader.fragments == 0 {
        let what = "there is no movie fragment in it";
        reader.problems.push(Problem::new(ProblemKind::Empty, what));
    } else if section.is_none() {
        let what = "no initialization section says what is in it";
        reader
            .problems
            .push(Problem::new(ProblemKind::NoInitialization, what));
    }
    let streams = reader.tracks.iter().map(Track::stream).collect();
    (streams, reader.problems.into_vec())
}

struct Reader<'a> {
    tracks: Vec<Track<'a>>,
    /// The fragment whose media data comes next.
    pending: Option<Pending>,
    fragments: u64,
    problems: Problems,
}

/// Media data that a fragment announces.
struct Pending {
    offset: u64,
    wanted: u64,
    found: u64,
}

/// What is known of a track while its fragments are read.
struct Track<'a> {
    id: u32,
    init: Option<&'a InitTrack>,
    start: Option<Duration>,
    end: Option<Duration>,
    duration: Option<Duration>,
    samples: u64,
    starts_independent: Option<bool>,
}

impl<'a> Reader<'a> {
    fn read(&mut self, bytes: &[u8], section: Option<&'a InitSection>) -> Result<(), Error> {
        for found in Boxes::new(bytes) {
            let found = found?;
            match &found.kind().0 {
                b"moof" => {
                    self.fragments += 1;
                    self.fragment(&found, section)?;
                }
                b"mdat" => {
                    if let Some(pending) = &mut self.pending {
                        let length = u64::try_from(found.payload().len()).unwrap_or(u64::MAX);
                        pending.found = pending.found.saturating_add(length);
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn fragment(
        &mut self,
        moof: &Mp4Box<'_>,
        section: Option<&'a InitSection>,
    ) -> Result<(), Error> {
        let fragment = Fragment::read(moof)?;
        let mut wanted = Some(0_u64);
        for part in &fragment.tracks {
            let init = section.and_then(|section| section.track(part.id));
            if section.is_some() && init.is_none() {
                let what = format!("track {} is not in the initialization section", part.id);
                self.problems.push(Problem {
                    offset: Some(moof.offset()),
                    ..Problem::new(ProblemKind::OtherTracks, what)
                });
            }
            let bytes = init.map_or(Some(part.bytes), |init| part.sample_bytes(init));
            wanted = wanted
                .zip(bytes)
                .map(|(sum, bytes)| sum.saturating_add(bytes));
            self.part(part, init, moof.offset());
        }
        // Several fragments may come before their media data.
        let announced = match &self.pending {
            Some(pending) if pending.found == 0 => pending.wanted,
            _ => 0,
        };
        if announced == 0 {
            self.settle();
        }
        self.pending = wanted.map(|wanted| Pending {
            offset: moof.offset(),
            wanted: wanted.saturating_add(announced),
            found: 0,
        });
        Ok(())
    }

    fn part(&mut self, part: &FragmentTrack, init: Option<&'a InitTrack>, offset: u64) {
        let index = (self.tracks.iter()).position(|track| track.id == part.id);
        let index = index.unwrap_or_else(|| {
            self.tracks.push(Track::new(part, init));
            self.tracks.len() - 1
        });
        let Some(track) = self.tracks.get_mut(index) else {
            return;
        };
        let start = (part.base_decode_time.zip(init)).map(|(ticks, init)| init.time(ticks));
        let duration = init.and_then(|init| part.duration(init));
        if let (Some(start), Some(end)) = (start, track.end)
            && start.abs_diff(end) > TOLERANCE
        {
            let what = format!(
                "the fragment at byte {offset} begins at {:.3} s, and the one before ends at {:.3} s",
                start.as_secs_f64(),
                end.as_secs_f64()
            );
            self.problems.push(Problem {
                offset: Some(offset),
                ..Problem::new(ProblemKind::TimeJump, what)
            });
        }
        track.start = track.start.or(start);
        track.end = (start.or(track.end).zip(duration))
            .map(|(start, duration)| start.saturating_add(duration));
        track.duration =
            (track.duration.zip(duration)).map(|(sum, duration)| sum.saturating_add(duration));
        track.samples = track.samples.saturating_add(part.samples);
    }

    /// The media data of the last fragment is over.
    fn settle(&mut self) {
        let Some(pending) = self.pending.take() else {
            return;
        };
        if pending.found < pending.wanted {
            let what = format!(
                "the samples of the fragment at byte {} lack {} bytes",
                pending.offset,
                pending.wanted - pending.found
            );
            self.problems.push(Problem {
                offset: Some(pending.offset),
                ..Problem::new(ProblemKind::Truncated, what)
            });
        }
    }
}

impl<'a> Track<'a> {
    fn new(first: &FragmentTrack, init: Option<&'a InitTrack>) -> Self {
        Self {
            id: first.id,
            init,
            start: None,
            end: None,
            duration: Some(Duration::ZERO),
            samples: 0,
            starts_independent: first
                .starts_independent
                .or_else(|| init?.default_independent),
        }
    }

    fn stream(&self) -> Stream {
        let entries = self
            .init
            .map(|init| init.sample_entries.as_slice())
            .unwrap_or_default();
        let kind = self
            .init
            .map_or(StreamKind::Other, |init| match &init.handler.0 {
                b"vide" => StreamKind::Video,
                b"soun" => StreamKind::Audio,
                b"subt" | b"text" | b"sbtl" | b"clcp" => StreamKind::Text,
                _ => StreamKind::Other,
            });
        let samples = u32::try_from(self.samples).ok();
        Stream {
            id: self.id,
            kind,
            codec: (entries.first())
                .map(|entry| entry.codec.to_string())
                .unwrap_or_default(),
            encrypted: entries.iter().any(|entry| entry.protection.is_some()),
            samples: self.samples,
            start: self.start,
            duration: self.duration.filter(|_| self.init.is_some()),
            unit: (self.duration.zip(samples))
                .and_then(|(duration, samples)| duration.checked_div(samples))
                .unwrap_or_default(),
            starts_independent: self.starts_independent,
        }
    }
}
