//! Looking at an address without downloading any media.

use hls_parse::{SelectionRequest, Timeline};
use serde::Serialize;
use url::Url;

use super::event::seconds;
use super::findings::{Findings, ProbedDiagnostic};
use super::resolve::{Root, rejected};
use super::{Network, space, tracks};
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
    /// Whether the automatic choice takes it.
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
    /// Whether the automatic choice takes it.
    pub selected: bool,
}

impl Network {
    /// Looks at an address and downloads nothing but playlists.
    ///
    /// # Errors
    /// When the playlist cannot be fetched or read.
    pub async fn probe(&self, url: &Url, request: &SelectionRequest) -> Result<Probe> {
        let (root, reach) = self.root(url).await?;
        match root {
            Root::Media(received, timeline) => {
                let findings = Findings::of(&received, None, Vec::new())?;
                Ok(Probe::of("media", &timeline, findings))
            }
            Root::Multivariant(received, multivariant) => {
                let selection = multivariant
                    .select(request)
                    .map_err(|error| rejected(&received.url, error))?;
                let (mut first, mut others) = (selection.clone(), selection.clone());
                first.renditions.clear();
                others.variants.clear();
                let mut tracks = self.tracks(&multivariant, &first, reach).await?;
                let mut notes = Vec::new();
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
                probe.variants = multivariant
                    .variants
                    .iter()
                    .enumerate()
                    .map(|(index, variant)| ProbedVariant {
                        bandwidth: variant.bandwidth,
                        average_bandwidth: variant.average_bandwidth,
                        resolution: variant
                            .resolution
                            .map(|size| format!("{}x{}", size.width, size.height)),
                        codecs: variant.codecs().map(str::to_owned),
                        estimated_bytes: variant
                            .average_bandwidth
                            .or(variant.bandwidth)
                            .map(|rate| space::estimate(rate, main.timeline.duration())),
                        selected: selection.variants.contains(&index),
                    })
                    .collect();
                probe.renditions = multivariant
                    .renditions
                    .iter()
                    .enumerate()
                    .map(|(index, rendition)| ProbedRendition {
                        kind: rendition.kind.to_string().to_ascii_lowercase(),
                        group: rendition.group_id().to_owned(),
                        name: rendition.name().to_owned(),
                        language: rendition.language().map(str::to_owned),
                        selected: selection.renditions.contains(&index),
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
            diagnostics,
            diagnostics_left_out,
            notes: Vec::new(),
        }
    }
}
