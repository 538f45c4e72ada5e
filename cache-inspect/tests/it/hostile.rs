//! Damaged and arbitrary media bytes: an answer or an error, soon, and of a size that the input bounds.

use cache_inspect::media::identify;
use cache_inspect::media::mp4::{Boxes, InitSection, Mp4Box, fragments};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::mp4_bytes::{init, segment};

/// Boxes at all depths, wherever there may be children; bounded by the walker itself.
fn count_all(found: &Mp4Box<'_>) -> usize {
    match found.children() {
        Ok(children) => {
            1 + children
                .map_while(Result::ok)
                .map(|child| count_all(&child))
                .sum::<usize>()
        }
        Err(_) => 1,
    }
}

/// Reads the bytes in every way, and checks that what comes out is no larger than a small multiple.
fn read_all(bytes: &[u8]) {
    identify(bytes);
    let boxes: usize = (Boxes::new(bytes).map_while(Result::ok))
        .map(|found| count_all(&found))
        .sum();
    // A box has at least eight bytes, and counts once at each depth.
    assert!(boxes <= bytes.len() / 8 * 10);

    if let Ok(init) = InitSection::read(bytes) {
        let entries: usize = init
            .tracks
            .iter()
            .map(|track| track.sample_entries.len())
            .sum();
        assert!(init.brands.len() * 4 <= bytes.len());
        assert!(init.tracks.len() * 100 <= bytes.len());
        assert!(entries * 8 <= bytes.len());
    }
    let found: Vec<_> = fragments(bytes).collect();
    assert!(found.len() * 8 <= bytes.len() + 8);
    for fragment in found.into_iter().flatten() {
        assert!(fragment.tracks.len() * 24 <= bytes.len());
    }
}

fn mutated() -> impl Strategy<Value = Vec<u8>> {
    let whole = [init(), segment()].concat();
    let length = whole.len();
    let edits = vec((0..length, any::<u8>()), 1..5);
    (edits, 0..=length).prop_map(move |(edits, end)| {
        let mut bytes = whole.clone();
        for (at, byte) in edits {
            bytes[at] = byte;
        }
        // Half of them whole, so that errors at the end do not hide the others.
        bytes.truncate(if end % 2 == 0 { length } else { end });
        bytes
    })
}

/// Known types and small sizes in random order: deeper into the readers than random bytes get.
fn assembled() -> impl Strategy<Value = Vec<u8>> {
    let kinds = prop_oneof![
        Just(*b"moov"),
        Just(*b"trak"),
        Just(*b"mdia"),
        Just(*b"stsd"),
        Just(*b"moof"),
        Just(*b"traf"),
        Just(*b"tfhd"),
        Just(*b"trun"),
        Just(*b"encv"),
        Just(*b"ftyp"),
    ];
    vec((0_u32..64, kinds, vec(any::<u8>(), 0..24)), 0..24).prop_map(|parts| {
        (parts.into_iter())
            .flat_map(|(size, kind, fields)| {
                [&size.to_be_bytes(), kind.as_slice(), &fields].concat()
            })
            .collect()
    })
}

proptest! {
    #[test]
    fn mutated_bytes(bytes in mutated()) {
        read_all(&bytes);
    }

    #[test]
    fn assembled_bytes(bytes in assembled()) {
        read_all(&bytes);
    }

    #[test]
    fn arbitrary_bytes(bytes in vec(any::<u8>(), 0..600)) {
        read_all(&bytes);
    }
}
