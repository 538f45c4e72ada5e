//! Content that key systems protect: refused by name, or stored as it is for a player that has the licence.

use std::fmt::Write as _;

use segment_fetch::testing::{Fault, Origin, Resource, Site};

use crate::environment::Environment;
use crate::serve::Serving;
use crate::stream::{encrypt, requests, transport_stream};

const WIDEVINE: &str = "#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"/licence/widevine\",KEYFORMAT=\"urn:uuid:edef8ba9-79d6-4ace-a3c8-27dcd51d21ed\",KEYFORMATVERSIONS=\"1\",KEYID=0x0123456789abcdef0123456789abcdef";
const PLAYREADY: &str = "#EXT-X-KEY:METHOD=SAMPLE-AES-CTR,URI=\"/licence/playready\",KEYFORMAT=\"com.microsoft.playready\",KEYFORMATVERSIONS=\"1\"";
const FAIRPLAY: &str = "#EXT-X-KEY:METHOD=SAMPLE-AES,URI=\"skd://film\",IV=0x000000000000000000000000000000AB,KEYFORMAT=\"com.apple.streamingkeydelivery\",KEYFORMATVERSIONS=\"1\"";
const KEY: [u8; 16] = *b"0123456789abcdef";

/// Four segments that key systems protect, one in clear, and one with a key that the server hands out beside one that it does not.
struct Protected {
    origin: Origin,
    segments: Vec<Vec<u8>>,
}

fn playlist() -> String {
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:4\n{WIDEVINE}\n{PLAYREADY}\n{FAIRPLAY}\n"
    );
    for index in 0..4 {
        writeln!(text, "#EXTINF:4,\n{index}.ts").unwrap();
    }
    text.push_str("#EXT-X-KEY:METHOD=NONE\n#EXTINF:4,\n4.ts\n");
    let beside = FAIRPLAY.replace("SAMPLE-AES", "AES-128");
    writeln!(
        text,
        "{beside}\n#EXT-X-KEY:METHOD=AES-128,URI=\"/key\",IV=0x01"
    )
    .unwrap();
    text.push_str("#EXTINF:4,\n5.ts\n#EXT-X-ENDLIST\n");
    text
}

impl Protected {
    fn new() -> Self {
        let site = Site::new();
        let segments: Vec<Vec<u8>> = (0..6_u8)
            // What is encrypted is noise from the first byte on.
            .map(|index| match index {
                0..4 => {
                    let noise = |at: u32| at.wrapping_mul(2_654_435_761).to_be_bytes()[1];
                    (0..9400).map(|at| noise(at) ^ index).collect()
                }
                _ => transport_stream(u64::from(index), 50),
            })
            .collect();
        for (index, segment) in segments.iter().enumerate() {
            let mut iv = [0; 16];
            iv[15] = 1;
            let bytes = match index {
                5 => encrypt(segment, KEY, iv),
                _ => segment.clone(),
            };
            site.route(&format!("/{index}.ts"), Resource::new(bytes));
        }
        site.route("/key", Resource::new(KEY.to_vec()));
        site.route("/media.m3u8", Resource::new(playlist()));
        let session = FAIRPLAY.replace("EXT-X-KEY", "EXT-X-SESSION-KEY");
        let index = format!(
            "#EXTM3U\n#EXT-X-VERSION:6\n{session}\n#EXT-X-STREAM-INF:BANDWIDTH=100000\nmedia.m3u8\n"
        );
        site.route("/index.m3u8", Resource::new(index));
        Self {
            origin: Origin::serve(site).unwrap(),
            segments,
        }
    }

    fn url(&self) -> String {
        self.origin.url("/index.m3u8").to_string()
    }

    fn download(&self, environment: &Environment) {
        environment
            .run(["download", "--keep-protected", "--id", "a", &self.url()])
            .fine();
    }

    fn assert_nobody_asked_for_a_licence(&self) {
        for request in self.origin.site().requests() {
            assert!(!request.path.starts_with("/licence"), "{}", request.path);
        }
    }
}

fn lines<'t>(text: &'t str, start: &str) -> Vec<&'t str> {
    text.lines()
        .filter(|line| line.starts_with(start))
        .collect()
}

#[test]
fn it_is_refused_by_default_with_a_hint() {
    let (environment, protected) = (Environment::new(), Protected::new());
    let said = environment.run(["download", &protected.url()]).refused(3);
    for word in ["Widevine, PlayReady, FairPlay", "--keep-protected"] {
        assert!(said.stderr.contains(word), "{}", said.stderr);
    }
    assert!(environment.list().is_empty());
    protected.assert_nobody_asked_for_a_licence();
}

