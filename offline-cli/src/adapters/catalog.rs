//! cache-inspect's [`Catalog`] over the store: what the pinned playlists promise, as tracks and segments.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::Range;

use asset_store::{Asset, AssetId, Entry, Store};
use cache_inspect::{
    AssetDescription, Catalog, File, Freshness, Prerequisite, PrerequisiteKind, Reading,
    SegmentDescription, Track, TrackKind, VariantDescription,
};
use hls_parse::{Rendition, RenditionKind, Variant};
use storage_policy::Policy;

use super::opened::Opened;
use crate::session::presentation::{Presentation, StoredTrack};
use crate::session::record::{self, DownloadState};
use crate::session::source;
use crate::{Error, Result};

/// The assets of a store, described.
#[derive(Debug)]
pub(crate) struct StoreCatalog<'a> {
    store: &'a Store,
    /// The asset that was read from last: many of its files are asked for in a row.
    opened: RefCell<Option<Opened>>,
}

impl<'a> StoreCatalog<'a> {
    pub(crate) fn new(store: &'a Store) -> Self {
        Self {
            store,
            opened: RefCell::new(None),
        }
    }
}

impl Catalog for StoreCatalog<'_> {
    type Error = Error;

    fn asset_ids(&self) -> Result<Vec<String>> {
        Ok(self
            .store
            .asset_ids()?
            .iter()
            .map(ToString::to_string)
            .collect())
    }

    fn asset(&self, id: &str) -> Result<AssetDescription> {
        let id = AssetId::new(id)?;
        match Presentation::load(self.store, &id) {
            Ok(presentation) => describe(self.store, &id, &presentation),
            Err(error) if is_unknown(self.store, &id) => Err(error),
            // One damaged asset does not keep the others from being counted.
            Err(error) => {
                tracing::warn!(%id, error = %error.one_line(), "only the files of this asset are known");
                let files = self
                    .store
                    .asset(&id)
                    .map(|asset| files(&asset, &HashMap::new()))
                    .unwrap_or_default();
                Ok(AssetDescription {
                    id: id.to_string(),
                    files,
                    ..AssetDescription::default()
                })
            }
        }
    }

    fn read(&self, id: &str, path: &str, into: &mut Vec<u8>) -> Result<Reading> {
        into.clear();
        let mut last = self.opened.borrow_mut();
        let opened = match last.take().filter(|opened| opened.id.as_str() == id) {
            Some(opened) => opened,
            None => Opened::load(self.store, AssetId::new(id)?)?,
        };
        let reading = opened.read(self.store, path, into);
        *last = Some(opened);
        Ok(reading)
    }
}

fn is_unknown(store: &Store, id: &AssetId) -> bool {
    let error = store.asset(id).err();
    error.is_some_and(|error| error.kind() == asset_store::ErrorKind::UnknownAsset)
}

pub(crate) fn describe(
    store: &Store,
    id: &AssetId,
    presentation: &Presentation,
) -> Result<AssetDescription> {
    let mut tracks: Vec<Track> = presentation
        .tracks
        .iter()
        .map(|track| describe_track(store, presentation, track))
        .collect();
    for (_, rendition, stored) in further(presentation) {
        let shared = stored.and_then(|stored| tracks.get(stored)).cloned();
        tracks.push(describe_further(rendition, shared));
    }
    let names = (presentation.tracks.iter().enumerate())
        .map(|(index, track)| (track.name.as_str(), index))
        .collect();
    let metadata = record::metadata(store, id)?;
    let Policy {
        mut tags, series, ..
    } = record::policy(store, id)?;
    // A series is a tag as well.
    tags.extend(series);
    let compared = record::compared(store, id)?;
    Ok(AssetDescription {
        id: id.to_string(),
        title: metadata.as_ref().map(|metadata| metadata.title.clone()),
        // What is sealed stays whole while more of it waits in the queue.
        complete: presentation.asset.is_sealed()
            || record::state(store, id)?.state == DownloadState::Completed,
        variants: variants(presentation),
        tracks,
        files: files(&presentation.asset, &names),
        tags: tags.into_iter().collect(),
        freshness: Freshness {
            created: metadata.and_then(|metadata| record::time(metadata.created)),
            last_verified: record::last_verified(store, id)?,
            last_played: record::played(store, id)?.and_then(|played| record::time(played.last)),
            last_compared: compared
                .as_ref()
                .and_then(|compared| record::time(compared.at)),
            drift: compared.and_then(|compared| compared.drift),
        },
    })
}

