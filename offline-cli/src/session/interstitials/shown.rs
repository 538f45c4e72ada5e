//! What `offline inspect` says of interstitials.

use asset_store::Store;
use serde::Serialize;

use super::left_out::LeftOut;
use super::references::{self, Reference};
use super::stored;
use crate::adapters::catalog;
use crate::render::text::printable;
use crate::session::event::seconds;
use crate::session::presentation::Presentation;
use crate::session::source;

/// A date range of the primary content that plays something else.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct InspectedInterstitial {
    /// The ID of the date range.
    pub id: String,
    /// The address of the asset or asset list, without the query.
    pub url: String,
    /// Whether all of it is there.
    pub complete: bool,
    /// What it plays, as far as that is known: several when it is a list.
    pub assets: Vec<InspectedInterstitialAsset>,
    /// Why it could not be had, when it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What an interstitial plays.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct InspectedInterstitialAsset {
    /// Its address, without the query.
    pub url: String,
    /// Where in the asset its entries are.
    pub path: String,
    /// Whether it plays offline.
    pub complete: bool,
    /// Its length in seconds, as far as it is known.
    pub duration: Option<f64>,
    /// Bytes of its entries.
    pub bytes: u64,
}

/// All interstitials that the stored playlists name, whether they were downloaded or not.
pub(crate) fn interstitials(
    store: &Store,
    main: &Presentation,
    left_out: &[LeftOut],
) -> Vec<InspectedInterstitial> {
    let bytes = stored::bytes(&main.asset);
    let inspect = |reference: &Reference| {
        let presentation = stored::presentation(store, &main.asset, &reference.name, main.silent)
            .ok()
            .flatten();
        let found = presentation.as_ref().and_then(|presentation| {
            let description = catalog::describe(store, main.asset.id(), presentation).ok()?;
            Some(cache_inspect::inspect(&description))
        });
        InspectedInterstitialAsset {
            url: source::shown(&reference.url),
            path: references::folder(&reference.name),
            complete: found.as_ref().is_some_and(|found| found.playable_offline),
            duration: found.map(|found| seconds(found.duration)),
            bytes: bytes
                .get(reference.name.as_str())
                .copied()
                .unwrap_or_default(),
        }
    };
    let show = |reference: Reference| {
        let list = reference.is_list.then(|| {
            stored::list(store, &main.asset, &reference.name)
                .ok()
                .flatten()
        });
        let (assets, is_known) = match list {
            None => (vec![inspect(&reference)], true),
            Some(None) => (Vec::new(), false),
            Some(Some((url, list))) => {
                let assets = references::of_list(&reference.range, &url, &list);
                let is_known = assets.len() == list.assets.len();
                (
                    assets.iter().map(|(_, asset)| inspect(asset)).collect(),
                    is_known,
                )
            }
        };
        let id = printable(&reference.range);
        let reason = left_out.iter().find(|left_out| left_out.id == id);
        InspectedInterstitial {
            url: source::shown(&reference.url),
            complete: is_known && assets.iter().all(|asset| asset.complete),
            assets,
            reason: reason.map(|left_out| left_out.reason.clone()),
            id,
        }
    };
    stored::references(main).into_iter().map(show).collect()
}
