//! Playing what is stored: localized playlists, decryption on the way out, the local server, export.

mod api;
mod cipher;
mod cleared;
mod connections;
pub(crate) mod content;
mod encoding;
pub mod export;
mod growth;
mod hosts;
pub(crate) mod interstitials;
pub(crate) mod local;
pub(crate) mod movie;
mod page;
mod pieces;
pub(crate) mod player;
pub(crate) mod range;
mod reply;
pub mod server;
mod shelf;
