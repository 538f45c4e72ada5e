//! Fuzz target `decrypt`: see `offline_cli::fuzzing::decrypt`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| offline_cli::fuzzing::decrypt(input));
