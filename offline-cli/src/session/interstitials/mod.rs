//! Interstitials: what a playlist says is played in between, downloaded beside the asset it belongs to.
//!
//! They come when the primary content is stored, so that nothing about them delays it or makes it fail. Each is a presentation of
//! its own in a folder of the asset, named after its address, and is there once however often it is played. Asset lists are kept as they were received; one
//! is asked for again as long as something that it names is missing, and what it names then takes the place of what it named before.

mod left_out;
mod network;
mod one;
pub(crate) mod references;
mod request;
pub(super) mod shown;
pub(crate) mod stored;

use std::collections::{BTreeSet, HashSet};
use std::future::Future;

use asset_store::{AssetWriter, Digest, EntryAttributes};
use segment_fetch::Reach;
use url::{Origin, Url};

pub use left_out::LeftOut;
pub use request::{InterstitialCriterion, InterstitialRequest};
pub use shown::{InspectedInterstitial, InspectedInterstitialAsset};

use self::left_out::{is_of_the_interstitial, unreachable};
use self::one::Common;
use self::references::Reference;
use super::download::interrupted;
use super::plan::PlannedTrack;
use super::prepare::Prepared;
use super::presentation::Presentation;
use super::resolve::{Resolved, ResolvedTrack};
use super::run::Totals;
use super::{DownloadEvent, DownloadRequest, Network, Session, layout, source};
use crate::render::text::printable;
use crate::{Error, Result};

/// The most date ranges of an asset that are followed: a break every three minutes for a day.
const MAX_RANGES: usize = 500;
/// The most interstitials that are kept with an asset.
const MAX_ASSETS: usize = 1000;
/// The most that are named of those that could not be had.
const MAX_LEFT_OUT: usize = 1000;

/// Interstitials of some Media Playlists, in the order in which they are played, each address once; and what is beyond what is followed.
struct Gathered {
    references: Vec<Reference>,
    left_out: Vec<LeftOut>,
}

fn gather<'a>(
    timelines: impl Iterator<Item = (&'a str, &'a hls_parse::Timeline)>,
    wanted: &InterstitialRequest,
) -> Gathered {
    let mut gathered = Gathered {
        references: Vec::new(),
        left_out: Vec::new(),
    };
    let mut seen = HashSet::new();
    for (track, timeline) in timelines {
        if !layout::is_main(track) {
            continue;
        }
        let has_dates = references::has_dates(timeline);
        for reference in references::of_timeline(timeline, |range| wanted.names(range)) {
            if !seen.insert((reference.is_list, reference.name.clone())) {
                continue;
            }
            let reason = if !has_dates {
                "it has no place, since no segment has an EXT-X-PROGRAM-DATE-TIME".to_owned()
            } else if gathered.references.len() >= MAX_RANGES {
                format!("there are more than {MAX_RANGES}")
            } else {
                gathered.references.push(reference);
                continue;
            };
            let left_out = LeftOut::because(&reference.range, &reference.url, reason);
            if gathered.left_out.len() < MAX_LEFT_OUT {
                gathered.left_out.push(left_out);
            }
        }
    }
    gathered
}

