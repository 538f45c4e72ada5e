//! The feature `serde`.

use hls_parse::{RenditionRequest, SelectionRequest, SteeringManifest};
use serde_json::{Value, json};

use crate::selection::RICH;
use crate::{multivariant, timeline};

#[test]
fn requests_survive_json() {
    let request = SelectionRequest {
        variants: vec!["height<=1080 && codec=hvc1".parse().unwrap()],
        audio: RenditionRequest::Languages(vec!["en".into()]),
        subtitles: RenditionRequest::None,
    };
    let text = serde_json::to_string(&request).unwrap();
    assert_eq!(
        serde_json::from_str::<SelectionRequest>(&text).unwrap(),
        request
    );
    let short: SelectionRequest =
        serde_json::from_value(json!({"variants": ["max:height"], "subtitles": "all"})).unwrap();
    assert_eq!(short.subtitles, RenditionRequest::All);
    assert!(serde_json::from_value::<SelectionRequest>(json!({"variants": ["height"]})).is_err());
}

#[test]
fn what_was_resolved_can_be_written_as_json() {
    let timeline = timeline(concat!(
        "#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI=\"k\"\n",
        "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n#EXTINF:6.5,\n#EXT-X-BYTERANGE:5@10\nall\n",
    ));
    let value = serde_json::to_value(&timeline).unwrap();
    let segment = &value["segments"][0];
    assert_eq!(segment["url"], "https://example.com/film/all");
    assert_eq!(segment["duration"], 6.5);
    assert_eq!(segment["byte_range"], json!({"start": 10, "length": 5}));
    assert_eq!(segment["program_date_time"], "2026-01-01T00:00:00Z");
    assert_eq!(value["keys"][0]["method"], "AES-128");

    let value = serde_json::to_value(multivariant(RICH)).unwrap();
    assert_eq!(value["variants"][1]["bandwidth"], 8);
    assert_eq!(value["renditions"][0]["kind"], "AUDIO");

    let parsed = hls_parse::parse(b"#EXTM3U\n#EXTINF:6,\na\n").unwrap();
    let Value::Array(diagnostics) = serde_json::to_value(&parsed.diagnostics).unwrap() else {
        unreachable!("a list is a list");
    };
    assert_eq!(diagnostics[0]["rule"], "HLS022");
    assert_eq!(diagnostics[0]["severity"], "error");
}

#[test]
fn a_steering_manifest_is_read() {
    let manifest: SteeringManifest = serde_json::from_value(json!({
        "VERSION": 1, "TTL": 300, "RELOAD-URI": "/again", "PATHWAY-PRIORITY": ["C", "A"], "UNKNOWN": {},
        "PATHWAY-CLONES": [{"BASE-ID": "A", "ID": "C", "URI-REPLACEMENT": {
            "HOST": "c.example.com", "PARAMS": {"t": "1"}, "PER-VARIANT-URIS": {"v": "https://c.example.com/v"},
        }}],
    }))
    .unwrap();
    assert_eq!((manifest.version, manifest.ttl), (1, 300));
    let clone = &manifest.pathway_clones[0];
    assert_eq!((clone.base_id.as_str(), clone.id.as_str()), ("A", "C"));
    assert_eq!(
        clone.uri_replacement.per_variant_uris["v"],
        "https://c.example.com/v"
    );
    let mut resolved = multivariant(RICH);
    assert!(resolved.clone_pathways(&manifest.pathway_clones).is_empty());
    assert_eq!(manifest.preferred_pathway(&resolved), Some("C"));
}
