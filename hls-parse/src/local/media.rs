//! Localized Media Playlists.

use std::borrow::Cow;
use std::time::Duration;

use crate::date_range::DateRange;
use crate::local::date_range::{Markers, push_date_ranges};
use crate::local::header::{EVENT_VERSION, Extent, LocalEvent};
use crate::local::number::{DateWriter, push_fraction, push_hexadecimal, push_integer};
use crate::local::{push, push_uri, quotable};
use crate::segment_store::{Outline, Run};
use crate::timeline::{Key, KeyMethod, Timeline};

/// What is there locally, told by whoever stored it. Indices are those of the [`Timeline`]; URIs are relative to the playlist to be written.
///
/// ```
/// use std::borrow::Cow;
///
/// use hls_parse::{Context, LocalKey, LocalMedia};
///
/// /// The names of segments; an empty one is not there.
/// struct Names(Vec<String>);
///
/// impl LocalMedia for Names {
///     fn segment(&self, index: usize) -> Option<Cow<'_, str>> {
///         self.0.get(index).map(|name| name.as_str().into())
///     }
///     fn map(&self, index: usize) -> Option<Cow<'_, str>> {
///         Some(format!("init-{index}.mp4").into())
///     }
///     fn key(&self, _index: usize) -> Option<LocalKey> {
///         Some(LocalKey::Decrypted)
///     }
/// }
///
/// let text = b"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\na.ts\n#EXTINF:6,\nb.ts\n#EXT-X-ENDLIST\n";
/// let parsed = hls_parse::parse(text)?;
/// let playlist = parsed.playlist.as_media().ok_or("no Media Playlist")?;
/// let timeline = playlist.resolve(&Context::new("https://example.com/a.m3u8".parse()?))?;
/// let local = timeline.write_local(&Names(vec!["0.ts".into()]), true);
/// assert!(local.ends_with("#EXTINF:6,\n0.ts\n#EXT-X-GAP\n#EXTINF:6,\ngap-1\n#EXT-X-ENDLIST\n"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait LocalMedia {
    /// The URI of a segment; `None` when it is not there, which makes it a gap.
    fn segment(&self, index: usize) -> Option<Cow<'_, str>>;

    /// The URI of a map; `None` when it is not there, which makes the segments that need it gaps.
    fn map(&self, index: usize) -> Option<Cow<'_, str>>;

    /// The state of a key; `None` when it is not there. Segments whose identity keys are all not there are gaps.
    fn key(&self, index: usize) -> Option<LocalKey>;

    /// The URI of what an interstitial plays, an absolute one in the place of `X-ASSET-URI`; `None`, as long as nothing else is said, leaves the interstitial out.
    fn interstitial(&self, _range: &DateRange) -> Option<Cow<'_, str>> {
        None
    }
}

/// How a key is there locally.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum LocalKey {
    /// As bytes at this URI: the media stay encrypted.
    At(String),
    /// It has been used: the bytes at the URIs of segments and maps are clear, and no other key stands beside it.
    Decrypted,
    /// The media stay encrypted, for a player that has a licence of its key system: the tag says what it said.
    Kept,
}

impl Timeline {
    /// Writes the playlist of what is there.
    ///
    /// Each segment, map and key is a file of its own, so there are no byte ranges; there are no low-latency tags, no titles and no foreign tags but those
    /// that mark advertisement ([`ForeignTag::cue_marker`](crate::ForeignTag::cue_marker)). Numbers, discontinuities, dates and gaps stay. Keys that are there
    /// are written with their IV spelled out, the others are left out. `ended` says that nothing will be added; without it the playlist is
    /// [one that grows](Self::write_local_event).
    ///
    /// Date ranges stay where a segment has a date: times, `CUE`, SCTE-35 and the attributes of clients. Those that would load something are left out:
    /// preloads, and interstitials unless [`LocalMedia::interstitial`] has their asset.
    pub fn write_local(&self, local: &impl LocalMedia, ended: bool) -> String {
        let extent = Extent {
            segments: self.segments.len(),
            event: (!ended).then_some(Duration::ZERO),
            ended,
        };
        self.write_local_media(local, extent)
    }

