//! What is taken of a presentation: primary and auxiliary contents, several qualities, I-frames, and more of it later.

use asset_store::{AssetId, Store};
use segment_fetch::testing::{Origin, Resource};
use serde_json::json;

use crate::environment::Environment;
use crate::presentation::{languages, site};
use crate::stream::{encrypt, requests, transport_stream};

pub(crate) const TRACKS: [&str; 11] = [
    "v1080",
    "v720",
    "v360",
    "backup",
    "en51",
    "en",
    "fr",
    "ad",
    "sen",
    "forced-en",
    "forced-fr",
];

pub(crate) const MASTER: &str = "#EXTM3U\n#EXT-X-VERSION:7\n\
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"surround\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"6\",URI=\"en51/index.m3u8\"\n\
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"stereo\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"en/index.m3u8\"\n\
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"stereo\",NAME=\"Français\",LANGUAGE=\"fr\",AUTOSELECT=YES,CHANNELS=\"2\",URI=\"fr/index.m3u8\"\n\
#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"stereo\",NAME=\"Described\",LANGUAGE=\"en\",CHANNELS=\"2\",CHARACTERISTICS=\"public.accessibility.describes-video\",URI=\"ad/index.m3u8\"\n\
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"text\",NAME=\"English\",LANGUAGE=\"en\",URI=\"sen/index.m3u8\"\n\
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"text\",NAME=\"Signs\",LANGUAGE=\"en\",AUTOSELECT=YES,FORCED=YES,URI=\"forced-en/index.m3u8\"\n\
#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"text\",NAME=\"Panneaux\",LANGUAGE=\"fr\",AUTOSELECT=YES,FORCED=YES,URI=\"forced-fr/index.m3u8\"\n\
#EXT-X-MEDIA:TYPE=CLOSED-CAPTIONS,GROUP-ID=\"cc\",NAME=\"Captions\",LANGUAGE=\"en\",INSTREAM-ID=\"CC1\"\n\
#EXT-X-STREAM-INF:BANDWIDTH=700,RESOLUTION=1280x720,AUDIO=\"stereo\",SUBTITLES=\"text\",CLOSED-CAPTIONS=\"cc\"\nv720/index.m3u8\n\
#EXT-X-STREAM-INF:BANDWIDTH=1200,RESOLUTION=1920x1080,AUDIO=\"surround\",SUBTITLES=\"text\",CLOSED-CAPTIONS=\"cc\"\nv1080/index.m3u8\n\
#EXT-X-STREAM-INF:BANDWIDTH=1000,RESOLUTION=1920x1080,AUDIO=\"stereo\",SUBTITLES=\"text\",CLOSED-CAPTIONS=\"cc\"\nv1080/index.m3u8\n\
#EXT-X-STREAM-INF:BANDWIDTH=300,RESOLUTION=640x360,AUDIO=\"stereo\",SUBTITLES=\"text\",CLOSED-CAPTIONS=\"cc\"\nv360/index.m3u8\n\
#EXT-X-STREAM-INF:BANDWIDTH=300,RESOLUTION=640x360,AUDIO=\"stereo\",SUBTITLES=\"text\",CLOSED-CAPTIONS=\"cc\"\nbackup/index.m3u8\n\
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90,RESOLUTION=1920x1080,URI=\"i-frames.m3u8\"\n\
#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=30,RESOLUTION=640x360,URI=\"i-frames.m3u8?small\"\n";

/// Two frames of a segment each.
const I_FRAMES: &str = "#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:4\n#EXT-X-I-FRAMES-ONLY\n\
#EXTINF:2,\n#EXT-X-BYTERANGE:376@0\nv1080/0.ts\n#EXTINF:2,\n#EXT-X-BYTERANGE:188@1880\nv1080/0.ts\n\
#EXTINF:4,\n#EXT-X-BYTERANGE:188@0\nv1080/1.ts\n#EXT-X-ENDLIST\n";

