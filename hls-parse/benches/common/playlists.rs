//! Generated playlists, always the same.

use std::fmt::Write as _;

/// A playlist to read.
pub(crate) struct Input {
    pub(crate) name: &'static str,
    pub(crate) text: String,
    pub(crate) is_media: bool,
}

/// The four playlists that parsers are compared on.
pub(crate) fn inputs() -> Vec<Input> {
    let media = |name, text| Input {
        name,
        text,
        is_media: true,
    };
    vec![
        media("rich-100k", rich(100_000)),
        media("plain-10mb", plain(220_000)),
        media("low-latency-5mb", low_latency(4_800)),
        Input {
            name: "multivariant-1000",
            text: multivariant(1_000),
            is_media: false,
        },
    ]
}

fn add(text: &mut String, line: std::fmt::Arguments<'_>) {
    writeln!(text, "{line}").unwrap();
}

/// A duration and a URI on each segment.
pub(crate) fn plain(segments: usize) -> String {
    let mut text = String::with_capacity(segments * 48 + 200);
    text.push_str("#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:7\n#EXT-X-MEDIA-SEQUENCE:0\n#EXT-X-PLAYLIST-TYPE:VOD\n");
    for number in 0..segments {
        add(
            &mut text,
            format_args!("#EXTINF:6.006,\nvideo/1080p/segment_{number:06}.ts"),
        );
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

/// Dates and byte ranges on each segment, a new key on each tenth.
pub(crate) fn rich(segments: usize) -> String {
    let mut text = String::with_capacity(segments * 130 + 200);
    text.push_str("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:7\n#EXT-X-MEDIA-SEQUENCE:0\n");
    for number in 0..segments {
        if number % 10 == 0 {
            add(
                &mut text,
                format_args!(
                    "#EXT-X-KEY:METHOD=AES-128,URI=\"https://keys.example.com/{number}.bin\",IV=0x{number:032X}"
                ),
            );
        }
        let milliseconds = number * 6_006;
        let (day, rest) = (milliseconds / 86_400_000 + 1, milliseconds % 86_400_000);
        let (hour, minute, second) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60);
        let fraction = rest % 1000;
        add(
            &mut text,
            format_args!(
                "#EXT-X-PROGRAM-DATE-TIME:2026-01-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:03}Z"
            ),
        );
        let offset = number * 1_048_576;
        add(
            &mut text,
            format_args!("#EXTINF:6.006,\n#EXT-X-BYTERANGE:1048576@{offset}\nvideo/all.mp4"),
        );
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}

/// Twelve partial segments for each segment.
pub(crate) fn low_latency(segments: usize) -> String {
    const PARTS: usize = 12;
    let mut text = String::with_capacity(segments * 1100 + 1000);
    text.push_str("#EXTM3U\n#EXT-X-VERSION:9\n#EXT-X-TARGETDURATION:4\n#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=1.0,CAN-SKIP-UNTIL=24.0\n#EXT-X-PART-INF:PART-TARGET=0.33334\n#EXT-X-MEDIA-SEQUENCE:266\n#EXT-X-MAP:URI=\"init.mp4\"\n");
    for segment in 266..266 + segments {
        if segment % 8 == 2 {
            let minute = segment / 15 % 60;
            let second = segment * 4 % 60;
            add(
                &mut text,
                format_args!("#EXT-X-PROGRAM-DATE-TIME:2026-02-14T02:{minute:02}:{second:02}.106Z"),
            );
        }
        for part in 0..PARTS {
            let independent = if part % 6 == 0 {
                ",INDEPENDENT=YES"
            } else {
                ""
            };
            add(
                &mut text,
                format_args!(
                    "#EXT-X-PART:DURATION=0.33334,URI=\"video/part{segment:06}.{part:02}.mp4\"{independent}"
                ),
            );
        }
        add(
            &mut text,
            format_args!("#EXTINF:4.00008,\nvideo/segment{segment:06}.mp4"),
        );
    }
    let next = 266 + segments;
    for part in 0..3 {
        add(
            &mut text,
            format_args!("#EXT-X-PART:DURATION=0.33334,URI=\"video/part{next:06}.{part:02}.mp4\""),
        );
    }
    add(
        &mut text,
        format_args!(
            "#EXT-X-PRELOAD-HINT:TYPE=PART,URI=\"video/part{next:06}.03.mp4\"\n#EXT-X-RENDITION-REPORT:URI=\"../1M/waitForMSN.m3u8\",LAST-MSN={next},LAST-PART=2"
        ),
    );
    text
}

/// A quarter renditions, a tenth I-frame variants, the rest variants.
pub(crate) fn multivariant(entries: usize) -> String {
    let mut text = String::with_capacity(entries * 220 + 100);
    text.push_str("#EXTM3U\n#EXT-X-VERSION:7\n#EXT-X-INDEPENDENT-SEGMENTS\n");
    for number in 0..entries / 4 {
        let default = if number == 0 { "YES" } else { "NO" };
        add(
            &mut text,
            format_args!(
                "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aac\",NAME=\"Audio {number}\",LANGUAGE=\"en\",DEFAULT={default},AUTOSELECT=YES,CHANNELS=\"2\",URI=\"audio/{number}/index.m3u8\""
            ),
        );
    }
    for number in entries / 4..entries {
        let bandwidth = 500_000 + number * 1_000;
        if number % 10 == 0 {
            add(
                &mut text,
                format_args!(
                    "#EXT-X-I-FRAME-STREAM-INF:BANDWIDTH={bandwidth},CODECS=\"avc1.640028\",RESOLUTION=1920x1080,URI=\"iframe/{number}/index.m3u8\""
                ),
            );
        } else {
            let average = bandwidth - 1_000;
            add(
                &mut text,
                format_args!(
                    "#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},AVERAGE-BANDWIDTH={average},CODECS=\"avc1.640028,mp4a.40.2\",RESOLUTION=1920x1080,FRAME-RATE=29.970,AUDIO=\"aac\"\nvideo/{number}/index.m3u8"
                ),
            );
        }
    }
    text
}
