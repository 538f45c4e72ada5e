//! The date ranges of a stream, which its playlist forgets as it forgets segments.

use std::collections::HashMap;

use hls_parse::{Context, DateRange, Playlist, Timeline};
use jiff::Timestamp;
use url::Url;

/// Every date range that was listed, by ID, in the order of first appearance.
#[derive(Debug, Default)]
pub(super) struct Ranges {
    all: Vec<Range>,
    by_id: HashMap<String, usize>,
    /// What the tags take together.
    pub(super) bytes: usize,
}

#[derive(Debug)]
struct Range {
    /// The tag that says all of it, with its line break.
    tag: String,
    is_pinned: bool,
}

impl Ranges {
    /// Takes in what a playlist lists, unless it was over at `start`.
    pub(super) fn take(&mut self, timeline: &Timeline, start: Option<Timestamp>) {
        for range in timeline.date_ranges() {
            let is_over = start
                .zip(range.end)
                .is_some_and(|(start, end)| end <= start && range.start < start);
            // What cannot be written cannot be read either.
            if !is_over && let Ok(tag) = range.write() {
                self.add(range, tag);
            }
        }
    }

    /// What was said later counts, and what was said before and is said no more does too.
    fn add(&mut self, range: &DateRange, tag: String) {
        let Some(known) = self.by_id.get(range.id.as_str()) else {
            self.by_id
                .insert(range.id.as_str().to_owned(), self.all.len());
            self.bytes = self.bytes.saturating_add(tag.len());
            self.all.push(Range {
                tag,
                is_pinned: false,
            });
            return;
        };
        if let Some(known) = self.all.get_mut(*known)
            && known.tag != tag
        {
            let tag = together(&tag, &known.tag).unwrap_or(tag);
            if known.tag != tag {
                self.bytes = self.bytes.saturating_sub(known.tag.len());
                self.bytes = self.bytes.saturating_add(tag.len());
                *known = Range {
                    tag,
                    is_pinned: false,
                };
            }
        }
    }

    /// Notes that all of them are pinned.
    pub(super) fn pinned(&mut self) {
        for range in &mut self.all {
            range.is_pinned = true;
        }
    }

    /// The tags of all of them.
    pub(super) fn tags(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|range| range.tag.as_str())
    }

    /// The tags of those that are new since they were pinned, or have changed.
    pub(super) fn unpinned(&self) -> impl Iterator<Item = &str> {
        let unpinned = self.all.iter().filter(|range| !range.is_pinned);
        unpinned.map(|range| range.tag.as_str())
    }
}

/// One tag of two: where they disagree the first one counts (section 4.4.5.1).
fn together(first: &str, second: &str) -> Option<String> {
    let text = format!("#EXTM3U\n{first}{second}");
    let Playlist::Media(playlist) = hls_parse::parse(text.as_bytes()).ok()?.playlist else {
        return None;
    };
    // Addresses are absolute already.
    let context = Context::new(Url::parse("https://localhost/").ok()?);
    let timeline = playlist.resolve(&context).ok()?;
    timeline.date_ranges().first()?.write().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timeline(tags: &[&str]) -> Timeline {
        let text = format!(
            "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n#EXTINF:4,\na.ts\n{}",
            tags.concat()
        );
        let Playlist::Media(playlist) = hls_parse::parse(text.as_bytes()).unwrap().playlist else {
            panic!("not a Media Playlist");
        };
        let url = "https://h.example/live.m3u8".parse().unwrap();
        playlist.resolve(&Context::new(url)).unwrap()
    }

    #[test]
    fn what_was_ever_said_of_a_range_is_kept_and_what_was_said_last_counts() {
        const OUT: &str = "#EXT-X-DATERANGE:ID=\"a\",START-DATE=\"2026-01-01T00:00:01Z\",PLANNED-DURATION=9,SCTE35-OUT=0xFC30\n";
        const IN: &str = "#EXT-X-DATERANGE:ID=\"a\",START-DATE=\"2026-01-01T00:00:01Z\",DURATION=8,PLANNED-DURATION=8,SCTE35-IN=0xFC31\n";
        const OVER: &str =
            "#EXT-X-DATERANGE:ID=\"b\",START-DATE=\"2025-12-31T23:00:00Z\",DURATION=60\n";
        let start = "2026-01-01T00:00:00Z".parse().ok();
        let mut ranges = Ranges::default();
        ranges.take(&timeline(&[OUT, OVER]), start);
        assert_eq!(ranges.tags().collect::<Vec<_>>(), [OUT]);
        ranges.pinned();
        ranges.take(&timeline(&[OUT]), start);
        assert_eq!(ranges.unpinned().count(), 0);
        for _ in 0..2 {
            ranges.take(&timeline(&[IN]), start);
            let tags: Vec<&str> = ranges.unpinned().collect();
            let [tag] = tags[..] else { panic!("{tags:?}") };
            for said in [
                "DURATION=8,PLANNED-DURATION=8",
                "SCTE35-OUT=0xFC30",
                "SCTE35-IN=0xFC31",
            ] {
                assert!(tag.contains(said), "{tag}");
            }
            assert_eq!((tag.lines().count(), tag.len()), (1, ranges.bytes));
        }
    }
}
