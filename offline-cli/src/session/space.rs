//! How much room a download needs, as far as its playlists tell, and whether there is so much.

use std::collections::HashMap;
use std::time::Duration;

use asset_store::{AssetId, AssetWriter};
use cache_inspect::TrackKind;
use hls_parse::{Multivariant, ResourceKind, Variant};
use storage_policy::Incoming;

use super::plan::{KEY_LENGTH, Plan, PlannedTrack};
use super::prepare::Prepared;
use super::{DownloadEvent, Session, purge, record, tracks};
use crate::render::text;
use crate::{Error, ErrorKind, Result};

/// Rates are allowed to be a tenth beside the truth.
const CERTAIN_PERCENT: u64 = 90;

/// Bytes that the resources with these numbers have at least: exactly those with byte ranges, by their bit rates
/// the others. What has neither counts as nothing, so that nobody is refused what would have fitted.
pub(super) fn expected(
    plan: &Plan,
    resources: &[usize],
    multivariant: Option<&Multivariant>,
) -> u64 {
    let rates = multivariant.map(|multivariant| rates(multivariant, plan.tracks()));
    let rates = rates.unwrap_or_default();
    let lengths = resources.iter().filter_map(|&index| {
        let (track, kind) = plan.need(index)?;
        length(track, kind, rates.get(&track.name).copied())
    });
    lengths.fold(0, u64::saturating_add)
}

fn length(track: &PlannedTrack, kind: ResourceKind, rate: Option<u64>) -> Option<u64> {
    match kind {
        ResourceKind::Key(_) => Some(KEY_LENGTH),
        ResourceKind::Map(index) => {
            let map = track.fresh.maps().get(index)?;
            map.byte_range.map(|range| range.length)
        }
        ResourceKind::Segment(index) => {
            let segment = track.fresh.segments().get(index)?;
            let kilobits = segment.bitrate;
            let own = kilobits.map(|kilobits| kilobits.saturating_mul(1000));
            let by_rate = || Some(certain(own.or(rate)?, segment.duration));
            segment
                .byte_range
                .map(|range| range.length)
                .or_else(by_rate)
        }
    }
}

fn certain(bits_per_second: u64, duration: Duration) -> u64 {
    estimate(bits_per_second, duration) / 100 * CERTAIN_PERCENT
}

/// Bytes of media of this length at this rate.
pub(super) fn estimate(bits_per_second: u64, duration: Duration) -> u64 {
    let bits = u128::from(bits_per_second) * duration.as_millis() / 1000;
    u64::try_from(bits / 8).unwrap_or(u64::MAX)
}

/// Bits per second of the variants' tracks, where something is known.
fn rates(multivariant: &Multivariant, planned: &[PlannedTrack]) -> HashMap<String, u64> {
    let mut wanted = tracks::declared(multivariant);
    wanted.retain(|track| planned.iter().any(|planned| planned.name == track.name));
    let of_kind = |kind| wanted.iter().filter(move |track| track.kind == kind);
    // A rate covers the audio that belongs to the variant. Where that is stored once for several, or not
    // at all, nobody can tell how much of it is the video's.
    let includes_audio =
        of_kind(TrackKind::Main).count() == 1 && of_kind(TrackKind::Audio).count() > 0;
    let rate = |variant: &Variant| {
        let is_whole = variant.audio().is_none() || includes_audio;
        // Some repeat the peak, which says nothing about the sum.
        let average = variant.average_bandwidth?;
        (is_whole && Some(average) < variant.bandwidth).then_some(average)
    };
    let of_track = |url| {
        let variants = multivariant.variants.iter();
        let same = variants.filter(move |variant| variant.url() == url);
        same.map(rate).min().flatten()
    };
    of_kind(TrackKind::Main)
        .filter_map(|track| Some((track.name.clone(), of_track(&track.url)?)))
        .collect()
}

impl Session {
    /// Makes room for what is still to come as far as the policy of the store allows, and keeps it, so that a download
    /// that cannot fit is refused before its first segment, and two at once do not take it from each other.
    pub(super) fn make_room(
        &self,
        job: &Prepared,
        writer: &AssetWriter,
        observe: &mut impl FnMut(DownloadEvent),
    ) -> Result<()> {
        if job.expected_bytes == 0 {
            return Ok(());
        }
        self.make_room_for(&job.id, job.expected_bytes, observe)?;
        match self.store().reserve(job.expected_bytes) {
            Ok(reservation) => writer.use_reservation(reservation),
            Err(error) => {
                if let Some(shortage) = error.shortage() {
                    let free = shortage.limit.saturating_sub(shortage.used);
                    return Err(Error::new(
                        ErrorKind::DiskFull,
                        format!(
                            "the download does not fit: at least {} are to come, and there is room for {}",
                            text::size(job.expected_bytes),
                            text::size(free)
                        ),
                    )
                    .hint("free some space (`offline purge`, `offline remove`), or choose a smaller variant (`--variant`)"));
                }
                // It would have been a favour; a disk that gets full is noticed all the same.
                tracing::warn!(%error, "no room could be kept for the download");
            }
        }
        Ok(())
    }

    /// Makes room for bytes of an asset as far as the policy of the store allows.
    ///
    /// # Errors
    /// [`ErrorKind::DiskFull`] when that is not enough; then nothing went.
    pub(super) fn make_room_for(
        &self,
        id: &AssetId,
        bytes: u64,
        observe: &mut impl FnMut(DownloadEvent),
    ) -> Result<()> {
        let policy = record::policy(self.store(), id)?;
        let incoming = Incoming {
            bytes,
            tags: policy.tags.into_iter().chain(policy.series).collect(),
        };
        let purged = purge::make_room(self.store(), &incoming)?;
        if !purged.purged.is_empty() {
            observe(DownloadEvent::MadeRoom {
                freed: purged.freed,
                purged: purged.purged,
            });
        }
        Ok(())
    }
}