/// The files of an asset, those in the folder of a track with its number.
fn files(asset: &Asset, tracks: &HashMap<&str, usize>) -> Vec<File> {
    let describe = |(path, entry): (&String, &Entry)| File {
        path: path.clone(),
        blob: entry.digest.to_string(),
        length: entry.length,
        role: entry.role.clone(),
        track: (path.split_once('/')).and_then(|(folder, _)| tracks.get(folder).copied()),
    };
    asset.entries().iter().map(describe).collect()
}

fn variants(presentation: &Presentation) -> Vec<VariantDescription> {
    let Some(multivariant) = &presentation.multivariant else {
        return vec![VariantDescription {
            id: crate::session::layout::ONLY_TRACK.to_owned(),
            bandwidth: None,
            resolution: None,
            codecs: None,
            tracks: if presentation.tracks.is_empty() {
                Vec::new()
            } else {
                vec![0]
            },
            audio: Vec::new(),
            audio_required: false,
            subtitles: Vec::new(),
            closed_captions: Vec::new(),
        }];
    };
    let members = |group: Option<&str>, kind: RenditionKind| -> Vec<&Rendition> {
        let Some(group) = group else {
            return Vec::new();
        };
        multivariant
            .renditions
            .iter()
            .filter(|one| one.kind == kind && one.group_id() == group)
            .collect()
    };
    let stored = |members: &[&Rendition]| -> Vec<usize> {
        let of = |rendition: &&Rendition| {
            let is_it = |index: usize| {
                multivariant
                    .renditions
                    .get(index)
                    .is_some_and(|known| std::ptr::eq(known, *rendition))
            };
            let own = presentation
                .tracks
                .iter()
                .position(|track| track.rendition.is_some_and(is_it));
            own.or_else(|| {
                let position = further(presentation).position(|(index, ..)| is_it(index))?;
                Some(presentation.tracks.len() + position)
            })
        };
        members.iter().filter_map(of).collect()
    };
    let describe = |(index, variant): (usize, &Variant)| {
        let audio = members(variant.audio(), RenditionKind::Audio);
        let subtitles = members(variant.subtitles(), RenditionKind::Subtitles);
        let captions = RenditionKind::ClosedCaptions;
        let captions = members(variant.group(&captions), captions.clone());
        VariantDescription {
            id: crate::session::layout::variant_track(index),
            bandwidth: variant.bandwidth,
            resolution: variant.resolution.map(|size| (size.width, size.height)),
            codecs: variant.codecs().map(str::to_owned),
            tracks: presentation.variant_track(index).into_iter().collect(),
            // A member without an address of its own is muxed into the variant, so nothing else is needed.
            audio_required: !presentation.silent
                && !audio.is_empty()
                && audio.iter().all(|rendition| rendition.url().is_some()),
            audio: stored(&audio),
            subtitles: stored(&subtitles),
            closed_captions: stored(&captions),
        }
    };
    multivariant
        .variants
        .iter()
        .enumerate()
        .map(describe)
        .collect()
}

/// Renditions without a track of their own, which follow the stored tracks: those inside the variants'
/// media, and those that share the playlist of a stored track, whose index comes with them.
fn further(
    presentation: &Presentation,
) -> impl Iterator<Item = (usize, &Rendition, Option<usize>)> {
    let renditions = presentation
        .multivariant
        .iter()
        .flat_map(|multivariant| multivariant.renditions.iter().enumerate());
    renditions.filter_map(|(index, rendition)| match rendition.url() {
        None => matches!(
            rendition.kind,
            RenditionKind::Audio | RenditionKind::ClosedCaptions
        )
        .then_some((index, rendition, None)),
        Some(url) => {
            let stored = presentation.track_of(url)?;
            let is_own = presentation.tracks.get(stored)?.rendition == Some(index);
            (!is_own).then_some((index, rendition, Some(stored)))
        }
    })
}

