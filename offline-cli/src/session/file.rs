//! Playlists in files: read where somebody names one, and nowhere else.
//!
//! What a file says is the word of whoever names it, as an address on the command line is. What it leads to is on the network: no
//! playlist, wherever it is, leads to files.

use std::fs::File;
use std::io::Read;

use asset_store::{AssetId, Store};
use hls_parse::{Multivariant, Rendition, Variant};
use url::Url;

use super::resolve::{PLAYLIST_LIMIT, Received, Root};
use super::{DownloadRequest, layout, presentation, source};
use crate::{Error, ErrorKind, Result};

/// The playlist in the file that a request names.
pub(super) fn read(request: &DownloadRequest) -> Result<Root> {
    let shown = source::shown(&request.url);
    let unreadable = |what: &str| Error::usage(format!("{shown} {what}"));
    let path = request.url.to_file_path();
    let path = path.map_err(|()| unreadable("is no path of this computer"))?;
    let mut bytes = Vec::new();
    let file = File::open(&path).and_then(|file| {
        if file.metadata()?.is_file() {
            file.take(PLAYLIST_LIMIT + 1).read_to_end(&mut bytes)?;
            return Ok(());
        }
        Err(std::io::Error::other("it is no file"))
    });
    file.map_err(|error| unreadable("cannot be read").because(error))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > PLAYLIST_LIMIT {
        let what = format!("{shown} is too long for a playlist");
        return Err(Error::new(ErrorKind::PlaylistRejected, what));
    }
    let root = Root::read(Received {
        url: request.origin().clone(),
        bytes: bytes.into(),
        content_type: None,
    })?;
    match local(&root) {
        None => Ok(root),
        Some(url) => Err(Error::new(
            ErrorKind::PlaylistRejected,
            format!(
                "{shown} leads to {}, and only what is on the network is downloaded",
                source::shown(&url)
            ),
        )
        .hint("if its addresses are relative, say with --base-url where it came from")),
    }
}

/// Something in it that is in a file.
fn local(root: &Root) -> Option<Url> {
    let is_local = |url: &&Url| url.scheme() == "file";
    match root {
        Root::Media(_, timeline) => {
            let mut urls = timeline
                .resources()
                .into_iter()
                .map(|resource| resource.url);
            urls.find(|url| is_local(&url))
        }
        Root::Multivariant(_, multivariant) => addresses(multivariant).find(is_local).cloned(),
    }
}

fn addresses(multivariant: &Multivariant) -> impl Iterator<Item = &Url> {
    let variants = multivariant.variants.iter();
    let variants = variants.chain(&multivariant.i_frame_variants);
    let renditions = multivariant.renditions.iter();
    variants
        .map(Variant::url)
        .chain(renditions.filter_map(Rendition::url))
}

/// The root playlist that is pinned of an asset whose file is no longer there.
pub(super) fn pinned(
    store: &Store,
    request: &DownloadRequest,
    id: &AssetId,
) -> Result<Option<Root>> {
    let path = request.url.to_file_path();
    let is_gone = request.url.scheme() == "file" && path.is_ok_and(|path| !path.exists());
    if !is_gone || !store.asset_ids()?.contains(id) {
        return Ok(None);
    }
    let asset = store.asset(id)?;
    for path in [
        layout::MULTIVARIANT.to_owned(),
        layout::playlist(layout::ONLY_TRACK),
    ] {
        if let Some(received) = presentation::pinned(store, &asset, &path)? {
            return Root::read(received).map(Some);
        }
    }
    Ok(None)
}

/// The error for a document that leads to a file.
pub(super) fn forbidden() -> Error {
    Error::new(
        ErrorKind::PlaylistRejected,
        "it leads to a `file` address, and only http and https are followed",
    )
}
