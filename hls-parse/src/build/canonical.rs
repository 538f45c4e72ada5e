//! Writing a resolved Media Playlist anew.

use std::time::Duration;

use url::Url;

use super::date_range::write_list;
use super::header::Header;
use super::multivariant::key_attributes;
use super::{Text, with_version};
use crate::error::{Error, ErrorKind};
use crate::local::number::{DateWriter, push_fraction, push_integer};
use crate::low_latency::{HintKind, Part};
use crate::timeline::{Key, KeyMethod, Segment, Timeline};
use crate::value::{ByteRange, Span};

impl Timeline {
    /// Writes the playlist anew in canonical order, to stand where it came from ([`Timeline::url`]): with the version it needs, variables replaced, tags of
    /// the specification in a fixed order, date ranges before the first segment with all tags of an ID in one, foreign tags before the segment they were before.
    ///
    /// What was written resolves to an equal timeline, and is written as the same text again. These are the differences: the target duration is raised where
    /// segments exceed it, a date counted on from a segment that has left is stated, and what was ignored is gone, comments included.
    ///
    /// Nothing is judged: a playlist that broke rules breaks them still. For edits that leave every other byte alone there is [`Document`](crate::Document).
    ///
    /// # Errors
    /// [`ErrorKind::InvalidValue`] when something cannot be written so that it is read again as it is: a value of a variable that breaks out of its line or its quotes,
    /// or a partial segment after one that could not be read, since it would become another one of its parent.
    ///
    /// ```
    /// use hls_parse::Context;
    ///
    /// let text = "#EXTM3U\n#EXT-X-DEFINE:NAME=\"n\",VALUE=\"7\"\n#EXT-X-VERSION:8\n#EXTINF:4.5\n#EXT-X-GAP\n#EXT-X-BYTERANGE:9@0\n#EXT-X-DISCONTINUITY\n{$n}.ts\n";
    /// let parsed = hls_parse::parse(text.as_bytes())?;
    /// let playlist = parsed.playlist.as_media().ok_or("no Media Playlist")?;
    /// let timeline = playlist.resolve(&Context::new("https://example.com/a.m3u8".parse()?))?;
    /// assert_eq!(
    ///     timeline.write()?,
    ///     "#EXTM3U\n#EXT-X-VERSION:8\n#EXT-X-TARGETDURATION:5\n#EXT-X-DISCONTINUITY\n#EXT-X-GAP\n#EXTINF:4.5,\n#EXT-X-BYTERANGE:9@0\n7.ts\n",
    /// );
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write(&self) -> Result<String, Error> {
        let mut writer = Writer::new(self);
        for (index, segment) in self.segments().iter().enumerate() {
            writer.segment(index, &segment);
        }
        writer.tail();
        let header = Header {
            target_seconds: self.target_duration.as_secs(),
            server_control: self.server_control().clone(),
            part_target: self.part_target(),
            media_sequence: self.media_sequence,
            discontinuity_sequence: self.discontinuity_sequence,
            playlist_type: self.playlist_type,
            independent_segments: self.independent_segments,
            i_frames_only: self.i_frames_only,
            start: self.start,
        };
        let version = writer.version;
        let mut text = Text::default();
        text.line(format_args!("#EXTM3U"));
        header.write(&mut text, header.target(writer.longest, version));
        for range in self.date_ranges() {
            for (name, value) in range.attributes.iter() {
                if value.text().contains("{$") {
                    text.refuse(name, value.text());
                }
            }
            write_list(&mut text, range.attributes.iter());
        }
        if let Some(refused) = writer.text.refused.or(text.refused) {
            return Err(Error::new(ErrorKind::InvalidValue, refused));
        }
        let mut out = with_version(&text.out, version);
        out.reserve_exact(writer.text.out.len());
        out.push_str(&writer.text.out);
        Ok(out)
    }
}

