//! Integration tests of storage-policy.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on should fail")]

mod invalid;
mod laws;
mod order;
mod policy;
mod quotas;
mod reasons;
mod scale;
mod support;
mod time;
mod toml;
