//! An asset whose files are read, as a player would get them.

use std::collections::HashMap;

use asset_store::{Asset, AssetId, Store};
use cache_inspect::Reading;

use crate::Result;
use crate::playback::content::{Content, Unopened, is_protected};
use crate::session::presentation::Presentation;

/// An asset from which files are read.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) id: AssetId,
    asset: Asset,
    /// What a player gets at each path that a playlist names; `None` where the key for it is not there, or is that of a key system.
    contents: HashMap<String, Option<Box<Content>>>,
}

impl Opened {
    pub(super) fn load(store: &Store, id: AssetId) -> Result<Self> {
        let asset = store.asset(&id)?;
        let mut contents = HashMap::new();
        // Without its playlists only stored bytes are known.
        let tracks = Presentation::load(store, &id).map(|presentation| presentation.tracks);
        for track in tracks.unwrap_or_default() {
            let layout = track.layout();
            for index in 0..track.timeline.segments().len() {
                let keys = track.timeline.segment_keys(index);
                let content = Content::of_segment(&asset, &layout, index)
                    .filter(|_| !is_protected(&track.timeline, keys));
                contents.insert(layout.segment(index), content.map(Box::new));
            }
            for (index, map) in track.timeline.maps().iter().enumerate() {
                let content = Content::of_map(&asset, &layout, index)
                    .filter(|_| !is_protected(&track.timeline, &map.keys));
                contents.insert(layout.map(index), content.map(Box::new));
            }
        }
        Ok(Self {
            id,
            asset,
            contents,
        })
    }

    pub(super) fn read(&self, store: &Store, path: &str, into: &mut Vec<u8>) -> Reading {
        let Some(entry) = self.asset.entries().get(path) else {
            return Reading::Unreadable("it is not stored".to_owned());
        };
        let content = match self.contents.get(path) {
            Some(Some(content)) => content,
            Some(None) => return Reading::Encrypted,
            None => &Content::stored(entry.clone()),
        };
        let reading = match content.read(store, into) {
            Ok(()) if content.decryption.is_some() => return Reading::Decrypted,
            Ok(()) => return Reading::Stored,
            Err(Unopened::Key(error)) => Reading::WrongKey(error.one_line()),
            Err(Unopened::NoKey) => Reading::Encrypted,
            Err(Unopened::File(error)) => Reading::Unreadable(error.one_line()),
        };
        into.clear();
        reading
    }
}
