//! Date ranges and advertisement markers in localized playlists.

use hls_parse::{Severity, parse};
use proptest::prelude::*;

use crate::local::Files;
use crate::{rules, timeline};

const DATED: &str = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:6\n#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n#EXTINF:6,\na\n#EXTINF:6,\nb\n";

/// The lines of the localized playlist that are neither of its header nor of its segments.
fn kept(tags: &str, files: &Files) -> Vec<String> {
    let text = timeline(&format!("{DATED}{tags}#EXT-X-ENDLIST\n")).write_local(files, true);
    assert_eq!(rules(&text), Vec::<String>::new(), "{text}");
    let lines = text.lines().filter(|line| {
        line.starts_with("#EXT-X-DATERANGE:") || line.contains("CUE") || line.contains("SCTE")
    });
    lines.map(str::to_owned).collect()
}

#[test]
fn ranges_that_need_no_network_stay() {
    let tags = concat!(
        "#EXT-X-DATERANGE:ID=\"chapter\",CLASS=\"c\",START-DATE=\"2026-01-01T01:00:01.5+01:00\",END-ON-NEXT=YES,X-TITLE=\"One\",X-N=-4.50,X-H=0xab\n",
        "#EXT-X-DATERANGE:ID=\"next\",CLASS=\"c\",START-DATE=\"2026-01-01T00:00:03Z\",PLANNED-DURATION=2.50\n#EXT-X-DATERANGE:ID=\"next\",DURATION=2\n",
        "#EXT-X-DATERANGE:ID=\"splice\",START-DATE=\"2026-01-01T00:00:04Z\",SCTE35-OUT=0xFC00,SCTE35-IN=0xfc01,CUE=\"PRE,ONCE\",OTHER=\"x\",X-ASSET-LIST=\"list\"\n",
    );
    let expected = [
        "#EXT-X-DATERANGE:ID=\"chapter\",CLASS=\"c\",START-DATE=\"2026-01-01T00:00:01.5Z\",END-DATE=\"2026-01-01T00:00:03Z\",X-H=0xAB,X-N=-4.50,X-TITLE=\"One\"",
        "#EXT-X-DATERANGE:ID=\"next\",CLASS=\"c\",START-DATE=\"2026-01-01T00:00:03Z\",DURATION=2,PLANNED-DURATION=2.5",
        "#EXT-X-DATERANGE:ID=\"splice\",START-DATE=\"2026-01-01T00:00:04Z\",CUE=\"PRE,ONCE\",SCTE35-OUT=0xFC00",
    ];
    assert_eq!(kept(tags, &Files::default()), expected);
}

#[test]
fn ranges_stand_before_the_first_segment_and_need_a_date() {
    let range = "#EXT-X-DATERANGE:ID=\"a\",START-DATE=\"2026-01-01T00:00:01Z\"\n";
    let text = timeline(&format!("{DATED}{range}")).write_local(&Files::default(), false);
    assert!(
        text.contains(&format!(
            "#EXT-X-START:TIME-OFFSET=0\n{range}#EXT-X-PROGRAM-DATE-TIME:"
        )),
        "{text}"
    );
    let undated = DATED.replace("#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n", "");
    let text = timeline(&format!("{undated}{range}")).write_local(&Files::default(), false);
    assert!(!text.contains("DATERANGE"), "{text}");
}

#[test]
fn what_would_be_loaded_is_left_out_unless_it_is_there() {
    let tags = concat!(
        "#EXT-X-DATERANGE:ID=\"ad\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"2026-01-01T00:00:00Z\",X-ASSET-URI=\"https://ads.example.com/1\",X-SNAP=\"OUT\"\n",
        "#EXT-X-DATERANGE:ID=\"list\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"2026-01-01T00:00:00Z\",X-ASSET-LIST=\"ads\"\n",
        "#EXT-X-DATERANGE:ID=\"broken\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"2026-01-01T00:00:00Z\"\n",
        "#EXT-X-DATERANGE:ID=\"ahead\",CLASS=\"com.apple.hls.preload\",START-DATE=\"2026-01-01T00:00:00Z\",DURATION=1,X-URI=\"u\",X-TARGET-ID=\"ad\",X-TARGET-CLASS=\"c\"\n",
    );
    assert_eq!(kept(tags, &Files::default()), [""; 0]);
    let files = Files {
        asset: Some("http://localhost/a\"d".into()),
        ..Files::default()
    };
    let expected = [
        "#EXT-X-DATERANGE:ID=\"ad\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"2026-01-01T00:00:00Z\",X-SNAP=\"OUT\",X-ASSET-URI=\"http://localhost/a%22d\"",
        "#EXT-X-DATERANGE:ID=\"list\",CLASS=\"com.apple.hls.interstitial\",START-DATE=\"2026-01-01T00:00:00Z\",X-ASSET-LIST=\"http://localhost/a%22d\"",
    ];
    assert_eq!(kept(tags, &files), expected);
}

