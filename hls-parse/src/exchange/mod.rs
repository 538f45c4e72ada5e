//! Conversion from and to the types of m3u8-rs, with a report of what is lost on the way.
//!
//! Nobody keeps the report by hand: what was converted is converted back, and the two are compared. A difference that nobody thought of is reported too.

mod compare;
mod fields;
mod from;
mod spelling;
mod to;

use std::fmt;

use crate::build;
use crate::error::{Error, ErrorKind};
use crate::parse::parse_with;
use crate::playlist::{MediaPlaylist, MultivariantPlaylist, Playlist};

/// A playlist in the types of another crate, and what they have no place for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Converted<T> {
    /// The playlist.
    pub playlist: T,
    /// What is lost, by place; when there is nothing, converting back gives a playlist that resolves to the same.
    pub losses: Vec<Loss>,
}

/// Something that a conversion could not take over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Loss {
    /// What it is.
    pub what: Lost,
    /// Where it is.
    pub place: LossPlace,
    /// Why it is lost.
    pub why: LossReason,
    /// Its line in the playlist that was converted, counted from 1, when that was parsed from text.
    pub line: Option<u32>,
}

/// What a [`Loss`] is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Lost {
    /// All of it: there is no such playlist on the other side.
    Playlist,
    /// A tag, by its name without `#`.
    Tag(String),
    /// What a tag says, by its name without `#`.
    Value(String),
    /// An attribute of a tag, or how its value is quoted.
    Attribute {
        /// The name of the tag, without `#`.
        tag: String,
        /// The name of the attribute.
        name: String,
    },
    /// The order of tags that mean something else in another one: of this tag, by its name without `#`.
    Order(String),
    /// A field of a type of m3u8-rs.
    Field(&'static str),
}

/// Where in a playlist a [`Loss`] is; every index counts from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LossPlace {
    /// What is said of the whole playlist.
    Playlist,
    /// A segment, with the tags before its URI line.
    Segment(usize),
    /// What comes after the last segment.
    End,
    /// A tag of a Multivariant Playlist: which of those of its name.
    Tag(usize),
    /// An entry of the list of m3u8-rs that the field is in.
    Entry(usize),
}

/// Why something is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LossReason {
    /// m3u8-rs has room for one such tag before each segment and keeps the last.
    OnePerSegment,
    /// m3u8-rs has no room for tags after the last segment.
    AfterLastSegment,
    /// m3u8-rs keeps only tags whose names start with `EXT-`.
    ForeignName,
    /// The other side has no field for it, or does not write what is in the field.
    NoField,
    /// The other side cannot do without it, so something else is in its place.
    Required,
    /// Numbers are less exact on the other side: durations in m3u8-rs have 24 bits, and it writes dates in milliseconds.
    Precision,
    /// m3u8-rs writes tags in an order of its own.
    FixedOrder,
    /// A playlist is read with its offset from UTC left out.
    Offset,
}

impl fmt::Display for Loss {
    /// Such as `segment 3: EXT-X-KEY: there is room for one before each segment`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.place {
            LossPlace::Playlist => {}
            LossPlace::Segment(index) => write!(f, "segment {index}: ")?,
            LossPlace::End => write!(f, "after the last segment: ")?,
            LossPlace::Tag(index) => write!(f, "tag {index} of its name: ")?,
            LossPlace::Entry(index) => write!(f, "entry {index}: ")?,
        }
        match &self.what {
            Lost::Playlist => write!(f, "the playlist")?,
            Lost::Tag(tag) => write!(f, "{tag}")?,
            Lost::Value(tag) => write!(f, "value of {tag}")?,
            Lost::Attribute { tag, name } => write!(f, "{name} of {tag}")?,
            Lost::Order(tag) => write!(f, "order of {tag}")?,
            Lost::Field(name) => write!(f, "{name}")?,
        }
        let why = match self.why {
            LossReason::OnePerSegment => "there is room for one before each segment",
            LossReason::AfterLastSegment => "there is no room after the last segment",
            LossReason::ForeignName => "the name does not start with EXT-",
            LossReason::NoField => "there is no place for it",
            LossReason::Required => "it cannot be missing there",
            LossReason::Precision => "numbers are less exact there",
            LossReason::FixedOrder => "tags have a fixed order there",
            LossReason::Offset => "the offset from UTC is left out there",
        };
        write!(f, ": {why}")
    }
}

