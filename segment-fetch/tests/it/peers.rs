//! Real servers: nginx, Caddy and Python's `http.server`, where they are installed.
//!
//! Without them a test says so and does nothing, unless `OFFLINE_TEST_STRICT` is set.

#![expect(clippy::print_stderr, reason = "a test that cannot run has to say so")]

use std::fmt::Write as _;
use std::fs;
use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{StreamExt, stream};
use http::Version;
use segment_fetch::{
    Concurrency, End, Event, FetchOptions, Fetcher, Job, MemorySink, Position, Request, Sink,
    Start, Transport, TransportOptions, Url, https,
};
use tempfile::TempDir;
use tokio::sync::Notify;

use crate::content;

const LENGTH: usize = 3_000_000;
const FILES: usize = 60;

/// A server of files in `www`, until dropped.
struct Peer {
    child: Child,
    command: Command,
    folder: TempDir,
    bases: Vec<Url>,
    authorities: Vec<Vec<u8>>,
}

impl Peer {
    /// Starts a server that listens on these ports, when it is installed.
    fn start(program: &str, folder: TempDir, bases: &[&str], arguments: &[&str]) -> Option<Peer> {
        let www = folder.path().join("www");
        fs::create_dir_all(&www).unwrap();
        fs::write(www.join("large.ts"), content(LENGTH)).unwrap();
        for index in 0..FILES {
            fs::write(www.join(format!("{index}.ts")), content(100_000 + index)).unwrap();
        }
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("HOME", folder.path())
            .env("XDG_DATA_HOME", folder.path())
            .env("XDG_CONFIG_HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let child = match command.spawn() {
            Ok(child) => child,
            Err(error) => {
                let why = format!("{program} cannot be started: {error}");
                assert!(std::env::var_os("OFFLINE_TEST_STRICT").is_none(), "{why}");
                eprintln!("skipped: {why}");
                return None;
            }
        };
        let bases = bases.iter().map(|base| Url::parse(base).unwrap()).collect();
        let peer = Peer {
            child,
            command,
            folder,
            bases,
            authorities: Vec::new(),
        };
        peer.wait();
        Some(peer)
    }

    /// Until it listens.
    fn wait(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        for base in &self.bases {
            let address = SocketAddr::from((Ipv4Addr::LOCALHOST, base.port().unwrap()));
            while TcpStream::connect(address).is_err() {
                assert!(Instant::now() < deadline, "{base} does not listen");
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    fn restart(&mut self) {
        self.child = self.command.spawn().unwrap();
        self.wait();
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join("www").join(name)
    }

    fn fetcher(&self) -> Fetcher<Transport> {
        let transport = https(&TransportOptions {
            extra_authorities: self.authorities.clone(),
            ..TransportOptions::default()
        });
        let options = FetchOptions {
            concurrency: Concurrency::fixed(16),
            ..FetchOptions::default()
        };
        Fetcher::with_service(transport.unwrap(), options)
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Outside of the range from which the system gives ports to the other tests.
fn free_port() -> u16 {
    loop {
        let port = fastrand::u16(20_000..32_000);
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn nginx() -> Option<Peer> {
    let folder = tempfile::tempdir().unwrap();
    let (plain, secure) = (free_port(), free_port());
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::write(at("certificate.pem"), certified.cert.pem()).unwrap();
    fs::write(at("key.pem"), certified.signing_key.serialize_pem()).unwrap();
    let root = text(folder.path());
    let mut paths = String::new();
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        write!(paths, "{kind}_temp_path {root}/{kind}; ").unwrap();
    }
    let configuration = format!(
        "daemon off; master_process off; pid {root}/pid; error_log {root}/error.log;
        events {{ worker_connections 512; }}
        http {{
            access_log off; {paths}
            root {root}/www;
            server {{ listen 127.0.0.1:{plain}; }}
            server {{
                listen 127.0.0.1:{secure} ssl http2;
                ssl_certificate {root}/certificate.pem; ssl_certificate_key {root}/key.pem;
            }}
        }}"
    );
    fs::write(at("nginx.conf"), configuration).unwrap();
    let (configuration, errors) = (at("nginx.conf"), at("error.log"));
    let bases = [
        format!("http://127.0.0.1:{plain}/"),
        format!("https://localhost:{secure}/"),
    ];
    let arguments = ["-c", text(&configuration), "-e", text(&errors)];
    let mut peer = Peer::start("nginx", folder, &[&bases[0], &bases[1]], &arguments)?;
    peer.authorities = vec![certified.cert.pem().into_bytes()];
    Some(peer)
}

fn caddy() -> Option<Peer> {
    let folder = tempfile::tempdir().unwrap();
    let (plain, secure) = (free_port(), free_port());
    let root = text(folder.path());
    let configuration = format!(
        "{{
            admin off
            auto_https disable_redirects
            skip_install_trust
            default_bind 127.0.0.1
        }}
        http://127.0.0.1:{plain} {{
            root * {root}/www
            file_server
        }}
        https://localhost:{secure} {{
            tls internal
            root * {root}/www
            file_server
        }}"
    );
    let path = folder.path().join("Caddyfile");
    fs::write(&path, configuration).unwrap();
    let authority = folder.path().join("caddy/pki/authorities/local/root.crt");
    let bases = [
        format!("http://127.0.0.1:{plain}/"),
        format!("https://localhost:{secure}/"),
    ];
    let arguments = ["run", "--adapter", "caddyfile", "--config", text(&path)];
    let mut peer = Peer::start("caddy", folder, &[&bases[0], &bases[1]], &arguments)?;
    peer.authorities = vec![fs::read(authority).unwrap()];
    Some(peer)
}

