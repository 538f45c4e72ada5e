//! After the last segment: what is encrypted has to open with its key.
//!
//! A wrong key or a damaged segment shows in the padding of the last block (RFC 8216bis §4.4.4.4),
//! so this costs two blocks a segment.

use std::collections::{BTreeMap, HashSet};

use asset_store::{Asset, AssetWriter, Store};

use super::layout::TrackLayout;
use super::prepare::Prepared;
use crate::playback::content::{Content, clear_key};
use crate::{Error, ErrorKind, Result};

/// What one key opens and what it does not.
#[derive(Default)]
struct Opened {
    good: usize,
    bad: Vec<String>,
}

/// Looks at everything this run stored that is encrypted. What does not open is no longer part of the
/// asset, so that it counts as missing; if a key opens nothing, that is the key. Says what is wrong.
pub(super) fn take_out_undecryptable(
    store: &Store,
    writer: &AssetWriter,
    job: &Prepared,
) -> Result<Option<Error>> {
    let tracks = job.plan.tracks();
    if tracks.iter().all(|track| track.pinned.keys().is_empty()) {
        return Ok(None);
    }
    let asset = writer.asset();
    let stored = job.pending.iter();
    let fresh: HashSet<String> = stored.flat_map(|&index| job.plan.paths(index)).collect();
    let mut wrong = None;
    for track in tracks {
        let layout = track.layout();
        let mut keys: BTreeMap<usize, Opened> = BTreeMap::new();
        for (key, path, content) in encrypted(&asset, &layout) {
            let opened = keys.entry(key).or_default();
            if !fresh.contains(&path) && !fresh.contains(&layout.key(key)) {
                // Looked at by the run that stored it.
                opened.good += 1;
                continue;
            }
            match content.open(store) {
                Ok(_) => opened.good += 1,
                Err(error) => {
                    wrong.get_or_insert_with(|| {
                        Error::new(
                            ErrorKind::PlaylistRejected,
                            format!("{path} cannot be played"),
                        )
                        .because(error)
                        .hint(
                            "the server may hand out a wrong key, or wrong media; try again later",
                        )
                    });
                    opened.bad.push(path);
                }
            }
        }
        for (key, Opened { good, bad }) in keys {
            if good == 0 && !bad.is_empty() {
                writer.remove_entry(&layout.key(key))?;
            }
            // Of a key that opens nothing the segments may be right, unless there is only one.
            if good > 0 || bad.len() == 1 {
                for path in bad {
                    writer.remove_entry(&path)?;
                }
            }
        }
    }
    Ok(wrong)
}

/// Everything encrypted that is there with its key: the key, the path, the content.
fn encrypted<'a>(
    asset: &'a Asset,
    layout: &'a TrackLayout<'a>,
) -> impl Iterator<Item = (usize, String, Content)> + 'a {
    let timeline = layout.timeline;
    let maps = timeline
        .maps()
        .iter()
        .enumerate()
        .filter_map(move |(index, map)| {
            let key = clear_key(timeline, &map.keys)?;
            Some((
                key,
                layout.map(index),
                Content::of_map(asset, layout, index)?,
            ))
        });
    let segments = (0..timeline.segments().len()).filter_map(move |index| {
        let key = clear_key(timeline, timeline.segment_keys(index))?;
        Some((
            key,
            layout.segment(index),
            Content::of_segment(asset, layout, index)?,
        ))
    });
    maps.chain(segments)
}