/// The lines of the segments and what comes after them.
struct Writer<'t> {
    timeline: &'t Timeline,
    text: Text,
    version: u64,
    longest: Duration,
    /// The keys in force for a reader of what is written so far, in the order it has them.
    keys: Vec<usize>,
    /// Their number in the timeline, when it is known.
    key_set: Option<u32>,
    map: Option<usize>,
    /// How many of the parts, foreign tags and bitrates are written.
    parts: usize,
    foreign_tags: usize,
    bitrates: usize,
    /// The end of the last byte range, and its URI.
    range_end: Option<(u64, Span)>,
    dates: DateWriter,
    /// Whether the first date is stated though the timeline has it from a segment that has left.
    states_first_date: bool,
}

impl<'t> Writer<'t> {
    fn new(timeline: &'t Timeline) -> Self {
        let mut segments = timeline.segments().iter();
        let first = segments.next();
        // Without a date of its own the first segment is dated back from the next one that has one.
        let counted = first
            .as_ref()
            .filter(|first| !first.has_stated_date)
            .and_then(|first| first.program_date_time);
        let states_first_date = counted.is_some_and(|date| {
            let stated = segments.find(|segment| segment.has_stated_date);
            let back = stated.and_then(|stated| {
                let passed = jiff::SignedDuration::try_from(stated.start).ok()?;
                stated.program_date_time?.checked_sub(passed).ok()
            });
            back != Some(date)
        });
        Self {
            timeline,
            text: Text::default(),
            version: if timeline.i_frames_only { 4 } else { 1 },
            longest: Duration::ZERO,
            keys: Vec::new(),
            key_set: Some(0),
            map: None,
            parts: 0,
            foreign_tags: 0,
            bitrates: 0,
            range_end: None,
            dates: DateWriter::default(),
            states_first_date,
        }
    }

    fn segment(&mut self, index: usize, segment: &Segment) {
        self.foreign_tags(index);
        if segment.discontinuity {
            self.text.out.push_str("#EXT-X-DISCONTINUITY\n");
        }
        let number = segment.media_sequence_number;
        let first = self.next_part(number);
        let (map, key_set) = first
            .as_ref()
            .map_or((segment.map, segment.key_set), |part| {
                (part.map, part.key_set)
            });
        self.state(map, key_set);
        let states_date = segment.has_stated_date || (index == 0 && self.states_first_date);
        self.date(segment.program_date_time.filter(|_| states_date));
        self.bitrate(index);
        if first.is_some() {
            self.parts(number);
            self.state(segment.map, segment.key_set);
        }
        if segment.gap {
            self.version = self.version.max(8);
            self.text.out.push_str("#EXT-X-GAP\n");
        }
        let duration = segment.duration;
        self.longest = self.longest.max(duration);
        if duration.subsec_nanos() > 0 {
            self.version = self.version.max(3);
        }
        let out = &mut self.text.out;
        out.push_str("#EXTINF:");
        push_integer(out, duration.as_secs());
        push_fraction(out, duration.subsec_nanos());
        out.push(',');
        out.push_str(segment.title.of(&self.timeline.text).trim());
        out.push('\n');
        if let Some(range) = segment.byte_range {
            self.version = self.version.max(4);
            out.push_str("#EXT-X-BYTERANGE:");
            self.range(range, segment.uri);
            self.text.out.push('\n');
        }
        self.range_end = segment.byte_range.map(|range| (range.end(), segment.uri));
        let uri = segment.uri.of(&self.timeline.text);
        if !is_uri(uri) || uri.starts_with('#') {
            self.text.refuse("a URI", uri);
        }
        self.text.out.push_str(uri);
        self.text.out.push('\n');
    }

