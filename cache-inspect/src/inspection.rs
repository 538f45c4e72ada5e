//! The answer of [`inspect`](crate::inspect()).

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::catalog::{Freshness, Prerequisite, PrerequisiteKind, Track, TrackKind};
use crate::track_state::end;
use crate::why::Why;

/// What is cached of one asset. As JSON, times are seconds and a range of time is `[start, end]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Inspection {
    /// The id of the asset.
    pub id: String,
    /// Its title.
    pub title: Option<String>,
    /// At least one variant is [playable](VariantInspection::playable).
    pub playable_offline: bool,
    /// If not, why: at least one reason.
    pub why_not: Vec<Why>,
    /// The key systems of what the download was asked for, in the order of its tracks: a player needs a licence of one of those of each track.
    pub key_systems: Vec<String>,
    /// Bytes of all its files, equal content counted each time.
    pub bytes: u64,
    /// How long its best variant is, gaps included. The best variant is a playable one if there is
    /// any, else the one of which most is loaded; among equals the one of the highest bandwidth.
    #[serde(serialize_with = "seconds")]
    pub duration: Duration,
    /// When the best variant can be played, with sound if it needs an audio rendition: sorted,
    /// apart from each other, never a declared gap.
    #[serde(serialize_with = "ranges")]
    pub loaded_time_ranges: Vec<Range<Duration>>,
    /// Its variants, in the order of the playlist.
    pub variants: Vec<VariantInspection>,
    /// The options that are complete offline.
    pub media_selection: MediaSelection,
    /// The groups of renditions, with every option and whether it is complete.
    pub groups: Vec<GroupInspection>,
    /// What is lacking of what the download was asked for.
    pub missing: Vec<Missing>,
    /// Its tracks, in the order of [`AssetDescription::tracks`](crate::AssetDescription::tracks).
    pub tracks: Vec<TrackInspection>,
    /// When it was downloaded, verified and played.
    pub freshness: Freshness,
}

/// What is cached of one variant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct VariantInspection {
    /// What tells it from the other variants.
    pub id: String,
    /// Peak bits per second.
    pub bandwidth: Option<u64>,
    /// Width and height in pixels; as JSON `"1280x720"`.
    #[serde(serialize_with = "resolution")]
    pub resolution: Option<(u64, u64)>,
    /// Formats in the sense of RFC 6381.
    pub codecs: Option<String>,
    /// Its own media is complete: something is there, and nothing is missing but declared gaps.
    pub complete: bool,
    /// It is complete, and so is an audio rendition if it needs one, and neither needs a licence.
    pub playable: bool,
    /// Segments of its own Media Playlist.
    pub segments: usize,
    /// Those of them that are stored together with the initialization section and key they need.
    pub segments_present: usize,
}

/// What is cached of one track.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TrackInspection {
    /// What it is in its asset.
    pub kind: TrackKind,
    /// GROUP-ID, for renditions.
    pub group: Option<String>,
    /// NAME, for renditions.
    pub name: Option<String>,
    /// LANGUAGE, for renditions.
    pub language: Option<String>,
    /// The download was asked for it.
    pub selected: bool,
    /// Something of it is there, and nothing is missing but declared gaps. Always false for
    /// [muxed](crate::Track::muxed) renditions, which have no media of their own.
    pub complete: bool,
    /// Its segments.
    pub segments: usize,
    /// Those of them that are stored together with the initialization section and key they need.
    pub segments_present: usize,
    /// Bytes of its files, equal content counted each time.
    pub bytes: u64,
    /// When it can be played.
    #[serde(serialize_with = "ranges")]
    pub loaded_time_ranges: Vec<Range<Duration>>,
}

/// The options that are complete offline and go with a playable variant; if no variant is
/// playable, with any. Options of which the same is said are one, whatever group they are in.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct MediaSelection {
    /// Of the AUDIO groups.
    pub audio: Vec<MediaOption>,
    /// Of the SUBTITLES groups.
    pub subtitles: Vec<MediaOption>,
    /// Of the CLOSED-CAPTIONS groups: those that are declared, in the video where it is there.
    pub closed_captions: Vec<MediaOption>,
}

/// One option that a player can offer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize)]
pub struct MediaOption {
    /// Its NAME.
    pub name: Option<String>,
    /// Its LANGUAGE (BCP 47).
    pub language: Option<String>,
    /// Whether it is shown even when nobody asks for it.
    pub forced: bool,
    /// Its CHARACTERISTICS, such as `public.accessibility.describes-video`.
    pub characteristics: Vec<String>,
}

/// A group of renditions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct GroupInspection {
    /// What its members are.
    pub kind: TrackKind,
    /// Its GROUP-ID.
    pub group: String,
    /// Its members, in the order of the playlist.
    pub options: Vec<OptionInspection>,
}

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct OptionInspection {
    /// Its NAME.
    pub name: Option<String>,
    /// Its LANGUAGE (BCP 47).
    pub language: Option<String>,
    /// All its media is there: its own, or the variant's that it is inside of.
    pub complete: bool,
}

/// Something that the download was asked for and that is not stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Missing {
    /// Index into [`AssetDescription::tracks`](crate::AssetDescription::tracks).
    pub track: usize,
    /// What is missing.
    pub what: MissingKind,
    /// When it is needed first.
    #[serde(serialize_with = "seconds")]
    pub start: Duration,
    /// For how long it is needed.
    #[serde(serialize_with = "seconds")]
    pub duration: Duration,
    /// Where it would come from.
    pub url: String,
}

/// What is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum MissingKind {
    /// A media segment.
    Segment,
    /// A Media Initialization Section.
    Map,
    /// A key.
    Key,
}

impl From<PrerequisiteKind> for MissingKind {
    fn from(kind: PrerequisiteKind) -> Self {
        match kind {
            PrerequisiteKind::Map => Self::Map,
            PrerequisiteKind::Key => Self::Key,
        }
    }
}

impl fmt::Display for MissingKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Segment => "segment",
            Self::Map => "initialization section",
            Self::Key => "key",
        })
    }
}

pub(crate) fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

#[expect(
    clippy::ref_option,
    reason = "the signature that serde's `serialize_with` calls"
)]
pub(crate) fn optional_seconds<S: Serializer>(
    time: &Option<Duration>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => seconds(time, serializer),
        None => serializer.serialize_none(),
    }
}

fn ranges<S: Serializer>(ranges: &[Range<Duration>], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(
        ranges
            .iter()
            .map(|range| [range.start.as_secs_f64(), range.end.as_secs_f64()]),
    )
}

#[expect(
    clippy::ref_option,
    reason = "the signature that serde's `serialize_with` calls"
)]
fn resolution<S: Serializer>(
    resolution: &Option<(u64, u64)>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match resolution {
        Some((width, height)) => serializer.collect_str(&format_args!("{width}x{height}")),
        None => serializer.serialize_none(),
    }
}

/// When the first segment that needs it starts, and how long it is from there to the end of the last.
pub(crate) fn time_of_use(prerequisite: &Prerequisite, track: &Track) -> (Duration, Duration) {
    let last = (prerequisite.used_by.end.min(track.segments.len())).saturating_sub(1);
    match (
        track.segments.get(prerequisite.used_by.start),
        track.segments.get(last),
    ) {
        (Some(first), Some(last)) => (first.start, end(last).saturating_sub(first.start)),
        _ => (Duration::ZERO, Duration::ZERO),
    }
}
