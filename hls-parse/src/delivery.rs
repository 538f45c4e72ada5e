//! Delivery directives: what a client asks of a server when it loads a Media Playlist (section 6.2.5).

use std::time::Duration;

use url::Url;

use crate::low_latency::RenditionReport;
use crate::timeline::Timeline;

/// The query parameters of a request for a Media Playlist that a server acts upon.
///
/// ```
/// use hls_parse::{DeliveryDirectives, SkipDirective};
///
/// let mut directives = DeliveryDirectives::default();
/// directives.media_sequence_number = Some(273);
/// directives.part = Some(3);
/// directives.skip = Some(SkipDirective::Segments);
/// let url = "https://example.com/live.m3u8?token=7&_HLS_msn=1".parse()?;
/// assert_eq!(directives.apply_to(&url).as_str(), "https://example.com/live.m3u8?token=7&_HLS_msn=273&_HLS_part=3&_HLS_skip=YES");
/// # Ok::<(), url::ParseError>(())
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct DeliveryDirectives {
    /// `_HLS_msn`: answer when the playlist has this Media Sequence Number or a later one.
    pub media_sequence_number: Option<u64>,
    /// `_HLS_part`: answer when it has this part of that segment or a later one. Means nothing without a Media Sequence Number.
    pub part: Option<u64>,
    /// `_HLS_skip`: what a delta update may leave out.
    pub skip: Option<SkipDirective>,
}

/// What a client that asks for a delta update does without.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
#[non_exhaustive]
pub enum SkipDirective {
    /// Older segments (`YES`).
    Segments,
    /// Older segments and date ranges (`v2`).
    SegmentsAndDateRanges,
}

const NAMES: [&str; 3] = ["_HLS_msn", "_HLS_part", "_HLS_skip"];

impl DeliveryDirectives {
    /// Whether the server will hold the request until it has what is asked for.
    pub fn is_blocking(&self) -> bool {
        self.media_sequence_number.is_some()
    }

    /// The URL of the request. Directives that are in `url` already are replaced; other parameters stay as they are, in order, before all that start with
    /// `_HLS_`, which are sorted so that caches see one URL for one request.
    #[must_use]
    pub fn apply_to(&self, url: &Url) -> Url {
        let (mut others, mut reserved) = (Vec::new(), Vec::new());
        for parameter in url.query().unwrap_or_default().split('&') {
            let name = parameter.split('=').next().unwrap_or_default();
            if name.starts_with("_HLS_") {
                if !NAMES.contains(&name) {
                    reserved.push(parameter.to_owned());
                }
            } else if !parameter.is_empty() {
                others.push(parameter.to_owned());
            }
        }
        if let Some(number) = self.media_sequence_number {
            reserved.push(format!("_HLS_msn={number}"));
            reserved.extend(self.part.map(|part| format!("_HLS_part={part}")));
        }
        reserved.extend(self.skip.map(|skip| match skip {
            SkipDirective::Segments => "_HLS_skip=YES".to_owned(),
            SkipDirective::SegmentsAndDateRanges => "_HLS_skip=v2".to_owned(),
        }));
        let name = |parameter: &String| parameter.split('=').next().unwrap_or_default().to_owned();
        reserved.sort_by_key(name);
        others.append(&mut reserved);
        let query = others.join("&");
        let mut url = url.clone();
        url.set_query((!query.is_empty()).then_some(&query));
        url
    }
}

impl Timeline {
    /// What to ask for in the next reload, when what is known was loaded `age` ago.
    ///
    /// A server that can block is asked to wait for the next part, or the next segment in a playlist without parts. A delta update is asked for when the server
    /// offers them and what is known is younger than half the Skip Boundary (section 6.3.7).
    pub fn next_directives(&self, age: Duration) -> DeliveryDirectives {
        let control = self.server_control();
        if !self.is_live() {
            return DeliveryDirectives::default();
        }
        let blocking = control.can_block_reload;
        let parts = self.pending().part_count;
        let is_young = control.can_skip_until.is_some_and(|until| age <= until / 2);
        DeliveryDirectives {
            media_sequence_number: blocking.then_some(self.pending().media_sequence_number),
            part: self.part_target().filter(|_| blocking).map(|_| parts),
            skip: is_young.then_some(if control.can_skip_date_ranges {
                SkipDirective::SegmentsAndDateRanges
            } else {
                SkipDirective::Segments
            }),
        }
    }

    /// The report about the rendition whose Media Playlist is at `url`; queries are compared without what starts with `_HLS_`.
    pub fn rendition_report(&self, url: &Url) -> Option<&RenditionReport> {
        let wanted = without_directives(url);
        self.rendition_reports()
            .iter()
            .find(|report| without_directives(&report.url) == wanted)
    }
}

impl RenditionReport {
    /// What to ask for when switching to that rendition: a copy that has at least what the report says.
    pub fn directives(&self) -> DeliveryDirectives {
        DeliveryDirectives {
            media_sequence_number: Some(self.last_media_sequence_number),
            part: self.last_part,
            skip: None,
        }
    }
}

fn without_directives(url: &Url) -> Url {
    let parameters = url.query().unwrap_or_default().split('&');
    let kept: Vec<&str> = parameters
        .filter(|parameter| !parameter.is_empty() && !parameter.starts_with("_HLS_"))
        .collect();
    let mut bare = url.clone();
    bare.set_query((!kept.is_empty()).then_some(&kept.join("&")));
    bare.set_fragment(None);
    bare
}
