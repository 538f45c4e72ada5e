//! Integration tests of hls-parse, one module for each topic.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[cfg(feature = "serde")]
mod asset_list;
mod build;
mod build_live;
mod canonical;
mod differential;
#[cfg(feature = "m3u8-rs")]
mod exchange;
mod history;
mod hostile;
mod laws;
mod local;
mod local_dates;
mod local_keys;
mod low_latency;
mod meaning;
mod metadata;
mod parse;
mod resolve;
mod rules;
mod seeds;
mod selection;
mod selection_laws;
#[cfg(feature = "serde")]
mod serialized;
mod slice;
mod steering;
mod update;
mod update_laws;
#[cfg(feature = "m3u8-rs")]
mod whole_models;

use hls_parse::{Context, Error, MediaPlaylist, Multivariant, MultivariantPlaylist, Timeline};
use url::Url;

fn context() -> Context {
    Context::new(Url::parse("https://example.com/film/index.m3u8?token=a%2Fb&empty=").unwrap())
}

fn media(text: &str) -> MediaPlaylist {
    let parsed = hls_parse::parse(text.as_bytes()).unwrap();
    parsed.playlist.as_media().unwrap().clone()
}

fn multivariant_playlist(text: &str) -> MultivariantPlaylist {
    let parsed = hls_parse::parse(text.as_bytes()).unwrap();
    parsed.playlist.as_multivariant().unwrap().clone()
}

fn resolved(text: &str) -> Result<Timeline, Error> {
    media(text).resolve(&context())
}

fn timeline(text: &str) -> Timeline {
    resolved(text).unwrap()
}

fn multivariant(text: &str) -> Multivariant {
    multivariant_playlist(text).resolve(&context()).unwrap()
}

fn rules(text: &str) -> Vec<String> {
    let parsed = hls_parse::parse(text.as_bytes()).unwrap();
    parsed
        .diagnostics
        .iter()
        .map(|diagnostic| diagnostic.rule.to_string())
        .collect()
}