    /// Writes the playlist of the first segments, for media that come in one after the other: an `EVENT`. What is there of these segments is written as by
    /// [`write_local`](Self::write_local).
    ///
    /// Of two such playlists of a timeline, the shorter one is the beginning of the longer one as long as what was there stays there: what the header says is
    /// said of the whole timeline. It starts at its beginning, unless the timeline says otherwise, since players start one that grows at its end.
    pub fn write_local_event(&self, local: &impl LocalMedia, event: LocalEvent) -> String {
        let extent = Extent {
            segments: event.segments.min(self.segments.len()),
            event: Some(event.longest),
            ended: event.ended,
        };
        self.write_local_media(local, extent)
    }

    fn write_local_media(&self, local: &dyn LocalMedia, extent: Extent) -> String {
        let mut body = Body::new(self, local);
        if let Some(longest) = extent.event {
            body.longest = self.longest(longest);
            // What comes may need it.
            body.version = EVENT_VERSION;
        }
        // What the header says is known at the end only. It is usually as long as this guess, so that nothing has to move.
        let guess = self.local_header(3, self.target_duration(), extent);
        body.out.push_str(&guess);
        push_date_ranges(&mut body.out, self, local);
        let mut markers = Markers::new(self);
        let segments = &self.segments;
        let start = body.out.len();
        for (index, segment) in segments.outlines().enumerate().take(extent.segments) {
            if index == SAMPLE {
                let usual = (body.out.len() - start).div_ceil(SAMPLE).min(LONGEST_USUAL);
                body.out
                    .reserve((extent.segments - index).saturating_mul(usual));
            }
            markers.push(&mut body.out, index);
            body.segment(index, &segment);
        }
        if extent.ended {
            markers.push(&mut body.out, extent.segments);
            body.out.push_str("#EXT-X-ENDLIST\n");
        }
        let longest = Duration::from_nanos(body.longest);
        let header = self.local_header(body.version, longest, extent);
        if header != guess {
            body.out.replace_range(..guess.len(), &header);
        }
        body.out
    }
}

pub(super) fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    push(out, text);
    out.push('\n');
}

/// The lines of the segments, and what they need of a player.
struct Body<'a> {
    timeline: &'a Timeline,
    local: &'a dyn LocalMedia,
    out: String,
    version: u64,
    /// The keys in force for a reader of what is written so far: number, IV and URI.
    keys: Vec<(usize, Option<[u8; 16]>, String)>,
    map: Option<usize>,
    bitrate: Option<u64>,
    writes_bitrate: bool,
    /// In nanoseconds, as the next but one.
    longest: u64,
    /// The line of the duration that was written last: most segments are as long as the one before.
    duration_line: String,
    written_duration: u64,
    /// The map and the set of keys of the segment before, and whether what they name is there.
    playable: Option<((Option<usize>, u32), bool)>,
    /// The set of keys that needs nothing written as long as segments have it.
    settled_keys: Option<u32>,
    dates: DateWriter,
}

/// How many segments tell how much room the others take.
const SAMPLE: usize = 64;

/// How many bytes are reserved for a segment at most: the first ones may say nothing of the others.
const LONGEST_USUAL: usize = 256;

impl<'a> Body<'a> {
    fn new(timeline: &'a Timeline, local: &'a dyn LocalMedia) -> Self {
        // A bitrate goes on until the next one, so it can only be written when no segment after it lacks one.
        let writes_bitrate = timeline.segments.has_bitrates()
            && timeline
                .segments
                .outlines()
                .skip_while(|segment| segment.run.bitrate.is_none())
                .all(|segment| segment.run.bitrate.is_some());
        Self {
            timeline,
            local,
            out: String::new(),
            version: 1,
            keys: Vec::new(),
            map: None,
            bitrate: None,
            writes_bitrate,
            longest: 0,
            duration_line: "#EXTINF:0,\n".to_owned(),
            written_duration: 0,
            playable: None,
            settled_keys: None,
            dates: DateWriter::default(),
        }
    }

