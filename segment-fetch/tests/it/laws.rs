//! For every schedule of faults the sink ends with exactly the right bytes, or there is an error; never wrong bytes.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use proptest::prelude::*;
use segment_fetch::testing::{Fault, Resource, Site};
use segment_fetch::{Expect, FetchOptions, Fetcher, MemorySink, RequestBody, Sink, Start};
use tower::Service;

use crate::{content, get};

fn fault() -> impl Strategy<Value = Fault> {
    let ending = prop_oneof![
        (0_u64..60_000).prop_map(Fault::Cut),
        (0_u64..60_000).prop_map(Fault::CutChunked),
        (0_u64..60_000).prop_map(Fault::Stall),
        Just(Fault::Reset),
        Just(Fault::Drip {
            piece: 7_000,
            pause: Duration::from_secs(3)
        }),
        (1_u64..100).prop_map(Fault::AnnounceMore),
        (1_u64..100).prop_map(Fault::AnnounceFewer),
    ];
    let status = prop_oneof![
        prop::sample::select(vec![404, 408, 429, 500, 503, 204, 304]).prop_map(Fault::Status),
        (0_u32..200).prop_map(|seconds| Fault::RetryAfter {
            status: 503,
            value: seconds.to_string()
        }),
        Just(Fault::Redirect {
            status: 302,
            location: "/a".to_owned()
        }),
    ];
    let range = prop::sample::select(vec![
        Fault::IgnoreRange,
        Fault::IgnoreCondition,
        Fault::ShiftedRange,
        Fault::ShortRange,
        Fault::LongRange,
        Fault::NoContentRange,
        Fault::Multipart,
    ]);
    let content = prop_oneof![
        (0_u8..3).prop_map(|tag| Fault::Etag(format!("\"other-{tag}\""))),
        prop::sample::select(vec![
            Fault::Gzip,
            Fault::Html,
            Fault::Chunked,
            Fault::ChangingEtag,
            Fault::WeakEtag,
        ]),
    ];
    prop_oneof![4 => ending, 2 => status, 3 => range, 1 => content, 1 => Just(Fault::None)]
}

/// A site whose content changes with the n-th request.
#[derive(Clone)]
struct Changing {
    site: Site,
    new: Resource,
    at: usize,
    count: Arc<AtomicUsize>,
}

impl Service<http::Request<RequestBody>> for Changing {
    type Response = <Site as Service<http::Request<RequestBody>>>::Response;
    type Error = <Site as Service<http::Request<RequestBody>>>::Error;
    type Future = <Site as Service<http::Request<RequestBody>>>::Future;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<RequestBody>) -> Self::Future {
        if self.count.fetch_add(1, Ordering::Relaxed) == self.at {
            self.site.route("/a", self.new.clone());
        }
        self.site.call(request)
    }
}

/// What a sink held before: nothing, a right beginning, or bytes of a version that is long gone.
#[derive(Debug, Clone)]
enum Before {
    Nothing,
    Right(usize),
    Stale(usize),
}

#[derive(Debug, Clone)]
struct Case {
    length: usize,
    range: Option<std::ops::Range<u64>>,
    faults: Vec<Fault>,
    changes_at: usize,
    tagged: bool,
    ranges: bool,
    before: Before,
}

fn case() -> impl Strategy<Value = Case> {
    let before = prop_oneof![
        Just(Before::Nothing),
        (1_usize..60_000).prop_map(Before::Right),
        (1_usize..60_000).prop_map(Before::Stale)
    ];
    let range = proptest::option::of((0_u64..40_000, 1_u64..40_000));
    let faults = proptest::collection::vec(fault(), 0..10);
    (
        1_usize..60_000,
        range,
        faults,
        0_usize..16,
        any::<bool>(),
        prop::bool::weighted(0.8),
        before,
    )
        .prop_map(
            |(length, range, faults, changes_at, tagged, ranges, before)| Case {
                length,
                range: range.map(|(start, length)| start..start + length),
                faults,
                changes_at,
                tagged,
                ranges,
                before,
            },
        )
}

