//! A day of a live stream in a moment: what it takes, and that nothing of it is lost without a word.

use std::fmt::Write as _;
use std::time::Duration;

use hls_parse::{Context, MediaPlaylist, Playlist};
use url::Url;

use super::source::LiveSource;
use super::track::{MOST_ON_THEIR_WAY, Taken, Track};

const DAY: u64 = 43_200;
const WINDOW: u64 = 10;
const SEGMENT: Duration = Duration::from_secs(2);

fn url() -> Url {
    Url::parse("https://live.example/channel/720p/index.m3u8").unwrap()
}

/// What the origin lists when it has made so many segments.
fn playlist(made: u64) -> MediaPlaylist {
    let first = made.saturating_sub(WINDOW);
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n"
    );
    for number in first..made {
        // The clock is set back once.
        let tick = number % (DAY - 5000);
        let (hour, minute, second) = (tick / 1800, tick / 30 % 60, tick * 2 % 60);
        let key = number / 300;
        writeln!(text, "#EXT-X-KEY:METHOD=AES-128,URI=\"https://keys.example/{key}\"\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T{hour:02}:{minute:02}:{second:02}Z\n#EXTINF:2,\nhttps://live.example/channel/720p/2026/01/01/segment-of-the-channel-{number:010}.ts?session=0123456789abcdef").unwrap();
    }
    match hls_parse::parse(text.as_bytes()).unwrap().playlist {
        Playlist::Media(playlist) => playlist,
        Playlist::Multivariant(_) => panic!("not a Media Playlist"),
    }
}

/// Bytes of memory of this process.
fn resident() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split(' ').nth(1)?.parse().ok()?;
    Some(pages * 4096)
}

/// Set in the process that runs one test alone.
const ALONE: &str = "OFFLINE_TEST_ALONE";

/// Runs a test in a process of its own, where the memory measured is its own and not also its neighbours', which
/// `cargo test` runs in threads of one process. True in that process.
fn is_alone(name: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let (_, module) = module_path!().split_once("::").unwrap();
    let ran = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("{module}::{name}"), "--nocapture"])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&ran.stdout) + String::from_utf8_lossy(&ran.stderr);
    assert!(ran.status.success(), "{said}");
    assert!(said.contains("1 passed"), "{said}");
    false
}

#[test]
fn a_day_with_outages_fits_in_little_memory_and_is_accounted_for() {
    if !is_alone("a_day_with_outages_fits_in_little_memory_and_is_accounted_for") {
        return;
    }
    let before = resident();
    let context = Context::new(url());
    let timeline = playlist(WINDOW).resolve(&context).unwrap();
    let mut source = LiveSource::new(timeline, Duration::ZERO);
    let mut track = Track::new("media".to_owned(), false, url());
    let (mut now, mut chance, mut unseen) = (Duration::ZERO, 7_u64, 0_u64);
    let mut seen = 0;
    loop {
        let epoch = source.epoch();
        let taken = track.take(&source.timeline, epoch, source.first);
        for wanted in taken.wanted {
            // One in some hundred is gone.
            chance = chance
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            let is_key = wanted.resource.role == "key";
            track.settle(wanted.target, is_key || chance >> 56 != 0);
            while let Some(number) = track.unopened.pop() {
                track.opened(number, &[]);
            }
        }
        let made = now.as_secs() / 2 + WINDOW;
        unseen += made.saturating_sub(WINDOW).saturating_sub(seen);
        seen = made;
        if made >= DAY {
            break;
        }
        // Not every time, for the sake of the test's own.
        now = source.due().max(now + 3 * SEGMENT);
        if chance >> 54 == 1 {
            // An outage of up to ten minutes.
            now += Duration::from_secs(chance % 600);
        }
        let made = now.as_secs() / 2 + WINDOW;
        source
            .received(&playlist(made), &context, false, now, now)
            .unwrap();
        assert_eq!(source.epoch(), 0);
    }
    let whole = track.whole.as_ref().unwrap();
    assert!(unseen > 0 && !track.is_waiting());
    let gaps = u64::try_from(track.gaps.len()).unwrap();
    assert_eq!(track.stored + gaps, whole.len);
    let last = source.timeline.segments().last().unwrap();
    assert_eq!(whole.len, last.media_sequence_number + 1);
    // What it takes to write it down counts too.
    let text = whole.playlist(&url(), track.ranges.tags()).unwrap().bytes;
    assert!(text.len() < 8 << 20, "{} bytes", text.len());
    if let (Some(before), Some(after)) = (before, resident()) {
        let grown = after.saturating_sub(before);
        assert!(grown < 64 << 20, "{grown} bytes");
    }
}

/// A playlist of segments under one name that were never listed before.
fn strange(name: &str, count: u64) -> MediaPlaylist {
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n".to_owned();
    for number in 0..count {
        writeln!(text, "#EXTINF:1,\n/{name}-{number}.ts").unwrap();
    }
    match hls_parse::parse(text.as_bytes()).unwrap().playlist {
        Playlist::Media(playlist) => playlist,
        Playlist::Multivariant(_) => panic!("not a Media Playlist"),
    }
}

#[test]
fn a_server_that_begins_again_and_again_fills_no_memory() {
    const EACH: u64 = 3000;
    let context = Context::new(url());
    let timeline = strange("0", EACH).resolve(&context).unwrap();
    let mut source = LiveSource::new(timeline, Duration::ZERO);
    let mut track = Track::new("media".to_owned(), false, url());
    let (mut listed, mut asked) = (EACH, Vec::new());
    let mut now = Duration::ZERO;
    for round in 1..50 {
        let taken = track.take(&source.timeline, source.epoch(), source.first);
        asked.extend(taken.wanted);
        assert!(track.rows.len() <= MOST_ON_THEIR_WAY);
        // A few of them come.
        let settled = asked.len().min(7);
        for wanted in asked.drain(..settled) {
            track.settle(wanted.target, true);
        }
        let before = (source.timeline.clone(), source.epoch(), source.first);
        now += SEGMENT;
        let next = strange(&round.to_string(), EACH);
        source.received(&next, &context, false, now, now).unwrap();
        assert_eq!(source.epoch(), round);
        track.end_epoch(&before.0, before.1, before.2, &mut Taken::default());
        listed += EACH;
    }
    // The last one is listed still.
    while !asked.is_empty() || track.has_more {
        for wanted in asked.drain(..) {
            track.settle(wanted.target, true);
        }
        let taken = track.take(&source.timeline, source.epoch(), source.first);
        asked.extend(taken.wanted);
    }
    track.finish();
    let dropped = track.gaps.iter().map(|gap| {
        let count = gap.path.split(' ').next().unwrap();
        count.parse::<u64>().unwrap()
    });
    assert_eq!(track.stored + dropped.sum::<u64>(), listed);
}

#[test]
fn a_recording_ends_before_it_is_too_long_to_be_read() {
    let context = Context::new(url());
    let timeline = strange("0", 900).resolve(&context).unwrap();
    let mut track = Track::new("media".to_owned(), false, url());
    track.longest = 20_000;
    for wanted in track.take(&timeline, 0, 0).wanted {
        track.settle(wanted.target, true);
    }
    // What was on its way when it was long enough is in it still.
    assert!(!track.is_full && track.is_too_long());
    assert!(track.take(&timeline, 0, 0).wanted.is_empty());
    assert!(track.is_full);
}
