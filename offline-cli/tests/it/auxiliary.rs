//! Auxiliary renditions: what goes while the asset stays playable.

use segment_fetch::testing::{Origin, Resource, Site};
use serde_json::{Value, json};

use crate::environment::Environment;
use crate::policy::{open, purged, write};
use crate::stream::transport_stream;

/// A film with English and German sound, a segment each.
fn dubbed() -> Origin {
    let site = Site::new();
    site.route(
        "/master.m3u8",
        Resource::new(
            "#EXTM3U\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aud\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,URI=\"en.m3u8\"\n\
             #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aud\",NAME=\"Deutsch\",LANGUAGE=\"de\",AUTOSELECT=YES,URI=\"de.m3u8\"\n\
             #EXT-X-STREAM-INF:BANDWIDTH=80000,CODECS=\"avc1.42c01e,mp4a.40.2\",AUDIO=\"aud\"\n\
             video.m3u8\n",
        ),
    );
    for (seed, track) in (30..).zip(["video", "en", "de"]) {
        let text =
            format!("#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXTINF:4,\n{track}.ts\n#EXT-X-ENDLIST\n");
        site.route(&format!("/{track}.m3u8"), Resource::new(text));
        site.route(
            &format!("/{track}.ts"),
            Resource::new(transport_stream(seed, 100)),
        );
    }
    Origin::serve(site).unwrap()
}

#[test]
fn auxiliary_audio_goes_before_a_whole_asset_if_it_may() {
    let environment = Environment::new();
    // What may stay can be said before there is anything.
    let file = write(&environment, "make_room = \"nothing\"\n");
    environment.run(["policy", "--from", &file]).fine();
    let origin = dubbed();
    let url = origin.url("/master.m3u8");
    environment
        .run(["download", url.as_str(), "--id", "film", "--audio", "all"])
        .fine();
    let languages = || {
        let found = environment.run(["inspect", "film", "--json"]).fine().json();
        assert_eq!(found["playable_offline"], true, "{found}");
        assert_eq!(found["missing"], json!([]));
        let audio = found["media_selection"]["audio"]
            .as_array()
            .unwrap()
            .clone();
        audio
            .iter()
            .map(|option| option["language"].clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(languages(), ["en", "de"]);
    let bytes = environment.only()["bytes"].as_u64().unwrap();
    let limit = (bytes - 1_000).to_string();
    let plan = environment
        .run(["purge", "--dry-run", "--max-size", &limit, "--json"])
        .fine()
        .json();
    assert_eq!(
        plan["purged"][0]["track"],
        Value::Null,
        "it was not allowed"
    );

    environment
        .run(["policy", "film", "--drop-auxiliary", "yes"])
        .fine();
    let done = environment
        .run(["purge", "--max-size", &limit, "--json"])
        .fine()
        .json();
    assert_eq!(done["purged"][0]["track"], "audio-1");
    assert_eq!(languages(), ["en"]);
    let freed = done["freed"].as_u64().unwrap();
    assert!(freed > 18_800);
    assert_eq!(environment.only()["bytes"].as_u64().unwrap(), bytes - freed);
    assert_eq!(environment.only()["state"], "completed");
    let usage = environment.run(["usage", "--json"]).fine().json();
    assert!(
        open(&environment).usage().unwrap().blob_bytes <= bytes - freed,
        "{usage}"
    );
    let verified = environment.run(["verify", "--json"]).fine().json();
    assert_eq!(verified["missing"], json!([]));
    let again = environment
        .run(["purge", "--max-size", &limit, "--json"])
        .fine()
        .json();
    assert!(purged(&again).is_empty());
    // It comes back when it is asked for.
    environment
        .run(["download", url.as_str(), "--id", "film", "--audio", "all"])
        .fine();
    assert_eq!(languages(), ["en", "de"]);
    assert_eq!(environment.only()["bytes"].as_u64().unwrap(), bytes);
    // With all the rest it goes as a whole.
    let done = environment
        .run(["purge", "--max-size", "0", "--json"])
        .fine()
        .json();
    assert_eq!(done["purged"].as_array().unwrap().len(), 1);
    assert!(environment.list().is_empty());
}
