//! Addresses that expire or move, and playlists that change behind a download.

use std::fmt::Write as _;
use std::process::{Child, Command, Stdio};

use segment_fetch::testing::{Fault, Origin, Resource, Site};

use crate::environment::{Environment, skipped, wait_for};
use crate::stream::{Plain, requests, transport_stream};

const COUNT: usize = 8;

/// A film of segments named by number alone.
struct Film {
    seeds: Vec<u64>,
}

impl Film {
    fn new(seed: u64) -> Self {
        let seeds = (0..COUNT as u64).map(|index| seed * 1000 + index);
        Self {
            seeds: seeds.collect(),
        }
    }

    /// Puts it on a site, in a folder, with its playlist at `/media.m3u8` beside others.
    fn route(&self, site: &Site, playlist: &str, folder: &str) {
        let mut text = String::from("#EXTM3U\n#EXT-X-TARGETDURATION:4\n");
        for (index, &seed) in self.seeds.iter().enumerate() {
            let path = format!("{folder}/seg{index}.ts");
            site.route(&path, Resource::new(transport_stream(seed, 30)));
            writeln!(text, "#EXTINF:4,\n{path}").unwrap();
        }
        text.push_str("#EXT-X-ENDLIST\n");
        site.route(playlist, Resource::new(text));
    }

    fn assert_exported(&self, environment: &Environment) {
        let folder = environment.export();
        for (index, &seed) in self.seeds.iter().enumerate() {
            let path = folder.join(format!("media/segment-{index:08}.ts"));
            assert!(
                std::fs::read(path).unwrap() == transport_stream(seed, 30),
                "segment {index} differs"
            );
        }
    }
}

/// Segments that were asked for from a folder.
fn asked(origin: &Origin, folder: &str) -> usize {
    let requests = origin.site().requests();
    let of_folder = requests
        .iter()
        .filter(|request| request.path.starts_with(&format!("{folder}/")));
    of_folder.count()
}

/// A download whose token, a folder, expires before the end.
#[test]
fn a_token_among_the_folders_may_change() {
    let (site, film) = (Site::new(), Film::new(1));
    film.route(&site, "/media.m3u8", "/token/one");
    site.always("/token/one/seg5.ts", Fault::Status(403));
    let origin = Origin::serve(site.clone()).unwrap();
    let environment = Environment::new();
    let url = origin.url("/media.m3u8").to_string();
    environment
        .run(["download", "--parallel", "1", &url])
        .refused(4);
    film.route(&site, "/media.m3u8", "/token/two");
    let said = environment.run(["download", &url]).fine();
    assert!(!said.stderr.contains("changed"), "{}", said.stderr);
    // Three of those that were there are compared, and the others fetched.
    let again = asked(&origin, "/token/two");
    assert!((COUNT - 5..=COUNT - 5 + 3).contains(&again), "{again}");
    film.assert_exported(&environment);
    // Nothing is missing, so nothing has to be compared with it any more but what is asked of every download.
    environment.run(["download", &url]).fine();
}

#[test]
fn another_cut_under_the_same_names_is_not_mixed_in() {
    let (site, film, other) = (Site::new(), Film::new(1), Film::new(2));
    film.route(&site, "/media.m3u8", "/a");
    site.always("/a/seg5.ts", Fault::Status(404));
    let origin = Origin::serve(site.clone()).unwrap();
    let environment = Environment::new();
    let url = origin.url("/media.m3u8").to_string();
    environment.run(["download", &url]).refused(4);
    // The same names, lengths and number; other pictures.
    other.route(&site, "/media.m3u8", "/b");
    let said = environment.run(["download", &url]).refused(3);
    assert!(said.stderr.contains("another cut"), "{}", said.stderr);
    let state = environment.only();
    assert_eq!(state["state"], "failed");
    // It goes on when the right one is back.
    site.always("/a/seg5.ts", Fault::None);
    film.route(&site, "/media.m3u8", "/a");
    environment.run(["download", &url]).fine();
    film.assert_exported(&environment);
}

