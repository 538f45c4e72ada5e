//! Other places of the same media: redundant variants (section 6.2.4 of RFC 8216bis) and the pathways of content steering (section 7).
//!
//! A redundant variant has the attributes of another one and a playlist elsewhere. Where its groups have other names, their renditions of the same name and
//! language are redundant as well. What is taken from there goes through the comparison of any other reading (`drift`, `proof`): attributes are a promise only.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use cache_inspect::TrackKind;
use futures::stream::{self, StreamExt, TryStreamExt};
use hls_parse::{Context, Multivariant, Rendition, Selection, SteeringManifest, Variant};
use segment_fetch::{Expect, Reach, Request};
use url::Url;

use super::resolve::{PLAYLISTS_IN_FLIGHT, Received, ResolvedTrack, media};
use super::tracks::{self, Declared};
use super::{Network, source};
use crate::{Error, ErrorKind, Result};

/// Answers of steering servers beyond this are not read.
const STEERING_LIMIT: u64 = 64 * 1024;
const STEERING_TIMEOUT: Duration = Duration::from_secs(10);
/// How long an answer counts that does not say it (section 7.1).
const USUAL_TTL: Duration = Duration::from_secs(300);

/// What a download knows of places that serve its tracks, and of those that no longer do.
#[derive(Debug, Default)]
pub(super) struct Detours {
    /// Identities of the Media Playlists from which nothing more is expected.
    avoided: HashSet<String>,
    /// Where each track comes from now, and where else it could.
    tracks: HashMap<String, Places>,
    /// The Multivariant Playlist that told so.
    root: Option<(Received, Box<Multivariant>, Reach)>,
    /// Whether it is to be used again, since its server may be gone as well.
    keeps_root: bool,
    steering: Option<Steering>,
}

#[derive(Debug, Default)]
struct Places {
    now: Option<Url>,
    /// Identities of all there are, with the pathway of each.
    all: Vec<(String, String)>,
}

impl Places {
    fn pathway(&self) -> Option<&str> {
        let now = source::identity(self.now.as_ref()?);
        let place = self.all.iter().find(|(place, _)| *place == now);
        place.map(|(_, pathway)| pathway.as_str())
    }
}

/// What the steering server said last.
#[derive(Debug)]
struct Steering {
    manifest: Option<SteeringManifest>,
    asked: Instant,
    reload: Option<Url>,
}

impl Steering {
    fn is_due(&self) -> bool {
        let ttl = self.manifest.as_ref().map_or(0, |manifest| manifest.ttl);
        let ttl = match ttl {
            0 => USUAL_TTL,
            seconds => Duration::from_secs(seconds),
        };
        self.asked.elapsed() >= ttl
    }
}

impl Detours {
    /// Whether a track could come from somewhere else.
    fn has_spare(&self, track: &str) -> bool {
        let places = self.tracks.get(track);
        places.is_some_and(|places| {
            let now = places.now.as_ref().map(source::identity);
            let others = places.all.iter().map(|(place, _)| place);
            let mut others = others.filter(|place| Some(*place) != now.as_ref());
            others.any(|place| !self.avoided.contains(place))
        }) || (places.is_some() && self.is_steered() && self.may_ask())
    }

    /// The Multivariant Playlist, when it need not be read again.
    pub(super) fn kept_root(&mut self) -> Option<(Received, Box<Multivariant>, Reach)> {
        std::mem::take(&mut self.keeps_root)
            .then(|| self.root.clone())
            .flatten()
    }

    /// Notes the Multivariant Playlist as it was read.
    pub(super) fn read(&mut self, received: &Received, multivariant: &Multivariant, reach: Reach) {
        self.root = Some((received.clone(), Box::new(multivariant.clone()), reach));
    }

    /// Whether the steering server may know more than is known.
    fn may_be_steered(&self, multivariant: &Multivariant) -> bool {
        multivariant.content_steering.is_some() && self.may_ask()
    }

    /// Whether what the steering server said last no longer counts.
    fn may_ask(&self) -> bool {
        self.steering.as_ref().is_none_or(Steering::is_due)
    }

