//! How servers are reached: headers, cookies, certificates, proxies.

use segment_fetch::testing::{Logged, Origin, Resource, Site};

use crate::environment::Environment;
use crate::stream::{playlist, transport_stream};

/// A playlist on one server whose segments are on another.
pub(crate) fn two_servers() -> (Origin, Origin) {
    let media = Site::new();
    for index in 0..2_u64 {
        let path = format!("/segments/{index}.ts");
        media.route(&path, Resource::new(transport_stream(index, 20)));
    }
    let media = Origin::serve(media).unwrap();
    let text = playlist(2).replace("segments/", media.url("/segments/").as_str());
    let site = Site::new();
    site.route("/media.m3u8", Resource::new(text));
    (Origin::serve(site).unwrap(), media)
}

pub(crate) fn sent(logged: &Logged, name: &str) -> Option<String> {
    let value = logged.headers.get(name)?;
    Some(value.to_str().unwrap().to_owned())
}

#[test]
fn headers_and_cookies_reach_whom_they_are_for() {
    let (origin, media) = two_servers();
    let environment = Environment::new();
    let cookies = environment.path("cookies.txt");
    let file = "# Netscape HTTP Cookie File\n\
        #HttpOnly_127.0.0.1\tFALSE\t/media.m3u8\tFALSE\t0\tfile\t1\n";
    std::fs::write(&cookies, file).unwrap();
    let arguments = [
        "download",
        origin.url("/media.m3u8").as_str(),
        "--header",
        "X-Plain: yes",
        "--header",
        "Authorization: Bearer 1",
        "--user-agent",
        "player/2",
        "--cookies",
        cookies.to_str().unwrap(),
    ]
    .map(str::to_owned);
    environment.run(&arguments).fine();
    let (here, there) = (origin.site().requests(), media.site().requests());
    assert!(!here.is_empty() && there.len() == 2);
    for logged in &here {
        assert_eq!(sent(logged, "authorization").as_deref(), Some("Bearer 1"));
        assert_eq!(sent(logged, "cookie").as_deref(), Some("file=1"));
    }
    for logged in here.iter().chain(&there) {
        assert_eq!(sent(logged, "x-plain").as_deref(), Some("yes"));
        assert_eq!(sent(logged, "user-agent").as_deref(), Some("player/2"));
    }
    for logged in &there {
        assert_eq!(sent(logged, "authorization"), None);
        assert_eq!(sent(logged, "cookie"), None);
    }
}

#[test]
fn a_cookie_that_the_playlist_sets_opens_its_segments() {
    let site = Site::new();
    let mut headers = segment_fetch::HeaderMap::new();
    headers.insert("set-cookie", "session=1; Path=/".parse().unwrap());
    let list = Resource::new(playlist(2));
    site.route("/media.m3u8", Resource { headers, ..list });
    for index in 0..2_u64 {
        let path = format!("/segments/{index}.ts");
        site.route(&path, Resource::new(transport_stream(index, 20)));
    }
    let origin = Origin::serve(site).unwrap();
    let environment = Environment::new();
    let url = origin.url("/media.m3u8").to_string();
    environment.run(["download", &url]).fine();
    let requests = origin.site().requests();
    let segments: Vec<_> = requests
        .iter()
        .filter(|logged| logged.path.starts_with("/segments/"))
        .map(|logged| sent(logged, "cookie"))
        .collect();
    assert_eq!(segments, vec![Some("session=1".to_owned()); 2]);
}

#[test]
fn certificates_come_from_files_and_verification_goes_loudly() {
    let site = Site::new();
    site.route("/media.m3u8", Resource::new(playlist(1)));
    let origin = Origin::serve_mutual_tls(site).unwrap();
    let url = origin.url("/media.m3u8").to_string();
    let environment = Environment::new();
    let write = |name: &str, bytes: &[u8]| {
        let path = environment.path(name);
        std::fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let client = origin.client_certificate().unwrap();
    let authority = write("authority.pem", origin.certificate().unwrap().as_bytes());
    let certificate = write("client.pem", &client.chain);
    let key = write("client.key", &client.key);
    let both = write("both.pem", &[client.chain, client.key].concat());
    let probe = |more: &[&str]| {
        let mut arguments = vec!["probe", &url];
        arguments.extend(more);
        environment.run(&arguments)
    };
    probe(&[
        "--cacert",
        &authority,
        "--cert",
        &certificate,
        "--key",
        &key,
    ])
    .fine();
    probe(&["--cacert", &authority, "--cert", &both]).fine();
    probe(&["--cert", &both]).refused(4);
    let said = probe(&["--quiet", "--insecure", "--cert", &both]).fine();
    assert!(
        said.stderr.contains("warning: --insecure"),
        "{}",
        said.stderr
    );
    probe(&["--cacert", &key]).refused(4);
    probe(&["--cacert", "/no/such/file"]).refused(2);
}

#[test]
fn a_proxy_comes_from_the_option_or_the_environment() {
    let site = Site::new();
    site.route("/media.m3u8", Resource::new(playlist(1)));
    // To a request for http, a proxy is a server that is asked for whole addresses.
    let proxy = Origin::serve(site).unwrap();
    let address = proxy.url("/").to_string();
    let with_password = address.replace("http://", "http://user:secret@");
    let url = "http://somewhere.invalid/media.m3u8";
    let environment = Environment::new();
    environment
        .run(["probe", url, "--proxy", &with_password])
        .fine();
    let last = proxy.site().requests().pop().unwrap();
    assert!(sent(&last, "proxy-authorization").is_some());
    let run = |variable: &str, value: &str, more: &[&str]| {
        let mut command = environment.command();
        command.args(["probe", url]).args(more).env(variable, value);
        crate::environment::said(&command.output().unwrap())
    };
    run("http_proxy", &address, &[]).fine();
    assert_eq!(crate::stream::requests(&proxy, "/media.m3u8"), 2);
    run("HTTP_PROXY", &address, &[]).refused(4);
    run("http_proxy", &address, &["--proxy", ""]).refused(4);
    let said = run("all_proxy", "ftp://user:secret@proxy.test", &[]).refused(2);
    assert!(said.stderr.contains("all_proxy") && !said.stderr.contains("secret"));
    assert_eq!(crate::stream::requests(&proxy, "/media.m3u8"), 2);
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_asked() {
    let environment = Environment::new();
    let url = "http://127.0.0.1:9/media.m3u8";
    let cookies = environment.path("cookies.txt");
    std::fs::write(&cookies, "not a cookie file with secret\n").unwrap();
    let cookies = cookies.to_str().unwrap();
    let said = environment
        .run(["download", url, "--cookies", cookies])
        .refused(2);
    assert!(said.stderr.contains("line 1") && !said.stderr.contains("secret"));
    for wrong in [
        ["--header", "NoColon"],
        ["--header", "Bad Name: x"],
        ["--key", "file"],
    ] {
        let said = environment.run(["download", url, wrong[0], wrong[1]]);
        assert_eq!(said.code, 2, "{}", said.stderr);
    }
    environment
        .run(["download", url, "--proxy", "gopher://x"])
        .refused(2);
}