fn python() -> Option<Peer> {
    let folder = tempfile::tempdir().unwrap();
    let www = folder.path().join("www");
    let port = free_port().to_string();
    let base = format!("http://127.0.0.1:{port}/");
    let arguments = [
        "-m",
        "http.server",
        &port,
        "--bind",
        "127.0.0.1",
        "--directory",
        text(&www),
    ];
    // It has to be there before it is served.
    fs::create_dir(&www).unwrap();
    Peer::start("python3", folder, &[&base], &arguments)
}

/// A sink that takes so much, says so, and then waits for ever.
struct Halting {
    inner: MemorySink,
    most: usize,
    is_halted: Arc<Notify>,
}

impl Sink for Halting {
    fn position(&self) -> Position {
        self.inner.position()
    }

    async fn begin(&mut self, start: &Start) -> io::Result<()> {
        self.inner.begin(start).await
    }

    async fn append(&mut self, chunk: Bytes) -> io::Result<()> {
        if self.inner.bytes().len() >= self.most {
            self.is_halted.notify_one();
            return pending().await;
        }
        self.inner.append(chunk).await
    }

    async fn finish(&mut self, end: &End) -> io::Result<()> {
        self.inner.finish(end).await
    }
}

/// A fetch that was stopped in the middle.
async fn stopped(client: &Fetcher<Transport>, request: &Request) -> MemorySink {
    let is_halted = Arc::new(Notify::new());
    let mut sink = Halting {
        inner: MemorySink::new(),
        most: LENGTH / 10,
        is_halted: Arc::clone(&is_halted),
    };
    tokio::select! {
        result = client.fetch_into(request, &mut sink) => panic!("{result:?}"),
        () = is_halted.notified() => {}
    }
    let held = sink.inner.bytes().len();
    assert!((LENGTH / 10..LENGTH).contains(&held), "{held}");
    sink.inner
}

