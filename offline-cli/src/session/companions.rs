//! What is fetched beside the media: the picture of an asset, and what its stream says of itself in files.
//!
//! None of it is needed for playing, so what cannot be had is noted and left out, and asked for again by the next download.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use asset_store::{AssetWriter, EntryAttributes};
use bytes::Bytes;
use futures::FutureExt;
use futures::future::{BoxFuture, Either, select};
use futures::stream::{self, StreamExt};
use hls_parse::Multivariant;
use segment_fetch::{Expect, Reach, Request};
use url::Url;

use super::layout::role;
use super::record::Metadata;
use super::resolve::Received;
use super::{Artwork, Network, artwork, session_data, source};
use crate::Result;

/// Nothing of it is worth more waiting, each and, after the media, all together.
const TIMEOUT: Duration = Duration::from_secs(8);
const LONGEST_WAIT: Duration = Duration::from_secs(10);
const IN_FLIGHT: usize = 4;

/// One resource beside the media.
#[derive(Clone, Debug)]
pub(super) struct Companion {
    path: String,
    url: Url,
    reach: Reach,
    content: Content,
}

#[derive(Clone, Copy, Debug)]
enum Content {
    Artwork,
    SessionData { json: bool },
}

impl Content {
    fn role(self) -> &'static str {
        match self {
            Self::Artwork => role::ARTWORK,
            Self::SessionData { .. } => role::SESSION_DATA,
        }
    }

    fn limit(self) -> u64 {
        match self {
            Self::Artwork => Artwork::LIMIT,
            Self::SessionData { .. } => session_data::LIMIT,
        }
    }

    /// What is wrong with bytes that came for it.
    fn complaint(self, bytes: &[u8]) -> Option<&'static str> {
        let (is_fitting, complaint) = match self {
            Self::Artwork => (artwork::image_type(bytes).is_some(), "it is no image"),
            Self::SessionData { json } => (session_data::is_fitting(bytes, json), "it is no JSON"),
        };
        (!is_fitting).then_some(complaint)
    }
}

/// What belongs to an asset beside its media and is not stored yet.
pub(super) fn wanted(
    metadata: &Metadata,
    multivariant: Option<(&Received, &Multivariant)>,
    reach: Reach,
    writer: &AssetWriter,
) -> Vec<Companion> {
    let given = metadata.artwork.as_ref().and_then(|url| url.parse().ok());
    let named = || {
        let (received, multivariant) = multivariant?;
        // A picture that was given as such has no address, and is the one that is wanted.
        let is_given =
            writer.contains(artwork::PATH) && writer.asset().entry(artwork::PATH)?.source.is_none();
        artwork::named(multivariant, received).filter(|_| !is_given)
    };
    let artwork = match given {
        // The user may lead anywhere.
        Some(url) => Some((url, Reach::Any)),
        None => named().map(|url| (url, reach)),
    };
    let artwork = artwork.map(|(url, reach)| Companion {
        path: artwork::PATH.to_owned(),
        url,
        reach,
        content: Content::Artwork,
    });
    let multivariant = multivariant.map(|(_, multivariant)| multivariant);
    let files = multivariant.into_iter().flat_map(session_data::files);
    let files = files.map(|(path, url, json)| Companion {
        path,
        url: url.clone(),
        reach,
        content: Content::SessionData { json },
    });
    let asset = writer.asset();
    let is_there = |companion: &Companion| {
        let entry = asset.entry(&companion.path);
        let from = entry.and_then(|entry| entry.source.as_ref());
        from.is_some_and(|from| from.identity == source::identity(&companion.url))
            && writer.contains(&companion.path)
    };
    artwork
        .into_iter()
        .chain(files)
        .filter(|companion| !is_there(companion))
        .collect()
}

impl Network {
    /// Fetches and stores companions; says which could not be had.
    pub(super) fn accompany<'a>(
        &'a self,
        companions: &'a [Companion],
        writer: &'a AssetWriter,
    ) -> BoxFuture<'a, Vec<String>> {
        let fetches: Vec<_> = companions
            .iter()
            .map(|companion| self.note_of(companion, writer))
            .collect();
        let notes = stream::iter(fetches).buffer_unordered(IN_FLIGHT);
        notes.filter_map(std::future::ready).collect().boxed()
    }

    /// Fetches and stores a companion; says when it could not be had.
    async fn note_of(&self, companion: &Companion, writer: &AssetWriter) -> Option<String> {
        let stored = self.fetch_companion(companion, writer).await;
        let why = stored.err()?;
        let (role, url) = (companion.content.role(), source::shown(&companion.url));
        Some(format!("{role} is left out: {url}: {why}"))
    }

    async fn fetch_companion(
        &self,
        companion: &Companion,
        writer: &AssetWriter,
    ) -> std::result::Result<(), String> {
        let mut request = Request::get(companion.url.clone());
        request.reach = companion.reach;
        request.expect = Expect {
            max_length: companion.content.limit(),
            refuse_html: true,
            total_timeout: Some(TIMEOUT),
            ..Expect::default()
        };
        let fetched = self.fetcher.fetch(request).await;
        let body: Bytes = fetched.map_err(|error| error.to_string())?.body;
        if let Some(complaint) = companion.content.complaint(&body) {
            return Err(complaint.to_owned());
        }
        let attributes =
            EntryAttributes::new(companion.content.role()).with_source(asset_store::Source {
                identity: source::identity(&companion.url),
                url: source::shown(&companion.url),
                ..asset_store::Source::default()
            });
        let stored = writer.put(&companion.path, &body, attributes);
        stored.map(drop).map_err(|error| error.to_string())
    }
}

/// Does both at once. The companions are waited for when the media is there, and given up when it is not to be had.
pub(super) async fn beside<T>(
    media: impl Future<Output = Result<T>>,
    companions: impl Future<Output = Vec<String>>,
) -> (Result<T>, Vec<String>) {
    match select(pin!(media), pin!(companions)).await {
        Either::Left((Ok(done), companions)) => {
            let in_time = tokio::time::timeout(LONGEST_WAIT, companions).await;
            let late = "what did not come in time beside the media is left out";
            (Ok(done), in_time.unwrap_or_else(|_| vec![late.to_owned()]))
        }
        Either::Left((Err(error), _)) => (Err(error), Vec::new()),
        Either::Right((notes, media)) => (media.await, notes),
    }
}
