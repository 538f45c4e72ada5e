//! Laws of updates: a server that is simulated sends full playlists and delta updates of one stream.

use std::fmt::Write as _;
use std::ops::Range;

use hls_parse::{Change, Context, MediaPlaylist, Timeline};
use proptest::prelude::*;
use url::Url;

use crate::laws::playlist_like;
use crate::media;

const PART_SECONDS: u32 = 2;

#[derive(Debug, Clone)]
#[expect(clippy::struct_excessive_bools, reason = "tags that are there or not")]
pub(crate) struct Entry {
    milliseconds: u32,
    discontinuity: bool,
    gap: bool,
    /// The length, and whether the offset is left out where it may be.
    range: Option<(u32, bool)>,
    /// 0 ends encryption; 1 has no IV.
    key: Option<u8>,
    map: Option<u8>,
    dated: bool,
    bitrate: Option<u16>,
    cue: bool,
    date_range: bool,
}

prop_compose! {
    pub(crate) fn entry()(
        milliseconds in 0..9_000u32,
        (discontinuity, gap, cue) in (prop::bool::weighted(0.2), prop::bool::weighted(0.1), prop::bool::weighted(0.2)),
        range in prop::option::of((1..1000u32, any::<bool>())),
        key in prop::option::weighted(0.3, 0..4u8),
        map in prop::option::weighted(0.3, 0..3u8),
        dated in prop::bool::weighted(0.15),
        bitrate in prop::option::weighted(0.2, 1..2000u16),
        date_range in prop::bool::weighted(0.3),
    ) -> Entry {
        Entry { milliseconds, discontinuity, gap, range, key, map, dated, bitrate, cue, date_range }
    }
}

/// How far a stream has come between two loads, and how the playlist is loaded.
#[derive(Debug, Clone)]
struct Step {
    added: usize,
    removed: usize,
    skipped: usize,
    date_ranges: bool,
    parts: u32,
}

prop_compose! {
    fn step()(
        added in 0..5usize, removed in 0..4usize, skipped in 0..12usize, date_ranges in any::<bool>(), parts in 0..3u32,
    ) -> Step {
        Step { added, removed, skipped, date_ranges, parts }
    }
}

/// What is in force at a segment.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
struct Force {
    key: Option<u8>,
    /// The map and the key that was in force at it.
    map: Option<(u8, Option<u8>)>,
    bitrate: Option<u16>,
    range_end: Option<u32>,
    discontinuities: u64,
}

pub(crate) struct Server {
    name: &'static str,
    entries: Vec<Entry>,
    before: Vec<Force>,
    starts: Vec<u64>,
}

impl Server {
    pub(crate) fn new(name: &'static str, entries: Vec<Entry>) -> Self {
        let (mut before, mut starts) = (vec![Force::default()], vec![0]);
        for entry in &entries {
            let mut now = *before.last().unwrap();
            now.key = match entry.key {
                Some(0) => None,
                Some(key) => Some(key),
                None => now.key,
            };
            // A map needs an explicit IV on its key.
            if let Some(map) = entry.map.filter(|_| now.key != Some(1)) {
                now.map = Some((map, now.key));
            }
            now.bitrate = entry.bitrate.or(now.bitrate);
            now.range_end = entry
                .range
                .map(|(length, omitted)| now.range_end.filter(|_| omitted).unwrap_or(0) + length);
            now.discontinuities += u64::from(entry.discontinuity);
            before.push(now);
            starts.push(starts.last().unwrap() + u64::from(entry.milliseconds));
        }
        Self {
            name,
            entries,
            before,
            starts,
        }
    }

    fn date(&self, number: usize) -> jiff::Timestamp {
        jiff::Timestamp::from_millisecond(
            1_700_000_000_000 + i64::try_from(self.starts[number]).unwrap(),
        )
        .unwrap()
    }

    fn key(text: &mut String, key: Option<u8>) {
        match key {
            None => text.push_str("#EXT-X-KEY:METHOD=NONE\n"),
            Some(1) => text.push_str("#EXT-X-KEY:METHOD=AES-128,URI=\"k1\"\n"),
            Some(key) => writeln!(
                text,
                "#EXT-X-KEY:METHOD=AES-128,URI=\"k{key}\",IV=0x{key:032x}"
            )
            .unwrap(),
        }
    }

    fn parts(&self, text: &mut String, number: usize, count: u32) {
        for part in 0..count {
            writeln!(
                text,
                "#EXT-X-PART:DURATION={PART_SECONDS},URI=\"{}{number}.{part}\"",
                self.name
            )
            .unwrap();
        }
    }

