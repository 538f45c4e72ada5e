//! Qualifiers, and the choice of variants and renditions.

use hls_parse::{
    AuxiliaryRequest, ErrorKind, MediaSelectionCriteria, PlaylistUser, Qualifier, RenditionKind,
    RenditionRequest, SelectionOptions, SelectionRequest,
};

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

pub(crate) const RICH: &str = concat!(
    "#EXTM3U\n#EXT-X-CONTENT-STEERING:SERVER-URI=\"/steer?b=1\",PATHWAY-ID=\"B\"\n",
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"1\",LANGUAGE=\"en\",DEFAULT=YES,CHANNELS=\"2\",CHARACTERISTICS=\"public.accessibility.describes-video\",URI=\"d\"\n",
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"2\",LANGUAGE=\"en\",AUTOSELECT=YES,CHANNELS=\"2\",STABLE-RENDITION-ID=\"en\",URI=\"https://b.example.com/e?x=1\"\n",
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"3\",LANGUAGE=\"en\",CHANNELS=\"6\",URI=\"e6\"\n",
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"4\",LANGUAGE=\"de\",CHANNELS=\"8\",URI=\"g\"\n",
    "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"1\",LANGUAGE=\"en\",FORCED=YES,AUTOSELECT=YES,URI=\"sf\"\n",
    "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"2\",LANGUAGE=\"en\",CHARACTERISTICS=\"public.accessibility.transcribes-spoken-dialog,public.easy-to-read\",URI=\"se\"\n",
    "#EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"s\",NAME=\"3\",LANGUAGE=\"de\",FORCED=YES,URI=\"sg\"\n",
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"b\",NAME=\"1\",LANGUAGE=\"en\",DEFAULT=YES,CHANNELS=\"6\",URI=\"surround\"\n",
    "#EXT-X-STREAM-INF:BANDWIDTH=9,RESOLUTION=1920x1080,AUDIO=\"a\",PATHWAY-ID=\"A\"\nhttps://a.example.com/high\n",
    "#EXT-X-STREAM-INF:BANDWIDTH=8,RESOLUTION=1920x1080,AUDIO=\"a\",SUBTITLES=\"s\",PATHWAY-ID=\"B\",STABLE-VARIANT-ID=\"high\"\nhttps://b.example.com/high?x=1&token=0\n",
    "#EXT-X-STREAM-INF:BANDWIDTH=7,RESOLUTION=1920x1080,AUDIO=\"b\",PATHWAY-ID=\"B\"\nhttps://b.example.com/high?x=1&token=0\n",
    "#EXT-X-STREAM-INF:BANDWIDTH=10,RESOLUTION=3840x2160,AUDIO=\"b\",PATHWAY-ID=\"B\"\nhttps://b.example.com/highest\n",
    "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=3,RESOLUTION=3840x2160,URI=\"i4\",PATHWAY-ID=\"B\"\n",
    "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=2,RESOLUTION=1280x720,URI=\"i2\",PATHWAY-ID=\"B\"\n",
    "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=1,RESOLUTION=640x360,URI=\"i1\",PATHWAY-ID=\"B\"\n",
);

fn with_bandwidth(bandwidth: &str) -> SelectionRequest {
    SelectionRequest {
        variants: vec![format!("peak-bitrate={bandwidth}").parse().unwrap()],
        ..SelectionRequest::default()
    }
}

fn fits(criteria: MediaSelectionCriteria) -> (Vec<usize>, Vec<String>) {
    let request = SelectionRequest {
        subtitles: RenditionRequest::None,
        ..with_bandwidth("8")
    };
    let options = SelectionOptions {
        audio: Some(criteria),
        ..SelectionOptions::default()
    };
    let selection = multivariant(RICH).select_with(&request, &options).unwrap();
    let languages = selection.unmatched.into_iter();
    let characteristics = selection.unmatched_characteristics.into_iter();
    let unmatched = characteristics
        .map(|unmatched| unmatched.characteristic)
        .chain(languages.map(|unmatched| unmatched.language));
    (selection.renditions, unmatched.collect())
}