#[test]
fn a_download_goes_on_from_another_host() {
    let (gone, there, film) = (Site::new(), Site::new(), Film::new(1));
    film.route(&gone, "/media.m3u8", "/films/1");
    film.route(&there, "/vod/list.m3u8", "/other/folder");
    gone.always("/films/1/seg6.ts", Fault::Status(410));
    let (gone, there) = (Origin::serve(gone).unwrap(), Origin::serve(there).unwrap());
    let environment = Environment::new();
    let url = gone.url("/media.m3u8").to_string();
    environment
        .run(["download", "--parallel", "1", &url])
        .refused(4);
    let id = environment.only_id();
    let fresh = there.url("/vod/list.m3u8").to_string();
    environment.run(["resume", &id, "--url", &fresh]).fine();
    film.assert_exported(&environment);
    let again = asked(&there, "/other/folder");
    assert!(again <= COUNT - 6 + 3, "{again}");
    // Another film is refused, and forgotten.
    let other = Plain::new(COUNT, 30);
    environment
        .run(["resume", &id, "--url", &other.url()])
        .refused(3);
    environment.run(["resume", &id]).fine();
    assert_eq!(
        environment.inspect()["freshness"]["drift"],
        serde_json::Value::Null
    );
}

#[test]
fn what_has_changed_is_named() {
    let (site, film) = (Site::new(), Film::new(1));
    film.route(&site, "/media.m3u8", "/a");
    site.always("/a/seg5.ts", Fault::Status(404));
    let origin = Origin::serve(site.clone()).unwrap();
    let environment = Environment::new();
    let url = origin.url("/media.m3u8").to_string();
    environment.run(["download", &url]).refused(4);
    let text = |segments: &[&str]| {
        let mut text = String::from("#EXTM3U\n#EXT-X-TARGETDURATION:4\n");
        for name in segments {
            writeln!(text, "#EXTINF:4,\n/a/{name}.ts").unwrap();
        }
        text.push_str("#EXT-X-ENDLIST\n");
        Resource::new(text)
    };
    let with_ad = [
        "seg0", "seg1", "ad", "seg2", "seg3", "seg4", "seg5", "seg6", "seg7",
    ];
    site.route("/media.m3u8", text(&with_ad));
    let said = environment.run(["download", "--json", &url]);
    assert_eq!(said.code, 3);
    let failed = said.events().pop().unwrap();
    assert_eq!(failed["kind"], "changed");
    let error = failed["error"].as_str().unwrap();
    assert!(error.contains("1 segment is new (2: ad.ts)"), "{error}");
    let drift = || environment.inspect()["freshness"]["drift"].clone();
    assert!(drift().as_str().unwrap().contains("ad.ts"), "{}", drift());
    let id = environment.only_id();
    let shown = environment.run(["inspect", &id]).fine().stdout;
    assert!(
        shown
            .lines()
            .any(|line| line.starts_with("drift ") && line.contains("ad.ts")),
        "{shown}"
    );
    // More at the end is more than was asked for.
    let longer = [
        "seg0", "seg1", "seg2", "seg3", "seg4", "seg5", "seg6", "seg7", "seg8",
    ];
    site.route("/media.m3u8", text(&longer));
    site.always("/a/seg5.ts", Fault::None);
    let said = environment.run(["download", &url]).fine();
    assert!(said.stderr.contains("1 more segments"), "{}", said.stderr);
    assert_eq!(requests(&origin, "/a/seg8.ts"), 0);
    assert!(
        drift().as_str().unwrap().contains("1 more segments"),
        "{}",
        drift()
    );
    film.assert_exported(&environment);
}

#[test]
fn a_media_playlist_is_no_multivariant_one() {
    let (site, film) = (Site::new(), Film::new(1));
    film.route(&site, "/media.m3u8", "/a");
    site.route(
        "/master.m3u8",
        Resource::new("#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=900000\nmedia.m3u8\n"),
    );
    let origin = Origin::serve(site).unwrap();
    let environment = Environment::new();
    let media = origin.url("/media.m3u8").to_string();
    let multivariant = origin.url("/master.m3u8").to_string();
    environment.run(["download", "--id", "film", &media]).fine();
    let said = environment
        .run(["resume", "film", "--url", &multivariant])
        .refused(3);
    assert!(said.stderr.contains("Media Playlist"), "{}", said.stderr);
    assert_eq!(environment.inspect()["playable_offline"], true);
}

