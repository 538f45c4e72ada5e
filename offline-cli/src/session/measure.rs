//! How many bytes a track has: exactly where its playlist says so, else by declared rates, else by asking the server how long some of its segments are.

use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures::stream::{self, StreamExt};
use hls_parse::{
    Multivariant, Rendition, RenditionKind, Resource, ResourceKind, Timeline, Variant,
};
use segment_fetch::{AskLength, ErrorKind as FetchErrorKind, Reach, Request};
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use url::{Origin, Url};

use super::{Network, space};

/// Requests on behalf of one track.
const REQUESTS_OF_A_TRACK: usize = 8;
/// Requests on behalf of all tracks together.
const REQUESTS: usize = 64;
const REQUESTS_IN_FLIGHT: usize = 6;
const REQUEST_TIMEOUT: Duration = Duration::from_secs(4);
/// Nobody waits longer than that for an estimate.
const PATIENCE: Duration = Duration::from_secs(10);
/// No segment that would be stored is longer; a server that says so is not believed.
const LONGEST_SEGMENT: u64 = 512 << 20;

/// Where a number of bytes comes from, the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum BytesFrom {
    /// The playlist says where each segment begins and ends: the number is exact.
    ByteRanges,
    /// The server was asked how long some segments are, and the others are like them.
    Measured,
    /// AVERAGE-BANDWIDTH or EXT-X-BITRATE, times the duration.
    Bitrate,
    /// BANDWIDTH times the duration: what it takes at most.
    PeakBitrate,
}

impl BytesFrom {
    /// In words, for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::ByteRanges => "byte ranges",
            Self::Measured => "measured",
            Self::Bitrate => "average bitrate",
            Self::PeakBitrate => "peak bitrate",
        }
    }
}

/// Bytes, and how sure they are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Size {
    pub(super) bytes: u64,
    pub(super) from: BytesFrom,
    /// Whether nothing was extrapolated.
    pub(super) exact: bool,
}

impl Size {
    pub(super) fn by_rate(rate: u64, duration: Duration, from: BytesFrom) -> Self {
        Self {
            bytes: space::estimate(rate, duration),
            from,
            exact: false,
        }
    }

    pub(super) fn and(self, other: Self) -> Self {
        Self {
            bytes: self.bytes.saturating_add(other.bytes),
            from: self.from.max(other.from),
            exact: self.exact && other.exact,
        }
    }
}

/// What a Multivariant Playlist says of a track, in bits per second.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rates {
    pub(super) average: Option<u64>,
    pub(super) peak: Option<u64>,
}

impl Rates {
    /// Of the track at this address. A rate of a variant covers the renditions that belong to it, so that it says little of a variant whose audio is elsewhere.
    pub(super) fn of(multivariant: &Multivariant, url: &Url) -> Self {
        let all = multivariant.variants.iter();
        let all = all.chain(&multivariant.i_frame_variants);
        let variants: Vec<&Variant> = all.filter(|variant| variant.url() == url).collect();
        let is_whole = |variant: &&Variant| required_audio(multivariant, variant, &[]).is_none();
        let averages = variants.iter().map(|variant| {
            let average = average(variant)?;
            is_whole(variant).then_some(average)
        });
        Self {
            average: averages.min().flatten(),
            peak: variants
                .iter()
                .filter_map(|variant| variant.bandwidth)
                .min(),
        }
    }
}

/// AVERAGE-BANDWIDTH. Some repeat the peak there, which says nothing about the sum.
pub(super) fn average(variant: &Variant) -> Option<u64> {
    let average = variant.average_bandwidth?;
    (Some(average) < variant.bandwidth).then_some(average)
}

/// The rendition without which a variant has no sound: of its group the one that is chosen, the default one, or the first.
pub(super) fn required_audio<'m>(
    multivariant: &'m Multivariant,
    variant: &Variant,
    chosen: &[usize],
) -> Option<&'m Rendition> {
    let group = variant.audio()?;
    let renditions = multivariant.renditions.iter().enumerate();
    let group: Vec<(usize, &Rendition)> = renditions
        .filter(|(_, rendition)| rendition.kind == RenditionKind::Audio)
        .filter(|(_, rendition)| rendition.group_id() == group)
        .collect();
    let is_chosen = group.iter().find(|(index, _)| chosen.contains(index));
    let default = || group.iter().find(|(_, rendition)| rendition.default);
    let (_, audio) = is_chosen.or_else(default).or_else(|| group.first())?;
    audio.url().is_some().then_some(*audio)
}