impl Session {
    /// Downloads the interstitials of an asset whose primary content is stored. Gives those that could not be had.
    pub(super) async fn download_interstitials(
        &self,
        request: &DownloadRequest,
        main: &Prepared,
        writer: &AssetWriter,
        totals: &mut Totals,
        stop: &mut (impl Future<Output = ()> + Unpin),
        observe: &mut impl FnMut(DownloadEvent),
    ) -> Result<Vec<LeftOut>> {
        let Some(wanted) = &request.interstitials else {
            return Ok(Vec::new());
        };
        let tracks = main.plan.tracks().iter();
        let timelines = tracks.map(|PlannedTrack { name, fresh, .. }| (name.as_str(), &**fresh));
        let gathered = gather(timelines, wanted);
        let mut pass = Pass {
            common: Common {
                session: self,
                writer,
                request,
                wanted,
                main,
            },
            left_out: gathered.left_out,
            done: BTreeSet::new(),
            silent: HashSet::new(),
            is_replaced: false,
        };
        for reference in gathered.references {
            if !reference.is_list {
                let looked_at = pass.asset(&reference, main.reach, totals, stop, observe);
                looked_at.await?;
                continue;
            }
            match pass.list(&reference, main.reach, stop).await {
                Ok((assets, reach)) => {
                    for asset in assets {
                        pass.asset(&asset, reach, totals, stop, observe).await?;
                    }
                }
                Err(error) if is_of_the_interstitial(&error) => pass.failed(&reference, &error),
                Err(error) => return Err(error),
            }
        }
        if pass.is_replaced {
            pass.forget_unnamed()?;
        }
        for left_out in &pass.left_out {
            observe(DownloadEvent::InterstitialLeftOut {
                id: left_out.id.clone(),
                url: left_out.url.clone(),
                error: left_out.reason.clone(),
            });
        }
        Ok(pass.left_out)
    }
}

/// One pass over the interstitials of an asset.
struct Pass<'a> {
    common: Common<'a>,
    left_out: Vec<LeftOut>,
    /// Names of the assets that were looked at.
    done: BTreeSet<String>,
    /// Servers that did not answer; nobody waits for them twice.
    silent: HashSet<Origin>,
    /// Whether an asset list took the place of another one.
    is_replaced: bool,
}

impl Pass<'_> {
    fn failed(&mut self, reference: &Reference, error: &Error) {
        tracing::warn!(id = %reference.range, error = %error.one_line(), "an interstitial is left out");
        self.silent.extend(unreachable(error));
        self.leave_out(LeftOut::new(reference, error));
    }

    /// Nobody reads thousands of reasons.
    fn leave_out(&mut self, left_out: LeftOut) {
        if self.left_out.len() < MAX_LEFT_OUT && self.left_out.last() != Some(&left_out) {
            self.left_out.push(left_out);
        }
    }

    /// Downloads an interstitial unless it is there.
    async fn asset(
        &mut self,
        reference: &Reference,
        reach: Reach,
        totals: &mut Totals,
        stop: &mut (impl Future<Output = ()> + Unpin),
        observe: &mut impl FnMut(DownloadEvent),
    ) -> Result<()> {
        if self.done.contains(&reference.name) {
            return Ok(());
        }
        if self.done.len() >= MAX_ASSETS {
            let reason = format!("there are more than {MAX_ASSETS} assets");
            self.leave_out(LeftOut::because(&reference.range, &reference.url, reason));
            return Ok(());
        }
        self.done.insert(reference.name.clone());
        if self.common.is_complete(&reference.name) {
            return Ok(());
        }
        if self.silent.contains(&reference.url.origin()) {
            self.leave_out(LeftOut::new(reference, &one::gave_up(reference)));
            return Ok(());
        }
        let downloaded = self
            .common
            .download(reference, reach, totals, stop, observe)
            .await;
        match downloaded {
            Err(error) if is_of_the_interstitial(&error) => {
                self.failed(reference, &error);
                Ok(())
            }
            ended => ended,
        }
    }

    /// The assets of a list: the stored one if all that it names is there, otherwise the one the server has now, which is stored in its place.
    async fn list(
        &mut self,
        reference: &Reference,
        reach: Reach,
        stop: &mut (impl Future<Output = ()> + Unpin),
    ) -> Result<(Vec<Reference>, Reach)> {
        let (session, writer) = (self.common.session, self.common.writer);
        let path = references::list_path(&reference.name);
        let asset = writer.asset();
        let stored = stored::list(&session.store, &asset, &reference.name);
        let stored = stored.ok().flatten();
        if let Some((url, list)) = &stored {
            let assets = references::of_list(&reference.range, url, list);
            let assets: Vec<Reference> = assets.into_iter().map(|(_, asset)| asset).collect();
            if assets
                .iter()
                .all(|asset| self.common.is_complete(&asset.name))
            {
                return Ok((assets, reach));
            }
        }
        if self.silent.contains(&reference.url.origin()) {
            return Err(one::gave_up(reference));
        }
        let fresh = tokio::select! {
            biased;
            () = &mut *stop => return Err(interrupted()),
            fresh = session.network.asset_list(&reference.url, reach) => fresh?,
        };
        let received = &fresh.received;
        let known = asset.entries().get(&path).map(|entry| entry.digest);
        if known != Some(Digest::of(&received.bytes)) || !writer.contains(&path) {
            self.is_replaced |= known.is_some();
            let attributes = EntryAttributes::new(layout::role::ASSET_LIST);
            let origin = asset_store::Source {
                identity: source::identity(&received.url),
                // Whole: relative addresses resolve against it.
                url: received.url.to_string(),
                ..asset_store::Source::default()
            };
            writer.put(&path, &received.bytes, attributes.with_source(origin))?;
        }
        let assets = references::of_list(&reference.range, &received.url, &fresh.list);
        for asset in &fresh.list.assets {
            if let Err(error) = asset.url(&received.url) {
                let reason = printable(&error.to_string());
                let left_out = LeftOut::because(&reference.range, &reference.url, reason);
                self.leave_out(left_out);
            }
        }
        let assets = assets.into_iter().map(|(_, asset)| asset).collect();
        Ok((assets, fresh.reach))
    }

    /// Takes out what no stored playlist or list names any more.
    fn forget_unnamed(&self) -> Result<()> {
        let store = &self.common.session.store;
        let main = Presentation::load(store, &self.common.main.id)?;
        let named = stored::named(store, &main);
        let asset = self.common.writer.asset();
        let unnamed: BTreeSet<&str> = stored::bytes(&asset).into_keys().collect();
        for name in unnamed.into_iter().filter(|name| !named.contains(*name)) {
            self.common.forget(name)?;
        }
        Ok(())
    }
}