#[test]
fn markers_stay_where_they_were() {
    let text = concat!(
        "#EXTM3U\n#EXT-X-TARGETDURATION:6\n#EXTINF:6,\na\n#EXT-OATCLS-SCTE35:/DA=\n#EXT-X-OTHER:1\n#EXT-X-CUE-OUT:12\n#EXTINF:6,\nb\n",
        "#EXT-X-CUE-OUT-CONT:6/12\n#EXT-X-GAP\n#EXTINF:6,\nc\n#EXT-X-CUE-IN\n#EXT-X-ENDLIST\n",
    );
    let local = timeline(text).write_local(&Files::default(), true);
    assert!(local.ends_with(concat!(
        "#EXTINF:6,\ns0.ts\n#EXT-OATCLS-SCTE35:/DA=\n#EXT-X-CUE-OUT:12\n#EXTINF:6,\ns1.ts\n",
        "#EXT-X-CUE-OUT-CONT:6/12\n#EXT-X-GAP\n#EXTINF:6,\ngap-2\n#EXT-X-CUE-IN\n#EXT-X-ENDLIST\n",
    )), "{local}");
}

fn attribute() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["CLASS", "X-A", "x-b", "X-C", "X-ASSET-URI", "Q"]);
    let value = prop_oneof![
        "\"[ -!#-~]{0,9}\"",
        "[!-~\u{1}é\t]{0,6}",
        Just("0xF".to_owned()),
        Just("-1.5".to_owned())
    ];
    let typed = prop::sample::select(vec![
        "END-ON-NEXT=YES",
        "END-DATE=\"2026-01-01T00:00:00Z\"",
        "END-DATE=\"2026-01-03T00:00:00Z\"",
        "DURATION=5.0000001",
        "DURATION=18446744073",
        "PLANNED-DURATION=1.5",
        "CUE=\"POST,PRE,X\"",
        "SCTE35-OUT=0xFC",
        "SCTE35-IN=0xFC",
        "SCTE35-CMD=0x00",
        "CLASS=\"com.apple.hls.interstitial\"",
        "X-ASSET-LIST=\"l\"",
    ]);
    prop_oneof![
        (name, value).prop_map(|(name, value)| format!(",{name}={value}")),
        typed.prop_map(|typed| format!(",{typed}")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn whatever_ranges_say_the_local_ones_break_no_rule(
        ranges in prop::collection::vec(("[a-c\\\\'{$ ]{1,2}", 0..3u32, prop::collection::vec(attribute(), 0..6)), 0..5),
        has_asset in any::<bool>(),
    ) {
        let mut text = DATED.to_owned();
        for (id, day, attributes) in &ranges {
            text.push_str(&format!("#EXT-X-DATERANGE:ID=\"{id}\",START-DATE=\"2026-01-0{}T00:00:00Z\"{}\n", day + 1, attributes.concat()));
        }
        let Ok(original) = crate::resolved(&text) else {
            return Ok(());
        };
        let files = Files { asset: has_asset.then(|| "http://localhost/ad".into()), ..Files::default() };
        let local = original.write_local(&files, true);
        let parsed = parse(local.as_bytes()).unwrap();
        let bad: Vec<_> = parsed.diagnostics.iter().filter(|found| found.severity > Severity::Warning).collect();
        prop_assert!(bad.is_empty(), "{:?} in {} of {}", bad, local, text);
        let copy = timeline(&local);
        for range in copy.date_ranges() {
            let given = original.date_ranges().iter().find(|given| range.id == given.id.replace("{$", "{ $")).unwrap();
            prop_assert_eq!((range.start, range.end), (given.start, given.end));
        }
        let lists = local.lines().filter_map(|line| line.strip_prefix("#EXT-X-DATERANGE:"));
        let mut names = lists.flat_map(hls_parse::attributes).map(|attribute| attribute.name);
        prop_assert!(has_asset || !names.any(|name| name.starts_with("X-ASSET")), "{}", local);
    }
}