    /// What is known of the segment to come, and what the playlist says of others.
    fn tail(&mut self) {
        let timeline = self.timeline;
        self.foreign_tags(timeline.segments().len());
        let pending = timeline.pending();
        if pending.discontinuity {
            self.text.out.push_str("#EXT-X-DISCONTINUITY\n");
        }
        let number = pending.media_sequence_number;
        if let Some(part) = self.next_part(number) {
            self.state(part.map, part.key_set);
        } else {
            self.state(pending.map, pending.key_set);
        }
        let date = pending.program_date_time;
        self.date(date.filter(|_| pending.has_stated_date));
        self.bitrate(timeline.segments().len());
        self.range_end = None;
        let count = self.parts(number);
        if count != pending.part_count {
            self.text
                .refuse("a partial segment", "what could not be read");
        }
        self.state(pending.map, pending.key_set);
        if pending.gap {
            self.version = self.version.max(8);
            self.text.out.push_str("#EXT-X-GAP\n");
        }
        for hint in timeline.preload_hints() {
            let kind = match hint.kind {
                HintKind::Part => "PART",
                HintKind::Map => "MAP",
            };
            self.text.begin("#EXT-X-PRELOAD-HINT");
            self.text.plain("TYPE", kind);
            self.text.kept("URI", &relative(&hint.url, &timeline.base));
            let start = Some(hint.start).filter(|start| *start > 0);
            self.text.plain_option("BYTERANGE-START", start);
            self.text.plain_option("BYTERANGE-LENGTH", hint.length);
            self.text.end();
        }
        for report in timeline.rendition_reports() {
            self.text.begin("#EXT-X-RENDITION-REPORT");
            self.text
                .kept("URI", &relative(&report.url, &timeline.base));
            self.text
                .plain("LAST-MSN", report.last_media_sequence_number);
            self.text.plain_option("LAST-PART", report.last_part);
            self.text.end();
        }
        if timeline.end_list {
            self.text.out.push_str("#EXT-X-ENDLIST\n");
        }
    }

    fn foreign_tags(&mut self, index: usize) {
        let text = &self.timeline.text;
        let tags = self.timeline.details.foreign_tags.get(self.foreign_tags..);
        let out = &mut self.text.out;
        for tag in tags.unwrap_or_default() {
            if tag.segment as usize > index {
                break;
            }
            self.foreign_tags += 1;
            out.push('#');
            let (name, value) = (tag.name.of(text), tag.value.of(text).trim_ascii_end());
            out.push_str(name);
            // What a name ends with would be the end of the line otherwise.
            if !value.is_empty() || name.trim_ascii_end() != name {
                out.push(':');
                out.push_str(value);
            }
            out.push('\n');
        }
    }

    fn date(&mut self, date: Option<jiff::Timestamp>) {
        if let Some(date) = date {
            self.text.out.push_str("#EXT-X-PROGRAM-DATE-TIME:");
            self.dates.push_short(&mut self.text.out, date);
            self.text.out.push('\n');
        }
    }

    /// The bitrate from a segment on.
    fn bitrate(&mut self, index: usize) {
        let bitrates = self.timeline.details.bitrates.get(self.bitrates..);
        let bitrates = bitrates.unwrap_or_default();
        let count = bitrates.partition_point(|(segment, _)| *segment as usize <= index);
        self.bitrates += count;
        let last = bitrates.get(..count).and_then(<[_]>::last);
        if let Some((_, bitrate)) = last {
            self.text.line(format_args!("#EXT-X-BITRATE:{bitrate}"));
        }
    }

    /// The next part to be written, if it belongs to the segment of that number.
    fn next_part(&self, number: u64) -> Option<Part> {
        let part = self.timeline.parts().get(self.parts)?;
        (part.media_sequence_number == number).then_some(part)
    }

    /// Writes the parts of a segment and returns how many they are.
    fn parts(&mut self, number: u64) -> u64 {
        let mut count = 0;
        let segment_range = self.range_end.take();
        while let Some(part) = self.next_part(number) {
            if part.index != count {
                self.text
                    .refuse("a partial segment", "what could not be read");
            }
            count += 1;
            self.parts += 1;
            self.state(part.map, part.key_set);
            self.text.begin("#EXT-X-PART");
            self.text.duration("DURATION", Some(part.duration));
            let uri = part.uri.of(&self.timeline.text);
            self.text.kept("URI", uri);
            if let Some(range) = part.byte_range {
                self.text.out.push_str(",BYTERANGE=\"");
                self.range(range, part.uri);
                self.text.out.push('"');
            }
            self.range_end = part.byte_range.map(|range| (range.end(), part.uri));
            self.text.yes("INDEPENDENT", part.independent);
            self.text.yes("GAP", part.gap);
            self.text.end();
        }
        self.range_end = segment_range;
        count
    }

