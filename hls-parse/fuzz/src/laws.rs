//! Laws that take any bytes. A broken one panics.

use std::borrow::Cow;

use hls_parse::{
    Change, Context, Document, LineKind, LocalKey, LocalMedia, LocalMultivariant, Multivariant,
    ParseOptions, Playlist, RenditionRequest, SelectionRequest, Severity, Strictness, Timeline,
    attributes, lines, parse, parse_with,
};
use url::Url;

/// Where the playlists are said to come from.
const BASE: &str = "https://example.com/film/index.m3u8?token=a%2Fb&empty=";

fn context() -> Context {
    Context::new(Url::parse(BASE).unwrap())
}

/// Lines and attributes are parts of the input, in order, and leave nothing out.
pub fn tokenize(input: &[u8]) {
    let (mut position, mut number) = (0, 0);
    for line in lines(input) {
        number += 1;
        assert_eq!(line.number, number, "lines are counted from 1");
        assert!(line.start >= position, "lines do not overlap");
        assert_eq!(
            line.text,
            &input[line.span()],
            "a line is what its span says"
        );
        position = line.span().end;
        let LineKind::Tag { value, .. } = line.kind() else {
            continue;
        };
        let Some(value) = value.and_then(|value| std::str::from_utf8(value).ok()) else {
            continue;
        };
        let mut end = 0;
        for attribute in attributes(value) {
            assert!(attribute.span.start >= end && attribute.span.end <= value.len());
            let written = &value[attribute.span.clone()];
            assert!(written.contains(attribute.name) && written.contains(attribute.value));
            end = attribute.span.end;
        }
    }
    assert_eq!(Document::parse(input).unwrap().write(), input);
}

/// Diagnostics point into the input, and strictness refuses exactly what it says.
pub fn parse_bytes(input: &[u8]) {
    let count = u32::try_from(lines(input).count()).unwrap().max(1);
    let strict = |strictness| parse_with(input, &ParseOptions::default().strictness(strictness));
    let Ok(parsed) = parse(input) else {
        assert!(strict(Strictness::Client).is_err() && strict(Strictness::Strict).is_err());
        return;
    };
    let mut worst = None;
    for diagnostic in &parsed.diagnostics {
        assert!((1..=count).contains(&diagnostic.line), "{diagnostic}");
        assert!(diagnostic.column >= 1, "{diagnostic}");
        assert!(diagnostic.span.start <= diagnostic.span.end, "{diagnostic}");
        assert!(diagnostic.span.end <= input.len(), "{diagnostic}");
        assert!(diagnostic.severity < Severity::Fatal, "{diagnostic}");
        worst = worst.max(Some(diagnostic.rule.severity()));
    }
    if parsed.suppressed_diagnostics == 0 {
        assert_eq!(
            strict(Strictness::Client).is_err(),
            worst >= Some(Severity::Fatal)
        );
        assert_eq!(
            strict(Strictness::Strict).is_err(),
            worst >= Some(Severity::Error)
        );
    }
}

/// What is resolved can be used: numbers follow each other, indices exist, URLs join, resources are there once.
pub fn resolve(input: &[u8]) {
    let Ok(parsed) = parse(input) else {
        return;
    };
    match &parsed.playlist {
        Playlist::Media(playlist) => {
            let Ok(timeline) = playlist.resolve(&context()) else {
                return;
            };
            assert_eq!(timeline.segments().len(), playlist.segment_count());
            assert_eq!(timeline.duration(), playlist.duration());
            check_segments(&timeline);
            let resources = timeline.resources();
            let mut seen: Vec<_> = resources
                .iter()
                .map(|found| (&found.url, found.byte_range))
                .collect();
            seen.sort_unstable();
            seen.dedup();
            assert_eq!(seen.len(), resources.len(), "each resource is listed once");
            timeline.protection();
        }
        Playlist::Multivariant(playlist) => {
            let Ok(resolved) = playlist.resolve(&context()) else {
                return;
            };
            assert!(resolved.variants.len() <= playlist.variant_count());
            for renditions in [
                RenditionRequest::Automatic,
                RenditionRequest::All,
                RenditionRequest::None,
                RenditionRequest::Languages(vec!["en-x-a".into(), "de".into()]),
            ] {
                let request = SelectionRequest {
                    audio: renditions.clone(),
                    subtitles: renditions,
                    ..SelectionRequest::default()
                };
                match resolved.select(&request) {
                    Ok(selection) => {
                        assert!(
                            selection
                                .variants
                                .iter()
                                .all(|&index| index < resolved.variants.len())
                        );
                        assert!(
                            selection
                                .renditions
                                .iter()
                                .all(|&index| index < resolved.renditions.len())
                        );
                    }
                    Err(_) => assert!(resolved.variants.is_empty()),
                }
            }
        }
    }
}

