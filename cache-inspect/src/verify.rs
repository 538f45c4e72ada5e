//! Every segment of an asset, read: is it whole, and does it belong where the playlist has it?

use std::collections::HashSet;
use std::time::Duration;

use serde::Serialize;

use crate::catalog::{
    AssetDescription, Catalog, Prerequisite, PrerequisiteKind, Reading, SegmentDescription, Track,
    TrackKind,
};
use crate::inspection::{MissingKind, seconds, time_of_use};
use crate::media::{
    Announced, Container, Initialization, Problem, ProblemKind, Sequence, examine, identify,
};

/// What [`verify`] found in the media of an asset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Verification {
    /// The id of the asset.
    pub id: String,
    /// Segments that were looked into.
    pub segments: u64,
    /// Segments whose key is not there, so that nothing can be said of them.
    pub encrypted: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// What is wrong, by time.
    pub findings: Vec<MediaFinding>,
}

/// Something that is wrong with the media of an asset, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct MediaFinding {
    /// Index into [`AssetDescription::tracks`].
    pub track: usize,
    /// What of it is wrong: a segment or an initialization section.
    pub of: MissingKind,
    /// When it is played first, in the time of the playlist.
    #[serde(serialize_with = "seconds")]
    pub start: Duration,
    /// How long it is, as the playlist says.
    #[serde(serialize_with = "seconds")]
    pub duration: Duration,
    /// Its path inside the asset.
    pub path: String,
    /// Where it came from.
    pub url: String,
    /// What is wrong with it.
    pub problem: Problem,
}

impl Verification {
    /// The findings that keep media from being played as it should.
    pub fn harmful(&self) -> impl Iterator<Item = &MediaFinding> {
        (self.findings.iter()).filter(|finding| finding.problem.kind.is_harmful())
    }
}

/// Reads the media of an asset, all of it, and says what is wrong with it: segments that are cut or damaged, that are no
/// media or have other tracks than their initialization section, that do not open with their key, whose times do not go
/// on from those before, or that are not as long as announced. What is not stored is left to
/// [`inspect`](crate::inspect()).
///
/// Memory is taken for one segment at a time.
///
/// # Errors
///
/// The first error of the catalog. That one file cannot be read is a finding.
pub fn verify<C: Catalog>(catalog: &C, id: &str) -> Result<Verification, C::Error> {
    let asset = catalog.asset(id)?;
    let mut verifier = Verifier {
        catalog,
        asset: &asset,
        buffer: Vec::new(),
        found: Verification {
            id: id.to_owned(),
            ..Verification::default()
        },
    };
    let mut seen = HashSet::new();
    for (index, track) in asset.tracks.iter().enumerate() {
        // Renditions of several groups may be one and the same Media Playlist.
        let first = track.segments.iter().find(|segment| is_stored(segment));
        if first.is_some_and(|first| seen.insert(&first.path)) {
            verifier.track(index, track)?;
        }
    }
    let mut found = verifier.found;
    (found.findings).sort_by_key(|finding| (finding.start, finding.track));
    Ok(found)
}

fn is_stored(segment: &SegmentDescription) -> bool {
    segment.present && !segment.gap && !segment.path.is_empty()
}

struct Verifier<'a, C> {
    catalog: &'a C,
    asset: &'a AssetDescription,
    buffer: Vec<u8>,
    found: Verification,
}

/// The initialization section in force.
struct Map<'a> {
    needed: &'a Prerequisite,
    content: Option<Initialization>,
}

/// Where a segment is said to be.
struct Place {
    track: usize,
    is_of_i_frames: bool,
    announced: Announced,
}

impl<'a, C: Catalog> Verifier<'a, C> {
    fn track(&mut self, index: usize, track: &'a Track) -> Result<(), C::Error> {
        let mut maps: Vec<&Prerequisite> = (track.prerequisites.iter())
            .filter(|needed| needed.what == PrerequisiteKind::Map)
            .collect();
        maps.sort_by_key(|needed| needed.used_by.start);
        let mut maps = maps.into_iter().peekable();
        let mut map: Option<Map<'_>> = None;
        let mut bad_maps = HashSet::new();
        let mut sequence = Sequence::new(track.kind);
        let mut discontinuity = false;
        for (number, segment) in track.segments.iter().enumerate() {
            let mut newest = None;
            while let Some(next) = maps.next_if(|next| next.used_by.start <= number) {
                newest = Some(next);
            }
            if let Some(newest) = newest {
                let same = map.take().filter(|map| map.needed.path == newest.path);
                let content = match same {
                    Some(same) => same.content,
                    None if newest.present => self.map(index, newest, &mut bad_maps)?,
                    None => None,
                };
                map = Some(Map {
                    needed: newest,
                    content,
                });
            }
            let in_force = map
                .as_ref()
                .filter(|map| map.needed.used_by.contains(&number));
            // One before a segment that is missing counts for the next.
            discontinuity |= segment.discontinuity;
            if is_stored(segment) {
                let announced = Announced {
                    start: segment.start,
                    duration: segment.duration,
                    discontinuity: std::mem::take(&mut discontinuity),
                    independent: track.independent_segments,
                };
                let place = Place {
                    track: index,
                    is_of_i_frames: track.kind == TrackKind::IFrames,
                    announced,
                };
                self.segment(&place, segment, in_force, &mut sequence)?;
            }
        }
        Ok(())
    }

