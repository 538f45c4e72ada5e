//! What of an asset goes into one file: the best variant, and the renditions that belong to it.

use std::time::Duration;

use hls_parse::{LocalMultivariant, RenditionKind};

use super::super::content::Content;
use super::super::local::LocalAsset;
use crate::media::movie;
use crate::session::presentation::StoredTrack;
use crate::{Error, ErrorKind, Result};

/// The playlists that make the file.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) sources: Vec<Chosen>,
    pub(crate) subtitles: Vec<Chosen>,
    pub(crate) notes: Vec<String>,
    /// A name for what comes of it.
    pub(crate) tag: String,
}

/// A playlist, and what of it is wanted.
#[derive(Debug)]
pub(crate) struct Chosen {
    pub(crate) track: String,
    /// The name of a file of its own, without an ending.
    pub(crate) file: String,
    pub(crate) name: String,
    pub(crate) language: String,
    pub(crate) is_default: bool,
    pub(crate) has_video: bool,
    pub(crate) has_audio: bool,
    pub(crate) segments: Vec<Piece>,
    pub(crate) maps: Vec<Content>,
}

/// A segment that is there.
#[derive(Debug)]
pub(crate) struct Piece {
    pub(crate) content: Content,
    /// Segments of one number have times that go on.
    pub(crate) part: u64,
    pub(crate) map: Option<usize>,
    /// When it begins by its playlist, in flicks.
    pub(crate) start: i64,
}

impl Program {
    /// Chooses the complete variant with the highest bandwidth.
    pub(crate) fn choose(asset: &LocalAsset) -> Result<Self> {
        let incomplete = || Error::new(ErrorKind::Incomplete, "it is not complete yet");
        let presentation = &asset.presentation;
        if asset.is_event {
            return Err(incomplete());
        }
        let mut program = Self {
            sources: Vec::new(),
            subtitles: Vec::new(),
            notes: Vec::new(),
            tag: String::new(),
        };
        let between = asset.interstitials().assets().count();
        if between > 0 {
            let note = format!("left out what is played in between: {between} interstitials");
            program.notes.push(note);
        }
        let Some(multivariant) = &presentation.multivariant else {
            let track = presentation.tracks.first().ok_or_else(incomplete)?;
            program.add(asset, track)?;
            program.name();
            return Ok(program);
        };
        let offered = asset.offered().ok_or_else(incomplete)?;
        let best = offered.variants.iter().filter_map(|(index, _)| {
            let variant = multivariant.variants.get(*index)?;
            Some((variant, presentation.variant_track(*index)?))
        });
        let (variant, track) = best
            .max_by_key(|(variant, _)| variant.bandwidth)
            .ok_or_else(incomplete)?;
        let track = presentation.tracks.get(track).ok_or_else(incomplete)?;
        program.add(asset, track)?;
        let mut is_replaced = false;
        let mut is_muxed = variant.audio().is_none();
        for (index, uri) in &offered.renditions {
            let Some(rendition) = multivariant.renditions.get(*index) else {
                continue;
            };
            let group = Some(rendition.group_id());
            let is_audio = rendition.kind == RenditionKind::Audio && group == variant.audio();
            let is_subtitles =
                rendition.kind == RenditionKind::Subtitles && group == variant.subtitles();
            if !is_audio && !is_subtitles {
                continue;
            }
            let url = rendition.url().filter(|_| uri.is_some());
            let Some(track) =
                url.and_then(|url| presentation.tracks.get(presentation.track_of(url)?))
            else {
                is_muxed |= is_audio;
                if let Some(first) = program.sources.first_mut().filter(|_| is_audio) {
                    rendition.name().clone_into(&mut first.name);
                    rendition
                        .language()
                        .unwrap_or_default()
                        .clone_into(&mut first.language);
                }
                continue;
            };
            if program
                .sources
                .iter()
                .chain(&program.subtitles)
                .any(|known| known.track == track.name)
            {
                continue;
            }
            program.add(asset, track)?;
            let Some(mut added) = program.sources.pop() else {
                continue;
            };
            rendition.name().clone_into(&mut added.name);
            rendition
                .language()
                .unwrap_or_default()
                .clone_into(&mut added.language);
            added.is_default = rendition.default;
            added.has_video = false;
            if is_audio {
                is_replaced = true;
                program.sources.push(added);
            } else {
                program.subtitles.push(added);
            }
        }
        program.name_left_out(asset, &offered);
        if let Some(first) = program.sources.first_mut() {
            first.has_audio = is_muxed || !is_replaced;
        }
        // One of them plays when nobody chooses.
        let has_default = program
            .sources
            .iter()
            .any(|source| source.is_default && source.has_audio);
        if !has_default
            && let Some(source) = program.sources.iter_mut().find(|source| source.has_audio)
        {
            source.is_default = true;
        }
        program.name();
        Ok(program)
    }

