//! Reading the tags of low-latency playlists and what else most playlists lack.

use std::sync::Arc;
use std::time::Duration;

use super::State;
use crate::attributes::AttributeList;
use crate::error::{Error, ErrorKind, excerpt};
use crate::foreign::ForeignEntry;
use crate::low_latency::{
    Details, HintKind, Part, Pending, PreloadHint, RenditionReport, ServerControl,
};
use crate::multivariant::join;
use crate::part_fields::PartFields;
use crate::parts::Parts;
use crate::playlist::TagEntry;
use crate::source::Source;
use crate::tag::TagName;
use crate::value::{self, ByteRange, Span};

/// Where the next part of the unfinished segment goes.
#[derive(Debug, Default)]
pub(super) struct PartCursor {
    index: u64,
    /// How long the parts of the same parent before it are, in nanoseconds.
    offset: u64,
    /// The end of the byte range of the part before it, and its URI.
    previous_range: Option<(u64, Span)>,
}

/// A report before what it leaves out is filled in.
#[derive(Debug)]
pub(super) struct RawReport {
    url: url::Url,
    number: Option<u64>,
    part: Option<u64>,
}

impl<'p> State<'p> {
    /// Takes in a tag that does not change what segments inherit.
    pub(super) fn detail(&mut self, tag: &TagEntry) -> Result<(), Error> {
        if tag.name == TagName::Part {
            return self.part(tag);
        }
        if tag.name == TagName::Unknown {
            self.details.foreign_tags.push(ForeignEntry {
                name: tag.raw_name,
                value: tag.value,
                segment: self.index(),
            });
            return Ok(());
        }
        let text: &'p str = &self.playlist.common.text;
        let list = AttributeList::new(tag.value.of(text));
        if list.has_requirement() {
            return Ok(());
        }
        let duration = |name: &str| list.billionths(name).map(Duration::from_nanos);
        match tag.name {
            TagName::PartInf if self.details.part_target.is_none() => {
                self.details.part_target = duration("PART-TARGET");
            }
            TagName::ServerControl if !self.has_server_control => {
                self.has_server_control = true;
                self.details.server_control = ServerControl {
                    can_skip_until: duration("CAN-SKIP-UNTIL"),
                    can_skip_date_ranges: list.is_yes("CAN-SKIP-DATERANGES"),
                    hold_back: duration("HOLD-BACK"),
                    part_hold_back: duration("PART-HOLD-BACK"),
                    can_block_reload: list.is_yes("CAN-BLOCK-RELOAD"),
                };
            }
            TagName::PreloadHint => self.hint(&list, tag.line)?,
            TagName::RenditionReport => {
                let Some(url) = self.url(&list, tag.line)? else {
                    return Ok(());
                };
                let (number, part) = (list.integer("LAST-MSN"), list.integer("LAST-PART"));
                self.reports.push(RawReport { url, number, part });
            }
            TagName::DateRange => {
                let (expander, texts) = (&mut self.expander, &mut self.texts);
                return self.date_ranges.tag(tag, &list, self.base, expander, texts);
            }
            _ => {}
        }
        Ok(())
    }

    fn url(&mut self, list: &AttributeList<'_>, line: u32) -> Result<Option<url::Url>, Error> {
        let uri = self.expander.attribute(list, "URI", line)?;
        uri.map(|uri| join(self.base, &uri, line)).transpose()
    }

    fn hint(&mut self, list: &AttributeList<'_>, line: u32) -> Result<(), Error> {
        let kind = match list.text("TYPE") {
            Some("PART") => HintKind::Part,
            Some("MAP") => HintKind::Map,
            _ => return Ok(()),
        };
        let is_known = self.details.hints.iter().any(|hint| hint.kind == kind);
        if is_known || self.playlist.end_list {
            return Ok(());
        }
        if let Some(url) = self.url(list, line)? {
            self.details.hints.push(PreloadHint {
                kind,
                url,
                start: list.integer("BYTERANGE-START").unwrap_or(0),
                length: list.integer("BYTERANGE-LENGTH"),
            });
        }
        Ok(())
    }

