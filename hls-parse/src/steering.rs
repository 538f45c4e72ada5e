//! Content steering: pathways that a steering server adds and prefers (section 7).

use std::collections::{BTreeMap, HashMap, HashSet};

use url::Url;

use crate::error::{Error, ErrorKind, excerpt};
use crate::variant::{ContentSteering, Multivariant, RenditionKind, Variant};

/// What a steering server answers (section 7.1). With the feature `serde` it can be read from its JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, rename_all = "SCREAMING-KEBAB-CASE"))]
pub struct SteeringManifest {
    /// The version of the format; 1 is the only one.
    pub version: u64,
    /// In how many seconds to ask again.
    pub ttl: u64,
    /// Where to ask next time, relative to where this came from.
    pub reload_uri: Option<String>,
    /// Pathways, the one to use first.
    pub pathway_priority: Vec<String>,
    /// Pathways to make of others.
    pub pathway_clones: Vec<PathwayClone>,
}

/// A pathway that is like another, somewhere else.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "SCREAMING-KEBAB-CASE"))]
pub struct PathwayClone {
    /// The pathway to copy; it may be a clone made before.
    pub base_id: String,
    /// The new one.
    pub id: String,
    /// What is different about its addresses.
    pub uri_replacement: UriReplacement,
}

/// How the addresses of a clone differ from those of its base.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(default, rename_all = "SCREAMING-KEBAB-CASE"))]
pub struct UriReplacement {
    /// The host, with a port or without.
    pub host: Option<String>,
    /// Query parameters to set.
    pub params: BTreeMap<String, String>,
    /// Absolute URLs of Media Playlists, by `STABLE-VARIANT-ID`, to which nothing else applies.
    #[cfg_attr(feature = "serde", serde(rename = "PER-VARIANT-URIS"))]
    pub per_variant_uris: BTreeMap<String, String>,
    /// The same by `STABLE-RENDITION-ID`.
    #[cfg_attr(feature = "serde", serde(rename = "PER-RENDITION-URIS"))]
    pub per_rendition_uris: BTreeMap<String, String>,
}

impl SteeringManifest {
    /// The pathway to use: the first of the priority that variants are on.
    pub fn preferred_pathway(&self, of: &Multivariant) -> Option<&str> {
        let there = of.pathways();
        let mut priority = self.pathway_priority.iter().map(String::as_str);
        priority.find(|pathway| there.contains(pathway))
    }
}

impl ContentSteering {
    /// The URL to ask for a steering manifest, telling the pathway in use and the throughput in bits per second; a `data:` URL stays as it is.
    ///
    /// ```
    /// use hls_parse::{Context, Playlist};
    ///
    /// let text = b"#EXTM3U\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"/steer?id=7\",PATHWAY-ID=\"A\"\n";
    /// let parsed = hls_parse::parse(text)?;
    /// let playlist = parsed.playlist.as_multivariant().ok_or("no Multivariant Playlist")?;
    /// let resolved = playlist.resolve(&Context::new("https://example.com/index.m3u8".parse()?))?;
    /// let steering = resolved.content_steering.ok_or("no steering")?;
    /// let url = steering.request_url(Some("A"), Some(5_140_000));
    /// assert_eq!(url.as_str(), "https://example.com/steer?id=7&_HLS_pathway=%22A%22&_HLS_throughput=5140000");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn request_url(&self, pathway: Option<&str>, throughput: Option<u64>) -> Url {
        let mut url = self.server_url.clone();
        if url.scheme() != "data" {
            let pathway = pathway.map(|pathway| ("_HLS_pathway", format!("\"{pathway}\"")));
            let throughput = throughput.map(|rate| ("_HLS_throughput", rate.to_string()));
            let parameters: Vec<_> = pathway.into_iter().chain(throughput).collect();
            let parameters = parameters
                .iter()
                .map(|(name, value)| (*name, value.as_str()));
            set_parameters(&mut url, &parameters.collect());
        }
        url
    }
}

impl Multivariant {
    /// The most variants and renditions that a playlist may have with its clones.
    const MAX_CLONED: usize = 10_000;

