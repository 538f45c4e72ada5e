//! Writing an asset out as a folder that plays from disk.

use std::fs::{self, File};
use std::io::Write;
use std::path::Path;

use asset_store::{AssetId, Store};

use super::super::content::Content;
use super::super::local::{INDEX, LocalAsset};
use super::{Exported, UnfinishedFolder};
use crate::session::artwork;
use crate::session::interstitials::references;
use crate::{Error, ErrorKind, Result};

const CHUNK: usize = 1024 * 1024;
/// Where the Media Playlists of the primary content find interstitials.
const FROM_TRACKS: &str = "../interstitials";

/// Writes the playlists and files of an asset into a folder, with `index.m3u8` at its top.
///
/// Everything is written beside the folder first and renamed at the end, so a folder of that name is
/// always whole. AES-128 is decrypted on the way, so that players that read no keys from disk can play it.
///
/// # Errors
/// When the folder exists and is not empty, nothing of the asset can be played, or a file cannot be written.
pub fn hls(
    store: &Store,
    id: &AssetId,
    folder: &Path,
    mut progress: impl FnMut(u64),
) -> Result<Exported> {
    let asset = LocalAsset::load(store, id)?;
    let unfinished = UnfinishedFolder::create(folder)?;
    let licence = asset.licence();
    let note = licence.map(|licence| format!("it stays encrypted: players need {licence}"));
    let mut exported = Exported {
        index: folder.join(INDEX),
        files: 0,
        bytes: 0,
        notes: note.into_iter().collect(),
    };
    write_all(
        store,
        &asset,
        unfinished.hidden(),
        &mut exported,
        &mut progress,
    )?;
    unfinished.finish()?;
    Ok(exported)
}

/// Writes an asset with its interstitials. A folder has no address, so the references to those are relative.
fn write_all(
    store: &Store,
    asset: &LocalAsset,
    root: &Path,
    exported: &mut Exported,
    progress: &mut impl FnMut(u64),
) -> Result<()> {
    write_tree(store, asset, root, "", exported, progress)?;
    if let Some(picture) = asset.artwork(store) {
        let ending = artwork::ending(picture.media_type);
        let path = root.join(format!("{}.{ending}", artwork::PATH));
        write_content(store, &picture, &path, exported, progress)?;
    }
    let interstitials = asset.interstitials();
    for (name, interstitial) in interstitials.assets() {
        let folder = references::folder(name);
        let path = root.join(&folder);
        fs::create_dir_all(&path).map_err(|error| Error::io(&path, "create", error))?;
        write_tree(store, interstitial, root, &folder, exported, progress)?;
    }
    for name in interstitials.list_names() {
        let path = root.join(references::list_path(name));
        let list = interstitials.list(name, "").unwrap_or_default();
        fs::write(&path, &list).map_err(|error| Error::io(&path, "write", error))?;
        exported.files += 1;
        exported.bytes += list.len() as u64;
    }
    Ok(())
}

/// Writes one presentation, whose Multivariant Playlist goes into a folder of the root.
fn write_tree(
    store: &Store,
    asset: &LocalAsset,
    root: &Path,
    folder: &str,
    exported: &mut Exported,
    progress: &mut impl FnMut(u64),
) -> Result<()> {
    let mut text = |path: &Path, text: &str| -> Result<()> {
        fs::write(path, text).map_err(|error| Error::io(path, "write", error))?;
        exported.files += 1;
        exported.bytes += text.len() as u64;
        Ok(())
    };
    text(&root.join(folder).join(INDEX), &asset.index())?;
    for track in asset.offered_tracks() {
        let folder = root.join(&track.name);
        fs::create_dir_all(&folder).map_err(|error| Error::io(&folder, "create", error))?;
        text(
            &folder.join(INDEX),
            &asset.playlist(&track.name, FROM_TRACKS).unwrap_or_default(),
        )?;
    }
    for track in asset.offered_tracks() {
        for name in asset.names(track) {
            let Some(content) = asset.content(&track.name, &name) else {
                return Err(Error::new(
                    ErrorKind::Storage,
                    format!("{}/{name} has no bytes", track.name),
                ));
            };
            let path = root.join(&track.name).join(&name);
            write_content(store, &content, &path, exported, progress)?;
        }
    }
    Ok(())
}

fn write_content(
    store: &Store,
    content: &Content,
    path: &Path,
    exported: &mut Exported,
    progress: &mut impl FnMut(u64),
) -> Result<()> {
    let mut file = File::create_new(path).map_err(|error| Error::io(path, "write", error))?;
    let mut reader = content.open(store)?;
    let mut offset = 0;
    while offset < reader.length() {
        let bytes = reader
            .read_at(offset, CHUNK)
            .map_err(|error| Error::io(path, "read the stored bytes of", error))?;
        file.write_all(&bytes)
            .map_err(|error| Error::io(path, "write", error))?;
        offset += bytes.len() as u64;
        progress(bytes.len() as u64);
    }
    exported.files += 1;
    exported.bytes += offset;
    Ok(())
}
