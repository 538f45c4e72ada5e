//! Checks what depends on where a playlist came from.

use crate::attributes::AttributeList;
use crate::check::{MAX_FINDINGS, top};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::playlist::Playlist;
use crate::rule::Rule;
use crate::tag::TagName;
use crate::variables::{Context, Expander};

/// The content types of playlists (section 4).
const CONTENT_TYPES: [&str; 2] = ["application/vnd.apple.mpegurl", "audio/mpegurl"];

impl Playlist {
    /// Checks what can only be seen with the URL and the content type of the response: the file type, variables that come from elsewhere, and whether a delta
    /// update is of the version that was asked for.
    ///
    /// ```
    /// use hls_parse::{Context, Rule};
    ///
    /// let playlist = hls_parse::parse(b"#EXTM3U\n#EXT-X-DEFINE:QUERYPARAM=\"token\"\n#EXT-X-TARGETDURATION:6\n")?.playlist;
    /// let context = Context::new("https://example.com/film.m3u8".parse()?);
    /// let found = playlist.check_delivery(&context, None);
    /// assert_eq!(found[0].rule, Rule::QueryParameter);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn check_delivery(&self, context: &Context, content_type: Option<&str>) -> Vec<Diagnostic> {
        let mut diagnostics = Diagnostics::new(MAX_FINDINGS);
        let common = match self {
            Self::Multivariant(playlist) => &playlist.common,
            Self::Media(playlist) => &playlist.common,
        };
        let text: &str = &common.text;
        if !has_extension(context.base.path()) && !content_type.is_some_and(is_playlist_type) {
            let (place, span) = top();
            diagnostics.report(
                Rule::FileType,
                place,
                span,
                "the path does not end with .m3u8 or .m3u, and the content type is not that of a playlist",
            );
        }
        let asks_for_removed = context
            .base
            .query_pairs()
            .any(|(name, value)| name == "_HLS_skip" && value == "v2");
        let mut expander = Expander::new(context, common.has_references);
        for tag in &common.tags {
            match tag.name {
                TagName::Define => {
                    if let Err(error) = expander.define(tag, text)
                        && let Some(rule) =
                            error.rule().filter(|rule| *rule != Rule::UndefinedVariable)
                    {
                        diagnostics.report(rule, tag.place(), tag.value.range(), error.message());
                    }
                }
                TagName::Skip if asks_for_removed => {
                    let list = AttributeList::new(tag.value.of(text));
                    if !list.has("RECENTLY-REMOVED-DATERANGES") {
                        diagnostics.report(
                            Rule::RemovedDateRanges,
                            tag.place(),
                            tag.value.range(),
                            "the delta update was asked for with _HLS_skip=v2 and has no RECENTLY-REMOVED-DATERANGES",
                        );
                    }
                }
                _ => {}
            }
        }
        diagnostics.finish().0
    }
}

fn has_extension(path: &str) -> bool {
    let extension = path.rsplit_once('.').map(|(_, extension)| extension);
    extension.is_some_and(|extension| {
        extension.eq_ignore_ascii_case("m3u8") || extension.eq_ignore_ascii_case("m3u")
    })
}

fn is_playlist_type(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    CONTENT_TYPES
        .iter()
        .any(|known| known.eq_ignore_ascii_case(essence))
}