    fn segment(&self, text: &mut String, number: usize, is_first: bool, parts: u32) {
        let entry = &self.entries[number];
        let (before, now) = (self.before[number], self.before[number + 1]);
        if entry.cue {
            writeln!(text, "#EXT-X-CUE-OUT:{number}").unwrap();
        }
        if entry.discontinuity {
            text.push_str("#EXT-X-DISCONTINUITY\n");
        }
        if is_first {
            if let Some((map, key)) = now.map {
                Self::key(text, key);
                writeln!(text, "#EXT-X-MAP:URI=\"m{map}\"").unwrap();
            }
            Self::key(text, now.key);
        } else {
            if entry.key.is_some() {
                Self::key(text, now.key);
            }
            if let Some(map) = entry.map.filter(|_| now.key != Some(1)) {
                writeln!(text, "#EXT-X-MAP:URI=\"m{map}\"").unwrap();
            }
        }
        if let Some(bitrate) = if is_first { now.bitrate } else { entry.bitrate } {
            writeln!(text, "#EXT-X-BITRATE:{bitrate}").unwrap();
        }
        if entry.dated {
            writeln!(text, "#EXT-X-PROGRAM-DATE-TIME:{}", self.date(number)).unwrap();
        }
        if entry.gap {
            text.push_str("#EXT-X-GAP\n");
        }
        self.parts(text, number, parts);
        writeln!(
            text,
            "#EXTINF:{}.{:03},title {number}",
            entry.milliseconds / 1000,
            entry.milliseconds % 1000
        )
        .unwrap();
        match (entry.range, now.range_end) {
            (Some((length, omitted)), Some(end)) => {
                if omitted && before.range_end.is_some() && !is_first {
                    writeln!(text, "#EXT-X-BYTERANGE:{length}").unwrap();
                } else {
                    writeln!(text, "#EXT-X-BYTERANGE:{length}@{}", end - length).unwrap();
                }
                writeln!(text, "{}all", self.name).unwrap();
            }
            _ => writeln!(text, "{}{number}?x", self.name).unwrap(),
        }
    }

    fn date_range(&self, text: &mut String, number: usize) {
        if self.entries[number].date_range {
            writeln!(text, "#EXT-X-DATERANGE:ID=\"d{number}\",CLASS=\"c\",START-DATE=\"{}\",END-ON-NEXT=YES,X-N=\"{number}\"", self.date(number)).unwrap();
        }
    }

    /// The playlist of a window; a delta update when segments are skipped. `removed` are the segments whose date ranges the client may still have.
    pub(crate) fn playlist(
        &self,
        window: &Range<usize>,
        skipped: usize,
        removed: Option<Range<usize>>,
        parts: u32,
    ) -> MediaPlaylist {
        let mut text = format!(
            "#EXTM3U\n#EXT-X-VERSION:10\n#EXT-X-TARGETDURATION:9\n#EXT-X-PART-INF:PART-TARGET={PART_SECONDS}\n#EXT-X-TOP:1\n#EXT-X-MEDIA-SEQUENCE:{}\n#EXT-X-DISCONTINUITY-SEQUENCE:{}\n",
            window.start, self.before[window.start].discontinuities,
        );
        let mut ranges = window.clone();
        if skipped > 0 {
            write!(text, "#EXT-X-SKIP:SKIPPED-SEGMENTS={skipped}").unwrap();
            if let Some(removed) = removed {
                ranges.start += skipped;
                let ids: Vec<String> = removed.map(|number| format!("d{number}")).collect();
                write!(text, ",RECENTLY-REMOVED-DATERANGES=\"{}\"", ids.join("\t")).unwrap();
            }
            text.push('\n');
        }
        for number in window.start + skipped..window.end {
            let is_first = number == window.start;
            self.segment(
                &mut text,
                number,
                is_first,
                if number + 2 >= window.end { parts } else { 0 },
            );
        }
        self.parts(&mut text, window.end, parts);
        for number in ranges {
            self.date_range(&mut text, number);
        }
        writeln!(
            text,
            "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"{}{}.{parts}\"",
            self.name, window.end
        )
        .unwrap();
        media(&text)
    }
}

pub(crate) fn context(token: usize) -> Context {
    Context::new(
        Url::parse(&format!(
            "https://example.com/film/live.m3u8?_HLS_msn={token}"
        ))
        .unwrap(),
    )
}

