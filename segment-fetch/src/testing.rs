//! For tests: a scripted origin and the contract of sinks.
