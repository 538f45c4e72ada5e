//! How far localized Media Playlists go, and what comes before their first segment.

use std::time::Duration;

use crate::local::media::line;
use crate::local::multivariant::start_tag;
use crate::timeline::Timeline;

/// How far a localized playlist that grows has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalEvent {
    /// How many segments are listed, from the first one on.
    pub segments: usize,
    /// How long segments may get that the timeline does not have yet; the target duration is no less. Zero when it has them all.
    pub longest: Duration,
    /// Whether nothing will be added.
    pub ended: bool,
}

/// How much of a timeline is written, and as what.
#[derive(Clone, Copy)]
pub(super) struct Extent {
    pub(super) segments: usize,
    /// The type is `EVENT`, and no segment will be longer.
    pub(super) event: Option<Duration>,
    pub(super) ended: bool,
}

/// The version of playlists that grow: one that every tag written here is part of, since it must not change.
pub(super) const EVENT_VERSION: u64 = 8;

impl Timeline {
    /// In nanoseconds, the longest segment, or longer.
    pub(super) fn longest(&self, at_least: Duration) -> u64 {
        let at_least = u64::try_from(at_least.as_nanos()).unwrap_or(u64::MAX);
        let segments = self.segments.outlines().map(|segment| segment.nanoseconds);
        segments.fold(at_least, u64::max)
    }

    pub(super) fn local_header(&self, version: u64, longest: Duration, extent: Extent) -> String {
        let version = if self.i_frames_only() {
            version.max(4)
        } else {
            version
        };
        // Before version 6 durations must not exceed the target, not even by less than half a second.
        let up = if version <= 5 {
            longest.subsec_nanos() > 0
        } else {
            longest.subsec_nanos() >= 500_000_000
        };
        let target = longest.as_secs().saturating_add(u64::from(up)).max(1);
        let mut out = String::from("#EXTM3U\n");
        if version > 1 {
            line(&mut out, format_args!("#EXT-X-VERSION:{version}"));
        }
        line(&mut out, format_args!("#EXT-X-TARGETDURATION:{target}"));
        line(
            &mut out,
            format_args!("#EXT-X-MEDIA-SEQUENCE:{}", self.media_sequence()),
        );
        if self.discontinuity_sequence() > 0 {
            line(
                &mut out,
                format_args!(
                    "#EXT-X-DISCONTINUITY-SEQUENCE:{}",
                    self.discontinuity_sequence()
                ),
            );
        }
        line(
            &mut out,
            format_args!(
                "#EXT-X-PLAYLIST-TYPE:{}",
                if extent.event.is_some() {
                    "EVENT"
                } else {
                    "VOD"
                }
            ),
        );
        if self.independent_segments() {
            out.push_str("#EXT-X-INDEPENDENT-SEGMENTS\n");
        }
        if self.i_frames_only() {
            out.push_str("#EXT-X-I-FRAMES-ONLY\n");
        }
        match self.start() {
            Some(start) => line(&mut out, format_args!("{}", start_tag(start))),
            None if extent.event.is_some() => out.push_str("#EXT-X-START:TIME-OFFSET=0\n"),
            None => {}
        }
        out
    }
}
