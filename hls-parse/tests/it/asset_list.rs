//! Asset lists of interstitials.

use std::time::Duration;

use hls_parse::{AssetList, ErrorKind, ListedAsset};
use proptest::prelude::*;
use serde_json::json;
use url::Url;

fn read(text: &str) -> serde_json::Result<AssetList> {
    serde_json::from_str(text)
}

#[test]
fn a_list_is_read_and_its_addresses_are_known() {
    let list = read(
        r#"{"ASSETS": [
            {"URI": "https://ads.example.com/1.m3u8", "DURATION": 15.5, "X-TRACKING": {"deep": [1]}},
            {"URI": "../2.m3u8", "DURATION": 10}
        ], "X-SESSION": null, "SKIP-CONTROL": {"OFFSET": 5, "DURATION": 2, "LABEL-ID": "skip"}}"#,
    )
    .unwrap();
    assert_eq!(list.defects, []);
    let durations: Vec<_> = list.assets.iter().map(|asset| asset.duration).collect();
    assert_eq!(
        durations,
        [
            Some(Duration::from_millis(15_500)),
            Some(Duration::from_secs(10))
        ]
    );
    let base = Url::parse("https://lists.example.com/a/b.json?x=1").unwrap();
    let urls = list
        .assets
        .iter()
        .map(|asset| asset.url(&base).unwrap().to_string());
    assert_eq!(
        urls.collect::<Vec<_>>(),
        [
            "https://ads.example.com/1.m3u8",
            "https://lists.example.com/2.m3u8"
        ]
    );
    let control = list.skip_control.unwrap();
    assert_eq!(
        (
            control.offset,
            control.duration,
            control.label_id.as_deref()
        ),
        (
            Some(Duration::from_secs(5)),
            Some(Duration::from_secs(2)),
            Some("skip")
        )
    );
    let nowhere = ListedAsset {
        uri: "http://[".into(),
        duration: None,
    };
    assert_eq!(
        nowhere.url(&base).unwrap_err().kind(),
        ErrorKind::InvalidUrl
    );
}

#[test]
fn what_players_forgive_is_forgiven_and_reported() {
    let list = read(
        r#"{"ASSETS": [{"DURATION": 1}, "text", [[]], null, 7, {"URI": "", "DURATION": 1}, {"URI": ["u"]},
            {"URI": "a", "DURATION": " 2.5 "}, {"URI": "b", "DURATION": -1}, {"URI": "c", "DURATION": {"s": 1}}, {"URI": "d"}],
            "SKIP-CONTROL": {"OFFSET": "x", "LABEL-ID": 3}}"#,
    )
    .unwrap();
    let kept: Vec<_> = list.assets.iter().map(|asset| asset.uri.as_str()).collect();
    assert_eq!(kept, ["a", "b", "c", "d"]);
    assert_eq!(list.assets[0].duration, Some(Duration::from_millis(2500)));
    assert!(
        list.assets[1..]
            .iter()
            .all(|asset| asset.duration.is_none())
    );
    assert_eq!(list.skip_control, None);
    let told: Vec<String> = list.defects.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "ASSETS[0] has no URI; it was left out",
            "ASSETS[1] is no object; it was left out",
            "ASSETS[2] is no object; it was left out",
            "ASSETS[3] is no object; it was left out",
            "ASSETS[4] is no object; it was left out",
            "ASSETS[5] has no URI; it was left out",
            "ASSETS[6] has no URI; it was left out",
            "ASSETS[8] has a DURATION that is no time; it was left out",
            "ASSETS[9] has a DURATION that is no time; it was left out",
            "ASSETS[10] has no DURATION",
            "SKIP-CONTROL has an OFFSET that is no time; it was left out",
            "SKIP-CONTROL has a LABEL-ID that is no text; it was left out",
        ]
    );
    // An empty list is one: there is nothing to be played.
    assert_eq!(read(r#"{"ASSETS": []}"#).unwrap(), AssetList::default());
    // The last of a name counts.
    let twice = read(r#"{"ASSETS": [{"URI": "a"}], "ASSETS": [{"URI": "b"}, {"URI": "c"}]}"#);
    assert_eq!(twice.unwrap().assets.len(), 2);
    let no_control = read(r#"{"SKIP-CONTROL": [], "ASSETS": []}"#).unwrap();
    assert_eq!(
        no_control.defects[0].to_string(),
        "SKIP-CONTROL is no object; it was left out"
    );
}

#[test]
fn what_is_no_list_is_an_error_with_its_place() {
    for (text, what, line, column) in [
        (
            "{\n \"ASSETS\": \"x\"}",
            "expected an array of assets",
            2,
            14,
        ),
        ("[]", "expected an asset list", 1, 0),
        ("{}", "missing field `ASSETS`", 1, 2),
        ("{\"ASSETS\": [", "EOF", 1, 12),
        ("<html>", "expected value", 1, 1),
    ] {
        let error = read(text).unwrap_err();
        assert!(error.to_string().contains(what), "{text}: {error}");
        assert_eq!((error.line(), error.column()), (line, column), "{text}");
    }
    let many = |count| {
        let assets = vec![json!({"URI": "a", "DURATION": 1}); count];
        read(&json!({ "ASSETS": assets }).to_string())
    };
    assert_eq!(many(AssetList::MAX_ASSETS).unwrap().assets.len(), 1000);
    let error = many(AssetList::MAX_ASSETS + 1).unwrap_err();
    assert!(error.to_string().starts_with("more than 1000 assets"));
    for deep in [
        "[".repeat(100_000),
        format!("{{\"ASSETS\": {}", "[".repeat(100_000)),
        format!("{{\"ASSETS\": [{{\"URI\": {}", "{\"a\":".repeat(100_000)),
        format!("{{\"OTHER\": {}", "[".repeat(100_000)),
    ] {
        read(&deep).unwrap_err();
    }
}

proptest! {
    /// What is written says the same when it is read.
    #[test]
    fn lists_survive_json(
        assets in proptest::collection::vec(("[ -~é\u{0}-\u{1f}]{1,12}", proptest::option::of(0_u64..4_000_000_000)), 0..5),
        control in proptest::option::of((0_u64..100_000, "[A-Za-z_-]{1,8}")),
    ) {
        let mut list = AssetList {
            assets: assets
                .into_iter()
                .map(|(uri, milliseconds)| ListedAsset { uri, duration: milliseconds.map(Duration::from_millis) })
                .collect(),
            ..AssetList::default()
        };
        if let Some((offset, label)) = control {
            let text = json!({"ASSETS": [], "SKIP-CONTROL": {"OFFSET": offset, "LABEL-ID": label}}).to_string();
            list.skip_control = read(&text).unwrap().skip_control;
        }
        let written = serde_json::to_string(&list).unwrap();
        let again = read(&written).unwrap();
        prop_assert_eq!((&again.assets, &again.skip_control), (&list.assets, &list.skip_control));
        prop_assert_eq!(again.defects.len(), list.assets.iter().filter(|asset| asset.duration.is_none()).count());
    }

    /// Whatever comes: an answer, and as many assets and defects as there is text for.
    #[test]
    fn anything_is_read_or_refused(text in "(\\{\"ASSETS\":\\[)?([\\[\\]{}:,\"0-9eE.+-]|\"URI\":|\"DURATION\":|\"SKIP-CONTROL\":|null|\\\\u){0,40}(\\]\\})?") {
        if let Ok(list) = read(&text) {
            prop_assert!(list.assets.len() + list.defects.len() <= 2 * text.len());
        }
    }
}
