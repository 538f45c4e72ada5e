//! What programs do to the local server that are no players, and what it costs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};

use flate2::read::GzDecoder;
use serde_json::json;

use crate::environment::Environment;
use crate::serve::{Answer, Serving};
use crate::stream::Plain;

fn served(options: &[&str], segments: usize, packets: usize) -> (Environment, Plain, Serving) {
    let plain = Plain::new(segments, packets);
    let environment = Environment::new();
    environment
        .run(["download", &plain.url(), "--id", "a"])
        .fine();
    let serving = Serving::start_with(&environment, options);
    (environment, plain, serving)
}

fn said(environment: &Environment) -> String {
    std::fs::read_to_string(environment.path("said")).unwrap()
}

/// An address of this machine that others can reach, if it has one. Nothing is sent.
fn outward() -> Option<SocketAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().ok()?;
    (!address.ip().is_loopback() && !address.ip().is_unspecified()).then_some(address)
}

/// The status of a request that is sent as it is.
fn raw(host: &str, request: &[u8]) -> Option<u16> {
    let mut stream = TcpStream::connect(host).unwrap();
    // It may be refused before all of it is sent.
    let _ = stream.write_all(request);
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes);
    let text = String::from_utf8_lossy(&bytes).into_owned();
    text.split(' ').nth(1)?.parse().ok()
}

#[test]
fn on_loopback_it_is_not_reached_from_outside() {
    let (environment, _plain, serving) = served(&[], 1, 1);
    assert!(serving.url.starts_with("http://127.0.0.1:"));
    assert_eq!(said(&environment), "");
    if let Some(mut outward) = outward() {
        let port = serving.host().rsplit(':').next().unwrap();
        outward.set_port(port.parse().unwrap());
        assert!(TcpStream::connect(outward).is_err());
    }
}

