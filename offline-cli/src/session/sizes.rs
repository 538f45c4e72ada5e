//! How much each choice of a Multivariant Playlist takes.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use futures::stream::{self, StreamExt};
use hls_parse::{Multivariant, Rendition, Selection, Timeline, Variant};
use segment_fetch::Reach;
use tokio::time::{Instant, timeout_at};
use url::Url;

use super::measure::{self, BytesFrom, Declared, Meter, Rates, Size};
use super::resolve::{PLAYLISTS_IN_FLIGHT, ResolvedTrack};
use super::{Network, tracks};

/// Media Playlists that are read for their sizes alone.
const MOST_PLAYLISTS: usize = 24;
/// How long they are waited for.
const PATIENCE: Duration = Duration::from_secs(10);

/// The sizes of the choices of a Multivariant Playlist.
pub(super) struct Sizes<'m> {
    multivariant: &'m Multivariant,
    duration: Duration,
    of_tracks: HashMap<Url, Size>,
}

impl Network {
    /// The sizes of all choices, for as many of which as the bounds allow Media Playlists are read; `read` are there already.
    pub(super) async fn sizes<'m>(
        &self,
        multivariant: &'m Multivariant,
        read: &[ResolvedTrack],
        duration: Duration,
        reach: Reach,
    ) -> Sizes<'m> {
        let declared = tracks::declared(multivariant);
        let timeline = |name: &str| read.iter().find(|track| track.name == name);
        let (here, others): (Vec<_>, Vec<_>) = declared
            .into_iter()
            .partition(|declared| timeline(&declared.name).is_some());
        let deadline = Instant::now() + PATIENCE;
        let others = stream::iter(others.into_iter().take(MOST_PLAYLISTS))
            .map(|track| async move {
                let only = only(multivariant, &track.url);
                let loading = self.tracks(multivariant, &only, reach);
                let loaded = timeout_at(deadline, loading).await.ok()?;
                let loaded = loaded
                    .inspect_err(|error| tracing::info!(%error, "a playlist has no size"))
                    .ok()?;
                Some((track.url, loaded.into_iter().next()?.timeline))
            })
            .buffered(PLAYLISTS_IN_FLIGHT)
            .filter_map(std::future::ready)
            .collect::<Vec<(Url, Timeline)>>()
            .await;
        let here = here
            .iter()
            .filter_map(|declared| Some((&declared.url, &timeline(&declared.name)?.timeline)));
        let all = here.chain(others.iter().map(|(url, timeline)| (url, timeline)));
        let (urls, asked): (Vec<Url>, Vec<(Declared, Reach)>) = all
            .filter(|(_, timeline)| !timeline.is_live())
            .map(|(url, timeline)| {
                let declared = Declared::of(timeline, Rates::of(multivariant, url));
                (url.clone(), (declared, reach))
            })
            // The average of such a variant covers its audio too: nobody has to be asked.
            .filter(|(url, (declared, _))| {
                declared.size().is_some() || !is_covered(multivariant, url)
            })
            .unzip();
        let sizes = Meter::new(self).sizes(asked).await;
        let of_tracks = urls.into_iter().zip(sizes);
        Sizes {
            multivariant,
            duration,
            of_tracks: of_tracks
                .filter_map(|(url, size)| Some((url, size?)))
                .collect(),
        }
    }
}

impl Sizes<'_> {
    /// A variant with the audio it needs.
    pub(super) fn variant(&self, variant: &Variant, chosen: &[usize]) -> Option<Size> {
        let audio = measure::required_audio(self.multivariant, variant, chosen);
        let own = self.of_tracks.get(variant.url()).copied();
        let both = match audio.and_then(Rendition::url) {
            None => own,
            Some(url) => own
                .zip(self.of_tracks.get(url))
                .map(|(video, audio)| video.and(*audio)),
        };
        let by = |rate, from| Size::by_rate(rate, self.duration, from);
        both.or_else(|| Some(by(measure::average(variant)?, BytesFrom::Bitrate)))
            .or_else(|| Some(by(variant.bandwidth?, BytesFrom::PeakBitrate)))
    }

    /// A rendition by itself.
    pub(super) fn rendition(&self, rendition: &Rendition) -> Option<Size> {
        self.of_tracks.get(rendition.url()?).copied()
    }

    /// All that is chosen together; `None` when something of it is not known.
    pub(super) fn chosen(&self, selection: &Selection) -> Option<Size> {
        let mut counted: HashSet<&Url> = HashSet::new();
        let mut whole: Option<Size> = None;
        let mut add = |size: Size| whole = Some(whole.map_or(size, |whole| whole.and(size)));
        for variant in selected(&self.multivariant.variants, &selection.variants) {
            let audio = measure::required_audio(self.multivariant, variant, &selection.renditions);
            if !counted.insert(variant.url()) {
                continue;
            }
            let audio = audio.and_then(Rendition::url);
            match (self.of_tracks.get(variant.url()), audio) {
                // What it shares with other variants counts once.
                (Some(own), Some(audio)) if counted.contains(audio) => add(*own),
                (_, audio) => {
                    add(self.variant(variant, &selection.renditions)?);
                    counted.extend(audio);
                }
            }
        }
        for rendition in selected(&self.multivariant.renditions, &selection.renditions) {
            if rendition.url().is_some_and(|url| counted.insert(url)) {
                add(self.rendition(rendition)?);
            }
        }
        for variant in selected(
            &self.multivariant.i_frame_variants,
            &selection.i_frame_variants,
        ) {
            if counted.insert(variant.url()) {
                add(self.variant(variant, &[])?);
            }
        }
        whole
    }
}

fn selected<'a, T>(all: &'a [T], indices: &'a [usize]) -> impl Iterator<Item = &'a T> {
    indices.iter().filter_map(|&index| all.get(index))
}

/// What names this playlist alone.
fn only(multivariant: &Multivariant, url: &Url) -> Selection {
    let variants = |all: &[Variant]| -> Vec<usize> {
        let all = all.iter().enumerate();
        let same = all.filter(|(_, variant)| variant.url() == url);
        same.map(|(index, _)| index).take(1).collect()
    };
    let mut only = Selection::default();
    only.variants = variants(&multivariant.variants);
    if only.variants.is_empty() {
        let renditions = multivariant.renditions.iter();
        let place = renditions.clone().position(|one| one.url() == Some(url));
        only.renditions = place.into_iter().collect();
    }
    if only.variants.is_empty() && only.renditions.is_empty() {
        only.i_frame_variants = variants(&multivariant.i_frame_variants);
    }
    only
}

/// Whether every variant at this address has an average that covers it and audio elsewhere.
fn is_covered(multivariant: &Multivariant, url: &Url) -> bool {
    let variants = multivariant.variants.iter();
    let mut variants = variants.filter(|variant| variant.url() == url).peekable();
    variants.peek().is_some()
        && variants.all(|variant| {
            measure::average(variant).is_some()
                && measure::required_audio(multivariant, variant, &[]).is_some()
        })
}
