//! The local server: what players send, and what attackers would.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Stdio};

use crate::environment::Environment;
use crate::stream::Plain;

/// A running `offline serve`.
pub(crate) struct Serving {
    child: Child,
    pub(crate) url: String,
}

impl Serving {
    pub(crate) fn start(environment: &Environment) -> Self {
        Self::start_with(environment, &[])
    }

    /// With further options. What it says is in the file `said`.
    pub(crate) fn start_with(environment: &Environment, options: &[&str]) -> Self {
        let said = std::fs::File::create(environment.path("said")).unwrap();
        let mut child = environment
            .command()
            .args(["serve", "--json"])
            .args(options)
            .stdout(Stdio::piped())
            .stderr(said)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let first: serde_json::Value = serde_json::from_str(&line).unwrap();
        Self {
            child,
            url: first["url"].as_str().unwrap().to_owned(),
        }
    }

    pub(crate) fn asset(&self, id: &str) -> String {
        format!("{}/assets/{id}/index.m3u8", self.url)
    }

    /// The content type and the bytes at an address.
    pub(crate) fn get(&self, path: &str) -> (Option<String>, Vec<u8>) {
        let answer = self.ask("GET", &format!("{}{path}", self.path()), &[]);
        (
            answer.header("content-type").map(str::to_owned),
            answer.body,
        )
    }

    /// The status and the text of an address.
    pub(crate) fn visit(&self, url: &str) -> (u16, String) {
        let path = url.strip_prefix("http://").unwrap();
        let (host, path) = path.split_once('/').unwrap();
        assert_eq!(host, self.host());
        let answer = self.ask("GET", &format!("/{path}"), &[]);
        (
            answer.status,
            String::from_utf8_lossy(&answer.body).into_owned(),
        )
    }

    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn host(&self) -> &str {
        self.url
            .strip_prefix("http://")
            .unwrap()
            .split('/')
            .next()
            .unwrap()
    }

    pub(crate) fn path(&self) -> String {
        format!(
            "/{}",
            self.url
                .strip_prefix("http://")
                .unwrap()
                .split_once('/')
                .unwrap()
                .1
        )
    }

    /// Sends a request as it is and reads the answer.
    pub(crate) fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(method, path, headers, "")
    }

    /// The same with a body.
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let mut stream = TcpStream::connect(self.host()).unwrap();
        let mut request = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n");
        if !headers.iter().any(|(name, _)| *name == "Host") {
            request.push_str(&format!("Host: {}\r\n", self.host()));
        }
        for (name, value) in headers {
            request.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            request.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        request.push_str("\r\n");
        request.push_str(body);
        stream.write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        let end = bytes
            .windows(4)
            .position(|window| window == b"\r\n\r\n")
            .unwrap();
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            head,
            body: bytes[end + 4..].to_vec(),
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            line.split_once(": ")
                .filter(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
        })
    }
}

fn served() -> (Environment, Plain, Serving, String) {
    let plain = Plain::new(3, 50);
    let environment = Environment::new();
    environment
        .run(["download", &plain.url(), "--id", "a"])
        .fine();
    let serving = Serving::start(&environment);
    let segment = format!("{}/assets/a/media/segment-00000001.ts", serving.path());
    (environment, plain, serving, segment)
}

