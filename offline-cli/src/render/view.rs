//! What is shown of one download or recording: how far each track is and all of them are, how fast, and how long it still takes.

use std::time::{Duration, Instant};

use console::measure_text_width;

use super::lines;
use super::speed::Speed;
use super::text::{clock, printable, shortened, size};
use crate::session::TrackProgress;

/// So many tracks have a line each.
const MOST_TRACKS: usize = 8;

#[derive(Debug)]
struct Track {
    name: String,
    /// Media time that is there.
    seconds: f64,
    segments_stored: u64,
    segments: u64,
    speed: Speed,
}

/// What is known of one download or recording.
#[derive(Debug)]
pub(super) struct View {
    /// Of which asset, where several are shown.
    asset: Option<String>,
    tracks: Vec<Track>,
    started: Instant,
    speed: Speed,
    media_time: f64,
    /// The length of all; `None` where there is no end.
    duration: Option<f64>,
    start_share: Option<f64>,
    pub(super) retries: u64,
    gaps: usize,
    is_recording: bool,
}

impl View {
    pub(super) fn new(asset: Option<String>, now: Instant) -> Self {
        Self {
            asset,
            tracks: Vec::new(),
            started: now,
            speed: Speed::new(now),
            media_time: 0.0,
            duration: None,
            start_share: None,
            retries: 0,
            gaps: 0,
            is_recording: false,
        }
    }

    /// What is downloaded.
    pub(super) fn resolved(&mut self, tracks: &[String], now: Instant) {
        let tracks = tracks.iter().map(|name| Track {
            name: printable(name),
            seconds: 0.0,
            segments_stored: 0,
            segments: 0,
            speed: Speed::new(now),
        });
        self.tracks = tracks.collect();
    }

    /// So many seconds of a track are there.
    pub(super) fn loaded(&mut self, track: &str, seconds: f64) {
        let mut tracks = self.tracks.iter_mut();
        if let Some(track) = tracks.find(|known| known.name == track) {
            track.seconds = seconds;
        }
    }

    pub(super) fn advance(
        &mut self,
        now: Instant,
        bytes: u64,
        media_time: f64,
        duration: f64,
        tracks: &[TrackProgress],
    ) {
        self.speed.note(now, bytes);
        self.media_time = media_time;
        self.duration = Some(duration);
        let share = self.share();
        self.start_share.get_or_insert(share);
        for told in tracks {
            let mut known = self.tracks.iter_mut();
            if let Some(track) = known.find(|track| track.name == told.track) {
                track.speed.note(now, told.bytes);
                track.segments_stored = told.segments_stored;
                track.segments = told.segments;
            }
        }
    }

    pub(super) fn record(
        &mut self,
        now: Instant,
        bytes: u64,
        media_time: f64,
        duration: Option<f64>,
        gaps: usize,
    ) {
        self.speed.note(now, bytes);
        self.is_recording = true;
        self.gaps = gaps;
        self.media_time = duration.map_or(media_time, |duration| media_time.min(duration));
        self.duration = duration;
        if self.duration.is_some() {
            let share = self.share();
            self.start_share.get_or_insert(share);
        }
    }

    /// What a log file gets of it.
    pub(super) fn logged(&self, now: Instant) -> String {
        let of = self.asset.as_ref();
        let of = of.map_or_else(String::new, |asset| format!("{asset} "));
        let parts = self.parts(now);
        let parts: Vec<&str> = parts.iter().map(|part| part.trim()).collect();
        let parts = parts.join("  ");
        match self.duration {
            Some(_) => format!("{of}{:3.0} % {parts}", (self.share() * 100.0).floor()),
            None => format!("{of}{parts}"),
        }
    }