    fn segment(&mut self, index: usize, segment: &Outline<'_>) {
        let run = segment.run;
        let uri = self.playable_uri(index, run);
        if segment.discontinuity {
            self.out.push_str("#EXT-X-DISCONTINUITY\n");
        }
        if uri.is_some() {
            self.map(run);
            self.segment_keys(index, run);
        }
        if let Some(date) = segment.date {
            self.out.push_str("#EXT-X-PROGRAM-DATE-TIME:");
            self.dates.push(&mut self.out, date);
            self.out.push('\n');
        }
        if self.writes_bitrate && run.bitrate != self.bitrate {
            if let Some(bitrate) = run.bitrate {
                line(&mut self.out, format_args!("#EXT-X-BITRATE:{bitrate}"));
            }
            self.bitrate = run.bitrate;
        }
        if uri.is_none() {
            self.version = self.version.max(8);
            self.out.push_str("#EXT-X-GAP\n");
        }
        if self.written_duration != segment.nanoseconds {
            self.take_duration(segment.nanoseconds);
        }
        self.out.push_str(&self.duration_line);
        match uri {
            Some(uri) => push_uri(&mut self.out, &uri),
            None => push(
                &mut self.out,
                format_args!("gap-{}", self.timeline.segments.number(index)),
            ),
        }
        self.out.push('\n');
    }

    /// Makes the line of a duration.
    #[cold]
    fn take_duration(&mut self, nanoseconds: u64) {
        self.written_duration = nanoseconds;
        self.longest = self.longest.max(nanoseconds);
        let duration = Duration::from_nanos(nanoseconds);
        if duration.subsec_nanos() > 0 {
            self.version = self.version.max(3);
        }
        self.duration_line.clear();
        self.duration_line.push_str("#EXTINF:");
        push_integer(&mut self.duration_line, duration.as_secs());
        push_fraction(&mut self.duration_line, duration.subsec_nanos());
        self.duration_line.push_str(",\n");
    }

    /// The local URI of a segment that is there with all it takes to play it.
    fn playable_uri(&mut self, index: usize, run: &Run) -> Option<Cow<'a, str>> {
        if run.gap {
            return None;
        }
        let needs = (run.map(), run.key_set);
        let playable = match self.playable {
            Some((last, playable)) if last == needs => playable,
            _ => self.is_playable(run),
        };
        self.playable = Some((needs, playable));
        if !playable {
            return None;
        }
        self.local.segment(index).filter(|uri| !uri.is_empty())
    }

    /// Whether the map and the keys of a segment are there.
    fn is_playable(&self, run: &Run) -> bool {
        let map = match run.map() {
            Some(number) if self.local.map(number).is_none() => return false,
            Some(number) => self.timeline.maps().get(number),
            None => None,
        };
        let map_keys = map.map(|map| map.keys.as_slice()).unwrap_or_default();
        self.can_decrypt(self.timeline.key_sets.get(run.key_set)) && self.can_decrypt(map_keys)
    }

    fn segment_keys(&mut self, index: usize, run: &Run) {
        if self.settled_keys == Some(run.key_set) {
            return;
        }
        let timeline = self.timeline;
        let iv = |key: usize| timeline.segment_iv(index, key);
        let keys = self.local_keys(timeline.key_sets.get(run.key_set), iv);
        let explicit = |key: usize| timeline.keys().get(key).and_then(|key| key.iv);
        // An implicit IV is another one for each segment.
        let is_settled = keys.iter().all(|(number, iv, _)| explicit(*number) == *iv);
        self.keys(keys);
        self.settled_keys = is_settled.then_some(run.key_set);
    }

    /// Whether nothing is encrypted, or some key is there. Keys of key systems alone do not make a gap of it: whoever stored it knows what for.
    fn can_decrypt(&self, keys: &[usize]) -> bool {
        let is_identity = |number: usize| {
            self.timeline
                .keys()
                .get(number)
                .is_some_and(Key::is_identity)
        };
        let mut identity = keys
            .iter()
            .filter(|&&number| is_identity(number))
            .peekable();
        identity.peek().is_none() || identity.any(|&number| self.local.key(number).is_some())
    }

    fn local_keys(
        &self,
        keys: &[usize],
        iv: impl Fn(usize) -> Option<[u8; 16]>,
    ) -> Vec<(usize, Option<[u8; 16]>, String)> {
        let mut written = Vec::new();
        for &number in keys {
            let key = self.timeline.keys().get(number);
            match (self.local.key(number), key) {
                (Some(LocalKey::At(uri)), Some(key)) => {
                    let has_iv =
                        !matches!(key.method, KeyMethod::SampleAesCtr | KeyMethod::Aes256Gcm);
                    written.push((number, iv(number).filter(|_| has_iv), uri));
                }
                (Some(LocalKey::Kept), Some(key)) => {
                    written.push((number, key.iv, key.uri.to_string()));
                }
                (Some(LocalKey::Decrypted), _) => return Vec::new(),
                _ => {}
            }
        }
        written
    }

    fn map(&mut self, run: &Run) {
        let Some(number) = run.map().filter(|_| run.map() != self.map) else {
            return;
        };
        let (Some(map), Some(uri)) = (self.timeline.maps().get(number), self.local.map(number))
        else {
            return;
        };
        let explicit = |key: usize| self.timeline.keys().get(key).and_then(|key| key.iv);
        let keys = self.local_keys(&map.keys, explicit);
        self.keys(keys);
        self.settled_keys = None;
        self.out.push_str("#EXT-X-MAP:URI=\"");
        push_uri(&mut self.out, &uri);
        self.out.push_str("\"\n");
        self.map = Some(number);
        self.version = self
            .version
            .max(if self.timeline.i_frames_only() { 5 } else { 6 });
    }

    /// Brings the keys in force to `wanted`.
    fn keys(&mut self, wanted: Vec<(usize, Option<[u8; 16]>, String)>) {
        if self.keys == wanted {
            return;
        }
        let format = |number: usize| {
            self.timeline
                .keys()
                .get(number)
                .map(|key| key.key_format.as_str())
        };
        let replaced = |old: usize| wanted.iter().any(|(new, _, _)| format(*new) == format(old));
        // A key goes on until one of its format replaces it; NONE ends all.
        if !self.keys.iter().all(|(old, _, _)| replaced(*old)) {
            self.out.push_str("#EXT-X-KEY:METHOD=NONE\n");
            self.keys.clear();
        }
        for entry in &wanted {
            if !self.keys.contains(entry)
                && let Some(key) = self.timeline.keys().get(entry.0)
            {
                let (_, iv, uri) = entry;
                let version = write_key(&mut self.out, "#EXT-X-KEY", key, *iv, uri);
                self.version = self.version.max(version);
            }
        }
        self.keys = wanted;
    }
}