fn check_segments(timeline: &Timeline) {
    let base = Url::parse(BASE).unwrap();
    let (mut start, mut number) = (std::time::Duration::ZERO, timeline.media_sequence());
    for (index, segment) in timeline.segments().iter().enumerate() {
        assert_eq!(
            (segment.start, segment.media_sequence_number),
            (start, number)
        );
        start += segment.duration;
        number = number.wrapping_add(1);
        if let Some(range) = segment.byte_range {
            assert!(range.start.checked_add(range.length).is_some());
        }
        let mut joined = base.join(timeline.segment_uri(index)).unwrap();
        joined.set_fragment(None);
        assert_eq!(timeline.segment_url(index), joined);
        assert!(segment.map.is_none_or(|map| map < timeline.maps().len()));
        for &key in timeline.segment_keys(index) {
            assert!(key < timeline.keys().len());
            timeline.segment_iv(index, key);
        }
    }
    assert_eq!(start, timeline.duration());
}

/// Merging a later copy keeps a timeline whole, and the same copy once more brings nothing. The input is both copies, one after the other.
pub fn update(input: &[u8]) {
    const HEADER: &[u8] = b"#EXTM3U";
    let Some(second) = input
        .windows(HEADER.len())
        .skip(1)
        .position(|window| window == HEADER)
    else {
        return;
    };
    let (before, after) = input.split_at(second + 1);
    let (Ok(before), Ok(after)) = (parse(before), parse(after)) else {
        return;
    };
    let (Playlist::Media(before), Playlist::Media(after)) = (&before.playlist, &after.playlist)
    else {
        return;
    };
    let Ok(known) = before.resolve(&context()) else {
        return;
    };
    let Ok(update) = known.update(after, &context()) else {
        return;
    };
    let timeline = &update.timeline;
    assert!(update.added.end <= timeline.segments().len());
    let mut number = timeline.media_sequence();
    for (index, segment) in timeline.segments().iter().enumerate() {
        assert_eq!(segment.media_sequence_number, number);
        number = number.wrapping_add(1);
        timeline.segment_url(index);
        assert!(segment.map.is_none_or(|map| map < timeline.maps().len()));
        let keys = timeline.segment_keys(index).iter();
        assert!(keys.copied().all(|key| key < timeline.keys().len()));
    }
    timeline.resources();
    if update.change != Change::Stale {
        let again = timeline.update(after, &context()).unwrap();
        assert!(!again.change.is_news(), "the same copy brought news");
        assert_eq!(again.timeline.segments().len(), timeline.segments().len());
    }
}

/// Everything is there, under names that have nothing to do with the playlist.
struct Everything;

impl LocalMedia for Everything {
    fn segment(&self, index: usize) -> Option<Cow<'_, str>> {
        Some(format!("s{index}").into())
    }

    fn map(&self, index: usize) -> Option<Cow<'_, str>> {
        Some(format!("i{index}").into())
    }

    fn key(&self, index: usize) -> Option<LocalKey> {
        Some(LocalKey::At(format!("k{index}")))
    }
}

