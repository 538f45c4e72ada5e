//! Integration tests of storage-policy.
