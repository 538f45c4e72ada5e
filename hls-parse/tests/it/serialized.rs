//! The feature `serde`.

use std::time::Duration;

use hls_parse::{RenditionRequest, SelectionRequest, SteeringManifest};
use serde_json::{Value, json};

use crate::selection::RICH;
use crate::{context, media, multivariant, timeline};

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
    let variant = multivariant(
        "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=7,CODECS=\"avc1.640028\",FRAME-RATE=25,HDCP-LEVEL=NONE,CLOSED-CAPTIONS=NONE\nv\n",
    );
    assert_eq!(
        serde_json::to_value(&variant.variants[0]).unwrap(),
        json!({
            "url": "https://example.com/film/v", "bandwidth": 7, "average_bandwidth": null, "score": null, "codecs": "avc1.640028",
            "supplemental_codecs": null, "resolution": null, "frame_rate": 25.0, "hdcp_level": "NONE", "allowed_cpc": null, "video_range": null,
            "video_layout": null, "stable_variant_id": null, "pathway_id": null, "audio": null, "video": null, "subtitles": null,
            "closed_captions": "none", "name": null, "line": 2,
        })
    );

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

#[test]
fn what_low_latency_playlists_add_is_written() {
    let first = timeline(concat!(
        "#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:7\n#EXT-X-PART-INF:PART-TARGET=0.5\n",
        "#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.5,CAN-SKIP-UNTIL=24\n",
        "#EXTINF:4,\n7.mp4\n#EXT-X-PART:URI=\"8.mp4\",DURATION=0.5,BYTERANGE=\"10@0\",INDEPENDENT=YES\n",
        "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"8.mp4\",BYTERANGE-START=10\n",
        "#EXT-X-RENDITION-REPORT:URI=\"low.m3u8\",LAST-MSN=8,LAST-PART=0\n",
    ));
    let value = serde_json::to_value(&first).unwrap();
    assert_eq!(value["part_target"], 0.5);
    assert_eq!(value["server_control"]["can_skip_until"], 24.0);
    assert_eq!(value["server_control"]["hold_back"], Value::Null);
    assert_eq!(
        value["parts"][0],
        json!({
            "url": "https://example.com/film/8.mp4", "media_sequence_number": 8, "index": 0, "start": 4.0, "duration": 0.5,
            "byte_range": {"start": 0, "length": 10}, "map": null, "independent": true, "gap": false, "keys": [],
        })
    );
    assert_eq!(value["pending"]["part_count"], 1);
    assert_eq!(
        value["preload_hints"],
        json!([{"kind": "part", "url": "https://example.com/film/8.mp4", "start": 10, "length": null}])
    );
    assert_eq!(
        value["rendition_reports"],
        json!([{"url": "https://example.com/film/low.m3u8", "last_media_sequence_number": 8, "last_part": 0}])
    );
    let directives = serde_json::to_value(first.next_directives(Duration::ZERO)).unwrap();
    assert_eq!(
        directives,
        json!({"media_sequence_number": 8, "part": 1, "skip": "segments"})
    );

    let next = media(
        "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MEDIA-SEQUENCE:7\n#EXTINF:4,\n7.mp4\n#EXTINF:4,\n8.mp4\n",
    );
    let update = serde_json::to_value(first.update(&next, &context()).unwrap()).unwrap();
    assert_eq!(update["change"], "advanced");
    assert_eq!(update["added"], json!({"start": 1, "end": 2}));
    assert_eq!(
        (&update["removed"], &update["missed"]),
        (&json!(0), &json!(0))
    );
    assert_eq!(
        update["timeline"]["segments"][1]["media_sequence_number"],
        8
    );
}

#[test]
fn date_ranges_and_interstitials_are_written() {
    let value = serde_json::to_value(timeline(concat!(
        "#EXTM3U\n#EXT-X-START:TIME-OFFSET=-1.5\n#EXT-X-CUE-OUT:30\n#EXTINF:6,\na.ts\n#EXT-X-ENDLIST\n",
        "#EXT-X-DATERANGE:ID=\"ad\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"2026-01-01T00:00:00Z\",DURATION=15.5,CUE=\"PRE,ONCE\",",
        "X-ASSET-LIST=\"ads.json\",X-RESUME-OFFSET=-1,X-SNAP=\"IN\",X-SKIP-CONTROL-OFFSET=5,SCTE35-OUT=0xFC30\n",
    )))
    .unwrap();
    assert_eq!(value["start"]["time_offset"], -1.5);
    assert_eq!(value["foreign_tags"][0]["name"], "EXT-X-CUE-OUT");
    let range = &value["date_ranges"][0];
    assert_eq!(range["id"], "ad");
    assert_eq!(range["end"], "2026-01-01T00:00:15.5Z");
    assert_eq!(range["duration"], 15.5);
    assert_eq!(
        range["cue"],
        json!({"pre": true, "post": false, "once": true})
    );
    assert_eq!(range["scte35_out"], "0xFC30");
    assert_eq!(range["attributes"]["X-SNAP"], "IN");
    assert_eq!(range["preload"], Value::Null);
    let interstitial = &range["interstitial"];
    assert_eq!(
        interstitial["asset"],
        json!({"list": "https://example.com/film/ads.json"})
    );
    assert_eq!(interstitial["resume_offset"], -1.0);
    assert_eq!(interstitial["snap"], json!({"out": false, "back_in": true}));
    assert_eq!(interstitial["timeline_occupies"], "point");
    assert_eq!(
        interstitial["skip_control"],
        json!({"offset": 5.0, "duration": null, "label_id": null})
    );
}

#[test]
fn what_was_selected_is_written() {
    let playlist = multivariant(RICH);
    let selection = playlist.select(&SelectionRequest::default()).unwrap();
    let value = serde_json::to_value(&selection).unwrap();
    assert_eq!(value["variants"], json!(selection.variants));
    assert_eq!(value["qualifier"], Value::Null);
    let playlists = serde_json::to_value(playlist.media_playlists(&selection)).unwrap();
    assert_eq!(
        playlists[0]["users"][0],
        json!({"variant": selection.variants[0]})
    );
}