/// What is written is a playlist of the same kind with the same contents, and none that a client must refuse.
pub fn write(input: &[u8]) {
    let Ok(parsed) = parse(input) else {
        return;
    };
    match &parsed.playlist {
        Playlist::Media(playlist) => {
            let Ok(original) = playlist.resolve(&context()) else {
                return;
            };
            if let Ok(text) = original.write() {
                let parsed = parse(text.as_bytes()).unwrap();
                let copy = parsed.playlist.as_media().unwrap();
                let copy = copy.resolve(&context()).unwrap();
                assert_eq!(copy.segments().len(), original.segments().len());
                assert_eq!(copy.date_ranges(), original.date_ranges());
                assert_eq!(
                    copy.write().unwrap(),
                    text,
                    "what is canonical stays as it is"
                );
            }
            let text = original.write_local(&Everything, true);
            let Playlist::Media(written) = accepted(&text) else {
                panic!("a Media Playlist became a Multivariant Playlist:\n{text}");
            };
            let copy = written.resolve(&context()).unwrap();
            assert_eq!(copy.segments().len(), original.segments().len());
            for (index, (one, other)) in copy.segments().iter().zip(original.segments()).enumerate()
            {
                assert_eq!(one.duration, other.duration);
                assert_eq!(one.media_sequence_number, other.media_sequence_number);
                assert_eq!(one.discontinuity_number, other.discontinuity_number);
                assert_eq!(
                    (one.discontinuity, one.gap),
                    (other.discontinuity, other.gap)
                );
                if !one.gap {
                    assert_eq!(copy.segment_uri(index), format!("s{index}"));
                }
            }
        }
        Playlist::Multivariant(playlist) => {
            let Ok(original) = playlist.resolve(&context()) else {
                return;
            };
            if let Ok(text) = original.write(None) {
                let Playlist::Multivariant(written) = accepted(&text) else {
                    assert!(
                        original.variants.is_empty() && original.renditions.is_empty(),
                        "{text}"
                    );
                    return;
                };
                let copy = written.resolve(&context()).unwrap();
                let urls = |of: &Multivariant| -> Vec<Url> {
                    let variants = of.variants.iter().chain(&of.i_frame_variants);
                    let variants = variants.map(|variant| variant.url().clone());
                    let renditions = of.renditions.iter();
                    variants
                        .chain(renditions.filter_map(|member| member.url().cloned()))
                        .collect()
                };
                assert_eq!(urls(&copy), urls(&original));
                assert_eq!(
                    copy.write(None).unwrap(),
                    text,
                    "what is canonical stays as it is"
                );
            }
            if original.variants.is_empty() {
                // Nothing in what is written would tell its kind.
                return;
            }
            let offered = everything(&original);
            let text = original.write_local(&offered);
            let Playlist::Multivariant(written) = accepted(&text) else {
                panic!("a Multivariant Playlist became a Media Playlist:\n{text}");
            };
            let copy = written.resolve(&context()).unwrap();
            assert_eq!(copy.variants.len(), original.variants.len());
            assert_eq!(copy.i_frame_variants.len(), original.i_frame_variants.len());
            for (one, other) in copy.variants.iter().zip(&original.variants) {
                assert_eq!(one.bandwidth.unwrap_or(0), other.bandwidth.unwrap_or(0));
                assert_eq!(
                    (one.resolution, one.frame_rate),
                    (other.resolution, other.frame_rate)
                );
            }
        }
    }
}

/// Reads what was written as a client must.
fn accepted(text: &str) -> Playlist {
    let options = ParseOptions::default().strictness(Strictness::Client);
    match parse_with(text.as_bytes(), &options) {
        Ok(parsed) => parsed.playlist,
        Err(error) => panic!("{error} in\n{text}"),
    }
}

/// All of a playlist, under new names.
fn everything(original: &Multivariant) -> LocalMultivariant {
    let numbered = |prefix: &str, count: usize| {
        (0..count)
            .map(|index| (index, format!("{prefix}{index}")))
            .collect()
    };
    let renditions = original.renditions.iter().enumerate();
    LocalMultivariant {
        variants: numbered("v", original.variants.len()),
        renditions: renditions
            .map(|(index, rendition)| (index, rendition.url().map(|_| format!("r{index}"))))
            .collect(),
        i_frame_variants: numbered("i", original.i_frame_variants.len()),
        session_keys: true,
    }
}
