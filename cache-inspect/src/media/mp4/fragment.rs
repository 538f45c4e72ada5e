//! What the movie fragments of a segment say of their samples.

use std::time::Duration;

use serde::Serialize;

use super::MAX_TRACKS;
use super::boxes::{Boxes, Mp4Box};
use super::fields::Fields;
use super::init::InitTrack;
use crate::error::{Error, ErrorKind};

/// One movie fragment (`moof`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fragment {
    /// Where its `moof` starts, in bytes from the start of the segment.
    pub offset: u64,
    /// Its number (`mfhd`).
    pub sequence: u32,
    /// What it has of each track.
    pub tracks: Vec<FragmentTrack>,
}

/// What a fragment has of one track (`traf`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FragmentTrack {
    /// The number of the track (`tfhd`).
    pub id: u32,
    /// Ticks from the start of the presentation to the first sample (`tfdt`).
    pub base_decode_time: Option<u64>,
    /// How many samples there are (`trun`).
    pub samples: u64,
    /// Ticks of those samples of which the fragment says how long they are.
    pub ticks: u64,
    /// How many samples are as long as the initialization section says.
    pub samples_of_default_duration: u64,
    /// Bytes of those samples of which the fragment says how large they are.
    pub bytes: u64,
    /// How many samples are as large as the initialization section says.
    pub samples_of_default_size: u64,
    /// Whether the first sample can be decoded alone, if the fragment says.
    pub starts_independent: Option<bool>,
}

/// The movie fragments of a segment, in order. After an error there are no more.
#[derive(Clone, Debug)]
pub struct Fragments<'a> {
    boxes: Boxes<'a>,
}

/// The movie fragments of a segment.
///
/// Walks all outermost boxes, so that a segment that is cut anywhere gives an error.
pub fn fragments(segment: &[u8]) -> Fragments<'_> {
    Fragments {
        boxes: Boxes::new(segment),
    }
}

impl Iterator for Fragments<'_> {
    type Item = Result<Fragment, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.boxes.find_map(|found| match found {
            Ok(found) if found.kind().0 == *b"moof" => Some(Fragment::read(&found)),
            Ok(_) => None,
            Err(error) => Some(Err(error)),
        });
        if let Some(Err(_)) = next {
            self.boxes = Boxes::new(&[]);
        }
        next
    }
}

impl std::iter::FusedIterator for Fragments<'_> {}

impl Fragment {
    /// Reads a `moof` box.
    ///
    /// # Errors
    ///
    /// If a box inside it is damaged, or if `mfhd` or a `tfhd` is missing.
    pub fn read(moof: &Mp4Box<'_>) -> Result<Self, Error> {
        let mfhd = moof.require(*b"mfhd", "no mfhd box")?;
        let sequence = Fields::full(&mfhd)?.0.u32()?;
        let mut tracks = Vec::new();
        for found in moof.children()? {
            let found = found?;
            if found.kind().0 != *b"traf" {
                continue;
            }
            if tracks.len() >= MAX_TRACKS {
                return Err(moof.error(ErrorKind::TooMany, "too many tracks"));
            }
            tracks.push(read_track(&found)?);
        }
        Ok(Self {
            offset: moof.offset(),
            sequence,
            tracks,
        })
    }
}

impl FragmentTrack {
    /// How long its samples are together, or `None` if only the initialization section could say
    /// and does not. `track` is the track of the same number there.
    pub fn duration(&self, track: &InitTrack) -> Option<Duration> {
        let default = match (
            self.samples_of_default_duration,
            track.default_sample_duration,
        ) {
            (0, _) => 0,
            (samples, Some(duration)) => samples.saturating_mul(duration.into()),
            (_, None) => return None,
        };
        Some(track.time(self.ticks.saturating_add(default)))
    }

    /// How many bytes its samples have together; like [`duration`](Self::duration).
    pub fn sample_bytes(&self, track: &InitTrack) -> Option<u64> {
        let default = match (self.samples_of_default_size, track.default_sample_size) {
            (0, _) => 0,
            (samples, Some(size)) => samples.saturating_mul(size.into()),
            (_, None) => return None,
        };
        Some(self.bytes.saturating_add(default))
    }
}

fn read_track(traf: &Mp4Box<'_>) -> Result<FragmentTrack, Error> {
    let tfhd = traf.require(*b"tfhd", "no tfhd box")?;
    let (id, defaults) = read_header(&tfhd)?;
    let mut track = FragmentTrack {
        id,
        base_decode_time: None,
        samples: 0,
        ticks: 0,
        samples_of_default_duration: 0,
        bytes: 0,
        samples_of_default_size: 0,
        starts_independent: None,
    };
    for found in traf.children()? {
        let found = found?;
        match &found.kind().0 {
            b"tfdt" => {
                let (mut fields, version, _) = Fields::full(&found)?;
                track.base_decode_time = Some(fields.wide(version)?);
            }
            b"trun" => read_run(&found, defaults, &mut track)?,
            _ => {}
        }
    }
    Ok(track)
}