    /// One line for each track and one for all; of many tracks those that are not whole yet. Among other downloads there is only the latter.
    pub(super) fn lines(&mut self, now: Instant, room: usize) -> Vec<String> {
        // Time goes on, whether anything comes or not.
        self.speed.note(now, self.speed.bytes);
        for track in &mut self.tracks {
            track.speed.note(now, track.speed.bytes);
        }
        let parts = self.parts(now);
        let Some(duration) = self.duration else {
            let parts: Vec<&str> = parts.iter().map(|part| part.trim()).collect();
            return vec![parts.join("  ")];
        };
        if let Some(asset) = &self.asset {
            let name = shortened(asset, room / 3);
            return vec![lines::share(
                &format!("{name} "),
                self.share(),
                &parts,
                room,
            )];
        }
        let is_open = |track: &&Track| share(track.seconds, duration) < 0.9995;
        let few = self.tracks.len() <= MOST_TRACKS || self.is_recording;
        let shown = self.tracks.iter().filter(|track| few || is_open(track));
        let shown: Vec<&Track> = shown.take(MOST_TRACKS).collect();
        let widths = shown.iter().map(|track| measure_text_width(&track.name));
        let width = widths.max().unwrap_or_default().clamp(5, room / 3 + 5);
        let name = |name: &str| {
            let name = shortened(name, width);
            let padding = " ".repeat(width.saturating_sub(measure_text_width(&name)) + 1);
            format!("{name}{padding}")
        };
        let tracks = shown.iter().map(|track| {
            let is_whole = share(track.seconds, duration) >= 1.0;
            lines::share(
                &name(&track.name),
                share(track.seconds, duration),
                &track.parts(now, duration, is_whole),
                room,
            )
        });
        let total = lines::share(&name("total"), self.share(), &parts, room);
        tracks.chain([total]).collect()
    }

    fn share(&self) -> f64 {
        self.duration
            .map_or(0.0, |duration| share(self.media_time, duration))
    }

    /// ` 12.3 MB of ~45 MB`, `  4.2 MB/s`, `0:20 left`, `2 retries`, `1:05/10:00`, as far as there is something to say.
    fn parts(&self, now: Instant) -> Vec<String> {
        let share = self.share();
        let begun = share - self.start_share.unwrap_or(share);
        let is_under_way = share < 1.0 && self.duration.is_some();
        let mut parts = vec![format!("{:>8}", size(self.speed.bytes))];
        if is_under_way && begun > 0.0 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                clippy::cast_precision_loss,
                reason = "an estimate"
            )]
            let all = (self.speed.bytes as f64 * (begun + 1.0 - share) / begun) as u64;
            if let Some(bytes) = parts.first_mut() {
                bytes.push_str(&format!("/~{:<8}", size(all)));
            }
        }
        if self.duration.is_none() {
            parts.push(format!("{} recorded", time(self.media_time)));
        }
        if let Some(rate) = self.speed.rate(now) {
            parts.push(format!("{:>10}", format!("{}/s", size(rate))));
        }
        let is_open = is_under_way || self.duration.is_none();
        match self.speed.stalled(now).filter(|_| is_open) {
            Some(nothing) => parts.push(format!("nothing for {}", clock(nothing))),
            None if is_under_way && begun > 0.0 => {
                let elapsed = now.duration_since(self.started).as_secs_f64();
                parts.push(format!("{} left", time(elapsed * (1.0 - share) / begun)));
            }
            None => {}
        }
        match self.retries {
            0 => {}
            1 => parts.push("1 retry".to_owned()),
            retries => parts.push(format!("{retries} retries")),
        }
        if self.gaps > 0 {
            parts.push(format!("{} gaps", self.gaps));
        }
        if let Some(duration) = self.duration {
            parts.push(times(self.media_time, duration));
        }
        parts
    }
}

impl Track {
    /// `1:05/10:00`, ` 16/150`, ` 12.3 MB`, `  4.2 MB/s`, as far as there is something to say.
    fn parts(&self, now: Instant, duration: f64, is_whole: bool) -> Vec<String> {
        let mut parts = vec![times(self.seconds, duration)];
        if self.segments > 0 {
            let all = self.segments.to_string();
            parts.push(format!("{:>1$}/{all}", self.segments_stored, all.len()));
            parts.push(format!("{:>8}", size(self.speed.bytes)));
            let rate = self.speed.rate(now).filter(|_| !is_whole);
            parts.extend(rate.map(|rate| format!("{:>10}", format!("{}/s", size(rate)))));
        }
        parts
    }
}

