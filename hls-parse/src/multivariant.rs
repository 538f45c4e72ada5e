//! Resolving a Multivariant Playlist.

use std::borrow::Cow;
use std::sync::Arc;

use url::Url;

use crate::attributes::AttributeList;
use crate::error::{Error, ErrorKind, excerpt_uri};
use crate::lazy_url::LazyUrl;
use crate::playlist::{MultivariantPlaylist, TagEntry};
use crate::shared_text::SharedText;
use crate::tag::TagName;
use crate::timeline::Key;
use crate::value::{self, Decimal};
use crate::variables::{Context, Expander, Variables};
use crate::variant::{
    ClosedCaptions, ContentSteering, Multivariant, Rendition, RenditionKind, SessionData, Variant,
};

impl MultivariantPlaylist {
    /// Replaces variables, makes URLs absolute and leaves out what a client has to ignore (section 6.3.1).
    ///
    /// # Errors
    /// [`ErrorKind::UndefinedVariable`], [`ErrorKind::InvalidUrl`], or [`ErrorKind::LimitExceeded`] when variables make it too long.
    pub fn resolve(&self, context: &Context) -> Result<Multivariant, Error> {
        let text: &str = &self.common.text;
        let whole = Arc::new(Arc::clone(&self.common.text));
        let base = Arc::new(context.base.clone());
        let mut expander = Expander::new(context, self.common.has_references);
        let mut resolved = Multivariant {
            variants: Vec::with_capacity(self.count(TagName::StreamInf)),
            renditions: Vec::with_capacity(self.count(TagName::Media)),
            i_frame_variants: Vec::with_capacity(self.count(TagName::IFrameStreamInf)),
            session_keys: Vec::new(),
            session_data: Vec::new(),
            content_steering: None,
            independent_segments: self.common.independent_segments,
            start: self.common.start,
            variables: Variables::default(),
        };
        for tag in &self.common.tags {
            if tag.name == TagName::Define {
                expander.define(tag, text)?;
                continue;
            }
            let mut reader = Reader {
                list: AttributeList::new(tag.value.of(text)),
                line: tag.line,
                whole: &whole,
                base: &base,
                expander: &mut expander,
            };
            match tag.name {
                TagName::StreamInf => {
                    let uri = tag.uri.map(|uri| uri.of(text));
                    resolved.variants.extend(reader.variant(uri)?);
                }
                TagName::IFrameStreamInf => {
                    let uri = reader.list.text("URI");
                    resolved.i_frame_variants.extend(reader.variant(uri)?);
                }
                TagName::Media => resolved.renditions.extend(reader.rendition()?),
                TagName::SessionData => resolved.session_data.extend(reader.session_data()?),
                TagName::SessionKey => resolved.session_keys.extend(reader.session_key(tag)?),
                TagName::ContentSteering if resolved.content_steering.is_none() => {
                    resolved.content_steering = reader.content_steering()?;
                }
                _ => {}
            }
        }
        resolved.variables = expander.into_variables();
        Ok(resolved)
    }

    fn count(&self, name: TagName) -> usize {
        self.common
            .tags
            .iter()
            .filter(|tag| tag.name == name)
            .count()
    }
}

/// Makes a reference absolute, against the URL its playlist was found at.
pub(crate) fn join(base: &Url, uri: &str, line: u32) -> Result<Url, Error> {
    base.join(uri).map_err(|source| {
        let message = format!("\"{}\" is not a URL", excerpt_uri(uri));
        Error::at(ErrorKind::InvalidUrl, line, message).with_source(source)
    })
}

/// Reads the attributes of one tag.
struct Reader<'a, 'c> {
    list: AttributeList<'a>,
    line: u32,
    whole: &'a Arc<Arc<str>>,
    base: &'a Arc<Url>,
    expander: &'a mut Expander<'c>,
}

impl Reader<'_, '_> {
    /// The value of an attribute that is there and not empty, its variables replaced.
    #[inline]
    fn text(&mut self, name: &str) -> Result<Option<SharedText>, Error> {
        let value = self.list.text(name);
        value.map(|value| self.expanded(value)).transpose()
    }

    #[inline]
    fn expanded(&mut self, part: &str) -> Result<SharedText, Error> {
        Ok(match self.expander.expand(part, self.line)? {
            Cow::Borrowed(part) => SharedText::part(self.whole, part),
            Cow::Owned(text) => text.into(),
        })
    }

    fn owned(&mut self, name: &str) -> Result<Option<String>, Error> {
        self.expander.attribute(&self.list, name, self.line)
    }

    fn url(&mut self, uri: &str) -> Result<LazyUrl, Error> {
        let reference = self.expanded(uri)?;
        LazyUrl::new(self.base, reference, self.line)
    }

    fn url_attribute(&mut self, name: &str) -> Result<Option<LazyUrl>, Error> {
        self.list.text(name).map(|uri| self.url(uri)).transpose()
    }

