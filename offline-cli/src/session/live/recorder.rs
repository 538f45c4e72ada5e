//! A recording while it goes on: what is told to its tracks, and what there is to do.

use std::time::Duration;

use asset_store::{AssetId, AssetWriter, Commit, Entry, PartialKey};
use hls_parse::{Context, Playlist, Variables};
use segment_fetch::{Reach, Request};
use url::Url;

use super::clock::Clock;
use super::fetching::{Fetching, Place, Step, Verdict};
use super::looking::{Look, Seen};
use super::room::Room;
use super::saved::{Saved, SavedTrack};
use super::source::{Dead, LiveSource};
use super::track::{Taken, Target, Track, Wanted};
use super::{Ended, LiveOptions, start};
use crate::session::download::Gap;
use crate::session::prepare::attributes;
use crate::session::record::{self, Metadata};
use crate::session::resolve::{self, Received, Resolved};
use crate::session::{DownloadEvent, Session, source as address, tracks};
use crate::{Error, Result};

/// Everything of one recording.
pub(super) struct Recorder<'s> {
    pub(super) session: &'s Session,
    pub(super) id: AssetId,
    pub(super) live: LiveOptions,
    pub(super) metadata: Metadata,
    pub(super) clock: Clock,
    pub(super) reach: Reach,
    variables: Option<Variables>,
    root: Option<Url>,
    pub(super) tracks: Vec<Track>,
    sources: Vec<LiveSource>,
    /// Where the playlists are: as they were named, before redirects.
    urls: Vec<Url>,
    /// Tracks of an earlier recording that are not recorded now.
    pub(super) others: Vec<SavedTrack>,
    /// Gaps of earlier recordings.
    pub(super) gaps_before: Vec<Gap>,
    pub(super) fetching: Fetching,
    /// What the playlists listed when the recording began.
    first: Vec<(usize, Taken)>,
    pub(super) notes: Vec<String>,
    /// Bytes received.
    pub(super) bytes: u64,
    pub(super) room: Room,
    /// When it was saved last.
    pub(super) saved: Option<Duration>,
    pub(super) to_do: ToDo,
}

/// What has to be begun next.
#[derive(Default)]
pub(super) struct ToDo {
    /// Items to fetch.
    pub(super) fetches: Vec<u64>,
    pub(super) later: Vec<Later>,
    pub(super) commits: Vec<(Committed, Commit)>,
}

/// An item to fetch at a time to come.
pub(super) struct Later {
    pub(super) at: Duration,
    pub(super) number: u64,
    /// Its pieces, when it is to be made of those.
    pub(super) pieces: Vec<Request>,
}

impl Later {
    fn whole(at: Duration, number: u64) -> Self {
        Self {
            at,
            number,
            pieces: Vec::new(),
        }
    }
}

/// What a commit is for.
pub(super) enum Committed {
    /// The first place of an item.
    Item(u64),
    /// A further place of what is stored.
    Link(Place),
}

