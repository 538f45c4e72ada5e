//! Building Media Playlists.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;

use super::header::Header;
use super::low_latency::LowLatency;
use super::{Text, needed_version};
use crate::error::{Error, ErrorKind};
use crate::playlist::{PlaylistType, Start};
use crate::timeline::Key;
use crate::value::{ByteRange, billionths_to_text};

/// Writes a new Media Playlist, in the order of its segments.
///
/// [`build`](Self::build) computes `EXT-X-VERSION` and `EXT-X-TARGETDURATION`, leaves out the offsets of byte ranges that follow each other, and puts the
/// tags of a segment in the order DISCONTINUITY, KEY and MAP, PROGRAM-DATE-TIME, BITRATE, PART, GAP, EXTINF, BYTERANGE.
///
/// ```
/// use std::time::Duration;
///
/// use hls_parse::{ByteRange, MediaPlaylistBuilder, NewSegment, PlaylistType};
///
/// let mut builder = MediaPlaylistBuilder::new();
/// builder.playlist_type(PlaylistType::Vod).end_list();
/// builder.map("init.mp4", None);
/// for index in 0..2 {
///     let mut segment = NewSegment::new("all.mp4", Duration::from_millis(6006));
///     segment.byte_range = Some(ByteRange { start: 1000 * index, length: 1000 });
///     builder.segment(segment);
/// }
/// assert_eq!(builder.build()?, "#EXTM3U
/// ##EXT-X-VERSION:6
/// ##EXT-X-TARGETDURATION:6
/// ##EXT-X-PLAYLIST-TYPE:VOD
/// ##EXT-X-MAP:URI=\"init.mp4\"
/// ##EXTINF:6.006,
/// ##EXT-X-BYTERANGE:1000@0
/// all.mp4
/// ##EXTINF:6.006,
/// ##EXT-X-BYTERANGE:1000
/// all.mp4
/// ##EXT-X-ENDLIST
/// ");
/// # Ok::<(), hls_parse::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct MediaPlaylistBuilder {
    pub(super) header: Header,
    end_list: bool,
    variables: Text,
    body: Text,
    /// The keys and maps since the last segment, and what else was given for the next one.
    state: Text,
    longest: Duration,
    /// The version that a gap needs.
    least_version: u64,
    bitrate: Option<u64>,
    /// The end of the last byte range, and its URI.
    range_end: Option<(u64, String)>,
    pub(super) low_latency: LowLatency,
    pub(super) date_ranges: Text,
}

/// A segment of a playlist to be built.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewSegment {
    /// Where it is, absolute or relative to the playlist.
    pub uri: String,
    /// How long it is.
    pub duration: Duration,
    /// The title, which must be one line.
    pub title: Option<String>,
    /// The part of the resource that it is; `None` means all of it.
    pub byte_range: Option<ByteRange>,
    /// Whether there is a discontinuity right before it.
    pub discontinuity: bool,
    /// Whether it is absent by intent.
    pub gap: bool,
    /// The wall-clock time of its start.
    pub program_date_time: Option<Timestamp>,
    /// Its bitrate in kilobits per second, which goes on until another one; not for byte ranges.
    pub bitrate: Option<u64>,
}

impl NewSegment {
    /// A segment with nothing but a URI and a duration.
    pub fn new(uri: impl Into<String>, duration: Duration) -> Self {
        Self {
            uri: uri.into(),
            duration,
            title: None,
            byte_range: None,
            discontinuity: false,
            gap: false,
            program_date_time: None,
            bitrate: None,
        }
    }
}

impl MediaPlaylistBuilder {
    /// A playlist without segments that may grow.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the least target duration in seconds. Live playlists need one from the start, since it must not change.
    pub fn target_duration(&mut self, seconds: u64) -> &mut Self {
        self.header.target_seconds = seconds;
        self
    }

    /// Sets the Media Sequence Number of the first segment.
    pub fn media_sequence(&mut self, number: u64) -> &mut Self {
        self.header.media_sequence = number;
        self
    }

    /// Sets the Discontinuity Sequence Number of the first segment, its own discontinuity not counted.
    pub fn discontinuity_sequence(&mut self, number: u64) -> &mut Self {
        self.header.discontinuity_sequence = number;
        self
    }

    /// Sets whether and how the playlist may change.
    pub fn playlist_type(&mut self, playlist_type: PlaylistType) -> &mut Self {
        self.header.playlist_type = Some(playlist_type);
        self
    }

    /// Sets where to start playing.
    pub fn start(&mut self, start: Start) -> &mut Self {
        self.header.start = Some(start);
        self
    }

    /// Says that nothing will be added.
    pub fn end_list(&mut self) -> &mut Self {
        self.end_list = true;
        self
    }

    /// Says that each segment is a single I-frame.
    pub fn i_frames_only(&mut self) -> &mut Self {
        self.header.i_frames_only = true;
        self
    }

    /// Says that every segment can be decoded alone.
    pub fn independent_segments(&mut self) -> &mut Self {
        self.header.independent_segments = true;
        self
    }

    /// Defines a variable; `{$name}` in URIs and quoted values stands for its value.
    pub fn variable(&mut self, name: &str, value: &str) -> &mut Self {
        self.variables.begin("#EXT-X-DEFINE");
        self.variables.quoted("NAME", name);
        self.variables.quoted("VALUE", value);
        self.variables.end();
        self
    }

    /// Encrypts segments and maps from here on, until another key of the same format.
    pub fn key(&mut self, key: &Key) -> &mut Self {
        let text = self.state();
        text.begin("#EXT-X-KEY");
        super::multivariant::key_attributes(text, key);
        text.end();
        self
    }

    /// Ends all keys.
    pub fn no_key(&mut self) -> &mut Self {
        let text = self.state();
        text.line(format_args!("#EXT-X-KEY:METHOD=NONE"));
        self
    }

