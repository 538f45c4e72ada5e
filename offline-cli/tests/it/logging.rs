//! What is logged at which level and where, and that no secret is: not in the file, not on standard error, not in
//! events, not in errors.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Stdio;

use http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use segment_fetch::testing::{Fault, Origin, Resource, Site};

use crate::environment::{Environment, Said, said};
use crate::stream::{Plain, encrypt, transport_stream};

/// A stream whose second segment has to be asked for twice.
fn troubled() -> Plain {
    let plain = Plain::new(3, 20);
    plain
        .origin
        .site()
        .script("/segments/1.ts", [Fault::Status(503)]);
    plain
}

fn download(environment: &Environment, plain: &Plain, options: &[&str]) -> Said {
    let url = plain.url();
    let download = ["download", url.as_str(), "--id", "film"];
    environment.run([&download[..], options].concat()).fine()
}

#[track_caller]
fn has(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "`{word}` is not in: {text}");
    }
}

#[track_caller]
fn lacks(text: &str, words: &[&str]) {
    for word in words {
        if let Some(place) = text.find(word) {
            let around = place.saturating_sub(200)..text.len().min(place + 100);
            let around = String::from_utf8_lossy(&text.as_bytes()[around]).into_owned();
            panic!("`{word}` is in: {around}");
        }
    }
}

#[test]
fn each_v_says_more() {
    let said = |options: &[&str]| {
        let environment = Environment::new();
        download(&environment, &troubled(), options).stderr
    };
    let levels = [" WARN ", " INFO ", "DEBUG ", "TRACE "];
    lacks(&said(&[]), &levels);
    lacks(&said(&["--quiet"]), &levels);
    let one = said(&["-v"]);
    has(&one, &[" INFO offline_cli::session", "trying again"]);
    lacks(&one, &["DEBUG ", "TRACE "]);
    let two = said(&["-vv"]);
    has(
        &two,
        &[
            "DEBUG segment_fetch::run: retrying",
            "DEBUG segment_fetch::run: fetched",
            "status=200",
            "DEBUG asset_store::commit: committed",
            "DEBUG asset_store::writer: sealed",
        ],
    );
    lacks(&two, &["TRACE "]);
    has(&said(&["-vvv"]), &["TRACE "]);
    // No terminal, no colours.
    lacks(&two, &["\u{1b}["]);
}

