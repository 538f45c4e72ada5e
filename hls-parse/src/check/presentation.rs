//! Checks that the Media Playlists of a Multivariant Playlist go together (section 6.2.4).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use url::Url;

use crate::attributes::AttributeList;
use crate::check::listing::Listing;
use crate::check::{MAX_FINDINGS, place_of};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::error::Error;
use crate::playlist::{MediaPlaylist, MultivariantPlaylist, PlaylistType};
use crate::rule::Rule;
use crate::source::Source;
use crate::tag::TagName;
use crate::timeline::Key;
use crate::variables::{Context, Expander};
use crate::variant::{Multivariant, RenditionKind};

/// A Media Playlist of a presentation, for [`MultivariantPlaylist::check_presentation`].
#[derive(Debug, Clone, Copy)]
pub struct PresentationMember<'a> {
    /// Its URL as the Multivariant Playlist names it, absolute.
    pub url: &'a Url,
    /// Where it was found.
    pub context: &'a Context,
    /// The playlist.
    pub playlist: &'a MediaPlaylist,
}

/// A breach of a rule that is about several playlists.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct Finding {
    /// Which of the members it was found in; `None` for the Multivariant Playlist.
    pub member: Option<usize>,
    /// What is wrong, with its place in that playlist.
    pub diagnostic: Diagnostic,
}

impl MultivariantPlaylist {
    /// Checks that Media Playlists, which were loaded at about the same time, go together. Not all of them have to be there.
    ///
    /// # Errors
    /// Those of [`MultivariantPlaylist::resolve`].
    ///
    /// ```
    /// use hls_parse::{Context, Playlist, PresentationMember, Rule};
    ///
    /// let parse = |text: &str| hls_parse::parse(text.as_bytes()).map(|parsed| parsed.playlist);
    /// let outer = parse("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n#EXT-X-STREAM-INF:BANDWIDTH=2\nb.m3u8\n")?;
    /// let one = parse("#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\na.ts\n#EXT-X-ENDLIST\n")?;
    /// let two = parse("#EXTM3U\n#EXT-X-TARGETDURATION:7\n#EXTINF:6,\nb.ts\n#EXT-X-ENDLIST\n")?;
    /// let (Some(outer), Some(one), Some(two)) = (outer.as_multivariant(), one.as_media(), two.as_media()) else {
    ///     return Err("other kinds".into());
    /// };
    /// let at = |name: &str| Ok::<_, url::ParseError>(Context::new(format!("https://example.com/{name}").parse()?));
    /// let (context, a, b) = (at("index.m3u8")?, at("a.m3u8")?, at("b.m3u8")?);
    /// let members = [
    ///     PresentationMember { url: a.url(), context: &a, playlist: one },
    ///     PresentationMember { url: b.url(), context: &b, playlist: two },
    /// ];
    /// let found = outer.check_presentation(&context, &members)?;
    /// assert_eq!((found[0].member, found[0].diagnostic.rule), (Some(1), Rule::SameTargetDuration));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check_presentation(
        &self,
        context: &Context,
        members: &[PresentationMember<'_>],
    ) -> Result<Vec<Finding>, Error> {
        let resolved = self.resolve(context)?;
        let mut outer = Diagnostics::new(MAX_FINDINGS);
        let mut members: Vec<Member<'_>> = members
            .iter()
            .map(|member| Member::new(member, &resolved))
            .collect();
        check_i_frames(self, &resolved, &members, &mut outer);
        check_values(&mut members);
        check_date_ranges(&mut members);
        check_discontinuities(&mut members);
        check_reports(&mut members);
        let session_keys: HashMap<&Url, &Key> = resolved
            .session_keys
            .iter()
            .filter_map(|key| Some((key.url.as_deref()?, key)))
            .collect();
        for member in &mut members {
            member.check_start(self);
            member.check_keys(&session_keys);
        }
        let inner = members.into_iter().enumerate().flat_map(|(index, member)| {
            let (found, _) = member.diagnostics.finish();
            found.into_iter().map(move |diagnostic| Finding {
                member: Some(index),
                diagnostic,
            })
        });
        let (outer, _) = outer.finish();
        let outer = outer.into_iter().map(|diagnostic| Finding {
            member: None,
            diagnostic,
        });
        Ok(outer.chain(inner).collect())
    }
}

struct Member<'a> {
    url: &'a Url,
    context: &'a Context,
    listing: Listing<'a>,
    is_subtitles: bool,
    is_i_frames: bool,
    diagnostics: Diagnostics,
}

