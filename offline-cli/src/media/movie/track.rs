//! The tables of a track, from the samples of one segment after the other.

use super::super::elementary::parameter_sets::ParameterSets;
use super::super::samples::{Format, Sample, Stream};
use super::super::{Damaged, Result};
use super::{FLICKS, convert, entries};

/// How long samples of a track follow each other before those of others come, in flicks.
const CHUNK: i64 = FLICKS / 2;

/// Samples that follow each other in the file, and where they come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) place: Place,
    /// Where in the data of the stream they begin.
    pub(crate) start: u32,
    pub(crate) length: u32,
    /// Where in the file they begin.
    pub(crate) offset: u64,
    pub(super) samples: u32,
    pub(super) description: u16,
    pub(super) track: u16,
    pub(super) part: u64,
    /// In flicks: of the part first, then of the movie.
    pub(super) time: i64,
}

/// Where samples come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) source: u16,
    pub(crate) segment: u32,
    pub(crate) stream: u32,
}

/// What a track has between two discontinuities. Times are flicks.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) number: u64,
    /// When the first sample is decoded.
    pub(super) decode: i64,
    /// When the first one is shown, and the end of the last one.
    pub(super) start: i64,
    pub(super) end: i64,
    /// Runs of equal distances, in ticks of the track; of all samples but the last.
    pub(super) deltas: Vec<(u32, u32)>,
    /// Ticks from the first sample to the last, and how long that lasts.
    pub(super) ticks: i64,
    pub(super) last: i64,
}

/// A track that is being put together.
#[derive(Clone, Debug, Default)]
pub(crate) struct TrackBuilder {
    pub(super) name: String,
    /// A language tag (BCP 47).
    pub(super) language: String,
    pub(super) is_default: bool,
    pub(super) handler: [u8; 4],
    pub(super) timescale: i64,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) descriptions: Vec<Vec<u8>>,
    pub(super) sizes: Vec<u32>,
    /// Numbers of samples that decoding can start with, from 1.
    pub(super) syncs: Vec<u32>,
    pub(super) compositions: Vec<(u32, i32)>,
    pub(super) parts: Vec<Part>,
    chunks: Vec<Chunk>,
    sets: Option<ParameterSets>,
    formats: Vec<Format>,
}

