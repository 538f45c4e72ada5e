//! From an address to the Media Playlists of a selection.

use std::time::Duration;

use bytes::Bytes;
use hls_parse::{Context, Multivariant, ParseOptions, Playlist, Selection, Timeline};
use segment_fetch::{Expect, Reach, Request};
use url::Url;

use super::redundancy::Detours;
use super::{Chosen, DownloadRequest, Network, admission, configuration, file, layout, source};
use crate::{Error, ErrorKind, Result};

/// Playlists beyond this are refused: 16 MiB holds a day of two-second segments with signed addresses.
pub(super) const PLAYLIST_LIMIT: u64 = 16 * 1024 * 1024;
/// What is pinned may be a recording of weeks.
pub(super) const LONGEST_PINNED: usize = 256 << 20;
/// Segments without anything have two.
const MOST_LINES: u32 = 20_000_000;
const PLAYLIST_TIMEOUT: Duration = Duration::from_secs(30);
pub(super) const PLAYLISTS_IN_FLIGHT: usize = 6;

/// A playlist as received.
#[derive(Clone, Debug)]
pub(crate) struct Received {
    /// Where it came from after redirects: the base of its relative addresses.
    pub(crate) url: Url,
    pub(crate) bytes: Bytes,
    /// What the server says it is.
    pub(crate) content_type: Option<String>,
}

/// A presentation as the origin offers it now, cut down to the selection.
#[derive(Debug)]
pub(crate) struct Resolved {
    pub(crate) multivariant: Option<(Received, Box<Multivariant>)>,
    pub(crate) tracks: Vec<ResolvedTrack>,
    /// What the selection takes of the Multivariant Playlist.
    pub(crate) chosen: Vec<Chosen>,
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
pub(super) enum Root {
    Multivariant(Received, Box<Multivariant>),
    Media(Received, Box<Timeline>),
}

impl Root {
    pub(super) fn read(received: Received) -> Result<Self> {
        let context = Context::new(received.url.clone());
        Ok(match parse(&received)?.playlist {
            Playlist::Multivariant(playlist) => {
                let resolved = playlist
                    .resolve(&context)
                    .map_err(|error| rejected(&received.url, error))?;
                Self::Multivariant(received, Box::new(resolved))
            }
            Playlist::Media(playlist) => {
                let timeline = playlist
                    .resolve(&context)
                    .map_err(|error| rejected(&received.url, error))?;
                Self::Media(received, Box::new(timeline))
            }
        })
    }
}

impl Network {
    pub(super) async fn root(&self, url: &Url) -> Result<(Root, Reach)> {
        self.root_within(url, Reach::Any).await
    }

    /// The root playlist at an address that another document led to.
    async fn root_within(&self, url: &Url, reach: Reach) -> Result<(Root, Reach)> {
        let (received, is_public) = self.playlist(url, reach).await?;
        // A public playlist leads to public addresses only, wherever its author wants to send us.
        let reach = if is_public { Reach::PublicOnly } else { reach };
        Ok((Root::read(received)?, reach))
    }

    /// The root playlist that somebody asks for, who may name a file.
    pub(super) async fn root_of(
        &self,
        request: &DownloadRequest,
        reach: Reach,
    ) -> Result<(Root, Reach)> {
        if request.url.scheme() == "file" {
            return Ok((file::read(request)?, reach));
        }
        self.root_within(&request.url, reach).await
    }

    /// Reads the playlists that a request needs, and refuses what cannot be downloaded.
    pub(crate) async fn resolve(&self, request: &DownloadRequest) -> Result<Resolved> {
        self.resolve_around(request, &mut Detours::default()).await
    }

    /// As [`resolve`](Self::resolve), but not from places that are to be avoided.
    pub(super) async fn resolve_around(
        &self,
        request: &DownloadRequest,
        detours: &mut Detours,
    ) -> Result<Resolved> {
        self.resolve_downloadable(request, Reach::Any, detours)
            .await
    }

    /// As [`resolve`](Self::resolve), of an address that another document led to.
    pub(super) async fn resolve_within(
        &self,
        request: &DownloadRequest,
        reach: Reach,
    ) -> Result<Resolved> {
        if request.url.scheme() == "file" {
            // Only who asks for a download may name files.
            return Err(file::forbidden());
        }
        self.resolve_downloadable(request, reach, &mut Detours::default())
            .await
    }

    async fn resolve_downloadable(
        &self,
        request: &DownloadRequest,
        reach: Reach,
        detours: &mut Detours,
    ) -> Result<Resolved> {
        downloadable(request, self.resolve_any(request, reach, detours).await?)
    }

