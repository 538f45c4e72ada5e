//! Building date ranges and interstitials.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use url::Url;

use super::{MediaPlaylistBuilder, Text};
use crate::date_range::{Cue, DateRange};
use crate::error::{Error, ErrorKind};
use crate::interstitial::{
    INTERSTITIAL, Interstitial, InterstitialAsset, PRELOAD, Preload, Restrictions, Snap,
    TimelineOccupies, TimelineStyle,
};
use crate::range_attributes::AttributeValue;
use crate::value::billionths_to_text;

/// A date range of a playlist to be built (section 4.4.5.1).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct NewDateRange {
    /// `ID`, which tells it from all others of the playlist.
    pub id: String,
    /// `CLASS`: which attributes mean what. Interstitials and preloads have one of their own.
    pub class: Option<String>,
    /// When it starts.
    pub start: Timestamp,
    /// When it ends.
    pub end_date: Option<Timestamp>,
    /// How long it is.
    pub duration: Option<Duration>,
    /// How long it is expected to be.
    pub planned_duration: Option<Duration>,
    /// Whether it ends when the next one of its class starts.
    pub end_on_next: bool,
    /// When an action is to be triggered other than at the start.
    pub cue: Cue,
    /// `SCTE35-CMD`: a `splice_info_section`.
    pub scte35_command: Option<Vec<u8>>,
    /// `SCTE35-OUT`: a `splice_info_section`.
    pub scte35_out: Option<Vec<u8>>,
    /// `SCTE35-IN`: a `splice_info_section`.
    pub scte35_in: Option<Vec<u8>>,
    /// What to play.
    pub interstitial: Option<Interstitial>,
    /// What to load ahead.
    pub preload: Option<Preload>,
    /// Other attributes by name, such as those of the client (`X-…`).
    pub attributes: BTreeMap<String, AttributeValue>,
}

impl NewDateRange {
    /// A range with nothing but an ID and a start.
    pub fn new(id: impl Into<String>, start: Timestamp) -> Self {
        Self {
            id: id.into(),
            class: None,
            start,
            end_date: None,
            duration: None,
            planned_duration: None,
            end_on_next: false,
            cue: Cue::default(),
            scte35_command: None,
            scte35_out: None,
            scte35_in: None,
            interstitial: None,
            preload: None,
            attributes: BTreeMap::new(),
        }
    }
}

impl Interstitial {
    /// An interstitial with nothing but what it plays.
    pub fn new(asset: InterstitialAsset) -> Self {
        Self {
            asset,
            resume_offset: None,
            playout_limit: None,
            snap: Snap::default(),
            restrictions: Restrictions::default(),
            content_may_vary: true,
            timeline_occupies: TimelineOccupies::Point,
            timeline_style: TimelineStyle::Highlight,
            skip_control: None,
        }
    }
}

impl Preload {
    /// A resource that the date range of that `ID` and `CLASS` will need.
    pub fn new(url: Url, target_id: impl Into<String>, target_class: impl Into<String>) -> Self {
        Self {
            url,
            target_id: target_id.into(),
            target_class: target_class.into(),
        }
    }
}