    /// Adds the pathways of a steering manifest (section 7.2), in order, so that a clone may be cloned.
    ///
    /// The variants, I-frame variants and groups of the base are copied, the groups under new names, with the replacements made in their URLs. A clone that
    /// cannot be made is left out; the answer says why, for each, up to the one for which there is no more room. One whose pathway is there already is passed over, so that asking again changes nothing.
    ///
    /// ```
    /// use hls_parse::{Context, PathwayClone, UriReplacement};
    ///
    /// let text = b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1,PATHWAY-ID=\"A\"\nhttps://a.example.com/v?x=1\n";
    /// let parsed = hls_parse::parse(text)?;
    /// let playlist = parsed.playlist.as_multivariant().ok_or("no Multivariant Playlist")?;
    /// let mut resolved = playlist.resolve(&Context::new("https://example.com/index.m3u8".parse()?))?;
    /// let clone = PathwayClone {
    ///     base_id: "A".into(),
    ///     id: "B".into(),
    ///     uri_replacement: UriReplacement {
    ///         host: Some("b.example.com".into()),
    ///         params: [("token".to_owned(), "7".to_owned())].into(),
    ///         ..UriReplacement::default()
    ///     },
    /// };
    /// assert!(resolved.clone_pathways(&[clone]).is_empty());
    /// assert_eq!(resolved.pathways(), ["A", "B"]);
    /// assert_eq!(resolved.variants[1].url().as_str(), "https://b.example.com/v?x=1&token=7");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn clone_pathways(&mut self, clones: &[PathwayClone]) -> Vec<Error> {
        let mut known: HashSet<String> = self.pathways().into_iter().map(str::to_owned).collect();
        let groups = self.renditions.iter();
        let mut groups: HashSet<String> =
            groups.map(|member| member.group_id().to_owned()).collect();
        let mut errors = Vec::new();
        for clone in clones {
            if known.contains(&clone.id) {
                continue;
            }
            match self.clone_pathway(clone, &mut groups) {
                Ok(()) => {
                    known.insert(clone.id.clone());
                }
                Err(error) => {
                    let is_full = error.kind() == ErrorKind::LimitExceeded;
                    errors.push(error);
                    if is_full {
                        break;
                    }
                }
            }
        }
        errors
    }

    fn clone_pathway(
        &mut self,
        clone: &PathwayClone,
        taken: &mut HashSet<String>,
    ) -> Result<(), Error> {
        let invalid = |what: &str| {
            let message = format!("the pathway \"{}\" {what}", excerpt(&clone.id));
            Error::new(ErrorKind::InvalidPathwayClone, message)
        };
        if clone.id.is_empty() {
            return Err(invalid("has no name"));
        }
        let of_base = |variants: &[Variant]| -> Vec<Variant> {
            let copied = variants
                .iter()
                .filter(|variant| variant.pathway() == clone.base_id);
            copied.cloned().collect()
        };
        let mut variants = of_base(&self.variants);
        let mut i_frames = of_base(&self.i_frame_variants);
        if variants.is_empty() {
            return Err(invalid("is to be like one that is not there"));
        }
        let mut groups = Groups {
            suffix: &clone.id,
            taken,
            names: HashMap::new(),
        };
        for variant in variants.iter_mut().chain(&mut i_frames) {
            let own = variant.stable_variant_id();
            let given = own.and_then(|id| clone.uri_replacement.per_variant_uris.get(id));
            let url = clone.uri_replacement.apply(variant.url(), given);
            variant
                .set_url(url.ok_or_else(|| invalid("has an address that is no URL, or too long"))?);
            variant.set_pathway_id(Some(&clone.id));
            let audio = groups.renamed(RenditionKind::Audio, variant.audio());
            variant.set_audio(audio.as_deref());
            let video = groups.renamed(RenditionKind::Video, variant.video());
            variant.set_video(video.as_deref());
            let subtitles = groups.renamed(RenditionKind::Subtitles, variant.subtitles());
            variant.set_subtitles(subtitles.as_deref());
        }
        let mut renditions = Vec::new();
        for rendition in &self.renditions {
            let group = (rendition.kind.clone(), rendition.group_id().to_owned());
            let Some(group_id) = groups.names.get(&group) else {
                continue;
            };
            let own = rendition.stable_rendition_id();
            let given = own.and_then(|id| clone.uri_replacement.per_rendition_uris.get(id));
            let url = rendition.url().map(|url| {
                let replaced = clone.uri_replacement.apply(url, given);
                replaced.ok_or_else(|| invalid("has an address that is no URL, or too long"))
            });
            let mut copy = rendition.clone();
            copy.set_url(url.transpose()?);
            copy.set_group_id(group_id);
            renditions.push(copy);
        }
        let count = |playlist: &Self| {
            playlist.variants.len() + playlist.i_frame_variants.len() + playlist.renditions.len()
        };
        let more = variants.len() + i_frames.len() + renditions.len();
        if count(self).saturating_add(more) > Self::MAX_CLONED {
            let message = format!(
                "clones make more than {} variants and renditions",
                Self::MAX_CLONED
            );
            return Err(Error::new(ErrorKind::LimitExceeded, message));
        }
        self.variants.extend(variants);
        self.i_frame_variants.extend(i_frames);
        self.renditions.extend(renditions);
        Ok(())
    }
}

