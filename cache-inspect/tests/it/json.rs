//! What programs get.

use std::time::{Duration, SystemTime};

use cache_inspect::{File, inspect};
use serde_json::json;

use crate::support::{asset, audio, main_track, variant, with_audio};

#[test]
fn an_inspection_has_the_documented_fields() {
    let mut first = with_audio(variant("1", 100, 0), &[1]);
    first.resolution = Some((1280, 720));
    first.codecs = Some("avc1.64001f,mp4a.40.2".to_owned());
    let mut description = asset(vec![first], vec![main_track("+-"), audio("English", "++")]);
    description.tracks[1].language = Some("en".to_owned());
    description.tracks[1].group = Some("aac".to_owned());
    description.tracks[0].segments[1].duration /= 8;
    description.files = vec![File {
        length: 7,
        track: Some(0),
        ..File::default()
    }];
    description.freshness.last_verified =
        Some(SystemTime::UNIX_EPOCH + Duration::from_secs(86_400));
    assert_eq!(
        serde_json::to_value(inspect(&description)).unwrap(),
        json!({
            "id": "asset",
            "title": "A title",
            "playable_offline": false,
            "why_not": [{"kind": "media_incomplete", "variant": "1", "incomplete": {
                "missing": 1, "segments": 2, "first": 4.0, "missing_maps": 0, "missing_keys": 0,
            }}],
            "key_systems": [],
            "bytes": 7,
            "duration": 4.5,
            "loaded_time_ranges": [[0.0, 4.0]],
            "variants": [{
                "id": "1", "bandwidth": 100, "resolution": "1280x720", "codecs": "avc1.64001f,mp4a.40.2",
                "complete": false, "playable": false, "segments": 2, "segments_present": 1,
            }],
            "media_selection": {
                "audio": [{"name": "English", "language": "en", "forced": false, "characteristics": []}],
                "subtitles": [],
                "closed_captions": [],
            },
            "groups": [{
                "kind": "audio", "group": "aac",
                "options": [{"name": "English", "language": "en", "complete": true}],
            }],
            "freshness": {"created": null, "last_verified": 86400, "last_played": null, "drift": null, "last_compared": null},
            "missing": [{
                "track": 0, "what": "segment", "start": 4.0, "duration": 0.5,
                "url": "https://media.example/main/1.ts?sig=secret",
            }],
            "tracks": [
                {
                    "kind": "main", "group": null, "name": "main", "language": null, "selected": true,
                    "complete": false, "segments": 2, "segments_present": 1, "bytes": 7, "loaded_time_ranges": [[0.0, 4.0]],
                },
                {
                    "kind": "audio", "group": "aac", "name": "English", "language": "en", "selected": true,
                    "complete": true, "segments": 2, "segments_present": 2, "bytes": 0, "loaded_time_ranges": [[0.0, 8.0]],
                },
            ],
        })
    );
}
