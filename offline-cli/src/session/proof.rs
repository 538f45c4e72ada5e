//! Proof that what has moved is what it was: bytes that are stored have to be the same at the new addresses.

use std::io::Read;
use std::ops::Range;

use asset_store::{Asset, AssetWriter, Entry};
use futures::stream::{self, StreamExt, TryStreamExt};
use hls_parse::ResourceKind;
use segment_fetch::{Expect, Reach, Request};
use url::Url;

use super::plan::PlannedTrack;
use super::{Session, source};
use crate::{Error, ErrorKind, Result};

/// Bytes compared of a resource, from its start. A segment begins with what tells most: pictures, or the sizes of samples.
const COMPARED: u64 = 16 * 1024;
const IN_FLIGHT: usize = 4;

/// Something stored, and where it is said to be now.
struct Sample {
    url: Url,
    range: Range<u64>,
    /// How long the whole resource has to be, when it is no part of one.
    whole: Option<u64>,
    entry: Entry,
}

impl Session {
    /// Compares some of what is stored of a track with what its new addresses give. A track of which nothing is stored has nothing to be mixed up with.
    pub(super) async fn prove(
        &self,
        track: &PlannedTrack,
        writer: &AssetWriter,
        reach: Reach,
    ) -> Result<()> {
        let asset = writer.asset();
        stream::iter(samples(track, &asset))
            .map(|sample| async move {
                if self.is_same(&sample, reach).await? {
                    return Ok(());
                }
                Err(Error::new(
                    ErrorKind::Changed,
                    format!(
                        "{} at {} is not what is stored: it is another film or another cut of it",
                        track.name,
                        source::shown(&sample.url)
                    ),
                )
                .hint("keep what there is, or remove the asset and download it again; --id keeps both"))
            })
            .buffered(IN_FLIGHT)
            .try_collect()
            .await
    }

    async fn is_same(&self, sample: &Sample, reach: Reach) -> Result<bool> {
        let length = sample.range.end.saturating_sub(sample.range.start);
        let mut request = Request::get(sample.url.clone()).with_range(sample.range.clone());
        request.reach = reach;
        request.expect = Expect {
            max_length: length,
            ..Expect::default()
        };
        let fetched = self.network.fetcher.fetch(request).await;
        let fetched = match fetched {
            Ok(fetched) => fetched,
            // It is shorter than what is stored.
            Err(error) if is_too_short(error.kind()) => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let header = |name: &str| fetched.headers.get(name)?.to_str().ok();
        let complete =
            header("content-range").and_then(|range| range.rsplit('/').next()?.parse::<u64>().ok());
        if let (Some(expected), Some(complete)) = (sample.whole, complete)
            && expected != complete
        {
            return Ok(false);
        }
        let mut stored = Vec::new();
        let file = self.store.open_entry(&sample.entry)?;
        file.take(length)
            .read_to_end(&mut stored)
            .map_err(|error| {
                Error::new(ErrorKind::Storage, "what is stored cannot be read").because(error)
            })?;
        Ok(fetched.body == stored)
    }
}

fn is_too_short(kind: segment_fetch::ErrorKind) -> bool {
    use segment_fetch::ErrorKind as Fetch;
    matches!(
        kind,
        Fetch::WrongRange | Fetch::WrongLength | Fetch::Truncated
    )
}

/// The first and the last segment that are stored, the one before the first that is not, and an initialization section.
fn samples(track: &PlannedTrack, asset: &Asset) -> Vec<Sample> {
    let layout = track.layout();
    let entry = |path: &str| asset.entries().get(path);
    let count = track.pinned.segments().len();
    let stored: Vec<usize> = (0..count)
        .filter(|&index| entry(&layout.segment(index)).is_some())
        .collect();
    let before_hole = stored
        .iter()
        .copied()
        .find(|index| index + 1 < count && stored.binary_search(&(index + 1)).is_err());
    let mut segments: Vec<usize> = [stored.first().copied(), before_hole, stored.last().copied()]
        .into_iter()
        .flatten()
        .collect();
    segments.dedup();
    let map = (0..track.pinned.maps().len()).find(|&index| entry(&layout.map(index)).is_some());
    let kinds = map.map(ResourceKind::Map).into_iter();
    let kinds = kinds.chain(segments.into_iter().map(ResourceKind::Segment));
    let sample = |kind| {
        let path = match kind {
            ResourceKind::Map(index) => layout.map(index),
            ResourceKind::Segment(index) => layout.segment(index),
            ResourceKind::Key(index) => layout.key(index),
        };
        let entry = entry(&path)?.clone();
        let (url, range) = track.fresh.address(kind)?;
        let start = range.map_or(0, |range| range.start);
        Some(Sample {
            url,
            range: start..start.checked_add(entry.length.min(COMPARED))?,
            whole: range.is_none().then_some(entry.length),
            entry,
        })
    };
    kinds
        .filter_map(sample)
        .filter(|sample| !sample.range.is_empty())
        .collect()
}
