//! Integration tests of offline-cli.
