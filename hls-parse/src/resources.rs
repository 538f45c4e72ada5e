//! What has to be fetched to play a timeline.

use std::collections::HashMap;

use url::Url;

use crate::timeline::Timeline;
use crate::value::ByteRange;

/// What a [`Resource`] is for, by index in the timeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "kebab-case"))]
pub enum ResourceKind {
    /// An entry of [`Timeline::keys`].
    Key(usize),
    /// An entry of [`Timeline::maps`].
    Map(usize),
    /// An entry of [`Timeline::segments`].
    Segment(usize),
}

/// Bytes to fetch, once, whatever they are used for.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Resource {
    /// What it is first needed for.
    pub kind: ResourceKind,
    /// Where it is, without fragment.
    pub url: Url,
    /// Which part of it; `None` means all of it.
    pub byte_range: Option<ByteRange>,
    /// Everything it is needed for, `kind` first.
    pub users: Vec<ResourceKind>,
}

/// Why a timeline cannot be played without a key system.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Protection {
    /// The key systems by name, such as `FairPlay`; an unknown one by its key format.
    pub name: String,
    /// The same one by one; a licence of one of them is enough.
    pub systems: Vec<String>,
    /// The first `KEYFORMAT`.
    pub key_format: String,
    /// The index of the first segment that needs it.
    pub segment: usize,
}

/// Bytes to fetch, once, for whichever of several timelines they are used by.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct SharedResource {
    /// Where it is, without fragment.
    pub url: Url,
    /// Which part of it; `None` means all of it.
    pub byte_range: Option<ByteRange>,
    /// Everything it is needed for: the index of the timeline and what for there. Never empty.
    pub users: Vec<(usize, ResourceKind)>,
}

/// Every resource that some timelines need, each (URL, byte range) once, in the order of the timelines and of each one's media time.
///
/// ```
/// use hls_parse::{Context, selection_resources};
///
/// let timeline = |text: &[u8]| -> Result<_, Box<dyn std::error::Error>> {
///     let parsed = hls_parse::parse(text)?;
///     let playlist = parsed.playlist.as_media().ok_or("no Media Playlist")?;
///     Ok(playlist.resolve(&Context::new("https://example.com/index.m3u8".parse()?))?)
/// };
/// let video = timeline(b"#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"key\"\n#EXTINF:6,\nvideo.ts\n")?;
/// let audio = timeline(b"#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"key\"\n#EXTINF:6,\naudio.ts\n")?;
/// let resources = selection_resources(&[&video, &audio]);
/// assert_eq!(resources.len(), 3);
/// assert_eq!(resources[0].users.len(), 2);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn selection_resources(timelines: &[&Timeline]) -> Vec<SharedResource> {
    let mut shared: Vec<SharedResource> = Vec::new();
    let mut numbers = HashMap::new();
    for (index, timeline) in timelines.iter().enumerate() {
        for resource in timeline.resources() {
            let users = resource.users.into_iter().map(|kind| (index, kind));
            let key = (resource.url, resource.byte_range);
            let number = *numbers.entry(key.clone()).or_insert(shared.len());
            match shared.get_mut(number) {
                Some(known) => known.users.extend(users),
                None => shared.push(SharedResource {
                    url: key.0,
                    byte_range: key.1,
                    users: users.collect(),
                }),
            }
        }
    }
    shared
}

impl Timeline {
    /// Every resource the playlist needs, each (URL, byte range) once, in order of media time: keys before the map before the first segment that needs them.
    ///
    /// Gaps are not requested, nor are keys that cannot [simply be loaded](crate::Key::fetchable_url).
    pub fn resources(&self) -> Vec<Resource> {
        let mut list = ResourceList {
            resources: Vec::with_capacity(self.segments().len()),
            numbers: HashMap::with_capacity(self.segments().len()),
        };
        for kind in self.needs() {
            if let Some((url, byte_range)) = self.address(kind) {
                list.add(kind, url, byte_range);
            }
        }
        list.resources
    }

