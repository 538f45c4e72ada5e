//! An origin that answers for segments only as far as it is let.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

/// The origin, served from threads of its own.
pub(crate) struct GatedOrigin {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    files: HashMap<String, Vec<u8>>,
    gate: Mutex<Gate>,
    moved: Condvar,
    stop: AtomicBool,
}

#[derive(Default)]
struct Gate {
    /// How many requests for segments may be answered, the first ones first.
    answered: usize,
    /// Segments with a number below it in their names are answered, too.
    level: usize,
    /// The segments that were asked for, in order.
    asked: Vec<String>,
}

/// Playlists, keys and initialization sections are always answered.
fn is_segment(path: &str) -> bool {
    [".ts", ".m4s", ".vtt"]
        .iter()
        .any(|ending| path.ends_with(ending))
}

/// The number in the name of a file.
fn number(path: &str) -> usize {
    let name = path.rsplit('/').next().unwrap().split('.').next().unwrap();
    let digits: String = name.chars().filter(char::is_ascii_digit).collect();
    digits.parse().unwrap()
}

impl GatedOrigin {
    pub(crate) fn new(files: HashMap<String, Vec<u8>>) -> Self {
        let shared = Arc::new(Shared {
            files,
            ..Shared::default()
        });
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let served = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if served.stop.load(Ordering::Relaxed) {
                    break;
                }
                let shared = Arc::clone(&served);
                std::thread::spawn(move || answer(&stream.unwrap(), &shared));
            }
        });
        Self {
            address,
            shared,
            thread: Some(thread),
        }
    }

    /// All files of a folder.
    pub(crate) fn directory(root: &Path) -> Self {
        fn add(files: &mut HashMap<String, Vec<u8>>, folder: &Path, prefix: &str) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = format!("{prefix}/{}", path.file_name().unwrap().to_str().unwrap());
                if path.is_dir() {
                    add(files, &path, &name);
                } else {
                    files.insert(name, std::fs::read(&path).unwrap());
                }
            }
        }
        let mut files = HashMap::new();
        add(&mut files, root, "");
        Self::new(files)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Lets so many more segments through.
    pub(crate) fn let_through(&self, count: usize) {
        self.shared.gate.lock().unwrap().answered += count;
        self.shared.moved.notify_all();
    }

    /// Lets the next segment of everything through.
    pub(crate) fn next(&self) {
        self.shared.gate.lock().unwrap().level += 1;
        self.shared.moved.notify_all();
    }

    /// The segments that were asked for, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.shared.gate.lock().unwrap().asked.clone()
    }
}

impl Drop for GatedOrigin {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        // Wakes the thread.
        let _ = TcpStream::connect(self.address);
        let _ = self.thread.take().unwrap().join();
    }
}

/// Answers one request; whoever asked may be gone.
fn answer(mut stream: &TcpStream, shared: &Shared) {
    let mut lines = BufReader::new(stream.take(64 << 10)).lines();
    let Some(Ok(first)) = lines.next() else {
        return;
    };
    lines
        .map_while(Result::ok)
        .take_while(|line| !line.is_empty())
        .for_each(drop);
    let path = first.split(' ').nth(1).unwrap_or("/").to_owned();
    if is_segment(&path) {
        let mut gate = shared.gate.lock().unwrap();
        let turn = gate.asked.len();
        gate.asked.push(path.clone());
        while gate.answered <= turn
            && gate.level <= number(&path)
            && !shared.stop.load(Ordering::Relaxed)
        {
            let wait = Duration::from_millis(100);
            gate = shared.moved.wait_timeout(gate, wait).unwrap().0;
        }
    }
    let found = shared.files.get(&path);
    let status = if found.is_some() { 200 } else { 404 };
    let body = found.map_or(&b"gone"[..], Vec::as_slice);
    let head = format!(
        "HTTP/1.1 {status} .\r\nContent-Length: {}\r\nETag: \"1\"\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all(head.as_bytes());
    let _ = stream.write_all(body);
}
