//! Looking at an address without downloading any media.

use hls_parse::{Rendition, Timeline, Variant};
use segment_fetch::Reach;
use serde::Serialize;

use super::event::seconds;
use super::findings::{Findings, ProbedDiagnostic};
use super::measure::{BytesFrom, Declared, Meter, Rates, Size};
use super::resolve::{Root, rejected};
use super::{Chosen, DownloadRequest, Network, Offer, configuration, tracks};
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
    /// Bytes of what is chosen; `None` when something of it is not known, or still grows.
    pub bytes: Option<u64>,
    /// Where the least sure part of `bytes` comes from.
    pub bytes_from: Option<BytesFrom>,
    /// Bytes that are free where the store is.
    pub free: Option<u64>,
    /// Whether `bytes` are free there.
    pub fits: Option<bool>,
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
    /// Bytes of the variant with the audio it needs; `None` while it grows.
    pub bytes: Option<u64>,
    /// Where `bytes` comes from.
    pub bytes_from: Option<BytesFrom>,
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
    /// Bytes of it alone; `None` when it is inside the variants, while it grows, and when nobody says.
    pub bytes: Option<u64>,
    /// Where `bytes` comes from.
    pub bytes_from: Option<BytesFrom>,
    /// Whether it is inside the variants, as closed captions are.
    pub in_band: bool,
    /// Whether the choice takes it.
    pub selected: bool,
}

impl Network {
    /// Looks at an address and downloads nothing but playlists: those of the choice, and for the sizes of the others up to
    /// 24 more. Where playlists do not say how long the segments are, the server is asked how long some of them are: at
    /// most 8 of a track and 64 in all, within 10 seconds. `free` is what there is room for.
    ///
    /// # Errors
    /// When the playlist cannot be fetched or read.
    pub async fn probe(&self, request: &DownloadRequest, free: Option<u64>) -> Result<Probe> {
        Ok(self.offer(request, free).await?.probe)
    }

    /// As [`probe`](Self::probe), with what it takes to ask for each choice.
    ///
    /// # Errors
    /// As [`probe`](Self::probe).
    pub async fn offer(&self, request: &DownloadRequest, free: Option<u64>) -> Result<Offer> {
        let (root, reach) = self.root_of(request, Reach::Any).await?;
        match root {
            Root::Media(received, timeline) => {
                let findings = Findings::of(&received, None, Vec::new())?;
                let mut probe = Probe::of("media", &timeline, findings);
                let mut size = None;
                if !timeline.is_live() {
                    let declared = Declared::of(&timeline, Rates::default());
                    let sizes = Meter::new(self).sizes(vec![(declared, reach)]).await;
                    size = sizes.into_iter().next().flatten();
                }
                probe.takes(size, free);
                Ok(Offer {
                    probe,
                    multivariant: None,
                })
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
                let sizes = if probe.live {
                    None
                } else {
                    let duration = main.timeline.duration();
                    Some(self.sizes(&multivariant, &tracks, duration, reach).await)
                };
                let sizes = sizes.as_ref();
                probe.takes(sizes.and_then(|sizes| sizes.chosen(&selection)), free);
                let size_of = |variant: &Variant| sizes?.variant(variant, &selection.renditions);
                let variants = |all: &[Variant], chosen: &[usize]| {
                    let all = all.iter().enumerate();
                    let probed = |(index, variant): (usize, &Variant)| ProbedVariant {
                        bandwidth: variant.bandwidth,
                        average_bandwidth: variant.average_bandwidth,
                        resolution: variant.resolution.map(|size| size.to_string()),
                        codecs: variant.codecs().map(str::to_owned),
                        bytes: size_of(variant).map(|size| size.bytes),
                        bytes_from: size_of(variant).map(|size| size.from),
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
                    .map(|(index, rendition)| {
                        let size = sizes.and_then(|sizes| sizes.rendition(rendition));
                        let selected = captions.contains(&index)
                            || selection.renditions.binary_search(&index).is_ok();
                        ProbedRendition::of(rendition, size, selected)
                    })
                    .collect();
                Ok(Offer {
                    probe,
                    multivariant: Some(multivariant),
                })
            }
        }
    }
}

impl ProbedRendition {
    fn of(rendition: &Rendition, size: Option<Size>, selected: bool) -> Self {
        Self {
            kind: rendition.kind.to_string().to_ascii_lowercase(),
            group: rendition.group_id().to_owned(),
            name: rendition.name().to_owned(),
            language: rendition.language().map(str::to_owned),
            forced: rendition.forced,
            characteristics: rendition.characteristic_list().map(str::to_owned).collect(),
            bytes: size.map(|size| size.bytes),
            bytes_from: size.map(|size| size.from),
            in_band: rendition.url().is_none(),
            selected,
        }
    }
}

impl Probe {
    fn takes(&mut self, size: Option<Size>, free: Option<u64>) {
        self.bytes = size.map(|size| size.bytes);
        self.bytes_from = size.map(|size| size.from);
        self.free = free;
        self.fits = self.bytes.zip(free).map(|(bytes, free)| bytes <= free);
    }

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
            bytes: None,
            bytes_from: None,
            free: None,
            fits: None,
            diagnostics,
            diagnostics_left_out,
            notes: Vec::new(),
        }
    }
}