fn describe_further(rendition: &Rendition, shared: Option<Track>) -> Track {
    Track {
        kind: match rendition.kind {
            RenditionKind::Video => TrackKind::Video,
            RenditionKind::Subtitles => TrackKind::Subtitles,
            RenditionKind::ClosedCaptions => TrackKind::ClosedCaptions,
            _ => TrackKind::Audio,
        },
        group: Some(rendition.group_id().to_owned()),
        name: Some(rendition.name().to_owned()),
        language: rendition.language().map(str::to_owned),
        forced: rendition.forced,
        characteristics: characteristics(rendition),
        selected: true,
        muxed: shared.is_none(),
        ..shared.unwrap_or_default()
    }
}

fn characteristics(rendition: &Rendition) -> Vec<String> {
    let list = rendition.characteristic_list();
    list.map(str::to_owned).collect()
}

fn describe_track(store: &Store, presentation: &Presentation, track: &StoredTrack) -> Track {
    let layout = track.layout();
    let timeline = &track.timeline;
    let rendition = track
        .rendition
        .and_then(|index| presentation.multivariant.as_ref()?.renditions.get(index));
    let segments = timeline
        .segments()
        .iter()
        .enumerate()
        .map(|(index, segment)| {
            let path = layout.segment(index);
            let entry = presentation.entry(store, &path);
            SegmentDescription {
                start: track.offset.saturating_add(segment.start),
                duration: segment.duration,
                present: entry.is_some(),
                gap: segment.gap || presentation.accepted_gaps.contains(&path),
                discontinuity: segment.discontinuity,
                url: source::shown(&timeline.segment_url(index)),
                length: entry.map(|entry| entry.length),
                path,
            }
        })
        .collect();
    Track {
        kind: track.kind,
        group: rendition.map(|rendition| rendition.group_id().to_owned()),
        name: rendition.map(|rendition| rendition.name().to_owned()),
        language: rendition.and_then(|rendition| rendition.language().map(str::to_owned)),
        independent_segments: timeline.independent_segments()
            || presentation.independent_segments(),
        forced: rendition.is_some_and(|rendition| rendition.forced),
        characteristics: rendition.map(characteristics).unwrap_or_default(),
        selected: true,
        muxed: false,
        segments,
        prerequisites: prerequisites(store, presentation, track),
        key_systems: track.key_systems.clone(),
    }
}

/// Maps and keys, each with the segments that cannot be played without it.
fn prerequisites(
    store: &Store,
    presentation: &Presentation,
    track: &StoredTrack,
) -> Vec<Prerequisite> {
    let layout = track.layout();
    let timeline = &track.timeline;
    let mut maps: Vec<Vec<Range<usize>>> = vec![Vec::new(); timeline.maps().len()];
    let mut keys: Vec<Vec<Range<usize>>> = vec![Vec::new(); timeline.keys().len()];
    for (index, segment) in timeline.segments().iter().enumerate() {
        let map = segment.map;
        let map_keys = map
            .and_then(|map| timeline.maps().get(map))
            .map(|map| map.keys.as_slice())
            .unwrap_or_default();
        if let Some(used) = map.and_then(|map| maps.get_mut(map)) {
            extend(used, index);
        }
        for &key in timeline.segment_keys(index).iter().chain(map_keys) {
            if let Some(used) = keys.get_mut(key) {
                extend(used, index);
            }
        }
    }
    let maps = maps.into_iter().enumerate().flat_map(|(index, used)| {
        let url = timeline
            .maps()
            .get(index)
            .map(|map| source::shown(&map.url))
            .unwrap_or_default();
        let path = layout.map(index);
        let present = presentation.entry(store, &path).is_some();
        used.into_iter().map(move |used_by| Prerequisite {
            what: PrerequisiteKind::Map,
            url: url.clone(),
            path: path.clone(),
            present,
            used_by,
        })
    });
    let identity = keys.into_iter().enumerate().filter(|(index, _)| {
        timeline
            .keys()
            .get(*index)
            .is_some_and(hls_parse::Key::is_identity)
    });
    let keys = identity.flat_map(|(index, used)| {
        let url = timeline
            .keys()
            .get(index)
            .and_then(hls_parse::Key::fetchable_url)
            .map(source::shown)
            .unwrap_or_default();
        let path = layout.key(index);
        let present = presentation.entry(store, &path).is_some();
        used.into_iter().map(move |used_by| Prerequisite {
            what: PrerequisiteKind::Key,
            url: url.clone(),
            path: path.clone(),
            present,
            used_by,
        })
    });
    maps.chain(keys).collect()
}

