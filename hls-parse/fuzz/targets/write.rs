//! Fuzz target `write`: see `laws::write`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| hls_parse_fuzz::laws::write(input));