    /// Reads an initialization section; what is wrong with it is said once.
    fn map(
        &mut self,
        track: usize,
        needed: &'a Prerequisite,
        bad: &mut HashSet<&'a str>,
    ) -> Result<Option<Initialization>, C::Error> {
        let content = match self.read(&needed.path)? {
            Ok(true) => Initialization::read(&self.buffer),
            Ok(false) => return Ok(None),
            Err(problem) => Err(problem),
        };
        let problem = match content {
            Ok(content) => return Ok(Some(content)),
            Err(problem) => problem,
        };
        if bad.insert(&needed.path) {
            let (start, duration) = (self.asset.tracks.get(track))
                .map_or_else(Default::default, |track| time_of_use(needed, track));
            self.found.findings.push(MediaFinding {
                track,
                of: MissingKind::Map,
                start,
                duration,
                path: needed.path.clone(),
                url: needed.url.clone(),
                problem,
            });
        }
        Ok(None)
    }

    fn segment(
        &mut self,
        place: &Place,
        segment: &SegmentDescription,
        map: Option<&Map<'_>>,
        sequence: &mut Sequence,
    ) -> Result<(), C::Error> {
        let problems = match self.read(&segment.path)? {
            Err(problem) => vec![problem],
            Ok(false) => {
                self.found.encrypted += 1;
                return Ok(());
            }
            Ok(true) => self.problems(place, map, sequence),
        };
        self.found.segments += 1;
        let finding = |problem| MediaFinding {
            track: place.track,
            of: MissingKind::Segment,
            start: segment.start,
            duration: segment.duration,
            path: segment.path.clone(),
            url: segment.url.clone(),
            problem,
        };
        self.found
            .findings
            .extend(problems.into_iter().map(finding));
        Ok(())
    }

    /// What is wrong with the segment in the buffer.
    fn problems(
        &self,
        place: &Place,
        map: Option<&Map<'_>>,
        sequence: &mut Sequence,
    ) -> Vec<Problem> {
        let initialization = map.and_then(|map| map.content.as_ref());
        let found = examine(&self.buffer, initialization);
        let out_of_place = sequence.next(&place.announced, &found);
        let mut problems = found.problems;
        problems.retain(|problem| match problem.kind {
            // An I-frame may be cut out of a larger unit (RFC 8216bis section 4.4.3.6).
            ProblemKind::Truncated => !place.is_of_i_frames,
            // That is said of the initialization section.
            ProblemKind::NoInitialization => map.is_none_or(|map| map.content.is_some()),
            _ => true,
        });
        problems.extend(out_of_place);
        problems
    }

    /// Reads a file into the buffer: whether it is in clear, or what is wrong with it.
    fn read(&mut self, path: &str) -> Result<Result<bool, Problem>, C::Error> {
        let reading = self.catalog.read(&self.found.id, path, &mut self.buffer)?;
        let length = u64::try_from(self.buffer.len()).unwrap_or(u64::MAX);
        self.found.bytes = self.found.bytes.saturating_add(length);
        Ok(match reading {
            // A wrong key opens a segment now and then, but what comes out is noise.
            Reading::Decrypted if identify(&self.buffer) == Container::Unknown => {
                let what = "what its key opens is in no format of media segments: the key or the IV is not the right one";
                Err(Problem::new(ProblemKind::Key, what))
            }
            Reading::Stored | Reading::Decrypted => Ok(true),
            Reading::Encrypted => Ok(false),
            Reading::WrongKey(why) => Err(Problem::new(ProblemKind::Key, why)),
            Reading::Unreadable(why) => Err(Problem::new(ProblemKind::Unreadable, why)),
        })
    }
}