    /// The pathway that is used now, the video's where tracks come from several.
    fn pathway(&self) -> Option<&str> {
        let tracks = self.tracks.iter();
        let video = tracks.max_by_key(|(track, _)| track.starts_with("variant-"))?;
        video.1.pathway().filter(|pathway| !pathway.is_empty())
    }

    /// Where a track comes from, as it may be shown.
    pub(super) fn place(&self, track: &str) -> Option<String> {
        let now = self.tracks.get(track)?.now.as_ref();
        now.map(source::shown)
    }

    fn is_steered(&self) -> bool {
        let root = self.root.as_ref();
        root.is_some_and(|(_, multivariant, _)| multivariant.content_steering.is_some())
    }

    /// Which of these tracks could.
    pub(super) fn spare(&self, tracks: &[String]) -> HashSet<String> {
        let spare = tracks.iter().filter(|track| self.has_spare(track));
        spare.cloned().collect()
    }

    /// Leaves the places of tracks that have failed; with `host` also those of the other tracks that are at the same server, when they have others. Says
    /// whether each track that failed has another one.
    pub(super) fn leave(&mut self, failed: &HashSet<String>, host: bool) -> bool {
        if failed.is_empty() || !failed.iter().all(|track| self.has_spare(track)) {
            return false;
        }
        let place = |track: &String| self.tracks.get(track).and_then(|places| places.now.clone());
        let left: Vec<Url> = failed.iter().filter_map(place).collect();
        let is_gone = |url: &&Url| host && left.iter().any(|gone| gone.origin() == url.origin());
        let beside = self
            .tracks
            .iter()
            .filter(|(track, _)| self.has_spare(track));
        let beside = beside.filter_map(|(_, places)| places.now.as_ref());
        let beside: Vec<Url> = beside.filter(is_gone).cloned().collect();
        self.avoided
            .extend(left.iter().chain(&beside).map(source::identity));
        self.keeps_root = true;
        true
    }

    /// Notes where a track comes from.
    fn takes(&mut self, track: &str, url: &Url) {
        self.tracks.entry(track.to_owned()).or_default().now = Some(url.clone());
    }

    /// Where a track may come from, the best place first: its own in the order of the playlist, or as pathways are preferred.
    fn places(
        &mut self,
        multivariant: &Multivariant,
        selection: &Selection,
        track: &Declared,
    ) -> Vec<Url> {
        let manifest = self
            .steering
            .as_ref()
            .and_then(|steering| steering.manifest.as_ref());
        let mut cloned = None;
        if let Some(manifest) = manifest.filter(|manifest| !manifest.pathway_clones.is_empty()) {
            let cloned = cloned.insert(multivariant.clone());
            for error in cloned.clone_pathways(&manifest.pathway_clones) {
                tracing::info!(%error, "a pathway cannot be cloned");
            }
        }
        let mut places = candidates(cloned.as_ref().unwrap_or(multivariant), selection, track);
        let steering = multivariant.content_steering.as_ref();
        let first = steering.and_then(|steering| steering.pathway_id.as_deref());
        let preferred: Vec<&str> = match manifest {
            Some(manifest) => manifest
                .pathway_priority
                .iter()
                .map(String::as_str)
                .collect(),
            None => first.into_iter().collect(),
        };
        places.sort_by_key(|(pathway, _)| {
            let place = preferred.iter().position(|preferred| preferred == pathway);
            place.unwrap_or(preferred.len())
        });
        let mut seen = HashSet::new();
        places.retain(|(_, url)| seen.insert(source::identity(url)));
        let known = self.tracks.entry(track.name.clone()).or_default();
        let all = places.iter();
        known.all = all
            .map(|(pathway, url)| (source::identity(url), pathway.clone()))
            .collect();
        let urls = places.into_iter().map(|(_, url)| url);
        urls.filter(|url| !self.avoided.contains(&source::identity(url)))
            .collect()
    }
}

