//! The default transport through proxies.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use segment_fetch::testing::{Origin, Resource, Site};
use segment_fetch::{
    ErrorKind, FetchOptions, Fetcher, Proxy, Reach, Request, Transport, TransportOptions, Url,
    https,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use crate::content;

/// `user:word`, as HTTP has it.
const BASIC: &str = "Basic dXNlcjp3b3Jk";

/// A proxy for HTTP and SOCKS 5 that finds every name on loopback and notes what it was asked for.
struct Middle {
    address: SocketAddr,
    log: Arc<Mutex<Vec<String>>>,
}

impl Middle {
    async fn start(with_password: bool) -> Middle {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let log = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&log);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let noted = Arc::clone(&noted);
                tokio::spawn(async move { serve(client, with_password, &noted).await });
            }
        });
        Middle { address, log }
    }

    fn log(&self) -> Vec<String> {
        self.log.lock().unwrap().clone()
    }

    fn options(&self, scheme: &str, user: &str, origin: &Origin) -> TransportOptions {
        TransportOptions {
            proxy: Proxy::new(&format!("{scheme}://{user}{}", self.address), "").unwrap(),
            extra_authorities: origin
                .certificate()
                .map(|pem| pem.as_bytes().to_vec())
                .into_iter()
                .collect(),
            ..TransportOptions::default()
        }
    }
}

async fn serve(
    mut client: TcpStream,
    with_password: bool,
    log: &Mutex<Vec<String>>,
) -> io::Result<()> {
    let mut first = [0];
    client.peek(&mut first).await?;
    let mut server = if first == [5] {
        socks(&mut client, with_password, log).await?
    } else {
        http(&mut client, with_password, log).await?
    };
    copy_bidirectional(&mut client, &mut server).await?;
    Ok(())
}

async fn socks(
    client: &mut TcpStream,
    with_password: bool,
    log: &Mutex<Vec<String>>,
) -> io::Result<TcpStream> {
    let [_, methods] = bytes(client).await?;
    client
        .read_exact(&mut vec![0; usize::from(methods)])
        .await?;
    if with_password {
        client.write_all(&[5, 2]).await?;
        let [_] = bytes(client).await?;
        let given = (text(client).await?, text(client).await?);
        let is_known = given == ("user".to_owned(), "word".to_owned());
        client.write_all(&[1, u8::from(!is_known)]).await?;
    } else {
        client.write_all(&[5, 0]).await?;
    }
    let [_, _, _, kind] = bytes(client).await?;
    let host = if kind == 3 {
        text(client).await?
    } else {
        let address: [u8; 4] = bytes(client).await?;
        Ipv4Addr::from(address).to_string()
    };
    let port = u16::from_be_bytes(bytes(client).await?);
    log.lock().unwrap().push(format!("{host}:{port}"));
    client.write_all(&[5, 0, 0, 1, 0, 0, 0, 0, 0, 0]).await?;
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await
}

async fn bytes<const N: usize>(client: &mut TcpStream) -> io::Result<[u8; N]> {
    let mut read = [0; N];
    client.read_exact(&mut read).await?;
    Ok(read)
}

async fn text(client: &mut TcpStream) -> io::Result<String> {
    let [length] = bytes(client).await?;
    let mut read = vec![0; usize::from(length)];
    client.read_exact(&mut read).await?;
    String::from_utf8(read).map_err(io::Error::other)
}

async fn http(
    client: &mut TcpStream,
    with_password: bool,
    log: &Mutex<Vec<String>>,
) -> io::Result<TcpStream> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        let [byte] = bytes(client).await?;
        head.push(char::from(byte));
    }
    let line = head.lines().next().unwrap_or_default();
    log.lock().unwrap().push(line.to_owned());
    let is_known = head.lines().any(|line| {
        line.split_once(": ").is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case("proxy-authorization") && value == BASIC
        })
    });
    if with_password && !is_known {
        client
            .write_all(
                b"HTTP/1.1 407 Who are you\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
            )
            .await?;
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let target = line.split(' ').nth(1).unwrap_or_default();
    let port = match Url::parse(target) {
        Ok(url) if url.has_host() => url.port_or_known_default(),
        _ => target.rsplit(':').next().and_then(|port| port.parse().ok()),
    };
    let mut server = TcpStream::connect((Ipv4Addr::LOCALHOST, port.unwrap_or_default())).await?;
    if line.starts_with("CONNECT") {
        client.write_all(b"HTTP/1.1 200 Connected\r\n\r\n").await?;
    } else {
        server.write_all(head.as_bytes()).await?;
    }
    Ok(server)
}