impl Network {
    /// The interstitials that would be taken, and which of them would be left out, in words.
    pub(super) async fn interstitials_of(
        &self,
        request: &DownloadRequest,
        main: &Resolved,
    ) -> (Vec<Resolved>, Vec<String>) {
        let Some(wanted) = &request.interstitials else {
            return (Vec::new(), Vec::new());
        };
        let tracks = main.tracks.iter();
        let timelines =
            tracks.map(|ResolvedTrack { name, timeline, .. }| (name.as_str(), timeline));
        let gathered = gather(timelines, wanted);
        let mut notes: Vec<LeftOut> = gathered.left_out;
        let mut assets: Vec<(Reference, Reach)> = Vec::new();
        for reference in gathered.references {
            if !reference.is_list {
                assets.push((reference, main.reach));
                continue;
            }
            match self.asset_list(&reference.url, main.reach).await {
                Ok(fresh) => {
                    let url: &Url = &fresh.received.url;
                    let listed = references::of_list(&reference.range, url, &fresh.list);
                    assets.extend(listed.into_iter().map(|(_, asset)| (asset, fresh.reach)));
                }
                Err(error) => notes.push(LeftOut::new(&reference, &error)),
            }
        }
        let mut seen = HashSet::new();
        assets.retain(|(asset, _)| seen.insert(asset.name.clone()));
        assets.truncate(MAX_ASSETS);
        let mut taken = Vec::with_capacity(assets.len());
        for (asset, reach) in assets {
            match self.interstitial(&asset, request, wanted, reach).await {
                Ok(resolved) => taken.push(resolved),
                Err(error) => notes.push(LeftOut::new(&asset, &error)),
            }
        }
        let told = notes.into_iter().map(|LeftOut { id, url, reason }| {
            format!("the interstitial {id} at {url} would be left out: {reason}")
        });
        (taken, told.collect())
    }
}