/// The groups of a clone, by the groups of its base.
struct Groups<'a> {
    suffix: &'a str,
    taken: &'a mut HashSet<String>,
    names: HashMap<(RenditionKind, String), String>,
}

/// How many characters of the name of a group are taken into that of its clone.
const LONGEST_GROUP: usize = 64;

/// How long parameters may make a URL.
const LONGEST_URL: usize = 8192;

impl Groups<'_> {
    /// The name that a group has in the clone.
    fn renamed(&mut self, kind: RenditionKind, group: Option<&str>) -> Option<String> {
        let (suffix, taken) = (self.suffix, &mut *self.taken);
        let fresh = self
            .names
            .entry((kind, group?.to_owned()))
            .or_insert_with_key(|(_, group)| {
                // A clone of a clone of a clone must not have a name as long as all of theirs.
                let base: String = group.chars().take(LONGEST_GROUP).collect();
                let mut name = format!("{base}-{suffix}");
                while !taken.insert(name.clone()) {
                    name = format!("{base}-{suffix}-{}", taken.len());
                }
                name
            });
        Some(fresh.clone())
    }
}

impl UriReplacement {
    /// The URL that takes the place of another; `None` when it is none.
    fn apply(&self, url: &Url, given: Option<&String>) -> Option<Url> {
        if let Some(given) = given {
            return Url::parse(given).ok();
        }
        let mut url = url.clone();
        if let Some(host) = &self.host {
            let place = Url::parse(&format!("{}://{host}/", url.scheme())).ok()?;
            let is_host = place.path() == "/"
                && place.query().is_none()
                && place.fragment().is_none()
                && place.username().is_empty();
            if host.is_empty() || !is_host {
                return None;
            }
            url.set_host(place.host_str()).ok()?;
            url.set_port(place.port()).ok()?;
        }
        let parameters = self.params.iter();
        let parameters = parameters.map(|(name, value)| (name.as_str(), value.as_str()));
        let parameters = parameters.collect();
        set_parameters(&mut url, &parameters);
        (parameters.is_empty() || url.as_str().len() <= LONGEST_URL).then_some(url)
    }
}

/// Sets query parameters, in the order of their names, after those that stay as they are.
fn set_parameters(url: &mut Url, parameters: &BTreeMap<&str, &str>) {
    if parameters.is_empty() {
        return;
    }
    let is_replaced = |pair: &str| {
        let name = pair.split('=').next().unwrap_or_default();
        let name = crate::variables::percent_decode(name).unwrap_or_default();
        std::str::from_utf8(&name).is_ok_and(|name| parameters.contains_key(name))
    };
    let old = url.query().unwrap_or_default();
    let kept = old
        .split('&')
        .filter(|pair| !pair.is_empty() && !is_replaced(pair))
        .map(str::to_owned);
    let new = parameters
        .iter()
        .map(|(name, value)| format!("{}={}", escape(name), escape(value)));
    let query: Vec<String> = kept.chain(new).collect();
    url.set_query(Some(&query.join("&")));
}

/// Text as a part of a query (RFC 3986): everything but unreserved characters is spelled in hexadecimal.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
