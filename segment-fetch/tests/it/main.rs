//! Integration tests of segment-fetch.
