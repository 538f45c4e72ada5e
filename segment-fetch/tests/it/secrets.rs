//! What is secret is in no error, no log line and no `Debug` form.

use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::header::{AUTHORIZATION, COOKIE, HeaderName, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use segment_fetch::testing::{Fault, Origin, Resource, Site};
use segment_fetch::{
    CookieJar, Credentials, ErrorKind, FetchOptions, Fetcher, Proxy, Request, TransportOptions,
    https,
};
use tracing_subscriber::fmt::MakeWriter;

use crate::{content, fetcher, get, site};

/// Everything that is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Log;

    fn make_writer(&self) -> Log {
        self.clone()
    }
}

fn fields(fields: &[(HeaderName, &'static str)]) -> HeaderMap {
    fields
        .iter()
        .map(|(name, value)| (name.clone(), HeaderValue::from_static(value)))
        .collect()
}

/// Fetches with a secret in every place there is, from an origin that fails in many ways. Returns what was shown.
async fn tell_everything(origin: &Origin) -> String {
    let jar = CookieJar::new();
    jar.read_netscape("127.0.0.1\tFALSE\t/\tFALSE\t0\tfile\tSECRET-file\n")
        .unwrap();
    let mut options = FetchOptions {
        headers: fields(&[(HeaderName::from_static("x-key"), "SECRET-key")]),
        credentials: vec![Credentials {
            origin: origin.url("/").origin(),
            headers: fields(&[(AUTHORIZATION, "Bearer SECRET-bearer")]),
        }],
        cookies: Some(jar),
        idle_timeout: Duration::from_millis(100),
        ..FetchOptions::default()
    };
    options.retry.base = Duration::from_millis(1);
    let transport = TransportOptions {
        extra_authorities: origin
            .certificate()
            .map(|pem| pem.as_bytes().to_vec())
            .into_iter()
            .collect(),
        client_certificate: origin.client_certificate(),
        proxy: Proxy::new("http://SECRET-user:SECRET-word@proxy.test", "127.0.0.1").unwrap(),
        ..TransportOptions::default()
    };
    let mut shown = format!("{options:?} {transport:?}");
    let client = Fetcher::with_service(https(&transport).unwrap(), options);
    let mut url = origin.url("/a?token=SECRET-query#SECRET-fragment");
    url.set_username("SECRET-name").unwrap();
    url.set_password(Some("SECRET-password")).unwrap();
    let request = Request::get(url).with_headers(fields(&[(COOKIE, "mine=SECRET-mine")]));
    shown += &format!("{request:?} {client:?}");
    let faults = [
        Fault::Status(404),
        Fault::Status(403),
        Fault::Cut(10),
        Fault::Stall(10),
        Fault::Reset,
        Fault::ShortRange,
        Fault::Gzip,
        Fault::Html,
        Fault::Redirect {
            status: 302,
            location: "/b?token=SECRET-target".to_owned(),
        },
        Fault::Redirect {
            status: 302,
            location: "ftp://SECRET-ftp@elsewhere.test/?SECRET-ftp".to_owned(),
        },
        Fault::Redirect {
            status: 302,
            location: "http://[SECRET-wrong".to_owned(),
        },
        Fault::None,
    ];
    let expect = segment_fetch::Expect {
        refuse_html: true,
        ..segment_fetch::Expect::default()
    };
    for fault in faults {
        origin.site().script("/a", [fault]);
        match client
            .fetch(request.clone().with_expect(expect.clone()))
            .await
        {
            Ok(fetched) => shown += &format!("{fetched:?}"),
            Err(error) => {
                shown += &format!("{error} {error:?}");
                let mut cause: Option<&dyn std::error::Error> = Some(&error);
                while let Some(error) = cause {
                    shown += &format!("{error} {error:?}");
                    cause = error.source();
                }
            }
        }
    }
    shown
}

fn secretive() -> Site {
    let site = Site::new();
    let headers = fields(&[(SET_COOKIE, "set=SECRET-set; Path=/")]);
    for path in ["/a", "/b"] {
        let headers = headers.clone();
        site.route(
            path,
            Resource {
                headers,
                ..Resource::new(content(1_000))
            },
        );
    }
    site
}

#[tokio::test]
async fn no_secret_is_shown_or_logged() {
    // With a single subscriber, a log line that another test reaches first on its own thread is turned off for good.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    for origin in [
        Origin::serve(secretive()).unwrap(),
        Origin::serve_tls(secretive()).unwrap(),
        Origin::serve_mutual_tls(secretive()).unwrap(),
    ] {
        let log = Log::default();
        let subscriber = tracing_subscriber::fmt()
            .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
            .with_writer(log.clone())
            .finish();
        let guard = tracing::subscriber::set_default(subscriber);
        let shown = tell_everything(&origin).await;
        drop(guard);
        let logged = log.text();
        assert!(logged.contains("retrying"), "nothing was captured");
        for text in [&shown, &logged] {
            if let Some(place) = text.find("SECRET") {
                let around = place.saturating_sub(200)..text.len().min(place + 50);
                panic!("{}", String::from_utf8_lossy(&text.as_bytes()[around]));
            }
            assert!(!text.contains("PRIVATE KEY"));
        }
        // They were sent all the same.
        let last = origin.site().requests().pop().unwrap();
        assert_eq!(last.query.as_deref(), Some("token=SECRET-query"));
        assert_eq!(last.headers[AUTHORIZATION], "Bearer SECRET-bearer");
        let cookies = last.headers[COOKIE].to_str().unwrap();
        assert_eq!(
            cookies,
            "mine=SECRET-mine; file=SECRET-file; set=SECRET-set"
        );
    }
}

#[test]
fn turning_verification_off_is_warned_of() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).finish();
    let options = TransportOptions {
        danger_accept_invalid_certificates: true,
        ..TransportOptions::default()
    };
    tracing::subscriber::with_default(subscriber, || https(&options).unwrap());
    assert!(log.text().contains("WARN") && log.text().contains("not verified"));
}

