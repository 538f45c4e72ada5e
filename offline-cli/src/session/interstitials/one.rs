//! One interstitial, from its address to its last byte.

use std::collections::HashSet;
use std::future::Future;
use std::sync::Arc;

use asset_store::{AssetWriter, Digest};
use segment_fetch::Reach;

use super::references::{self, Reference};
use super::request::InterstitialRequest;
use super::stored;
use crate::session::download::interrupted;
use crate::session::drift::{self, Addresses, Agreement};
use crate::session::plan::{Plan, PlannedTrack};
use crate::session::prepare::{Prepared, pending, pin};
use crate::session::refresh::Refreshes;
use crate::session::resolve::{Resolved, ResolvedTrack};
use crate::session::run::{Run, Totals};
use crate::session::{
    DownloadEvent, DownloadRequest, Session, layout, presentation, record, reuse, space,
};
use crate::{Error, ErrorKind, Result};

/// What the interstitials of one download have in common.
pub(super) struct Common<'a> {
    pub(super) session: &'a Session,
    pub(super) writer: &'a AssetWriter,
    pub(super) request: &'a DownloadRequest,
    pub(super) wanted: &'a InterstitialRequest,
    pub(super) main: &'a Prepared,
}

impl Common<'_> {
    /// Whether everything that is wanted of an interstitial is stored.
    pub(super) fn is_complete(&self, name: &str) -> bool {
        let stored = stored::presentation(&self.session.store, &self.writer.asset(), name, false);
        let Ok(Some(stored)) = stored else {
            return false;
        };
        if let Some(multivariant) = &stored.multivariant {
            let selection = self.wanted.selection.as_ref();
            let selection = selection.unwrap_or(&self.request.selection);
            let Ok(selection) = multivariant.select(selection) else {
                return false;
            };
            let variants = selection.variants.iter();
            let variants = variants.filter_map(|&index| multivariant.variants.get(index));
            let renditions = selection.renditions.iter();
            let renditions = renditions.filter_map(|&index| multivariant.renditions.get(index));
            let mut urls = variants
                .map(hls_parse::Variant::url)
                .chain(renditions.filter_map(hls_parse::Rendition::url));
            if !urls.all(|url| stored.track_of(url).is_some()) {
                return false;
            }
        }
        let tracks = stored.tracks.into_iter().map(|track| {
            let timeline = Arc::new(track.timeline);
            PlannedTrack {
                name: track.name,
                subtitles: track.kind == cache_inspect::TrackKind::Subtitles,
                pinned: Arc::clone(&timeline),
                fresh: timeline,
                offset: track.offset,
            }
        });
        let (pending, links) = pending(self.writer, &Plan::new(tracks.collect()));
        pending.is_empty() && links.is_empty()
    }

    /// Downloads an interstitial, or what of it is missing. `totals` is what the download has come to so far.
    pub(super) async fn download(
        &self,
        reference: &Reference,
        reach: Reach,
        totals: &mut Totals,
        stop: &mut (impl Future<Output = ()> + Unpin),
        observe: &mut impl FnMut(DownloadEvent),
    ) -> Result<()> {
        let mut refreshes = Refreshes::new();
        loop {
            let network = &self.session.network;
            let resolved = tokio::select! {
                biased;
                () = &mut *stop => return Err(interrupted()),
                resolved = network.interstitial(reference, self.request, self.wanted, reach) => resolved?,
            };
            let job = self.prepare(&reference.name, resolved)?;
            self.session.make_room(&job, self.writer, observe)?;
            let before = totals.stored;
            let run = Run::new(&job, &mut refreshes, HashSet::new(), totals);
            let mut tell = |event| observe(self.progress(event, before));
            let ran = self.session.run(run, self.writer, &mut *stop, &mut tell);
            let ran = ran.await?;
            totals.bytes = ran.totals.bytes;
            totals.summary.append(ran.totals.summary);
            match ran.fetched {
                Ok(()) => {
                    totals.stored = before.saturating_add(ran.totals.stored);
                    return Ok(());
                }
                // As with the primary content, everything is asked for anew.
                Err(error) if ran.is_worth_another => {
                    tracing::info!(error = %error.one_line(), "reading the playlists of an interstitial again");
                    refreshes.done();
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Progress counts on from that of the primary content, whose media time is all there by now.
    fn progress(&self, event: DownloadEvent, before: u64) -> DownloadEvent {
        match event {
            DownloadEvent::Progress {
                bytes,
                resources_stored,
                resources,
                ..
            } => DownloadEvent::Progress {
                bytes,
                resources_stored: before.saturating_add(resources_stored),
                resources: before.saturating_add(resources),
                media_time: self.main.metadata.duration,
                duration: self.main.metadata.duration,
                // Its tracks are called like those of the primary content.
                tracks: Vec::new(),
            },
            other => other,
        }
    }

    /// Pins the playlists of an interstitial and works out what is missing.
    fn prepare(&self, name: &str, resolved: Resolved) -> Result<Prepared> {
        let (store, writer) = (&self.session.store, self.writer);
        let known = reuse::known_elsewhere(store, writer, &resolved.tracks)?;
        let pinned = self.pin(name, &resolved)?;
        let tracks = resolved.tracks.into_iter().zip(pinned);
        let tracks: Vec<PlannedTrack> = tracks
            .map(|(track, pinned)| {
                let fresh = Arc::new(track.timeline);
                PlannedTrack {
                    name: track.name,
                    subtitles: track.subtitles,
                    pinned: pinned.map_or_else(|| Arc::clone(&fresh), Arc::new),
                    fresh,
                    offset: std::time::Duration::ZERO,
                }
            })
            .collect();
        let durations = tracks.iter().map(|track| track.fresh.duration());
        let duration = durations.max().unwrap_or_default();
        let plan = Plan::new(tracks);
        let (mut pending, mut links) = pending(writer, &plan);
        reuse::reuse(store, &plan, &known, &mut pending, &mut links)?;
        let multivariant = resolved.multivariant.as_ref();
        let multivariant = multivariant.map(|(_, multivariant)| &**multivariant);
        let expected_bytes = space::expected(&plan, &pending, multivariant);
        let resources = u64::try_from(plan.len()).unwrap_or(u64::MAX);
        let mut metadata = self.main.metadata.clone();
        if let Some(mut known) = record::metadata(store, &self.main.id)? {
            let is_new = |track: &&PlannedTrack| !known.tracks.contains(&track.name);
            let new: Vec<String> = plan
                .tracks()
                .iter()
                .filter(is_new)
                .map(|track| track.name.clone())
                .collect();
            if !new.is_empty() {
                known.tracks.extend(new);
                known.resources = known.resources.saturating_add(resources);
                record::set_metadata(store, &self.main.id, &known)?;
            }
        }
        metadata.resources = resources;
        Ok(Prepared {
            id: self.main.id.clone(),
            metadata,
            expected: self.main.expected.clone(),
            duration,
            chosen: resolved.chosen,
            notes: resolved.notes,
            plan,
            pending,
            expected_bytes,
            links,
            companions: Vec::new(),
            accepted_gaps: Vec::new(),
            reach: resolved.reach,
            allow_gaps: false,
        })
    }

    /// Pins the playlists, and gives those that were pinned before and mean the same media.
    ///
    /// What is pinned of another film than the server has now was never whole, and makes room for it.
    fn pin(&self, name: &str, resolved: &Resolved) -> Result<Vec<Option<hls_parse::Timeline>>> {
        let root = format!("{}/{}", references::folder(name), layout::MULTIVARIANT);
        let pinned = if let Some(pinned) = self.pinned(name, &root, resolved) {
            pinned
        } else {
            self.forget(name)?;
            resolved.tracks.iter().map(|_| None).collect()
        };
        if let Some((received, _)) = &resolved.multivariant
            && !self.writer.contains(&root)
        {
            pin(self.writer, &root, received)?;
        }
        for track in &resolved.tracks {
            let path = layout::playlist(&track.name);
            if !self.writer.contains(&path) {
                pin(self.writer, &path, &track.playlist)?;
            }
        }
        Ok(pinned)
    }

    /// What is pinned of each track, where it is not what the server has, byte for byte; `None` when it is something else altogether.
    fn pinned(
        &self,
        name: &str,
        root: &str,
        resolved: &Resolved,
    ) -> Option<Vec<Option<hls_parse::Timeline>>> {
        let (store, asset) = (&self.session.store, self.writer.asset());
        let only = layout::playlist(&format!(
            "{}/{}",
            references::folder(name),
            layout::ONLY_TRACK
        ));
        let multivariant = match &resolved.multivariant {
            None if self.writer.contains(root) => return None,
            Some(_) if self.writer.contains(&only) => return None,
            Some((_, fresh)) if self.writer.contains(root) => {
                let pinned = presentation::multivariant_at(store, &asset, root).ok()??;
                drift::compare_presentations(&pinned, fresh).ok()?;
                Some(pinned)
            }
            None | Some(_) => None,
        };
        let variables = multivariant
            .as_ref()
            .map(hls_parse::Multivariant::variables);
        let compare = |track: &ResolvedTrack| {
            let path = layout::playlist(&track.name);
            let entry = asset.entries().get(&path);
            let is_other =
                entry.is_some_and(|entry| entry.digest != Digest::of(&track.playlist.bytes));
            if !is_other || !self.writer.contains(&path) {
                return Some(None);
            }
            let received = presentation::pinned(store, &asset, &path).ok()??;
            let context = presentation::context(&received, variables);
            let pinned = crate::session::resolve::media(&received, &context).ok()?;
            // What has moved or grown is another film, as far as advertisements go.
            let same = Agreement {
                addresses: Addresses::Same,
                appended: 0,
            };
            (drift::compare(&pinned, &track.timeline) == Ok(same)).then_some(Some(pinned))
        };
        resolved.tracks.iter().map(compare).collect()
    }

    /// Takes everything of an interstitial out of the asset.
    pub(super) fn forget(&self, name: &str) -> Result<()> {
        let folder = format!("{}/", references::folder(name));
        let asset = self.writer.asset();
        let inside = asset.entries().range(folder.clone()..);
        for (path, _) in inside.take_while(|(path, _)| path.starts_with(&folder)) {
            self.writer.remove_entry(path)?;
        }
        Ok(())
    }
}

/// The error for an address whose server did not answer a moment ago.
pub(super) fn gave_up(reference: &Reference) -> Error {
    let host = reference.url.host_str().unwrap_or_default();
    Error::new(
        ErrorKind::Network,
        format!("{host} could not be reached for another interstitial a moment ago"),
    )
}