/// A segment whose length is not known, and how long it plays.
type Open = (Resource, Duration);

/// What playlists say of a track by themselves.
pub(super) struct Declared {
    known: Option<Size>,
    open: Vec<Open>,
    rates: Rates,
}

impl Declared {
    pub(super) fn of(timeline: &Timeline, rates: Rates) -> Self {
        let mut size = Size {
            bytes: 0,
            from: BytesFrom::ByteRanges,
            exact: true,
        };
        let mut open: Vec<Open> = Vec::new();
        let mut has_segments = false;
        for resource in timeline.resources() {
            let segment = match resource.kind {
                ResourceKind::Segment(index) => timeline.segments().get(index),
                ResourceKind::Map(_) => None,
                ResourceKind::Key(_) => continue,
            };
            has_segments |= segment.is_some();
            match (resource.byte_range, segment) {
                (Some(range), _) => size.bytes = size.bytes.saturating_add(range.length),
                // A small one, but there is more than is known.
                (None, None) => size.exact = false,
                (None, Some(segment)) => match segment.bitrate {
                    Some(kilobits) => {
                        let rate = kilobits.saturating_mul(1000);
                        size = size.and(Size::by_rate(rate, segment.duration, BytesFrom::Bitrate));
                    }
                    None => open.push((resource, segment.duration)),
                },
            }
        }
        Self {
            known: has_segments.then_some(size),
            open,
            rates,
        }
    }

    fn open_duration(&self) -> Duration {
        let durations = self.open.iter().map(|(_, duration)| *duration);
        durations.fold(Duration::ZERO, Duration::saturating_add)
    }

    /// The size, if nobody has to be asked for it.
    pub(super) fn size(&self) -> Option<Size> {
        let known = self.known?;
        if self.open.is_empty() {
            return Some(known);
        }
        let rest = Size::by_rate(
            self.rates.average?,
            self.open_duration(),
            BytesFrom::Bitrate,
        );
        Some(known.and(rest))
    }
}

/// Asks servers for lengths, within bounds that hold for all tracks together.
pub(super) struct Meter<'n> {
    network: &'n Network,
    deadline: Instant,
    left: AtomicUsize,
    slots: Semaphore,
    refusing_head: Mutex<HashSet<Origin>>,
}

impl<'n> Meter<'n> {
    pub(super) fn new(network: &'n Network) -> Self {
        Self {
            network,
            deadline: Instant::now() + PATIENCE,
            left: AtomicUsize::new(REQUESTS),
            slots: Semaphore::new(REQUESTS_IN_FLIGHT),
            refusing_head: Mutex::default(),
        }
    }

    /// The sizes of tracks, in their order; `None` where the server does not say either.
    pub(super) async fn sizes(&self, tracks: Vec<(Declared, Reach)>) -> Vec<Option<Size>> {
        let asking = tracks.iter().filter(|(track, _)| track.size().is_none());
        let share = REQUESTS
            .checked_div(asking.count())
            .map_or(1, |share| share.clamp(1, REQUESTS_OF_A_TRACK));
        // All at once: the slots keep the order, and how many there may be.
        let sizes = tracks
            .into_iter()
            .map(|(track, reach)| self.size(track, share, reach));
        futures::future::join_all(sizes).await
    }

    async fn size(&self, track: Declared, share: usize, reach: Reach) -> Option<Size> {
        if let Some(size) = track.size() {
            return Some(size);
        }
        let known = track.known?;
        if let Some(measured) = self.measured(&track.open, share, reach).await {
            return Some(known.and(measured));
        }
        let peak = Size::by_rate(
            track.rates.peak?,
            track.open_duration(),
            BytesFrom::PeakBitrate,
        );
        Some(known.and(peak))
    }

