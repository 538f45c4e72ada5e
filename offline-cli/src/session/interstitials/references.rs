//! What a Media Playlist says is played in between, and under which names that is stored.

use std::collections::HashMap;

use hls_parse::{AssetList, DateRange, InterstitialAsset, Timeline};
use url::Url;

use crate::session::source;

/// The folder of an asset that its interstitials are in.
pub(crate) const FOLDER: &str = "interstitials";

/// Where an interstitial, or a list of them, is and what it is called here.
#[derive(Clone, Debug)]
pub(crate) struct Reference {
    /// The ID of the date range.
    pub(crate) range: String,
    /// Made of the identity of the address: the same wherever and whenever it is named.
    pub(crate) name: String,
    pub(crate) url: Url,
    /// Whether it is an asset list.
    pub(crate) is_list: bool,
}

/// The folder of a stored interstitial.
pub(crate) fn folder(name: &str) -> String {
    format!("{FOLDER}/{name}")
}

/// Where an asset list is kept as it was received.
pub(crate) fn list_path(name: &str) -> String {
    format!("{FOLDER}/{name}.json")
}

/// The interstitials of a Media Playlist that `is_wanted` wants.
pub(crate) fn of_timeline(
    timeline: &Timeline,
    is_wanted: impl Fn(&DateRange) -> bool,
) -> Vec<Reference> {
    let ranges: Vec<(&DateRange, &Url, bool)> = timeline
        .interstitials()
        .into_iter()
        .filter_map(|range| match &range.interstitial.as_ref()?.asset {
            InterstitialAsset::Asset(url) => Some((range, url, false)),
            InterstitialAsset::List(url) => Some((range, url, true)),
        })
        .collect();
    let places = ranges
        .iter()
        .map(|(range, url, _)| (range.id.as_str(), *url));
    let names = names(places.collect());
    let together = ranges.into_iter().zip(names);
    together
        .filter(|((range, ..), _)| is_wanted(range))
        .map(|((range, url, is_list), name)| Reference {
            range: range.id.to_string(),
            name,
            url: url.clone(),
            is_list,
        })
        .collect()
}

/// Whether a Media Playlist has a date for its date ranges to be placed by.
pub(super) fn has_dates(timeline: &Timeline) -> bool {
    let mut segments = timeline.segments().iter();
    segments.any(|segment| segment.program_date_time.is_some())
}

/// The assets of a list, with their place in it; those without an address are left out.
pub(crate) fn of_list(range: &str, url: &Url, list: &AssetList) -> Vec<(usize, Reference)> {
    let assets = list.assets.iter().enumerate();
    let assets: Vec<(usize, String, Url)> = assets
        .filter_map(|(index, asset)| Some((index, index.to_string(), asset.url(url).ok()?)))
        .collect();
    let places = assets.iter().map(|(_, place, url)| (place.as_str(), url));
    let names = names(places.collect());
    let together = assets.into_iter().zip(names);
    together
        .map(|((index, _, url), name)| {
            let reference = Reference {
                range: range.to_owned(),
                name,
                url,
                is_list: false,
            };
            (index, reference)
        })
        .collect()
}

/// Names for the addresses of one document, each with its place there.
///
/// Addresses that differ in their signatures alone are the same from one reading to the next. In one reading they are told
/// apart by their places, since what looks like a signature may be what tells them apart.
fn names(addresses: Vec<(&str, &Url)>) -> Vec<String> {
    let mut by_identity: HashMap<String, Option<&Url>> = HashMap::new();
    for (_, url) in &addresses {
        let known = by_identity
            .entry(source::identity(url))
            .or_insert(Some(url));
        if known.is_some_and(|known| known != *url) {
            *known = None;
        }
    }
    let name = |(place, url): (&str, &Url)| {
        let identity = source::identity(url);
        let is_plain = by_identity.get(&identity).is_some_and(Option::is_some);
        let mut hasher = blake3::Hasher::new();
        hasher.update(identity.as_bytes());
        if !is_plain {
            hasher.update(b"\n").update(place.as_bytes());
        }
        let digest = hasher.finalize().to_hex();
        digest.get(..16).unwrap_or_default().to_owned()
    };
    addresses.into_iter().map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_outlive_signatures_and_tell_places_apart() {
        let url = |text: &str| Url::parse(text).unwrap();
        let (one, signed) = (url("https://h/ad?token=1"), url("https://h/ad?token=2"));
        let other = url("https://h/other?token=1");
        let first = names(vec![("a", &one), ("b", &other), ("c", &one)]);
        assert_eq!(first[0], first[2]);
        assert_ne!(first[0], first[1]);
        assert_eq!(names(vec![("x", &signed)])[0], first[0]);
        let apart = names(vec![("a", &one), ("b", &signed)]);
        assert_ne!(apart[0], apart[1]);
        assert_eq!(names(vec![("a", &signed), ("b", &one)]), apart);
    }
}
