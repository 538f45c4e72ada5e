//! Fuzz target `examine`: see `laws::examine_bytes`.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| cache_inspect_fuzz::laws::examine_bytes(input));
