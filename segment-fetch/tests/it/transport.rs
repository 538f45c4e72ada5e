//! The default transport over real connections.

use std::time::Duration;

use segment_fetch::testing::{Fault, Origin, Resource, Site};
use segment_fetch::{
    ErrorKind, FetchOptions, Fetcher, Reach, Request, RetryPolicy, Transport, TransportOptions,
    Url, https,
};

use crate::content;

fn fetcher(origin: &Origin) -> Fetcher<Transport> {
    let extra_authorities = origin
        .certificate()
        .map(|pem| pem.as_bytes().to_vec())
        .into_iter()
        .collect();
    let transport = https(&TransportOptions {
        extra_authorities,
        ..TransportOptions::default()
    })
    .unwrap();
    let retry = RetryPolicy {
        base: Duration::from_millis(5),
        ..RetryPolicy::default()
    };
    let options = FetchOptions {
        retry,
        idle_timeout: Duration::from_millis(300),
        ..FetchOptions::default()
    };
    Fetcher::with_service(transport, options)
}

fn site() -> Site {
    let site = Site::new();
    site.route("/a", Resource::new(content(300_000)));
    site
}

/// Faults that only a connection can have, or that hyper has its own mind about.
const FAULTS: [Fault; 9] = [
    Fault::Reset,
    Fault::Cut(0),
    Fault::Cut(100_000),
    Fault::Stall(250_000),
    Fault::Status(503),
    Fault::AnnounceMore(5),
    Fault::Chunked,
    Fault::ShortRange,
    Fault::IgnoreRange,
];

#[tokio::test]
async fn faults_over_http_1_end_in_the_right_bytes() {
    let origin = Origin::serve(site()).unwrap();
    let client = fetcher(&origin);
    for fault in FAULTS {
        origin.site().script("/a", [fault.clone(), fault.clone()]);
        let whole = client.fetch(Request::get(origin.url("/a"))).await.unwrap();
        assert_eq!(whole.body, content(300_000), "{fault:?}");
        origin.site().script("/a", [fault.clone()]);
        let part = client
            .fetch(Request::get(origin.url("/a")).with_range(1_000..290_000))
            .await
            .unwrap();
        assert_eq!(part.body, content(300_000)[1_000..290_000], "{fault:?}");
        assert_eq!(part.remote_address, Some(origin.address()));
    }
}

#[tokio::test]
async fn faults_over_tls_and_http_2_end_in_the_right_bytes() {
    let origin = Origin::serve_tls(site()).unwrap();
    let client = fetcher(&origin);
    for fault in FAULTS {
        origin.site().script("/a", [fault.clone()]);
        let fetched = client.fetch(Request::get(origin.url("/a"))).await.unwrap();
        assert_eq!(fetched.body, content(300_000), "{fault:?}");
        assert_eq!(fetched.url.scheme(), "https");
    }
    // A request over HTTP/2 has no Host field but an authority.
    assert!(
        origin
            .site()
            .requests()
            .iter()
            .all(|request| !request.headers.contains_key("host"))
    );
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_is_refused_at_once() {
    let origin = Origin::serve_tls(site()).unwrap();
    let trusting = https(&TransportOptions::default()).unwrap();
    let client = Fetcher::with_service(trusting, FetchOptions::default());
    let error = client
        .fetch(Request::get(origin.url("/a")))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts()),
        (ErrorKind::Tls, 1),
        "{error:?}"
    );
    assert!(origin.site().requests().is_empty());
    let nonsense = TransportOptions {
        extra_authorities: vec![b"nonsense".to_vec()],
        ..TransportOptions::default()
    };
    assert_eq!(https(&nonsense).unwrap_err().kind(), ErrorKind::Tls);
}

#[tokio::test]
async fn a_name_that_leads_to_a_private_address_is_refused() {
    let origin = Origin::serve(site()).unwrap();
    let client = fetcher(&origin);
    let mut url = origin.url("/a");
    url.set_host(Some("localhost")).unwrap();
    let fetched = client.fetch(Request::get(url.clone())).await.unwrap();
    assert_eq!(fetched.body.len(), 300_000);
    // Not even over the connection that is open by now.
    let error = client
        .fetch(Request::get(url).with_reach(Reach::PublicOnly))
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts()),
        (ErrorKind::Refused, 1),
        "{error:?}"
    );
    assert_eq!(origin.site().requests().len(), 1);
}

#[tokio::test]
async fn nobody_at_home_is_a_connect_error() {
    let origin = Origin::serve(site()).unwrap();
    let (client, url) = (fetcher(&origin), origin.url("/a"));
    drop(origin);
    let error = client.fetch(Request::get(url)).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.attempts(), error.is_transient()),
        (ErrorKind::Connect, 6, true),
        "{error:?}"
    );
    let nowhere = Url::parse("http://no-such-host.invalid/").unwrap();
    assert_eq!(
        client
            .fetch(Request::get(nowhere))
            .await
            .unwrap_err()
            .kind(),
        ErrorKind::Connect
    );
}

#[tokio::test]
async fn a_folder_is_served_with_ranges_and_nothing_outside_of_it() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("sub")).unwrap();
    std::fs::write(folder.path().join("sub/a b.ts"), content(5_000)).unwrap();
    std::fs::write(folder.path().join("../outside-of-it"), b"no").unwrap();
    let origin = Origin::directory(folder.path().join("sub")).unwrap();
    let client = fetcher(&origin);
    let fetched = client
        .fetch(Request::get(origin.url("/a%20b.ts")).with_range(10..20))
        .await
        .unwrap();
    assert_eq!(fetched.body, content(5_000)[10..20]);
    assert_eq!(fetched.headers["content-type"], "video/mp2t");
    for path in ["/..%2f..%2foutside-of-it", "/missing"] {
        assert_eq!(
            client
                .fetch(Request::get(origin.url(path)))
                .await
                .unwrap_err()
                .kind(),
            ErrorKind::NotFound,
            "{path}"
        );
    }
    std::fs::remove_file(folder.path().join("../outside-of-it")).unwrap();
}