pub(crate) fn rich() -> Origin {
    let site = site(&TRACKS);
    site.route("/master.m3u8", Resource::new(MASTER));
    site.route("/i-frames.m3u8", Resource::new(I_FRAMES));
    Origin::serve(site).unwrap()
}

/// The folders of the media that was asked for since the n-th request, each once.
pub(crate) fn media_since(origin: &Origin, before: usize) -> Vec<String> {
    let requests = origin.site().requests();
    let mut folders: Vec<String> = requests[before..]
        .iter()
        .filter(|request| request.path.contains(".ts"))
        .map(|request| request.path.split('/').nth(1).unwrap().to_owned())
        .collect();
    folders.sort();
    folders.dedup();
    folders
}

struct Taken {
    origin: Origin,
    environment: Environment,
    url: String,
}

impl Taken {
    fn new(arguments: &[&str]) -> Self {
        let origin = rich();
        let taken = Self {
            url: origin.url("/master.m3u8").to_string(),
            environment: Environment::new(),
            origin,
        };
        taken.media(arguments);
        taken
    }

    /// What another download fetches.
    fn media(&self, arguments: &[&str]) -> Vec<String> {
        let before = self.origin.site().requests().len();
        let arguments = [&["download", &self.url], arguments].concat();
        self.environment.run(arguments).fine();
        media_since(&self.origin, before)
    }

    fn all_media(&self) -> Vec<String> {
        media_since(&self.origin, 0)
    }

    fn offered(&self) -> String {
        let folder = self.environment.export();
        let index = std::fs::read_to_string(folder.join("index.m3u8")).unwrap();
        std::fs::remove_dir_all(folder).unwrap();
        index
    }
}

#[test]
fn without_a_choice_the_best_and_the_default_are_taken() {
    let taken = Taken::new(&[]);
    assert_eq!(taken.all_media(), ["en51", "forced-en", "v1080"]);
    let found = taken.environment.inspect();
    assert_eq!(found["missing"], json!([]));
    assert_eq!(languages(&found, "audio"), ["en"]);
    assert_eq!(taken.media(&[]), [] as [&str; 0]);
}

#[test]
fn several_qualities_share_their_renditions_and_are_all_offered() {
    let taken = Taken::new(&["--variant", "height<=720", "--all-variants"]);
    assert_eq!(
        taken.all_media(),
        ["en", "forced-en", "v360", "v720"],
        "of variants that are there for failures one is enough"
    );
    for track in ["en", "v360", "v720"] {
        assert_eq!(requests(&taken.origin, &format!("/{track}/0.ts")), 1);
    }
    let index = taken.offered();
    assert!(index.contains("\nvariant-0/index.m3u8\n"), "{index}");
    assert!(index.contains("\nvariant-3/index.m3u8\n"), "{index}");
    assert_eq!(index.matches("#EXT-X-STREAM-INF").count(), 2, "{index}");
    // Who asks for one variant afterwards gets that one, and all stay.
    assert_eq!(
        taken.media(&["--variant", "height=1080"]),
        ["en51", "v1080"]
    );
    assert_eq!(taken.offered().matches("RESOLUTION").count(), 4);
}

#[test]
fn an_auxiliary_language_needs_no_second_video() {
    let taken = Taken::new(&["--auxiliary", "audio=fr"]);
    assert_eq!(
        taken.all_media(),
        ["en51", "forced-en", "forced-fr", "fr", "v1080"]
    );
    let index = taken.offered();
    // French is offered with the variant that goes with it.
    assert!(index.contains("LANGUAGE=\"fr\""), "{index}");
    assert_eq!(index.matches("variant-1/index.m3u8").count(), 2, "{index}");
    let found = taken.environment.inspect();
    assert_eq!(languages(&found, "audio"), ["en", "fr"]);
    // It comes with every further download, and is there.
    assert_eq!(taken.media(&[]), [] as [&str; 0]);

    let separate = Taken::new(&["--auxiliary", "variant=height<=360 audio=fr separate"]);
    assert!(separate.all_media().contains(&"v360".to_owned()));
    let none = Taken::new(&[
        "--variant",
        "height=360",
        "--auxiliary",
        "variant=height=9 audio=fr",
    ]);
    assert_eq!(none.all_media(), ["en", "forced-en", "v360"]);
}

