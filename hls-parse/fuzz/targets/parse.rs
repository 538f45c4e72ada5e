//! Fuzz target `parse`: see `laws::parse_bytes`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| hls_parse_fuzz::laws::parse_bytes(input));
