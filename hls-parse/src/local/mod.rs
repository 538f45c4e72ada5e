//! Localized playlists: what a player gets of what is really there.

mod date_range;
mod header;
mod media;
mod multivariant;
pub(crate) mod number;

use std::fmt::{self, Write as _};

pub use header::LocalEvent;
pub use media::{LocalKey, LocalMedia};
pub(crate) use multivariant::start_tag;
pub use multivariant::{LocalMultivariant, local_multivariant_for_media};

/// Appends formatted text.
fn push(out: &mut String, text: fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(text);
}

/// Appends a URI such that it stays one: on its line, in its quotes, not read as a tag or comment, and without references to variables.
fn push_uri(out: &mut String, uri: &str) {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'#' | b'{');
    // Looking at every byte without a branch is faster than stopping early.
    if uri.bytes().fold(true, |plain, byte| plain & is_plain(byte)) {
        out.push_str(uri);
        return;
    }
    let mut buffer = [0; 4];
    for (at, c) in uri.chars().enumerate() {
        let breaks_out = c.is_control() || c.is_whitespace() || matches!(c, '"' | '{' | '\u{feff}');
        if breaks_out || (at == 0 && c == '#') {
            for byte in c.encode_utf8(&mut buffer).bytes() {
                push(out, format_args!("%{byte:02X}"));
            }
        } else {
            out.push(c);
        }
    }
}

/// Text from a server made fit for a quoted-string: no quotes, no control characters, no references to variables.
fn quotable(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '"' => '\'',
            c if c.is_control() => ' ',
            c => c,
        })
        .collect::<String>()
        .replace("{$", "{ $")
}