/// The playlists that promise the media of a track, with the pathway each is on, its own first.
fn candidates(
    multivariant: &Multivariant,
    selection: &Selection,
    track: &Declared,
) -> Vec<(String, Url)> {
    let mut places = Vec::new();
    let mut add = |variant: &Variant, url: &Url| {
        places.push((variant.pathway().to_owned(), url.clone()));
    };
    let selected = |variants: &'_ [Variant], indices: &[usize]| -> Vec<Variant> {
        let selected = indices.iter().filter_map(|&index| variants.get(index));
        selected.cloned().collect()
    };
    let variants = selected(&multivariant.variants, &selection.variants);
    let i_frames = selected(&multivariant.i_frame_variants, &selection.i_frame_variants);
    for (chosen, all) in [
        (&variants, &multivariant.variants),
        (&i_frames, &multivariant.i_frame_variants),
    ] {
        for variant in chosen.iter().filter(|variant| *variant.url() == track.url) {
            add(variant, variant.url());
            for other in all.iter().filter(|other| is_redundant(variant, other)) {
                add(other, other.url());
            }
        }
    }
    let renditions = selection.renditions.iter();
    let renditions = renditions.filter_map(|&index| multivariant.renditions.get(index));
    for rendition in renditions.filter(|rendition| rendition.url() == Some(&track.url)) {
        let in_group =
            |variant: &&Variant| variant.group(&rendition.kind) == Some(rendition.group_id());
        for variant in variants.iter().filter(in_group) {
            add(variant, &track.url);
            let redundant = multivariant.variants.iter();
            for other in redundant.filter(|other| is_redundant(variant, other)) {
                let group = other.group(&rendition.kind);
                let same = multivariant.renditions.iter().find(|same| {
                    group == Some(same.group_id()) && is_same_rendition(rendition, same)
                });
                if let Some(url) = same.and_then(Rendition::url) {
                    add(other, url);
                }
            }
        }
    }
    if places.is_empty() {
        places.push((String::new(), track.url.clone()));
    }
    places
}

/// Whether a variant is another one again, elsewhere.
fn is_redundant(one: &Variant, other: &Variant) -> bool {
    one.url() != other.url()
        && (one.bandwidth, one.average_bandwidth, one.resolution)
            == (other.bandwidth, other.average_bandwidth, other.resolution)
        && (one.codecs(), one.frame_rate, one.video_range())
            == (other.codecs(), other.frame_rate, other.video_range())
        && (one.audio().is_some(), one.video().is_some())
            == (other.audio().is_some(), other.video().is_some())
}

fn is_same_rendition(one: &Rendition, other: &Rendition) -> bool {
    (&one.kind, one.name(), one.language(), one.forced)
        == (&other.kind, other.name(), other.language(), other.forced)
        && (one.channels(), one.characteristics()) == (other.channels(), other.characteristics())
}

/// Whether another place may have what this one does not give.
pub(super) fn is_about_the_place(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::Network | ErrorKind::AddressExpired | ErrorKind::PlaylistRejected
    )
}

impl Network {
    /// The Media Playlists of a selection, each from the best place that has it, and what there is to say about that.
    pub(super) async fn tracks_around(
        &self,
        multivariant: &Multivariant,
        selection: &Selection,
        reach: Reach,
        detours: &mut Detours,
    ) -> Result<(Vec<ResolvedTrack>, Vec<String>)> {
        if !detours.avoided.is_empty() {
            self.steer(multivariant, reach, detours).await;
        }
        match self
            .tracks_now(multivariant, selection, reach, detours)
            .await
        {
            Err(error)
                if is_about_the_place(error.kind()) && detours.may_be_steered(multivariant) =>
            {
                self.steer(multivariant, reach, detours).await;
                let steered = self
                    .tracks_now(multivariant, selection, reach, detours)
                    .await;
                steered.map_err(|_| error)
            }
            tracks => tracks,
        }
    }

