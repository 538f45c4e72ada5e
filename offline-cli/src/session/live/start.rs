//! Where a recording begins (sections 4.4.2.2 and 6.3.3).

use std::time::Duration;

use hls_parse::Timeline;
use jiff::Timestamp;

/// The time in the playlist at which a player would start: what `EXT-X-START` says, else the live edge.
pub(super) fn start(timeline: &Timeline) -> Duration {
    let end = timeline.duration();
    let Some(start) = timeline.start() else {
        return end.saturating_sub(timeline.hold_back());
    };
    let offset = start.time_offset.unsigned_abs();
    if start.time_offset.is_negative() {
        end.saturating_sub(offset)
    } else {
        offset.min(end)
    }
}

/// The Media Sequence Number of the first segment to record of a track that is to begin with another one.
pub(super) fn first(timeline: &Timeline, leading: Option<Timestamp>) -> u64 {
    let together = leading.and_then(|date| timeline.time_at(date));
    let time = together.unwrap_or_else(|| start(timeline));
    let mut segments = timeline.segments().iter();
    let found = segments.find(|segment| segment.start.saturating_add(segment.duration) > time);
    let found = found.or_else(|| timeline.segments().last());
    found.map_or(0, |segment| segment.media_sequence_number)
}