#[test]
fn kept_it_is_served_and_exported_as_it_is_and_says_what_it_needs() {
    let (environment, protected) = (Environment::new(), Protected::new());
    protected.download(&environment);
    protected.assert_nobody_asked_for_a_licence();
    assert_eq!(requests(&protected.origin, "/key"), 1);
    assert_eq!(environment.list()[0]["state"], "completed");

    let inspected = environment.inspect();
    assert_eq!(inspected["playable_offline"], false);
    let systems = serde_json::json!(["Widevine", "PlayReady", "FairPlay"]);
    assert_eq!(inspected["key_systems"], systems);
    assert_eq!(
        inspected["why_not"],
        serde_json::json!([{"kind": "needs_licence", "key_systems": systems}])
    );
    assert_eq!(inspected["variants"][0]["complete"], true);
    assert_eq!(inspected["missing"], serde_json::json!([]));
    let said = environment.run(["inspect", "a"]).fine();
    let why = "needs a licence of Widevine or PlayReady or FairPlay";
    assert!(said.stdout.contains(why), "{}", said.stdout);

    let serving = Serving::start(&environment);
    let (status, index) = serving.visit(&serving.asset("a"));
    assert_eq!(status, 200);
    let session = FAIRPLAY.replace("EXT-X-KEY", "EXT-X-SESSION-KEY");
    assert_eq!(lines(&index, "#EXT-X-SESSION-KEY"), [session]);
    let (_, local) = serving.get("/assets/a/variant-0/index.m3u8");
    let local = String::from_utf8(local).unwrap();
    let expected = [WIDEVINE, PLAYREADY, FAIRPLAY, "#EXT-X-KEY:METHOD=NONE"];
    assert_eq!(lines(&local, "#EXT-X-KEY"), expected);
    for (index, segment) in protected.segments.iter().enumerate() {
        let (_, bytes) = serving.get(&format!("/assets/a/variant-0/segment-{index:08}.ts"));
        assert!(bytes == *segment, "segment {index}");
    }
    let (_, details) = serving.get("/api/assets/a");
    assert!(String::from_utf8(details).unwrap().contains(why));
    drop(serving);

    let said = environment.run(["export", "a", "-o", "out"]).fine();
    assert!(
        said.stderr.contains("it stays encrypted"),
        "{}",
        said.stderr
    );
    let exported = std::fs::read(environment.path("out/variant-0/segment-00000002.ts")).unwrap();
    assert!(exported == protected.segments[2]);
    for format in ["mp4", "ts"] {
        let said = environment.run(["export", "a", "--format", format, "-o", "film"]);
        let said = said.refused(1);
        assert!(
            said.stderr.contains("licence of Widevine"),
            "{}",
            said.stderr
        );
    }
}

#[test]
fn kept_it_is_verified_repaired_resumed_and_added_to() {
    let (environment, protected) = (Environment::new(), Protected::new());
    let site = protected.origin.site();
    site.always("/2.ts", Fault::Status(404));
    environment
        .run([
            "download",
            "--keep-protected",
            "--id",
            "a",
            &protected.url(),
        ])
        .refused(4);
    site.always("/2.ts", Fault::None);
    environment.run(["resume", "a"]).fine();
    assert_eq!(requests(&protected.origin, "/1.ts"), 1);
    // What was said once holds for whoever adds to it.
    environment
        .run(["download", "--id", "a", &protected.url()])
        .fine();
    environment.run(["verify"]).fine();
    // What only looks like media is found out, but what nobody here can open is not called damage.
    let found = environment.run(["verify", "--deep", "--json"]).json();
    for finding in found["media"]["findings"].as_array().unwrap() {
        assert!(finding["start"].as_f64().unwrap() >= 16.0, "{finding}");
    }
    assert_eq!(found["media"]["encrypted"], 4);

    crate::verify::flip(&crate::verify::blobs(&environment, 9000)[0], 1234);
    let said = environment.run(["verify", "--repair", "--json"]).fine();
    assert_eq!(said.json()["repaired"].as_array().unwrap().len(), 1);
    // Another asset has it already.
    let asked = site.requests().len();
    environment
        .run([
            "download",
            "--keep-protected",
            "--id",
            "b",
            &protected.url(),
        ])
        .fine();
    let paths = site.requests().split_off(asked);
    let paths = paths.into_iter().map(|request| request.path);
    assert_eq!(
        paths.collect::<Vec<_>>(),
        ["/index.m3u8", "/media.m3u8", "/key"]
    );
    protected.assert_nobody_asked_for_a_licence();
}

