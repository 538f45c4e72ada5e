//! What is encrypted has to open with its key before it counts: a wrong key or a damaged segment is asked for again while it is listed.

use std::time::Duration;

use asset_store::{Asset, AssetWriter, Store};
use hls_parse::{Key, KeyMethod};
use url::Url;

use super::recorder::Recorder;
use super::row;
use super::track::{Shared, Target, Track, Wanted};
use crate::Result;
use crate::playback::content::{Content, Decryption};
use crate::session::{DownloadEvent, layout, source};

/// How often something is fetched that does not open.
const ATTEMPTS: u32 = 3;
/// The pause before it is fetched again, longer each time.
const PAUSE: Duration = Duration::from_secs(1);

/// Something that is stored encrypted.
#[derive(Clone, Debug)]
pub(super) struct Sealed {
    target: Target,
    path: String,
    key: Target,
    key_path: String,
    iv: [u8; 16],
}

impl Sealed {
    fn opens(&self, store: &Store, asset: &Asset) -> bool {
        let (Some(entry), Some(key)) = (asset.entry(&self.path), asset.entry(&self.key_path))
        else {
            return false;
        };
        let content = Content {
            entry: entry.clone(),
            decryption: Some(Decryption::Segment {
                key: key.clone(),
                iv: self.iv,
            }),
            media_type: "",
        };
        content.open(store).is_ok()
    }
}

/// What follows from things that did not open.
#[derive(Debug, Default)]
pub(super) struct Closed {
    /// Paths of what is not the right thing.
    wrong: Vec<String>,
    /// What to fetch again; nothing when they are given up.
    again: Vec<Wanted>,
    /// How often they did not open.
    times: u32,
}

impl Track {
    /// What has to open of a segment that is there with all it needs; nothing as long as a key or a map is fetched again.
    pub(super) fn sealed(&mut self, number: u64) -> Option<Vec<Sealed>> {
        let row = self.row_mut(number)?;
        let (needs, path) = (row.needs.clone()?, row.path.clone()?);
        let numbered = self.numbers.of(&needs);
        let map = numbered.map.map(Target::Map);
        let keys = [numbered.key, numbered.map_key].into_iter().flatten();
        for target in keys.map(Target::Key).chain(map) {
            if let Some(Shared::Coming(waiting)) = self.shared.get_mut(&target) {
                waiting.push(number);
                return None;
            }
        }
        let mut sealed = Vec::new();
        let mut add = |target, path, index: Option<usize>, key: Option<&Key>, iv| {
            if let (Some(index), Some(key)) = (index, key)
                && key.method == KeyMethod::Aes128
            {
                sealed.push(Sealed {
                    target,
                    path,
                    key: Target::Key(index),
                    key_path: format!("{}/{}", self.name, layout::TrackLayout::key_name(index)),
                    iv: key.iv.unwrap_or(iv),
                });
            }
        };
        if let (Some(target), Some(index), Some(map)) = (map, numbered.map, &needs.map)
            && !self.proven.contains(&target)
        {
            let path = format!("{}/{}", self.name, layout::TrackLayout::map_name(index));
            add(target, path, numbered.map_key, map.key.as_deref(), [0; 16]);
        }
        // Without an IV it is the Media Sequence Number, which is this one then.
        let iv = u128::from(number).to_be_bytes();
        let target = Target::Segment(number);
        add(target, path, numbered.key, needs.key.as_deref(), iv);
        Some(sealed)
    }

    /// Notes that all of a segment has opened.
    pub(super) fn opened(&mut self, number: u64, sealed: &[Sealed]) {
        for one in sealed {
            self.proven.insert(one.key);
            if one.target != Target::Segment(number) {
                self.proven.insert(one.target);
            }
        }
        if let Some(row) = self.row_mut(number) {
            row.outstanding = 0;
        }
        self.settle_front();
    }