impl<'a> Member<'a> {
    fn new(member: &PresentationMember<'a>, resolved: &Multivariant) -> Self {
        let renditions = || resolved.renditions.iter();
        Self {
            url: member.url,
            context: member.context,
            listing: Listing::new(member.playlist),
            is_subtitles: renditions().any(|rendition| {
                rendition.kind == RenditionKind::Subtitles
                    && rendition.url.as_deref() == Some(member.url)
            }),
            is_i_frames: member.playlist.i_frames_only,
            diagnostics: Diagnostics::new(MAX_FINDINGS),
        }
    }

    fn media(&self) -> &'a MediaPlaylist {
        self.listing.media
    }

    fn report(&mut self, name: TagName, rule: Rule, message: &str) {
        let (place, span) = place_of(&self.media().common, name);
        self.diagnostics.report(rule, place, span, message);
    }

    fn check_start(&mut self, outer: &MultivariantPlaylist) {
        let (one, other) = (outer.common.start, self.media().common.start);
        if one.zip(other).is_some_and(|(one, other)| one != other) {
            self.report(
                TagName::Start,
                Rule::SameStart,
                "EXT-X-START has another value in the Multivariant Playlist",
            );
        }
    }

    /// Keys with the URI of a session key are like it (section 4.4.6.5).
    fn check_keys(&mut self, session_keys: &HashMap<&Url, &Key>) {
        let common = &self.media().common;
        let base = Arc::new(self.context.base.clone());
        let source = Arc::new(Source::new(Arc::clone(&common.text), base));
        let mut expander = Expander::new(self.context, common.has_references);
        for tag in &common.tags {
            if tag.name == TagName::Define {
                // What cannot be defined is reported elsewhere, and makes keys that use it unreadable here.
                let _ = expander.define(tag, &common.text);
            }
            let list = AttributeList::new(tag.value.of(&common.text));
            if tag.name != TagName::Key || list.text("METHOD") == Some("NONE") {
                continue;
            }
            let Ok(key) = Key::read(&list, tag.line, &source, &mut expander) else {
                continue;
            };
            let meaning = |key: &Key| {
                let versions = key.key_format_versions.as_deref().unwrap_or("1");
                (
                    key.method.clone(),
                    key.key_format.clone(),
                    versions.to_owned(),
                )
            };
            let session = key.url.as_deref().and_then(|url| session_keys.get(url));
            let differs = session.is_some_and(|session| meaning(session) != meaning(&key));
            if differs {
                self.diagnostics.report(
                    Rule::SessionKey,
                    tag.place(),
                    tag.value.range(),
                    "the EXT-X-SESSION-KEY of the same URI has another METHOD, KEYFORMAT or KEYFORMATVERSIONS",
                );
            }
        }
    }
}