#[test]
fn what_a_licence_is_asked_for_may_change_and_what_is_encrypted_with_may_not() {
    let (environment, protected) = (Environment::new(), Protected::new());
    protected.download(&environment);
    let site = protected.origin.site();
    let text = playlist().replace("skd://film", "skd://film?token=2");
    site.route("/media.m3u8", Resource::new(text));
    environment
        .run(["download", "--id", "a", &protected.url()])
        .fine();
    let text = playlist().replace("KEYID=0x01", "KEYID=0x02");
    site.route("/media.m3u8", Resource::new(text));
    environment
        .run(["download", "--id", "a", &protected.url()])
        .refused(3);
}

#[test]
fn it_is_estimated_and_queued_like_the_rest() {
    let (environment, protected) = (Environment::new(), Protected::new());
    let estimate = ["download", "--dry-run", "--json", &protected.url()];
    environment.run(estimate).refused(3);
    let said = environment.run(estimate.iter().copied().chain(["--keep-protected"]));
    assert_eq!(said.fine().json()["duration"], 24.0);
    environment
        .run(["download", "--queue", "--keep-protected", &protected.url()])
        .fine();
    environment.run(["download"]).fine();
    assert_eq!(environment.list()[0]["state"], "completed");
    protected.assert_nobody_asked_for_a_licence();
}

pub(crate) fn boxed(kind: &str, parts: &[&[u8]]) -> Vec<u8> {
    let inside = parts.concat();
    let size = u32::try_from(inside.len() + 8).unwrap().to_be_bytes();
    [&size, kind.as_bytes(), &inside].concat()
}

fn initialization(formats: &[&[u8]], systems: &[&[u8]]) -> Vec<u8> {
    initialization_of(*b"vide", formats, systems)
}

/// An initialization section of one track of a kind with these formats, a thousand ticks a second, and data for these protection systems.
pub(crate) fn initialization_of(kind: [u8; 4], formats: &[&[u8]], systems: &[&[u8]]) -> Vec<u8> {
    let full = |kind: &str, rest: &[u8]| boxed(kind, &[&[0; 4], rest]);
    let mut track_header = vec![0; 80];
    track_header[11] = 1;
    let mut media_header = vec![0; 20];
    media_header[10..12].copy_from_slice(&1000_u16.to_be_bytes());
    let handler = [&[0; 4], kind.as_slice(), &[0; 13]].concat();
    let formats = formats.concat();
    let descriptions = full("stsd", &[&[0, 0, 0, 1], formats.as_slice()].concat());
    let table = boxed("stbl", &[&descriptions]);
    let media = [
        full("mdhd", &media_header),
        full("hdlr", &handler),
        boxed("minf", &[&table]),
    ]
    .concat();
    let track = [full("tkhd", &track_header), boxed("mdia", &[&media])].concat();
    let mut trex = vec![0; 20];
    (trex[3], trex[7]) = (1, 1);
    let mut movie_header = vec![0; 96];
    movie_header[10..12].copy_from_slice(&1000_u16.to_be_bytes());
    let movie = [
        full("mvhd", &movie_header),
        boxed("trak", &[&track]),
        boxed("mvex", &[&full("trex", &trex)]),
        systems
            .iter()
            .map(|system| full("pssh", &[system, [0; 4].as_slice()].concat()))
            .collect::<Vec<_>>()
            .concat(),
    ]
    .concat();
    let brands = boxed("ftyp", &[b"iso6", &[0; 4], b"iso6"]);
    [brands, boxed("moov", &[&movie])].concat()
}

fn clear_format() -> Vec<u8> {
    boxed("avc1", &[&[0; 78], &boxed("avcC", &[&[1; 8]])])
}

fn encrypted_format() -> Vec<u8> {
    let protection = boxed("tenc", &[&[0, 0, 0, 0, 0, 0, 1, 8], &[7; 16]]);
    let scheme = boxed(
        "sinf",
        &[
            &boxed("frma", &[b"avc1"]),
            &boxed("schm", &[&[0; 4], b"cenc", &[0, 1, 0, 0]]),
            &boxed("schi", &[&protection]),
        ],
    );
    boxed("encv", &[&[0; 78], &boxed("avcC", &[&[1; 8]]), &scheme])
}

