//! Integration tests of asset-store: one module per promise.
#![expect(clippy::unwrap_used, reason = "a helper of a test fails by panicking")]

mod assets;
mod commits;
mod crash;
mod damage;
mod documents;
mod export;
mod golden;
mod import;
mod index;
mod killed;
mod locks;
mod model;
mod partials;
mod quota;
mod relocate;
mod support;
mod sweep;
mod the_store;
mod usage;