/// nginx that gives out what is signed, until dropped.
struct Nginx {
    child: Child,
    folder: tempfile::TempDir,
    port: u16,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// How many segments nginx has, and how many bytes each of them.
const SIGNED: usize = 30;
const PACKETS: usize = 200;

/// Signs a playlist as `secure_link` wants it, with addresses that are good for five seconds.
const SIGN: &str = r##"
import base64, hashlib, os, sys, time
root, count = sys.argv[1], int(sys.argv[2])
expires = int(time.time()) + 5
text = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n"
for index in range(count):
    signed = f"{expires}/signed/{index}.ts a secret".encode()
    digest = base64.urlsafe_b64encode(hashlib.md5(signed).digest()).decode().rstrip("=")
    text += f"#EXTINF:4,\n/signed/{index}.ts?md5={digest}&expires={expires}\n"
with open(f"{root}/www/new", "w") as file:
    file.write(text + "#EXT-X-ENDLIST\n")
os.replace(f"{root}/www/new", f"{root}/www/media.m3u8")
"##;

impl Nginx {
    /// Serves a playlist, and under `/signed` the segments to those whose address is signed.
    fn start() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_str().unwrap().to_owned();
        std::fs::create_dir_all(folder.path().join("www/signed")).unwrap();
        for index in 0..SIGNED {
            std::fs::write(
                folder.path().join(format!("www/signed/{index}.ts")),
                transport_stream(index as u64 + 1, PACKETS),
            )
            .unwrap();
        }
        // Outside of the range from which the system gives ports to the other tests.
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
        let port = u16::try_from(20_000 + now / 1000 % 12_000).unwrap();
        let mut paths = String::new();
        for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            write!(paths, "{kind}_temp_path {root}/{kind}; ").unwrap();
        }
        let configuration = format!(
            "daemon off; master_process off; pid {root}/pid; error_log {root}/error.log;
            events {{ worker_connections 512; }}
            http {{
                log_format short '$uri $status'; access_log {root}/access.log short;
                {paths} root {root}/www;
                server {{
                    listen 127.0.0.1:{port};
                    location /signed/ {{
                        secure_link $arg_md5,$arg_expires;
                        secure_link_md5 \"$secure_link_expires$uri a secret\";
                        if ($secure_link = \"\") {{ return 403; }}
                        if ($secure_link = \"0\") {{ return 410; }}
                    }}
                }}
            }}"
        );
        std::fs::write(folder.path().join("nginx.conf"), configuration).unwrap();
        let started = Command::new("nginx")
            .args([
                "-c",
                &format!("{root}/nginx.conf"),
                "-e",
                &format!("{root}/error.log"),
            ])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(child) = started else {
            skipped("nginx is not installed");
            return None;
        };
        let nginx = Self {
            child,
            folder,
            port,
        };
        wait_for("nginx", || {
            std::net::TcpStream::connect(("127.0.0.1", port)).is_ok()
        });
        Some(nginx)
    }

    /// Writes the playlist with fresh addresses; says whether it can.
    fn sign(&self) -> bool {
        let signed = Command::new("python3")
            .args(["-c", SIGN])
            .arg(self.folder.path())
            .arg(SIGNED.to_string())
            .status();
        signed.is_ok_and(|status| status.success())
    }

    /// How often it gave an answer like this.
    fn answers(&self, path: &str, status: u16) -> usize {
        let log = std::fs::read_to_string(self.folder.path().join("access.log")).unwrap();
        let line = format!("{path} {status}");
        log.lines().filter(|logged| *logged == line).count()
    }
}

#[test]
fn addresses_that_nginx_lets_expire_in_the_middle_are_read_anew() {
    let Some(nginx) = Nginx::start() else { return };
    if !nginx.sign() {
        skipped("python3 is not installed");
        return;
    }
    let environment = Environment::new();
    let url = format!("http://127.0.0.1:{}/media.m3u8", nginx.port);
    // So slow that no address lives until the end.
    let mut child = environment.start(["download", "--limit-rate", "100K", &url]);
    let code = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status.code();
        }
        nginx.sign();
        std::thread::sleep(std::time::Duration::from_millis(200));
    };
    assert_eq!(code, Some(0), "{}", environment.only());
    let folder = environment.export();
    let mut expired = 0;
    for index in 0..SIGNED {
        let path = folder.join(format!("media/segment-{index:08}.ts"));
        assert!(std::fs::read(path).unwrap() == transport_stream(index as u64 + 1, PACKETS));
        expired += nginx.answers(&format!("/signed/{index}.ts"), 410);
    }
    assert!(expired > 0, "no address has expired");
    assert!(nginx.answers("/media.m3u8", 200) > 1);
}