/// Writes an `EXT-X-KEY`, or a tag like it, and returns the version it needs.
pub(super) fn write_key(
    out: &mut String,
    tag: &str,
    key: &Key,
    iv: Option<[u8; 16]>,
    uri: &str,
) -> u64 {
    let mut version = if key.method == KeyMethod::Aes128 {
        1
    } else {
        5
    };
    let mut method: String = key
        .method
        .as_str()
        .chars()
        .filter(|c| c.is_ascii_alphanumeric() || *c == '-')
        .collect();
    if method.is_empty() {
        // What nobody knows stays unknown; an empty value would be no attribute at all.
        method.push_str("UNKNOWN");
    }
    out.push_str(tag);
    out.push_str(":METHOD=");
    out.push_str(&method);
    if !uri.is_empty() {
        out.push_str(",URI=\"");
        if key.is_identity() {
            push_uri(out, uri);
        } else {
            // What a key system makes of it is its own affair.
            out.push_str(&quotable(uri));
        }
        out.push('"');
    }
    if let Some(iv) = iv {
        out.push_str(",IV=0x");
        push_hexadecimal(out, &iv);
        version = version.max(2);
    }
    if !key.is_identity() {
        push(
            out,
            format_args!(",KEYFORMAT=\"{}\"", quotable(&key.key_format)),
        );
        version = 5;
    }
    if let Some(versions) = &key.key_format_versions {
        push(
            out,
            format_args!(",KEYFORMATVERSIONS=\"{}\"", quotable(versions)),
        );
        version = 5;
    }
    // Read as hexadecimal, so it cannot break out.
    if let Some(id) = &key.key_id {
        out.push_str(",KEYID=");
        out.push_str(id);
    }
    out.push('\n');
    version
}
