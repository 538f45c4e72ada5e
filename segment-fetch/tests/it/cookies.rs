//! Cookies: who may set them, who gets them back, and that nobody else sees them.

use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use proptest::prelude::*;
use segment_fetch::testing::{Fault, Resource, Site};
use segment_fetch::{CookieJar, ErrorKind, FetchOptions, Fetcher, Request, Url};

use crate::content;

fn url(text: &str) -> Url {
    Url::parse(text).unwrap()
}

fn fields(values: &[&str]) -> HeaderMap {
    values
        .iter()
        .map(|value| (SET_COOKIE, HeaderValue::from_str(value).unwrap()))
        .collect()
}

fn jar_after(sets: &[(&str, &str)]) -> CookieJar {
    let jar = CookieJar::new();
    for (from, value) in sets {
        jar.store(&url(from), &fields(&[value]));
    }
    jar
}

fn sent(jar: &CookieJar, to: &str) -> String {
    let header = jar.header(&url(to));
    assert!(header.as_ref().is_none_or(HeaderValue::is_sensitive));
    header
        .map(|header| header.to_str().unwrap().to_owned())
        .unwrap_or_default()
}

const SHOP: &str = "https://www.shop.example.com/cart/list";

#[test]
fn a_cookie_goes_back_to_its_host_alone_unless_it_names_a_domain() {
    let jar = jar_after(&[
        (SHOP, "a=1; Path=/"),
        (SHOP, "b=2; Domain=.Example.com; path=/"),
    ]);
    assert_eq!(sent(&jar, "https://www.shop.example.com/"), "a=1; b=2");
    assert_eq!(sent(&jar, "https://cdn.example.com/"), "b=2");
    assert_eq!(sent(&jar, "https://a.www.shop.example.com/"), "b=2");
    for other in [
        "https://notexample.com/",
        "https://example.org/",
        "https://example.com.evil.org/",
        "https://com/",
    ] {
        assert_eq!(sent(&jar, other), "", "{other}");
    }
}

#[test]
fn nobody_sets_cookies_for_others() {
    let refused = [
        (SHOP, "a=1; Domain=com"),
        (SHOP, "a=1; Domain=other.com"),
        (SHOP, "a=1; Domain=x.www.shop.example.com"),
        ("https://evil.co.uk/", "a=1; Domain=co.uk"),
        ("https://evil.github.io/", "a=1; Domain=github.io"),
        ("https://evil.localhost/", "a=1; Domain=localhost"),
        ("https://10.0.0.1/", "a=1; Domain=0.0.1"),
        ("https://10.0.0.1/", "a=1; Domain=10.0.0.2"),
        ("http://www.shop.example.com/", "a=1; Secure"),
        ("data:text/plain,x", "a=1"),
    ];
    for (from, value) in refused {
        assert!(jar_after(&[(from, value)]).is_empty(), "{from} {value}");
    }
    // The owner of a public suffix may set them for itself.
    let jar = jar_after(&[("https://github.io/", "a=1; Domain=github.io; Path=/")]);
    assert_eq!(sent(&jar, "https://github.io/"), "a=1");
    assert_eq!(sent(&jar, "https://evil.github.io/"), "");
    let jar = jar_after(&[("https://[::1]:8443/", "a=1; Domain=::1")]);
    assert_eq!(sent(&jar, "https://[::1]/"), "a=1", "itself");
}

#[test]
fn paths_are_kept_to_and_longer_ones_come_first() {
    let jar = jar_after(&[
        (SHOP, "root=1; Path=/"),
        (SHOP, "folder=1"),
        (SHOP, "deep=1; Path=/cart/list"),
        (SHOP, "wrong=1; Path=cart"),
    ]);
    let at = |path: &str| sent(&jar, &format!("https://www.shop.example.com{path}"));
    assert_eq!(at("/cart/list/1"), "deep=1; folder=1; wrong=1; root=1");
    assert_eq!(at("/cart/lists"), "folder=1; wrong=1; root=1");
    assert_eq!(at("/cart"), "folder=1; wrong=1; root=1");
    assert_eq!(at("/cartoon"), "root=1");
}

#[test]
fn what_came_over_https_stays_there() {
    let jar = jar_after(&[
        (SHOP, "plain=1; Path=/"),
        (SHOP, "secure=1; Path=/; Secure"),
        ("http://www.shop.example.com/", "open=1"),
        // Someone on the way tries to overwrite one.
        ("http://www.shop.example.com/", "secure=2; Path=/"),
        (
            "http://evil.shop.example.com/",
            "secure=3; Path=/; Domain=shop.example.com",
        ),
    ]);
    assert_eq!(sent(&jar, "http://www.shop.example.com/"), "open=1");
    assert_eq!(
        sent(&jar, "https://www.shop.example.com/"),
        "plain=1; secure=1; open=1"
    );
}

