//! Checks what a server changed between two copies of a Media Playlist (section 6.2).

use std::collections::HashMap;

use crate::attributes::AttributeList;
use crate::check::listing::{Identity, Listing};
use crate::check::media::place;
use crate::check::{MAX_FINDINGS, place_of, top};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::playlist::{MediaPlaylist, PlaylistType};
use crate::rule::Rule;
use crate::tag::TagName;

impl MediaPlaylist {
    /// Checks that this later copy is one that a server may have made of `previous`, which was found at the same URL.
    ///
    /// Delta updates are fine on either side as far as what they list goes. Places are those of this copy; what is gone is reported at its start. When the media
    /// sequence goes back nothing else is compared. URIs are compared as they are written.
    ///
    /// ```
    /// use hls_parse::Rule;
    ///
    /// let copy = |text: &str| hls_parse::parse(text.as_bytes()).map(|parsed| parsed.playlist);
    /// let before = copy("#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:6,\na.ts\n")?;
    /// let after = copy("#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXT-X-MEDIA-SEQUENCE:6\n#EXTINF:6,\na.ts\n")?;
    /// let (Some(before), Some(after)) = (before.as_media(), after.as_media()) else {
    ///     return Err("not Media Playlists".into());
    /// };
    /// assert_eq!(after.check_update(before)[0].rule, Rule::MediaSequenceChange);
    /// assert!(before.check_update(before).is_empty());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check_update(&self, previous: &MediaPlaylist) -> Vec<Diagnostic> {
        let mut diagnostics = Diagnostics::new(MAX_FINDINGS);
        let update = Update {
            previous: Listing::new(previous),
            next: Listing::new(self),
        };
        update.check(&mut diagnostics);
        diagnostics.finish().0
    }
}

struct Update<'t> {
    previous: Listing<'t>,
    next: Listing<'t>,
}