#[tokio::test(start_paused = true)]
async fn headers_have_a_limit_both_ways() {
    let big = |length: usize| {
        let mut headers = HeaderMap::new();
        headers.insert("x-big", HeaderValue::from_str(&"x".repeat(length)).unwrap());
        headers
    };
    let site = site(content(10));
    let headers = big(60 << 10);
    site.route(
        "/a",
        Resource {
            headers,
            ..Resource::new(content(10))
        },
    );
    fetcher(&site).fetch(get()).await.unwrap();
    let headers = big(64 << 10);
    site.route(
        "/a",
        Resource {
            headers,
            ..Resource::new(content(10))
        },
    );
    let error = fetcher(&site).fetch(get()).await.unwrap_err();
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::TooLarge, 1));
    let request = get().with_headers(big(64 << 10));
    let error = fetcher(&site).fetch(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooLarge);
    assert_eq!(site.requests().len(), 2, "that was not sent");
}

#[tokio::test]
async fn headers_without_end_are_not_read_to_the_end() {
    let site = Site::new();
    let mut headers = HeaderMap::new();
    for index in 0..2_000 {
        let name = HeaderName::from_bytes(format!("x-{index}").as_bytes()).unwrap();
        headers.insert(name, HeaderValue::from_str(&"x".repeat(1_000)).unwrap());
    }
    site.route(
        "/a",
        Resource {
            headers,
            ..Resource::new("")
        },
    );
    for origin in [
        Origin::serve(site.clone()).unwrap(),
        Origin::serve_tls(site.clone()).unwrap(),
    ] {
        let transport = TransportOptions {
            extra_authorities: origin
                .certificate()
                .map(|pem| pem.as_bytes().to_vec())
                .into_iter()
                .collect(),
            ..TransportOptions::default()
        };
        let mut options = FetchOptions::default();
        options.retry.retries = 0;
        let client = Fetcher::with_service(https(&transport).unwrap(), options);
        let error = client
            .fetch(Request::get(origin.url("/a")))
            .await
            .unwrap_err();
        assert!(
            matches!(
                error.kind(),
                ErrorKind::Http | ErrorKind::TooLarge | ErrorKind::Status(_)
            ),
            "{error:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_value_marked_as_sensitive_stays_with_its_origin_too() {
    let site = Site::new();
    site.always(
        "/a",
        Fault::Redirect {
            status: 302,
            location: "http://elsewhere.test/end".to_owned(),
        },
    );
    site.route("/end", Resource::new(content(10)));
    let mut key = HeaderValue::from_static("1234");
    key.set_sensitive(true);
    let mut headers = HeaderMap::new();
    headers.insert("x-api-key", key);
    fetcher(&site)
        .fetch(get().with_headers(headers.clone()))
        .await
        .unwrap();
    let sent: Vec<_> = site
        .requests()
        .iter()
        .map(|request| request.headers.contains_key("x-api-key"))
        .collect();
    assert_eq!(sent, [true, false]);
    let options = FetchOptions {
        headers,
        ..FetchOptions::default()
    };
    let everywhere = Fetcher::with_service(site.clone(), options);
    everywhere.fetch(get()).await.unwrap();
    assert!(!site.requests()[2].headers.contains_key("x-api-key"));
}
