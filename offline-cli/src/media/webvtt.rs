//! WebVTT in segments: read, joined into one file, and written as `SubRip` too.

use std::fmt::Write as _;

use super::cue_text::pieces;

/// A cue. Times are milliseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cue {
    pub(crate) start: i64,
    pub(crate) end: i64,
    identifier: String,
    settings: String,
    pub(crate) text: String,
}

/// One segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Segment {
    /// Ticks of 90 kHz at cue time 0 (`X-TIMESTAMP-MAP`); 0 without a map.
    pub(crate) origin: i64,
    pub(crate) cues: Vec<Cue>,
    /// Blocks that style cues.
    pub(crate) styles: Vec<String>,
}

impl Cue {
    /// A cue that comes from elsewhere than a file: what would end or begin one there is taken out.
    pub(crate) fn new(start: i64, end: i64, identifier: &str, settings: &str, text: &str) -> Self {
        let lines = |text: &str| {
            let text = text
                .replace("\r\n", "\n")
                .replace(['\r', '\0'], "\n")
                .replace("-->", "--&gt;");
            let lines = text.lines().filter(|line| !line.is_empty());
            lines.collect::<Vec<_>>().join("\n")
        };
        let line = |text: &str| lines(text).lines().next().unwrap_or_default().to_owned();
        // A block that begins so is none of a cue.
        let is_other = |line: &str| {
            let mut words = ["STYLE", "REGION", "NOTE", "WEBVTT"].iter();
            words.any(|word| line.starts_with(word))
        };
        Self {
            start,
            end,
            identifier: Some(line(identifier))
                .filter(|line| !is_other(line))
                .unwrap_or_default(),
            settings: line(settings),
            text: lines(text),
        }
    }
}

/// How many cues back the same one is looked for: segments repeat what they share.
const LOOK_BACK: usize = 64;

impl Segment {
    /// Reads a segment; what cannot be read is skipped.
    pub(crate) fn read(bytes: &[u8]) -> Self {
        let text = String::from_utf8_lossy(bytes)
            .replace("\r\n", "\n")
            .replace('\r', "\n");
        let mut segment = Self::default();
        for block in text.split("\n\n") {
            let block = block.trim_matches('\n');
            if let Some(map) = block
                .lines()
                .find_map(|line| line.strip_prefix("X-TIMESTAMP-MAP="))
            {
                segment.origin = origin(map).unwrap_or(0);
            }
            if block.starts_with("STYLE") || block.starts_with("REGION") {
                segment.styles.push(block.to_owned());
            } else if let Some(cue) = cue(block) {
                segment.cues.push(cue);
            }
        }
        segment
    }
}

/// Ticks at cue time 0.
fn origin(map: &str) -> Option<i64> {
    let value = |name: &str| {
        map.split(',')
            .find_map(|part| part.trim().strip_prefix(name))
    };
    let ticks: i64 = value("MPEGTS:")?.trim().parse().ok()?;
    let local = time(value("LOCAL:")?.trim())?;
    ticks.checked_sub(local.checked_mul(90)?)
}

fn cue(block: &str) -> Option<Cue> {
    let (before, rest) = block.split_once("-->")?;
    let (identifier, start) = before.rsplit_once('\n').unwrap_or(("", before));
    let (timings, text) = rest.split_once('\n').unwrap_or((rest, ""));
    let timings = timings.trim();
    let (end, settings) = timings.split_once([' ', '\t']).unwrap_or((timings, ""));
    Some(Cue {
        start: time(start.trim())?,
        end: time(end)?,
        identifier: identifier.lines().last().unwrap_or_default().to_owned(),
        settings: settings.trim().to_owned(),
        text: text.to_owned(),
    })
}

/// `hh:mm:ss.mmm` or `mm:ss.mmm` in milliseconds.
fn time(text: &str) -> Option<i64> {
    let (seconds, fraction) = text.rsplit_once('.')?;
    let mut total = 0_i64;
    for part in seconds.split(':') {
        let part: u32 = part.parse().ok()?;
        total = total.checked_mul(60)?.checked_add(part.into())?;
    }
    let fraction: i64 = fraction.get(..3)?.parse().ok()?;
    total.checked_mul(1000)?.checked_add(fraction)
}

/// Cues of all segments in movie time, those that segments repeat once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subtitles {
    cues: Vec<Cue>,
    styles: Vec<String>,
}

impl Subtitles {
    /// Adds a segment whose cues are `shift` milliseconds later in the movie. What ends before it begins is left out.
    pub(crate) fn add(&mut self, segment: Segment, shift: i64) {
        for style in segment.styles {
            if !self.styles.contains(&style) {
                self.styles.push(style);
            }
        }
        for mut cue in segment.cues {
            cue.start = cue.start.saturating_add(shift).max(0);
            cue.end = cue.end.saturating_add(shift);
            if cue.end <= cue.start {
                continue;
            }
            cue.text = moved(&cue.text, shift);
            let recent = self.cues.iter_mut().rev().take(LOOK_BACK);
            let same = recent.into_iter().find(|known| {
                known.text == cue.text
                    && known.settings == cue.settings
                    && cue.start <= known.end
                    && known.start <= cue.end
            });
            match same {
                Some(known) => {
                    known.start = known.start.min(cue.start);
                    known.end = known.end.max(cue.end);
                }
                None => self.cues.push(cue),
            }
        }
    }