    /// Names what is offered and belongs to other variants, and what plays in between.
    fn name_left_out(&mut self, asset: &LocalAsset, offered: &LocalMultivariant) {
        let presentation = &asset.presentation;
        let Some(multivariant) = &presentation.multivariant else {
            return;
        };
        for (index, uri) in &offered.renditions {
            let rendition = multivariant.renditions.get(*index);
            let url = rendition.and_then(|rendition| rendition.url().filter(|_| uri.is_some()));
            let Some(track) =
                url.and_then(|url| presentation.tracks.get(presentation.track_of(url)?))
            else {
                continue;
            };
            let is_taken = |chosen: &Chosen| chosen.track == track.name;
            let note = format!("{}: left out, it belongs to other variants", track.name);
            if !self.sources.iter().chain(&self.subtitles).any(is_taken)
                && !self.notes.contains(&note)
            {
                self.notes.push(note);
            }
        }
    }

    fn add(&mut self, asset: &LocalAsset, track: &StoredTrack) -> Result<()> {
        if !track.key_systems.is_empty() {
            let systems = track.key_systems.join(" or ");
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "{} stays encrypted: it needs a licence of {systems}",
                    track.name
                ),
            )
            .hint("export it as hls, for a player that has one"));
        }
        let layout = track.layout();
        let stored = &asset.presentation.asset;
        let mut missing = 0_usize;
        let mut segments = Vec::new();
        for (index, segment) in track.timeline.segments().iter().enumerate() {
            match Content::of_segment(stored, &layout, index) {
                Some(content) => segments.push(Piece {
                    content,
                    part: segment.discontinuity_number,
                    map: segment.map,
                    start: flicks(segment.start),
                }),
                None => missing += 1,
            }
        }
        if missing > 0 {
            self.notes
                .push(format!("{}: {missing} segments are not there", track.name));
        }
        let maps =
            (0..track.timeline.maps().len()).map(|index| Content::of_map(stored, &layout, index));
        let maps: Option<Vec<Content>> = maps.collect();
        self.sources.push(Chosen {
            track: track.name.clone(),
            file: String::new(),
            name: String::new(),
            language: String::new(),
            is_default: self.sources.is_empty(),
            has_video: true,
            has_audio: true,
            segments,
            maps: maps.ok_or_else(|| {
                Error::new(
                    ErrorKind::Incomplete,
                    format!("{} has no initialization section", track.name),
                )
            })?,
        });
        Ok(())
    }

    /// The names follow from everything that the files are made of.
    fn name(&mut self) {
        let mut files: Vec<String> = Vec::new();
        for chosen in &mut self.subtitles {
            let is_plain =
                |character: &char| character.is_ascii_alphanumeric() || *character == '-';
            let language: String = chosen.language.chars().filter(is_plain).take(35).collect();
            let is_taken = files
                .iter()
                .any(|known| known.eq_ignore_ascii_case(&language));
            chosen.file = match (language.is_empty(), is_taken) {
                (true, _) => chosen.track.clone(),
                (false, true) => format!("{language}.{}", chosen.track),
                (false, false) => language,
            };
            files.push(chosen.file.clone());
        }
        let mut hasher = blake3::Hasher::new();
        for chosen in self.sources.iter().chain(&self.subtitles) {
            for text in [&chosen.track, &chosen.name, &chosen.language] {
                hasher.update(text.as_bytes());
                hasher.update(&[0]);
            }
            hasher.update(&[u8::from(chosen.is_default), u8::from(chosen.has_audio)]);
            let segments = chosen
                .segments
                .iter()
                .map(|piece| (&piece.content, piece.part));
            for (content, part) in chosen.maps.iter().map(|map| (map, 0)).chain(segments) {
                hasher.update(content.entity_tag().as_bytes());
                hasher.update(&part.to_be_bytes());
            }
        }
        self.tag = hasher.finalize().to_hex().to_string();
    }
}

fn flicks(time: Duration) -> i64 {
    let nanoseconds = i64::try_from(time.as_nanos()).unwrap_or(i64::MAX / 8);
    movie::convert(nanoseconds, 1_000_000_000, movie::FLICKS)
}
