//! Many HTTP resources, fetched whole and right: resume, retry, limits, progress