/// Everything a timeline says, without the indices by which it says it.
pub(crate) fn view(timeline: &Timeline) -> Vec<String> {
    let keys = |keys: &[usize]| {
        keys.iter()
            .map(|&key| format!("{:?}", timeline.keys()[key]))
            .collect::<Vec<_>>()
            .join("; ")
    };
    let map = |map: Option<usize>| {
        map.map(|map| &timeline.maps()[map])
            .map(|map| format!("{} {:?} {}", map.url, map.byte_range, keys(&map.keys)))
    };
    let mut lines = vec![format!(
        "{:?} {:?} {:?} {} {:?}",
        timeline.epoch(),
        timeline.media_sequence(),
        timeline.duration(),
        timeline.segments().len(),
        timeline.last_position()
    )];
    for (index, segment) in timeline.segments().iter().enumerate() {
        lines.push(format!(
            "{} {} {:?} {:?} {:?} {:?} {:?} {} {} {} {} {:?} {:?} {}",
            segment.media_sequence_number,
            segment.discontinuity_number,
            segment.start,
            segment.duration,
            segment.byte_range,
            segment.program_date_time,
            segment.bitrate,
            segment.discontinuity,
            segment.gap,
            segment.has_stated_date,
            timeline.segment_url(index),
            timeline.segment_title(index),
            map(segment.map),
            keys(timeline.segment_keys(index)),
        ));
    }
    for (index, part) in timeline.parts().iter().enumerate() {
        lines.push(format!(
            "{} {} {:?} {:?} {:?} {} {} {} {:?} {}",
            part.media_sequence_number,
            part.index,
            part.start,
            part.duration,
            part.byte_range,
            part.independent,
            part.gap,
            timeline.part_url(index),
            map(part.map),
            keys(timeline.part_keys(index))
        ));
    }
    let pending = timeline.pending();
    lines.push(format!(
        "{} {} {:?} {:?} {:?} {:?} {}",
        pending.media_sequence_number,
        pending.discontinuity_number,
        pending.start,
        pending.program_date_time,
        pending.bitrate,
        map(pending.map),
        keys(timeline.pending_keys())
    ));
    lines.push(format!(
        "{:?} {:?} {:?} {:?}",
        timeline.part_target(),
        timeline.server_control(),
        timeline.rendition_reports(),
        timeline.start()
    ));
    lines.extend(timeline.foreign_tags().map(|tag| format!("{tag:?}")));
    lines.extend(
        timeline
            .date_ranges()
            .iter()
            .map(|range| format!("{range:?}")),
    );
    lines.extend(
        timeline
            .preload_hints()
            .iter()
            .map(|hint| format!("{hint:?}")),
    );
    lines
}

