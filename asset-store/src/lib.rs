//! A content-addressed, crash-safe store for large immutable files and the named trees that refer to them
