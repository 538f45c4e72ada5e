//! Fuzz target `packed`: see `offline_cli::fuzzing::packed`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| offline_cli::fuzzing::packed(input));