impl<'s> Recorder<'s> {
    pub(super) fn new(
        session: &'s Session,
        id: &AssetId,
        url: &Url,
        live: LiveOptions,
        mut metadata: Metadata,
        resolved: Resolved,
        saved: Option<Saved>,
    ) -> Result<Self> {
        let multivariant = resolved.multivariant.map(|(_, multivariant)| *multivariant);
        let named = multivariant.as_ref().map(tracks::declared);
        let named = named.unwrap_or_default();
        let tracks = resolved.tracks.iter();
        metadata.tracks = tracks.map(|track| track.name.clone()).collect();
        let mut recorder = Self {
            session,
            id: id.clone(),
            metadata,
            clock: Clock::new(live.speed),
            reach: resolved.reach,
            root: multivariant.is_some().then(|| url.clone()),
            variables: multivariant.map(|multivariant| multivariant.variables().clone()),
            tracks: Vec::new(),
            sources: Vec::new(),
            urls: Vec::new(),
            others: saved.map(|saved| saved.tracks).unwrap_or_default(),
            gaps_before: record::state(&session.store, id)?.gaps,
            fetching: Fetching::default(),
            first: Vec::new(),
            notes: resolved.notes,
            bytes: 0,
            room: Room::default(),
            saved: None,
            to_do: ToDo::default(),
            live,
        };
        let mut leading = None;
        for (index, track) in resolved.tracks.into_iter().enumerate() {
            let named = named.iter().find(|named| named.name == track.name);
            recorder
                .urls
                .push(named.map_or_else(|| url.clone(), |named| named.url.clone()));
            let mut others = recorder.others.iter();
            let before = others.position(|saved| saved.name == track.name);
            let before = before.map(|at| recorder.others.swap_remove(at));
            let before = before.map(|saved| saved.restore(&session.store, id));
            if let Some((mut before, seen)) = before.transpose()?.flatten() {
                before.limit = recorder.live.duration;
                recorder.tracks.push(before);
                recorder.sources.push(LiveSource::new(seen, Duration::ZERO));
                // One that cannot be read is a look in vain; others follow.
                let left = recorder.read(index, &track.playlist, false, Duration::ZERO);
                recorder.first.extend(left.ok().map(|left| (index, left)));
            } else {
                let mut new = Track::new(track.name, track.subtitles, track.playlist.url);
                new.limit = recorder.live.duration;
                // One that is whole already is taken whole.
                if !recorder.live.from_start && track.timeline.is_live() {
                    new.first = start::first(&track.timeline, leading);
                    let time = start::start(&track.timeline);
                    leading = leading.or_else(|| track.timeline.date_at(time));
                }
                recorder.tracks.push(new);
                recorder
                    .sources
                    .push(LiveSource::new(track.timeline, Duration::ZERO));
            }
            let taken = recorder.take(index);
            recorder.first.push((index, taken));
        }
        Ok(recorder)
    }

    /// Asks for what was listed when it began.
    pub(super) fn begin(&mut self, writer: &AssetWriter, observe: &mut impl FnMut(DownloadEvent)) {
        for (track, taken) in std::mem::take(&mut self.first) {
            self.want(track, taken, writer, observe);
            let source = self.sources.get(track);
            if source.is_some_and(|source| source.timeline.segments().is_empty()) {
                observe(DownloadEvent::Waiting {
                    url: self.urls.get(track).map(address::shown).unwrap_or_default(),
                    error: "it lists no segments yet".to_owned(),
                });
            }
        }
    }

    /// When and what to look at next, unless a track has all it will have.
    pub(super) fn next_look(&self, track: usize) -> Option<Look> {
        let (state, source) = (self.tracks.get(track)?, self.sources.get(track)?);
        let is_over = state.is_full || source.has_ended();
        if is_over || source.dead(source.due(), self.live.patience).is_some() {
            return None;
        }
        Some(Look {
            track,
            name: state.name.clone(),
            url: self.urls.get(track)?.clone(),
            directives: source.directives(source.due()),
            due: source.due(),
            root: self.root.clone(),
            reach: self.reach,
        })
    }

    /// Takes in what was seen of a playlist.
    pub(super) fn seen(
        &mut self,
        seen: Seen,
        writer: &AssetWriter,
        observe: &mut impl FnMut(DownloadEvent),
    ) {
        let Seen {
            track,
            asked,
            was_blocking,
            playlist,
            moved,
        } = seen;
        if let (Some(moved), Some(url)) = (moved, self.urls.get_mut(track)) {
            *url = moved;
        }
        let now = self.clock.now();
        let read = match &playlist {
            Ok(playlist) => self.read(track, playlist, was_blocking, asked),
            Err(error) => {
                if let Some(source) = self.sources.get_mut(track) {
                    source.failed(now);
                }
                Err(error.one_line())
            }
        };
        match read {
            Ok(left) => {
                self.want(track, left, writer, observe);
                let taken = self.take(track);
                self.want(track, taken, writer, observe);
            }
            Err(error) => observe(DownloadEvent::Waiting {
                url: self.urls.get(track).map(address::shown).unwrap_or_default(),
                error,
            }),
        }
    }