    fn variant(&mut self, uri: Option<&str>) -> Result<Option<Variant>, Error> {
        let Some(uri) = uri.filter(|_| requirements_are_known(&self.list)) else {
            return Ok(None);
        };
        let decimal = |list: &AttributeList<'_>, name| {
            list.text(name)
                .and_then(|text| Decimal::parse(text.as_bytes()))
        };
        let captions = self.list.get("CLOSED-CAPTIONS");
        let no_captions =
            captions.is_some_and(|captions| !captions.quoted && captions.value == "NONE");
        Ok(Some(Variant {
            url: self.url(uri)?,
            bandwidth: self.list.integer("BANDWIDTH"),
            average_bandwidth: self.list.integer("AVERAGE-BANDWIDTH"),
            score: decimal(&self.list, "SCORE"),
            codecs: self.text("CODECS")?,
            supplemental_codecs: self.text("SUPPLEMENTAL-CODECS")?,
            resolution: self
                .list
                .text("RESOLUTION")
                .and_then(|text| value::resolution(text.as_bytes())),
            frame_rate: decimal(&self.list, "FRAME-RATE"),
            hdcp_level: self.list.text("HDCP-LEVEL").map(Into::into),
            allowed_cpc: self.text("ALLOWED-CPC")?,
            video_range: self.list.text("VIDEO-RANGE").map(Into::into),
            video_layout: self.text("REQ-VIDEO-LAYOUT")?,
            stable_variant_id: self.text("STABLE-VARIANT-ID")?,
            pathway_id: self.text("PATHWAY-ID")?,
            audio: self.text("AUDIO")?,
            video: self.text("VIDEO")?,
            subtitles: self.text("SUBTITLES")?,
            closed_captions: if no_captions {
                Some(ClosedCaptions::None)
            } else {
                self.text("CLOSED-CAPTIONS")?.map(ClosedCaptions::Group)
            },
            name: self.text("NAME")?,
            line: self.line,
        }))
    }

    fn rendition(&mut self) -> Result<Option<Rendition>, Error> {
        let kind = RenditionKind::from(self.list.text("TYPE").unwrap_or_default());
        if matches!(kind, RenditionKind::Other(_)) || !requirements_are_known(&self.list) {
            return Ok(None);
        }
        let default = self.list.is_yes("DEFAULT");
        Ok(Some(Rendition {
            url: match kind {
                RenditionKind::ClosedCaptions => None,
                _ => self.url_attribute("URI")?,
            },
            kind,
            group_id: self.text("GROUP-ID")?.unwrap_or_default(),
            name: self.text("NAME")?.unwrap_or_default(),
            language: self.text("LANGUAGE")?,
            associated_language: self.text("ASSOC-LANGUAGE")?,
            stable_rendition_id: self.text("STABLE-RENDITION-ID")?,
            default,
            autoselect: default || self.list.is_yes("AUTOSELECT"),
            forced: self.list.is_yes("FORCED"),
            instream_id: self.text("INSTREAM-ID")?,
            bit_depth: self.list.integer("BIT-DEPTH"),
            sample_rate: self.list.integer("SAMPLE-RATE"),
            characteristics: self.text("CHARACTERISTICS")?,
            channels: self.text("CHANNELS")?,
            line: self.line,
        }))
    }

    fn session_data(&mut self) -> Result<Option<SessionData>, Error> {
        let Some(data_id) = self.owned("DATA-ID")? else {
            return Ok(None);
        };
        Ok(Some(SessionData {
            data_id,
            value: self.owned("VALUE")?,
            url: self.url_attribute("URI")?.map(Into::into),
            format: self.list.text("FORMAT").map(str::to_owned),
            language: self.owned("LANGUAGE")?,
        }))
    }

    fn session_key(&mut self, tag: &TagEntry) -> Result<Option<Key>, Error> {
        if self.list.text("METHOD") == Some("NONE") {
            return Ok(None);
        }
        Key::read(&self.list, tag.line, self.base, self.expander).map(Some)
    }

    fn content_steering(&mut self) -> Result<Option<ContentSteering>, Error> {
        let Some(server_url) = self.url_attribute("SERVER-URI")? else {
            return Ok(None);
        };
        Ok(Some(ContentSteering {
            server_url: server_url.into(),
            pathway_id: self.owned("PATHWAY-ID")?,
        }))
    }
}

/// Whether every `REQ-` attribute is known and asks for what is known; a tag is to be ignored otherwise (section 6.3.1).
pub(crate) fn requirements_are_known(list: &AttributeList<'_>) -> bool {
    if !list.has_requirement() {
        return true;
    }
    list.iter().all(|attribute| match attribute.name {
        "REQ-VIDEO-LAYOUT" => attribute
            .value
            .split(',')
            .flat_map(|entry| entry.split('/'))
            .all(is_known_layout),
        name => !name.starts_with("REQ-"),
    })
}

/// The specifiers of `REQ-VIDEO-LAYOUT` (section 4.4.6.2).
fn is_known_layout(specifier: &str) -> bool {
    matches!(
        specifier.trim(),
        "CH-MONO"
            | "CH-STEREO"
            | "PROJ-RECT"
            | "PROJ-EQUI"
            | "PROJ-HEQU"
            | "PROJ-PRIM"
            | "PROJ-AIV"
    )
}
