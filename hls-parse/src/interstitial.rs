//! What date ranges of two classes say: interstitials (section D.2) and preloads (appendix F).

use std::time::Duration;

use jiff::SignedDuration;
use url::Url;

use crate::date_range::DateRange;
use crate::range_attributes::AttributeValue;
use crate::value;

/// The `CLASS` of interstitials.
pub(crate) const INTERSTITIAL: &str = "com.apple.hls.interstitial";
/// The `CLASS` of preloads.
pub(crate) const PRELOAD: &str = "com.apple.hls.preload";

/// Content to be played at a place of the primary content (section D.2).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Interstitial {
    /// What is played.
    pub asset: InterstitialAsset,
    /// Where the primary content goes on, counted from the start of the date range; see [`Interstitial::resume_offset_after`].
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::optional_signed_seconds")
    )]
    pub resume_offset: Option<SignedDuration>,
    /// How much of the interstitial is played at most.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::optional_seconds")
    )]
    pub playout_limit: Option<Duration>,
    /// What is moved to segment boundaries of the primary content.
    pub snap: Snap,
    /// What the viewer may not do.
    pub restrictions: Restrictions,
    /// Whether viewers may get different content; true unless it says otherwise.
    pub content_may_vary: bool,
    /// How much room it takes on a timeline that is shown; a point unless it says otherwise.
    pub timeline_occupies: TimelineOccupies,
    /// How it looks on a timeline that is shown; highlighted unless it says otherwise.
    pub timeline_style: TimelineStyle,
    /// When and how skipping is offered.
    pub skip_control: Option<SkipControl>,
}

/// What an [`Interstitial`] plays.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum InterstitialAsset {
    /// A Multivariant Playlist or other asset (`X-ASSET-URI`).
    Asset(Url),
    /// A JSON list of assets (`X-ASSET-LIST`).
    List(Url),
}

/// Which ends of an [`Interstitial`] are moved to segment boundaries (`X-SNAP`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Snap {
    /// The start.
    pub out: bool,
    /// The return to the primary content.
    pub back_in: bool,
}

/// What the viewer of an [`Interstitial`] may not do (`X-RESTRICT`).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Restrictions {
    /// Leave it early or play it faster.
    pub skip: bool,
    /// Seek from before it to after it.
    pub jump: bool,
}

/// How much room an [`Interstitial`] takes on a timeline (`X-TIMELINE-OCCUPIES`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum TimelineOccupies {
    /// None.
    Point,
    /// Its duration.
    Range,
}

/// How an [`Interstitial`] looks on a timeline (`X-TIMELINE-STYLE`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum TimelineStyle {
    /// Apart from the primary content.
    Highlight,
    /// Like the primary content.
    Primary,
}

/// When and how skipping an [`Interstitial`] is offered; an asset list may override it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SkipControl {
    /// From when on, counted from the start of the interstitial.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::optional_seconds")
    )]
    pub offset: Option<Duration>,
    /// For how long.
    #[cfg_attr(
        feature = "serde",
        serde(serialize_with = "crate::serialize::optional_seconds")
    )]
    pub duration: Option<Duration>,
    /// Names the text to be shown.
    pub label_id: Option<String>,
}

impl Interstitial {
    /// Where the primary content goes on after an interstitial of that duration, counted from the start of the date range: `X-RESUME-OFFSET`, else the duration,
    /// or the playout limit when that is shorter. One that could not be loaded has the duration 0.
    pub fn resume_offset_after(&self, duration: Duration) -> SignedDuration {
        self.resume_offset.unwrap_or_else(|| {
            let played = self
                .playout_limit
                .map_or(duration, |limit| limit.min(duration));
            SignedDuration::try_from(played).unwrap_or(SignedDuration::MAX)
        })
    }

    /// Reads a date range whose relative URLs have been made absolute.
    pub(crate) fn read(range: &DateRange) -> Option<Self> {
        if range.class.as_deref() != Some(INTERSTITIAL) {
            return None;
        }
        let text = |name: &str| range.attribute(name).map(AttributeValue::text);
        let asset = match (text("X-ASSET-URI"), text("X-ASSET-LIST")) {
            (Some(uri), None) => InterstitialAsset::Asset(Url::parse(uri).ok()?),
            (None, Some(_)) => InterstitialAsset::List(range.urls.asset_list.as_deref()?.clone()),
            _ => return None,
        };
        let has = |name: &str, word: &str| {
            text(name).is_some_and(|list| list.split(',').any(|entry| entry.trim() == word))
        };
        let duration = |name: &str| {
            let billionths = value::decimal_billionths(text(name)?.as_bytes())?;
            Some(Duration::from_nanos(billionths))
        };
        let skip_control = SkipControl {
            offset: duration("X-SKIP-CONTROL-OFFSET"),
            duration: duration("X-SKIP-CONTROL-DURATION"),
            label_id: text("X-SKIP-CONTROL-LABEL-ID").map(str::to_owned),
        };
        Some(Self {
            asset,
            resume_offset: text("X-RESUME-OFFSET").and_then(value::signed_seconds),
            playout_limit: duration("X-PLAYOUT-LIMIT"),
            snap: Snap {
                out: has("X-SNAP", "OUT"),
                back_in: has("X-SNAP", "IN"),
            },
            restrictions: Restrictions {
                skip: has("X-RESTRICT", "SKIP"),
                jump: has("X-RESTRICT", "JUMP"),
            },
            content_may_vary: text("X-CONTENT-MAY-VARY") != Some("NO"),
            timeline_occupies: match text("X-TIMELINE-OCCUPIES") {
                Some("RANGE") => TimelineOccupies::Range,
                _ => TimelineOccupies::Point,
            },
            timeline_style: match text("X-TIMELINE-STYLE") {
                Some("PRIMARY") => TimelineStyle::Primary,
                _ => TimelineStyle::Highlight,
            },
            skip_control: (skip_control != SkipControl::default()).then_some(skip_control),
        })
    }
}

/// A resource to be loaded ahead of the date range that will need it (appendix F).
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Preload {
    /// Where it is.
    pub url: Url,
    /// The `ID` of the date range that will need it.
    pub target_id: String,
    /// The `CLASS` of that date range.
    pub target_class: String,
}

impl Preload {
    /// Reads a date range whose relative URLs have been made absolute.
    pub(crate) fn read(range: &DateRange) -> Option<Self> {
        let text = |name: &str| range.attribute(name).map(|value| value.text().to_owned());
        let is_bounded = range.duration.is_some() || range.end_date.is_some();
        let is_legal = is_bounded && !range.end_on_next && range.attribute("CUE").is_none();
        if range.class.as_deref() != Some(PRELOAD) || !is_legal {
            return None;
        }
        Some(Self {
            url: range.urls.preload.as_deref()?.clone(),
            target_id: text("X-TARGET-ID")?,
            target_class: text("X-TARGET-CLASS")?,
        })
    }
}
