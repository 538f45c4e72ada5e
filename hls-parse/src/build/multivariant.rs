//! Building Multivariant Playlists: the resolved one is its own builder.

use url::Url;

use super::Text;
use crate::entry_texts::EntryTexts;
use crate::error::Error;
use crate::lazy_url::LazyUrl;
use crate::shared_text::SharedText;
use crate::timeline::{Key, KeyMethod};
use crate::variables::Variables;
use crate::variant::{
    ClosedCaptions, ContentSteering, Multivariant, Rendition, RenditionKind, SessionData, Variant,
};

impl Multivariant {
    /// A playlist without variants, to be filled and [written](Self::write).
    pub fn new() -> Self {
        Self {
            variants: Vec::new(),
            renditions: Vec::new(),
            i_frame_variants: Vec::new(),
            session_keys: Vec::new(),
            session_data: Vec::new(),
            content_steering: None,
            independent_segments: false,
            start: None,
            variables: Variables::default(),
        }
    }

    /// Writes the playlist in canonical order with the version it needs. URLs below the folder of `base`, if it is given, become relative to it.
    ///
    /// Variables have been replaced already, so none are written.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidValue`](crate::ErrorKind::InvalidValue) when something cannot be written at all, such as a name with a quote;
    /// [`ErrorKind::RuleViolation`](crate::ErrorKind::RuleViolation) when the playlist would break a rule of the specification, with the line it would be in.
    ///
    /// ```
    /// use hls_parse::{Multivariant, Rendition, RenditionKind, Resolution, Variant};
    /// use url::Url;
    ///
    /// let base = Url::parse("https://example.com/film/index.m3u8")?;
    /// let mut playlist = Multivariant::new();
    /// let mut english = Rendition::new(RenditionKind::Audio, "aac", "English");
    /// english.set_url(Some(base.join("en.m3u8")?));
    /// english.default = true;
    /// english.autoselect = true;
    /// playlist.renditions.push(english);
    /// let mut variant = Variant::new(base.join("high.m3u8")?, 5_000_000);
    /// variant.resolution = Some(Resolution { width: 1920, height: 1080 });
    /// variant.set_audio(Some("aac"));
    /// playlist.variants.push(variant);
    /// assert_eq!(playlist.write(Some(&base))?, "#EXTM3U
    /// ##EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aac\",NAME=\"English\",DEFAULT=YES,AUTOSELECT=YES,URI=\"en.m3u8\"
    /// ##EXT-X-STREAM-INF:BANDWIDTH=5000000,RESOLUTION=1920x1080,AUDIO=\"aac\"
    /// high.m3u8
    /// ");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn write(&self, base: Option<&Url>) -> Result<String, Error> {
        let mut text = Text::default();
        text.line(format_args!("#EXTM3U"));
        if self.independent_segments {
            text.line(format_args!("#EXT-X-INDEPENDENT-SEGMENTS"));
        }
        if let Some(start) = self.start {
            text.line(format_args!("{}", crate::local::start_tag(start)));
        }
        if let Some(steering) = &self.content_steering {
            text.begin("#EXT-X-CONTENT-STEERING");
            text.quoted("SERVER-URI", &shown(&steering.server_url, base));
            text.quoted_option("PATHWAY-ID", steering.pathway_id.as_deref());
            text.end();
        }
        for data in &self.session_data {
            write_session_data(&mut text, data, base);
        }
        for key in &self.session_keys {
            text.begin("#EXT-X-SESSION-KEY");
            // What a key system makes of its URI is its own affair.
            match key.url.as_ref().filter(|_| key.is_identity()) {
                Some(url) => attributes_of(&mut text, key, &shown(url, base)),
                None => key_attributes(&mut text, key),
            }
            text.end();
        }
        for rendition in &self.renditions {
            write_rendition(&mut text, rendition, base);
        }
        for variant in &self.variants {
            text.begin("#EXT-X-STREAM-INF");
            variant_attributes(&mut text, variant);
            text.plain_option("FRAME-RATE", variant.frame_rate);
            text.quoted_option("AUDIO", variant.audio());
            text.quoted_option("SUBTITLES", variant.subtitles());
            match variant.closed_captions() {
                Some(ClosedCaptions::None) => text.plain("CLOSED-CAPTIONS", "NONE"),
                Some(ClosedCaptions::Group(group)) => text.quoted("CLOSED-CAPTIONS", group),
                None => {}
            }
            text.end();
            text.uri_line(&shown(&variant.url, base));
        }
        for variant in &self.i_frame_variants {
            text.begin("#EXT-X-I-FRAME-STREAM-INF");
            variant_attributes(&mut text, variant);
            text.quoted("URI", &shown(&variant.url, base));
            text.end();
        }
        text.finish(1)
    }
}

impl Default for Multivariant {
    fn default() -> Self {
        Self::new()
    }
}

impl Variant {
    /// A variant with nothing but a Media Playlist and its peak bits per second.
    pub fn new(url: Url, bandwidth: u64) -> Self {
        Self {
            url: url.into(),
            bandwidth: Some(bandwidth),
            average_bandwidth: None,
            score: None,
            resolution: None,
            frame_rate: None,
            line: 0,
            texts: EntryTexts::default(),
        }
    }
}

impl Rendition {
    /// A rendition with nothing but a group and a name.
    pub fn new(kind: RenditionKind, group_id: &str, name: &str) -> Self {
        let mut rendition = Self::with_texts(kind, None, EntryTexts::default());
        rendition.set_group_id(group_id);
        rendition.set_name(name);
        rendition
    }