    fn part(&mut self, tag: &TagEntry) -> Result<(), Error> {
        let text: &str = &self.playlist.common.text;
        let fields = PartFields::read(tag.value.of(text));
        // What is left out counts all the same, since servers count it.
        let part_index = self.cursor.index;
        self.cursor.index += 1;
        let (Some(uri), Some(nanoseconds), false) =
            (fields.uri, fields.nanoseconds, fields.is_ignored)
        else {
            self.cursor.previous_range = None;
            return Ok(());
        };
        let uri = self.uri(Span::within(text, uri), tag.line)?;
        let byte_range = self.part_range(fields.range, uri, tag.line)?;
        let overflow = || {
            Error::at(
                ErrorKind::Overflow,
                tag.line,
                "times or numbers exceed 64 bits from here",
            )
        };
        let segment = self.index();
        let number = self.playlist.media_sequence.checked_add(u64::from(segment));
        let offset = Duration::from_nanos(self.cursor.offset);
        let start = self.segments.duration().checked_add(offset);
        let key_set = self.key_set();
        let part = Part {
            media_sequence_number: number.ok_or_else(overflow)?,
            index: part_index,
            start: start.ok_or_else(overflow)?,
            duration: Duration::from_nanos(nanoseconds),
            byte_range,
            map: self.map,
            independent: fields.independent,
            gap: fields.gap,
            key_set,
            uri,
        };
        let pushed = self.details.parts.push(segment, &part);
        pushed.ok_or_else(overflow)?;
        let offset = self.cursor.offset.checked_add(nanoseconds);
        self.cursor.offset = offset.ok_or_else(overflow)?;
        Ok(())
    }

    fn part_range(
        &mut self,
        range: Option<&str>,
        uri: Span,
        line: u32,
    ) -> Result<Option<ByteRange>, Error> {
        let Some(range) = range else {
            self.cursor.previous_range = None;
            return Ok(None);
        };
        let range = self.expander.expand(range, line)?;
        let refused = |message: String| Error::at(ErrorKind::InvalidByteRange, line, message);
        let Some((length, offset)) = value::byte_range(range.as_bytes()) else {
            return Err(refused(format!(
                "\"{}\" is not a byte range",
                excerpt(&range)
            )));
        };
        let start = match (offset, self.cursor.previous_range) {
            (Some(offset), _) => offset,
            (None, Some((end, previous))) if self.is_same_resource(previous, uri) => end,
            (None, _) => {
                return Err(refused(
                    "the byte range has no offset and does not follow a part of the same segment and resource".to_owned(),
                ));
            }
        };
        let end = start
            .checked_add(length)
            .ok_or_else(|| refused("the byte range ends beyond 2^64".to_owned()))?;
        self.cursor.previous_range = Some((end, uri));
        Ok(Some(ByteRange { start, length }))
    }

    /// Everything that was collected, and what comes next; `text` is that of the timeline.
    pub(super) fn take_details(&mut self, text: &Arc<str>) -> Details {
        let unfinished = self.playlist.unfinished;
        let key_set = self.key_set();
        let mut details = std::mem::take(&mut self.details);
        details.pending = Pending {
            media_sequence_number: self
                .playlist
                .media_sequence
                .saturating_add(u64::from(self.index())),
            discontinuity_number: self
                .discontinuities
                .saturating_add(u64::from(unfinished.discontinuity)),
            part_count: self.cursor.index,
            start: self.segments.duration(),
            program_date_time: unfinished.date.or_else(|| self.date()),
            map: self.map,
            bitrate: self.bitrate,
            discontinuity: unfinished.discontinuity,
            gap: unfinished.gap,
            has_stated_date: unfinished.date.is_some(),
            key_set,
        };
        let segment = self.segments.len().checked_sub(1);
        let segment = segment.map(|last| self.segments.number(last));
        let part = Parts::new(&details.parts)
            .last()
            .map(|part| (part.media_sequence_number, part.index));
        let own_number = segment.max(part.map(|(number, _)| number)).unwrap_or(0);
        details.reports = std::mem::take(&mut self.reports)
            .into_iter()
            .map(|report| RenditionReport {
                url: report.url,
                last_media_sequence_number: report.number.unwrap_or(own_number),
                last_part: report.part.or(part.map(|(_, index)| index)),
            })
            .collect();
        let ranges = std::mem::take(&mut self.date_ranges);
        let source = Source::new(Arc::clone(text), Arc::clone(self.source.base()));
        details.date_ranges = ranges.finish(&Arc::new(source), self.playlist.end_list);
        details
    }
}
