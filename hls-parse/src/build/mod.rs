//! Writing new playlists: in canonical order, with the version they need, refusing what the specification forbids.

mod canonical;
mod date_range;
mod header;
mod low_latency;
mod media;
mod multivariant;

use std::fmt::{self, Write as _};

pub use date_range::NewDateRange;
pub use low_latency::NewPart;
pub use media::{MediaPlaylistBuilder, NewSegment};

use crate::error::{Error, ErrorKind, excerpt};
use crate::options::{ParseOptions, Strictness};
use crate::parse::parse_with;
use crate::rule::Rule;

/// The lines of a playlist to be, and the first thing that could not be written.
#[derive(Debug, Clone, Default)]
pub(crate) struct Text {
    out: String,
    /// Whether the tag being written has an attribute already.
    has_attribute: bool,
    refused: Option<String>,
}

impl Text {
    pub(crate) fn line(&mut self, text: fmt::Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.out, "{text}");
    }

    pub(crate) fn refuse(&mut self, name: &str, value: &str) {
        let message = || format!("{name} cannot be \"{}\"", excerpt(value));
        self.refused.get_or_insert_with(message);
    }

    /// A URI on a line of its own.
    fn uri_line(&mut self, uri: &str) {
        let is_uri = !uri.is_empty()
            && !uri.starts_with('#')
            && !uri.chars().any(|c| c.is_control() || c.is_whitespace());
        if !is_uri {
            self.refuse("a URI", uri);
        }
        self.line(format_args!("{uri}"));
    }

    /// Begins a tag with attributes.
    pub(crate) fn begin(&mut self, tag: &str) {
        self.out.push_str(tag);
        self.has_attribute = false;
    }

    pub(crate) fn end(&mut self) {
        self.out.push('\n');
    }

    pub(crate) fn plain(&mut self, name: &str, value: impl fmt::Display) {
        self.out.push(if self.has_attribute { ',' } else { ':' });
        self.has_attribute = true;
        let _ = write!(self.out, "{name}={value}");
    }

    pub(crate) fn plain_option(&mut self, name: &str, value: Option<impl fmt::Display>) {
        if let Some(value) = value {
            self.plain(name, value);
        }
    }

    pub(crate) fn yes(&mut self, name: &str, is: bool) {
        if is {
            self.plain(name, "YES");
        }
    }

    /// An enumerated-string, which open enumerations take from anywhere.
    fn word(&mut self, name: &str, value: &str) {
        let is_break = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '"' | ',');
        if value.is_empty() || value.contains(is_break) {
            self.refuse(name, value);
        }
        self.plain(name, value);
    }

    pub(crate) fn quoted(&mut self, name: &str, value: &str) {
        if value.contains(|c: char| c.is_control() || c == '"') {
            self.refuse(name, value);
        }
        self.plain(name, format_args!("\"{value}\""));
    }

    pub(crate) fn quoted_option(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.quoted(name, value);
        }
    }

    /// The lines, if all of them could be written.
    #[cfg(feature = "m3u8-rs")]
    pub(crate) fn into_unjudged(self) -> Result<String, Error> {
        match self.refused {
            Some(refused) => Err(Error::new(ErrorKind::InvalidValue, refused)),
            None => Ok(self.out),
        }
    }

    /// The playlist with the lowest version that it may have.
    ///
    /// The parser itself judges what was written, so that what is refused here and what is reported there are the same.
    fn finish(self, at_least: u64) -> Result<String, Error> {
        if let Some(refused) = self.refused {
            return Err(Error::new(ErrorKind::InvalidValue, refused));
        }
        let version = needed_version(&self.out)?.max(at_least);
        let text = with_version(&self.out, version);
        parse_with(text.as_bytes(), &options().strictness(Strictness::Strict))?;
        Ok(text)
    }
}

/// Whoever builds a playlist knows how long it is.
pub(crate) fn options() -> ParseOptions {
    ParseOptions::default()
        .max_bytes(usize::MAX)
        .max_lines(u32::MAX)
        .max_attributes(usize::MAX)
        .max_diagnostics(usize::MAX)
}

/// Puts the version after the first line.
fn with_version(text: &str, version: u64) -> String {
    match text.split_once('\n') {
        Some((first, rest)) if version > 1 => format!("{first}\n#EXT-X-VERSION:{version}\n{rest}"),
        _ => text.to_owned(),
    }
}

/// The version that a playlist without one needs (section 8).
fn needed_version(text: &str) -> Result<u64, Error> {
    let parsed = parse_with(text.as_bytes(), &options())?;
    let versions = parsed.diagnostics.iter().map(|found| match found.rule {
        Rule::VersionForIv => 2,
        Rule::VersionForFractionalDuration => 3,
        Rule::VersionForByteRange => 4,
        Rule::VersionForKeyFormat => 5,
        Rule::VersionForMap => 6,
        Rule::VersionForService => 7,
        Rule::VersionForVariables => 8,
        Rule::VersionForSkip => 9,
        Rule::VersionForRemovedDateRanges => 10,
        Rule::VersionForQueryParameter => 11,
        Rule::VersionForRequirement => 12,
        Rule::VersionForInstreamId => 13,
        _ => 1,
    });
    Ok(versions.max().unwrap_or(1))
}
