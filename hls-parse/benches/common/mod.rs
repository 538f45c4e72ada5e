//! What all benchmarks share: the playlists, and the parsers that read them.

pub(crate) mod parsers;
pub(crate) mod playlists;
