//! Integration tests of asset-store.