impl TrackBuilder {
    /// A track without samples. `language` is a tag (BCP 47).
    pub(crate) fn new(name: &str, language: &str, is_default: bool) -> Self {
        Self {
            name: name.to_owned(),
            language: language.to_owned(),
            is_default,
            ..Self::default()
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.sizes.is_empty()
    }

    pub(super) fn take_chunks(&mut self) -> Vec<Chunk> {
        std::mem::take(&mut self.chunks)
    }

    /// Adds the samples of a stream in one segment.
    ///
    /// # Errors
    /// When they cannot be in one track with those before, or cannot be described.
    pub(crate) fn add(&mut self, number: u64, stream: &Stream, place: Place) -> Result<()> {
        let mut start = 0_u32;
        let descriptions = stream
            .formats
            .iter()
            .map(|format| self.describe(format, stream.timescale));
        let descriptions: Vec<u16> = descriptions.collect::<Result<_>>()?;
        let mut open: Option<Chunk> = None;
        for sample in &stream.samples {
            let format = stream
                .formats
                .get(sample.format)
                .ok_or(Damaged("a sample has no format"))?;
            let description = descriptions.get(sample.format).copied().unwrap_or_default();
            let time = self.add_times(number, stream.timescale, format, sample)?;
            let number_of_sample = u32::try_from(self.sizes.len() + 1);
            let number_of_sample =
                number_of_sample.map_err(|_| Damaged("it has too many samples"))?;
            self.sizes.push(sample.size);
            if sample.is_sync {
                self.syncs.push(number_of_sample);
            }
            let offset = convert(
                sample.composition.into(),
                stream.timescale.into(),
                self.timescale,
            );
            let offset = i32::try_from(offset).map_err(|_| Damaged("its times jump"))?;
            match self.compositions.last_mut() {
                Some((count, run)) if *run == offset => *count += 1,
                _ => self.compositions.push((1, offset)),
            }
            let goes_on = open.as_ref().is_some_and(|chunk| {
                chunk.description == description && time.saturating_sub(chunk.time) < CHUNK
            });
            if !goes_on {
                self.chunks.extend(open.take());
            }
            let chunk = open.get_or_insert(Chunk {
                place,
                start,
                length: 0,
                offset: 0,
                samples: 0,
                description,
                track: 0,
                part: number,
                time,
            });
            chunk.length = chunk.length.saturating_add(sample.size);
            chunk.samples += 1;
            start = start
                .checked_add(sample.size)
                .ok_or(Damaged("a segment is too long"))?;
        }
        self.chunks.extend(open);
        Ok(())
    }

    /// Where a sample is in time: adds the distance to the one before. Gives when it is decoded, in flicks.
    fn add_times(
        &mut self,
        number: u64,
        timescale: u32,
        format: &Format,
        sample: &Sample,
    ) -> Result<i64> {
        let ticks = i64::from(timescale);
        let rate = match format {
            Format::Audio(audio) => i64::from(audio.rate),
            _ => ticks,
        };
        let stated = sample.decode.map(|decode| convert(decode, ticks, FLICKS));
        let duration = sample
            .duration
            .map(|duration| convert(i64::from(duration), rate, self.timescale));
        let composition = convert(i64::from(sample.composition), ticks, FLICKS);
        if self.parts.last().is_none_or(|part| part.number != number) {
            // Without a time, as packed audio may be, the part begins at 0.
            let decode = stated.unwrap_or(0);
            self.parts.push(Part {
                number,
                decode,
                start: decode + composition,
                end: decode + composition,
                deltas: Vec::new(),
                ticks: 0,
                last: duration.unwrap_or(0),
            });
        } else if let Some(part) = self.parts.last_mut() {
            let expected = part.ticks + part.last;
            let mut position = match stated {
                Some(stated) => convert(stated - part.decode, FLICKS, self.timescale),
                None => expected,
            };
            // Times of audio are rounded to 90 kHz; only what is further off than half a frame is a gap.
            let is_rounding = (position - expected).abs() <= part.last / 2;
            if matches!(format, Format::Audio(_)) && (is_rounding || position < expected) {
                position = expected;
            }
            let delta = u32::try_from((position - part.ticks).max(0))
                .map_err(|_| Damaged("its times jump"))?;
            match part.deltas.last_mut() {
                Some((count, run)) if *run == delta => *count += 1,
                _ => part.deltas.push((1, delta)),
            }
            part.ticks += i64::from(delta);
            part.last = duration.unwrap_or(i64::from(delta));
        }
        let part = self.parts.last_mut().ok_or(Damaged("its times jump"))?;
        let decode = part.decode + convert(part.ticks, self.timescale, FLICKS);
        part.start = part.start.min(decode + composition);
        part.end = part
            .end
            .max(decode + composition + convert(part.last, self.timescale, FLICKS));
        Ok(decode)
    }

    /// The number of the description of a format.
    fn describe(&mut self, format: &Format, timescale: u32) -> Result<u16> {
        if let Some(known) = self.formats.iter().position(|known| known == format) {
            return Ok(u16::try_from(known).unwrap_or_default());
        }
        let handler = format.handler();
        if self.handler == [0; 4] {
            self.handler = handler;
            self.timescale = match format {
                Format::Audio(audio) => i64::from(audio.rate),
                _ => i64::from(timescale),
            };
        } else if self.handler != handler {
            return Err(Damaged("a track changes from one kind to another"));
        }
        match format {
            Format::Video(sets) => {
                let known = self
                    .sets
                    .get_or_insert_with(|| ParameterSets::new(sets.kind));
                if known.kind != sets.kind {
                    return Err(Damaged("its video changes from one codec to another"));
                }
                known.merge(sets);
                return Ok(0);
            }
            Format::Audio(audio) => self.descriptions.push(entries::audio(audio)?),
            Format::Entry {
                entry,
                width,
                height,
                ..
            } => {
                self.width = self.width.max(*width);
                self.height = self.height.max(*height);
                let is_first = self.descriptions.is_empty();
                if let Some(first) = self.descriptions.first()
                    && first.get(4..8) != entry.get(4..8)
                {
                    return Err(Damaged("a track changes from one codec to another"));
                }
                // The parameter sets of other entries are in the samples.
                if handler == *b"vide" && !is_first {
                    return Ok(0);
                }
                self.descriptions.push(entry.clone());
            }
        }
        self.formats.push(format.clone());
        Ok(u16::try_from(self.formats.len() - 1).unwrap_or_default())
    }

    /// The size of the picture; nothing for what is none.
    pub(crate) fn picture(&self) -> Option<(u32, u32)> {
        let is_video = self.handler == *b"vide";
        let entries = is_video.then(|| self.sample_entries().ok()).flatten();
        entries.map(|(_, width, height)| (width, height))
    }

    /// Whether the picture or the sound is described anew somewhere.
    pub(crate) fn changes(&self) -> bool {
        let sets = self.sets.as_ref();
        sets.is_some_and(|sets| sets.sequence.len() > 1) || self.descriptions.len() > 1
    }

    /// The sample entries, one after the other, the size of the picture, and how many there are.
    pub(super) fn sample_entries(&self) -> Result<(Vec<Vec<u8>>, u32, u32)> {
        let Some(sets) = &self.sets else {
            return Ok((self.descriptions.clone(), self.width, self.height));
        };
        let (entry, width, height) = entries::video(sets)?;
        Ok((vec![entry], width, height))
    }
}
