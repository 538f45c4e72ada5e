//! The text attributes of a variant or a rendition, kept where they are written.

use std::ops::Range;
use std::sync::Arc;

use crate::attribute_name::AttributeName;
use crate::lazy_url::LazyUrl;
use crate::source::Source;

/// What the attributes of a tag say: as they are written, but for those that were replaced.
///
/// Each count of a playlist costs time, so an entry whose URL keeps the playlist has no second one here.
#[derive(Debug, Clone, Default)]
pub(crate) struct EntryTexts {
    /// The playlist; `None` when the URL of the entry keeps it, and for an entry that was not read.
    source: Option<Arc<Source>>,
    /// The place of the attributes among those of the playlist.
    start: u32,
    end: u32,
    replaced: Option<Box<Replacements>>,
}

/// Behind a single pointer, so that the many entries that replace nothing are small.
#[derive(Debug, Clone, Default)]
struct Replacements(Vec<Replaced>);

/// What counts in the place of what is written.
#[derive(Debug, Clone)]
struct Replaced {
    name: AttributeName,
    quoted: bool,
    value: Option<Box<str>>,
}

/// A value that is there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EntryText<'a> {
    pub(crate) quoted: bool,
    pub(crate) value: &'a str,
}

impl EntryTexts {
    /// What is written at that place among the attributes that are kept with the playlist.
    #[inline]
    pub(crate) fn written(source: &Arc<Source>, place: Range<u32>, url: Option<&LazyUrl>) -> Self {
        let is_kept = url
            .and_then(LazyUrl::source)
            .is_some_and(|kept| Arc::ptr_eq(kept, source));
        Self {
            source: (!is_kept).then(|| Arc::clone(source)),
            start: place.start,
            end: place.end,
            replaced: None,
        }
    }

    /// Keeps the playlist when the URL that kept it goes.
    pub(crate) fn keep_source_of(&mut self, url: Option<&LazyUrl>) {
        if self.source.is_none() {
            self.source = url.and_then(LazyUrl::source).cloned();
        }
    }

    /// The value of an attribute; `url` is that of the entry.
    pub(crate) fn get<'a>(
        &'a self,
        url: Option<&'a LazyUrl>,
        name: AttributeName,
    ) -> Option<&'a str> {
        self.entry(url, name).map(|text| text.value)
    }

    pub(crate) fn entry<'a>(
        &'a self,
        url: Option<&'a LazyUrl>,
        name: AttributeName,
    ) -> Option<EntryText<'a>> {
        let mut replaced = self.replaced.iter().flat_map(|replaced| &replaced.0);
        if let Some(replaced) = replaced.find(|replaced| replaced.name == name) {
            return Some(EntryText {
                quoted: replaced.quoted,
                value: replaced.value.as_deref()?,
            });
        }
        let source = self.source.as_ref();
        let source: &Source = source.or_else(|| url.and_then(LazyUrl::source))?;
        let written = source.entries()?.of(self.start..self.end);
        let attribute = written.iter().find(|attribute| attribute.name == name)?;
        Some(EntryText {
            quoted: attribute.quoted,
            value: attribute.value.of(source),
        })
    }

    /// Replaces a value; `None` takes the attribute away.
    pub(crate) fn set(&mut self, name: AttributeName, value: Option<&str>) {
        self.set_entry(
            name,
            value.map(|value| EntryText {
                quoted: true,
                value,
            }),
        );
    }

    pub(crate) fn set_entry(&mut self, name: AttributeName, text: Option<EntryText<'_>>) {
        let fresh = Replaced {
            name,
            quoted: text.is_some_and(|text| text.quoted),
            value: text.map(|text| text.value.into()),
        };
        let all = &mut self.replaced.get_or_insert_default().0;
        match all.iter_mut().find(|replaced| replaced.name == name) {
            Some(replaced) => *replaced = fresh,
            None => all.push(fresh),
        }
    }
}

/// Defines a getter and a setter for each text attribute, and tells those attributes from others.
macro_rules! text_attributes {
    ($owner:ident: $($(#[$doc:meta])* $getter:ident, $setter:ident = $name:ident;)+) => {
        impl $owner {
            /// Whether it is one of those attributes.
            fn is_text(name: crate::attribute_name::AttributeName) -> bool {
                matches!(name, $(crate::attribute_name::AttributeName::$name)|+)
            }

            $(
                $(#[$doc])*
                pub fn $getter(&self) -> Option<&str> {
                    self.text(crate::attribute_name::AttributeName::$name)
                }

                #[doc = concat!("Sets [`", stringify!($getter), "`](Self::", stringify!($getter), "); `None` takes the attribute away.")]
                pub fn $setter(&mut self, text: Option<&str>) {
                    self.texts.set(crate::attribute_name::AttributeName::$name, text);
                }
            )+
        }
    };
}

pub(crate) use text_attributes;