    /// What the playlist needs, each key, map and segment once, in the order of [`resources`](Self::resources); several may be the same bytes.
    ///
    /// With [`address`](Self::address) it is `resources` for those who have no room for the addresses of a long playlist.
    pub fn needs(&self) -> impl Iterator<Item = ResourceKind> + '_ {
        let mut key_seen = vec![false; self.keys.len()];
        let mut map_seen = vec![false; self.maps.len()];
        let segments = self.segments().iter().enumerate();
        segments
            .filter(|(_, segment)| !segment.gap)
            .flat_map(move |(index, segment)| {
                let mut new = Vec::new();
                let map = segment
                    .map
                    .and_then(|number| Some((number, self.maps.get(number)?)))
                    .filter(|&(number, _)| !mark(&mut map_seen, number));
                let map_keys = map.map_or(&[][..], |(_, map)| &map.keys);
                for &number in map_keys.iter().chain(self.segment_keys(index)) {
                    let key = ResourceKind::Key(number);
                    if !mark(&mut key_seen, number) && self.address(key).is_some() {
                        new.push(key);
                    }
                }
                new.extend(map.map(|(number, _)| ResourceKind::Map(number)));
                new.push(ResourceKind::Segment(index));
                new
            })
    }

    /// Where something that the playlist needs is, without fragment, and which part of it; `None` means all of it.
    ///
    /// There is none of a key that cannot [simply be loaded](crate::Key::fetchable_url), and of what the playlist does not have.
    pub fn address(&self, kind: ResourceKind) -> Option<(Url, Option<ByteRange>)> {
        let (mut url, byte_range) = match kind {
            ResourceKind::Key(number) => (self.keys.get(number)?.fetchable_url()?.clone(), None),
            ResourceKind::Map(number) => {
                let map = self.maps.get(number)?;
                (map.url.clone(), map.byte_range)
            }
            ResourceKind::Segment(index) => {
                let segment = self.segments().get(index)?;
                (self.segment_url(index), segment.byte_range)
            }
        };
        url.set_fragment(None);
        Some((url, byte_range))
    }

    /// The key systems that the timeline needs, when some segment is encrypted and has no key that can [simply be loaded](crate::Key::fetchable_url).
    pub fn protection(&self) -> Option<Protection> {
        let needs_system = |keys: &[usize]| {
            let mut keys = keys.iter().filter_map(|&key| self.keys.get(key)).peekable();
            keys.peek().is_some() && keys.all(|key| key.fetchable_url().is_none())
        };
        self.segments()
            .iter()
            .enumerate()
            .filter(|(_, segment)| !segment.gap)
            .find_map(|(index, segment)| {
                let map = segment.map.and_then(|map| self.maps.get(map));
                let sets = [
                    Some(self.segment_keys(index)),
                    map.map(|map| map.keys.as_slice()),
                ];
                let set = sets.into_iter().flatten().find(|set| needs_system(set))?;
                let mut names: Vec<&str> = Vec::new();
                for key in set.iter().filter_map(|&key| self.keys.get(key)) {
                    let name = key_system_name(&key.key_format);
                    if !names.contains(&name) {
                        names.push(name);
                    }
                }
                let first = self.keys.get(*set.first()?)?;
                Some(Protection {
                    name: names.join(", "),
                    systems: names.iter().map(|&name| name.to_owned()).collect(),
                    key_format: first.key_format.to_string(),
                    segment: index,
                })
            })
    }
}

/// Marks an item; true when it was marked already, or is not there.
fn mark(seen: &mut [bool], index: usize) -> bool {
    seen.get_mut(index)
        .is_none_or(|seen| std::mem::replace(seen, true))
}

/// What a key system is called, such as `FairPlay`, by its `KEYFORMAT` or as `urn:uuid:` and the system id of a `pssh` box; an unknown one is its own name.
///
/// ```
/// assert_eq!(hls_parse::key_system_name("urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed"), "Widevine");
/// assert_eq!(hls_parse::key_system_name("com.example"), "com.example");
/// ```
pub fn key_system_name(key_format: &str) -> &str {
    match key_format.to_ascii_lowercase().as_str() {
        "com.apple.streamingkeydelivery" | "urn:uuid:94ce86fb-07ff-4f43-adb8-93d2fa968ca2" => {
            "FairPlay"
        }
        "urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed" | "com.widevine" => "Widevine",
        "com.microsoft.playready" | "urn:uuid:9a04f079-9840-4286-ab92-e65be0885f95" => "PlayReady",
        _ => key_format,
    }
}

/// Resources by what they are.
struct ResourceList {
    resources: Vec<Resource>,
    numbers: HashMap<(Url, Option<ByteRange>), usize>,
}

impl ResourceList {
    fn add(&mut self, kind: ResourceKind, url: Url, byte_range: Option<ByteRange>) {
        let next = self.resources.len();
        let number = *self
            .numbers
            .entry((url.clone(), byte_range))
            .or_insert(next);
        match self.resources.get_mut(number) {
            Some(resource) => resource.users.push(kind),
            None => self.resources.push(Resource {
                kind,
                url,
                byte_range,
                users: vec![kind],
            }),
        }
    }
}
