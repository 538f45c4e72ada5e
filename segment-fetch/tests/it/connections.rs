//! How the default transport connects: which address, with what certificates, and how long it took.

use std::collections::VecDeque;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use http::Version;
use segment_fetch::testing::{Fault, Origin, Resource, Site};
use segment_fetch::{
    ErrorKind, FetchOptions, Fetcher, Reach, Request, RequestBody, Resolve, Transport,
    TransportOptions, Url, https,
};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::time::timeout;
use tower::Service;

use crate::content;

const HERE: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

/// Answers each look-up with the next of a list, and then with the last again.
#[derive(Debug)]
struct Names(Mutex<VecDeque<Vec<IpAddr>>>);

fn names(answers: impl IntoIterator<Item = Vec<IpAddr>>) -> TransportOptions {
    let answers = Names(Mutex::new(answers.into_iter().collect()));
    TransportOptions {
        resolver: Some(Arc::new(answers)),
        ..TransportOptions::default()
    }
}

impl Resolve for Names {
    fn resolve(&self, _: &str) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> {
        let mut answers = self.0.lock().unwrap();
        let next = if answers.len() > 1 {
            answers.pop_front()
        } else {
            answers.front().cloned()
        };
        Box::pin(async { Ok(next.unwrap_or_default()) })
    }
}

fn site() -> Site {
    let site = Site::new();
    site.route("/a", Resource::new(content(100_000)));
    site
}

fn fetcher(options: &TransportOptions) -> Fetcher<Transport> {
    Fetcher::with_service(https(options).unwrap(), FetchOptions::default())
}

/// Trusts the certificate of the origin.
fn trusting(origin: &Origin) -> TransportOptions {
    TransportOptions {
        extra_authorities: vec![origin.certificate().unwrap().as_bytes().to_vec()],
        ..TransportOptions::default()
    }
}

fn named(origin: &Origin, name: &str) -> Url {
    let mut url = origin.url("/a");
    url.set_host(Some(name)).unwrap();
    url
}

/// A listener at this port that takes no more connections and does not say so, and what it has waiting.
async fn silent(port: u16) -> io::Result<(TcpListener, Vec<TcpStream>)> {
    let address = SocketAddr::from((Ipv6Addr::LOCALHOST, port));
    let socket = TcpSocket::new_v6()?;
    socket.bind(address)?;
    let listener = socket.listen(0)?;
    let mut waiting = Vec::new();
    while let Ok(connected) = timeout(Duration::from_millis(50), TcpStream::connect(address)).await
    {
        waiting.push(connected?);
    }
    Ok((listener, waiting))
}

#[tokio::test]
async fn a_dead_family_of_addresses_costs_no_more_than_a_moment() {
    for is_silent in [false, true] {
        let origin = Origin::serve(site()).unwrap();
        // Where there is no IPv6 at all, the address is dead in a third way.
        let full = if is_silent {
            Some(silent(origin.address().port()).await)
        } else {
            None
        };
        let options = names([vec![Ipv6Addr::LOCALHOST.into(), HERE]]);
        let started = Instant::now();
        let fetched = fetcher(&options)
            .fetch(Request::get(named(&origin, "two.test")))
            .await
            .unwrap();
        assert_eq!(fetched.remote_address, Some(origin.address()));
        assert_eq!(fetched.report.retries, 0);
        let elapsed = started.elapsed();
        assert!(elapsed < Duration::from_secs(3), "{elapsed:?}");
        if let Some(Ok(_)) = full {
            assert!(
                elapsed >= Duration::from_millis(250),
                "the first is given time"
            );
        }
    }
}