    /// Sets the Media Initialization Section from here on; the keys given before encrypt it too.
    pub fn map(&mut self, uri: &str, byte_range: Option<ByteRange>) -> &mut Self {
        let text = self.state();
        text.begin("#EXT-X-MAP");
        text.quoted("URI", uri);
        if let Some(range) = byte_range {
            let range = format!("{}@{}", range.length, range.start);
            text.quoted("BYTERANGE", &range);
        }
        text.end();
        self
    }

    /// Adds a tag before the next segment, or at the end: `#`, the name, and after a `:` the value.
    pub fn tag(&mut self, line: &str) -> &mut Self {
        let text = self.state();
        if !line.starts_with("#EXT") || line.contains(char::is_control) {
            text.refuse("a tag", line);
        }
        text.line(format_args!("{line}"));
        self
    }

    /// Where tags of the next segment go: behind its partial segments, once there are some, for the parser to judge.
    fn state(&mut self) -> &mut Text {
        if self.low_latency.parts.out.is_empty() {
            &mut self.state
        } else {
            &mut self.low_latency.parts
        }
    }

    /// Adds a segment.
    pub fn segment(&mut self, segment: NewSegment) -> &mut Self {
        let body = &mut self.body;
        if segment.discontinuity {
            body.line(format_args!("#EXT-X-DISCONTINUITY"));
        }
        body.out.push_str(&std::mem::take(&mut self.state.out));
        if let Some(date) = segment.program_date_time {
            body.line(format_args!("#EXT-X-PROGRAM-DATE-TIME:{date}"));
        }
        if let Some(bitrate) = segment.bitrate.filter(|_| segment.bitrate != self.bitrate) {
            body.line(format_args!("#EXT-X-BITRATE:{bitrate}"));
            self.bitrate = segment.bitrate;
        }
        body.out.push_str(&self.low_latency.take_parts());
        if segment.gap {
            body.line(format_args!("#EXT-X-GAP"));
        }
        let title = segment.title.unwrap_or_default();
        if title.contains(char::is_control) {
            body.refuse("a title", &title);
        }
        match u64::try_from(segment.duration.as_nanos()) {
            Ok(billionths) => {
                let duration = billionths_to_text(billionths);
                body.line(format_args!("#EXTINF:{duration},{title}"));
            }
            Err(_) => body.refuse("a duration", &format!("{:?}", segment.duration)),
        }
        if let Some(ByteRange { start, length }) = segment.byte_range {
            let follows = self
                .range_end
                .as_ref()
                .is_some_and(|(end, uri)| *end == start && *uri == segment.uri);
            if follows {
                body.line(format_args!("#EXT-X-BYTERANGE:{length}"));
            } else {
                body.line(format_args!("#EXT-X-BYTERANGE:{length}@{start}"));
            }
        }
        body.uri_line(&segment.uri);
        let end = |range: ByteRange| range.start.checked_add(range.length);
        self.range_end = segment.byte_range.and_then(end).zip(Some(segment.uri));
        self.longest = self.longest.max(segment.duration);
        if segment.gap {
            self.least_version = 8;
        }
        self
    }

    /// Writes the playlist.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidValue`] when something cannot be written at all, such as a URI with a line break; [`ErrorKind::RuleViolation`] when the playlist
    /// would break a rule of the specification, with the line it would be in.
    pub fn build(&self) -> Result<String, Error> {
        let version = needed_version(&self.text(1)?.out)?;
        let version = version.max(self.least_version);
        self.text(version)?.finish(version)
    }

    /// Writes the playlist of that version, and judges nothing, not even whether that is the version it needs: for copies of what others have written, such as a
    /// live stream whose clock was set back, of which the [`Rule::AmbiguousDate`](crate::Rule::AmbiguousDate) is broken still.
    ///
    /// It comes in three pieces, to be written one after the other, so that no second copy of a long playlist is in memory: what comes before the segments, the
    /// segments, what comes after them.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidValue`] when something cannot be written at all; [`ErrorKind::RuleViolation`] when what is said of partial segments contradicts itself.
    pub fn build_unjudged(&self, version: u64) -> Result<[Cow<'_, str>; 3], Error> {
        self.pieces(version, true)
    }

    /// How many bytes the lines of the segments take that were added so far.
    pub fn segment_bytes(&self) -> usize {
        self.body.out.len()
    }

    fn text(&self, version: u64) -> Result<Text, Error> {
        Ok(Text {
            out: self.pieces(version, false)?.concat(),
            ..Text::default()
        })
    }

    fn pieces(&self, version: u64, states_version: bool) -> Result<[Cow<'_, str>; 3], Error> {
        let low_latency = &self.low_latency;
        let parts = [&self.variables, &self.date_ranges, &self.body, &self.state];
        let mut parts = parts.into_iter().chain(low_latency.texts());
        if let Some(refused) = parts.find_map(|part| part.refused.as_ref()) {
            return Err(Error::new(ErrorKind::InvalidValue, refused.as_str()));
        }
        let header = low_latency.header(&self.header)?;
        let mut head = Text::default();
        head.line(format_args!("#EXTM3U"));
        if states_version && version > 1 {
            head.line(format_args!("#EXT-X-VERSION:{version}"));
        }
        head.out.push_str(&self.variables.out);
        header.write(&mut head, header.target(self.longest, version));
        head.out.push_str(&low_latency.skip.out);
        head.out.push_str(&self.date_ranges.out);
        let mut tail = self.state.out.clone();
        low_latency.push_tail(&mut tail);
        if self.end_list {
            tail.push_str("#EXT-X-ENDLIST\n");
        }
        Ok([head.out.into(), self.body.out.as_str().into(), tail.into()])
    }
}