/// Numbers and URLs, which tell segments of two streams apart.
fn names(timeline: &Timeline) -> Vec<String> {
    (0..timeline.segments().len())
        .map(|index| timeline.segment_url(index).to_string())
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn delta_updates_equal_full_playlists(entries in prop::collection::vec(entry(), 50), steps in prop::collection::vec(step(), 1..9)) {
        let server = Server::new("s", entries);
        let (mut window, mut parts) = (0..6, 1);
        let mut by_delta = server.playlist(&window, 0, None, 1).resolve(&context(0)).unwrap();
        let mut by_full = by_delta.clone();
        for (number, step) in steps.iter().enumerate() {
            let known = window.clone();
            window.end = (window.end + step.added).min(server.entries.len());
            // Parts only leave with the segment they belong to, or well after it.
            parts = if window.end == known.end { step.parts.max(parts) } else { step.parts };
            window.start += step.removed.min(window.len() - 3);
            let skipped = step.skipped.min(known.end.saturating_sub(window.start)).min(window.len() - 3);
            let removed = step.date_ranges.then(|| known.start..window.start.min(known.end));
            let full = server.playlist(&window, 0, None, parts);
            let delta = server.playlist(&window, skipped, removed, parts);
            let update = by_delta.update(&delta, &context(number)).unwrap();
            let other = by_full.update(&full, &context(number)).unwrap();
            prop_assert_eq!(view(&update.timeline), view(&other.timeline));
            prop_assert_eq!((update.change, &update.added, &update.added_parts), (other.change, &other.added, &other.added_parts));
            prop_assert_eq!((update.removed, update.missed), (other.removed, other.missed));
            prop_assert!(matches!(other.change, Change::Advanced | Change::Unchanged));
            // What an update says of a playlist is what the playlist says of itself, but for dates that were known before.
            let alone = full.resolve(&context(number)).unwrap();
            prop_assert_eq!(names(&alone), names(&other.timeline));
            let numbers = |timeline: &Timeline| timeline.segments().iter().map(|segment| (segment.discontinuity_number, segment.byte_range, segment.bitrate)).collect::<Vec<_>>();
            prop_assert_eq!(numbers(&alone), numbers(&other.timeline));
            let again = update.timeline.update(&delta, &context(number)).unwrap();
            prop_assert_eq!(again.change, Change::Unchanged);
            prop_assert_eq!(view(&again.timeline), view(&update.timeline));
            prop_assert!(again.added.is_empty() && again.added_parts.is_empty());
            prop_assert_eq!((again.removed, again.missed), (0, 0));
            by_delta = update.timeline;
            by_full = other.timeline;
        }
    }

    #[test]
    fn any_copy_after_any_other_leaves_what_holds_together(before in playlist_like(), after in playlist_like()) {
        let media = |bytes: &[u8]| hls_parse::parse(bytes).ok()?.playlist.as_media().cloned();
        let (Some(before), Some(after)) = (media(&before), media(&after)) else {
            return Ok(());
        };
        let Ok(timeline) = before.resolve(&context(0)) else {
            return Ok(());
        };
        let Ok(update) = timeline.update(&after, &context(1)) else {
            return Ok(());
        };
        // Everything can be looked up.
        let now = &update.timeline;
        view(now);
        for (index, segment) in (0..).zip(now.segments()) {
            prop_assert_eq!(segment.media_sequence_number, now.media_sequence().wrapping_add(index));
        }
        prop_assert_eq!(update.added.end, now.segments().len());
        prop_assert_eq!(update.added_parts.end, now.parts().len());
        let is_restart = update.change == Change::Restarted;
        prop_assert_eq!(now.epoch(), timeline.epoch() + u64::from(is_restart));
        prop_assert!(is_restart || now.pending().media_sequence_number >= timeline.pending().media_sequence_number);
        let again = now.update(&after, &context(1));
        let is_settled = again.is_ok_and(|again| matches!(again.change, Change::Unchanged | Change::Stale));
        prop_assert!(is_settled || update.change == Change::Stale);
    }

    #[test]
    fn older_copies_change_nothing(entries in prop::collection::vec(entry(), 30), end in 6..30usize, behind in 0..6usize, parts in (0..3u32, 0..3u32)) {
        let server = Server::new("s", entries);
        // They share segments: without dates, a copy that has none in common cannot be told from another stream.
        let window = |end: usize| end.saturating_sub(8)..end;
        let older = server.playlist(&window(end - behind), 0, None, parts.0);
        let newer_parts = if behind == 0 { parts.0 + 1 } else { parts.1 };
        let newer = server.playlist(&window(end), 0, None, newer_parts);
        let timeline = newer.resolve(&context(0)).unwrap();
        let update = timeline.update(&older, &context(0)).unwrap();
        prop_assert_eq!(update.change, Change::Stale);
        prop_assert_eq!(view(&update.timeline), view(&timeline));
        prop_assert!(update.added.is_empty() && update.added_parts.is_empty());
    }

    #[test]
    fn epochs_never_mix(entries in prop::collection::vec(entry(), 30), start in 1..15usize, length in 3..12usize, restarted in 3..12usize, skipped in 0..6usize) {
        let undated = |entries: &[Entry]| entries.iter().map(|entry| Entry { dated: false, range: None, ..entry.clone() }).collect();
        let (old, new) = (Server::new("old", undated(&entries)), Server::new("new", undated(&entries)));
        let timeline = old.playlist(&(start..start + length), 0, None, 1).resolve(&context(0)).unwrap();
        let window = 0..restarted;
        let update = timeline.update(&new.playlist(&window, 0, None, 1), &context(0)).unwrap();
        prop_assert_eq!(update.change, Change::Restarted);
        prop_assert_eq!((update.timeline.epoch(), update.added), (1, 0..restarted));
        prop_assert!(names(&update.timeline).iter().all(|name| name.contains("/new")));
        // A delta update of the new stream cannot be applied to the old one.
        if skipped > 0 && skipped < restarted {
            let delta = new.playlist(&window, skipped, None, 1);
            prop_assert_eq!(timeline.update(&delta, &context(0)).unwrap_err().kind(), hls_parse::ErrorKind::NeedFullReload);
        }
    }
}
