//! A day of a live stream in a moment: what it takes, and that nothing of it is lost without a word.

use std::fmt::Write as _;
use std::time::Duration;

use hls_parse::{Context, MediaPlaylist, Playlist};
use url::Url;

use super::source::LiveSource;
use super::track::Track;

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

#[test]
fn a_day_with_outages_fits_in_little_memory_and_is_accounted_for() {
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
    let text = whole.playlist(&url()).unwrap().bytes;
    assert!(text.len() < 8 << 20, "{} bytes", text.len());
    if let (Some(before), Some(after)) = (before, resident()) {
        let grown = after.saturating_sub(before);
        assert!(grown < 64 << 20, "{grown} bytes");
    }
}