impl MediaPlaylist {
    /// The playlist as m3u8-rs would have read it where it reads rightly, and what it cannot keep or does not write.
    ///
    /// Variables stay as they are written. Tags that m3u8-rs has no field for, such as partial segments, are among the `unknown_tags` of the segment that comes
    /// after them, and so are those it has a field for but that lack what it asks for. How numbers and dates are spelled, and the order of tags where it means
    /// nothing, do not count as lost; values that nobody can read, such as a version that is no number, are left out. A [resolved](crate::Timeline) playlist takes
    /// the way over [`Timeline::write`](crate::Timeline::write).
    ///
    /// ```
    /// use hls_parse::{Lost, LossPlace, MediaPlaylist};
    ///
    /// let text = concat!(
    ///     "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://1\",KEYFORMAT=\"com.apple.streamingkeydelivery\"\n",
    ///     "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"k\"\n#EXTINF:6.006,Title\na.ts\n",
    /// );
    /// let parsed = hls_parse::parse(text.as_bytes())?;
    /// let playlist = parsed.playlist.as_media().ok_or("no Media Playlist")?;
    /// let converted = playlist.to_m3u8_rs();
    /// assert_eq!(converted.playlist.segments[0].title.as_deref(), Some("Title"));
    /// let [loss] = &converted.losses[..] else { return Err("one key has no room".into()) };
    /// assert_eq!((&loss.what, loss.place, loss.line), (&Lost::Tag("EXT-X-KEY".into()), LossPlace::Segment(0), Some(3)));
    ///
    /// let back = MediaPlaylist::from_m3u8_rs(&converted.playlist)?;
    /// assert!(back.losses.is_empty());
    /// assert_eq!(back.playlist.segment_count(), 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn to_m3u8_rs(&self) -> Converted<m3u8_rs::MediaPlaylist> {
        let playlist = to::media(self);
        let losses = compare::media(self, &playlist);
        Converted { playlist, losses }
    }

    /// The playlist that m3u8-rs holds, and what of it has no place here.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidValue`] when it holds what no playlist can say: a duration that is no number, a quote in a quoted-string, a line break.
    pub fn from_m3u8_rs(theirs: &m3u8_rs::MediaPlaylist) -> Result<Converted<Self>, Error> {
        match read(&from::media(theirs)?)? {
            Playlist::Media(playlist) => Ok(Converted {
                losses: fields::media(theirs, &to::media(&playlist)),
                playlist,
            }),
            Playlist::Multivariant(_) => Err(other_kind()),
        }
    }
}

impl MultivariantPlaylist {
    /// The playlist as m3u8-rs would have read it where it reads rightly, and what it cannot keep or does not write; see [`MediaPlaylist::to_m3u8_rs`].
    ///
    /// Variants, I-frame variants included, and alternatives keep their order. A [resolved](crate::Multivariant) playlist takes the way over
    /// [`Multivariant::write`](crate::Multivariant::write).
    pub fn to_m3u8_rs(&self) -> Converted<m3u8_rs::MasterPlaylist> {
        let playlist = to::multivariant(self);
        let losses = compare::multivariant(self, &playlist);
        Converted { playlist, losses }
    }

    /// The playlist that m3u8-rs holds, and what of it has no place here.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidValue`] when it holds what no playlist can say: a frame rate that is no number, a quote in a quoted-string, a line break; or
    /// nothing that makes it a Multivariant Playlist.
    ///
    /// ```
    /// use hls_parse::MultivariantPlaylist;
    ///
    /// let mut theirs = m3u8_rs::MasterPlaylist::default();
    /// theirs.variants.push(m3u8_rs::VariantStream {
    ///     uri: "high.m3u8".into(),
    ///     bandwidth: 5_000_000,
    ///     ..Default::default()
    /// });
    /// let converted = MultivariantPlaylist::from_m3u8_rs(&theirs)?;
    /// assert!(converted.losses.is_empty());
    /// assert_eq!(converted.playlist.to_m3u8_rs().playlist, theirs);
    ///
    /// theirs.variants[0].codecs = Some("avc1\"".into());
    /// assert!(MultivariantPlaylist::from_m3u8_rs(&theirs).is_err());
    /// # Ok::<(), hls_parse::Error>(())
    /// ```
    pub fn from_m3u8_rs(theirs: &m3u8_rs::MasterPlaylist) -> Result<Converted<Self>, Error> {
        match read(&from::multivariant(theirs)?)? {
            Playlist::Multivariant(playlist) => Ok(Converted {
                losses: fields::multivariant(theirs, &to::multivariant(&playlist)),
                playlist,
            }),
            Playlist::Media(_) => Err(other_kind()),
        }
    }
}

/// Reads what was converted. Whoever has the playlist in memory knows how long it is.
fn read(text: &str) -> Result<Playlist, Error> {
    Ok(parse_with(text.as_bytes(), &build::options())?.playlist)
}

fn other_kind() -> Error {
    let message = "there is no tag that tells the kind of playlist, or one of the other kind";
    Error::new(ErrorKind::InvalidValue, message)
}
