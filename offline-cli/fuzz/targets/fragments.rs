//! Fuzz target `fragments`: see `offline_cli::fuzzing::fragments`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| offline_cli::fuzzing::fragments(input));
