//! Download HTTP Live Streams, play them with no network, let policies remove them