impl Update<'_> {
    fn check(&self, diagnostics: &mut Diagnostics) {
        let (before, after) = (self.previous.media, self.next.media);
        if let (Some(old), Some(new)) = (before.target_seconds, after.target_seconds)
            && old != new
        {
            let message = format_args!("the target duration was {old} before");
            self.report_at(
                TagName::TargetDuration,
                Rule::TargetDurationChange,
                message,
                diagnostics,
            );
        }
        let Some(removed) = after.media_sequence.checked_sub(before.media_sequence) else {
            self.report_at(
                TagName::MediaSequence,
                Rule::MediaSequenceChange,
                format_args!("the media sequence was {} before", before.media_sequence),
                diagnostics,
            );
            return;
        };
        self.check_type(removed, diagnostics);
        self.check_segments(diagnostics);
        if removed > 0 {
            self.check_remaining(diagnostics);
        }
        self.check_discontinuities(diagnostics);
        self.check_keys(diagnostics);
        self.check_parts(diagnostics);
        self.check_date_ranges(diagnostics);
    }

    fn report_at(
        &self,
        name: TagName,
        rule: Rule,
        message: std::fmt::Arguments<'_>,
        diagnostics: &mut Diagnostics,
    ) {
        let (place, span) = place_of(&self.next.media.common, name);
        diagnostics.report(rule, place, span, message);
    }

    fn check_type(&self, removed: u64, diagnostics: &mut Diagnostics) {
        let (before, after) = (self.previous.media, self.next.media);
        let fault = match (before.playlist_type, after.playlist_type) {
            (Some(PlaylistType::Vod), _) => (before.common.text != after.common.text)
                .then_some((Rule::PlaylistTypeChange, "a VOD playlist has changed")),
            (Some(PlaylistType::Event), _) if removed > 0 => Some((
                Rule::PlaylistTypeChange,
                "segments have left an EVENT playlist",
            )),
            (Some(PlaylistType::Event), None) => Some((
                Rule::PlaylistTypeChange,
                "the playlist was of the type EVENT before",
            )),
            (None, Some(_)) if removed > 0 => Some((
                Rule::Removal,
                "segments have left a playlist with EXT-X-PLAYLIST-TYPE",
            )),
            _ => None,
        };
        if let Some((rule, message)) = fault {
            self.report_at(
                TagName::PlaylistType,
                rule,
                format_args!("{message}"),
                diagnostics,
            );
        }
    }

    /// Numbers stay with their segments; what is at another number than before shows how many really left.
    fn check_segments(&self, diagnostics: &mut Diagnostics) {
        let before = self.previous.identities();
        let after = self.next.identities();
        let numbers = unique(&before, self.previous.first);
        let (mut shift, mut reported_order, mut reported_change) = (None, false, false);
        let listed = (0u64..).zip(&after).zip(&self.next.media.segments);
        for ((number, identity), segment) in listed {
            let Some(number) = self.next.first.checked_add(number) else {
                break;
            };
            let mut report = |rule: Rule, message: &str| {
                diagnostics.report(rule, place(segment), segment.uri.range(), message);
            };
            let moved = numbers
                .get(identity)
                .copied()
                .flatten()
                .map(|old| i128::from(old) - i128::from(number));
            match (moved, shift) {
                (Some(moved), None) => {
                    shift = Some(moved);
                    if moved != 0 {
                        report(
                            Rule::MediaSequenceChange,
                            "the segment had another Media Sequence Number before",
                        );
                    }
                }
                (Some(moved), Some(shift))
                    if moved != shift && !std::mem::replace(&mut reported_order, true) =>
                {
                    report(
                        Rule::Removal,
                        "segments before this one have left out of order",
                    );
                }
                (None, _) => {
                    let old = self
                        .previous
                        .index(number)
                        .and_then(|index| before.get(index));
                    if old.is_some_and(|old| old != identity)
                        && shift.unwrap_or(0) == 0
                        && !reported_order
                        && !std::mem::replace(&mut reported_change, true)
                    {
                        report(
                            Rule::SegmentChange,
                            "there was another segment at this Media Sequence Number before",
                        );
                    }
                }
                _ => {}
            }
        }
        if self.next.end() < self.previous.end() && shift.unwrap_or(0) == 0 {
            self.report_at(
                TagName::MediaSequence,
                Rule::Removal,
                format_args!("segments have left at the end"),
                diagnostics,
            );
        }
    }

    /// What stays of a live playlist lasts three target durations (section 6.2.2).
    fn check_remaining(&self, diagnostics: &mut Diagnostics) {
        let (before, after) = (self.previous.media, self.next.media);
        let target = after.target_seconds.unwrap_or(0);
        let skipped = self
            .previous
            .index(after.media_sequence)
            .zip(
                self.previous
                    .index(self.next.first)
                    .or(Some(before.segments.len())),
            )
            .filter(|_| self.next.is_delta)
            .and_then(|(from, to)| before.segments.get(from..to));
        let remaining = skipped
            .unwrap_or_default()
            .iter()
            .chain(&after.segments)
            .fold(0u64, |sum, segment| sum.saturating_add(segment.nanoseconds));
        if !after.end_list && u128::from(remaining) < u128::from(target) * 3_000_000_000 {
            self.report_at(
                TagName::MediaSequence,
                Rule::Removal,
                format_args!("segments have left a live playlist that is below three target durations without them"),
                diagnostics,
            );
        }
    }

    fn check_discontinuities(&self, diagnostics: &mut Diagnostics) {
        let (before, after) = (self.previous.media, self.next.media);
        // The first number that both tell, whether it is listed or skipped in the later copy.
        let number = after.media_sequence.max(self.previous.first);
        let Some(index) = self.previous.index(number) else {
            return;
        };
        let Some(old) = self.previous.discontinuity_number(index) else {
            return;
        };
        let fits = if self.next.is_delta {
            let own = before
                .segments
                .get(index)
                .is_some_and(|segment| segment.discontinuity);
            let least = old.saturating_sub(u64::from(own));
            (least..=old).contains(&after.discontinuity_sequence)
        } else {
            let new = self.next.index(number);
            new.and_then(|new| self.next.discontinuity_number(new))
                .is_none_or(|new| new == old)
        };
        if !fits {
            self.report_at(
                TagName::DiscontinuitySequence,
                Rule::DiscontinuitySequenceChange,
                format_args!(
                    "the segment {number} had the discontinuity sequence number {old} before"
                ),
                diagnostics,
            );
        }
    }

    /// An `EXT-X-KEY` is not removed while a segment that it applies to is there (section 6.2.3).
    fn check_keys(&self, diagnostics: &mut Diagnostics) {
        if self.previous.is_delta || self.next.is_delta {
            return;
        }
        let number = self.next.first.max(self.previous.first);
        let (Some(old), Some(new)) = (self.previous.index(number), self.next.index(number)) else {
            return;
        };
        let kept = key_formats(&self.next, new);
        let lost = key_formats(&self.previous, old)
            .into_iter()
            .any(|format| !kept.contains(&format));
        if let (true, Some(segment)) = (lost, self.next.media.segments.get(new)) {
            diagnostics.report(
                Rule::Removal,
                place(segment),
                segment.uri.range(),
                "an EXT-X-KEY that applied to the segment before is gone",
            );
        }
    }

    /// Partial segments are only added at the end and removed at the start.
    fn check_parts(&self, diagnostics: &mut Diagnostics) {
        let Some((&oldest, _)) = self.next.parts.first_key_value() else {
            return;
        };
        for (number, before) in self.previous.parts.range(oldest..) {
            let uris = |parts: &[(_, _)]| parts.iter().map(|(_, uri)| *uri).collect::<Vec<&str>>();
            let old = uris(before);
            let new = self.next.parts.get(number).map(|parts| uris(parts));
            let fits = new.as_ref().is_some_and(|new| {
                // Those of the oldest parent may have begun to leave.
                let left = old.iter().position(|uri| Some(uri) == new.first());
                let left = left.filter(|_| *number == oldest).unwrap_or(0);
                old.get(left..).is_some_and(|rest| new.starts_with(rest))
            });
            if !fits {
                let shown = self.next.parts.get(number).or(self.next.parts.get(&oldest));
                if let Some((tag, _)) = shown.and_then(|parts| parts.first()) {
                    diagnostics.report(
                        Rule::Removal,
                        tag.place(),
                        tag.value.range(),
                        "partial segments have left out of order or have changed",
                    );
                }
                return;
            }
        }
    }

    fn check_date_ranges(&self, diagnostics: &mut Diagnostics) {
        let first = self.next.media.media_sequence;
        let start = match self.next.index(first) {
            Some(index) => self.next.date(index),
            None => self
                .previous
                .index(first)
                .and_then(|index| self.previous.date(index)),
        };
        let end = self.next.date(self.next.media.segments.len());
        for (id, range) in &self.previous.ranges {
            if let Some(other) = self.next.ranges.get(id) {
                if range
                    .start()
                    .zip(other.start())
                    .is_some_and(|(old, new)| old != new)
                {
                    diagnostics.report(
                        Rule::DateRangeChange,
                        other.first.place(),
                        other.first.value.range(),
                        "the ID was that of a date range with another START-DATE before",
                    );
                }
                continue;
            }
            // A delta update that may drop date ranges keeps all that it does not name.
            let removed = &self.next.removed;
            if removed
                .as_ref()
                .is_some_and(|removed| !removed.contains(id))
            {
                continue;
            }
            let (Some(extent), Some(start), Some(end)) = (self.previous.extent(range), start, end)
            else {
                continue;
            };
            if extent.0 < end && (extent.1 > start || extent.0 == extent.1 && extent.0 >= start) {
                let (place, span) = top();
                diagnostics.report(
                    Rule::DateRangeChange,
                    place,
                    span,
                    "a date range is gone although segments overlap it",
                );
            }
        }
    }
}

/// The number of each segment that is there once.
fn unique<'t>(identities: &[Identity<'t>], first: u64) -> HashMap<Identity<'t>, Option<u64>> {
    let mut numbers = HashMap::with_capacity(identities.len());
    for (number, identity) in (0u64..).zip(identities) {
        // What has none that 64 bits can hold is like nothing else.
        let Some(number) = first.checked_add(number) else {
            break;
        };
        numbers
            .entry(*identity)
            .and_modify(|known| *known = None)
            .or_insert(Some(number));
    }
    numbers
}

/// The formats of the keys that apply to a segment.
fn key_formats<'t>(listing: &Listing<'t>, index: usize) -> Vec<&'t str> {
    let text: &'t str = &listing.media.common.text;
    let mut formats: Vec<&str> = Vec::new();
    for tag in listing.tags(TagName::Key) {
        if tag.segments_before as usize > index {
            break;
        }
        let list = AttributeList::new(tag.value.of(text));
        let format = list.text("KEYFORMAT").unwrap_or("identity");
        if list.text("METHOD") == Some("NONE") {
            formats.clear();
        } else if !formats.contains(&format) && formats.len() < 64 {
            formats.push(format);
        }
    }
    formats
}