#[test]
fn names_that_promise_something_keep_it() {
    for refused in [
        "__Host-a=1; Path=/",
        "__Host-a=1; Secure; Path=/cart",
        "__Host-a=1; Secure",
        "__host-a=1; Secure; Path=/; Domain=example.com",
        "__Secure-a=1; Path=/",
        "=__Host-a=1; Secure; Path=/",
        "=__secure-a=1; Secure; Path=/",
    ] {
        assert!(jar_after(&[(SHOP, refused)]).is_empty(), "{refused}");
    }
    let jar = jar_after(&[
        (SHOP, "__Host-a=1; Secure; Path=/"),
        (SHOP, "__Secure-b=1; Secure; Path=/"),
    ]);
    assert_eq!(sent(&jar, SHOP), "__Host-a=1; __Secure-b=1");
}

#[test]
fn cookies_end() {
    for ended in [
        "a=1; Max-Age=0",
        "a=1; Max-Age=-1",
        "a=1; Expires=Thu, 01-Jan-1970 00:00:00 GMT",
        "a=1; Max-Age=0; Expires=Fri, 31 Dec 2999 23:59:59 GMT",
    ] {
        let jar = jar_after(&[(SHOP, "a=0"), (SHOP, ended)]);
        assert!(jar.is_empty(), "{ended}");
    }
    for kept in [
        "a=1; Max-Age=60",
        "a=1; Max-Age=99999999999999999999",
        "a=1; Max-Age=never",
        "a=1; Expires=never",
        "a=1; Expires=Fri, 31 Dec 2999 23:59:59 GMT",
    ] {
        assert_eq!(sent(&jar_after(&[(SHOP, kept)]), SHOP), "a=1", "{kept}");
    }
}

#[test]
fn odd_fields_are_read_as_browsers_read_them() {
    for (field, expected) in [
        ("a=b=c; x=y", "a=b=c"),
        ("  a  =  \"b c\"  ;", "a=\"b c\""),
        ("valueonly", "valueonly"),
        ("=value", "value"),
        ("a=", "a="),
        ("=", ""),
        ("", ""),
        (";Secure", ""),
    ] {
        assert_eq!(
            sent(&jar_after(&[(SHOP, field)]), SHOP),
            expected,
            "{field}"
        );
    }
    let long = format!("a={}", "x".repeat(4096));
    assert!(jar_after(&[(SHOP, &long)]).is_empty());
    // The same name twice: one cookie, in its old place.
    let jar = jar_after(&[(SHOP, "a=1"), (SHOP, "b=1"), (SHOP, "a=2")]);
    assert_eq!(sent(&jar, SHOP), "a=2; b=1");
}

#[test]
fn a_jar_has_a_bottom() {
    let jar = CookieJar::new();
    for index in 0..5_000 {
        let host = format!("https://h{}.example{}.com/", index % 7, index % 50);
        let value = format!("n{index}={}", "v".repeat(1_000));
        jar.store(&url(&host), &fields(&[&value]));
    }
    assert!(jar.len() <= 1_000, "{}", jar.len());
    let jar = CookieJar::new();
    for index in 0..200 {
        jar.store(
            &url(SHOP),
            &fields(&[&format!("n{index}={}", "v".repeat(1_000))]),
        );
    }
    assert_eq!(jar.len(), 60);
    let header = sent(&jar, SHOP);
    assert!(header.len() <= 8 << 10, "{}", header.len());
    assert!(header.starts_with("n140="), "the oldest have gone");
}

