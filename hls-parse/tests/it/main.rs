//! Integration tests of hls-parse.