#[test]
fn a_file_has_what_happened() {
    let environment = Environment::new();
    let log = environment.path("offline.log");
    let read = || std::fs::read_to_string(&log).unwrap();
    let shown = download(&environment, &troubled(), &["--log-file", "offline.log"]).stderr;
    lacks(&shown, &["DEBUG "]);
    let first = read();
    has(
        &first,
        &["DEBUG segment_fetch::run: retrying", "committed", "sealed"],
    );
    lacks(&first, &["\u{1b}[", "TRACE "]);
    // With times, and to the end.
    for line in first.lines() {
        assert!(line.starts_with("20") && line.contains("Z "), "{line}");
    }
    assert!(first.trim_end().ends_with("ended code=0"), "{first}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&log).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // More goes behind it, errors too.
    let remove = ["remove", "film", "--log-file", "offline.log"];
    environment.run(remove).fine();
    environment.run(remove).refused(2);
    let second = read();
    let more = second.strip_prefix(&first).unwrap();
    has(more, &["INFO asset_store::sweep: removed asset=film"]);
    assert!(more.trim_end().ends_with("ended code=2"), "{more}");
    has(more, &["no asset `film`"]);
    let unwritable = ["list", "--log-file", "nowhere/offline.log"];
    let said = environment.run(unwritable).refused(5);
    has(&said.stderr, &["cannot write the log nowhere/offline.log"]);
}

#[test]
fn the_environment_has_a_filter() {
    let run = |filter: &str| {
        let environment = Environment::new();
        let plain = troubled();
        let mut command = environment.command();
        command.env("OFFLINE_LOG", filter);
        command.args(["download", &plain.url(), "--log-file", "offline.log"]);
        let said = said(&command.output().unwrap());
        let log = std::fs::read_to_string(environment.path("offline.log"));
        (said, log.unwrap_or_default())
    };
    let (said, log) = run("asset_store=debug");
    for text in [&said.stderr, &log] {
        has(text, &["DEBUG asset_store"]);
        lacks(text, &["segment_fetch"]);
    }
    let (_, log) = run("off");
    assert_eq!(log, "");
    let (said, _) = run("segment_fetch=loud");
    assert_eq!(said.code, 2, "{}", said.stderr);
    has(&said.stderr, &["OFFLINE_LOG", "hint: "]);
}

/// An encrypted stream with a secret in every address, and trouble of many kinds.
fn secretive() -> Site {
    let site = Site::new();
    let key = [7; 16];
    let mut cookie = HeaderMap::new();
    cookie.insert(
        SET_COOKIE,
        HeaderValue::from_static("session=SECRET-set; Path=/"),
    );
    let mut text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-PLAYLIST-TYPE:VOD\n\
                    #EXT-X-KEY:METHOD=AES-128,URI=\"key?token=SECRET-key\",IV=0x01010101010101010101010101010101\n"
        .to_owned();
    for index in 0..4 {
        let bytes = encrypt(&transport_stream(index + 1, 20), key, [1; 16]);
        site.route(&format!("/{index}.ts"), Resource::new(bytes));
        text += &format!("#EXTINF:4,\n{index}.ts?Signature=SECRET-segment{index}\n");
    }
    site.route("/key", Resource::new(key.to_vec()));
    site.route(
        "/moved.ts",
        Resource::new(encrypt(&transport_stream(2, 20), key, [1; 16])),
    );
    text += "#EXT-X-ENDLIST\n";
    let playlist = Resource::new(text);
    site.route(
        "/film.m3u8",
        Resource {
            headers: cookie,
            ..playlist
        },
    );
    site.script("/0.ts", [Fault::Status(503), Fault::Cut(100)]);
    let location = "/moved.ts?token=SECRET-target".to_owned();
    site.always(
        "/1.ts",
        Fault::Redirect {
            status: 302,
            location,
        },
    );
    site.always("/3.ts", Fault::Status(403));
    site
}

/// Downloads with a secret in every place; everything that was shown and logged.
fn tell_everything(origin: &Origin, environment: &Environment, options: &[&str]) -> String {
    let cookies = "127.0.0.1\tFALSE\t/\tFALSE\t0\tfile\tSECRET-file\n";
    std::fs::write(environment.path("cookies.txt"), cookies).unwrap();
    let mut url = origin.url("/film.m3u8?Signature=SECRET-signature&e=1#SECRET-fragment");
    url.set_username("SECRET-name").unwrap();
    url.set_password(Some("SECRET-password")).unwrap();
    let mut shown = String::new();
    for (more, code) in [(&[][..], 4), (&["--allow-gaps"], 1), (&["--json"], 4)] {
        let mut command = environment.command();
        if let Some(authority) = origin.certificate() {
            let path = environment.path("authority.pem");
            std::fs::write(&path, authority).unwrap();
            command.env("SSL_CERT_FILE", path);
        }
        command.args([
            "download",
            url.as_str(),
            "--id",
            "film",
            "-vvv",
            "--log-file",
            "offline.log",
        ]);
        command.args([
            "--header",
            "X-Key: SECRET-header",
            "--cookies",
            "cookies.txt",
        ]);
        command.args(["--header", "Cookie: mine=SECRET-mine"]);
        command.args(options).args(more);
        let said = said(&command.output().unwrap());
        shown += &said.stdout;
        shown += &said.stderr;
        assert!(
            options.contains(&"--proxy") || said.code == code,
            "{}",
            said.stderr
        );
    }
    shown + &std::fs::read_to_string(environment.path("offline.log")).unwrap()
}

#[test]
fn no_secret_is_logged_or_shown() {
    for origin in [
        Origin::serve(secretive()).unwrap(),
        Origin::serve_tls(secretive()).unwrap(),
    ] {
        let environment = Environment::new();
        let authorization = ["--header", "Authorization: Bearer SECRET-bearer"];
        let all = tell_everything(&origin, &environment, &authorization);
        has(
            &all,
            &[
                "retrying",
                "redirected",
                "fetched",
                "committed",
                "TRACE",
                "gap",
            ],
        );
        lacks(&all, &["SECRET"]);
        // They were sent all the same.
        let sent = origin.site().requests();
        let of = |path: &str| sent.iter().find(|request| request.path == path).unwrap();
        assert_eq!(
            of("/1.ts").query.as_deref(),
            Some("Signature=SECRET-segment1")
        );
        assert_eq!(
            of("/moved.ts").query.as_deref(),
            Some("token=SECRET-target")
        );
        let cookie = of("/0.ts").headers[COOKIE].to_str().unwrap();
        has(cookie, &["SECRET-mine", "SECRET-file", "SECRET-set"]);
        assert_eq!(of("/key").headers["authorization"], "Bearer SECRET-bearer");
    }
}

#[test]
fn no_secret_of_a_proxy_or_of_an_address_is_logged_or_shown() {
    let origin = Origin::serve(secretive()).unwrap();
    let environment = Environment::new();
    // A port on which nobody listens.
    let closed = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let proxy = format!("http://SECRET-user:SECRET-word@{closed}");
    let all = tell_everything(&origin, &environment, &["--proxy", &proxy]);
    has(&all, &["retrying", "proxy"]);
    lacks(&all, &["SECRET"]);
}

fn ask(address: &str, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn the_token_of_the_server_is_not_logged() {
    let environment = Environment::new();
    download(&environment, &troubled(), &[]);
    let arguments = ["serve", "--json", "-vvv", "--log-file", "offline.log"];
    let mut command = environment.command();
    command
        .args(arguments)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut serving = command.spawn().unwrap();
    let mut line = String::new();
    let mut stdout = std::io::BufReader::new(serving.stdout.take().unwrap());
    std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
    let said: serde_json::Value = serde_json::from_str(&line).unwrap();
    let url: url::Url = said["url"].as_str().unwrap().parse().unwrap();
    let address = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
    let token = url
        .path()
        .trim_matches('/')
        .split('/')
        .next()
        .unwrap()
        .to_owned();
    assert!(token.len() >= 32, "{token}");
    for (path, status) in [
        (format!("/{token}/assets/film/index.m3u8?SECRET"), "200"),
        (format!("/{token}/assets/nothing/index.m3u8"), "404"),
        (format!("/x{token}/assets/film/index.m3u8"), "404"),
        (format!("/{token}"), "200"),
        (format!("/x/{token}/assets"), "404"),
    ] {
        let answer = ask(&address, &path);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{path}: {answer}"
        );
    }
    serving.kill().unwrap();
    let mut shown = String::new();
    serving
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut shown)
        .unwrap();
    serving.wait().unwrap();
    let log = std::fs::read_to_string(environment.path("offline.log")).unwrap();
    // Killed, it has lost nothing that was logged.
    for text in [&log, &shown] {
        has(
            text,
            &["path=\"assets/film/index.m3u8\" status=200", "status=404"],
        );
        lacks(text, &[&token, "SECRET"]);
    }
    assert!(!Path::new("offline.log").exists());
}