impl MediaPlaylistBuilder {
    /// Adds a date range. All are written before the first segment; the playlist needs a segment with a date.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// use hls_parse::{Interstitial, InterstitialAsset, MediaPlaylistBuilder, NewDateRange, NewSegment};
    ///
    /// let start = "2026-01-01T00:00:00Z".parse()?;
    /// let mut segment = NewSegment::new("1.ts", Duration::from_secs(6));
    /// segment.program_date_time = Some(start);
    /// let mut range = NewDateRange::new("ad", start);
    /// range.duration = Some(Duration::from_millis(1500));
    /// let mut interstitial = Interstitial::new(InterstitialAsset::Asset("https://example.com/ad.m3u8".parse()?));
    /// interstitial.restrictions.skip = true;
    /// range.interstitial = Some(interstitial);
    /// let mut builder = MediaPlaylistBuilder::new();
    /// builder.date_range(range).segment(segment).end_list();
    /// assert_eq!(builder.build()?, "#EXTM3U
    /// ##EXT-X-TARGETDURATION:6
    /// ##EXT-X-DATERANGE:ID=\"ad\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"2026-01-01T00:00:00Z\",DURATION=1.5,\
    /// X-ASSET-URI=\"https://example.com/ad.m3u8\",X-RESTRICT=\"SKIP\"
    /// ##EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z
    /// ##EXTINF:6,
    /// 1.ts
    /// ##EXT-X-ENDLIST
    /// ");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn date_range(&mut self, range: NewDateRange) -> &mut Self {
        let text = &mut self.date_ranges;
        let mut list = List {
            attributes: BTreeMap::new(),
            twice: None,
        };
        list.quoted("ID", range.id);
        list.option("CLASS", range.class, List::quoted);
        list.quoted("START-DATE", range.start.to_string());
        let end = range.end_date.map(|end| end.to_string());
        list.option("END-DATE", end, List::quoted);
        list.option("DURATION", range.duration, List::duration);
        list.option("PLANNED-DURATION", range.planned_duration, List::duration);
        if range.end_on_next {
            list.plain("END-ON-NEXT", "YES".to_owned());
        }
        let Cue { pre, post, once } = range.cue;
        list.words("CUE", &[("PRE", pre), ("POST", post), ("ONCE", once)]);
        list.option("SCTE35-CMD", range.scte35_command, List::bytes);
        list.option("SCTE35-OUT", range.scte35_out, List::bytes);
        list.option("SCTE35-IN", range.scte35_in, List::bytes);
        if let Some(interstitial) = range.interstitial {
            list.interstitial(interstitial);
        }
        if let Some(preload) = range.preload {
            list.quoted("CLASS", PRELOAD.to_owned());
            list.quoted("X-URI", preload.url.into());
            list.quoted("X-TARGET-ID", preload.target_id);
            list.quoted("X-TARGET-CLASS", preload.target_class);
        }
        for (name, value) in range.attributes {
            let is_name = |byte: u8| matches!(byte, b'A'..=b'Z' | b'0'..=b'9' | b'-');
            if name.is_empty() || !name.bytes().all(is_name) {
                text.refuse("the name of an attribute", &name);
            }
            list.add(&name, value);
        }
        if let Some(name) = list.twice {
            text.refuse("an attribute given twice", &name);
        }
        let attributes = list.attributes.iter();
        write_list(
            text,
            attributes.map(|(name, value)| (name.as_str(), value.as_deref())),
        );
        self
    }
}

impl DateRange {
    /// Writes the range as one tag, a line that says all that its tags have said; what it loads has absolute addresses.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidValue`] when it cannot be written so that it is read again as it is: a value of a variable that breaks out of its quotes.
    ///
    /// ```
    /// use hls_parse::Context;
    ///
    /// let text = "#EXTM3U\n#EXT-X-DATERANGE:ID=\"a\",START-DATE=\"2026-01-01T00:00:00Z\",X-ASSET-LIST=\"ads\",CLASS=\"com.apple.hls.interstitial\"\n#EXT-X-DATERANGE:ID=\"a\",DURATION=3\n";
    /// let parsed = hls_parse::parse(text.as_bytes())?;
    /// let timeline = parsed.playlist.as_media().ok_or("no Media Playlist")?.resolve(&Context::new("https://example.com/".parse()?))?;
    /// assert_eq!(timeline.date_ranges()[0].write()?, "#EXT-X-DATERANGE:ID=\"a\",CLASS=\"com.apple.hls.interstitial\",\
    /// START-DATE=\"2026-01-01T00:00:00Z\",DURATION=3,X-ASSET-LIST=\"https://example.com/ads\"\n");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write(&self) -> Result<String, Error> {
        let mut text = Text::default();
        let attributes = self.attributes.iter().map(|(name, value)| {
            let url = match name {
                "X-ASSET-LIST" => self.urls.asset_list.as_deref(),
                "X-URI" => self.urls.preload.as_deref(),
                _ => None,
            };
            let absolute = url.map(|url| AttributeValue::Quoted(url.as_str()));
            (name, absolute.unwrap_or(value))
        });
        for (name, value) in attributes.clone() {
            if value.text().contains("{$") {
                text.refuse(name, value.text());
            }
        }
        write_list(&mut text, attributes);
        match text.refused {
            Some(refused) => Err(Error::new(ErrorKind::InvalidValue, refused)),
            None => Ok(text.out),
        }
    }
}