#[test]
fn characteristics_choose_renditions() {
    let taken = Taken::new(&["--variant", "height=720", "--audio-with", "describes-video"]);
    assert_eq!(taken.all_media(), ["ad", "forced-en", "v720"]);
    let found = taken.environment.inspect();
    let described = &found["media_selection"]["audio"][0];
    assert_eq!(
        described["characteristics"],
        json!(["public.accessibility.describes-video"])
    );
    let said = taken.environment.run([
        "download",
        &taken.url,
        "--subtitles",
        "all",
        "--subtitles-with",
        "x",
    ]);
    assert_eq!(said.code, 2, "{}", said.stderr);
}

#[test]
fn another_language_later_is_all_that_is_fetched() {
    let taken = Taken::new(&["--variant", "height<=360"]);
    assert_eq!(taken.all_media(), ["en", "forced-en", "v360"]);
    let before = taken.origin.site().requests().len();
    assert_eq!(
        taken.media(&["--audio", "fr", "--subtitles", "none"]),
        ["fr"]
    );
    let requests = taken.origin.site().requests();
    let mut asked: Vec<&str> = requests[before..]
        .iter()
        .map(|request| request.path.as_str())
        .collect();
    asked.sort_unstable();
    assert_eq!(
        asked,
        [
            "/fr/0.ts",
            "/fr/1.ts",
            "/fr/index.m3u8",
            "/master.m3u8",
            "/v360/index.m3u8"
        ]
    );
    assert_eq!(
        languages(&taken.environment.inspect(), "audio"),
        ["en", "fr"]
    );
}

#[test]
fn what_was_chosen_is_chosen_again_by_queue_resumption_and_repair() {
    let origin = rich();
    let url = origin.url("/master.m3u8").to_string();
    let environment = Environment::new();
    let choices = [
        "--variant",
        "height=720",
        "--auxiliary",
        "variant=height=360 audio=fr",
        "--iframes",
    ];
    environment
        .run([&["download", "--queue", &url][..], &choices].concat())
        .fine();
    let expected = [
        "en",
        "forced-en",
        "forced-fr",
        "fr",
        "v1080",
        "v360",
        "v720",
    ];
    environment.run(["download"]).fine();
    assert_eq!(media_since(&origin, 0), expected);
    let before = origin.site().requests().len();
    environment.run(["resume", &environment.only_id()]).fine();
    assert_eq!(media_since(&origin, before), [] as [&str; 0]);
    // What only the auxiliary needs is repaired too.
    let store = Store::open(environment.store()).unwrap();
    let asset = store
        .asset(&AssetId::new(environment.only_id()).unwrap())
        .unwrap();
    for path in [
        "audio-2/segment-00000001.ts",
        "i-frames-1/segment-00000001.ts",
    ] {
        let digest = asset.entries()[path].digest.to_string();
        let blob = environment
            .store()
            .join(format!("blobs/b3/{}/{digest}", &digest[..2]));
        std::fs::remove_file(blob).unwrap();
    }
    drop(store);
    assert_eq!(environment.run(["verify"]).code, 1);
    let before = origin.site().requests().len();
    environment.run(["verify", "--repair"]).fine();
    assert_eq!(media_since(&origin, before), ["fr", "v1080"]);
    environment.run(["verify"]).fine();
}

