//! Whatever a head says, what is stored fits what is held.

use http::StatusCode;
use proptest::prelude::*;
use segment_fetch::resume::{Asked, Decision, decide};
use segment_fetch::{Expect, Position};

use super::headers;

proptest! {
    /// Whatever a head says, what is stored continues exactly what is held, or starts again.
    #[test]
    fn what_is_stored_always_fits(
        length in 0_u64..50, known in proptest::option::of(0_u64..60), range in proptest::option::of((0_u64..40, 1_u64..40)),
        status in prop_oneof![Just(200_u16), Just(206), Just(416), 100_u16..600],
        first in 0_u64..80, last in 0_u64..80, complete in proptest::option::of(0_u64..80),
        announced in proptest::option::of(0_u64..80), etag in prop_oneof![Just("\"v1\""), Just("\"v2\""), Just("W/\"v1\"")],
    ) {
        let expect = Expect { max_length: 45, ..Expect::default() };
        let position = Position { length, validator: "\"v1\"".parse().ok(), complete_length: known };
        let range = range.map(|(start, length)| start..start + length);
        let asked = Asked::new(range.clone(), &position, &expect);
        let complete = complete.map_or("*".to_owned(), |complete| complete.to_string());
        let mut fields = vec![("etag", etag.to_owned()), ("content-range", format!("bytes {first}-{last}/{complete}"))];
        fields.extend(announced.map(|announced| ("content-length", announced.to_string())));
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        match decide(&asked, StatusCode::from_u16(status).unwrap(), &headers(&fields)) {
            Decision::Store(storing) => {
                prop_assert!(status == 200 || status == 206);
                prop_assert!(storing.offset == 0 || storing.offset == length);
                prop_assert!(storing.offset == 0 || etag == "\"v1\"");
                prop_assert!(storing.complete_length.is_none_or(|complete| complete <= 45 && storing.offset <= complete));
                let start = range.as_ref().map_or(0, |range| range.start);
                let body_starts_at = if status == 206 { first } else { 0 };
                prop_assert_eq!(body_starts_at + storing.skip, start + storing.offset);
                if let Some(range) = range {
                    prop_assert_eq!(storing.offset + storing.take.unwrap(), range.end - range.start);
                }
            }
            Decision::Complete { length: complete } => prop_assert_eq!(complete, length),
            Decision::Redirect { .. } => prop_assert!(false, "there is no location"),
            Decision::Reject(rejection) => prop_assert!(!rejection.reason.is_empty()),
        }
    }
}
