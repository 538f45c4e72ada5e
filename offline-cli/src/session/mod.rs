//! The download session: the five crates put together.
//!
//! A [`Session`] owns a store and a connection to the network. [`Session::download`] takes an address
//! all the way: playlists, selection, segments, store. The questions about what is stored are free
//! functions of [`library`], since they need no network.

mod admission;
pub(crate) mod artwork;
pub(crate) mod attention;
pub(crate) mod auxiliary;
pub(crate) mod clock;
mod companions;
pub(crate) mod concealed;
mod configuration;
mod decryption;
pub mod doctor;
mod download;
mod drift;
mod estimate;
mod event;
mod file;
mod findings;
pub(crate) mod interstitials;
pub(crate) mod layout;
pub mod library;
mod listing;
mod live;
mod loaded;
mod measure;
mod network;
mod offer;
mod order;
pub(crate) mod parallel;
mod plan;
mod prepare;
pub(crate) mod presentation;
mod probe;
mod proof;
pub mod purge;
pub mod queue;
mod range;
pub(crate) mod record;
mod redundancy;
mod refresh;
pub mod repair;
pub mod requirements;
mod resolve;
mod reuse;
mod run;
mod session_data;
mod sizes;
pub mod source;
mod space;
mod summary;
mod tally;
mod tracks;
pub mod upkeep;

use std::collections::BTreeMap;

use asset_store::{AssetId, Store};
use hls_parse::{SelectionOptions, SelectionRequest};
use segment_fetch::{Fetcher, Transport};
use url::Url;

pub use artwork::{Artwork, StoredArtwork};
pub use configuration::{Chosen, StoredSelection};
pub use download::{Gap, Outcome};
pub use estimate::{Estimate, EstimatedTrack};
pub use event::DownloadEvent;
pub use findings::{ProbedDiagnostic, ProbedFix};
pub use interstitials::{
    InspectedInterstitial, InspectedInterstitialAsset, InterstitialCriterion, InterstitialRequest,
    LeftOut,
};
pub use live::{Ended, LiveOptions, Recording};
pub use measure::BytesFrom;
pub use network::{HostNetworkOptions, NetworkOptions};
pub use offer::{Offer, OfferedLanguage, OfferedVariant};
pub use probe::{Probe, ProbedRendition, ProbedVariant};
pub use range::{MediaTime, StoredRange, TimeRange};
pub use record::{DownloadState, Metadata, StateRecord};
pub use session_data::SessionDatum;
pub use summary::DownloadSummary;
pub use tally::TrackProgress;

/// A store and the network, ready to download.
#[derive(Clone, Debug)]
pub struct Session {
    store: Store,
    network: Network,
}

/// The network alone, for questions that store nothing.
#[derive(Clone, Debug)]
pub struct Network {
    fetcher: Fetcher<Transport>,
}

/// What to download, and how.
#[derive(Clone, Debug)]
#[non_exhaustive]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a choice of its own, named where it is made"
)]
pub struct DownloadRequest {
    /// The address of a Multivariant or Media Playlist; or `file:` and the path of one, which is read again by every download as long as it is there.
    pub url: Url,
    /// Where the playlist in a file came from: what its relative addresses are resolved against.
    pub base: Option<Url>,
    /// The primary content: which variant and renditions; by default the highest peak bitrate and the default renditions.
    pub selection: SelectionRequest,
    /// What to take beside it or instead: auxiliary contents, which share the video of the primary one where they can, several variants at once, I-frames,
    /// renditions by their characteristics. By default nothing.
    pub options: SelectionOptions,
    /// Which part of it; by default all of it.
    pub range: TimeRange,
    /// What people call it; by default what the stream calls itself (`com.apple.hls.title`), or a word from the address.
    pub title: Option<String>,
    /// Its picture; by default the one that the stream names (`com.apple.hls.poster` of EXT-X-SESSION-DATA).
    pub artwork: Option<Artwork>,
    /// What else is to be known of it, in any words; what is empty is forgotten.
    pub metadata: BTreeMap<String, String>,
    /// The asset to download into; by default one made from the address.
    pub id: Option<AssetId>,
    /// Whether a playlist without EXT-X-ENDLIST is taken as it is now for all there is.
    pub treat_as_vod: bool,
    /// Whether segments that cannot be had are left out and listed instead of failing the download.
    pub allow_gaps: bool,
    /// Whether content that is protected by a key system is stored as it is, for a player that has a licence. Nothing is asked of the key system.
    pub keep_protected: bool,
    /// Which interstitials to take with it; by default none, and nothing is asked for on their behalf.
    pub interstitials: Option<InterstitialRequest>,
    /// Whether `url` takes the place of the address that the asset came from so far.
    pub new_address: bool,
}

impl DownloadRequest {
    /// Downloads this address with every choice automatic.
    pub fn new(url: Url) -> Self {
        Self {
            url,
            base: None,
            selection: SelectionRequest::default(),
            options: SelectionOptions::default(),
            range: TimeRange::default(),
            title: None,
            artwork: None,
            metadata: BTreeMap::new(),
            id: None,
            treat_as_vod: false,
            allow_gaps: false,
            keep_protected: false,
            interstitials: None,
            new_address: false,
        }
    }

    /// The address whose server is asked first, as far as it is known.
    pub fn origin(&self) -> &Url {
        self.base.as_ref().unwrap_or(&self.url)
    }
}

impl Session {
    /// A session over a store.
    pub fn new(store: Store, network: Network) -> Self {
        Self { store, network }
    }

    /// The store of the session.
    pub fn store(&self) -> &Store {
        &self.store
    }
}