fn share(seconds: f64, duration: f64) -> f64 {
    if duration > 0.0 {
        (seconds / duration).clamp(0.0, 1.0)
    } else {
        0.0
    }
}

fn time(seconds: f64) -> String {
    clock(Duration::try_from_secs_f64(seconds).unwrap_or_default())
}

/// `1:05/10:00`
fn times(seconds: f64, duration: f64) -> String {
    let duration = time(duration);
    format!("{:>1$}/{duration}", time(seconds), duration.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(track: &str, bytes: u64, segments_stored: u64) -> TrackProgress {
        crate::session::TrackProgress {
            track: track.to_owned(),
            bytes,
            segments_stored,
            segments: 150,
        }
    }

    /// A download of ten minutes, a minute of which came in ten seconds.
    fn view(began: Instant) -> View {
        let mut view = View::new(None, began);
        view.resolved(&["variant-0".to_owned(), "audio-日本語".to_owned()], began);
        view.advance(began, 0, 0.0, 600.0, &[]);
        for second in 1..=10_u32 {
            let bytes = u64::from(second) * 1_000_000;
            for track in ["variant-0", "audio-日本語"] {
                view.loaded(track, f64::from(second) * 6.0);
            }
            view.advance(
                began + Duration::from_secs(second.into()),
                bytes,
                f64::from(second) * 6.0,
                600.0,
                &[
                    told("variant-0", bytes / 10 * 9, second.into()),
                    told("audio-日本語", bytes / 10, second.into()),
                ],
            );
        }
        view
    }

    #[test]
    fn each_track_and_all_say_how_far_and_how_fast() {
        let began = Instant::now();
        let mut view = view(began);
        view.retries = 2;
        let lines = view.lines(began + Duration::from_secs(10), 75);
        assert_eq!(
            lines,
            [
                "variant-0     10 % ━────   1:00/10:00   10/150    9.0 MB  900.0 kB/s",
                "audio-日本語  10 % ━────   1:00/10:00   10/150    1.0 MB  100.0 kB/s",
                "total         10 % ━────   10.0 MB/~100.0 MB    1.0 MB/s  1:30 left",
            ]
        );
        let wide = view.lines(began + Duration::from_secs(10), 100).remove(2);
        assert!(wide.contains("  1:30 left  2 retries"), "{wide}");
        for room in 1..120 {
            let lines = view.lines(began + Duration::from_secs(10), room);
            for line in lines {
                assert!(measure_text_width(&line) <= room, "{room}: {line}");
            }
        }
    }

    #[test]
    fn time_goes_on_when_nothing_comes() {
        let began = Instant::now();
        let mut view = view(began);
        // Drawn now and then as lines are, with no event between.
        let mut last = Vec::new();
        for half in 20..=44_u64 {
            last = view.lines(began + Duration::from_millis(half * 500), 75);
        }
        assert!(last[0].contains("  0 B/s"), "{last:?}");
        assert!(last[2].contains("  0 B/s  nothing for 0:12"), "{last:?}");
        assert!(!last[2].contains("left"), "{last:?}");
        // And what comes then is fast at once, not as fast as on average.
        let now = began + Duration::from_secs(23);
        view.advance(now, 30_000_000, 66.0, 600.0, &[]);
        let lines = view.lines(now, 75);
        assert!(lines[2].contains("4.0 MB/s"), "{lines:?}");
    }

    #[test]
    fn a_recording_has_no_end() {
        let began = Instant::now();
        let mut view = View::new(None, began);
        let now = began + Duration::from_secs(2);
        view.record(now, 3_000_000, 12.0, None, 1);
        assert_eq!(
            view.lines(now, 75),
            ["3.0 MB  0:12 recorded  1.5 MB/s  1 gaps"]
        );
        view.record(now, 3_000_000, 12.0, Some(60.0), 0);
        assert!(view.logged(now).starts_with(" 20 % 3.0 MB"));
    }
}