    /// A byte range, without the offset when it follows from what is before.
    fn range(&mut self, range: ByteRange, uri: Span) {
        let text = &self.timeline.text;
        let follows = self
            .range_end
            .is_some_and(|(end, previous)| end == range.start && previous.of(text) == uri.of(text));
        push_integer(&mut self.text.out, range.length);
        if !follows {
            self.text.out.push('@');
            push_integer(&mut self.text.out, range.start);
        }
    }

    /// Brings map and keys to what they are to be.
    fn state(&mut self, map: Option<usize>, key_set: u32) {
        let timeline = self.timeline;
        if let Some((number, map)) = map
            .filter(|_| map != self.map)
            .and_then(|number| Some((number, timeline.maps().get(number)?)))
        {
            self.keys(&map.keys);
            self.key_set = None;
            self.text.begin("#EXT-X-MAP");
            self.text.kept("URI", &relative(&map.url, &timeline.base));
            if let Some(ByteRange { start, length }) = map.byte_range {
                self.text
                    .plain("BYTERANGE", format_args!("\"{length}@{start}\""));
            }
            self.text.end();
            self.map = Some(number);
            self.version = self.version.max(if timeline.i_frames_only { 5 } else { 6 });
        }
        if self.key_set != Some(key_set) {
            self.keys(timeline.key_sets.get(key_set));
            self.key_set = Some(key_set);
        }
    }

    fn keys(&mut self, wanted: &[usize]) {
        if self.keys == wanted {
            return;
        }
        let all = &self.timeline.keys;
        let format = |number: &usize| all.get(*number).map(|key| key.key_format.as_str());
        // A key takes the last place and ends the one of its format, so the last ones wanted are written until those before them are what is left.
        let leaves = |written: &[usize], kept: &[usize]| {
            let ends = |old: &usize| written.iter().any(|new| format(new) == format(old));
            self.keys.iter().filter(|old| !ends(old)).eq(kept)
        };
        let split = (0..=wanted.len()).rev().find(|&at| {
            wanted
                .split_at_checked(at)
                .is_some_and(|(kept, written)| leaves(written, kept))
        });
        if split.is_none() {
            self.text.out.push_str("#EXT-X-KEY:METHOD=NONE\n");
        }
        for key in wanted
            .iter()
            .skip(split.unwrap_or(0))
            .filter_map(|&number| all.get(number))
        {
            let versions = key.key_format_versions.iter();
            for value in versions.chain([&key.uri, &key.key_format]) {
                if value.contains("{$") {
                    self.text.refuse("a key", value);
                }
            }
            self.text.begin("#EXT-X-KEY");
            key_attributes(&mut self.text, key);
            self.text.end();
            self.version = self.version.max(key_version(key));
        }
        self.keys = wanted.to_vec();
    }
}

/// The version that a key needs.
fn key_version(key: &Key) -> u64 {
    let has_format = !key.is_identity() || key.key_format_versions.is_some();
    if has_format || key.method == KeyMethod::SampleAes {
        5
    } else if key.iv.is_some() {
        2
    } else {
        1
    }
}

impl Text {
    /// A quoted-string whose variables have been replaced.
    fn kept(&mut self, name: &str, value: &str) {
        if value.contains("{$") {
            self.refuse(name, value);
        }
        self.quoted(name, value);
    }
}

/// Whether text is read again as it is where a URI is expected, though a URI it may not be.
fn is_uri(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'{';
    let looks = |text: &str| {
        text.trim() == text && !text.contains("{$") && !text.contains(char::is_control)
    };
    !text.is_empty()
        && (text
            .bytes()
            .fold(true, |plain, byte| plain & is_plain(byte))
            || looks(text))
}

/// A URL as it is written in the playlist at `base`: relative, where that means the same.
fn relative(url: &Url, base: &Url) -> String {
    base.make_relative(url)
        .filter(|uri| !uri.is_empty() && base.join(uri).as_ref() == Ok(url))
        .unwrap_or_else(|| url.as_str().to_owned())
}
