//! Redirects, and what they must not carry along.

use http::header::{AUTHORIZATION, COOKIE, HeaderName, USER_AGENT};
use http::{HeaderMap, HeaderValue};
use segment_fetch::testing::{Fault, Logged, Resource, Site};
use segment_fetch::{
    Credentials, ErrorKind, FetchOptions, Fetcher, HostOptions, Reach, Request, Url,
};

use crate::{content, fetcher, get, url};

fn redirect(location: &str) -> Fault {
    Fault::Redirect {
        status: 302,
        location: location.to_owned(),
    }
}

fn headers(fields: &[(HeaderName, &'static str)]) -> HeaderMap {
    fields
        .iter()
        .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
        .collect()
}

fn sent(logged: &Logged, name: &str) -> Option<String> {
    logged
        .headers
        .get(name)
        .map(|value| value.to_str().unwrap().to_owned())
}

/// A site that answers for every host, with a way from `/a` over other hosts to `/end`.
fn chain(locations: &[&str]) -> Site {
    let site = Site::new();
    let mut path = "/a".to_owned();
    for location in locations {
        site.always(&path, redirect(location));
        path = String::from(url("/").join(location).unwrap().path());
    }
    site.route(&path, Resource::new(content(10)));
    site
}

#[tokio::test(start_paused = true)]
async fn credentials_never_leave_their_origin() {
    let site = chain(&[
        "/same",
        "http://elsewhere.test/other",
        "http://origin.test/back",
    ]);
    let request = get().with_headers(headers(&[
        (COOKIE, "session=1"),
        (AUTHORIZATION, "Bearer 1"),
        (HeaderName::from_static("x-plain"), "yes"),
    ]));
    fetcher(&site).fetch(request).await.unwrap();
    let log = site.requests();
    let secret: Vec<_> = log
        .iter()
        .map(|logged| (sent(logged, "cookie"), sent(logged, "authorization")))
        .map(|(a, b)| a.is_some() || b.is_some())
        .collect();
    assert_eq!(
        secret,
        [true, true, false, false],
        "once away, the other origin decides where the way goes"
    );
    assert!(log.iter().all(|logged| sent(logged, "x-plain").is_some()));
}

#[tokio::test(start_paused = true)]
async fn another_port_or_scheme_is_another_origin() {
    for target in ["http://origin.test:8080/end", "https://origin.test/end"] {
        let site = chain(&[target]);
        fetcher(&site)
            .fetch(get().with_headers(headers(&[(COOKIE, "session=1")])))
            .await
            .unwrap();
        let cookies: Vec<_> = site
            .requests()
            .iter()
            .map(|logged| sent(logged, "cookie").is_some())
            .collect();
        assert_eq!(cookies, [true, false], "{target}");
    }
}

#[tokio::test(start_paused = true)]
async fn configured_credentials_go_to_their_origin_only() {
    let site = chain(&["http://elsewhere.test/other"]);
    let options = FetchOptions {
        headers: headers(&[
            (COOKIE, "for=everyone"),
            (HeaderName::from_static("x-plain"), "yes"),
        ]),
        credentials: vec![Credentials {
            origin: Url::parse("http://elsewhere.test").unwrap().origin(),
            headers: headers(&[(AUTHORIZATION, "Bearer 2")]),
        }],
        ..FetchOptions::default()
    };
    Fetcher::with_service(site.clone(), options)
        .fetch(get())
        .await
        .unwrap();
    let log = site.requests();
    assert!(
        log.iter()
            .all(|logged| sent(logged, "cookie").is_none() && sent(logged, "x-plain").is_some())
    );
    let authorized: Vec<_> = log
        .iter()
        .map(|logged| sent(logged, "authorization"))
        .collect();
    assert_eq!(authorized, [None, Some("Bearer 2".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn redirects_end() {
    let site = Site::new();
    site.always("/a", redirect("/a"));
    let error = fetcher(&site).fetch(get()).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.is_transient()),
        (ErrorKind::TooManyRedirects, false)
    );
    assert_eq!(site.requests().len(), 11);
}

#[tokio::test(start_paused = true)]
async fn redirects_to_where_nothing_should_lead_are_refused() {
    let plain = chain(&["file:///etc/passwd"]);
    assert_eq!(
        fetcher(&plain).fetch(get()).await.unwrap_err().kind(),
        ErrorKind::Refused
    );
    let data = chain(&["data:,text"]);
    assert_eq!(
        fetcher(&data).fetch(get()).await.unwrap_err().kind(),
        ErrorKind::Refused
    );
    let downgrade = chain(&["http://origin.test/end"]);
    let request = Request::get("https://origin.test/a".parse().unwrap());
    assert_eq!(
        fetcher(&downgrade).fetch(request).await.unwrap_err().kind(),
        ErrorKind::Refused
    );
    let private = chain(&["http://10.0.0.1/end"]);
    let request = get().with_reach(Reach::PublicOnly);
    assert_eq!(
        fetcher(&private).fetch(request).await.unwrap_err().kind(),
        ErrorKind::Refused
    );
    for site in [plain, data, downgrade, private] {
        assert_eq!(site.requests().len(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn every_redirect_status_is_followed_and_the_range_kept() {
    for status in [301, 302, 303, 307, 308] {
        let site = Site::new();
        site.always(
            "/a",
            Fault::Redirect {
                status,
                location: "end".to_owned(),
            },
        );
        site.route("/end", Resource::new(content(100)));
        let fetched = fetcher(&site)
            .fetch(get().with_range(10..20))
            .await
            .unwrap();
        assert_eq!(
            (fetched.url, &fetched.body[..]),
            (url("/end"), &content(100)[10..20])
        );
        assert_eq!(fetched.report.requests, 2);
    }
}

#[tokio::test(start_paused = true)]
async fn no_secret_is_in_an_error_or_sent_where_it_does_not_belong() {
    let site = Site::new();
    let request = Request::get(
        "http://user:word@origin.test/a?token=secret#part"
            .parse()
            .unwrap(),
    );
    let error = fetcher(&site).fetch(request).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the server answered with status 404 at http://origin.test/a after 2 attempts"
    );
    assert_eq!(error.url().map(Url::as_str), Some("http://origin.test/a"));
    let shown = format!("{error:?}");
    assert!(
        ["user", "word", "secret"]
            .iter()
            .all(|secret| !shown.contains(secret)),
        "{shown}"
    );
    let logged = site.requests().remove(0);
    assert_eq!(
        (logged.path.as_str(), logged.query.as_deref()),
        ("/a", Some("token=secret"))
    );
}

#[tokio::test(start_paused = true)]
async fn who_asks_is_said_and_can_be_changed() {
    let site = chain(&[]);
    site.route("/a", Resource::new(content(10)));
    fetcher(&site).fetch(get()).await.unwrap();
    fetcher(&site)
        .fetch(get().with_headers(headers(&[(USER_AGENT, "other/1")])))
        .await
        .unwrap();
    let agents: Vec<_> = site
        .requests()
        .iter()
        .filter_map(|logged| sent(logged, "user-agent"))
        .collect();
    assert_eq!(
        agents,
        [concat!("offline/", env!("CARGO_PKG_VERSION")), "other/1"]
    );
}

#[tokio::test(start_paused = true)]
async fn userinfo_is_sent_to_its_origin_only() {
    let site = Site::new();
    for path in ["/a", "/b", "/c", "/d"] {
        site.route(path, Resource::new(content(10)));
    }
    site.always("/a", redirect("/b"));
    site.always("/b", redirect("http://Kassim:gold@elsewhere.test/c"));
    site.always("/c", redirect("http://origin.test/d"));
    let mut address = url("/a");
    address.set_username("Aladdin").unwrap();
    address.set_password(Some("open%20sesame")).unwrap();
    let fetched = fetcher(&site).fetch(Request::get(address.clone())).await;
    let shown = format!("{fetched:?}");
    for secret in ["Aladdin", "sesame", "Kassim", "gold"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(fetched.is_ok(), "{shown}");
    let authorization = |logged: &Logged| sent(logged, "authorization");
    let basic = Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==".to_owned());
    let given: Vec<_> = site.requests().iter().map(authorization).collect();
    assert_eq!(given, [basic.clone(), basic, None, None]);
    // What is set wins.
    let request = Request::get(address).with_headers(headers(&[(AUTHORIZATION, "Bearer 1")]));
    fetcher(&site).fetch(request).await.unwrap();
    let given = authorization(&site.requests()[4]);
    assert_eq!(given.as_deref(), Some("Bearer 1"));
}

#[tokio::test(start_paused = true)]
async fn what_holds_for_a_host_goes_to_it_alone_whatever_leads_there() {
    let site = chain(&[
        "http://media.elsewhere.test/b",
        "http://elsewhere.test/c",
        "http://media.elsewhere.test.evil.test/d",
        "http://media.elsewhere.test:8080/e",
    ]);
    let mut all_below = HostOptions::new("http://*.elsewhere.test".parse().unwrap());
    all_below.headers = headers(&[
        (AUTHORIZATION, "Bearer all"),
        (HeaderName::from_static("x-plain"), "host"),
    ]);
    all_below.user_agent = Some("television".to_owned());
    let mut one = HostOptions::new("http://media.elsewhere.test:8080".parse().unwrap());
    one.headers = headers(&[(AUTHORIZATION, "Bearer one")]);
    // In the clear only where that was asked for.
    let mut unsaid = HostOptions::new("elsewhere.test".parse().unwrap());
    unsaid.headers = headers(&[(AUTHORIZATION, "Bearer unsaid")]);
    let options = FetchOptions {
        headers: headers(&[(HeaderName::from_static("x-plain"), "all")]),
        hosts: vec![all_below, one, unsaid],
        ..FetchOptions::default()
    };
    assert!(!format!("{options:?}").contains("Bearer"), "{options:?}");
    let fetcher = Fetcher::with_service(site.clone(), options);
    fetcher.fetch(get()).await.unwrap();
    let given: Vec<_> = (site.requests().iter())
        .map(|logged| {
            let agent = sent(logged, "user-agent").unwrap();
            let is_television = agent == "television";
            (
                sent(logged, "authorization"),
                sent(logged, "x-plain").unwrap(),
                is_television,
            )
        })
        .collect();
    let nothing = || (None, "all".to_owned(), false);
    let of_host = |bearer: &str| (Some(format!("Bearer {bearer}")), "host".to_owned(), true);
    assert_eq!(
        given,
        [
            nothing(),
            of_host("all"),
            nothing(),
            nothing(),
            of_host("one")
        ]
    );
}
