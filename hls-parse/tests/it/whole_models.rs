//! The same models as m3u8-rs, whole, on everything that it reads rightly; and nothing of them is lost on the way there and back.
//!
//! Left out is what m3u8-rs misreads: METHOD=NONE without IV, titles with commas, empty quoted-strings, keys before maps (which it writes after them), more than
//! one key or date range before a segment, and whatever comes after the last one. Date ranges of one ID that disagree are left out too: END-ON-NEXT=NO is the same as
//! none there, and a later YES then comes to stand where a NO had gone before.

use hls_parse::{MediaPlaylist, Multivariant, MultivariantPlaylist};
use proptest::prelude::*;

use crate::exchange::facts;
use crate::{context, media, multivariant_playlist};

/// An attribute that may be there.
fn maybe(attribute: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    prop::option::of(attribute)
        .prop_map(|text| text.map_or(String::new(), |text| format!(",{text}")))
}

/// A quoted attribute that may be there.
fn quoted(name: &'static str, pattern: &'static str) -> impl Strategy<Value = String> {
    maybe(pattern.prop_map(move |text| format!("{name}=\"{text}\"")))
}

/// A word that may be there.
fn word(name: &'static str, words: &'static [&'static str]) -> impl Strategy<Value = String> {
    maybe(prop::sample::select(words).prop_map(move |word| format!("{name}={word}")))
}

/// A line that may be there.
fn line(text: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    prop::option::of(text).prop_map(|text| text.map_or(String::new(), |text| text + "\n"))
}

fn date() -> impl Strategy<Value = String> {
    (
        1..29u8,
        0..24u8,
        0..60u8,
        0..1000u16,
        prop::sample::select(&["Z", "+00:00", "-08:00", "+05:30"]),
    )
        .prop_map(|(day, hour, second, milliseconds, zone)| {
            format!("2026-02-{day:02}T{hour:02}:30:{second:02}.{milliseconds:03}{zone}")
        })
}

/// Seconds that 24 bits hold.
fn seconds() -> impl Strategy<Value = String> {
    (0..1000u32, 0..1000u32).prop_map(|(whole, rest)| format!("{whole}.{rest:03}"))
}

fn key_attributes() -> impl Strategy<Value = String> {
    (
        prop::sample::select(&["AES-128", "SAMPLE-AES", "SAMPLE-AES-CTR"]),
        "[a-z/?=.]{1,9}",
        maybe(any::<u128>().prop_map(|iv| format!("IV=0x{iv:032X}"))),
        quoted("KEYFORMAT", "[a-z.,]{1,9}"),
        quoted("KEYFORMATVERSIONS", "[1-9]{1,2}"),
    )
        .prop_map(|(method, uri, iv, format, versions)| {
            format!("METHOD={method},URI=\"k{uri}\"{iv}{format}{versions}")
        })
}

fn date_range() -> impl Strategy<Value = String> {
    (
        "[a-z0-9]{1,9}",
        date(),
        quoted("CLASS", "[a-z.]{1,9}"),
        maybe(date().prop_map(|date| format!("END-DATE=\"{date}\""))),
        maybe(seconds().prop_map(|seconds| format!("DURATION={seconds}"))),
        maybe(seconds().prop_map(|seconds| format!("PLANNED-DURATION={seconds}"))),
        quoted("X-COM-EXAMPLE-A", "[a-z ,=]{1,9}"),
        maybe("[0-9A-F]{2}".prop_map(|byte| format!("SCTE35-OUT=0xFC{byte}"))),
        word("END-ON-NEXT", &["YES", "NO"]),
    )
        .prop_map(|(id, start, class, end, duration, planned, extra, message, next)| {
            format!("#EXT-X-DATERANGE:ID=\"{id}\",START-DATE=\"{start}\"{class}{end}{duration}{planned}{extra}{message}{next}")
        })
}

fn segment() -> impl Strategy<Value = String> {
    let before = (
        line(
            (0..99u8, any::<u32>())
                .prop_map(|(n, at)| format!("#EXT-X-MAP:URI=\"m{n}.mp4\",BYTERANGE=\"720@{at}\"")),
        ),
        line(Just("#EXT-X-DISCONTINUITY".to_owned())),
        line(key_attributes().prop_map(|key| format!("#EXT-X-KEY:{key}"))),
        line(date().prop_map(|date| format!("#EXT-X-PROGRAM-DATE-TIME:{date}"))),
        line(date_range()),
        line("#EXT-X-CUE-OUT(:[0-9]{1,2})?"),
        line(Just("# a comment".to_owned())),
        line(Just("#EXT-X-GAP".to_owned())),
    );
    let itself = (
        seconds(),
        "([a-z]([a-z -]{0,7}[a-z])?)?",
        line(
            (any::<u32>(), any::<u32>())
                .prop_map(|(length, offset)| format!("#EXT-X-BYTERANGE:{length}@{offset}")),
        ),
        "[a-z0-9]{1,8}(/[a-z]{1,5}){0,2}\\.ts(\\?a=[0-9])?",
    );
    (before, itself).prop_map(
        |((map, discontinuity, key, date, range, cue, comment, gap), (duration, title, bytes, uri))| {
            format!("{map}{discontinuity}{key}{date}{range}{cue}{comment}{gap}#EXTINF:{duration},{title}\n{bytes}{uri}\n")
        },
    )
}

fn start() -> impl Strategy<Value = String> {
    (any::<bool>(), seconds(), word("PRECISE", &["YES", "NO"])).prop_map(
        |(negative, seconds, precise)| {
            let sign = if negative { "-" } else { "" };
            format!("#EXT-X-START:TIME-OFFSET={sign}{seconds}{precise}")
        },
    )
}

fn media_text() -> impl Strategy<Value = String> {
    let header = (
        line((1..13u8).prop_map(|version| format!("#EXT-X-VERSION:{version}"))),
        line(any::<u64>().prop_map(|number| format!("#EXT-X-MEDIA-SEQUENCE:{}", number / 2))),
        line(any::<u32>().prop_map(|number| format!("#EXT-X-DISCONTINUITY-SEQUENCE:{number}"))),
        line(
            prop::sample::select(&["#EXT-X-PLAYLIST-TYPE:VOD", "#EXT-X-PLAYLIST-TYPE:EVENT"])
                .prop_map(str::to_owned),
        ),
        line(Just("#EXT-X-I-FRAMES-ONLY".to_owned())),
        line(Just("#EXT-X-INDEPENDENT-SEGMENTS".to_owned())),
        line(start()),
        line(Just("#EXT-X-ALLOW-CACHE:NO".to_owned())),
    );
    let segments = proptest::collection::vec(segment(), 1..12);
    (header, 1..2000u32, segments, line(Just("#EXT-X-ENDLIST".to_owned()))).prop_map(
        |(header, target, segments, end)| {
            let (version, sequence, discontinuities, playlist_type, i_frames, independent, start, cache) = header;
            let numbered = |(number, segment): (usize, &String)| segment.replacen(":ID=\"", &format!(":ID=\"{number}-"), 1);
            let segments: String = segments.iter().enumerate().map(numbered).collect();
            format!(
                "#EXTM3U\n{version}#EXT-X-TARGETDURATION:{target}\n{sequence}{discontinuities}{playlist_type}{i_frames}{independent}{start}{cache}{segments}{end}"
            )
        },
    )
}

fn variant_attributes() -> impl Strategy<Value = String> {
    let usual = (
        any::<u64>(),
        maybe(any::<u32>().prop_map(|rate| format!("AVERAGE-BANDWIDTH={rate}"))),
        quoted("CODECS", "[a-z0-9.,]{1,9}"),
        maybe(
            (1..8000u32, 1..8000u32)
                .prop_map(|(width, height)| format!("RESOLUTION={width}x{height}")),
        ),
        maybe(
            (1..120u32, 0..1000u32)
                .prop_map(|(whole, rest)| format!("FRAME-RATE={whole}.{rest:03}")),
        ),
        word("HDCP-LEVEL", &["TYPE-0", "TYPE-1", "NONE", "TYPE-2"]),
        word("VIDEO-RANGE", &["SDR", "HLG", "PQ"]),
    );
    let others = (
        quoted("VIDEO", "[a-z]{1,4}"),
        quoted("STABLE-VARIANT-ID", "[a-z]{1,4}"),
        quoted("PATHWAY-ID", "[A-Z]{1,2}"),
        maybe((1..90u8).prop_map(|score| format!("SCORE={score}.5"))),
        maybe((1..9u8).prop_map(|id| format!("PROGRAM-ID={id}"))),
    );
    (usual, others).prop_map(
        |((bandwidth, average, codecs, size, rate, hdcp, range), (video, stable, pathway, score, program))| {
            format!("BANDWIDTH={bandwidth}{average}{codecs}{size}{rate}{hdcp}{range}{video}{stable}{pathway}{score}{program}")
        },
    )
}

fn variant() -> impl Strategy<Value = String> {
    let groups = (
        quoted("AUDIO", "[a-z]{1,4}"),
        quoted("SUBTITLES", "[a-z]{1,4}"),
        maybe(
            prop::sample::select(&["NONE", "\"cc\""])
                .prop_map(|group| format!("CLOSED-CAPTIONS={group}")),
        ),
    );
    let uri = "[a-z]{1,9}\\.m3u8";
    prop_oneof![
        (variant_attributes(), groups, uri).prop_map(
            |(attributes, (audio, subtitles, captions), uri)| {
                format!("#EXT-X-STREAM-INF:{attributes}{audio}{subtitles}{captions}\n{uri}\n")
            }
        ),
        (variant_attributes(), uri).prop_map(|(attributes, uri)| {
            format!("#EXT-X-I-FRAME-STREAM-INF:{attributes},URI=\"{uri}\"\n")
        }),
    ]
}

fn alternative() -> impl Strategy<Value = String> {
    let yes_or_no: &[&str] = &["YES", "NO"];
    let named = (
        "[a-z]{1,4}",
        "[A-Za-z ()]{1,9}",
        quoted("LANGUAGE", "[a-z]{2}"),
        quoted("ASSOC-LANGUAGE", "[a-z]{2}"),
        word("DEFAULT", yes_or_no),
        word("AUTOSELECT", yes_or_no),
        quoted("CHARACTERISTICS", "[a-z.,]{1,9}"),
    );
    let typed = prop_oneof![
        (
            quoted("URI", "[a-z]{1,9}"),
            quoted("CHANNELS", "[1-9](/JOC)?"),
            maybe(Just("SAMPLE-RATE=48000".to_owned()))
        )
            .prop_map(|(uri, channels, rate)| format!("TYPE=AUDIO{uri}{channels}{rate}")),
        quoted("URI", "[a-z]{1,9}").prop_map(|uri| format!("TYPE=VIDEO{uri}")),
        ("[a-z]{1,9}", word("FORCED", yes_or_no))
            .prop_map(|(uri, forced)| format!("TYPE=SUBTITLES,URI=\"{uri}\"{forced}")),
        prop::sample::select(&["CC1", "CC4", "SERVICE9", "SERVICE63"])
            .prop_map(|id| format!("TYPE=CLOSED-CAPTIONS,INSTREAM-ID=\"{id}\"")),
    ];
    (typed, named).prop_map(|(typed, (group, name, language, other, default, select, marks))| {
        format!("#EXT-X-MEDIA:{typed},GROUP-ID=\"{group}\",NAME=\"{name}\"{language}{other}{default}{select}{marks}\n")
    })
}

fn multivariant_text() -> impl Strategy<Value = String> {
    let session_data = (
        "[a-z.]{1,9}",
        prop::sample::select(&[
            "VALUE=\"a, b\"",
            "URI=\"data.json\"",
            "URI=\"d\",FORMAT=RAW",
        ]),
        quoted("LANGUAGE", "[a-z]{2}"),
    )
        .prop_map(|(id, field, language)| {
            format!("#EXT-X-SESSION-DATA:DATA-ID=\"{id}\",{field}{language}\n")
        });
    (
        line((1..13u8).prop_map(|version| format!("#EXT-X-VERSION:{version}"))),
        line(Just("#EXT-X-INDEPENDENT-SEGMENTS".to_owned())),
        proptest::collection::vec(alternative(), 0..6),
        proptest::collection::vec(variant(), 1..8),
        proptest::collection::vec(session_data, 0..3),
        line(key_attributes().prop_map(|key| format!("#EXT-X-SESSION-KEY:{key}"))),
        line(start()),
        line(Just(
            "#EXT-X-CONTENT-STEERING:SERVER-URI=\"/s\",PATHWAY-ID=\"A\"".to_owned(),
        )),
    )
        .prop_map(
            |(version, independent, alternatives, variants, data, key, start, steering)| {
                format!(
                    "#EXTM3U\n{version}{independent}{}{}{}{key}{start}{steering}",
                    alternatives.concat(),
                    variants.concat(),
                    data.concat()
                )
            },
        )
}

/// What a playlist resolves to, without the lines that tags are on.
fn resolved(playlist: &MultivariantPlaylist) -> Multivariant {
    let mut resolved = playlist.resolve(&context()).unwrap();
    let variants = resolved.variants.iter_mut();
    for variant in variants.chain(&mut resolved.i_frame_variants) {
        variant.line = 0;
    }
    for rendition in &mut resolved.renditions {
        rendition.line = 0;
    }
    resolved
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(192))]

    #[test]
    fn whole_media_playlists_agree(text in media_text()) {
        let theirs = m3u8_rs::parse_media_playlist_res(text.as_bytes()).unwrap();
        let playlist = media(&text);
        let converted = playlist.to_m3u8_rs();
        prop_assert_eq!(&converted.playlist, &theirs, "{}", text);
        prop_assert_eq!(&converted.losses, &[]);
        let back = MediaPlaylist::from_m3u8_rs(&theirs).unwrap();
        let offsets_alone = |loss: &hls_parse::Loss| loss.why == hls_parse::LossReason::Offset;
        prop_assert!(back.losses.iter().all(offsets_alone), "{:?}", back.losses);
        let (before, after) = (playlist.resolve(&context()).unwrap(), back.playlist.resolve(&context()).unwrap());
        prop_assert_eq!(facts(&before), facts(&after));
        let back = MediaPlaylist::from_m3u8_rs(&converted.playlist).unwrap();
        prop_assert_eq!(&back.losses, &[]);
    }

    #[test]
    fn whole_multivariant_playlists_agree(text in multivariant_text()) {
        let theirs = m3u8_rs::parse_master_playlist_res(text.as_bytes()).unwrap();
        let playlist = multivariant_playlist(&text);
        let converted = playlist.to_m3u8_rs();
        prop_assert_eq!(&converted.playlist, &theirs, "{}", text);
        prop_assert_eq!(&converted.losses, &[]);
        let back = MultivariantPlaylist::from_m3u8_rs(&theirs).unwrap();
        prop_assert_eq!(&back.losses, &[]);
        let (before, after) = (resolved(&playlist), resolved(&back.playlist));
        prop_assert_eq!(before.variants, after.variants);
        prop_assert_eq!(before.renditions, after.renditions);
        prop_assert_eq!(before.i_frame_variants, after.i_frame_variants);
        prop_assert_eq!(before.session_keys, after.session_keys);
        prop_assert_eq!(before.session_data, after.session_data);
        prop_assert_eq!(before.content_steering, after.content_steering);
        prop_assert_eq!((before.start, before.independent_segments), (after.start, after.independent_segments));
    }
}
