//! From an address to the Media Playlists of a selection.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, StreamExt, TryStreamExt};
use hls_parse::{Context, Diagnostic, Multivariant, Playlist, Selection, SelectionRequest, Timeline, Unmatched};
use segment_fetch::{Expect, Reach, Request};
use serde::Serialize;
use url::Url;

use super::event::seconds;
use super::{Network, layout, source};
use crate::{Error, ErrorKind, Result};

/// Playlists beyond this are refused: 16 MiB holds a day of two-second segments with signed addresses.
const PLAYLIST_LIMIT: u64 = 16 * 1024 * 1024;
const PLAYLIST_TIMEOUT: Duration = Duration::from_secs(30);
const PLAYLISTS_IN_FLIGHT: usize = 6;

/// A playlist as received.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// Where it came from after redirects: the base of its relative addresses.
    pub(crate) url: Url,
    pub(crate) bytes: Bytes,
}

/// A presentation as the origin offers it now, cut down to the selection.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) multivariant: Option<Received>,
    pub(crate) tracks: Vec<ResolvedTrack>,
    pub(crate) notes: Vec<String>,
    /// Which addresses the playlists may lead to.
    pub(crate) reach: Reach,
}

#[derive(Debug)]
pub(crate) struct ResolvedTrack {
    pub(crate) name: String,
    pub(crate) subtitles: bool,
    pub(crate) playlist: Received,
    pub(crate) timeline: Timeline,
}

/// The root playlist, parsed.
enum Root {
    Multivariant(Received, Box<Multivariant>, Vec<Diagnostic>),
    Media(Received, Box<Timeline>, Vec<Diagnostic>),
}

impl Network {
    async fn root(&self, url: &Url) -> Result<(Root, Reach)> {
        let (received, address) = self.playlist(url, Reach::Any).await?;
        // A public playlist leads to public addresses only, wherever its author wants to send us.
        let is_public = address.is_some_and(|address| Reach::PublicOnly.allows(address.ip()));
        let reach = if is_public { Reach::PublicOnly } else { Reach::Any };
        let parsed = parse(&received)?;
        let context = Context::new(received.url.clone());
        let root = match parsed.playlist {
            Playlist::Multivariant(playlist) => {
                let resolved = playlist.resolve(&context).map_err(|error| rejected(&received.url, error))?;
                Root::Multivariant(received, Box::new(resolved), parsed.diagnostics)
            }
            Playlist::Media(playlist) => {
                let timeline = playlist.resolve(&context).map_err(|error| rejected(&received.url, error))?;
                Root::Media(received, Box::new(timeline), parsed.diagnostics)
            }
        };
        Ok((root, reach))
    }

    /// Reads the playlists that a selection needs, and refuses what cannot be downloaded.
    pub(crate) async fn resolve(&self, url: &Url, request: &SelectionRequest) -> Result<Resolved> {
        let (root, reach) = self.root(url).await?;
        let resolved = match root {
            Root::Media(received, timeline, _) => Resolved {
                multivariant: None,
                tracks: vec![ResolvedTrack {
                    name: layout::ONLY_TRACK.to_owned(),
                    subtitles: false,
                    playlist: received,
                    timeline: *timeline,
                }],
                notes: Vec::new(),
                reach,
            },
            Root::Multivariant(received, multivariant, _) => {
                let selection = multivariant.select(request).map_err(|error| rejected(&received.url, error))?;
                let tracks = self.tracks(&multivariant, &selection, reach).await?;
                Resolved { multivariant: Some(received), tracks, notes: notes(&selection), reach }
            }
        };
        for track in &resolved.tracks {
            check_downloadable(track)?;
        }
        Ok(resolved)
    }

    async fn tracks(&self, multivariant: &Multivariant, selection: &Selection, reach: Reach) -> Result<Vec<ResolvedTrack>> {
        let mut wanted: Vec<(String, bool, Url)> = Vec::new();
        let mut add = |name: String, subtitles: bool, url: &Url| {
            // Variants that differ only in their groups share one Media Playlist.
            if !wanted.iter().any(|(_, _, known)| known == url) {
                wanted.push((name, subtitles, url.clone()));
            }
        };
        for &index in &selection.variants {
            if let Some(variant) = multivariant.variants.get(index) {
                // The first variant with this address names the track, so that the name does not depend on the selection.
                let first = multivariant.variants.iter().position(|other| other.url == variant.url).unwrap_or(index);
                add(layout::variant_track(first), false, &variant.url);
            }
        }
        for &index in &selection.renditions {
            if let Some(rendition) = multivariant.renditions.get(index)
                && let Some(url) = &rendition.url
            {
                let subtitles = rendition.kind == hls_parse::RenditionKind::Subtitles;
                add(layout::rendition_track(index, rendition), subtitles, url);
            }
        }
        let context = |url: Url| Context::new(url).with_imports(multivariant.variables());
        stream::iter(wanted)
            .map(|(name, subtitles, url)| async move {
                let (received, _) = self.playlist(&url, reach).await?;
                let timeline = media(&received, &context(received.url.clone()))?;
                Ok(ResolvedTrack { name, subtitles, playlist: received, timeline })
            })
            .buffered(PLAYLISTS_IN_FLIGHT)
            .try_collect()
            .await
    }

