//! The laws of the fuzz targets, on every seed: what was found once is found again without fuzzing.

use std::fs;
use std::path::Path;

#[path = "../../fuzz/src/laws.rs"]
#[expect(
    unreachable_pub,
    clippy::panic,
    reason = "the fuzz targets are other crates, and a broken law is a panic"
)]
mod laws;

#[test]
fn the_laws_of_the_fuzz_targets_hold_for_every_seed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds");
    let mut count = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let seed = fs::read(entry.unwrap().path()).unwrap();
        laws::tokenize(&seed);
        laws::parse_bytes(&seed);
        laws::resolve(&seed);
        laws::update(&seed);
        laws::write(&seed);
        count += 1;
    }
    assert!(count >= 6, "the seeds are not there");
}
