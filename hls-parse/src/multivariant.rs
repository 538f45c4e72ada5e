//! Resolving a Multivariant Playlist.

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use url::Url;

use crate::attribute_name::AttributeName;
use crate::attributes::AttributeList;
use crate::entry_attributes::EntryAttribute;
use crate::entry_texts::EntryTexts;
use crate::error::{Error, ErrorKind, excerpt_uri};
use crate::lazy_url::LazyUrl;
use crate::playlist::{MultivariantPlaylist, TagEntry};
use crate::source::{Part, Source};
use crate::tag::TagName;
use crate::timeline::Key;
use crate::value::{self, Decimal, Span};
use crate::variables::{Context, Expander, Variables};
use crate::variant::{
    ContentSteering, Multivariant, Rendition, RenditionKind, SessionData, Variant,
};

impl MultivariantPlaylist {
    /// Replaces variables, makes URLs absolute and leaves out what a client has to ignore (section 6.3.1).
    ///
    /// # Errors
    /// [`ErrorKind::UndefinedVariable`], [`ErrorKind::InvalidUrl`], or [`ErrorKind::LimitExceeded`] when variables make it too long.
    pub fn resolve(&self, context: &Context) -> Result<Multivariant, Error> {
        let text: &str = &self.common.text;
        let source = Arc::new(Source::with_entries(
            Arc::clone(&self.common.text),
            context.base.clone(),
            &self.entries,
        ));
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
        let mut places = self.entries.places();
        for tag in &self.common.tags {
            if tag.name == TagName::Define {
                expander.define(tag, text)?;
                continue;
            }
            let is_entry = matches!(
                tag.name,
                TagName::StreamInf | TagName::IFrameStreamInf | TagName::Media
            );
            let place = if is_entry {
                match places.next().flatten() {
                    Some(place) => place,
                    None => continue,
                }
            } else {
                0..0
            };
            let mut reader = Reader {
                tag,
                source: &source,
                entry: self.entries.of(place.clone()),
                place,
                expander: &mut expander,
            };
            match tag.name {
                TagName::StreamInf => {
                    if let Some(uri) = tag.uri {
                        reader.variant(uri, &mut resolved.variants)?;
                    }
                }
                TagName::IFrameStreamInf => {
                    if let Some(uri) = find(reader.entry, AttributeName::Uri) {
                        reader.variant(uri, &mut resolved.i_frame_variants)?;
                    }
                }
                TagName::Media => reader.rendition(&mut resolved.renditions)?,
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

/// The value of the attribute of that name.
fn find(entry: &[EntryAttribute], name: AttributeName) -> Option<Span> {
    let found = entry.iter().find(|attribute| attribute.name == name);
    found.map(|attribute| attribute.value)
}

/// Reads the attributes of one tag.
struct Reader<'a, 'c> {
    tag: &'a TagEntry,
    source: &'a Arc<Source>,
    /// The attributes that were kept.
    entry: &'a [EntryAttribute],
    place: Range<u32>,
    expander: &'a mut Expander<'c>,
}

impl<'a> Reader<'a, '_> {
    #[inline]
    fn url(&mut self, uri: Span) -> Result<LazyUrl, Error> {
        let mut reference = Part::new(self.source, uri);
        if self.expander.is_active() {
            let expanded = self.expander.expand(uri.of(self.source), self.tag.line)?;
            if let Cow::Owned(text) = expanded {
                reference = Part::beside(self.source, &text);
            }
        }
        LazyUrl::new(reference, self.tag.line)
    }

    /// The text attributes, which stay where they are.
    #[inline]
    fn texts(&self, url: Option<&LazyUrl>) -> EntryTexts {
        EntryTexts::written(self.source, self.place.clone(), url)
    }

    /// Replaces variables in an attribute.
    fn replace(&mut self, attribute: &EntryAttribute, texts: &mut EntryTexts) -> Result<(), Error> {
        let written = attribute.value.of(self.source);
        if let Cow::Owned(value) = self.expander.expand(written, self.tag.line)? {
            texts.set(attribute.name, Some(&value));
        }
        Ok(())
    }

    /// Adds the variant.
    fn variant(&mut self, uri: Span, variants: &mut Vec<Variant>) -> Result<(), Error> {
        let url = self.url(uri)?;
        let mut texts = self.texts(Some(&url));
        let (mut bandwidth, mut average_bandwidth) = (None, None);
        let (mut score, mut resolution, mut frame_rate) = (None, None, None);
        for attribute in self.entry {
            let value = || attribute.value.of(self.source).as_bytes();
            match attribute.name {
                AttributeName::Bandwidth => bandwidth = value::decimal_integer(value()),
                AttributeName::AverageBandwidth => {
                    average_bandwidth = value::decimal_integer(value());
                }
                AttributeName::Score => score = Decimal::parse(value()),
                AttributeName::Resolution => resolution = value::resolution(value()),
                AttributeName::FrameRate => frame_rate = Decimal::parse(value()),
                name if self.expander.is_active() && Variant::has_variables(name) => {
                    self.replace(attribute, &mut texts)?;
                }
                _ => {}
            }
        }
        variants.push(Variant {
            url,
            bandwidth,
            average_bandwidth,
            score,
            resolution,
            frame_rate,
            line: self.tag.line,
            texts,
        });
        Ok(())
    }

    /// Adds the rendition, unless it is of a type that is not known.
    fn rendition(&mut self, renditions: &mut Vec<Rendition>) -> Result<(), Error> {
        let kind = find(self.entry, AttributeName::Type).unwrap_or_default();
        let kind = RenditionKind::from(kind.of(self.source));
        if matches!(kind, RenditionKind::Other(_)) {
            return Ok(());
        }
        let url = match find(self.entry, AttributeName::Uri) {
            Some(uri) if kind != RenditionKind::ClosedCaptions => Some(self.url(uri)?),
            _ => None,
        };
        let texts = self.texts(url.as_ref());
        let mut rendition = Rendition::with_texts(kind, url, texts);
        rendition.line = self.tag.line;
        for attribute in self.entry {
            let value = || attribute.value.of(self.source);
            match attribute.name {
                AttributeName::Default => rendition.default = value() == "YES",
                AttributeName::Autoselect => rendition.autoselect = value() == "YES",
                AttributeName::Forced => rendition.forced = value() == "YES",
                AttributeName::BitDepth => {
                    rendition.bit_depth = value::decimal_integer(value().as_bytes());
                }
                AttributeName::SampleRate => {
                    rendition.sample_rate = value::decimal_integer(value().as_bytes());
                }
                name if self.expander.is_active() && Rendition::has_variables(name) => {
                    self.replace(attribute, &mut rendition.texts)?;
                }
                _ => {}
            }
        }
        rendition.autoselect |= rendition.default;
        renditions.push(rendition);
        Ok(())
    }

    fn list(&self) -> AttributeList<'a> {
        AttributeList::new(self.tag.value.of(self.source))
    }

    fn owned(&mut self, list: &AttributeList<'_>, name: &str) -> Result<Option<String>, Error> {
        self.expander.attribute(list, name, self.tag.line)
    }

    fn joined(&mut self, list: &AttributeList<'_>, name: &str) -> Result<Option<Url>, Error> {
        let uri = self.owned(list, name)?;
        uri.map(|uri| join(self.source.base(), &uri, self.tag.line))
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
        Key::read(&list, self.tag.line, self.source, self.expander).map(Some)
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
