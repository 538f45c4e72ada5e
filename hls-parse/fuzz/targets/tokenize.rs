//! Fuzz target `tokenize`: see `laws::tokenize`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| hls_parse_fuzz::laws::tokenize(input));
