//! The parsers that are compared, each made to hand out a number so that nothing is left out.

use hls_parse::{Context, Playlist, Timeline};
use quick_m3u8::config::{ParsingOptions, ParsingOptionsBuilder};
use quick_m3u8::{HlsLine, Reader};
use url::Url;

use super::playlists::Input;

/// A parser; `None` when it refuses the playlist.
pub(crate) struct Parser {
    pub(crate) name: &'static str,
    pub(crate) run: fn(&Input) -> Option<usize>,
}

/// This crate comes first, m3u8-rs second.
pub(crate) const PARSERS: &[Parser] = &[
    Parser {
        name: "hls-parse",
        run: ours,
    },
    Parser {
        name: "m3u8-rs",
        run: m3u8_rs,
    },
    Parser {
        name: "hls_m3u8",
        run: hls_m3u8,
    },
    Parser {
        name: "quick-m3u8",
        run: quick_m3u8,
    },
];

pub(crate) fn context() -> Context {
    Context::new(Url::parse("https://example.com/film/index.m3u8").unwrap())
}

pub(crate) fn resolved(text: &str) -> Timeline {
    let parsed = hls_parse::parse(text.as_bytes()).unwrap();
    let media = parsed.playlist.as_media().unwrap();
    media.resolve(&context()).unwrap()
}

/// Parsed, checked and resolved.
pub(crate) fn ours(input: &Input) -> Option<usize> {
    let parsed = hls_parse::parse(input.text.as_bytes()).ok()?;
    Some(match &parsed.playlist {
        Playlist::Media(media) => media.resolve(&context()).ok()?.segments().len(),
        Playlist::Multivariant(outer) => outer.resolve(&context()).ok()?.variants.len(),
    })
}

fn m3u8_rs(input: &Input) -> Option<usize> {
    Some(
        match m3u8_rs::parse_playlist_res(input.text.as_bytes()).ok()? {
            m3u8_rs::Playlist::MediaPlaylist(media) => media.segments.len(),
            m3u8_rs::Playlist::MasterPlaylist(outer) => outer.variants.len(),
        },
    )
}

fn hls_m3u8(input: &Input) -> Option<usize> {
    Some(if input.is_media {
        let media = hls_m3u8::MediaPlaylist::try_from(input.text.as_str()).ok()?;
        media.segments.values().count()
    } else {
        let outer = hls_m3u8::MasterPlaylist::try_from(input.text.as_str()).ok()?;
        outer.variant_streams.len()
    })
}

fn options() -> ParsingOptions {
    ParsingOptionsBuilder::new()
        .with_parsing_for_all_tags()
        .build()
}

/// The lines, typed and kept; it makes no playlist of them.
fn quick_m3u8(input: &Input) -> Option<usize> {
    let mut reader = Reader::from_str(&input.text, options());
    let mut lines: Vec<HlsLine<'_>> = Vec::new();
    while let Some(line) = reader.read_line().ok()? {
        lines.push(line);
    }
    Some(lines.len())
}