    /// The bytes of segments, if they are like some of them, evenly spread.
    async fn measured(&self, open: &[Open], share: usize, reach: Reach) -> Option<Size> {
        let budget = &AtomicUsize::new(share);
        let count = open.len().min(share);
        let mut samples = (0..count).filter_map(|index| open.get(middle(index, count, open.len())));
        let ask = |(resource, duration): &'_ Open| {
            let (resource, duration) = (resource.clone(), *duration);
            async move { Some((self.length(&resource, reach, budget).await?, duration)) }
        };
        // The first one finds out how the server likes to be asked.
        let first = ask(samples.next()?).await;
        let others: Vec<(u64, Duration)> = stream::iter(samples.map(ask))
            .buffer_unordered(REQUESTS_IN_FLIGHT)
            .filter_map(std::future::ready)
            .collect()
            .await;
        let lengths: Vec<(u64, Duration)> = first.into_iter().chain(others).collect();
        let sum: u128 = lengths.iter().map(|(length, _)| u128::from(*length)).sum();
        let milliseconds = |all: &mut dyn Iterator<Item = Duration>| -> u128 {
            all.map(|duration| duration.as_millis()).sum()
        };
        let asked = milliseconds(&mut lengths.iter().map(|(_, duration)| *duration));
        let whole = milliseconds(&mut open.iter().map(|(_, duration)| *duration));
        let (part, whole) = if asked > 0 && whole > 0 {
            (asked, whole)
        } else {
            (lengths.len() as u128, open.len() as u128)
        };
        let bytes = sum.saturating_mul(whole).checked_div(part)?;
        Some(Size {
            bytes: u64::try_from(bytes).unwrap_or(u64::MAX),
            from: BytesFrom::Measured,
            exact: lengths.len() == open.len(),
        })
    }

    /// How long the server says a resource is: by HEAD, or by a request of its first byte where HEAD is refused or does not tell.
    async fn length(&self, resource: &Resource, reach: Reach, budget: &AtomicUsize) -> Option<u64> {
        let origin = resource.url.origin();
        let is_refusing = self.refusing().contains(&origin);
        if !is_refusing {
            match self.ask(resource, AskLength::Head, reach, budget).await? {
                Ok(Some(length)) if length > 0 => return believable(length),
                Ok(_) => {}
                Err(error) if refuses_the_method(&error) => {}
                Err(_) => return None,
            }
            self.refusing().insert(origin);
        }
        let asked = self.ask(resource, AskLength::FirstByte, reach, budget);
        believable(asked.await?.ok()??)
    }

    /// `None` when no more may be asked.
    async fn ask(
        &self,
        resource: &Resource,
        ask: AskLength,
        reach: Reach,
        budget: &AtomicUsize,
    ) -> Option<Result<Option<u64>, segment_fetch::Error>> {
        let asking = async {
            let _slot = self.slots.acquire().await.ok()?;
            take(budget)?;
            take(&self.left)?;
            let mut request = Request::get(resource.url.clone()).with_reach(reach);
            request.expect.total_timeout = Some(REQUEST_TIMEOUT);
            request.expect.refuse_html = true;
            let length = self.network.fetcher.length(request, ask).await;
            Some(length.inspect_err(|error| {
                tracing::info!(%error, "the length of a segment is not known");
            }))
        };
        timeout_at(self.deadline, asking).await.ok().flatten()
    }

    fn refusing(&self) -> std::sync::MutexGuard<'_, HashSet<Origin>> {
        self.refusing_head
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The place of one of `count` samples among `all`, each in the middle of its share.
fn middle(index: usize, count: usize, all: usize) -> usize {
    let place = (2 * index as u128 + 1) * all as u128 / (2 * count.max(1) as u128);
    usize::try_from(place).unwrap_or(usize::MAX)
}

fn take(counter: &AtomicUsize) -> Option<()> {
    let taken = counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
        left.checked_sub(1)
    });
    taken.ok().map(drop)
}

fn believable(length: u64) -> Option<u64> {
    (1..=LONGEST_SEGMENT).contains(&length).then_some(length)
}

/// Whether another method may have another answer: a signature may be good for one method only.
fn refuses_the_method(error: &segment_fetch::Error) -> bool {
    matches!(
        error.kind(),
        FetchErrorKind::Status(_) | FetchErrorKind::AddressExpired | FetchErrorKind::WrongContent
    )
}