#[test]
fn files_of_other_programs_are_read() {
    let file = "\u{feff}# Netscape HTTP Cookie File\r\n\r\n\
        .example.com\tTRUE\t/\tFALSE\t0\ta\t1\r\n\
        #HttpOnly_www.example.com\tFALSE\t/private\tTRUE\t4102444800\tb\t2\r\n\
        # a comment\r\n\
        example.com\tFALSE\t/\tFALSE\t1\told\tgone\r\n\
        co.uk\tTRUE\t/\tFALSE\t0\tc\t3\r\n\
        127.0.0.1\tFALSE\t/\tFALSE\t4102444800.123\td\t4\r\n\
        .example.com\tTRUE\t/\tFALSE\t0\tempty\r\n";
    let jar = CookieJar::new();
    assert_eq!(jar.read_netscape(file).unwrap(), 6);
    assert_eq!(jar.len(), 5, "one has expired");
    assert_eq!(sent(&jar, "http://www.example.com/private"), "a=1; empty=");
    assert_eq!(
        sent(&jar, "https://www.example.com/private/x"),
        "b=2; a=1; empty="
    );
    assert_eq!(sent(&jar, "https://bank.co.uk/"), "");
    assert_eq!(sent(&jar, "http://127.0.0.1:8080/"), "d=4");
    for wrong in [
        "example.com TRUE / FALSE 0 a secret",
        "example.com\tYES\t/\tFALSE\t0\ta\tsecret",
        "example.com\tTRUE\t/\tFALSE\tsoon\ta\tsecret",
        "example.com\tTRUE\t/\tFALSE\t0\ta\tsecret\tmore",
        "<html>secret</html>",
    ] {
        let jar = CookieJar::new();
        let file = format!("a.test\tTRUE\t/\tFALSE\t0\ta\t1\n{wrong}\n");
        let error = jar.read_netscape(&file).unwrap_err();
        let shown = format!("{error} {error:?} {jar:?}");
        assert_eq!(error.kind(), ErrorKind::Cookies);
        assert!(
            shown.contains("line 2") && !shown.contains("secret"),
            "{shown}"
        );
        assert!(jar.is_empty());
    }
}

/// A site that answers for every host, whose `/a` sets a cookie and leads on.
fn site(set: &'static str, location: &str) -> Site {
    let site = Site::new();
    let headers = fields(&[set]);
    site.route(
        "/a",
        Resource {
            headers,
            ..Resource::new("")
        },
    );
    site.always(
        "/a",
        Fault::Redirect {
            status: 302,
            location: location.to_owned(),
        },
    );
    site.route("/end", Resource::new(content(10)));
    site
}

fn with_jar(site: &Site) -> Fetcher<Site> {
    let options = FetchOptions {
        cookies: Some(CookieJar::new()),
        ..FetchOptions::default()
    };
    Fetcher::with_service(site.clone(), options)
}

#[tokio::test(start_paused = true)]
async fn a_cookie_set_by_a_redirect_is_given_back_and_to_nobody_else() {
    for (location, expected) in [
        ("/end", Some("token=1")),
        ("https://origin.test:8443/end", Some("token=1")),
        ("https://elsewhere.test/end", None),
        ("https://sub.origin.test/end", None),
    ] {
        let site = site("token=1; Path=/", location);
        let request = Request::get(url("https://origin.test/a"));
        with_jar(&site).fetch(request).await.unwrap();
        let last = site.requests().pop().unwrap();
        let cookie = last
            .headers
            .get(COOKIE)
            .map(|value| value.to_str().unwrap());
        assert_eq!(cookie, expected, "{location}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_callers_cookies_come_first_and_win() {
    let site = site("token=1; Path=/", "/end");
    let mut headers = HeaderMap::new();
    headers.insert(COOKIE, HeaderValue::from_static("mine=2; token=3"));
    let request = Request::get(url("https://origin.test/a")).with_headers(headers);
    let client = with_jar(&site);
    client.fetch(request).await.unwrap();
    assert_eq!(site.requests()[1].headers[COOKIE], "mine=2; token=3");
    let end = Request::get(url("https://origin.test/end"));
    client.fetch(end.clone()).await.unwrap();
    assert_eq!(site.requests()[2].headers[COOKIE], "token=1");
    // Without a jar nothing is kept.
    let site = self::site("token=1", "/end");
    let plain = Fetcher::with_service(site.clone(), FetchOptions::default());
    plain
        .fetch(Request::get(url("https://origin.test/a")))
        .await
        .unwrap();
    plain.fetch(end).await.unwrap();
    assert!(
        site.requests()
            .iter()
            .all(|request| !request.headers.contains_key(COOKIE))
    );
}

proptest! {
    #[test]
    fn no_field_or_file_panics_and_none_leaks_to_another_site(
        field in "[ -~]{0,80}",
        attributes in "(; ?(Domain|Path|Expires|Max-Age|Secure)=?[a-z0-9./: -]{0,20}){0,4}",
        file in "[ -~\t\n]{0,200}",
    ) {
        let jar = CookieJar::new();
        let value = format!("{field}{attributes}");
        jar.store(&url(SHOP), &fields(&[&value]));
        prop_assert_eq!(jar.header(&url("https://elsewhere.org/")), None);
        prop_assert_eq!(jar.header(&url("https://example.org/cart/list")), None);
        let _ = jar.read_netscape(&file);
    }
}
