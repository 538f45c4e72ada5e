//! HTTP Live Streaming playlists: parse without loss, resolve, select, write localized copies
