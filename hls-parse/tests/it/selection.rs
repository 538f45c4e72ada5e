//! Qualifiers, and the choice of variants and renditions.

use hls_parse::{ErrorKind, Qualifier, RenditionKind, RenditionRequest, SelectionRequest};

use crate::multivariant;

const TEXT: &str = concat!(
    "#EXTM3U\n",
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,CHANNELS=\"2\",URI=\"en\"\n",
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"Deutsch\",LANGUAGE=\"de-AT\",CHANNELS=\"6\",SAMPLE-RATE=48000,URI=\"de\"\n",
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"b\",NAME=\"English\",LANGUAGE=\"en\",URI=\"en2\"\n",
    "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"English\",LANGUAGE=\"EN-us\",URI=\"s_en\"\n",
    "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"Deutsch\",LANGUAGE=\"de\",AUTOSELECT=YES,URI=\"s_de\"\n",
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"c\",NAME=\"Inside\"\n",
    "#EXT-X-STREAM-INF:BANDWIDTH=900000,RESOLUTION=640x360,CODECS=\"avc1.4d401e,mp4a.40.2\",AUDIO=\"b\",SCORE=2\nlow\n",
    "#EXT-X-STREAM-INF:BANDWIDTH=5000000,AVERAGE-BANDWIDTH=4000000,RESOLUTION=1280x720,CODECS=\"avc1.64001f\",AUDIO=\"a\",SUBTITLES=\"s\",FRAME-RATE=29.97,VIDEO-RANGE=SDR\nmid\n",
    "#EXT-X-STREAM-INF:BANDWIDTH=5000000,RESOLUTION=1920x1080,CODECS=\"hvc1.2.4.L123.B0\",AUDIO=\"a\",SUBTITLES=\"s\",VIDEO-RANGE=PQ\nhigh\n",
    "#EXT-X-STREAM-INF:BANDWIDTH=64000,CODECS=\"mp4a.40.2\",AUDIO=\"c\"\naudio\n",
);

fn choose(qualifiers: &[&str]) -> (usize, Option<usize>) {
    let request = SelectionRequest {
        variants: qualifiers
            .iter()
            .map(|text| text.parse().unwrap())
            .collect(),
        ..SelectionRequest::default()
    };
    let selection = multivariant(TEXT).select(&request).unwrap();
    (selection.variants[0], selection.qualifier)
}

#[test]
fn qualifiers_choose_among_variants() {
    for (qualifiers, expected) in [
        (&[][..], (2, None)),
        (&["height<=720"], (1, Some(0))),
        (
            &["height<100", "codec=avc1 && peak-bitrate<1M"],
            (0, Some(1)),
        ),
        (&["height<100"], (2, None)),
        (&["min:peak-bitrate"], (3, Some(0))),
        (&["max:average-bitrate"], (1, Some(0))),
        (&["min:height"], (0, Some(0))),
        (&["frame-rate=29.97"], (1, Some(0))),
        (&["video-range!=SDR"], (2, Some(0))),
        (&["codec!=avc1"], (2, Some(0))),
        (&["channels>2 && height<=720"], (1, Some(0))),
        (&["sample-rate==48K && width<1920"], (1, Some(0))),
        (&["score>=1.5"], (0, Some(0))),
        (&["average-bitrate!=1"], (1, Some(0))),
    ] {
        assert_eq!(choose(qualifiers), expected, "{qualifiers:?}");
    }
}

#[test]
fn an_expression_that_cannot_be_read_says_where() {
    for (text, position) in [
        ("", 1),
        ("height", 7),
        ("height<", 8),
        ("height<10x80", 8),
        ("codec<avc1", 6),
        ("height<1080 & width<1", 13),
        ("height<1080 &&", 15),
        ("max:codec", 10),
        ("max:height && width<1", 12),
    ] {
        let error = text.parse::<Qualifier>().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidExpression);
        assert!(
            error.to_string().contains(&format!("position {position} ")),
            "{text:?}: {error}"
        );
    }
}

fn renditions(
    audio: &str,
    subtitles: &str,
    variant: &str,
) -> (Vec<usize>, Vec<(RenditionKind, String)>) {
    let request = SelectionRequest {
        variants: vec![variant.parse().unwrap()],
        audio: audio.parse().unwrap(),
        subtitles: subtitles.parse().unwrap(),
    };
    let selection = multivariant(TEXT).select(&request).unwrap();
    let unmatched = selection
        .unmatched
        .into_iter()
        .map(|unmatched| (unmatched.kind, unmatched.language))
        .collect();
    (selection.renditions, unmatched)
}

#[test]
fn renditions_are_chosen_from_the_groups_of_the_variant() {
    let high = "height=1080";
    assert_eq!(renditions("auto", "auto", high).0, [0, 4]);
    assert_eq!(renditions("all", "all", high).0, [0, 1, 3, 4]);
    assert_eq!(renditions("none", "none", high).0, [] as [usize; 0]);
    assert_eq!(renditions("DE", "en", high).0, [1, 3]);
    assert_eq!(renditions("de-DE,en-GB", "none", high).0, [0, 1]);
    assert_eq!(renditions("auto", "auto", "height=360").0, [2]);
    assert_eq!(renditions("none", "auto", "min:peak-bitrate").0, [5]);
    let (chosen, unmatched) = renditions("fr", "fr,d", high);
    assert_eq!(chosen, [0]);
    let subtitles = RenditionKind::Subtitles;
    assert_eq!(
        unmatched,
        [
            (RenditionKind::Audio, "fr".into()),
            (subtitles.clone(), "fr".into()),
            (subtitles, "d".into())
        ]
    );
}

#[test]
fn requests_for_renditions_are_checked() {
    assert_eq!(
        "auto".parse::<RenditionRequest>().unwrap(),
        RenditionRequest::Automatic
    );
    for text in ["", "en,", "en,d e", "a\"b"] {
        assert_eq!(
            text.parse::<RenditionRequest>().unwrap_err().kind(),
            ErrorKind::InvalidExpression,
            "{text:?}"
        );
    }
}

#[test]
fn there_must_be_a_variant() {
    let error = multivariant("#EXTM3U\n#EXT-X-SESSION-KEY:METHOD=AES-128,URI=\"k\"\n")
        .select(&SelectionRequest::default())
        .unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoVariant);
}
