//! Whether URI references can be made absolute, without making each of them so.

use url::Url;

use crate::error::Error;
use crate::multivariant::join;

/// Checks references against a base URL. Joining 100,000 URLs costs more than everything else, so a cheap rule decides wherever it can.
pub(crate) struct References<'t, 'b> {
    base: &'b Url,
    /// Scheme and authority, with the slash after them, of an absolute URL that was fine.
    good_origin: &'t str,
}

impl<'t, 'b> References<'t, 'b> {
    pub(crate) fn new(base: &'b Url) -> Self {
        Self {
            base,
            good_origin: "",
        }
    }

    /// Refuses what cannot be joined.
    pub(crate) fn check(&mut self, uri: &'t str, line: u32) -> Result<(), Error> {
        let same_origin = !self.good_origin.is_empty() && uri.starts_with(self.good_origin);
        if same_origin || (is_path(uri) && !self.base.cannot_be_a_base()) {
            return Ok(());
        }
        join(self.base, uri, line)?;
        self.good_origin = origin(uri).unwrap_or_default();
        Ok(())
    }
}

/// Whether a reference surely has neither scheme nor authority, so that joining cannot fail: those start with `//` or need a colon. Backslashes and control
/// characters count as suspicious since URLs treat them as slashes and as nothing.
pub(crate) fn is_path(uri: &str) -> bool {
    let bytes = uri.as_bytes();
    let plain = match bytes.last_chunk::<8>() {
        // Eight bytes at once; the last eight of them may overlap those before.
        Some(last) => {
            let (words, _) = bytes.as_chunks::<8>();
            let found = words
                .iter()
                .fold(suspicious(*last), |found, word| found | suspicious(*word));
            found == 0
        }
        None => bytes
            .iter()
            .all(|&byte| byte > b' ' && byte != b':' && byte != b'\\'),
    };
    plain && !uri.starts_with("//")
}

/// Zero when none of the bytes is a space or a control character, a colon, or a backslash.
#[inline]
fn suspicious(word: [u8; 8]) -> u64 {
    let spread = |byte: u8| u64::from_ne_bytes([byte; 8]);
    let word = u64::from_ne_bytes(word);
    let below = |word: u64, limit: u8| word.wrapping_sub(spread(limit)) & !word;
    let found =
        below(word, b' ' + 1) | below(word ^ spread(b':'), 1) | below(word ^ spread(b'\\'), 1);
    found & spread(0x80)
}

fn origin(uri: &str) -> Option<&str> {
    let authority = uri.find("://")?.checked_add(3)?;
    let length = uri.get(authority..)?.find(['/', '?', '#', '\\'])?;
    uri.get(..=authority + length)
        .filter(|origin| origin.ends_with('/'))
}