#[test]
fn beyond_loopback_it_warns_and_answers_no_other_name() {
    let (environment, _plain, serving) =
        served(&["--bind", "0.0.0.0", "--host", "films.lan"], 1, 1);
    let said = said(&environment);
    assert!(said.starts_with("warning: listening on 0.0.0.0:"), "{said}");
    let port = serving.host().rsplit(':').next().unwrap();
    let index = format!("{}/assets/a/index.m3u8", serving.path());
    let status = |host: &str| {
        let host = format!("{host}:{port}");
        serving.ask("GET", &index, &[("Host", &host)]).status
    };
    for host in ["127.0.0.1", "localhost", "films.lan", "FILMS.LAN"] {
        assert_eq!(status(host), 200, "{host}");
    }
    for host in [
        "0.0.0.0",
        "evil.example",
        "films.lan.evil.example",
        "192.0.2.1",
        "[::1]",
    ] {
        assert_eq!(status(host), 421, "{host}");
    }
    if let Some(mut outward) = outward() {
        outward.set_port(port.parse().unwrap());
        let ask = |host: &str| {
            let request =
                format!("GET {index} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
            raw(&outward.to_string(), request.as_bytes())
        };
        assert_eq!(ask(&outward.to_string()), Some(200));
        assert_eq!(ask(&format!("127.0.0.1:{port}")), Some(421));
        assert_eq!(ask(&format!("localhost:{port}")), Some(421));
    }
    // A page under the allowed name is the server's own, a page of another name is not, whatever the request calls the server.
    let position = format!("{}/api/assets/a/position", serving.path());
    let host = format!("films.lan:{port}");
    for (origin, status) in [
        (format!("http://{host}"), 200),
        (format!("http://127.0.0.1:{port}"), 403),
        ("http://evil.example".to_owned(), 403),
    ] {
        let headers = [
            ("Host", host.as_str()),
            ("Origin", &origin),
            ("Content-Type", "application/json"),
        ];
        let body = json!({ "seconds": 1 }).to_string();
        let answer = serving.send("POST", &position, &headers, &body);
        assert_eq!(answer.status, status, "{origin}");
    }
    drop(serving);
    environment.run(["serve", "--bind", "192.0.2.1"]).refused(2);
    environment.run(["serve", "--bind", "films.lan"]).code_is(2);
}

#[test]
fn requests_out_of_shape_are_refused() {
    let (environment, _plain, serving) = served(&[], 1, 1);
    let (host, path) = (serving.host().to_owned(), serving.path());
    let ok = format!("Host: {host}\r\nConnection: close\r\n\r\n");
    let long = "x".repeat(40_000);
    let many = "X-Many: 1\r\n".repeat(500);
    let attacks = [
        (200, format!("GET {path}/ HTTP/1.1\r\n{ok}")),
        (200, format!("GET http://{host}{path}/ HTTP/1.1\r\n{ok}")),
        (
            421,
            format!("GET http://evil.example{path}/ HTTP/1.1\r\n{ok}"),
        ),
        (421, format!("GET {path}/ HTTP/1.1\r\nHost: {host}\r\n{ok}")),
        (
            421,
            format!("GET {path}/ HTTP/1.1\r\nHost: evil.example\r\n{ok}"),
        ),
        (
            421,
            format!("GET {path}/ HTTP/1.1\r\nConnection: close\r\n\r\n"),
        ),
        (421, format!("GET {path}/ HTTP/1.0\r\n\r\n")),
        (405, format!("TRACE {path}/ HTTP/1.1\r\n{ok}")),
        (404, format!("CONNECT {host} HTTP/1.1\r\n{ok}")),
        (
            404,
            format!("GET {path}/assets/a/..%00/index.m3u8 HTTP/1.1\r\n{ok}"),
        ),
        (
            404,
            format!(
                "GET {path}/assets/{}/index.m3u8 HTTP/1.1\r\n{ok}",
                "a".repeat(4000)
            ),
        ),
        (404, format!("GET {path}//etc/passwd HTTP/1.1\r\n{ok}")),
        (
            431,
            format!("GET {path}/ HTTP/1.1\r\nX-Long: {long}\r\n{ok}"),
        ),
        (431, format!("GET {path}/ HTTP/1.1\r\n{many}{ok}")),
        (400, format!("GET {path}/ HTTP/1.1\r\nBad Name: x\r\n{ok}")),
        (400, "\u{16}\u{3}\u{1} this is no HTTP\r\n\r\n".to_owned()),
    ];
    for (status, request) in attacks {
        let answered = raw(&host, request.as_bytes());
        let shown: String = request.chars().take(120).collect();
        // What is too long may end in a reset before the answer is read.
        let is_refused = answered == Some(status) || status == 431 && answered.is_none();
        assert!(is_refused, "{answered:?}, not {status}: {shown}");
    }
    assert_eq!(said(&environment), "");
}

#[test]
fn many_who_never_finish_keep_no_player_out() {
    let (environment, plain, serving) = served(&[], 2, 50);
    let mut hanging = Vec::new();
    for _ in 0..700 {
        let mut stream = TcpStream::connect(serving.host()).unwrap();
        let _ = stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n");
        hanging.push(stream);
    }
    let (_, bytes) = serving.get("/assets/a/media/segment-00000001.ts");
    assert!(bytes == plain.segments[1]);
    drop(hanging);
    assert_eq!(said(&environment), "");
}

#[test]
fn who_hangs_up_is_no_news() {
    let (environment, plain, serving) = served(&[], 1, 20_000);
    let path = format!("{}/assets/a/media/segment-00000000.ts", serving.path());
    for read in [0, 1, 100_000] {
        let mut stream = TcpStream::connect(serving.host()).unwrap();
        let host = serving.host();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n");
        stream.write_all(request.as_bytes()).unwrap();
        stream.read_exact(&mut vec![0; read]).unwrap();
    }
    let (_, bytes) = serving.get("/assets/a/media/segment-00000000.ts");
    assert!(bytes == plain.segments[0]);
    assert_eq!(said(&environment), "");
}

#[cfg(target_os = "linux")]
#[test]
fn idle_connections_cost_little() {
    let (_environment, _plain, serving) = served(&[], 1, 50);
    let resident = || -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", serving.process()));
        let status = status.unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        line.unwrap()
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .unwrap()
    };
    let request = format!(
        "HEAD {}/assets/a/index.m3u8 HTTP/1.1\r\nHost: {}\r\n\r\n",
        serving.path(),
        serving.host()
    );
    let ask = |stream: &mut TcpStream| {
        stream.write_all(request.as_bytes()).unwrap();
        let mut start = [0; 12];
        stream.read_exact(&mut start).unwrap();
        assert_eq!(&start, b"HTTP/1.1 200");
        let mut rest = [0; 4096];
        assert!(stream.read(&mut rest).unwrap() > 0);
    };
    ask(&mut TcpStream::connect(serving.host()).unwrap());
    let before = resident();
    let mut idle: Vec<TcpStream> = (0..200)
        .map(|_| TcpStream::connect(serving.host()).unwrap())
        .collect();
    idle.iter_mut().for_each(ask);
    let grown = resident().saturating_sub(before);
    assert!(grown < 20_000, "200 connections take {grown} kB");
    idle.iter_mut().for_each(ask);
}