fn wanted(case: &Case, whole: &[u8]) -> Option<Vec<u8>> {
    let Some(range) = &case.range else {
        return Some(whole.to_vec());
    };
    let (start, end) = (
        usize::try_from(range.start).ok()?,
        usize::try_from(range.end).ok()?,
    );
    whole.get(start..end).map(<[u8]>::to_vec)
}

/// What there is of it, when the range ends beyond the resource.
fn wanted_so_far<'a>(case: &Case, whole: &'a [u8]) -> &'a [u8] {
    let Some(range) = &case.range else {
        return whole;
    };
    let place = |position: u64| usize::try_from(position).unwrap().min(whole.len());
    &whole[place(range.start)..place(range.end)]
}

/// The sink as an earlier run left it.
async fn prepared(case: &Case, old: &[u8], etag: Option<String>) -> MemorySink {
    let complete_length = wanted(case, old).map(|wanted| wanted.len() as u64);
    let (held, validator) = match case.before {
        Before::Nothing => (Vec::new(), None),
        Before::Right(length) => (
            wanted(case, old)
                .unwrap_or_default()
                .into_iter()
                .take(length)
                .collect(),
            etag,
        ),
        Before::Stale(length) => (vec![0xAA; length], Some("\"stale\"".to_owned())),
    };
    let mut sink = MemorySink::new();
    let start = Start {
        offset: 0,
        validator: validator.and_then(|validator| validator.parse().ok()),
        complete_length: complete_length.filter(|&length| held.len() as u64 <= length),
    };
    sink.begin(&start).await.unwrap();
    sink.append(held.into()).await.unwrap();
    sink
}

async fn check(case: Case) -> Result<(), TestCaseError> {
    let old = content(case.length);
    let new: Vec<u8> = old
        .iter()
        .map(|byte| byte ^ 0x10)
        .chain([1, 2, 3])
        .collect();
    let resource = |bytes: &[u8]| {
        let resource = Resource {
            ranges: case.ranges,
            ..Resource::new(bytes.to_vec())
        };
        if case.tagged {
            resource
        } else {
            Resource {
                etag: None,
                ..resource
            }
        }
    };
    let site = Site::new();
    site.route("/a", resource(&old));
    site.script("/a", case.faults.iter().cloned());

    let mut sink = prepared(&case, &old, resource(&old).etag).await;
    let was_there = sink.bytes().to_vec();
    // A sink that holds everything under a validator needs no server to say so.
    let trusted = sink.position().complete_length == Some(sink.position().length)
        && sink.position().length > 0;

    let service = Changing {
        site: site.clone(),
        new: resource(&new),
        at: case.changes_at,
        count: Arc::default(),
    };
    let options = FetchOptions::default();
    let fetcher = Fetcher::with_service(service, options.clone());
    let request = get().with_range(case.range.clone()).with_expect(Expect {
        refuse_html: true,
        ..Expect::default()
    });
    let result = fetcher.fetch_into(&request, &mut sink).await;

    let right = [wanted(&case, &old), wanted(&case, &new)];
    match result {
        Ok(report) => {
            let good = right.iter().flatten().any(|right| right == sink.bytes());
            prop_assert!(
                good || (trusted && sink.bytes() == was_there),
                "{} wrong bytes",
                sink.bytes().len()
            );
            prop_assert!(sink.is_finished());
            prop_assert_eq!(report.length, sink.bytes().len() as u64);
        }
        Err(error) => {
            prop_assert!(!sink.is_finished(), "{error}");
            let good = [&old, &new]
                .into_iter()
                .any(|whole| wanted_so_far(&case, whole).starts_with(sink.bytes()));
            prop_assert!(
                good || sink.bytes() == was_there,
                "wrong bytes are held after {error}"
            );
        }
    }
    let attempts = u64::from(options.retry.retries + 1) * (2 + case.length as u64 / (16 << 10));
    let redirects = case
        .faults
        .iter()
        .filter(|fault| matches!(fault, Fault::Redirect { .. }))
        .count() as u64;
    prop_assert!(
        site.requests().len() as u64 <= attempts + redirects,
        "{} requests",
        site.requests().len()
    );
    Ok(())
}

proptest! {
    #[test]
    fn right_bytes_or_an_error(case in case()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(check(case))?;
    }
}
