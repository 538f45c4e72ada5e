//! What of a presentation is downloaded: as it is asked for, kept for the next time, and told.

use std::collections::{HashMap, HashSet};

use asset_store::{AssetId, Store};
use hls_parse::{
    AuxiliaryRequest, KeyMethod, MediaSelectionCriteria, Multivariant, Rendition, RenditionKind,
    RenditionRequest, Selection, SelectionOptions, SelectionRequest, Variant,
};
use serde::{Deserialize, Serialize};
use url::Url;

use super::range::{StoredRange, TimeRange};
use super::resolve::ResolvedTrack;
use super::{DownloadRequest, layout, record, source, tracks};
use crate::Result;
use crate::render::text;

impl DownloadRequest {
    /// Downloads this address with the choices of the last download of it into the store, where there was one; else with every choice automatic.
    ///
    /// What is chosen otherwise from here on is added to the asset, and what is there is not fetched again. A part of the time is not chosen again.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn augmenting(store: &Store, url: Url, id: Option<AssetId>) -> Result<Self> {
        let known = match &id {
            Some(id) => record::metadata(store, id)?,
            None => record::metadata(store, &source::asset_id(&url)?)?,
        };
        let mut request = Self::new(url);
        request.id = id;
        if let Some(mut known) = known {
            if let Some(last) = known.selections.pop() {
                request.choose(&last);
                request.range = TimeRange::default();
            }
            request.interstitials = known.interstitials;
            request.keep_protected = known.keep_protected;
            request.base = known.base.and_then(|base| base.parse().ok());
        }
        Ok(request)
    }

    /// Makes the choices that were made once.
    pub(super) fn choose(&mut self, selection: &StoredSelection) {
        self.selection = selection.request();
        self.options.clone_from(&selection.options);
        self.range = selection.range.range();
    }
}

/// The choices of a [`DownloadRequest`], those that have any in the words of the command line.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct StoredSelection {
    /// Variant qualifiers in order of preference.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<String>,
    /// Audio languages, `all` or `none`; absent when automatic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audio: Option<String>,
    /// Subtitle languages, `all` or `none`; absent when automatic.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtitles: Option<String>,
    /// Everything else.
    #[serde(default, skip_serializing_if = "is_default")]
    pub options: SelectionOptions,
    /// Which part of it.
    #[serde(default, skip_serializing_if = "StoredRange::is_whole")]
    pub range: StoredRange,
}

fn is_default(options: &SelectionOptions) -> bool {
    *options == SelectionOptions::default()
}

impl From<&DownloadRequest> for StoredSelection {
    fn from(request: &DownloadRequest) -> Self {
        let renditions = |request: &RenditionRequest| {
            let is_said = *request != RenditionRequest::Automatic;
            is_said.then(|| request.to_string())
        };
        let selection = &request.selection;
        Self {
            variants: selection.variants.iter().map(ToString::to_string).collect(),
            audio: renditions(&selection.audio),
            subtitles: renditions(&selection.subtitles),
            options: request.options.clone(),
            range: StoredRange::from(request.range),
        }
    }
}

impl StoredSelection {
    /// The request again; what this version cannot read is left to the automatic choice.
    pub(crate) fn request(&self) -> SelectionRequest {
        let renditions = |text: &Option<String>| {
            text.as_ref()
                .and_then(|text| text.parse().ok())
                .unwrap_or_default()
        };
        SelectionRequest {
            variants: self
                .variants
                .iter()
                .filter_map(|text| text.parse().ok())
                .collect(),
            audio: renditions(&self.audio),
            subtitles: renditions(&self.subtitles),
        }
    }

    /// Whether no audio is asked for beside what is in the variants.
    pub(crate) fn is_silent(&self) -> bool {
        let none = |request: &RenditionRequest, criteria: &Option<MediaSelectionCriteria>| {
            *request == RenditionRequest::None && criteria.is_none()
        };
        let auxiliary = |wanted: &AuxiliaryRequest| none(&wanted.request.audio, &wanted.audio);
        none(&self.request().audio, &self.options.audio)
            && self.options.auxiliary.iter().all(auxiliary)
    }
}

/// Something that a download takes: a Media Playlist, or what is inside others.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Chosen {
    /// The track it is stored as, for example `variant-0`; `None` for what is inside the variants.
    pub track: Option<String>,
    /// `main`, `audio`, `video`, `subtitles`, `i_frames` or `closed_captions`.
    pub kind: &'static str,
    /// BANDWIDTH in bits per second, of variants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bandwidth: Option<u64>,
    /// `1920x1080`, of variants.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resolution: Option<String>,
    /// NAME, of renditions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// LANGUAGE, of renditions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<String>,
    /// Whether they are subtitles that are always wanted.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub forced: bool,
    /// CHARACTERISTICS, of renditions.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub characteristics: Vec<String>,
}

impl Chosen {
    fn of_variant(variant: &Variant, track: Option<String>, kind: &'static str) -> Self {
        Self {
            track,
            kind,
            bandwidth: variant.bandwidth,
            resolution: variant.resolution.map(|size| size.to_string()),
            name: None,
            language: None,
            forced: false,
            characteristics: Vec::new(),
        }
    }

