//! The playlist of a recording as far as it is settled: text that only grows.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use hls_parse::{ByteRange, Key, MediaPlaylistBuilder, NewSegment, PlaylistType};

use crate::session::resolve::Received;
use crate::session::source;
use crate::{Error, ErrorKind, Result};

/// The version that gaps need; nothing that a recording says needs a later one.
const VERSION: u64 = 8;
const END: &str = "#EXT-X-ENDLIST\n";

/// A Media Initialization Section, with the key it is encrypted by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Section {
    pub(super) url: String,
    pub(super) byte_range: Option<ByteRange>,
    pub(super) key: Option<Arc<Key>>,
}

/// What a segment needs besides its own bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Needs {
    pub(super) key: Option<Arc<Key>>,
    pub(super) map: Option<Arc<Section>>,
}

/// A playlist that segments are added to at its end. It is a finished one at any moment.
#[derive(Clone, Debug)]
pub(super) struct Written {
    builder: MediaPlaylistBuilder,
    is_finished: bool,
    in_force: Needs,
    pub(super) len: u64,
    pub(super) duration: Duration,
}

impl Written {
    /// A playlist that begins with a Media Sequence Number.
    pub(super) fn new(number: u64, discontinuity_number: u64) -> Self {
        let mut builder = MediaPlaylistBuilder::new();
        builder
            .media_sequence(number)
            .discontinuity_sequence(discontinuity_number)
            .playlist_type(PlaylistType::Vod);
        Self {
            builder,
            is_finished: true,
            in_force: Needs::default(),
            len: 0,
            duration: Duration::ZERO,
        }
    }

    /// Takes in the target duration of the stream: a playlist that is read while it grows must not change its own.
    pub(super) fn target(&mut self, target: Duration) {
        // In the versions that are enough for most segments theirs are rounded up, and not to the nearest second.
        self.builder
            .target_duration(target.as_secs().saturating_add(1));
    }

    /// A playlist that goes on, of what was seen of a stream.
    pub(super) fn evidence(number: u64, discontinuity_number: u64) -> Self {
        let mut builder = MediaPlaylistBuilder::new();
        builder
            .media_sequence(number)
            .discontinuity_sequence(discontinuity_number);
        Self {
            builder,
            is_finished: false,
            ..Self::new(number, discontinuity_number)
        }
    }

    /// Adds a segment; one that says nothing of what it needs leaves keys and maps as they are.
    pub(super) fn push(&mut self, segment: NewSegment, needs: Option<&Needs>) {
        if let Some(needs) = needs {
            if needs.map != self.in_force.map
                && let Some(map) = &needs.map
            {
                self.key(map.key.as_ref());
                self.builder.map(&quotable(&map.url), map.byte_range);
                self.in_force.map = Some(Arc::clone(map));
            }
            self.key(needs.key.as_ref());
        }
        self.len = self.len.saturating_add(1);
        self.duration = self.duration.saturating_add(segment.duration);
        self.builder.segment(segment);
    }

    fn key(&mut self, key: Option<&Arc<Key>>) {
        if self.in_force.key.as_ref() == key {
            return;
        }
        match key {
            Some(key) => self.builder.key(key),
            None => self.builder.no_key(),
        };
        self.in_force.key = key.cloned();
    }

    /// How many bytes it takes.
    pub(super) fn bytes(&self) -> usize {
        self.builder.segment_bytes()
    }

    /// The playlist, to stand at an address, with the tags of date ranges: in pieces that are written one after the other.
    pub(super) fn pieces<'w>(
        &'w self,
        url: &url::Url,
        ranges: impl Iterator<Item = &'w str>,
    ) -> Result<Vec<Cow<'w, str>>> {
        let pieces = self.builder.build_unjudged(VERSION).map_err(|error| {
            Error::new(
                ErrorKind::PlaylistRejected,
                format!(
                    "the recording of {} cannot be written down",
                    source::shown(url)
                ),
            )
            .because(error)
        })?;
        let end = self.is_finished.then_some(END);
        let rest = ranges.chain(end).map(Cow::from);
        Ok(pieces.into_iter().chain(rest).collect())
    }

    /// The playlist as a whole.
    pub(super) fn playlist<'w>(
        &'w self,
        url: &url::Url,
        ranges: impl Iterator<Item = &'w str>,
    ) -> Result<Received> {
        Ok(Received {
            url: url.clone(),
            bytes: self.pieces(url, ranges)?.concat().into(),
            content_type: None,
        })
    }
}

/// An address as it can stand in a playlist: it must not read as a reference to a variable.
pub(super) fn quotable(url: &str) -> String {
    url.replace("{$", "%7B$")
}