/// Adds an index to ascending ranges.
fn extend(ranges: &mut Vec<Range<usize>>, index: usize) {
    match ranges.last_mut() {
        Some(last) if last.end == index => last.end = index + 1,
        Some(last) if last.contains(&index) => {}
        _ => ranges.push(index..index + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aes::Aes128;
    use aes::cipher::{Array, BlockModeEncrypt, KeyIvInit};
    use asset_store::{Durability, EntryAttributes, Source, StoreOptions};
    use cache_inspect::testing::catalog_contract;

    const KEY: [u8; 16] = *b"0123456789abcdef";

    fn encrypted(clear: &[u8], iv: u8) -> Vec<u8> {
        let padding = 16 - clear.len() % 16;
        let mut bytes = clear.to_vec();
        bytes.extend(std::iter::repeat_n(u8::try_from(padding).unwrap(), padding));
        let mut vector = [0; 16];
        vector[15] = iv;
        let (blocks, _) = Array::slice_as_chunks_mut(bytes.as_mut_slice());
        cbc::Encryptor::<Aes128>::new(&Array::from(KEY), &Array::from(vector))
            .encrypt_blocks(blocks);
        bytes
    }

    /// Five segments: in clear, encrypted, of a key that is not there, of a length that cannot be right, and a missing one.
    fn store(folder: &std::path::Path) -> Store {
        let options = StoreOptions {
            durability: Durability::Relaxed,
            ..StoreOptions::default()
        };
        let store = Store::open_with(folder, &options).unwrap();
        let writer = store.writer(&AssetId::new("film").unwrap()).unwrap();
        let playlist = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-VERSION:3\n#EXTINF:4,\n0.ts\n#EXT-X-KEY:METHOD=AES-128,URI=\"k0\"\n#EXTINF:4,\n1.ts\n#EXT-X-KEY:METHOD=AES-128,URI=\"k1\"\n#EXTINF:4,\n2.ts\n#EXT-X-KEY:METHOD=AES-128,URI=\"k0\"\n#EXTINF:4,\n3.ts\n#EXTINF:4,\n4.ts\n#EXT-X-ENDLIST\n";
        let source = Source {
            identity: "https://h/index.m3u8".to_owned(),
            url: "https://h/index.m3u8".to_owned(),
            range: None,
            validator: None,
        };
        let pinned = EntryAttributes::new("playlist").with_source(source);
        writer
            .put("media/media.m3u8", playlist.as_bytes(), pinned)
            .unwrap();
        let second = encrypted(b"second", 1);
        let files: [(&str, &[u8], &str); 5] = [
            ("media/segment-00000000.ts", b"first", "segment"),
            ("media/segment-00000001.ts", &second, "segment"),
            ("media/segment-00000002.ts", &[1; 16], "segment"),
            (
                "media/segment-00000003.ts",
                b"not of whole blocks",
                "segment",
            ),
            ("media/key-0.key", &KEY, "key"),
        ];
        for (path, bytes, role) in files {
            writer.put(path, bytes, EntryAttributes::new(role)).unwrap();
        }
        writer.seal().unwrap();
        drop(writer);
        store
    }

    #[test]
    fn it_keeps_the_contract() {
        let folder = tempfile::tempdir().unwrap();
        let store = store(folder.path());
        let catalog = StoreCatalog::new(&store);
        assert_eq!(catalog.asset_ids().unwrap(), ["film"]);
        catalog_contract(&catalog).unwrap();

        let mut bytes = Vec::new();
        let mut read = |path: &str| {
            let reading = catalog.read("film", path, &mut bytes).unwrap();
            (reading, bytes.clone())
        };
        let segment = |number: u32| format!("media/segment-{number:08}.ts");
        assert_eq!(read(&segment(0)), (Reading::Stored, b"first".to_vec()));
        assert_eq!(read(&segment(1)), (Reading::Decrypted, b"second".to_vec()));
        assert_eq!(read(&segment(2)), (Reading::Encrypted, Vec::new()));
        assert!(matches!(read(&segment(3)).0, Reading::WrongKey(_)));
        assert!(matches!(read(&segment(4)).0, Reading::Unreadable(_)));

        let film = catalog.asset("film").unwrap();
        let present: Vec<bool> = (film.tracks[0].segments.iter())
            .map(|segment| segment.present)
            .collect();
        assert_eq!(present, [true, true, true, true, false]);
        assert!(film.files.iter().all(|file| file.track == Some(0)));
    }
}