/// What every server has to be good for, and whether a stopped fetch is continued.
async fn exercise(peer: &Peer, base: &Url, version: Version, resumes: bool) {
    let (client, expected) = (peer.fetcher(), content(LENGTH));
    let large = Request::get(base.join("large.ts").unwrap());
    let whole = client.fetch(large.clone()).await.unwrap();
    assert!(whole.body == expected, "{base}");
    let metrics = &whole.report.metrics[0];
    assert_eq!(metrics.protocol, Some(version), "{base}");
    assert_eq!(
        metrics.secure_connection.is_some(),
        base.scheme() == "https"
    );
    for range in [0..1, 1_000..5_000, 2_999_999..3_000_000] {
        let (start, end) = (range.start, range.end);
        let part = client
            .fetch(large.clone().with_range(start as u64..end as u64))
            .await
            .unwrap();
        assert_eq!(part.body, expected[range], "{base}");
    }
    let jobs = (0..FILES).map(|index| {
        let request = Request::get(base.join(&format!("{index}.ts")).unwrap());
        Job::new(index, request, MemorySink::new())
    });
    let mut finished = 0;
    let mut events = client.fetch_all(stream::iter(jobs.collect::<Vec<_>>()));
    while let Some(event) = events.next().await {
        match event {
            Event::Finished { tag, sink, .. } => {
                assert!(sink.bytes() == content(100_000 + tag), "{base}{tag}.ts");
                finished += 1;
            }
            Event::Failed { error, .. } => panic!("{error:?}"),
            _ => {}
        }
    }
    assert_eq!(finished, FILES);

    let mut sink = stopped(&client, &large).await;
    let held = sink.bytes().len() as u64;
    let report = peer.fetcher().fetch_into(&large, &mut sink).await.unwrap();
    assert!(sink.bytes() == expected, "{base}");
    let kept = if resumes { held } else { 0 };
    assert_eq!(report.resumed_at, kept, "{base}");
    assert_eq!(report.bytes, LENGTH as u64 - kept, "{base}");
}

/// A file that changed after a fetch of it was stopped is fetched anew.
async fn change(peer: &Peer, base: &Url) {
    let client = peer.fetcher();
    let request = Request::get(base.join("changing.ts").unwrap());
    fs::write(peer.file("changing.ts"), content(LENGTH)).unwrap();
    let mut sink = stopped(&client, &request).await;
    let new: Vec<u8> = content(LENGTH + 1).into_iter().rev().collect();
    fs::write(peer.file("changing.ts"), &new).unwrap();
    let report = client.fetch_into(&request, &mut sink).await.unwrap();
    assert!(sink.bytes() == new, "{base}");
    assert_eq!(report.resumed_at, 0, "{base}");
}

#[tokio::test]
async fn nginx_over_http_1_and_http_2() {
    let Some(peer) = nginx() else { return };
    exercise(&peer, &peer.bases[0], Version::HTTP_11, true).await;
    exercise(&peer, &peer.bases[1], Version::HTTP_2, true).await;
    change(&peer, &peer.bases[0]).await;
    change(&peer, &peer.bases[1]).await;
}

#[tokio::test]
async fn nginx_that_dies_in_the_middle_and_comes_back() {
    let Some(mut peer) = nginx() else { return };
    let client = peer.fetcher();
    let request = Request::get(peer.bases[0].join("large.ts").unwrap());
    let mut sink = stopped(&client, &request).await;
    let held = sink.bytes().len() as u64;
    peer.kill();
    let fetch = client.fetch_into(&request, &mut sink);
    let back = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        peer.restart();
    };
    let (report, ()) = futures::join!(fetch, back);
    let report = report.unwrap();
    assert!(sink.bytes() == content(LENGTH));
    assert_eq!(report.resumed_at, held);
    assert!(report.retries > 0);
}

#[tokio::test]
async fn caddy_over_http_1_and_http_2_with_its_own_authority() {
    let Some(peer) = caddy() else { return };
    exercise(&peer, &peer.bases[0], Version::HTTP_11, true).await;
    exercise(&peer, &peer.bases[1], Version::HTTP_2, true).await;
    change(&peer, &peer.bases[1]).await;
}

#[tokio::test]
async fn python_without_ranges() {
    let Some(peer) = python() else { return };
    exercise(&peer, &peer.bases[0], Version::HTTP_10, false).await;
    change(&peer, &peer.bases[0]).await;
}
