//! Resolving a Multivariant Playlist.

use std::borrow::Cow;
use std::sync::Arc;

use url::Url;

use crate::attribute_name::AttributeName;
use crate::attributes::AttributeList;
use crate::entry_attributes::EntryAttribute;
use crate::error::{Error, ErrorKind, excerpt_uri};
use crate::lazy_url::LazyUrl;
use crate::playlist::{MultivariantPlaylist, TagEntry};
use crate::shared_text::SharedText;
use crate::tag::TagName;
use crate::timeline::Key;
use crate::value::{self, Decimal, Span};
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
        let mut entries = self.entries.iter();
        for tag in &self.common.tags {
            if tag.name == TagName::Define {
                expander.define(tag, text)?;
                continue;
            }
            let mut reader = Reader {
                tag,
                whole: &whole,
                base: &base,
                expander: &mut expander,
            };
            match tag.name {
                TagName::StreamInf => {
                    if let (Some(Some(entry)), Some(uri)) = (entries.next(), tag.uri) {
                        reader.variant(uri, entry, &mut resolved.variants)?;
                    }
                }
                TagName::IFrameStreamInf => {
                    let entry = entries.next().flatten().unwrap_or_default();
                    if let Some(uri) = find(entry, AttributeName::Uri) {
                        reader.variant(uri.value, entry, &mut resolved.i_frame_variants)?;
                    }
                }
                TagName::Media => {
                    if let Some(Some(entry)) = entries.next() {
                        reader.rendition(entry, &mut resolved.renditions)?;
                    }
                }
                TagName::SessionData => resolved.session_data.extend(reader.session_data()?),
                TagName::SessionKey => resolved.session_keys.extend(reader.session_key()?),
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

/// The attribute of that name.
fn find(entry: &[EntryAttribute], name: AttributeName) -> Option<&EntryAttribute> {
    entry.iter().find(|attribute| attribute.name == name)
}

/// Reads the attributes of one tag.
struct Reader<'a, 'c> {
    tag: &'a TagEntry,
    whole: &'a Arc<Arc<str>>,
    base: &'a Arc<Url>,
    expander: &'a mut Expander<'c>,
}

impl<'a> Reader<'a, '_> {
    /// A part of the playlist, its variables replaced.
    #[inline]
    fn text(&mut self, part: Span) -> Result<SharedText, Error> {
        if self.expander.is_active() {
            let expanded = self.expander.expand(part.of(self.whole), self.tag.line)?;
            if let Cow::Owned(text) = expanded {
                return Ok(text.into());
            }
        }
        Ok(SharedText::part(self.whole, part))
    }

    #[inline]
    fn url(&mut self, uri: Span) -> Result<LazyUrl, Error> {
        let reference = self.text(uri)?;
        LazyUrl::new(self.base, reference, self.tag.line)
    }

    /// Adds the variant.
    fn variant(
        &mut self,
        uri: Span,
        entry: &[EntryAttribute],
        variants: &mut Vec<Variant>,
    ) -> Result<(), Error> {
        // Filled in its place: a variant is too large to be moved there for nothing.
        variants.push(Variant::new(self.url(uri)?, 0));
        let Some(variant) = variants.last_mut() else {
            return Ok(());
        };
        variant.bandwidth = None;
        variant.line = self.tag.line;
        for attribute in entry {
            let value = attribute.value;
            let written = || value.of(self.whole);
            match attribute.name {
                AttributeName::Bandwidth => {
                    variant.bandwidth = value::decimal_integer(written().as_bytes());
                }
                AttributeName::AverageBandwidth => {
                    variant.average_bandwidth = value::decimal_integer(written().as_bytes());
                }
                AttributeName::Score => variant.score = Decimal::parse(written().as_bytes()),
                AttributeName::Codecs => variant.codecs = Some(self.text(value)?),
                AttributeName::SupplementalCodecs => {
                    variant.supplemental_codecs = Some(self.text(value)?);
                }
                AttributeName::Resolution => {
                    variant.resolution = value::resolution(written().as_bytes());
                }
                AttributeName::FrameRate => {
                    variant.frame_rate = Decimal::parse(written().as_bytes());
                }
                AttributeName::HdcpLevel => variant.hdcp_level = Some(written().into()),
                AttributeName::AllowedCpc => variant.allowed_cpc = Some(self.text(value)?),
                AttributeName::VideoRange => variant.video_range = Some(written().into()),
                AttributeName::ReqVideoLayout => variant.video_layout = Some(self.text(value)?),
                AttributeName::StableVariantId => {
                    variant.stable_variant_id = Some(self.text(value)?);
                }
                AttributeName::PathwayId => variant.pathway_id = Some(self.text(value)?),
                AttributeName::Audio => variant.audio = Some(self.text(value)?),
                AttributeName::Video => variant.video = Some(self.text(value)?),
                AttributeName::Subtitles => variant.subtitles = Some(self.text(value)?),
                AttributeName::ClosedCaptions => {
                    let none = !attribute.quoted && written() == "NONE";
                    variant.closed_captions = Some(if none {
                        ClosedCaptions::None
                    } else {
                        ClosedCaptions::Group(self.text(value)?)
                    });
                }
                AttributeName::Name => variant.name = Some(self.text(value)?),
                _ => {}
            }
        }
        Ok(())
    }

    /// Adds the rendition, unless it is of a type that is not known.
    fn rendition(
        &mut self,
        entry: &[EntryAttribute],
        renditions: &mut Vec<Rendition>,
    ) -> Result<(), Error> {
        let whole: &str = self.whole;
        let text_of = |name| find(entry, name).map(|found| found.value);
        let kind = text_of(AttributeName::Type).unwrap_or_default();
        let kind = RenditionKind::from(kind.of(whole));
        if matches!(kind, RenditionKind::Other(_)) {
            return Ok(());
        }
        let nothing = || SharedText::part(self.whole, Span::default());
        let mut rendition = Rendition::new(kind, nothing(), nothing());
        rendition.line = self.tag.line;
        for attribute in entry {
            let value = attribute.value;
            let written = || value.of(whole);
            match attribute.name {
                AttributeName::Uri if rendition.kind != RenditionKind::ClosedCaptions => {
                    rendition.url = Some(self.url(value)?);
                }
                AttributeName::GroupId => rendition.group_id = self.text(value)?,
                AttributeName::Name => rendition.name = self.text(value)?,
                AttributeName::Language => rendition.language = Some(self.text(value)?),
                AttributeName::AssocLanguage => {
                    rendition.associated_language = Some(self.text(value)?);
                }
                AttributeName::StableRenditionId => {
                    rendition.stable_rendition_id = Some(self.text(value)?);
                }
                AttributeName::Default => rendition.default = written() == "YES",
                AttributeName::Autoselect => rendition.autoselect = written() == "YES",
                AttributeName::Forced => rendition.forced = written() == "YES",
                AttributeName::InstreamId => rendition.instream_id = Some(self.text(value)?),
                AttributeName::BitDepth => {
                    rendition.bit_depth = value::decimal_integer(written().as_bytes());
                }
                AttributeName::SampleRate => {
                    rendition.sample_rate = value::decimal_integer(written().as_bytes());
                }
                AttributeName::Characteristics => {
                    rendition.characteristics = Some(self.text(value)?);
                }
                AttributeName::Channels => rendition.channels = Some(self.text(value)?),
                _ => {}
            }
        }
        rendition.autoselect |= rendition.default;
        renditions.push(rendition);
        Ok(())
    }

    fn list(&self) -> AttributeList<'a> {
        AttributeList::new(self.tag.value.of(self.whole))
    }

    fn owned(&mut self, list: &AttributeList<'_>, name: &str) -> Result<Option<String>, Error> {
        self.expander.attribute(list, name, self.tag.line)
    }

    fn joined(&mut self, list: &AttributeList<'_>, name: &str) -> Result<Option<Url>, Error> {
        let uri = self.owned(list, name)?;
        uri.map(|uri| join(self.base, &uri, self.tag.line))
            .transpose()
    }

    fn session_data(&mut self) -> Result<Option<SessionData>, Error> {
        let list = self.list();
        let Some(data_id) = self.owned(&list, "DATA-ID")? else {
            return Ok(None);
        };
        Ok(Some(SessionData {
            data_id,
            value: self.owned(&list, "VALUE")?,
            url: self.joined(&list, "URI")?,
            format: list.text("FORMAT").map(str::to_owned),
            language: self.owned(&list, "LANGUAGE")?,
        }))
    }

    fn session_key(&mut self) -> Result<Option<Key>, Error> {
        let list = self.list();
        if list.text("METHOD") == Some("NONE") {
            return Ok(None);
        }
        Key::read(&list, self.tag.line, self.whole, self.base, self.expander).map(Some)
    }

    fn content_steering(&mut self) -> Result<Option<ContentSteering>, Error> {
        let list = self.list();
        let Some(server_url) = self.joined(&list, "SERVER-URI")? else {
            return Ok(None);
        };
        Ok(Some(ContentSteering {
            server_url,
            pathway_id: self.owned(&list, "PATHWAY-ID")?,
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
