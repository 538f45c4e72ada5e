//! What of the interstitials of an asset is offered: those that are whole, and lists of those that are.

use std::collections::{BTreeMap, HashMap};

use asset_store::{AssetId, Store};
use hls_parse::{AssetList, Timeline};

use super::local::{INDEX, LocalAsset};
use crate::session::interstitials::references;
use crate::session::interstitials::stored;
use crate::session::presentation::Presentation;

/// The interstitials of an asset that can be played.
#[derive(Debug, Default)]
pub(crate) struct LocalInterstitials {
    assets: BTreeMap<String, LocalAsset>,
    /// Lists of which something is there. Their URIs are the names of the assets.
    lists: BTreeMap<String, AssetList>,
}

impl LocalInterstitials {
    /// What cannot be read is not offered, and keeps nothing else from being.
    pub(super) fn load(store: &Store, id: &AssetId, main: &Presentation) -> Self {
        let mut offered = Self::default();
        let folder = format!("{}/", references::FOLDER);
        let mut inside = main.asset.entries().range(folder.clone()..);
        if inside
            .next()
            .is_none_or(|(path, _)| !path.starts_with(&folder))
        {
            return offered;
        }
        for name in stored::bytes(&main.asset).into_keys() {
            let presentation = stored::presentation(store, &main.asset, name, main.silent);
            let loaded = presentation.and_then(|presentation| {
                let load = |presentation| LocalAsset::of(store, id, presentation);
                presentation.map(load).transpose()
            });
            match loaded {
                Ok(Some(asset)) => {
                    offered.assets.insert(name.to_owned(), asset);
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::debug!(name, error = %error.one_line(), "an interstitial is not offered");
                }
            }
        }
        for reference in stored::references(main) {
            if reference.is_list
                && let Ok(Some((url, list))) = stored::list(store, &main.asset, &reference.name)
            {
                let listed = references::of_list(&reference.range, &url, &list);
                let mut local = AssetList {
                    skip_control: list.skip_control.clone(),
                    ..AssetList::default()
                };
                for (index, reference) in listed {
                    if let (Some(listed), Some(asset)) =
                        (list.assets.get(index), offered.assets.get(&reference.name))
                    {
                        let mut listed = listed.clone();
                        listed.uri = reference.name;
                        listed.duration = listed.duration.or_else(|| asset.duration());
                        local.assets.push(listed);
                    }
                }
                if !local.assets.is_empty() {
                    offered.lists.insert(reference.name, local);
                }
            }
        }
        offered
    }

    /// An interstitial.
    pub(crate) fn asset(&self, name: &str) -> Option<&LocalAsset> {
        self.assets.get(name)
    }

    /// The interstitials by name.
    pub(super) fn assets(&self) -> impl Iterator<Item = (&str, &LocalAsset)> {
        self.assets
            .iter()
            .map(|(name, asset)| (name.as_str(), asset))
    }

    /// The names of the asset lists.
    pub(super) fn list_names(&self) -> impl Iterator<Item = &str> {
        self.lists.keys().map(String::as_str)
    }

    /// An asset list of what is there. `folder` is where it finds the interstitials.
    pub(crate) fn list(&self, name: &str, folder: &str) -> Option<String> {
        let mut list = self.lists.get(name)?.clone();
        for asset in &mut list.assets {
            asset.uri = join(folder, &format!("{}/{INDEX}", asset.uri));
        }
        serde_json::to_string(&list).ok()
    }

    /// The local addresses of the interstitials of a Media Playlist that are there, by the ID of their date range. `folder` is where the playlist finds them.
    pub(super) fn uris(&self, timeline: &Timeline, folder: &str) -> HashMap<String, String> {
        if self.assets.is_empty() {
            return HashMap::new();
        }
        let references = references::of_timeline(timeline, |_| true).into_iter();
        let uris = references.filter_map(|reference| {
            let name = &reference.name;
            let file = if reference.is_list {
                let is_there = self.lists.contains_key(name);
                is_there.then(|| format!("{name}.json"))
            } else {
                let is_there = self.assets.contains_key(name);
                is_there.then(|| format!("{name}/{INDEX}"))
            };
            Some((reference.range, join(folder, &file?)))
        });
        uris.collect()
    }
}

fn join(folder: &str, file: &str) -> String {
    if folder.is_empty() {
        file.to_owned()
    } else {
        format!("{folder}/{file}")
    }
}
