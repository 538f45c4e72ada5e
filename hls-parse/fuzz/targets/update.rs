//! Fuzz target `update`: see `laws::update`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| hls_parse_fuzz::laws::update(input));