    /// One WebVTT file.
    pub(crate) fn to_webvtt(&self) -> String {
        let mut text = String::from("WEBVTT\n");
        for style in &self.styles {
            text.extend(["\n", style, "\n"]);
        }
        for cue in self.in_order() {
            text.push('\n');
            if !cue.identifier.is_empty() {
                text.extend([&cue.identifier, "\n"]);
            }
            write_time(&mut text, cue.start, '.');
            text.push_str(" --> ");
            write_time(&mut text, cue.end, '.');
            if !cue.settings.is_empty() {
                text.extend([" ", &cue.settings]);
            }
            text.extend(["\n", &cue.text, "\n"]);
        }
        text
    }

    /// The same as `SubRip`, which knows bold, italic and underlined text and nothing else.
    pub(crate) fn to_subrip(&self) -> String {
        let mut text = String::new();
        for (number, cue) in self.in_order().into_iter().enumerate() {
            let _ = writeln!(text, "{}", number + 1);
            write_time(&mut text, cue.start, ',');
            text.push_str(" --> ");
            write_time(&mut text, cue.end, ',');
            text.push('\n');
            let mut marked = String::new();
            for piece in pieces(&cue.text) {
                marked.push_str(&piece.marked());
            }
            // An empty line would end the cue.
            for line in marked.lines().filter(|line| !line.trim().is_empty()) {
                text.extend([line, "\n"]);
            }
            text.push('\n');
        }
        text
    }

    /// All cues, those that begin earlier first.
    pub(crate) fn in_order(&self) -> Vec<&Cue> {
        let mut cues: Vec<&Cue> = self.cues.iter().collect();
        cues.sort_by_key(|cue| cue.start);
        cues
    }
}

fn write_time(text: &mut String, milliseconds: i64, point: char) {
    let (seconds, fraction) = (milliseconds / 1000, milliseconds % 1000);
    let (minutes, hours) = (seconds / 60 % 60, seconds / 3600);
    let _ = write!(
        text,
        "{hours:02}:{minutes:02}:{:02}{point}{fraction:03}",
        seconds % 60
    );
}

/// Text with the times inside it moved, as those of the cue are.
fn moved(text: &str, shift: i64) -> String {
    let mut moved = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('<') {
        moved.extend([before, "<"]);
        rest = after;
        if let Some((tag, after)) = after.split_once('>')
            && let Some(inside) = time(tag)
        {
            write_time(&mut moved, inside.saturating_add(shift).max(0), '.');
            moved.push('>');
            rest = after;
        }
    }
    moved.push_str(rest);
    moved
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_segments_repeat_is_there_once() {
        let mut subtitles = Subtitles::default();
        let first = b"WEBVTT\r\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:01.000\r\n\r\nSTYLE\r\n::cue(b) { color: red }\r\n\r\none\r\n00:02.500 --> 00:06.000 line:0\r\n<v Ann>Hello &amp; <i>good\r\nbye</i></v>\r\n";
        let second = b"WEBVTT\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:01.000\n\n00:06.000 --> 00:07.000 line:0\n<v Ann>Hello &amp; <i>good\nbye</i></v>\n\n01:00:00.000 --> 01:00:01.000\nLater\n";
        for bytes in [&first[..], &second[..]] {
            let segment = Segment::read(bytes);
            assert_eq!(segment.origin, 810_000);
            subtitles.add(segment, -500);
        }
        assert_eq!(
            subtitles.to_webvtt(),
            "WEBVTT\n\nSTYLE\n::cue(b) { color: red }\n\none\n00:00:02.000 --> 00:00:06.500 line:0\n<v Ann>Hello &amp; <i>good\nbye</i></v>\n\n00:59:59.500 --> 01:00:00.500\nLater\n"
        );
        assert_eq!(
            subtitles.to_subrip(),
            "1\n00:00:02,000 --> 00:00:06,500\nHello & <i>good\nbye</i>\n\n2\n00:59:59,500 --> 01:00:00,500\nLater\n\n"
        );
    }

    proptest! {
        #[test]
        fn any_text_is_taken(text in "([0-9:.]{0,9}( --> )?|X-TIMESTAMP-MAP=LOCAL:|,MPEGTS:|[<>&\n]|.){0,12}", shift: i64) {
            let mut subtitles = Subtitles::default();
            subtitles.add(Segment::read(text.as_bytes()), shift);
            subtitles.to_webvtt();
            subtitles.to_subrip();
        }
    }
}
