//! Lengths without contents.

use segment_fetch::testing::{Fault, Origin, Resource, Site};
use segment_fetch::{
    AskLength, ErrorKind, Expect, FetchOptions, Fetcher, Request, TransportOptions, https,
};

use crate::{content, fetcher, get, site};

#[tokio::test(start_paused = true)]
async fn a_length_costs_one_request_without_content() {
    let site = site(content(10_000));
    let client = fetcher(&site);
    for ask in [AskLength::Head, AskLength::FirstByte] {
        assert_eq!(client.length(get(), ask).await.unwrap(), Some(10_000));
    }
    let asked: Vec<(String, Option<String>)> = site
        .requests()
        .into_iter()
        .map(|request| (request.method.to_string(), request.range))
        .collect();
    let expected = [("HEAD", None), ("GET", Some("bytes=0-0"))];
    let expected = expected.map(|(method, range)| (method.to_owned(), range.map(str::to_owned)));
    assert_eq!(asked, expected);
}

#[tokio::test(start_paused = true)]
async fn what_refuses_or_does_not_tell_is_not_asked_again() {
    let site = site(content(10_000));
    let client = fetcher(&site);
    site.script("/a", [Fault::RefuseHead, Fault::RefuseHead]);
    let refused = client.length(get(), AskLength::Head).await.unwrap_err();
    assert_eq!(refused.url().unwrap().path(), "/a");
    assert_eq!(
        client.length(get(), AskLength::FirstByte).await.unwrap(),
        Some(10_000)
    );
    site.script("/a", [Fault::Status(503)]);
    assert!(client.length(get(), AskLength::Head).await.is_err());
    site.script(
        "/a",
        [Fault::Chunked, Fault::NoContentRange, Fault::IgnoreRange],
    );
    assert_eq!(client.length(get(), AskLength::Head).await.unwrap(), None);
    assert!(client.length(get(), AskLength::FirstByte).await.is_err());
    // The whole is announced then, and not read.
    assert_eq!(
        client.length(get(), AskLength::FirstByte).await.unwrap(),
        Some(10_000)
    );
    assert_eq!(site.requests().len(), 6);
}

#[tokio::test(start_paused = true)]
async fn a_sign_in_page_has_no_length() {
    let site = site(content(10_000));
    site.always("/a", Fault::Html);
    let request = get().with_expect(Expect {
        refuse_html: true,
        ..Expect::default()
    });
    let error = fetcher(&site)
        .length(request, AskLength::Head)
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::WrongContent);
}

#[tokio::test]
async fn over_a_connection_redirects_are_followed() {
    let site = Site::new();
    site.route("/there", Resource::new(content(5_000)));
    for path in ["/here", "/round"] {
        let location = if path == "/here" { "/there" } else { "/round" };
        site.always(
            path,
            Fault::Redirect {
                status: 302,
                location: location.to_owned(),
            },
        );
    }
    let origin = Origin::serve(site).unwrap();
    let transport = https(&TransportOptions::default()).unwrap();
    let client = Fetcher::with_service(transport, FetchOptions::default());
    for ask in [AskLength::Head, AskLength::FirstByte] {
        let here = Request::get(origin.url("/here"));
        assert_eq!(client.length(here, ask).await.unwrap(), Some(5_000));
        let round = Request::get(origin.url("/round"));
        let error = client.length(round, ask).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TooManyRedirects);
    }
}