fn site() -> Site {
    let site = Site::new();
    site.route("/a", Resource::new(content(100_000)));
    site
}

fn fetcher(options: &TransportOptions) -> Fetcher<Transport> {
    let mut once = FetchOptions::default();
    once.retry.retries = 0;
    Fetcher::with_service(https(options).unwrap(), once)
}

/// A name that nobody but the proxy knows.
fn named(origin: &Origin, name: &str) -> Url {
    let mut url = origin.url("/a");
    url.set_host(Some(name)).unwrap();
    url
}

#[tokio::test]
async fn plain_requests_are_sent_whole_and_secure_ones_through_a_tunnel() {
    for user in ["", "user:word@"] {
        let middle = Middle::start(!user.is_empty()).await;
        let plain = Origin::serve(site()).unwrap();
        let client = fetcher(&middle.options("http", user, &plain));
        let url = named(&plain, "somewhere.invalid");
        let fetched = client.fetch(Request::get(url.clone())).await.unwrap();
        assert_eq!(fetched.body, content(100_000));
        assert_eq!(fetched.remote_address, None, "that would be the proxy's");
        assert!(fetched.is_public(), "as far as the name tells");
        let metrics = &fetched.report.metrics[0];
        assert_eq!(metrics.proxy, Some(format!("http://{}", middle.address)));
        assert_eq!(middle.log(), [format!("GET {url} HTTP/1.1")]);

        let secure = Origin::serve_tls(site()).unwrap();
        let client = fetcher(&middle.options("http", user, &secure));
        let url = named(&secure, "localhost");
        let fetched = client.fetch(Request::get(url.clone())).await.unwrap();
        assert_eq!(fetched.body, content(100_000));
        let metrics = &fetched.report.metrics[0];
        assert!(metrics.proxy_handshake.is_some() && metrics.secure_connection.is_some());
        assert_eq!(metrics.protocol, Some(http::Version::HTTP_2));
        let port = secure.address().port();
        assert_eq!(
            middle.log()[1..],
            [format!("CONNECT localhost:{port} HTTP/1.1")]
        );
        assert!(
            secure
                .site()
                .requests()
                .iter()
                .all(|request| !request.headers.contains_key("proxy-authorization")),
            "what is for the proxy stays there"
        );
    }
}

#[tokio::test]
async fn socks_looks_names_up_here_or_there() {
    for user in ["", "user:word@"] {
        let middle = Middle::start(!user.is_empty()).await;
        let origin = Origin::serve(site()).unwrap();
        let port = origin.address().port();
        let there = fetcher(&middle.options("socks5h", user, &origin));
        let request = Request::get(named(&origin, "somewhere.invalid"));
        let fetched = there.fetch(request).await.unwrap();
        assert_eq!(fetched.body, content(100_000));
        let here = fetcher(&middle.options("socks5", user, &origin));
        let request = Request::get(origin.url("/a"));
        assert_eq!(here.fetch(request).await.unwrap().body.len(), 100_000);
        let expected = [
            format!("somewhere.invalid:{port}"),
            format!("127.0.0.1:{port}"),
        ];
        assert_eq!(middle.log(), expected);
        let secure = Origin::serve_tls(site()).unwrap();
        let client = fetcher(&middle.options("socks5h", user, &secure));
        let request = Request::get(named(&secure, "localhost"));
        assert_eq!(client.fetch(request).await.unwrap().body.len(), 100_000);
    }
}

