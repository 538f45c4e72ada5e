//! The attributes of variants and renditions, found when a playlist is read and kept for its resolution.

use std::ops::Range;

use crate::attribute_name::AttributeName;
use crate::attributes::AttributeList;
use crate::multivariant::requirements_are_known;
use crate::value::Span;

/// An attribute that the specification knows, with a value that is not empty.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EntryAttribute {
    pub(crate) name: AttributeName,
    pub(crate) quoted: bool,
    /// The value without quotes.
    pub(crate) value: Span,
}

/// What `EXT-X-STREAM-INF`, `EXT-X-I-FRAME-STREAM-INF` and `EXT-X-MEDIA` tags say, one entry for each of them in the order of the playlist.
#[derive(Debug, Clone, Default)]
pub(crate) struct EntryAttributes {
    attributes: Vec<EntryAttribute>,
    /// The end of each entry in `attributes`; `None` for one to be ignored because it asks for what is not known.
    entries: Vec<Option<u32>>,
}

impl EntryAttributes {
    /// Room for what that many tags say.
    pub(crate) fn with_capacity(tags: usize) -> Self {
        const USUAL: usize = 8;
        Self {
            attributes: Vec::with_capacity(tags.saturating_mul(USUAL)),
            entries: Vec::with_capacity(tags),
        }
    }

    /// Adds what a tag says; `text` is the playlist.
    pub(crate) fn push(&mut self, list: &AttributeList<'_>, text: &str) {
        if !requirements_are_known(list) {
            self.entries.push(None);
            return;
        }
        let (mut seen, may_repeat) = (0u128, list.may_repeat());
        for item in list.items() {
            let Some(name) = item.known else { continue };
            if may_repeat {
                // The first of a name counts, even when it is empty.
                let bit = 1 << name.place();
                if seen & bit != 0 {
                    continue;
                }
                seen |= bit;
            }
            if !item.attribute.value.is_empty() {
                self.attributes.push(EntryAttribute {
                    name,
                    quoted: item.attribute.quoted,
                    value: Span::within(text, item.attribute.value),
                });
            }
        }
        // Each has a byte of its own in a playlist that is shorter than 2^32 bytes.
        self.entries.push(u32::try_from(self.attributes.len()).ok());
    }

    /// Gives back the room that was not needed.
    pub(crate) fn shrink(&mut self) {
        self.attributes.shrink_to_fit();
        self.entries.shrink_to_fit();
    }

    /// The places of the entries in order; `None` for those to be ignored.
    pub(crate) fn places(&self) -> impl Iterator<Item = Option<Range<u32>>> {
        let mut start = 0;
        self.entries.iter().map(move |end| {
            let place = start..(*end)?;
            start = place.end;
            Some(place)
        })
    }

    /// The attributes at such a place.
    #[inline]
    pub(crate) fn of(&self, place: Range<u32>) -> &[EntryAttribute] {
        let attributes = self
            .attributes
            .get(place.start as usize..place.end as usize);
        attributes.unwrap_or_default()
    }
}