/// The text of an answer that is compressed.
fn unpacked(answer: &Answer) -> String {
    assert_eq!(
        answer.header("content-encoding"),
        Some("gzip"),
        "{}",
        answer.head
    );
    let length = answer.header("content-length").unwrap();
    assert_eq!(length, answer.body.len().to_string());
    let mut text = String::new();
    let mut decoder = GzDecoder::new(answer.body.as_slice());
    decoder.read_to_string(&mut text).unwrap();
    text
}

#[test]
fn text_is_compressed_for_who_takes_it_and_media_never() {
    let (_environment, plain, serving) = served(&[], 100, 8);
    let ask = |path: &str, headers: &[(&str, &str)]| {
        serving.ask("GET", &format!("{}{path}", serving.path()), headers)
    };
    let gzip = ("Accept-Encoding", "br, gzip;q=0.8");
    for path in [
        "/assets/a/media/index.m3u8",
        "/api/assets/a",
        "/",
        "/page/player.js",
    ] {
        let plain = ask(path, &[]);
        assert_eq!(plain.header("content-encoding"), None, "{path}");
        assert_eq!(plain.header("vary"), Some("accept-encoding"), "{path}");
        let packed = ask(path, &[gzip]);
        assert_eq!(packed.header("vary"), Some("accept-encoding"), "{path}");
        assert!(packed.body.len() < plain.body.len(), "{path}");
        assert_eq!(unpacked(&packed).as_bytes(), plain.body, "{path}");
        assert_eq!(packed.header("content-type"), plain.header("content-type"));
        let refused = ask(path, &[("Accept-Encoding", "gzip;q=0, *")]);
        assert_eq!(refused.header("content-encoding"), None, "{path}");
        let ranged = ask(path, &[gzip, ("Range", "bytes=0-")]);
        assert_eq!(ranged.header("content-encoding"), None, "{path}");
        // Other bytes have another tag, which is known again.
        let (strong, weak) = (plain.header("etag"), packed.header("etag"));
        assert_eq!(strong.map(|tag| format!("W/{tag}")).as_deref(), weak);
        if let Some(weak) = weak {
            let again = ask(path, &[gzip, ("If-None-Match", weak)]);
            assert_eq!((again.status, again.body.len()), (304, 0));
        }
        let head = serving.ask("HEAD", &format!("{}{path}", serving.path()), &[gzip]);
        assert_eq!(
            head.header("content-length"),
            packed.header("content-length")
        );
        assert!(head.body.is_empty());
    }
    // What is stored compressed is unpacked for who does not take it.
    let packed = ask("/page/hls.mjs", &[gzip]);
    let clear = ask("/page/hls.mjs", &[]);
    assert_eq!(clear.header("content-encoding"), None);
    assert_eq!(unpacked(&packed).as_bytes(), clear.body);
    let segment = ask("/assets/a/media/segment-00000000.ts", &[gzip]);
    assert_eq!(segment.header("content-encoding"), None);
    assert_eq!(segment.header("vary"), None);
    assert!(segment.body == plain.segments[0]);
}