    /// Takes in a copy of a playlist that was asked for at `asked`, and says what to fetch of a stream that it ends; the error is for people.
    fn read(
        &mut self,
        track: usize,
        received: &Received,
        was_blocking: bool,
        asked: Duration,
    ) -> Result<Taken, String> {
        let now = self.clock.now();
        let mut taken = Taken::default();
        let Some(source) = self.sources.get_mut(track) else {
            return Ok(taken);
        };
        let context = Context::new(received.url.clone());
        let context = match &self.variables {
            Some(variables) => context.with_imports(variables),
            None => context,
        };
        let parsed = match resolve::parse(received) {
            Ok(parsed) => parsed,
            Err(error) => {
                source.failed(now);
                return Err(error.one_line());
            }
        };
        let Playlist::Media(playlist) = parsed.playlist else {
            source.failed(now);
            return Err("it is no Media Playlist any more".to_owned());
        };
        let (timeline, epoch, first) = (source.timeline.clone(), source.epoch(), source.first);
        source
            .received(&playlist, &context, was_blocking, asked, now)
            .map_err(|error| error.to_string())?;
        if source.epoch() != epoch
            && let Some(track) = self.tracks.get_mut(track)
        {
            track.end_epoch(&timeline, epoch, first, &mut taken);
        }
        Ok(taken)
    }

    /// Asks for more of what is listed where there is room for it.
    pub(super) fn take_more(
        &mut self,
        writer: &AssetWriter,
        observe: &mut impl FnMut(DownloadEvent),
    ) {
        for track in 0..self.tracks.len() {
            while self.tracks.get(track).is_some_and(Track::wants_more) {
                let taken = self.take(track);
                self.want(track, taken, writer, observe);
            }
        }
    }

    fn take(&mut self, track: usize) -> Taken {
        match (self.tracks.get_mut(track), self.sources.get(track)) {
            (Some(track), Some(source)) => {
                track.take(&source.timeline, source.epoch(), source.first)
            }
            _ => Taken::default(),
        }
    }

    /// Asks for what a track wants, and says what it cannot have.
    fn want(
        &mut self,
        track: usize,
        taken: Taken,
        writer: &AssetWriter,
        observe: &mut impl FnMut(DownloadEvent),
    ) {
        if taken.missed > 0 {
            observe(DownloadEvent::Gap {
                url: self.urls.get(track).map(address::shown).unwrap_or_default(),
                error: format!("{} segments came and went unseen", taken.missed),
            });
        }
        for (url, error) in taken.refused {
            observe(DownloadEvent::Gap { url, error });
        }
        self.ask(track, taken.wanted, None, writer);
    }

    /// Asks for what a track wants, at a time to come if there is one.
    pub(super) fn ask(
        &mut self,
        track: usize,
        wanted: Vec<Wanted>,
        at: Option<Duration>,
        writer: &AssetWriter,
    ) {
        for wanted in wanted {
            match self.fetching.want(track, wanted, writer) {
                Step::There(place) => self.settle(place, true),
                Step::Link(place, link) => {
                    let (path, resource, entry) = *link;
                    let commit = writer.begin_link(
                        &path,
                        &entry.digest,
                        entry.length,
                        attributes(&resource),
                    );
                    self.to_do.commits.push((Committed::Link(place), commit));
                }
                Step::Fetch(number) => match at {
                    Some(at) => self.to_do.later.push(Later::whole(at, number)),
                    None => self.to_do.fetches.push(number),
                },
                Step::Wait => {}
            }
        }
    }

    /// An item is whole: it goes to its first place.
    pub(super) fn finished(
        &mut self,
        number: u64,
        sink: asset_store::Partial,
        writer: &AssetWriter,
    ) {
        if let Some(item) = self.fetching.get(number)
            && let Some((_, path)) = item.places.first()
        {
            let commit = writer.commit(sink, path, attributes(&item.resource));
            self.to_do.commits.push((Committed::Item(number), commit));
        }
    }