/// What samples are like that do not say.
#[derive(Clone, Copy)]
struct Defaults {
    duration: Option<u32>,
    size: Option<u32>,
    flags: Option<u32>,
}

/// The number of the track and what its samples are like.
fn read_header(tfhd: &Mp4Box<'_>) -> Result<(u32, Defaults), Error> {
    const BASE_DATA_OFFSET: u32 = 0x1;
    const SAMPLE_DESCRIPTION_INDEX: u32 = 0x2;
    const DEFAULT_SAMPLE_DURATION: u32 = 0x8;
    const DEFAULT_SAMPLE_SIZE: u32 = 0x10;
    const DEFAULT_SAMPLE_FLAGS: u32 = 0x20;
    let (mut fields, _, flags) = Fields::full(tfhd)?;
    let id = fields.u32()?;
    if flags & BASE_DATA_OFFSET != 0 {
        fields.u64()?;
    }
    if flags & SAMPLE_DESCRIPTION_INDEX != 0 {
        fields.u32()?;
    }
    let mut optional = |flag| (flags & flag != 0).then(|| fields.u32()).transpose();
    let defaults = Defaults {
        duration: optional(DEFAULT_SAMPLE_DURATION)?,
        size: optional(DEFAULT_SAMPLE_SIZE)?,
        flags: optional(DEFAULT_SAMPLE_FLAGS)?,
    };
    Ok((id, defaults))
}

/// Whether a sample with these flags can be decoded without others.
pub(super) fn is_independent(sample_flags: u32) -> bool {
    const IS_NON_SYNC_SAMPLE: u32 = 0x1_0000;
    sample_flags & IS_NON_SYNC_SAMPLE == 0
}

fn read_run(trun: &Mp4Box<'_>, defaults: Defaults, track: &mut FragmentTrack) -> Result<(), Error> {
    const DATA_OFFSET: u32 = 0x1;
    const FIRST_SAMPLE_FLAGS: u32 = 0x4;
    const DURATION: u32 = 0x100;
    const SIZE: u32 = 0x200;
    const FLAGS: u32 = 0x400;
    // And the composition time.
    const SAMPLE_FIELDS: u32 = 0xf00;
    let (mut fields, _, flags) = Fields::full(trun)?;
    let samples = fields.u32()?;
    if flags & DATA_OFFSET != 0 {
        fields.u32()?;
    }
    let first_flags = (flags & FIRST_SAMPLE_FLAGS != 0)
        .then(|| fields.u32())
        .transpose()?;
    let fields_per_sample = u64::from((flags & SAMPLE_FIELDS).count_ones());
    let (words, _) = fields.rest().as_chunks::<4>();
    let needed = u64::from(samples).saturating_mul(fields_per_sample);
    if usize::try_from(needed).map_or(true, |needed| needed > words.len()) {
        return Err(trun.error(ErrorKind::InvalidBox, "fewer samples than announced"));
    }

    // The fields of a sample come in the order of their flags.
    let place = |field: u32| {
        let before = (flags & SAMPLE_FIELDS & (field - 1)).count_ones();
        (flags & field != 0).then(|| usize::try_from(before).unwrap_or(usize::MAX))
    };
    let step = usize::try_from(fields_per_sample).unwrap_or(usize::MAX);
    let announced = usize::try_from(samples).unwrap_or(usize::MAX);
    let column = |field: u32| {
        let words = words.get(place(field)?..).unwrap_or_default();
        Some(
            words
                .iter()
                .step_by(step)
                .take(announced)
                .map(|word| u32::from_be_bytes(*word)),
        )
    };
    let sum = |field: u32, default: Option<u32>| match (column(field), default) {
        (Some(values), _) => Some(values.map(u64::from).fold(0, u64::saturating_add)),
        (None, Some(default)) => Some(u64::from(samples).saturating_mul(default.into())),
        (None, None) => None,
    };
    if track.samples == 0 && samples > 0 {
        let flags = first_flags
            .or_else(|| column(FLAGS)?.next())
            .or(defaults.flags);
        track.starts_independent = flags.map(is_independent);
    }
    match sum(DURATION, defaults.duration) {
        Some(ticks) => add(&mut track.ticks, ticks),
        None => add(&mut track.samples_of_default_duration, samples.into()),
    }
    match sum(SIZE, defaults.size) {
        Some(bytes) => add(&mut track.bytes, bytes),
        None => add(&mut track.samples_of_default_size, samples.into()),
    }
    add(&mut track.samples, samples.into());
    Ok(())
}

fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}