    /// Notes that something of a segment has not opened. A key that never opened anything may be what is wrong.
    pub(super) fn closed(&mut self, number: u64, wrong: &[Sealed]) -> Closed {
        let Some(row) = self.row_mut(number) else {
            return Closed::default();
        };
        row.closed = row.closed.saturating_add(1);
        let times = row.closed;
        let is_over = times >= ATTEMPTS;
        row.has_failed |= is_over;
        row.outstanding = 0;
        let row = row.clone();
        let mut closed = Closed {
            times,
            ..Closed::default()
        };
        for one in wrong {
            let key = (one.key, &one.key_path);
            let doubtful = Some(key).filter(|(key, _)| !self.proven.contains(key));
            for (target, path) in [(one.target, &one.path)].into_iter().chain(doubtful) {
                if closed.wrong.contains(path) {
                    continue;
                }
                closed.wrong.push(path.clone());
                let wanted = if is_over {
                    None
                } else {
                    self.wanted_again(&row, target, path)
                };
                if !matches!(target, Target::Segment(_)) {
                    let state = match &wanted {
                        Some(_) => Shared::Coming(vec![number]),
                        None => Shared::Missing,
                    };
                    self.shared.insert(target, state);
                }
                closed.again.extend(wanted);
            }
        }
        let outstanding = closed.again.len();
        if let Some(row) = self.row_mut(number) {
            row.outstanding = outstanding;
            row.has_failed |= outstanding == 0;
        }
        self.settle_front();
        closed
    }

    fn wanted_again(&self, row: &row::Row, target: Target, path: &str) -> Option<Wanted> {
        let needs = row.needs.as_ref()?;
        let map = needs.map.as_ref();
        let (url, range) = match target {
            Target::Segment(_) => (
                Url::parse(&row.segment.uri).ok()?,
                row.segment.byte_range.map(row::offsets),
            ),
            Target::Map(_) => {
                let map = map?;
                (Url::parse(&map.url).ok()?, map.byte_range.map(row::offsets))
            }
            Target::Key(index) => {
                let keys = needs.key.iter().chain(map.and_then(|map| map.key.as_ref()));
                let mut keys = keys.filter(|key| self.numbers.key_number(key) == Some(index));
                (keys.next()?.fetchable_url()?.clone(), None)
            }
        };
        Some(self.wanted(target, url, range, Some(path.to_owned())))
    }
}

impl Recorder<'_> {
    /// Opens what is there with all it needs.
    ///
    /// # Errors
    /// When the store fails.
    pub(super) fn open(
        &mut self,
        writer: &AssetWriter,
        observe: &mut impl FnMut(DownloadEvent),
    ) -> Result<()> {
        for track in 0..self.tracks.len() {
            while let Some(state) = self.tracks.get_mut(track)
                && let Some(number) = state.unopened.pop()
            {
                let Some(sealed) = state.sealed(number) else {
                    continue;
                };
                let asset = writer.asset();
                let store = &self.session.store;
                let is_wrong = |one: &&Sealed| !one.opens(store, &asset);
                let wrong: Vec<Sealed> = sealed.iter().filter(is_wrong).cloned().collect();
                // Whoever writes shares the entries with nobody, and need not copy them.
                drop(asset);
                if wrong.is_empty() {
                    state.opened(number, &sealed);
                    continue;
                }
                let closed = state.closed(number, &wrong);
                let url = state.url.clone();
                self.fetch_again(track, &url, closed, writer, observe)?;
            }
        }
        Ok(())
    }

    fn fetch_again(
        &mut self,
        track: usize,
        playlist: &Url,
        closed: Closed,
        writer: &AssetWriter,
        observe: &mut impl FnMut(DownloadEvent),
    ) -> Result<()> {
        let Closed {
            wrong,
            again,
            times,
        } = closed;
        for path in &wrong {
            writer.remove_entry(path)?;
        }
        let pause = PAUSE.saturating_mul(times);
        let error = "it does not open: the key or the segment is not the right one".to_owned();
        let Some(first) = again.first() else {
            let url = source::shown(playlist);
            observe(DownloadEvent::Gap { url, error });
            return Ok(());
        };
        observe(DownloadEvent::Retrying {
            url: source::shown(&first.resource.url),
            error,
            after: pause.as_secs_f64(),
        });
        let at = self.clock.now().saturating_add(pause);
        for wanted in &again {
            self.fetching.forget(&wanted.resource);
        }
        self.ask(track, again, Some(at), writer);
        Ok(())
    }
}