    async fn tracks_now(
        &self,
        multivariant: &Multivariant,
        selection: &Selection,
        reach: Reach,
        detours: &mut Detours,
    ) -> Result<(Vec<ResolvedTrack>, Vec<String>)> {
        let urls = tracks::of_selection(multivariant, selection);
        // Variants that differ only in their groups share a Media Playlist, and so may renditions.
        let wanted: Vec<(Declared, Vec<Url>)> = tracks::declared(multivariant)
            .into_iter()
            .filter(|track| urls.contains(&track.url))
            .map(|track| {
                let places = detours.places(multivariant, selection, &track);
                (track, places)
            })
            .collect();
        let loaded: Vec<(ResolvedTrack, Url, Option<Error>)> = stream::iter(wanted)
            .map(|(track, places)| self.track(track, places, multivariant, reach))
            .buffered(PLAYLISTS_IN_FLIGHT)
            .try_collect()
            .await?;
        let mut notes = Vec::new();
        let mut resolved = Vec::with_capacity(loaded.len());
        for (track, place, error) in loaded {
            detours.takes(&track.name, &place);
            if let Some(error) = error {
                notes.push(format!(
                    "{} comes from {}: {}",
                    track.name,
                    source::shown(&place),
                    error.one_line()
                ));
            }
            resolved.push(track);
        }
        Ok((resolved, notes))
    }

    /// A track from the first of its places that has it, and why it is not the first of all.
    async fn track(
        &self,
        track: Declared,
        places: Vec<Url>,
        multivariant: &Multivariant,
        reach: Reach,
    ) -> Result<(ResolvedTrack, Url, Option<Error>)> {
        let mut first = None;
        for place in places {
            let playlist = self
                .playlist(&place, reach)
                .await
                .and_then(|(received, _)| {
                    let context = Context::new(received.url.clone());
                    let context = context.with_imports(multivariant.variables());
                    let timeline = media(&received, &context)?;
                    Ok((received, timeline))
                });
            match playlist {
                Ok((playlist, timeline)) => {
                    let resolved = ResolvedTrack {
                        name: track.name,
                        subtitles: track.kind == TrackKind::Subtitles,
                        playlist,
                        timeline,
                    };
                    return Ok((resolved, place, first));
                }
                Err(error) if is_about_the_place(error.kind()) => {
                    first.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        Err(first.unwrap_or_else(|| {
            Error::new(
                ErrorKind::Network,
                format!("{} is nowhere to be had", track.name),
            )
        }))
    }

    /// Asks the steering server which pathways there are, unless what it said last still counts. Without an answer things stay as they are.
    async fn steer(&self, multivariant: &Multivariant, reach: Reach, detours: &mut Detours) {
        let Some(steering) = &multivariant.content_steering else {
            return;
        };
        if !detours.may_ask() {
            return;
        }
        let reload = detours.steering.take().and_then(|known| known.reload);
        let mut server = steering.clone();
        if let Some(reload) = reload {
            server.server_url = reload;
        }
        let pathway = detours.pathway().or(steering.pathway_id.as_deref());
        let url = server.request_url(pathway, None);
        let mut request = Request::get(url);
        request.reach = reach;
        request.expect = Expect {
            max_length: STEERING_LIMIT,
            refuse_html: true,
            compression: true,
            total_timeout: Some(STEERING_TIMEOUT),
            ..Expect::default()
        };
        let mut known = Steering {
            manifest: None,
            asked: Instant::now(),
            reload: None,
        };
        match self.fetcher.fetch(request).await {
            Ok(fetched) => match serde_json::from_slice::<SteeringManifest>(&fetched.body) {
                Ok(manifest) if manifest.version == 1 => {
                    let reload = manifest.reload_uri.as_deref();
                    known.reload = reload.and_then(|uri| fetched.url.join(uri).ok());
                    known.manifest = Some(manifest);
                }
                Ok(manifest) => tracing::info!(
                    version = manifest.version,
                    "a steering manifest of an unknown version"
                ),
                Err(error) => tracing::info!(%error, "the steering manifest cannot be read"),
            },
            Err(error) => tracing::info!(%error, "the steering server does not answer"),
        }
        detours.steering = Some(known);
    }
}
