//! From lines to a playlist, in one pass.

use std::sync::Arc;

use crate::attributes::AttributeList;
use crate::check;
use crate::diagnostic::{Diagnostics, Fix, LinePlace, Severity};
use crate::entry_attributes::EntryAttributes;
use crate::error::{Error, ErrorKind, excerpt};
use crate::lines::{BYTE_ORDER_MARK, Line, LineKind, lines};
use crate::media::SegmentReader;
use crate::options::{ParseOptions, Strictness};
use crate::playlist::{Common, MultivariantPlaylist, Parsed, Playlist, Start, TagEntry};
use crate::room::make_room;
use crate::rule::Rule;
use crate::tag::{TagClass, TagName};
use crate::value::{self, Span};

/// Parses a playlist, forgiving what leaves a meaning.
///
/// # Errors
/// [`ErrorKind::NotAPlaylist`] when the first line is not `#EXTM3U` and no tag that such a line follows, [`ErrorKind::LimitExceeded`] when they are too many.
///
/// ```
/// let parsed = hls_parse::parse(b"#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\na.ts\n#EXT-X-ENDLIST\n")?;
/// assert_eq!(parsed.playlist.as_media().map(|media| media.segment_count()), Some(1));
/// assert!(parsed.diagnostics.is_empty());
/// # Ok::<(), hls_parse::Error>(())
/// ```
pub fn parse(input: &[u8]) -> Result<Parsed, Error> {
    parse_with(input, &ParseOptions::default())
}

/// Parses a playlist with other limits or another strictness.
///
/// # Errors
/// As [`parse()`], and [`ErrorKind::RuleViolation`] when a rule is broken that `options` do not forgive.
pub fn parse_with(input: &[u8], options: &ParseOptions) -> Result<Parsed, Error> {
    let max_bytes = options.max_bytes.min(u32::MAX as usize - 1);
    if input.len() > max_bytes {
        return Err(Error::new(
            ErrorKind::LimitExceeded,
            format!(
                "the playlist has {} bytes, more than {max_bytes}",
                input.len()
            ),
        ));
    }
    let mut diagnostics = Diagnostics::new(options.max_diagnostics);
    check_header(input, &mut diagnostics)?;
    let text = check::text::readable(input, &mut diagnostics);
    let mut parser = Parser {
        options,
        diagnostics,
        common: Common {
            has_references: memchr::memmem::find(text.as_bytes(), b"{$").is_some(),
            text: Arc::clone(&text),
            version: None,
            independent_segments: false,
            start: None,
            tags: Vec::new(),
        },
        segments: SegmentReader::new(text.len()),
        stream_inf: None,
        counts: Counts::default(),
        unfinished: Vec::new(),
    };
    for line in lines(text.as_bytes()) {
        parser.line(&line, &text)?;
    }
    parser.finish()
}

/// The header may stand after blank lines and comments and with white space after it, or after other tags, which is reported.
fn check_header(input: &[u8], diagnostics: &mut Diagnostics) -> Result<(), Error> {
    const HEADER: &[u8] = b"#EXTM3U";
    let first =
        lines(input).find(|line| !matches!(line.kind(), LineKind::Blank | LineKind::Comment));
    let Some(line) = first else {
        return Err(Error::new(
            ErrorKind::NotAPlaylist,
            "the input is empty, a playlist starts with #EXTM3U",
        ));
    };
    let start = line.text.trim_ascii_start();
    let rest = start.strip_prefix(HEADER);
    let is_header = matches!(rest, Some([] | [b' ' | b'\t' | b'\r' | b':' | b',', ..]));
    if !is_header && !precedes_header(&line, input) {
        let found: Vec<u8> = start.iter().copied().take(40).collect();
        let found = excerpt(&String::from_utf8_lossy(&found));
        let message = format!("expected #EXTM3U, found \"{found}\"");
        let column = u32::try_from(line.text.len() - start.len() + 1).unwrap_or(u32::MAX);
        return Err(Error::at(ErrorKind::NotAPlaylist, line.number, message).with_column(column));
    }
    if line.number != 1 || line.text != HEADER {
        let place = LinePlace {
            number: line.number,
            start: line.start,
        };
        diagnostics.report_with(
            Rule::HeaderLine,
            place,
            line.span(),
            if is_header {
                "the first line is not exactly #EXTM3U"
            } else {
                "there are tags before #EXTM3U"
            },
            || (line.number == 1 && is_header).then(|| Fix::new(line.span(), "#EXTM3U")),
        );
    }
    if input.starts_with(BYTE_ORDER_MARK) {
        let place = LinePlace {
            number: 1,
            start: 0,
        };
        diagnostics.report_with(
            Rule::NotUtf8,
            place,
            0..BYTE_ORDER_MARK.len(),
            "there is a byte order mark",
            || Some(Fix::new(0..BYTE_ORDER_MARK.len(), "")),
        );
    }
    Ok(())
}