#[test]
fn criteria_choose_the_rendition_that_fits_best() {
    let text = |words: &[&str]| {
        words
            .iter()
            .map(|word| (*word).to_owned())
            .collect::<Vec<_>>()
    };
    let described = "public.accessibility.describes-video";
    let of = |languages: &[&str], required: &[&str], preferred: &[&str], max_channels| {
        fits(MediaSelectionCriteria {
            languages: text(languages),
            required_characteristics: text(required),
            preferred_characteristics: text(preferred),
            max_channels,
        })
    };
    // Nobody asked for a description of the pictures, though it is the default.
    assert_eq!(of(&["en"], &[], &[], None), (vec![1], vec![]));
    assert_eq!(of(&[], &[], &[], None), (vec![1], vec![]));
    assert_eq!(of(&["en"], &[], &[described], None), (vec![0], vec![]));
    // What is required goes before the language.
    assert_eq!(
        of(&["de", "en"], &[described], &[], None),
        (vec![0], vec![])
    );
    assert_eq!(of(&["de-CH", "en"], &[], &[], None), (vec![3], vec![]));
    assert_eq!(of(&["en-GB"], &[], &[], Some(6)), (vec![2], vec![]));
    assert_eq!(of(&["de", "en"], &[], &[], Some(7)), (vec![2], vec![]));
    // Sound in another language is better than none.
    assert_eq!(of(&["fr"], &[], &[], None), (vec![1], text(&["fr"])));
    assert_eq!(
        of(&["de"], &["public.x"], &[], None),
        (vec![0], text(&["public.x", "de"]))
    );
}

#[test]
fn forced_subtitles_come_with_the_sound_in_their_language() {
    let chosen = |audio: &str, subtitles: &str, language: Option<&str>| {
        let request = SelectionRequest {
            audio: audio.parse().unwrap(),
            subtitles: subtitles.parse().unwrap(),
            ..with_bandwidth("8")
        };
        let options = SelectionOptions {
            subtitles: language.map(|language| MediaSelectionCriteria {
                languages: vec![language.into()],
                ..MediaSelectionCriteria::default()
            }),
            ..SelectionOptions::default()
        };
        let selection = multivariant(RICH).select_with(&request, &options);
        let mut chosen = selection.unwrap().renditions;
        chosen.retain(|index| (4..7).contains(index));
        chosen
    };
    assert_eq!(chosen("en", "auto", None), [4]);
    assert_eq!(chosen("de", "auto", None), [6]);
    assert_eq!(chosen("en", "none", None), [] as [usize; 0]);
    assert_eq!(chosen("en", "auto", Some("en")), [4, 5]);
    // Text in another language is no help.
    assert_eq!(chosen("de", "auto", Some("fr")), [6]);
}

#[test]
fn a_choice_stays_on_its_pathway() {
    let resolved = multivariant(RICH);
    assert_eq!(resolved.pathways(), ["A", "B"]);
    let on = |pathway: Option<&str>| {
        let options = SelectionOptions {
            pathway: pathway.map(str::to_owned),
            ..SelectionOptions::default()
        };
        resolved.select_with(&SelectionRequest::default(), &options)
    };
    let (automatic, wanted) = (on(None).unwrap(), on(Some("A")).unwrap());
    assert_eq!(
        (automatic.variants, automatic.pathway.as_deref()),
        (vec![3], Some("B"))
    );
    assert_eq!(
        (wanted.variants, wanted.pathway.as_deref()),
        (vec![0], Some("A"))
    );
    let error = on(Some("C")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NoVariant);
    assert!(error.to_string().contains("A, B"));
}

fn auxiliary(qualifier: &str, separate_video: bool) -> AuxiliaryRequest {
    AuxiliaryRequest {
        request: SelectionRequest {
            variants: vec![qualifier.parse().unwrap()],
            ..SelectionRequest::default()
        },
        separate_video,
        ..AuxiliaryRequest::default()
    }
}