#[tokio::test]
async fn a_proxy_that_refuses_or_is_not_there_is_told_without_its_password() {
    let middle = Middle::start(true).await;
    let origin = Origin::serve_tls(site()).unwrap();
    for scheme in ["http", "socks5h"] {
        let options = middle.options(scheme, "user:secret@", &origin);
        let mut patient = FetchOptions::default();
        patient.retry.retries = 2;
        patient.retry.base = Duration::from_millis(1);
        let client = Fetcher::with_service(https(&options).unwrap(), patient);
        let request = Request::get(named(&origin, "localhost"));
        let error = client.fetch(request).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Proxy, "{error:?}");
        assert_eq!(error.attempts(), 3, "it ends as policy says");
        let shown = format!(
            "{error} {error:?} {options:?} {:?}",
            https(&options).unwrap()
        );
        assert!(!shown.contains("secret"), "{shown}");
    }
    // Plain requests are answered by the proxy itself.
    let plain = Origin::serve(site()).unwrap();
    let client = fetcher(&middle.options("http", "", &plain));
    let error = client
        .fetch(Request::get(plain.url("/a")))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Status(407), "{error:?}");

    let options = TransportOptions {
        proxy: Proxy::new("127.0.0.1:1", "").unwrap(),
        ..TransportOptions::default()
    };
    let error = fetcher(&options)
        .fetch(Request::get(origin.url("/a")))
        .await
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Proxy, "{error:?}");
    assert!(origin.site().requests().is_empty() && plain.site().requests().is_empty());
}

#[tokio::test]
async fn a_proxy_is_no_way_around_the_reach() {
    let middle = Middle::start(false).await;
    let origin = Origin::serve(site()).unwrap();
    let refused = [
        ("http", origin.url("/a")),
        ("http", named(&origin, "localhost")),
        ("http", named(&origin, "printer")),
        ("socks5h", named(&origin, "nas.local")),
        ("socks5", named(&origin, "localhost")),
    ];
    for (scheme, url) in refused {
        let client = fetcher(&middle.options(scheme, "", &origin));
        let request = Request::get(url.clone()).with_reach(Reach::PublicOnly);
        let error = client.fetch(request).await.unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::Refused,
            "{scheme} {url}: {error:?}"
        );
    }
    assert!(middle.log().is_empty());
    // The proxy may be private itself.
    let client = fetcher(&middle.options("http", "", &origin));
    let request = Request::get(named(&origin, "public.invalid")).with_reach(Reach::PublicOnly);
    assert_eq!(client.fetch(request).await.unwrap().body.len(), 100_000);
}

#[tokio::test]
async fn a_proxy_may_be_spoken_with_over_tls() {
    // To a request for http, a proxy is a server that is asked for whole addresses.
    let proxy = Origin::serve_tls(site()).unwrap();
    let address = named(&proxy, "localhost").to_string();
    let options = TransportOptions {
        proxy: Proxy::new(address.trim_end_matches("/a"), "").unwrap(),
        extra_authorities: vec![proxy.certificate().unwrap().as_bytes().to_vec()],
        ..TransportOptions::default()
    };
    let request = Request::get("http://somewhere.invalid/a".parse().unwrap());
    let fetched = fetcher(&options).fetch(request.clone()).await.unwrap();
    assert_eq!(fetched.body.len(), 100_000);
    assert_eq!(proxy.site().requests().len(), 1);
    let untrusting = TransportOptions {
        extra_authorities: Vec::new(),
        ..options
    };
    let error = fetcher(&untrusting).fetch(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Proxy, "{error:?}");
    assert_eq!(proxy.site().requests().len(), 1);
}

#[tokio::test]
async fn some_hosts_have_another_proxy_or_none() {
    let middle = Middle::start(false).await;
    let origin = Origin::serve(site()).unwrap();
    let through = Proxy::new(&format!("http://{}", middle.address), "").unwrap();
    let client = |proxy: Proxy| {
        fetcher(&TransportOptions {
            proxy,
            ..TransportOptions::default()
        })
    };
    let below = || "*.invalid".parse().unwrap();
    let some = client(Proxy::none().for_hosts(below(), through.clone()));
    let url = named(&origin, "somewhere.invalid");
    some.fetch(Request::get(url.clone())).await.unwrap();
    some.fetch(Request::get(origin.url("/a"))).await.unwrap();
    assert_eq!(middle.log(), [format!("GET {url} HTTP/1.1")]);

    let here = "127.0.0.1".parse().unwrap();
    let others = client(through.for_hosts(here, Proxy::none()));
    others.fetch(Request::get(origin.url("/a"))).await.unwrap();
    others.fetch(Request::get(url)).await.unwrap();
    assert_eq!(middle.log().len(), 2);
}