#[tokio::test]
async fn a_name_that_leads_to_private_addresses_is_refused_after_it_was_looked_up() {
    let origin = Origin::serve(site()).unwrap();
    let unspecified = Ipv4Addr::UNSPECIFIED.into();
    let mapped = Ipv4Addr::LOCALHOST.to_ipv6_mapped().into();
    let options = names([vec![HERE], vec![unspecified], vec![mapped, HERE]]);
    let client = fetcher(&options);
    for _ in 0..3 {
        let request = Request::get(named(&origin, "inner.test")).with_reach(Reach::PublicOnly);
        let error = client.fetch(request).await.unwrap_err();
        assert_eq!(
            (error.kind(), error.attempts()),
            (ErrorKind::Refused, 1),
            "{error:?}"
        );
    }
    assert!(origin.site().requests().is_empty());
}

#[tokio::test]
async fn the_transport_keeps_to_the_reach_by_itself() {
    let origin = Origin::serve(site()).unwrap();
    let mut transport = https(&TransportOptions::default()).unwrap();
    let request = http::Request::get(origin.url("/a").as_str())
        .extension(Reach::PublicOnly)
        .body(RequestBody::new())
        .unwrap();
    let error = transport.call(request).await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
    assert!(origin.site().requests().is_empty());
}

/// The default transport, to which `outer.test` is on the public internet.
#[derive(Clone)]
struct Outer(Transport);

impl Service<http::Request<RequestBody>> for Outer {
    type Response = <Transport as Service<http::Request<RequestBody>>>::Response;
    type Error = <Transport as Service<http::Request<RequestBody>>>::Error;
    type Future = <Transport as Service<http::Request<RequestBody>>>::Future;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, mut request: http::Request<RequestBody>) -> Self::Future {
        if request.uri().host() == Some("outer.test") {
            request.extensions_mut().remove::<Reach>();
        }
        self.0.call(request)
    }
}

#[tokio::test]
async fn a_name_cannot_be_rebound_between_referrer_and_target() {
    let site = site();
    let origin = Origin::serve(site.clone()).unwrap();
    let inner = named(&origin, "inner.test");
    site.always(
        "/way",
        Fault::Redirect {
            status: 302,
            location: inner.to_string(),
        },
    );
    let transport = Outer(https(&names([vec![HERE]])).unwrap());
    let client = Fetcher::with_service(transport, FetchOptions::default());
    let way = named(&origin, "outer.test").join("/way").unwrap();
    let anywhere = client.fetch(Request::get(way.clone())).await.unwrap();
    assert_eq!((anywhere.url, anywhere.body.len()), (inner, 100_000));
    let error = client
        .fetch(Request::get(way).with_reach(Reach::PublicOnly))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Refused, "{error:?}");
    let paths: Vec<_> = site.requests().into_iter().map(|it| it.path).collect();
    assert_eq!(
        paths,
        ["/way", "/a", "/way"],
        "not even over the connection that is open by now"
    );
}

#[tokio::test]
async fn a_client_certificate_is_shown_to_its_origin_only() {
    let origin = Origin::serve_mutual_tls(site()).unwrap();
    let mut impatient = FetchOptions::default();
    impatient.retry.retries = 0;
    let error = Fetcher::with_service(https(&trusting(&origin)).unwrap(), impatient)
        .fetch(Request::get(origin.url("/a")))
        .await
        .unwrap_err();
    assert!(
        matches!(error.kind(), ErrorKind::Tls | ErrorKind::Http),
        "{error:?}"
    );
    let client_certificate = origin.client_certificate();
    let known = TransportOptions {
        client_certificate: client_certificate.clone(),
        ..trusting(&origin)
    };
    let fetched = fetcher(&known)
        .fetch(Request::get(origin.url("/a")))
        .await
        .unwrap();
    assert_eq!(fetched.body.len(), 100_000);
    let mut elsewhere = client_certificate.unwrap();
    assert!(!format!("{elsewhere:?}").contains("PRIVATE"));
    elsewhere.origins = vec![Url::parse("https://elsewhere.test").unwrap().origin()];
    let options = TransportOptions {
        client_certificate: Some(elsewhere.clone()),
        ..trusting(&origin)
    };
    let request = Request::get(origin.url("/a"));
    let result = tokio::time::timeout(Duration::from_secs(1), fetcher(&options).fetch(request));
    assert!(!matches!(result.await, Ok(Ok(_))));
    assert_eq!(origin.site().requests().len(), 1);

    elsewhere.key = b"nonsense".to_vec();
    let options = TransportOptions {
        client_certificate: Some(elsewhere),
        ..trusting(&origin)
    };
    let error = https(&options).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Tls);
    assert!(!format!("{error:?}").contains("nonsense"));
}