/// Writes the tag with attributes ordered by name: what is of every range first, then what is of some.
pub(super) fn write_list<'a>(
    text: &mut Text,
    attributes: impl Iterator<Item = (&'a str, AttributeValue<&'a str>)> + Clone,
) {
    const FIRST: [&str; 8] = [
        "ID",
        "CLASS",
        "START-DATE",
        "CUE",
        "END-DATE",
        "DURATION",
        "PLANNED-DURATION",
        "END-ON-NEXT",
    ];
    let first = FIRST
        .iter()
        .filter_map(|first| attributes.clone().find(|(name, _)| name == first));
    text.begin("#EXT-X-DATERANGE");
    let mut write = |(name, value)| match value {
        AttributeValue::Quoted(value) => text.quoted(name, value),
        AttributeValue::Unquoted(value) => text.word(name, value),
    };
    first.for_each(&mut write);
    attributes
        .filter(|(name, _)| !FIRST.contains(name))
        .for_each(write);
    text.end();
}

/// The attributes of a date range to be.
struct List {
    attributes: BTreeMap<String, AttributeValue>,
    /// A name that was given twice.
    twice: Option<String>,
}

impl List {
    fn add(&mut self, name: &str, value: AttributeValue) {
        if self.attributes.insert(name.to_owned(), value).is_some() {
            self.twice.get_or_insert_with(|| name.to_owned());
        }
    }

    fn quoted(&mut self, name: &str, value: String) {
        self.add(name, AttributeValue::Quoted(value));
    }

    fn plain(&mut self, name: &str, value: String) {
        self.add(name, AttributeValue::Unquoted(value));
    }

    fn option<T>(&mut self, name: &str, value: Option<T>, add: impl Fn(&mut Self, &str, T)) {
        if let Some(value) = value {
            add(self, name, value);
        }
    }

    fn duration(&mut self, name: &str, value: Duration) {
        // Longer ones are no date ranges: dates end with the year 9999.
        let billionths = u64::try_from(value.as_nanos()).unwrap_or(u64::MAX);
        self.plain(name, billionths_to_text(billionths));
    }

    fn offset(&mut self, name: &str, value: SignedDuration) {
        let billionths = u64::try_from(value.as_nanos().unsigned_abs()).unwrap_or(u64::MAX);
        let sign = if value.is_negative() { "-" } else { "" };
        self.plain(name, format!("{sign}{}", billionths_to_text(billionths)));
    }

    fn bytes(&mut self, name: &str, value: Vec<u8>) {
        use std::fmt::Write as _;
        let mut text = String::from("0x");
        for byte in value {
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02X}");
        }
        self.plain(name, text);
    }

    /// A list of those words that are said.
    fn words(&mut self, name: &str, words: &[(&str, bool)]) {
        let said = words.iter().filter(|(_, is_said)| *is_said);
        let said: Vec<&str> = said.map(|(word, _)| *word).collect();
        if !said.is_empty() {
            self.quoted(name, said.join(","));
        }
    }

    fn interstitial(&mut self, interstitial: Interstitial) {
        self.quoted("CLASS", INTERSTITIAL.to_owned());
        match interstitial.asset {
            InterstitialAsset::Asset(url) => self.quoted("X-ASSET-URI", url.into()),
            InterstitialAsset::List(url) => self.quoted("X-ASSET-LIST", url.into()),
        }
        self.option("X-RESUME-OFFSET", interstitial.resume_offset, Self::offset);
        self.option(
            "X-PLAYOUT-LIMIT",
            interstitial.playout_limit,
            Self::duration,
        );
        let Snap { out, back_in } = interstitial.snap;
        self.words("X-SNAP", &[("OUT", out), ("IN", back_in)]);
        let Restrictions { skip, jump } = interstitial.restrictions;
        self.words("X-RESTRICT", &[("SKIP", skip), ("JUMP", jump)]);
        self.words(
            "X-CONTENT-MAY-VARY",
            &[("NO", !interstitial.content_may_vary)],
        );
        let takes_room = interstitial.timeline_occupies == TimelineOccupies::Range;
        self.words("X-TIMELINE-OCCUPIES", &[("RANGE", takes_room)]);
        let is_primary = interstitial.timeline_style == TimelineStyle::Primary;
        self.words("X-TIMELINE-STYLE", &[("PRIMARY", is_primary)]);
        if let Some(control) = interstitial.skip_control {
            self.option("X-SKIP-CONTROL-OFFSET", control.offset, Self::duration);
            self.option("X-SKIP-CONTROL-DURATION", control.duration, Self::duration);
            self.option("X-SKIP-CONTROL-LABEL-ID", control.label_id, Self::quoted);
        }
    }
}