#[test]
fn several_variants_share_what_they_can() {
    let resolved = multivariant(RICH);
    let request = SelectionRequest {
        audio: "all".parse().unwrap(),
        ..with_bandwidth("8")
    };
    let options = SelectionOptions {
        auxiliary: vec![auxiliary("channels=6", false), auxiliary("height=1", false)],
        i_frames: true,
        ..SelectionOptions::default()
    };
    let selection = resolved.select_with(&request, &options).unwrap();
    // The primary variant has six channels too: nothing more is needed.
    assert_eq!(selection.variants, [1]);
    assert_eq!(selection.auxiliary, [Some(1), None]);
    assert_eq!(selection.i_frame_variants, [1]);

    let options = SelectionOptions {
        auxiliary: vec![AuxiliaryRequest::default(), auxiliary("channels=6", true)],
        ..SelectionOptions::default()
    };
    let selection = resolved
        .select_with(&with_bandwidth("7"), &options)
        .unwrap();
    // The first auxiliary has the video that is there anyway; the second asked for a video of its own.
    assert_eq!(selection.variants, [2, 1, 3]);
    assert_eq!(selection.auxiliary, [Some(1), Some(3)]);
    let playlists = resolved.media_playlists(&selection);
    assert_eq!(
        playlists[0].users,
        [PlaylistUser::Variant(2), PlaylistUser::Variant(1)]
    );
    let mut urls: Vec<_> = playlists
        .iter()
        .map(|playlist| playlist.url.as_str())
        .collect();
    urls.sort_unstable();
    urls.dedup();
    assert_eq!(urls.len(), playlists.len());

    let request = SelectionRequest {
        variants: vec!["height=1080".parse().unwrap()],
        ..SelectionRequest::default()
    };
    let options = SelectionOptions {
        every_match: true,
        ..SelectionOptions::default()
    };
    assert_eq!(
        resolved.select_with(&request, &options).unwrap().variants,
        [1, 2]
    );
}

const AUXILIARY: &str = concat!(
    "#EXTM3U\n",
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"ac3\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,URI=\"en-ac3\"\n",
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aac\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,URI=\"en\"\n",
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aac\",NAME=\"Français\",LANGUAGE=\"fr\",URI=\"fr\"\n",
    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"old\",NAME=\"Latina\",LANGUAGE=\"la\",URI=\"la\"\n",
    "#EXT-X-STREAM-INF:BANDWIDTH=9,RESOLUTION=1920x1080,AUDIO=\"ac3\"\nhigh\n",
    "#EXT-X-STREAM-INF:BANDWIDTH=7,RESOLUTION=1920x1080,AUDIO=\"aac\"\nhigh\n",
    "#EXT-X-STREAM-INF:BANDWIDTH=8,RESOLUTION=1280x720,AUDIO=\"aac\"\nlow\n",
    "#EXT-X-STREAM-INF:BANDWIDTH=8,RESOLUTION=1280x720,AUDIO=\"aac\"\nbackup\n",
    "#EXT-X-STREAM-INF:BANDWIDTH=1,RESOLUTION=640x360,AUDIO=\"old\"\nlowest\n",
);

fn in_language(language: &str, separate_video: bool) -> AuxiliaryRequest {
    AuxiliaryRequest {
        request: SelectionRequest {
            audio: language.parse().unwrap(),
            ..SelectionRequest::default()
        },
        separate_video,
        ..AuxiliaryRequest::default()
    }
}

#[test]
fn another_language_adds_no_video_where_one_goes_with_it() {
    let resolved = multivariant(AUXILIARY);
    let with = |auxiliary: Vec<AuxiliaryRequest>| {
        let options = SelectionOptions {
            auxiliary,
            ..SelectionOptions::default()
        };
        let selection = resolved.select_with(&SelectionRequest::default(), &options);
        let selection = selection.unwrap();
        (selection.variants, selection.renditions)
    };
    // The best video comes with French in another group, and so French brings no English.
    assert_eq!(
        with(vec![in_language("fr", false)]),
        (vec![0, 1], vec![0, 2])
    );
    assert_eq!(
        with(vec![in_language("fr", true)]),
        (vec![0, 2], vec![0, 2])
    );
    // Latin is nowhere but with the worst video.
    assert_eq!(
        with(vec![in_language("la", false)]),
        (vec![0, 4], vec![0, 3])
    );
    // What is nowhere adds nothing, not even sound that nobody asked for.
    assert_eq!(with(vec![in_language("xx", false)]), (vec![0], vec![0]));
    // What one auxiliary has brought the next can use.
    let both = vec![in_language("la", false), in_language("la", false)];
    assert_eq!(with(both), (vec![0, 4], vec![0, 3]));
}

#[test]
fn of_variants_that_are_there_for_failures_one_is_taken() {
    let options = SelectionOptions {
        every_match: true,
        ..SelectionOptions::default()
    };
    let request = SelectionRequest {
        audio: "fr".parse().unwrap(),
        ..SelectionRequest::default()
    };
    let selection = multivariant(AUXILIARY).select_with(&request, &options);
    let selection = selection.unwrap();
    assert_eq!(selection.variants, [0, 1, 2, 4]);
    assert_eq!(selection.renditions, [0, 2, 3]);
    // There is French, though not with every variant.
    assert_eq!(selection.unmatched, []);
}