    /// A rendition with nothing but text.
    pub(crate) fn with_texts(kind: RenditionKind, url: Option<LazyUrl>, texts: EntryTexts) -> Self {
        Self {
            kind,
            url,
            default: false,
            autoselect: false,
            forced: false,
            bit_depth: None,
            sample_rate: None,
            line: 0,
            texts,
        }
    }
}

impl SessionData {
    /// Data with nothing but an identifier.
    pub fn new(data_id: impl Into<String>) -> Self {
        Self {
            data_id: data_id.into(),
            value: None,
            url: None,
            format: None,
            language: None,
        }
    }
}

impl ContentSteering {
    /// A steering server.
    pub fn new(server_url: Url) -> Self {
        Self {
            server_url,
            pathway_id: None,
        }
    }
}

impl Key {
    /// A key whose URI is the key itself, to be written; [`Key::url`] is not set.
    pub fn new(method: KeyMethod, uri: impl Into<SharedText>) -> Self {
        Self {
            method,
            uri: uri.into(),
            url: None,
            iv: None,
            key_format: Self::identity_format(),
            key_format_versions: None,
            key_id: None,
        }
    }
}

/// A URL as it is written: relative when it is below the folder of `base`.
fn shown(url: &Url, base: Option<&Url>) -> String {
    let folder = base.and_then(|base| base.join(".").ok());
    let relative = folder.and_then(|folder| folder.make_relative(url));
    relative
        .filter(|uri| !uri.is_empty() && !uri.starts_with("..") && !uri.contains(':'))
        .unwrap_or_else(|| url.as_str().to_owned())
}

/// The attributes of a key that is not NONE.
pub(super) fn key_attributes(text: &mut Text, key: &Key) {
    attributes_of(text, key, &key.uri);
}

fn attributes_of(text: &mut Text, key: &Key, uri: &str) {
    text.word("METHOD", key.method.as_str());
    if !uri.is_empty() {
        text.quoted("URI", uri);
    }
    if let Some(iv) = key.iv {
        text.plain("IV", format_args!("0x{:032X}", u128::from_be_bytes(iv)));
    }
    if !key.is_identity() {
        text.quoted("KEYFORMAT", &key.key_format);
    }
    text.quoted_option("KEYFORMATVERSIONS", key.key_format_versions.as_deref());
    if let Some(id) = &key.key_id {
        text.word("KEYID", id);
    }
}

fn write_session_data(text: &mut Text, data: &SessionData, base: Option<&Url>) {
    text.begin("#EXT-X-SESSION-DATA");
    text.quoted("DATA-ID", &data.data_id);
    text.quoted_option("VALUE", data.value.as_deref());
    if let Some(url) = &data.url {
        text.quoted("URI", &shown(url, base));
    }
    if let Some(format) = &data.format {
        text.word("FORMAT", format);
    }
    text.quoted_option("LANGUAGE", data.language.as_deref());
    text.end();
}

fn write_rendition(text: &mut Text, rendition: &Rendition, base: Option<&Url>) {
    text.begin("#EXT-X-MEDIA");
    text.word("TYPE", rendition.kind.as_str());
    text.quoted("GROUP-ID", rendition.group_id());
    text.quoted("NAME", rendition.name());
    text.quoted_option("LANGUAGE", rendition.language());
    text.quoted_option("ASSOC-LANGUAGE", rendition.associated_language());
    text.quoted_option("STABLE-RENDITION-ID", rendition.stable_rendition_id());
    text.yes("DEFAULT", rendition.default);
    text.yes("AUTOSELECT", rendition.autoselect || rendition.default);
    text.yes("FORCED", rendition.forced);
    text.quoted_option("INSTREAM-ID", rendition.instream_id());
    text.plain_option("BIT-DEPTH", rendition.bit_depth);
    text.plain_option("SAMPLE-RATE", rendition.sample_rate);
    text.quoted_option("CHARACTERISTICS", rendition.characteristics());
    text.quoted_option("CHANNELS", rendition.channels());
    if let Some(url) = &rendition.url {
        text.quoted("URI", &shown(url, base));
    }
    text.end();
}

/// What variants and I-frame variants have in common.
fn variant_attributes(text: &mut Text, variant: &Variant) {
    text.plain_option("BANDWIDTH", variant.bandwidth);
    text.plain_option("AVERAGE-BANDWIDTH", variant.average_bandwidth);
    text.plain_option("SCORE", variant.score);
    text.quoted_option("CODECS", variant.codecs());
    text.quoted_option("SUPPLEMENTAL-CODECS", variant.supplemental_codecs());
    text.plain_option("RESOLUTION", variant.resolution);
    if let Some(level) = variant.hdcp_level() {
        text.word("HDCP-LEVEL", level.as_str());
    }
    text.quoted_option("ALLOWED-CPC", variant.allowed_cpc());
    if let Some(range) = variant.video_range() {
        text.word("VIDEO-RANGE", range.as_str());
    }
    text.quoted_option("REQ-VIDEO-LAYOUT", variant.video_layout());
    text.quoted_option("STABLE-VARIANT-ID", variant.stable_variant_id());
    text.quoted_option("PATHWAY-ID", variant.pathway_id());
    text.quoted_option("VIDEO", variant.video());
    text.quoted_option("NAME", variant.name());
}
