//! Looking at an address without downloading any media.

use hls_parse::{Timeline, Variant};
use segment_fetch::Reach;
use serde::Serialize;

use super::event::seconds;
use super::findings::{Findings, ProbedDiagnostic};
use super::resolve::{Root, rejected};
use super::{Chosen, DownloadRequest, Network, configuration, space, tracks};
use crate::{Error, ErrorKind, Result};

/// What an address offers, without any media.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Probe {
    /// `media` or `multivariant`.
    pub kind: &'static str,
    /// Segments of the Media Playlist, or of the one the automatic choice takes.
    pub segments: usize,
    /// Seconds.
    pub duration: f64,
    /// Whether it still grows.
    pub live: bool,
    /// The key system, when the content is protected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub protection: Option<String>,
    /// The variants in the order of the playlist.
    pub variants: Vec<ProbedVariant>,
    /// The renditions in the order of the playlist.
    pub renditions: Vec<ProbedRendition>,
    /// The I-frame variants in the order of the playlist.
    pub i_frame_variants: Vec<ProbedVariant>,
    /// What the choice takes: variants, renditions, what is inside them.
    pub chosen: Vec<Chosen>,
    /// What is wrong with the playlists: the one that was asked for, those of the automatic choice, and all of them together. The most serious come first.
    pub diagnostics: Vec<ProbedDiagnostic>,
    /// How many more there are.
    pub diagnostics_left_out: usize,
    /// What could not be looked at.
    pub notes: Vec<String>,
}

/// A variant as declared.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct ProbedVariant {
    /// BANDWIDTH in bits per second.
    pub bandwidth: Option<u64>,
    /// AVERAGE-BANDWIDTH in bits per second.
    pub average_bandwidth: Option<u64>,
    /// `1920x1080`.
    pub resolution: Option<String>,
    /// CODECS.
    pub codecs: Option<String>,
    /// Estimated bytes of the variant alone: its bandwidth over the duration.
    pub estimated_bytes: Option<u64>,
    /// Whether the choice takes it.
    pub selected: bool,
}

/// A rendition as declared.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct ProbedRendition {
    /// `audio`, `subtitles`, `video` or `closed-captions`.
    pub kind: String,
    /// GROUP-ID.
    pub group: String,
    /// NAME.
    pub name: String,
    /// LANGUAGE.
    pub language: Option<String>,
    /// Whether they are subtitles that are always wanted.
    pub forced: bool,
    /// CHARACTERISTICS.
    pub characteristics: Vec<String>,
    /// Whether it is inside the variants, as closed captions are.
    pub in_band: bool,
    /// Whether the choice takes it.
    pub selected: bool,
}

impl Network {
    /// Looks at an address and downloads nothing but playlists.
    ///
    /// # Errors
    /// When the playlist cannot be fetched or read.
    pub async fn probe(&self, request: &DownloadRequest) -> Result<Probe> {
        let (root, reach) = self.root_of(request, Reach::Any).await?;
        match root {
            Root::Media(received, timeline) => {
                let findings = Findings::of(&received, None, Vec::new())?;
                Ok(Probe::of("media", &timeline, findings))
            }
            Root::Multivariant(received, multivariant) => {
                let selection = multivariant
                    .select_with(&request.selection, &request.options)
                    .map_err(|error| rejected(&received.url, error))?;
                let (mut first, mut others) = (selection.clone(), selection.clone());
                first.renditions.clear();
                first.i_frame_variants.clear();
                others.variants.clear();
                let mut tracks = self.tracks(&multivariant, &first, reach).await?;
                let mut notes = configuration::notes(request, &selection);
                match self.tracks(&multivariant, &others, reach).await {
                    Ok(others) => tracks.extend(others),
                    Err(error) => notes.push(format!("the renditions were not looked at: {error}")),
                }
                let Some(main) = tracks.first() else {
                    return Err(Error::new(
                        ErrorKind::PlaylistRejected,
                        "the Multivariant Playlist has no variant",
                    ));
                };
                let declared = tracks::declared(&multivariant);
                let named = tracks.iter().filter_map(|track| {
                    let declared = declared.iter().find(|other| other.name == track.name)?;
                    Some((track.name.clone(), declared.url.clone(), &track.playlist))
                });
                let variables = Some(multivariant.variables());
                let findings = Findings::of(&received, variables, named.collect())?;
                let mut probe = Probe::of("multivariant", &main.timeline, findings);
                probe.notes = notes;
                let estimated = |rate: u64| space::estimate(rate, main.timeline.duration());
                let variants = |all: &[Variant], chosen: &[usize]| {
                    let all = all.iter().enumerate();
                    let probed = |(index, variant): (usize, &Variant)| ProbedVariant {
                        bandwidth: variant.bandwidth,
                        average_bandwidth: variant.average_bandwidth,
                        resolution: variant.resolution.map(|size| size.to_string()),
                        codecs: variant.codecs().map(str::to_owned),
                        estimated_bytes: variant
                            .average_bandwidth
                            .or(variant.bandwidth)
                            .map(estimated),
                        selected: chosen.contains(&index),
                    };
                    all.map(probed).collect()
                };
                probe.variants = variants(&multivariant.variants, &selection.variants);
                probe.i_frame_variants =
                    variants(&multivariant.i_frame_variants, &selection.i_frame_variants);
                probe.chosen = configuration::chosen(&multivariant, &selection);
                let captions = configuration::closed_captions(&multivariant, &selection.variants);
                probe.renditions = multivariant
                    .renditions
                    .iter()
                    .enumerate()
                    .map(|(index, rendition)| ProbedRendition {
                        kind: rendition.kind.to_string().to_ascii_lowercase(),
                        group: rendition.group_id().to_owned(),
                        name: rendition.name().to_owned(),
                        language: rendition.language().map(str::to_owned),
                        forced: rendition.forced,
                        characteristics: rendition
                            .characteristic_list()
                            .map(str::to_owned)
                            .collect(),
                        in_band: rendition.url().is_none(),
                        selected: captions.contains(&index)
                            || selection.renditions.binary_search(&index).is_ok(),
                    })
                    .collect();
                Ok(probe)
            }
        }
    }
}

impl Probe {
    fn of(kind: &'static str, timeline: &Timeline, findings: Findings) -> Self {
        let (diagnostics, diagnostics_left_out) = findings.finish();
        Self {
            kind,
            segments: timeline.segments().len(),
            duration: seconds(timeline.duration()),
            live: timeline.is_live(),
            protection: timeline.protection().map(|protection| protection.name),
            variants: Vec::new(),
            renditions: Vec::new(),
            i_frame_variants: Vec::new(),
            chosen: Vec::new(),
            diagnostics,
            diagnostics_left_out,
            notes: Vec::new(),
        }
    }
}
