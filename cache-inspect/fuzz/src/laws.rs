//! Laws that take any bytes. A broken one panics.

use std::time::Duration;

use cache_inspect::TrackKind;
use cache_inspect::media::{Announced, Initialization, Sequence, examine, identify};

/// Two files: the first two bytes are the length of the first one, with its low byte first.
fn two_files(input: &[u8]) -> (&[u8], &[u8]) {
    let Some((length, rest)) = input.split_first_chunk::<2>() else {
        return (&[], input);
    };
    let length = usize::from(u16::from_le_bytes(*length));
    rest.split_at(length.min(rest.len()))
}

/// An initialization section and a segment are looked into alone, together and one after the other. The same bytes say the same twice.
pub fn examine_bytes(input: &[u8]) {
    let (map, segment) = two_files(input);
    let initialization = Initialization::read(map).ok();
    let found = examine(segment, initialization.as_ref());
    assert_eq!(found.container, identify(segment));
    let again = examine(segment, initialization.as_ref());
    assert_eq!(format!("{found:?}"), format!("{again:?}"));
    let alone = examine(segment, None);
    let whole = examine(input, None);
    for kind in [TrackKind::Main, TrackKind::Audio, TrackKind::Video] {
        let mut sequence = Sequence::new(kind);
        for (index, segment) in [&found, &alone, &whole, &again].into_iter().enumerate() {
            let announced = Announced {
                start: Duration::from_secs(4 * index as u64),
                duration: Duration::from_secs(4),
                discontinuity: index == 2,
                independent: true,
            };
            for problem in sequence.next(&announced, segment) {
                assert!(!problem.to_string().contains(char::is_control));
            }
        }
    }
}