#[tokio::test]
async fn verification_can_only_be_turned_off_loudly() {
    let origin = Origin::serve_tls(site()).unwrap();
    let options = TransportOptions {
        danger_accept_invalid_certificates: true,
        ..TransportOptions::default()
    };
    let transport = https(&options).unwrap();
    assert!(format!("{transport:?}").contains("OFF"));
    let on = https(&TransportOptions::default()).unwrap();
    assert!(!format!("{on:?}").contains("OFF"));
    let fetched = Fetcher::with_service(transport, FetchOptions::default())
        .fetch(Request::get(origin.url("/a")))
        .await
        .unwrap();
    assert_eq!(fetched.body.len(), 100_000);
}

#[tokio::test]
async fn each_step_of_a_request_is_measured() {
    let origin = Origin::serve_tls(site()).unwrap();
    let url = named(&origin, "localhost");
    let mut with_secret = url.clone();
    with_secret.set_query(Some("token=secret"));
    origin.site().script("/a", [Fault::Status(503)]);
    let mut quick = FetchOptions::default();
    quick.retry.base = Duration::from_millis(1);
    let client = Fetcher::with_service(https(&trusting(&origin)).unwrap(), quick);
    let report = client
        .fetch(Request::get(with_secret))
        .await
        .unwrap()
        .report;
    let [first, second] = &report.metrics[..] else {
        panic!("{:?}", report.metrics);
    };
    assert_eq!(first.url, url, "without the query");
    assert_eq!(
        (first.status, second.status),
        (Some(503), Some(200)),
        "those that failed are there too"
    );
    assert_eq!(first.reused_connection, Some(false));
    assert!(first.name_lookup.is_some() && first.connect.is_some());
    let secured = first.secure_connection.unwrap();
    let first_byte = first.first_byte.unwrap();
    assert!(secured > Duration::ZERO && secured < first_byte);
    assert_eq!(first.last_byte, None, "its body was not taken");
    assert_eq!(second.reused_connection, Some(true));
    assert_eq!(
        (second.name_lookup, second.connect, second.secure_connection),
        (None, None, None)
    );
    assert!(second.last_byte >= second.first_byte && second.started > first.started);
    assert_eq!(second.bytes, 100_000);
    assert_eq!(second.protocol, Some(Version::HTTP_2));
    assert_eq!(
        second.remote_address.map(|it| it.port()),
        Some(origin.address().port())
    );
    assert_eq!(
        (second.proxy.as_ref(), second.read_from_cache),
        (None, false)
    );
    assert_eq!(report.metrics_omitted, 0);
    assert!(
        origin
            .site()
            .requests()
            .iter()
            .all(|request| request.version == Version::HTTP_2)
    );
}

#[tokio::test]
async fn connecting_has_a_limit_that_includes_tls() {
    // The kernel accepts for it, and nobody says a word.
    let silent = std::net::TcpListener::bind((HERE, 0)).unwrap();
    let options = TransportOptions {
        connect_timeout: Duration::from_millis(100),
        ..TransportOptions::default()
    };
    let mut once = FetchOptions::default();
    once.retry.retries = 0;
    let client = Fetcher::with_service(https(&options).unwrap(), once);
    let url = format!("https://{}/", silent.local_addr().unwrap());
    let started = Instant::now();
    let error = client
        .fetch(Request::get(url.parse().unwrap()))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Timeout, "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(5));
}