/// Fragmented MP4 whose playlist says nothing of keys.
fn silent(initialization: Vec<u8>) -> Origin {
    let site = Site::new();
    site.route("/init.mp4", Resource::new(initialization));
    let mut text =
        "#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"init.mp4\"\n"
            .to_owned();
    for index in 0..3_u8 {
        let sequence = boxed("mfhd", &[&[0, 0, 0, 0, 0, 0, 0, index + 1]]);
        let bytes = [boxed("moof", &[&sequence]), boxed("mdat", &[&[index; 500]])].concat();
        site.route(&format!("/{index}.m4s"), Resource::new(bytes));
        writeln!(text, "#EXTINF:4,\n{index}.m4s").unwrap();
    }
    site.route("/film.m3u8", Resource::new(text + "#EXT-X-ENDLIST\n"));
    Origin::serve(site).unwrap()
}

const WIDEVINE_SYSTEM: [u8; 16] = 0xedef_8ba9_79d6_4ace_a3c8_27dc_d51d_21ed_u128.to_be_bytes();
/// That of the W3C, which stands for any.
const COMMON_SYSTEM: [u8; 16] = 0x1077_efec_c0b2_4d02_ace3_3c1e_52e2_fb4b_u128.to_be_bytes();

#[test]
fn what_only_the_initialization_section_tells_is_refused_by_name() {
    for (systems, named) in [
        (
            [&COMMON_SYSTEM[..], &WIDEVINE_SYSTEM].as_slice(),
            "Widevine",
        ),
        (&[&COMMON_SYSTEM[..]], "an unnamed key system"),
        (&[], "an unnamed key system"),
    ] {
        let origin = silent(initialization(&[&encrypted_format()], systems));
        let environment = Environment::new();
        let url = origin.url("/film.m3u8").to_string();
        let said = environment.run(["download", &url]).refused(3);
        let refusal = format!("/init.mp4 is protected: {named}\n");
        assert!(said.stderr.contains(&refusal), "{}", said.stderr);
        assert!(said.stderr.contains("--keep-protected"), "{}", said.stderr);
        assert!(environment.list().is_empty());

        let keep = ["download", "--keep-protected", "--id", "a", &url];
        environment.run(keep).fine();
        let inspected = environment.inspect();
        assert_eq!(inspected["playable_offline"], false);
        assert_eq!(
            inspected["why_not"],
            serde_json::json!([{"kind": "needs_licence", "key_systems": [named]}])
        );
        assert_eq!(inspected["variants"][0]["complete"], true);
        let said = environment.run(["inspect", "a"]).fine();
        let why = format!("does not play: needs a licence of {named}");
        assert!(said.stdout.contains(&why), "{}", said.stdout);
        let said = environment.run(["export", "a", "-o", "out"]).fine();
        assert!(
            said.stderr.contains("it stays encrypted"),
            "{}",
            said.stderr
        );
        let said = environment.run(["export", "a", "--format", "mp4", "-o", "film"]);
        assert!(said.refused(1).stderr.contains(named));

        // What is there already for one asset is refused to another all the same.
        environment.run(["download", "--id", "b", &url]).refused(3);
        assert_eq!(environment.list().len(), 1);
    }
}

#[test]
fn what_was_refused_is_refused_again_where_it_is_added_to_something() {
    let (clear, closed) = (clear_format(), encrypted_format());
    let origin = silent(initialization(&[&clear], &[]));
    let environment = Environment::new();
    let url = origin.url("/film.m3u8").to_string();
    environment
        .run(["download", "--queue", "--id", "a", &url])
        .fine();
    origin
        .site()
        .route("/init.mp4", Resource::new(initialization(&[&closed], &[])));
    for _ in 0..2 {
        environment.run(["resume", "a"]).refused(3);
        assert_eq!(environment.only()["state"], "failed");
    }
    assert_eq!(requests(&origin, "/init.mp4"), 2);
    // The server has thought better of it.
    origin
        .site()
        .route("/init.mp4", Resource::new(initialization(&[&clear], &[])));
    environment.run(["resume", "a"]).fine();
    assert_eq!(environment.inspect()["playable_offline"], true);
}

#[test]
fn what_is_in_clear_or_may_be_is_taken_as_ever() {
    let (clear, closed) = (clear_format(), encrypted_format());
    // A format in clear beside the encrypted one: what is played of it, and whether it is encrypted, the playlist tells.
    for formats in [[&*clear].as_slice(), &[&clear, &closed]] {
        let origin = silent(initialization(formats, &[&WIDEVINE_SYSTEM]));
        let environment = Environment::new();
        let url = origin.url("/film.m3u8").to_string();
        environment.run(["download", &url]).fine();
        let inspected = environment.inspect();
        assert_eq!(inspected["playable_offline"], true);
        assert_eq!(inspected["key_systems"], serde_json::json!([]));
    }
}
