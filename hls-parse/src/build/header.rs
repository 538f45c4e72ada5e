//! What comes before the segments of a Media Playlist.

use std::time::Duration;

use super::Text;
use crate::low_latency::ServerControl;
use crate::playlist::{PlaylistType, Start};
use crate::value::billionths_to_text;

/// What a Media Playlist says of itself, but for its version.
#[derive(Debug, Clone, Default)]
pub(super) struct Header {
    /// The least target duration.
    pub(super) target_seconds: u64,
    pub(super) server_control: ServerControl,
    pub(super) part_target: Option<Duration>,
    pub(super) media_sequence: u64,
    pub(super) discontinuity_sequence: u64,
    pub(super) playlist_type: Option<PlaylistType>,
    pub(super) independent_segments: bool,
    pub(super) i_frames_only: bool,
    pub(super) start: Option<Start>,
}

impl Header {
    /// The target duration that segments of up to that duration need in a playlist of that version.
    pub(super) fn target(&self, longest: Duration, version: u64) -> u64 {
        // Before version 6 durations must not exceed the target, not even by less than half a second.
        let up = if version <= 5 {
            longest.subsec_nanos() > 0
        } else {
            longest.subsec_nanos() >= 500_000_000
        };
        let needed = longest.as_secs().saturating_add(u64::from(up));
        needed.max(self.target_seconds).max(1)
    }

    /// Writes the lines in canonical order.
    pub(super) fn write(&self, text: &mut Text, target: u64) {
        text.line(format_args!("#EXT-X-TARGETDURATION:{target}"));
        self.write_server_control(text);
        if let Some(target) = self.part_target {
            text.begin("#EXT-X-PART-INF");
            text.duration("PART-TARGET", Some(target));
            text.end();
        }
        if self.media_sequence > 0 {
            text.line(format_args!(
                "#EXT-X-MEDIA-SEQUENCE:{}",
                self.media_sequence
            ));
        }
        if self.discontinuity_sequence > 0 {
            text.line(format_args!(
                "#EXT-X-DISCONTINUITY-SEQUENCE:{}",
                self.discontinuity_sequence
            ));
        }
        if let Some(playlist_type) = self.playlist_type {
            let name = match playlist_type {
                PlaylistType::Event => "EVENT",
                PlaylistType::Vod => "VOD",
            };
            text.line(format_args!("#EXT-X-PLAYLIST-TYPE:{name}"));
        }
        if self.independent_segments {
            text.line(format_args!("#EXT-X-INDEPENDENT-SEGMENTS"));
        }
        if self.i_frames_only {
            text.line(format_args!("#EXT-X-I-FRAMES-ONLY"));
        }
        if let Some(start) = self.start {
            text.line(format_args!("{}", crate::local::start_tag(start)));
        }
    }

    fn write_server_control(&self, text: &mut Text) {
        let control = &self.server_control;
        if *control == ServerControl::default() {
            return;
        }
        text.begin("#EXT-X-SERVER-CONTROL");
        text.yes("CAN-BLOCK-RELOAD", control.can_block_reload);
        text.duration("CAN-SKIP-UNTIL", control.can_skip_until);
        text.yes("CAN-SKIP-DATERANGES", control.can_skip_date_ranges);
        text.duration("HOLD-BACK", control.hold_back);
        text.duration("PART-HOLD-BACK", control.part_hold_back);
        text.end();
    }
}

impl Text {
    /// A duration in seconds.
    pub(super) fn duration(&mut self, name: &str, value: Option<Duration>) {
        let Some(value) = value else { return };
        match u64::try_from(value.as_nanos()) {
            Ok(billionths) => self.plain(name, billionths_to_text(billionths)),
            Err(_) => self.refuse(name, &format!("{value:?}")),
        }
    }
}