/// Whether the line is a tag that only playlists have, with the header somewhere after it.
fn precedes_header(line: &Line<'_>, input: &[u8]) -> bool {
    let tag = |line: &Line<'_>| match line.kind() {
        LineKind::Tag { name, .. } => TagName::from_bytes(name),
        _ => TagName::Unknown,
    };
    tag(line) != TagName::Unknown && lines(input).any(|line| tag(&line) == TagName::ExtM3u)
}

/// How many tags of each class there were, from which the kind of the playlist is told.
#[derive(Debug, Default)]
struct Counts {
    media: u32,
    multivariant: u32,
    variants: u32,
}

struct Parser<'o> {
    options: &'o ParseOptions,
    diagnostics: Diagnostics,
    common: Common,
    segments: SegmentReader,
    /// The index of an `EXT-X-STREAM-INF` that waits for its URI line.
    stream_inf: Option<usize>,
    counts: Counts,
    /// The tags of a segment whose URI line has not come yet; without one they are kept as they are.
    unfinished: Vec<TagEntry>,
}

impl Parser<'_> {
    fn line(&mut self, line: &Line<'_>, text: &str) -> Result<(), Error> {
        if line.number > self.options.max_lines {
            return Err(Error::at(
                ErrorKind::LimitExceeded,
                line.number,
                format!("more than {} lines", self.options.max_lines),
            )
            .with_column(1));
        }
        let place = LinePlace {
            number: line.number,
            start: line.start,
        };
        match line.kind() {
            LineKind::Blank | LineKind::Comment => return Ok(()),
            LineKind::Uri { start, text } => self.uri(Span::new(start, text.len()), place),
            LineKind::Tag { start, name, value } => {
                let raw_name = Span::new(start + 1, name.len());
                let value_start = start + 1 + name.len() + usize::from(value.is_some());
                let value = Span::new(value_start, value.map_or(0, <[u8]>::len));
                self.tag(TagName::from_bytes(name), raw_name, value, place, text);
            }
        }
        if line.has_stray_space() {
            self.diagnostics.report_with(
                Rule::StrayWhiteSpace,
                place,
                line.span(),
                "there is white space before or after the line",
                || {
                    let trimmed = std::str::from_utf8(line.text.trim_ascii()).ok()?;
                    Some(Fix::new(line.span(), trimmed))
                },
            );
        }
        Ok(())
    }

    fn uri(&mut self, uri: Span, place: LinePlace) {
        if let Some(index) = self.stream_inf.take() {
            if let Some(entry) = self.common.tags.get_mut(index) {
                entry.uri = Some(uri);
            }
        } else {
            self.segments.uri(uri, place.number);
            self.unfinished.clear();
        }
    }

    fn tag(&mut self, name: TagName, raw_name: Span, value: Span, place: LinePlace, text: &str) {
        let entry = TagEntry {
            name,
            line: place.number,
            segments_before: self.segments.count(),
            raw_name,
            value,
            uri: None,
        };
        let takes_nothing = matches!(
            name,
            TagName::IndependentSegments
                | TagName::EndList
                | TagName::IFramesOnly
                | TagName::Discontinuity
                | TagName::Gap
        );
        if takes_nothing && value.start < value.end {
            let extra = (value.start as usize).saturating_sub(1)..value.end as usize;
            self.diagnostics.report_with(
                Rule::TagValue,
                place,
                extra.clone(),
                "the tag takes no value, what it has is ignored",
                || Some(Fix::new(extra, "")),
            );
        }
        match name.class() {
            TagClass::Media => {
                self.counts.media += 1;
                let value_text = value.of(text);
                let known =
                    self.segments
                        .tag(name, value_text, value, place, &mut self.diagnostics);
                if known {
                    self.unfinished.push(entry);
                    return;
                }
            }
            TagClass::Multivariant => {
                self.counts.multivariant += 1;
                if name == TagName::StreamInf {
                    self.counts.variants += 1;
                    self.stream_inf = Some(self.common.tags.len());
                }
            }
            TagClass::Both if name == TagName::ExtM3u => return,
            TagClass::Both => self.common_tag(name, value, place, text),
            TagClass::Unknown => {}
        }
        make_room(&mut self.common.tags, place.start, text.len());
        self.common.tags.push(entry);
    }

    fn common_tag(&mut self, name: TagName, value: Span, place: LinePlace, text: &str) {
        let value_text = value.of(text);
        let mut repeated = None;
        match name {
            TagName::Version => match value::decimal_integer(value_text.as_bytes()) {
                Some(version) if self.common.version.is_none() => {
                    self.common.version = Some(version);
                }
                Some(_) => repeated = Some(Rule::RepeatedVersion),
                None => self.diagnostics.report(
                    Rule::DecimalInteger,
                    place,
                    value.range(),
                    "the version is not a number and is ignored",
                ),
            },
            TagName::IndependentSegments => {
                if self.common.independent_segments {
                    repeated = Some(Rule::RepeatedHeaderTag);
                }
                self.common.independent_segments = true;
            }
            TagName::Start => {
                let list = AttributeList::new(value_text);
                let start = list
                    .text("TIME-OFFSET")
                    .and_then(|offset| Start::parse(offset, list.is_yes("PRECISE")));
                if self.common.start.is_some() {
                    repeated = Some(Rule::RepeatedHeaderTag);
                } else if start.is_none() {
                    self.diagnostics.report(
                        Rule::TagValue,
                        place,
                        value.range(),
                        "EXT-X-START has no TIME-OFFSET that is a number and is ignored",
                    );
                } else {
                    self.common.start = start;
                }
            }
            _ => {}
        }
        if let Some(rule) = repeated {
            self.diagnostics.report_with(
                rule,
                place,
                value.range(),
                "the tag is repeated, the first one counts",
                || Fix::delete_line(text, place.start),
            );
        }
    }

    fn finish(mut self) -> Result<Parsed, Error> {
        let (media_tags, multivariant_tags) = (self.counts.media, self.counts.multivariant);
        // Without a tag of either kind there is nothing to choose from, so nothing to select: an empty Media Playlist, which lacks a target duration.
        let is_media = multivariant_tags == 0
            || media_tags > 0 && (self.segments.any_duration() || self.counts.variants == 0);
        if !self.unfinished.is_empty() {
            if let Some(tag) = self.unfinished.iter().find(|tag| tag.name == TagName::Inf) {
                self.diagnostics.report(
                    Rule::UnfinishedSegment,
                    tag.place(),
                    tag.value.range(),
                    "no URI line follows, there is no segment",
                );
            }
            self.common.tags.append(&mut self.unfinished);
            self.common.tags.sort_by_key(|tag| tag.line);
        }
        let media = self.segments.finish(self.common);
        let mut entries = EntryAttributes::default();
        if is_media {
            check::media::check(&media, self.options, &mut self.diagnostics)?;
        } else {
            entries = check::multivariant::check(&media, self.options, &mut self.diagnostics)?;
        }
        if media_tags > 0 && multivariant_tags > 0 {
            check::mixed_kinds(&media.common, is_media, &mut self.diagnostics);
        }
        fail_on(self.options.strictness, &self.diagnostics)?;
        let (diagnostics, suppressed_diagnostics) = self.diagnostics.forgive();
        Ok(Parsed {
            playlist: if is_media {
                Playlist::Media(media)
            } else {
                Playlist::Multivariant(MultivariantPlaylist {
                    common: media.common,
                    entries: Arc::new(entries),
                })
            },
            diagnostics,
            suppressed_diagnostics,
        })
    }
}

fn fail_on(strictness: Strictness, diagnostics: &Diagnostics) -> Result<(), Error> {
    let fatal = match strictness {
        Strictness::Lenient => return Ok(()),
        Strictness::Client => Severity::Fatal,
        Strictness::Strict => Severity::Error,
    };
    match diagnostics.worst() {
        Some(worst) if worst.severity >= fatal => Err(Error::unforgiven(worst)),
        _ => Ok(()),
    }
}