    /// Something is stored for good.
    pub(super) fn committed(&mut self, what: &Committed, entry: &Entry, writer: &AssetWriter) {
        let number = match what {
            Committed::Link(place) => return self.settle(*place, true),
            Committed::Item(number) => *number,
        };
        let Some(item) = self.fetching.stored(number, entry) else {
            return;
        };
        let attributes = attributes(&item.resource);
        for (at, (place, path)) in item.places.into_iter().enumerate() {
            if at == 0 {
                self.settle(place, true);
                continue;
            }
            let attributes = attributes.clone();
            let commit = writer.begin_link(&path, &entry.digest, entry.length, attributes);
            self.to_do.commits.push((Committed::Link(place), commit));
        }
    }

    fn settle(&mut self, (track, target): Place, is_there: bool) {
        if let Some(track) = self.tracks.get_mut(track) {
            track.settle(target, is_there);
        }
    }

    /// An item is whole in memory.
    ///
    /// # Errors
    /// When the store cannot take it.
    pub(super) fn assembled(
        &mut self,
        number: u64,
        bytes: &[u8],
        writer: &AssetWriter,
    ) -> Result<()> {
        let Some(item) = self.fetching.get(number) else {
            return Ok(());
        };
        let mut sink = writer.partial(&PartialKey {
            identity: format!("pieces of {}", item.resource.url),
            range: item.resource.range.clone(),
        })?;
        sink.begin(0, None, u64::try_from(bytes.len()).ok())?;
        sink.append(bytes)?;
        self.finished(number, sink, writer);
        Ok(())
    }

    /// What becomes of an item that could not be had.
    ///
    /// # Errors
    /// When it was the store that failed.
    pub(super) fn failed(
        &mut self,
        number: u64,
        error: segment_fetch::Error,
        observe: &mut impl FnMut(DownloadEvent),
    ) -> Result<()> {
        let kind = error.kind();
        let error = Error::from(error);
        if kind == segment_fetch::ErrorKind::Sink {
            return Err(error);
        }
        let place = self
            .fetching
            .get(number)
            .and_then(|item| item.places.first());
        let fresh = place.and_then(|(place, _)| self.fresh_address(*place));
        let now = self.clock.now();
        let patience = self.live.patience;
        let verdict = self
            .fetching
            .failed(number, kind, fresh, now, patience, self.reach);
        match verdict {
            None => {}
            Some(Verdict::Again(at)) => self.to_do.later.push(Later::whole(at, number)),
            Some(Verdict::Pieces(pieces)) => self.to_do.later.push(Later {
                at: now,
                number,
                pieces,
            }),
            Some(Verdict::Gone(item)) => {
                observe(DownloadEvent::Gap {
                    url: address::shown(&item.resource.url),
                    error: error.one_line(),
                });
                for (place, _) in item.places {
                    self.settle(place, false);
                }
            }
        }
        Ok(())
    }

    /// The address of a segment in the playlist as it is now: it may be signed anew.
    fn fresh_address(&self, (track, target): Place) -> Option<Url> {
        let Target::Segment(number) = target else {
            return None;
        };
        let (track, source) = (self.tracks.get(track)?, self.sources.get(track)?);
        let origin = track.origin_of(number)?;
        let at = origin
            .number
            .checked_sub(source.timeline.media_sequence())?;
        let at = usize::try_from(at).ok()?;
        let is_listed = at < source.timeline.segments().len() && origin.epoch == source.epoch();
        is_listed.then(|| source.timeline.segment_url(at))
    }

    /// Why it has ended, when nothing is looked at any more and nothing is on its way.
    pub(super) fn over(&self, is_looking: bool) -> Option<Ended> {
        if is_looking || self.tracks.iter().any(Track::is_waiting) {
            return None;
        }
        if self.tracks.iter().any(Track::is_too_long) {
            return Some(Ended::Full);
        }
        if self.tracks.iter().any(|track| track.is_full) {
            return Some(Ended::Duration);
        }
        let sources = self.sources.iter().filter(|source| !source.has_ended());
        let mut dead = sources.filter_map(|source| source.dead(source.due(), self.live.patience));
        Some(match dead.next() {
            None => Ended::Stream,
            Some(Dead::Silent) => Ended::Silent,
            Some(Dead::Unreachable) => Ended::Unreachable,
        })
    }
}
