//! Integration tests of cache-inspect.