/// What `EXT-X-I-FRAME-STREAM-INF` names has I-frames only.
fn check_i_frames(
    outer: &MultivariantPlaylist,
    resolved: &Multivariant,
    members: &[Member<'_>],
    diagnostics: &mut Diagnostics,
) {
    for variant in &resolved.i_frame_variants {
        let named = members.iter().find(|member| *member.url == *variant.url);
        if named.is_none_or(|member| member.media().i_frames_only) {
            continue;
        }
        let tags = &outer.common.tags;
        let at = tags.binary_search_by_key(&variant.line, |tag| tag.line);
        if let Some(tag) = at.ok().and_then(|at| tags.get(at)) {
            diagnostics.report(
                Rule::IFrameStreamInf,
                tag.place(),
                tag.value.range(),
                "the playlist it names has no EXT-X-I-FRAMES-ONLY",
            );
        }
    }
}

/// What is the same in all Media Playlists, or in all of them or none.
fn check_values(members: &mut [Member<'_>]) {
    let may_differ = |member: &Member<'_>| {
        let is_vod = member.media().playlist_type == Some(PlaylistType::Vod);
        is_vod && (member.is_subtitles || member.is_i_frames)
    };
    let target = members
        .iter()
        .filter(|member| !may_differ(member))
        .find_map(|member| member.media().target_seconds);
    let playlist_type = members.first().map(|member| member.media().playlist_type);
    let any_dates = members
        .iter()
        .any(|member| !member.media().dates.is_empty());
    let control = members
        .iter()
        .find_map(|member| member.listing.server_control.clone())
        .map(|(_, attributes)| attributes);
    for member in members {
        let media = member.media();
        if media.target_seconds.is_some() && media.target_seconds != target && !may_differ(member) {
            member.report(
                TagName::TargetDuration,
                Rule::SameTargetDuration,
                "another Media Playlist has another target duration",
            );
        }
        if playlist_type.is_some_and(|other| other != media.playlist_type) {
            member.report(
                TagName::PlaylistType,
                Rule::SamePlaylistType,
                "EXT-X-PLAYLIST-TYPE is not that of the first Media Playlist",
            );
        }
        let lacks_dates = media.dates.is_empty() && !media.segments.is_empty();
        if any_dates && lacks_dates && !member.listing.is_delta {
            member.report(
                TagName::ExtM3u,
                Rule::DatesEverywhere,
                "there is no EXT-X-PROGRAM-DATE-TIME, while another Media Playlist has one",
            );
        }
        let own = member.listing.server_control.as_ref();
        if own.map(|(_, attributes)| attributes) != control.as_ref() {
            member.report(
                TagName::ServerControl,
                Rule::SameServerControl,
                "EXT-X-SERVER-CONTROL is missing or not that of another Media Playlist",
            );
        }
    }
}

/// Where there are date ranges, they are the same.
fn check_date_ranges(members: &mut [Member<'_>]) {
    let full =
        |member: &&mut Member<'_>| !member.listing.ranges.is_empty() && !member.listing.is_delta;
    let mut with_ranges = members.iter_mut().filter(full);
    let Some(first) = with_ranges.next() else {
        return;
    };
    for member in with_ranges {
        let odd = member.listing.ranges.iter().find(|(id, range)| {
            let other = first.listing.ranges.get(*id);
            other.is_none_or(|other| other.attributes != range.attributes)
        });
        let message = "the date range is not in another Media Playlist, or differs there";
        if let Some((_, range)) = odd {
            let (place, span) = (range.first.place(), range.first.value.range());
            member
                .diagnostics
                .report(Rule::SameDateRanges, place, span, message);
        } else if member.listing.ranges.len() != first.listing.ranges.len() {
            member.report(
                TagName::DateRange,
                Rule::SameDateRanges,
                "another Media Playlist has more date ranges",
            );
        }
    }
}

/// A discontinuity sequence number begins at one time in all Media Playlists, and those that have ended end with the same one.
fn check_discontinuities(members: &mut [Member<'_>]) {
    let mut begins: BTreeMap<u64, Timestamp> = BTreeMap::new();
    let mut last = None;
    for member in members {
        let media = member.media();
        let tolerance = SignedDuration::from_secs(
            i64::try_from(media.target_seconds.unwrap_or(0)).unwrap_or(i64::MAX),
        );
        let mut number = media.discontinuity_sequence;
        let mut odd = false;
        let mut stated = media.dates.iter().peekable();
        let mut now = member.listing.date(0);
        for (index, segment) in (0u32..).zip(&media.segments) {
            now = stated
                .next_if(|date| date.segment == index)
                .map_or(now, |date| Some(date.date));
            if segment.discontinuity {
                number = number.saturating_add(1);
                if let Some(date) = now.filter(|_| !member.listing.is_delta) {
                    let known = *begins.entry(number).or_insert(date);
                    odd |= known.duration_since(date).abs() > tolerance;
                }
            }
            let duration = i64::try_from(segment.nanoseconds).unwrap_or(i64::MAX);
            now = now.and_then(|now| now.checked_add(SignedDuration::from_nanos(duration)).ok());
        }
        if media.end_list && !member.listing.is_delta {
            odd |= *last.get_or_insert(number) != number;
        }
        if odd {
            member.report(
                TagName::DiscontinuitySequence,
                Rule::SameDiscontinuities,
                "discontinuity sequence numbers do not match those of another Media Playlist",
            );
        }
    }
}

/// Low-latency playlists report on all others (appendix B.1).
fn check_reports(members: &mut [Member<'_>]) {
    let urls: Vec<[Url; 2]> = members
        .iter()
        .map(|member| [bare(member.url), bare(&member.context.base)])
        .collect();
    for (index, member) in members.iter_mut().enumerate() {
        let media = member.media();
        if media.end_list || member.listing.tags(TagName::PartInf).next().is_none() {
            continue;
        }
        let reported: HashSet<Url> = member
            .listing
            .tags(TagName::RenditionReport)
            .filter_map(|tag| {
                let list = AttributeList::new(tag.value.of(&media.common.text));
                let url = member.context.base.join(list.text("URI")?).ok()?;
                Some(bare(&url))
            })
            .collect();
        let missing = urls.iter().enumerate().any(|(other, names)| {
            let is_own = urls.get(index).is_some_and(|own| own[0] == names[0]);
            other != index && !is_own && !names.iter().any(|name| reported.contains(name))
        });
        if missing {
            member.report(
                TagName::RenditionReport,
                Rule::RenditionReports,
                "there is no EXT-X-RENDITION-REPORT for one of the other Media Playlists",
            );
        }
    }
}

/// A URL without the directives that go with single requests.
fn bare(url: &Url) -> Url {
    let mut bare = url.clone();
    let kept: Vec<&str> = url
        .query()
        .into_iter()
        .flat_map(|query| query.split('&'))
        .filter(|pair| !pair.starts_with("_HLS_"))
        .collect();
    bare.set_query((!kept.is_empty()).then(|| kept.join("&")).as_deref());
    bare.set_fragment(None);
    bare
}