    async fn playlist(&self, url: &Url, reach: Reach) -> Result<(Received, Option<SocketAddr>)> {
        let mut request = Request::get(url.clone());
        request.reach = reach;
        request.expect = Expect {
            max_length: PLAYLIST_LIMIT,
            starts_with: Some(b"#EXTM3U"),
            refuse_html: true,
            compression: true,
            total_timeout: Some(PLAYLIST_TIMEOUT),
            ..Expect::default()
        };
        let fetched = self.fetcher.fetch(request).await?;
        Ok((Received { url: fetched.url, bytes: fetched.body }, fetched.remote_address))
    }
}

fn parse(received: &Received) -> Result<hls_parse::Parsed> {
    hls_parse::parse(&received.bytes).map_err(|error| rejected(&received.url, error))
}

/// Parses and resolves what has to be a Media Playlist.
pub(crate) fn media(received: &Received, context: &Context) -> Result<Timeline> {
    match parse(received)?.playlist {
        Playlist::Media(playlist) => playlist.resolve(context).map_err(|error| rejected(&received.url, error)),
        Playlist::Multivariant(_) => Err(Error::new(
            ErrorKind::PlaylistRejected,
            format!("{} should be a Media Playlist but is a Multivariant Playlist", source::shown(&received.url)),
        )),
    }
}

fn rejected(url: &Url, error: hls_parse::Error) -> Error {
    Error::new(ErrorKind::PlaylistRejected, format!("playlist {} rejected", source::shown(url))).because(error)
}

/// What of the selection could not be had as it was asked for.
fn notes(selection: &Selection) -> Vec<String> {
    let note = |unmatched: &Unmatched| format!("there are no {} in `{}`", unmatched.kind.to_string().to_ascii_lowercase(), unmatched.language);
    selection.unmatched.iter().map(note).collect()
}

fn check_downloadable(track: &ResolvedTrack) -> Result<()> {
    let at = source::shown(&track.playlist.url);
    if let Some(protection) = track.timeline.protection() {
        return Err(Error::new(ErrorKind::Protected, format!("{at} is protected: {}", protection.name))
            .hint("only content whose key the server hands out in clear can be kept offline"));
    }
    if track.timeline.is_live() {
        return Err(Error::new(ErrorKind::Live, format!("{at} is live: it has no EXT-X-ENDLIST"))
            .hint("recording live streams is not supported; download it when it has ended"));
    }
    if track.timeline.segments().is_empty() {
        return Err(Error::new(ErrorKind::PlaylistRejected, format!("{at} has no segments"))
            .hint("check that the address is the one the player uses"));
    }
    Ok(())
}

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
    /// What is wrong with the root playlist.
    pub diagnostics: Vec<ProbedDiagnostic>,
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

/// A finding about a playlist.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct ProbedDiagnostic {
    /// The rule that was broken.
    pub rule: String,
    /// `fatal`, `error` or `warning`.
    pub severity: String,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
}

impl Network {
    /// Looks at an address and downloads nothing but playlists.
    ///
    /// # Errors
    /// When the playlist cannot be fetched or read.
    pub async fn probe(&self, url: &Url, request: &SelectionRequest) -> Result<Probe> {
        let (root, reach) = self.root(url).await?;
        match root {
            Root::Media(_, timeline, diagnostics) => Ok(Probe::of("media", &timeline, diagnostics)),
            Root::Multivariant(received, multivariant, diagnostics) => {
                let selection = multivariant.select(request).map_err(|error| rejected(&received.url, error))?;
                let mut first = selection.clone();
                first.renditions.clear();
                let tracks = self.tracks(&multivariant, &first, reach).await?;
                let Some(main) = tracks.first() else {
                    return Err(Error::new(ErrorKind::PlaylistRejected, "the Multivariant Playlist has no variant"));
                };
                let mut probe = Probe::of("multivariant", &main.timeline, diagnostics);
                probe.variants = multivariant
                    .variants
                    .iter()
                    .enumerate()
                    .map(|(index, variant)| ProbedVariant {
                        bandwidth: variant.bandwidth,
                        average_bandwidth: variant.average_bandwidth,
                        resolution: variant.resolution.map(|size| format!("{}x{}", size.width, size.height)),
                        codecs: variant.codecs.clone(),
                        estimated_bytes: variant
                            .average_bandwidth
                            .or(variant.bandwidth)
                            .map(|rate| estimate(rate, main.timeline.duration())),
                        selected: selection.variants.contains(&index),
                    })
                    .collect();
                probe.renditions = multivariant
                    .renditions
                    .iter()
                    .enumerate()
                    .map(|(index, rendition)| ProbedRendition {
                        kind: rendition.kind.to_string().to_ascii_lowercase(),
                        group: rendition.group_id.clone(),
                        name: rendition.name.clone(),
                        language: rendition.language.clone(),
                        selected: selection.renditions.contains(&index),
                    })
                    .collect();
                Ok(probe)
            }
        }
    }
}

impl Probe {
    fn of(kind: &'static str, timeline: &Timeline, diagnostics: Vec<Diagnostic>) -> Self {
        Self {
            kind,
            segments: timeline.segments().len(),
            duration: seconds(timeline.duration()),
            live: timeline.is_live(),
            protection: timeline.protection().map(|protection| protection.name),
            variants: Vec::new(),
            renditions: Vec::new(),
            diagnostics: diagnostics
                .into_iter()
                .map(|found| ProbedDiagnostic {
                    rule: found.rule.to_string(),
                    severity: found.severity.to_string(),
                    line: found.line,
                    column: found.column,
                    message: found.message,
                })
                .collect(),
        }
    }
}

fn estimate(bits_per_second: u64, duration: Duration) -> u64 {
    let bits = u128::from(bits_per_second) * duration.as_millis() / 1000;
    u64::try_from(bits / 8).unwrap_or(u64::MAX)
}
