//! Fuzz target `range`: see `offline_cli::fuzzing::range`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| offline_cli::fuzzing::range(input));
