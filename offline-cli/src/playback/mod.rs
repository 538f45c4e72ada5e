//! Playing what is stored: localized playlists, decryption on the way out, the local server, export.

pub(crate) mod content;
pub mod export;
pub(crate) mod local;
pub(crate) mod range;
mod reply;
pub mod server;
mod shelf;