#[test]
fn playlists_and_segments_are_served() {
    let (_environment, plain, serving, segment) = served();
    let index = serving.ask(
        "GET",
        &format!("{}/assets/a/index.m3u8", serving.path()),
        &[("Range", "bytes=0-")],
    );
    assert!(index.status == 200 || index.status == 206, "{}", index.head);
    assert_eq!(
        index.header("content-type"),
        Some("application/vnd.apple.mpegurl")
    );
    assert_eq!(index.header("cache-control"), Some("no-store"));
    assert!(
        String::from_utf8(index.body)
            .unwrap()
            .contains("media/index.m3u8")
    );
    let media = serving.ask(
        "GET",
        &format!("{}/assets/a/media/index.m3u8", serving.path()),
        &[],
    );
    assert!(
        String::from_utf8(media.body)
            .unwrap()
            .contains("segment-00000001.ts")
    );
    let whole = serving.ask("GET", &segment, &[]);
    assert_eq!(whole.status, 200);
    assert_eq!(whole.body, plain.segments[1]);
    assert_eq!(whole.header("content-type"), Some("video/mp2t"));
    assert_eq!(whole.header("accept-ranges"), Some("bytes"));
    assert_eq!(whole.header("content-length"), Some("9400"));
    assert_eq!(whole.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(whole.header("access-control-allow-origin"), None);
}

#[test]
fn ranges_tags_and_heads() {
    let (_environment, plain, serving, segment) = served();
    let bytes = &plain.segments[1];
    let part = serving.ask("GET", &segment, &[("Range", "bytes=100-299")]);
    assert_eq!(
        (part.status, part.header("content-range")),
        (206, Some("bytes 100-299/9400"))
    );
    assert_eq!(part.body, bytes[100..300]);
    let tail = serving.ask("GET", &segment, &[("Range", "bytes=-10")]);
    assert_eq!(tail.body, bytes[9390..]);
    let beyond = serving.ask("GET", &segment, &[("Range", "bytes=9400-")]);
    assert_eq!(
        (beyond.status, beyond.header("content-range")),
        (416, Some("bytes */9400"))
    );
    let several = serving.ask("GET", &segment, &[("Range", "bytes=0-1,3-4")]);
    assert_eq!((several.status, several.body.len()), (200, 9400));

    let head = serving.ask("HEAD", &segment, &[]);
    assert_eq!(
        (head.status, head.header("content-length"), head.body.len()),
        (200, Some("9400"), 0)
    );
    let tag = head.header("etag").unwrap().to_owned();
    assert_eq!(
        serving
            .ask("GET", &segment, &[("If-None-Match", &tag)])
            .status,
        304
    );
    assert_eq!(
        serving
            .ask("GET", &segment, &[("If-None-Match", "\"other\"")])
            .status,
        200
    );
    assert_eq!(
        serving
            .ask(
                "GET",
                &segment,
                &[("Range", "bytes=0-9"), ("If-Range", &tag)]
            )
            .status,
        206
    );
    assert_eq!(
        serving
            .ask(
                "GET",
                &segment,
                &[("Range", "bytes=0-9"), ("If-Range", "\"other\"")]
            )
            .status,
        200
    );
    // A weak tag does not say that parts fit together, a date says nothing here.
    for validator in [&format!("W/{tag}"), "*", "Sun, 06 Nov 1994 08:49:37 GMT"] {
        let headers = [("Range", "bytes=0-9"), ("If-Range", validator)];
        assert_eq!(serving.ask("GET", &segment, &headers).status, 200);
    }
    for known in [&format!("W/{tag}"), &format!("\"other\", {tag}"), "*"] {
        let headers = [("If-None-Match", known)];
        assert_eq!(serving.ask("GET", &segment, &headers).status, 304);
    }
}

#[test]
fn strangers_get_nothing() {
    let (_environment, _plain, serving, segment) = served();
    let rest = segment.strip_prefix(&serving.path()).unwrap();
    assert_eq!(
        serving
            .ask("GET", &segment, &[("Host", "evil.example")])
            .status,
        421
    );
    assert_eq!(
        serving
            .ask("GET", &segment, &[("Host", "127.0.0.1:1")])
            .status,
        421
    );
    assert_eq!(
        serving
            .ask("GET", &segment, &[("Sec-Fetch-Site", "cross-site")])
            .status,
        403
    );
    assert_eq!(serving.ask("GET", rest, &[]).status, 404);
    assert_eq!(
        serving
            .ask("GET", &format!("/{}{rest}", "0".repeat(32)), &[])
            .status,
        404
    );
    assert_eq!(serving.ask("GET", "/", &[]).status, 404);
    for method in ["POST", "PUT", "DELETE", "OPTIONS"] {
        assert_eq!(serving.ask(method, &segment, &[]).status, 405, "{method}");
    }
    for path in [
        "/assets/a/../../FORMAT",
        "/assets/a/media/../../../FORMAT",
        "/assets/..%2f..%2fetc/index.m3u8",
        "/assets/a/media/%2e%2e/media.m3u8",
        "/assets/a/media/media.m3u8",
        "/assets/a/multivariant.m3u8",
        "/assets/a/media/segment-00000009.ts",
        "/assets/a/media/segment-18446744073709551615.ts",
        "/assets/nobody/index.m3u8",
        "/nothing",
    ] {
        assert_eq!(
            serving
                .ask("GET", &format!("{}{path}", serving.path()), &[])
                .status,
            404,
            "{path}"
        );
    }
}

#[test]
fn of_an_unfinished_asset_is_offered_what_comes_before_the_first_hole() {
    let plain = Plain::new(3, 50);
    plain
        .origin
        .site()
        .always("/segments/1.ts", segment_fetch::testing::Fault::Status(404));
    let environment = Environment::new();
    environment
        .run(["download", &plain.url(), "--id", "a"])
        .refused(4);
    let serving = Serving::start(&environment);
    let get = |name: &str| {
        let answer = serving.ask("GET", &format!("{}/assets/a/{name}", serving.path()), &[]);
        (answer.status, answer.body)
    };
    assert_eq!(get("index.m3u8").0, 200);
    let text = String::from_utf8(get("media/index.m3u8").1).unwrap();
    assert!(
        text.ends_with("#EXTINF:4,\nsegment-00000000.ts\n"),
        "{text}"
    );
    assert!(get("media/segment-00000000.ts") == (200, plain.segments[0].clone()));
    assert_eq!(get("media/segment-00000002.ts").0, 404, "it is not listed");
    let library = serving.ask("GET", &format!("{}/", serving.path()), &[]);
    assert_eq!(library.status, 200);
}

#[test]
fn what_is_being_played_is_not_purged() {
    let (environment, _plain, serving, segment) = served();
    serving.ask("GET", &segment, &[]);
    let purged = environment.run(["purge", "--max-size", "0", "--json"]);
    assert_eq!(purged.code, 1);
    assert_eq!(purged.json()["purged"].as_array().unwrap().len(), 0);
    assert!(
        purged.json()["kept"][0]
            .as_str()
            .unwrap()
            .contains("in use")
    );
    drop(serving);
    let purged = environment
        .run(["purge", "--max-size", "0", "--json"])
        .fine()
        .json();
    assert_eq!(purged["purged"][0]["id"], "a");
}

#[test]
fn playing_is_noted() {
    let (environment, _plain, serving, _segment) = served();
    let played = environment.store().join("assets").join("a");
    let documents = || -> Vec<String> {
        std::fs::read_dir(&played)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
            .collect()
    };
    assert!(!documents().iter().any(|name| name.starts_with("played")));
    serving.ask(
        "GET",
        &format!("{}/assets/a/index.m3u8", serving.path()),
        &[],
    );
    assert!(
        documents().iter().any(|name| name.starts_with("played")),
        "{:?}",
        documents()
    );
}
