//! A file server for one folder on the loopback interface: the origin that goes away.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::run::Result;

/// Serves a folder until stopped.
pub(crate) struct Origin {
    url: String,
    port: u16,
    stopped: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Origin {
    pub(crate) fn start(folder: &Path) -> Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(|error| error.to_string())?;
        let port = listener
            .local_addr()
            .map_err(|error| error.to_string())?
            .port();
        let stopped = Arc::new(AtomicBool::new(false));
        let (flag, folder) = (Arc::clone(&stopped), folder.to_owned());
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if flag.load(Ordering::SeqCst) {
                    return;
                }
                let folder = folder.clone();
                // One answer a connection; a client that hangs up early is no error.
                std::thread::spawn(move || answer(stream, &folder));
            }
        });
        Ok(Self {
            url: format!("http://127.0.0.1:{port}"),
            port,
            stopped,
            thread,
        })
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// Closes the port.
    pub(crate) fn stop(self) {
        self.stopped.store(true, Ordering::SeqCst);
        // Wakes the thread that waits for a connection.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        let _ = self.thread.join();
    }
}

/// A port that nobody listens at, for servers that cannot choose one themselves.
pub(crate) fn free_port() -> Result<u16> {
    TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|error| error.to_string())
}

fn answer(mut stream: TcpStream, folder: &Path) -> Option<()> {
    stream
        .set_read_timeout(Some(Duration::from_secs(10)))
        .ok()?;
    let mut lines = BufReader::new(stream.try_clone().ok()?.take(16 * 1024)).lines();
    let request = lines.next()?.ok()?;
    while lines.next()?.ok()?.trim() != "" {}
    let path = request.split(' ').nth(1)?.split('?').next()?;
    let body = file(folder, path).and_then(|path| fs::read(path).ok());
    let (status, body) = match body {
        Some(body) => ("200 OK", body),
        None => ("404 Not Found", b"not found".to_vec()),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(&body).ok()
}

fn file(folder: &Path, path: &str) -> Option<PathBuf> {
    let plain = path
        .split('/')
        .all(|part| part != ".." && !part.contains('\\'));
    plain.then(|| folder.join(path.trim_start_matches('/')))
}

/// A GET request, answered as text.
pub(crate) fn get(url: &str) -> Result<String> {
    let (host, path) = url
        .strip_prefix("http://")
        .and_then(|rest| rest.split_once('/'))
        .ok_or("not an http address")?;
    let mut stream = TcpStream::connect(host).map_err(|error| format!("{host}: {error}"))?;
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let mut answer = String::new();
    stream
        .write_all(request.as_bytes())
        .and_then(|()| stream.read_to_string(&mut answer))
        .map_err(|error| format!("{host}: {error}"))?;
    Ok(answer)
}