/// The numbers that keys and maps will have for who reads the playlist: in the order of first appearance.
#[derive(Debug, Default)]
pub(super) struct Numbers {
    keys: HashMap<Arc<Key>, usize>,
    maps: HashMap<Arc<Section>, usize>,
}

/// [`Needs`] by number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbered {
    pub(super) key: Option<usize>,
    pub(super) map: Option<usize>,
    pub(super) map_key: Option<usize>,
}

impl Numbers {
    /// Takes in what the next segment needs, in the order in which [`Written::push`] writes it down.
    pub(super) fn of(&mut self, needs: &Needs) -> Numbered {
        let mut numbered = Numbered::default();
        if let Some(map) = &needs.map {
            numbered.map_key = map.key.as_ref().map(|key| self.key(key));
            let next = self.maps.len();
            numbered.map = Some(*self.maps.entry(Arc::clone(map)).or_insert(next));
        }
        numbered.key = needs.key.as_ref().map(|key| self.key(key));
        numbered
    }

    fn key(&mut self, key: &Arc<Key>) -> usize {
        let next = self.keys.len();
        *self.keys.entry(Arc::clone(key)).or_insert(next)
    }

    /// The number of a key that was taken in.
    pub(super) fn key_number(&self, key: &Arc<Key>) -> Option<usize> {
        self.keys.get(key).copied()
    }

    pub(super) fn has_maps(&self) -> bool {
        !self.maps.is_empty()
    }

    /// How many keys and maps there are.
    pub(super) fn len(&self) -> usize {
        self.keys.len().saturating_add(self.maps.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hls_parse::{Context, Playlist, Timeline};
    use proptest::prelude::*;

    fn timeline(text: &[u8]) -> Timeline {
        let Playlist::Media(playlist) = hls_parse::parse(text).unwrap().playlist else {
            panic!("not a Media Playlist");
        };
        let url = "https://h.example/live.m3u8".parse().unwrap();
        playlist.resolve(&Context::new(url)).unwrap()
    }

    fn key(number: u8, iv: Option<u8>) -> Arc<Key> {
        let mut text =
            format!("#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"https://h.example/{number}\"");
        if let Some(iv) = iv {
            text.push_str(&format!(",IV=0x{iv:032x}"));
        }
        text.push_str("\n#EXTINF:1,\na.ts\n");
        Arc::new(timeline(text.as_bytes()).keys()[0].clone())
    }

    fn needs() -> impl Strategy<Value = Option<Needs>> {
        let a_key = || {
            proptest::option::of(
                (0_u8..3, proptest::option::of(0_u8..2)).prop_map(|(k, iv)| key(k, iv)),
            )
        };
        // The IV of a key that encrypts a map is spelled out.
        let map_key = proptest::option::of((0_u8..3, 0_u8..2).prop_map(|(k, iv)| key(k, Some(iv))));
        let map = (0_u8..3, map_key).prop_map(|(map, key)| {
            Arc::new(Section {
                url: format!("https://h.example/{map}.mp4"),
                byte_range: None,
                key,
            })
        });
        proptest::option::weighted(
            0.8,
            (a_key(), map).prop_map(|(key, map)| Needs {
                key,
                map: Some(map),
            }),
        )
    }

    proptest! {
        #[test]
        fn readers_number_keys_and_maps_as_we_do(rows in proptest::collection::vec(needs(), 1..12)) {
            let (mut written, mut numbers) = (Written::new(7, 2), Numbers::default());
            let mut expected = Vec::new();
            for needs in &rows {
                expected.push(needs.as_ref().map(|needs| numbers.of(needs)));
                let segment = NewSegment::new("https://h.example/a.ts", Duration::from_secs(1));
                written.push(segment, needs.as_ref());
            }
            let url = "https://h.example/live.m3u8".parse().unwrap();
            let read = timeline(&written.playlist(&url, std::iter::empty()).unwrap().bytes);
            prop_assert!(!read.is_live());
            prop_assert_eq!((read.media_sequence(), read.discontinuity_sequence()), (7, 2));
            prop_assert_eq!(read.keys().len() + read.maps().len(), numbers.len());
            for (index, expected) in expected.into_iter().enumerate() {
                let Some(expected) = expected else { continue };
                let segment = read.segments().get(index).unwrap();
                prop_assert_eq!(segment.map, expected.map);
                prop_assert_eq!(read.segment_keys(index).first().copied(), expected.key);
                let map = &read.maps()[segment.map.unwrap()];
                prop_assert_eq!(map.keys.first().copied(), expected.map_key);
            }
        }
    }
}
