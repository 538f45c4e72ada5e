//! Fuzz target `resolve`: see `laws::resolve`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| hls_parse_fuzz::laws::resolve(input));
