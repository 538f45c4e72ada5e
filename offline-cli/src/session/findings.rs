//! What is wrong with the playlists of a presentation, alone and together.

use hls_parse::{
    Context, Diagnostic, Finding, MediaPlaylist, Parsed, Playlist, PresentationMember, Severity,
    Variables,
};
use serde::Serialize;
use url::Url;

use super::resolve::{Received, parse};
use crate::Result;

/// More findings than this help nobody; the rest is counted.
const MAX_FINDINGS: usize = 200;

/// A finding about a playlist.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct ProbedDiagnostic {
    /// `root` for the playlist that was asked for, else the name of a track.
    pub playlist: String,
    /// The rule that was broken.
    pub rule: String,
    /// The section of draft-pantos-hls-rfc8216bis-22 that it comes from.
    pub section: &'static str,
    /// `fatal`, `error` or `warning`.
    pub severity: String,
    /// Whether strict clients must refuse the playlist for it.
    pub forgiven: bool,
    /// Line, from 1.
    pub line: u32,
    /// Column, from 1.
    pub column: u32,
    /// What is wrong.
    pub message: String,
    /// An edit that puts it right, where there is an obvious one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<ProbedFix>,
}

/// Bytes of the playlist to replace.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct ProbedFix {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset after the last byte; equal to `start` to insert.
    pub end: usize,
    /// What to write there; empty to delete.
    pub replacement: String,
}

/// A Media Playlist of a presentation, read again to be looked at closely.
struct Member {
    name: String,
    url: Url,
    context: Context,
    playlist: MediaPlaylist,
}

/// Collects the findings of several playlists.
#[derive(Debug, Default)]
pub(super) struct Findings {
    list: Vec<(Severity, ProbedDiagnostic)>,
    left_out: usize,
}

impl Findings {
    /// Looks at the playlist that was asked for, and at Media Playlists by their name and the address that it has for them.
    pub(super) fn of(
        root: &Received,
        variables: Option<&Variables>,
        tracks: Vec<(String, Url, &Received)>,
    ) -> Result<Self> {
        let mut findings = Self::default();
        let playlist = findings.read(ROOT, root, &Context::new(root.url.clone()))?;
        let mut members = Vec::new();
        for (name, url, received) in tracks {
            let context = Context::new(received.url.clone());
            let context = match variables {
                Some(variables) => context.with_imports(variables),
                None => context,
            };
            if let Playlist::Media(playlist) = findings.read(&name, received, &context)? {
                members.push(Member {
                    name,
                    url,
                    context,
                    playlist,
                });
            }
        }
        if let Playlist::Multivariant(playlist) = &playlist {
            let borrowed: Vec<PresentationMember<'_>> = members
                .iter()
                .map(|member| PresentationMember {
                    url: &member.url,
                    context: &member.context,
                    playlist: &member.playlist,
                })
                .collect();
            let found = playlist
                .check_presentation(&Context::new(root.url.clone()), &borrowed)
                .unwrap_or_default();
            for Finding {
                member, diagnostic, ..
            } in found
            {
                let name = member.and_then(|index| members.get(index));
                let name = name.map_or(ROOT, |member| &member.name);
                findings.add(name, diagnostic);
            }
        }
        Ok(findings)
    }

    fn read(&mut self, name: &str, received: &Received, context: &Context) -> Result<Playlist> {
        let Parsed {
            playlist,
            diagnostics,
            suppressed_diagnostics,
            ..
        } = parse(received)?;
        self.left_out += suppressed_diagnostics;
        let delivery = playlist.check_delivery(context, received.content_type.as_deref());
        for diagnostic in diagnostics.into_iter().chain(delivery) {
            self.add(name, diagnostic);
        }
        Ok(playlist)
    }

    fn add(&mut self, playlist: &str, found: Diagnostic) {
        let diagnostic = ProbedDiagnostic {
            playlist: playlist.to_owned(),
            rule: found.rule.to_string(),
            section: found.rule.section(),
            severity: found.severity.to_string(),
            forgiven: found.forgiven,
            line: found.line,
            column: found.column,
            message: found.message,
            fix: found.fix.map(|fix| ProbedFix {
                start: fix.span.start,
                end: fix.span.end,
                replacement: fix.replacement,
            }),
        };
        self.list.push((found.rule.severity(), diagnostic));
    }

    /// The most serious ones first, and how many more there are.
    pub(super) fn finish(mut self) -> (Vec<ProbedDiagnostic>, usize) {
        self.list
            .sort_by_key(|(severity, _)| std::cmp::Reverse(*severity));
        let left_out = self.left_out + self.list.len().saturating_sub(MAX_FINDINGS);
        self.list.truncate(MAX_FINDINGS);
        (
            self.list.into_iter().map(|(_, found)| found).collect(),
            left_out,
        )
    }
}

/// The name of the playlist that was asked for.
const ROOT: &str = "root";
