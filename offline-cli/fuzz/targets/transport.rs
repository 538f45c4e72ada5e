//! Fuzz target `transport`: see `offline_cli::fuzzing::transport`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| offline_cli::fuzzing::transport(input));