    /// As [`resolve_around`](Self::resolve_around), from the root playlist as it is pinned.
    pub(super) async fn resolve_pinned(
        &self,
        request: &DownloadRequest,
        root: Root,
        detours: &mut Detours,
    ) -> Result<Resolved> {
        let resolved = self
            .resolve_root(request, root, Reach::Any, detours)
            .await?;
        downloadable(request, resolved)
    }

    /// Reads the playlists that a request needs, whatever they list.
    pub(super) async fn resolve_any(
        &self,
        request: &DownloadRequest,
        reach: Reach,
        detours: &mut Detours,
    ) -> Result<Resolved> {
        let (root, reach) = match detours.kept_root() {
            Some((received, multivariant, reach)) => {
                (Root::Multivariant(received, multivariant), reach)
            }
            None => self.root_of(request, reach).await?,
        };
        self.resolve_root(request, root, reach, detours).await
    }

    /// Reads the playlists that a request needs of one that has been read.
    async fn resolve_root(
        &self,
        request: &DownloadRequest,
        root: Root,
        reach: Reach,
        detours: &mut Detours,
    ) -> Result<Resolved> {
        Ok(match root {
            Root::Media(received, timeline) => Resolved {
                multivariant: None,
                tracks: vec![ResolvedTrack {
                    name: layout::ONLY_TRACK.to_owned(),
                    subtitles: false,
                    playlist: received,
                    timeline: *timeline,
                }],
                chosen: Vec::new(),
                notes: Vec::new(),
                reach,
            },
            Root::Multivariant(received, multivariant) => {
                let selection = multivariant
                    .select_with(&request.selection, &request.options)
                    .map_err(|error| rejected(&received.url, error))?;
                detours.read(&received, &multivariant, reach);
                let (mut tracks, elsewhere) = self
                    .tracks_around(&multivariant, &selection, reach, detours)
                    .await?;
                let mut chosen = configuration::chosen(&multivariant, &selection);
                let mut notes = configuration::notes(request, &selection);
                notes.extend(elsewhere);
                configuration::leave_out_unreadable(&mut tracks, &mut chosen, &mut notes);
                Resolved {
                    multivariant: Some((received, multivariant)),
                    tracks,
                    chosen,
                    notes,
                    reach,
                }
            }
        })
    }

    pub(super) async fn tracks(
        &self,
        multivariant: &Multivariant,
        selection: &Selection,
        reach: Reach,
    ) -> Result<Vec<ResolvedTrack>> {
        let detours = &mut Detours::default();
        let tracks = self.tracks_around(multivariant, selection, reach, detours);
        Ok(tracks.await?.0)
    }

    /// A playlist, and whether it came from the public internet.
    pub(super) async fn playlist(&self, url: &Url, reach: Reach) -> Result<(Received, bool)> {
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
        let fetched = self
            .fetcher
            .fetch(request)
            .await
            .map_err(|error| match error.kind() {
                segment_fetch::ErrorKind::TooLarge => rejected(url, error),
                _ => error.into(),
            })?;
        let is_public = fetched.is_public();
        let content_type = fetched.headers.get("content-type");
        let content_type = content_type.and_then(|value| value.to_str().ok());
        Ok((
            Received {
                url: fetched.url,
                bytes: fetched.body,
                content_type: content_type.map(str::to_owned),
            },
            is_public,
        ))
    }
}

fn downloadable(request: &DownloadRequest, resolved: Resolved) -> Result<Resolved> {
    let mut tracks = resolved.tracks.iter();
    tracks.try_for_each(|track| admission::check_downloadable(track, request))?;
    Ok(resolved)
}

pub(super) fn parse(received: &Received) -> Result<hls_parse::Parsed> {
    let options = ParseOptions::default()
        .max_bytes(LONGEST_PINNED)
        .max_lines(MOST_LINES);
    hls_parse::parse_with(&received.bytes, &options).map_err(|error| rejected(&received.url, error))
}

/// Parses and resolves what has to be a Media Playlist.
pub(crate) fn media(received: &Received, context: &Context) -> Result<Timeline> {
    match parse(received)?.playlist {
        Playlist::Media(playlist) => playlist
            .resolve(context)
            .map_err(|error| rejected(&received.url, error)),
        Playlist::Multivariant(_) => Err(Error::new(
            ErrorKind::PlaylistRejected,
            format!(
                "{} should be a Media Playlist but is a Multivariant Playlist",
                source::shown(&received.url)
            ),
        )),
    }
}

pub(super) fn rejected(url: &Url, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(
        ErrorKind::PlaylistRejected,
        format!("playlist {} rejected", source::shown(url)),
    )
    .because(error)
}
