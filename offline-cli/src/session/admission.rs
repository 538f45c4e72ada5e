//! What is refused before anything is stored: what is protected, still grows, or could not be played.

use hls_parse::{Key, KeyMethod, Timeline};

use super::resolve::ResolvedTrack;
use super::{DownloadRequest, source};
use crate::{Error, ErrorKind, Result};

pub(super) fn check_downloadable(track: &ResolvedTrack, request: &DownloadRequest) -> Result<()> {
    let treat_as_vod = request.treat_as_vod;
    check_open(track, request.keep_protected)?;
    let at = source::shown(&track.playlist.url);
    if track.timeline.is_live() && !treat_as_vod {
        return Err(Error::new(ErrorKind::Live, format!("{at} is live: it has no EXT-X-ENDLIST"))
            .hint("record it with --live, download it when it has ended, or take what it lists now with --treat-as-vod"));
    }
    if !track.timeline.has_end_list() && !treat_as_vod {
        return Err(Error::new(
            ErrorKind::PlaylistRejected,
            format!("{at} was cut: it is VOD but has no EXT-X-ENDLIST"),
        )
        .hint("try again; if its server always leaves that out, add --treat-as-vod"));
    }
    check_media(&track.timeline).map_err(|what| {
        Error::new(ErrorKind::PlaylistRejected, format!("{at} {what}"))
            .hint("check that the address is the one the player uses")
    })
}

/// What is protected is kept only on demand, and what is encrypted in an unknown way not at all.
pub(super) fn check_open(track: &ResolvedTrack, keep_protected: bool) -> Result<()> {
    let at = source::shown(&track.playlist.url);
    if let Some(protection) = track.timeline.protection()
        && !keep_protected
    {
        return Err(protected(&at, &protection.name));
    }
    let lost = |key: &&Key| key.is_identity() && key.fetchable_url().is_none();
    if keep_protected && track.timeline.keys().iter().any(|key| lost(&key)) {
        return Err(Error::new(
            ErrorKind::Protected,
            format!("{at} has a key at an address that leads to none"),
        )
        .hint("only keys at http, https and data addresses can be kept"));
    }
    let unsupported = |key: &&Key| {
        let method = &key.method;
        key.is_identity()
            && !matches!(
                method,
                KeyMethod::Aes128 | KeyMethod::SampleAes | KeyMethod::SampleAesCtr
            )
    };
    if let Some(key) = track.timeline.keys().iter().find(unsupported) {
        return Err(Error::new(
            ErrorKind::Protected,
            format!("{at} is encrypted by METHOD={}", key.method),
        )
        .hint("AES-128 and SAMPLE-AES can be kept offline"));
    }
    Ok(())
}

/// What is there of it is protected by key systems.
pub(super) fn protected(at: &str, systems: &str) -> Error {
    Error::new(
        ErrorKind::Protected,
        format!("{at} is protected: {systems}"),
    )
    .hint("only content whose key the server hands out in clear plays offline; --keep-protected stores it as it is, for a player that has the licence")
}

/// What else keeps a playlist from being played once it is stored.
fn check_media(timeline: &Timeline) -> Result<(), String> {
    if timeline.segments().is_empty() {
        return Err("has no segments".to_owned());
    }
    if timeline.segments().iter().all(|segment| segment.gap) {
        return Err("lists nothing but gaps".to_owned());
    }
    let needs_iv =
        |key: &Key| key.is_identity() && key.method == KeyMethod::Aes128 && key.iv.is_none();
    let mut map_keys = timeline.maps().iter().flat_map(|map| &map.keys);
    if map_keys.any(|&key| timeline.keys().get(key).is_some_and(needs_iv)) {
        // RFC 8216bis section 4.4.4.5: there is no sequence number to take it from.
        return Err("has an EXT-X-MAP encrypted by AES-128 without an IV".to_owned());
    }
    for resource in timeline.resources() {
        if !matches!(resource.url.scheme(), "http" | "https" | "data") {
            let scheme = resource.url.scheme();
            return Err(format!(
                "leads to a `{scheme}` address, and only http and https are followed"
            ));
        }
        if resource.byte_range.is_some_and(|range| {
            range.length == 0 || range.start.checked_add(range.length).is_none()
        }) {
            return Err(format!(
                "has an impossible byte range of {}",
                source::shown(&resource.url)
            ));
        }
    }
    Ok(())
}