    fn of_rendition(rendition: &Rendition, track: Option<String>) -> Self {
        Self {
            track,
            kind: kind_of(&rendition.kind),
            bandwidth: None,
            resolution: None,
            name: Some(rendition.name().to_owned()),
            language: rendition.language().map(str::to_owned),
            forced: rendition.forced,
            characteristics: rendition.characteristic_list().map(str::to_owned).collect(),
        }
    }

    /// In a few words: `1280x720`, `English (en)`.
    pub(crate) fn words(&self) -> String {
        match (&self.name, &self.resolution, self.bandwidth) {
            (Some(name), ..) => text::rendition(
                name,
                self.language.as_deref(),
                self.forced,
                &self.characteristics,
            ),
            (None, Some(resolution), _) => resolution.clone(),
            (None, None, Some(rate)) => format!("{} kbit/s", rate / 1000),
            (None, None, None) => String::new(),
        }
    }
}

fn kind_of(kind: &RenditionKind) -> &'static str {
    match kind {
        RenditionKind::Audio => "audio",
        RenditionKind::Video => "video",
        RenditionKind::Subtitles => "subtitles",
        _ => "closed_captions",
    }
}

/// Everything that a selection takes; closed captions are inside the video and come with it.
pub(super) fn chosen(multivariant: &Multivariant, selection: &Selection) -> Vec<Chosen> {
    let declared = tracks::declared(multivariant);
    let names: HashMap<&Url, &String> = declared
        .iter()
        .map(|track| (&track.url, &track.name))
        .collect();
    let track = |url: &Url| names.get(url).map(|name| (*name).clone());
    let mut chosen = Vec::new();
    let of = |all: &[Variant], indices: &[usize], kind, chosen: &mut Vec<Chosen>| {
        let variants = indices.iter().filter_map(|&index| all.get(index));
        chosen.extend(
            variants.map(|variant| Chosen::of_variant(variant, track(variant.url()), kind)),
        );
    };
    of(
        &multivariant.variants,
        &selection.variants,
        "main",
        &mut chosen,
    );
    let captions = closed_captions(multivariant, &selection.variants);
    let renditions = selection.renditions.iter().chain(&captions);
    let renditions = renditions.filter_map(|&index| multivariant.renditions.get(index));
    chosen.extend(
        renditions
            .map(|rendition| Chosen::of_rendition(rendition, rendition.url().and_then(track))),
    );
    of(
        &multivariant.i_frame_variants,
        &selection.i_frame_variants,
        "i_frames",
        &mut chosen,
    );
    chosen
}

/// The closed captions inside some variants.
pub(super) fn closed_captions(multivariant: &Multivariant, variants: &[usize]) -> Vec<usize> {
    let kind = RenditionKind::ClosedCaptions;
    let variants = variants.iter();
    let variants = variants.filter_map(|&index| multivariant.variants.get(index));
    let groups: HashSet<&str> = variants
        .filter_map(|variant| variant.group(&kind))
        .collect();
    let renditions = multivariant.renditions.iter().enumerate();
    renditions
        .filter(|(_, one)| one.kind == kind && groups.contains(one.group_id()))
        .map(|(index, _)| index)
        .collect()
}

/// What of the selection could not be had as it was asked for.
pub(super) fn notes(request: &DownloadRequest, selection: &Selection) -> Vec<String> {
    let kind = |kind: &RenditionKind| kind.to_string().to_ascii_lowercase();
    let languages = selection.unmatched.iter().map(|unmatched| {
        format!(
            "there is no {} rendition in `{}`",
            kind(&unmatched.kind),
            unmatched.language
        )
    });
    let characteristics = selection.unmatched_characteristics.iter();
    let characteristics = characteristics.map(|unmatched| {
        format!(
            "there is no {} rendition with `{}`",
            kind(&unmatched.kind),
            unmatched.characteristic
        )
    });
    let mut notes: Vec<String> = languages.chain(characteristics).collect();
    if !request.selection.variants.is_empty() && selection.qualifier.is_none() {
        notes
            .push("no variant is what --variant asks for; this is the automatic choice".to_owned());
    }
    for (index, variant) in selection.auxiliary.iter().enumerate() {
        if variant.is_none() {
            let number = index + 1;
            notes.push(format!("no variant is what auxiliary {number} asks for"));
        }
    }
    if request.options.i_frames && selection.i_frame_variants.is_empty() {
        notes.push("there is no I-frame playlist".to_owned());
    }
    notes
}

/// Takes out I-frames that are parts of segments encrypted as a whole: alone they cannot be decrypted.
pub(super) fn leave_out_unreadable(
    tracks: &mut Vec<ResolvedTrack>,
    chosen: &mut Vec<Chosen>,
    notes: &mut Vec<String>,
) {
    let is_unreadable = |track: &ResolvedTrack| {
        let timeline = &track.timeline;
        let mut keys = timeline.keys().iter();
        layout::is_i_frame_track(&track.name)
            && keys.any(|key| key.method == KeyMethod::Aes128 && key.is_identity())
            && timeline
                .segments()
                .iter()
                .any(|segment| segment.byte_range.is_some())
    };
    for track in tracks.extract_if(.., |track| is_unreadable(track)) {
        chosen.retain(|chosen| chosen.track.as_ref() != Some(&track.name));
        notes.push(format!(
            "{} is left out: its frames are parts of encrypted segments, which cannot be decrypted alone",
            track.name
        ));
    }
}