#[test]
fn i_frames_are_offered_for_searching() {
    let taken = Taken::new(&["--iframes"]);
    let folder = taken.environment.export();
    let index = std::fs::read_to_string(folder.join("index.m3u8")).unwrap();
    assert!(
        index.contains("#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90,RESOLUTION=1920x1080,URI=\"i-frames-0/index.m3u8\"\n"),
        "{index}"
    );
    let local = std::fs::read_to_string(folder.join("i-frames-0/index.m3u8")).unwrap();
    assert!(local.contains("#EXT-X-I-FRAMES-ONLY"), "{local}");
    let whole = std::fs::read(folder.join("variant-1/segment-00000000.ts")).unwrap();
    let frame = std::fs::read(folder.join("i-frames-0/segment-00000001.ts")).unwrap();
    assert!(frame == whole[1880..2068]);
    assert_eq!(taken.environment.inspect()["missing"], json!([]));

    // Pieces of what is encrypted as a whole cannot be shown.
    let site = site(&TRACKS);
    site.route("/master.m3u8", Resource::new(MASTER));
    let key =
        "#EXT-X-KEY:METHOD=AES-128,URI=\"key\",IV=0x00000000000000000000000000000001\n#EXTINF:2,\n";
    site.route(
        "/i-frames.m3u8",
        Resource::new(I_FRAMES.replacen("#EXTINF:2,\n", key, 1)),
    );
    site.route("/key", Resource::new(vec![7; 16]));
    site.route(
        "/v1080/0.ts",
        Resource::new(encrypt(&transport_stream(1, 20), [7; 16], [0; 16])),
    );
    let origin = Origin::serve(site).unwrap();
    let environment = Environment::new();
    let url = origin.url("/master.m3u8").to_string();
    let said = environment
        .run(["download", &url, "--iframes", "--json"])
        .fine();
    let notes = said.events()[0]["notes"].to_string();
    assert!(notes.contains("encrypted"), "{notes}");
    assert_eq!(environment.inspect()["missing"], json!([]));
}

#[test]
fn what_would_be_taken_is_said_before_and_when_it_is() {
    let origin = rich();
    let url = origin.url("/master.m3u8").to_string();
    let environment = Environment::new();
    let choices = [
        "--auxiliary",
        "audio=fr",
        "--auxiliary",
        "variant=height=9",
        "--iframes",
    ];
    let probe = environment
        .run([&["probe", "--json", &url][..], &choices].concat())
        .fine()
        .json();
    let dry = environment
        .run([&["download", "--dry-run", "--json", &url][..], &choices].concat())
        .fine()
        .json();
    let said = environment
        .run([&["download", "--json", &url][..], &choices].concat())
        .fine();
    let resolved = &said.events()[0];
    let chosen = &resolved["chosen"];
    assert_eq!(chosen, &probe["chosen"]);
    assert_eq!(chosen, &dry["chosen"]);
    let words: Vec<(&str, &str)> = chosen
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["track"].as_str().unwrap_or("-"),
                one["kind"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        words,
        [
            ("variant-1", "main"),
            ("variant-1", "main"),
            ("audio-0", "audio"),
            ("audio-2", "audio"),
            ("subtitles-5", "subtitles"),
            ("subtitles-6", "subtitles"),
            ("-", "closed_captions"),
            ("i-frames-0", "i_frames"),
        ]
    );
    let found = environment.inspect();
    let selection = &found["media_selection"];
    assert_eq!(
        selection["closed_captions"],
        json!([{"name": "Captions", "language": "en", "forced": false, "characteristics": []}])
    );
    assert_eq!(selection["subtitles"][0]["forced"], true);
    let text = environment
        .run(["inspect", &environment.only_id()])
        .fine()
        .stdout;
    assert!(text.contains("Captions (en)"), "{text}");
    let notes = resolved["notes"].to_string();
    assert!(notes.contains("auxiliary 2"), "{notes}");
    assert_eq!(probe["i_frame_variants"][0]["selected"], true);
    let captions = &probe["renditions"][7];
    assert_eq!(
        (&captions["in_band"], &captions["selected"]),
        (&true.into(), &true.into())
    );
    assert_eq!(probe["renditions"][5]["forced"], true);
    let text = environment
        .run([&["probe", &url][..], &choices].concat())
        .fine()
        .stdout;
    assert!(
        text.contains("forced") && text.contains("describes-video") && text.contains("I-FRAMES"),
        "{text}"
    );
    let text = environment
        .run([&["download", "--dry-run", &url][..], &choices].concat())
        .fine()
        .stdout;
    assert!(text.contains("Panneaux (fr), forced"), "{text}");
}
