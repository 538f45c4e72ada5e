//! How much of a track can be offered while it is not whole: what is there without a hole from its first segment on.

use asset_store::Store;

use super::content::{Content, clear_key};
use crate::session::presentation::{Presentation, StoredTrack};

/// How many segments from the first one on are there with all they need, or given up for good.
///
/// What is encrypted has to open: what does not is taken out of the asset at the end of its download. `before` is the presentation as it was, with
/// how many there were: what is stored under the same names still counts, and is not looked at again.
pub(super) fn listed(
    store: &Store,
    presentation: &Presentation,
    track: &StoredTrack,
    before: Option<(&Presentation, usize)>,
) -> usize {
    let layout = track.layout();
    let timeline = &track.timeline;
    let entries = presentation.asset.entries();
    let known = before.map_or(0, |(before, listed)| {
        let is_same = |index: &usize| {
            let path = layout.segment(*index);
            let then = before.asset.entries().get(&path);
            then.map(|entry| entry.digest) == entries.get(&path).map(|entry| entry.digest)
        };
        (0..listed).take_while(is_same).count()
    });
    let is_there = |path: &str| presentation.entry(store, path).is_some();
    let can_open = |keys: &[usize]| {
        let identity = |key: &&usize| {
            timeline
                .keys()
                .get(**key)
                .is_some_and(hls_parse::Key::is_identity)
        };
        let mut keys = keys.iter().filter(identity).peekable();
        keys.peek().is_none() || keys.any(|&key| is_there(&layout.key(key)))
    };
    let opens =
        |content: Option<Content>| content.is_some_and(|content| content.open(store).is_ok());
    // Neighbours have the same map and keys.
    let mut good = None;
    let mut has_needs = |map: Option<usize>, keys: &[usize]| {
        let needs = (map, keys.to_vec());
        if good.as_ref() == Some(&needs) {
            return true;
        }
        let map_keys = map.and_then(|map| timeline.maps().get(map));
        let map_keys = map_keys.map(|map| map.keys.as_slice()).unwrap_or_default();
        let has_map = map.is_none_or(|map| {
            is_there(&layout.map(map))
                && can_open(map_keys)
                && (clear_key(timeline, map_keys).is_none()
                    || opens(Content::of_map(&presentation.asset, &layout, map)))
        });
        let has_needs = has_map && can_open(keys);
        if has_needs {
            good = Some(needs);
        }
        has_needs
    };
    let is_playable = |(index, segment): (usize, hls_parse::Segment)| {
        let path = layout.segment(index);
        if segment.gap || presentation.accepted_gaps.contains(&path) {
            return true;
        }
        let keys = timeline.segment_keys(index);
        is_there(&path)
            && has_needs(segment.map, keys)
            && (clear_key(timeline, keys).is_none()
                || opens(Content::of_segment(&presentation.asset, &layout, index)))
    };
    let segments = timeline.segments().iter().enumerate().skip(known);
    known + segments.map(is_playable).take_while(|is| *is).count()
}
