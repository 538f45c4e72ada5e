//! What a download would take, without taking it.

use serde::Serialize;

use super::event::seconds;
use super::measure::{BytesFrom, Declared, Meter, Rates};
use super::resolve::Resolved;
use super::{Chosen, DownloadRequest, Network, layout, range, tracks};
use crate::Result;

/// What `offline download --dry-run` answers.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Estimate {
    /// Length of the presentation in seconds.
    pub duration: f64,
    /// The tracks that would be stored.
    pub tracks: Vec<EstimatedTrack>,
    /// What the selection takes of a Multivariant Playlist: variants, renditions, what is inside them.
    pub chosen: Vec<Chosen>,
    /// Bytes of all of them, as far as they are known.
    pub bytes: u64,
    /// Where the least sure part of `bytes` comes from.
    pub bytes_from: Option<BytesFrom>,
    /// Bytes that are free where the store is.
    pub free: Option<u64>,
    /// Whether `bytes` are free there.
    pub fits: Option<bool>,
    /// Things the user should know, for example a language that is not offered.
    pub notes: Vec<String>,
}

/// A track that would be stored.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct EstimatedTrack {
    /// Its name, for example `variant-0`.
    pub name: String,
    /// Its segments.
    pub segments: usize,
    /// Its bytes; `None` when the server does not say how long its segments are.
    pub bytes: Option<u64>,
    /// Where `bytes` comes from.
    pub bytes_from: Option<BytesFrom>,
    /// Whether nothing of `bytes` is extrapolated.
    pub exact: bool,
}

impl Network {
    /// Works out what a download would take. It reads the playlists, and where they do not say how long the segments are, the server is asked
    /// how long some of them are: at most 8 of a track and 64 in all, within 10 seconds.
    ///
    /// # Errors
    /// When the download would be refused, or the playlists cannot be read.
    pub async fn estimate(&self, request: &DownloadRequest, free: Option<u64>) -> Result<Estimate> {
        let mut resolved = self.resolve(request).await?;
        if !request.range.is_whole() {
            let timelines: Vec<_> = resolved
                .tracks
                .iter()
                .map(|track| (&track.timeline, layout::is_main(&track.name)))
                .collect();
            let wanted = range::of_timelines(request.range, &timelines)?;
            for (track, segments) in resolved.tracks.iter_mut().zip(wanted) {
                track.timeline = track.timeline.slice(segments);
            }
        }
        let mut estimate = Estimate {
            duration: 0.0,
            tracks: Vec::with_capacity(resolved.tracks.len()),
            chosen: std::mem::take(&mut resolved.chosen),
            bytes: 0,
            bytes_from: None,
            free,
            fits: None,
            notes: std::mem::take(&mut resolved.notes),
        };
        let durations = resolved
            .tracks
            .iter()
            .map(|track| track.timeline.duration());
        estimate.duration = durations.max().map(seconds).unwrap_or_default();
        let (interstitials, notes) = self.interstitials_of(request, &resolved).await;
        estimate.notes.extend(notes);
        let all: Vec<&Resolved> = std::iter::once(&resolved).chain(&interstitials).collect();
        self.estimate_tracks(&all, &mut estimate).await;
        estimate.fits = free.map(|free| estimate.bytes <= free);
        Ok(estimate)
    }

    /// Adds the tracks of presentations.
    async fn estimate_tracks(&self, presentations: &[&Resolved], estimate: &mut Estimate) {
        let mut known = Vec::new();
        let mut asked = Vec::new();
        for resolved in presentations {
            let multivariant = resolved.multivariant.as_ref();
            let multivariant = multivariant.map(|(_, multivariant)| multivariant);
            let declared = multivariant.map(|multivariant| tracks::declared(multivariant));
            for track in &resolved.tracks {
                let all = declared.iter().flatten();
                let place = all.into_iter().find(|declared| declared.name == track.name);
                let rates = place
                    .zip(multivariant)
                    .map(|(place, multivariant)| Rates::of(multivariant, &place.url));
                let declared = Declared::of(&track.timeline, rates.unwrap_or_default());
                asked.push((declared, resolved.reach));
                known.push((track.name.clone(), track.timeline.segments().len()));
            }
        }
        let sizes = Meter::new(self).sizes(asked).await;
        for ((name, segments), size) in known.into_iter().zip(sizes) {
            let bytes = size.map(|size| size.bytes);
            estimate.bytes = estimate.bytes.saturating_add(bytes.unwrap_or_default());
            estimate.bytes_from = estimate.bytes_from.max(size.map(|size| size.from));
            estimate.tracks.push(EstimatedTrack {
                name,
                segments,
                bytes,
                bytes_from: size.map(|size| size.from),
                exact: size.is_some_and(|size| size.exact),
            });
        }
    }
}
