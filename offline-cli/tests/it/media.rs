//! Real streams made by ffmpeg: small ones, each with something that players trip over.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

pub(crate) use crate::decoded::{first_time, frames, frames_from_start, hashes, languages};
use crate::stream::encrypt;

/// H.264 with B-frames and closed groups of one second.
const VIDEO: &[&str] = &[
    "-c:v",
    "libx264",
    "-preset",
    "ultrafast",
    "-bf",
    "2",
    "-g",
    "25",
    "-keyint_min",
    "25",
    "-sc_threshold",
    "0",
    "-pix_fmt",
    "yuv420p",
];
const AUDIO: &[&str] = &["-c:a", "aac", "-ac", "2", "-b:a", "48k"];
const HLS: &[&str] = &["-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod"];

pub(crate) fn ffmpeg(folder: &Path, arguments: &[&[&str]]) {
    let mut command = Command::new("ffmpeg");
    command
        .current_dir(folder)
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"]);
    command.args(arguments.iter().flat_map(|part| part.iter()));
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

fn inputs(size: &str, rate: u32, seconds: u32, tone: u32) -> Vec<String> {
    vec![
        "-f".into(),
        "lavfi".into(),
        "-i".into(),
        format!("testsrc2=size={size}:rate={rate}:duration={seconds}"),
        "-f".into(),
        "lavfi".into(),
        "-i".into(),
        format!("sine=frequency={tone}:sample_rate=48000:duration={seconds}"),
    ]
}

fn strs(strings: &[String]) -> Vec<&str> {
    strings.iter().map(String::as_str).collect()
}

fn fresh(root: &Path, name: &str) -> PathBuf {
    let folder = root.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

/// Two variants of TS segments; returns the playlist of the better one.
pub(crate) fn transport_stream(root: &Path) -> &'static str {
    let folder = fresh(root, "ts");
    let source = inputs("320x180", 25, 8, 440);
    ffmpeg(
        &folder,
        &[
            &strs(&source),
            &[
                "-filter_complex",
                "[0:v]split=2[a][b];[a]scale=160:90[v0]",
                "-map",
                "[v0]",
                "-map",
                "1:a",
                "-map",
                "[b]",
                "-map",
                "1:a",
            ],
            VIDEO,
            AUDIO,
            &["-b:v:0", "80k", "-b:v:1", "300k"],
            HLS,
            &[
                "-hls_segment_filename",
                "%v/s%d.ts",
                "-master_pl_name",
                "master.m3u8",
                "-var_stream_map",
                "v:0,a:0,name:low v:1,a:1,name:high",
                "%v/index.m3u8",
            ],
        ],
    );
    "ts/high/index.m3u8"
}

/// Fragmented MP4, one file per segment.
pub(crate) fn fragmented(root: &Path) {
    let folder = fresh(root, "fmp4");
    let source = inputs("160x90", 25, 8, 440);
    ffmpeg(
        &folder,
        &[
            &strs(&source),
            VIDEO,
            AUDIO,
            HLS,
            &[
                "-hls_segment_type",
                "fmp4",
                "-hls_segment_filename",
                "s%d.m4s",
                "index.m3u8",
            ],
        ],
    );
}

/// One file with byte ranges, as TS and as fragmented MP4; the second of two TS ranges has its offset taken away where it is implied.
pub(crate) fn byte_ranges(root: &Path) {
    let source = inputs("160x90", 25, 8, 440);
    for (name, kind, file) in [
        ("br_ts", "mpegts", "all.ts"),
        ("br_fmp4", "fmp4", "all.mp4"),
    ] {
        let folder = fresh(root, name);
        ffmpeg(
            &folder,
            &[
                &strs(&source),
                VIDEO,
                AUDIO,
                HLS,
                &[
                    "-hls_flags",
                    "single_file",
                    "-hls_segment_type",
                    kind,
                    "-hls_segment_filename",
                    file,
                    "index.m3u8",
                ],
            ],
        );
    }
    let path = root.join("br_ts/index.m3u8");
    let mut seen = 0;
    let implied: Vec<String> = read(&path)
        .lines()
        .map(|line| match line.strip_prefix("#EXT-X-BYTERANGE:") {
            Some(range) => {
                seen += 1;
                let range = if seen % 2 == 0 {
                    range.split('@').next().unwrap()
                } else {
                    range
                };
                format!("#EXT-X-BYTERANGE:{range}")
            }
            None => line.to_owned(),
        })
        .collect();
    assert!(seen > 2);
    std::fs::write(&path, implied.join("\n") + "\n").unwrap();
}

/// AES-128 with two keys, explicit and implicit IVs, and a clear stretch in the middle.
pub(crate) fn encrypted(root: &Path) {
    let folder = fresh(root, "aes");
    let source = inputs("160x90", 25, 12, 440);
    ffmpeg(
        &folder,
        &[
            &strs(&source),
            VIDEO,
            AUDIO,
            HLS,
            &["-hls_segment_filename", "c%d.ts", "clear.m3u8"],
        ],
    );
    let keys = [[0x11; 16], [0x22; 16]];
    for (index, key) in keys.iter().enumerate() {
        std::fs::write(folder.join(format!("k{index}.bin")), key).unwrap();
    }
    let explicit = *b"0123456789abcdef";
    let first = 7_u128;
    let mut text = format!(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:3\n#EXT-X-MEDIA-SEQUENCE:{first}\n#EXT-X-PLAYLIST-TYPE:VOD\n"
    );
    let mut index = 0;
    for line in read(&folder.join("clear.m3u8")).lines() {
        if line.starts_with("#EXTINF") {
            match index {
                0 | 4 => text.push_str("#EXT-X-KEY:METHOD=AES-128,URI=\"k0.bin\"\n"),
                2 => writeln!(
                    text,
                    "#EXT-X-KEY:METHOD=AES-128,URI=\"k1.bin\",IV=0x{}",
                    hex(&explicit)
                )
                .unwrap(),
                3 => text.push_str("#EXT-X-KEY:METHOD=NONE\n"),
                _ => {}
            }
            text.push_str(line);
            text.push('\n');
        } else if line.starts_with('c') {
            let clear = std::fs::read(folder.join(line)).unwrap();
            let implicit = (first + index).to_be_bytes();
            let bytes = match index {
                2 => encrypt(&clear, keys[1], explicit),
                3 => clear,
                _ => encrypt(&clear, keys[0], implicit),
            };
            std::fs::write(folder.join(format!("e{index}.ts")), bytes).unwrap();
            writeln!(text, "e{index}.ts").unwrap();
            index += 1;
        }
    }
    assert!(index >= 5, "{index} segments are too few to rotate keys");
    text.push_str("#EXT-X-ENDLIST\n");
    std::fs::write(folder.join("index.m3u8"), text).unwrap();
}

/// Video, two audio languages and segmented WebVTT.
pub(crate) fn alternate_audio(root: &Path) {
    let folder = fresh(root, "alt");
    let source = inputs("160x90", 25, 8, 440);
    ffmpeg(
        &folder,
        &[
            &strs(&source),
            &[
                "-f",
                "lavfi",
                "-i",
                "sine=frequency=880:sample_rate=48000:duration=8",
                "-map",
                "0:v",
                "-map",
                "1:a",
                "-map",
                "2:a",
            ],
            VIDEO,
            AUDIO,
            HLS,
            &[
                "-hls_segment_filename",
                "%v/s%d.ts",
                "-var_stream_map",
                "v:0,agroup:aud,name:video a:0,agroup:aud,name:en a:1,agroup:aud,name:de",
                "%v/index.m3u8",
            ],
        ],
    );
    let subtitles = fresh(&folder, "subs");
    let mut text = String::from(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:4\n#EXT-X-PLAYLIST-TYPE:VOD\n",
    );
    for index in 0..2 {
        let start = index * 4;
        let cue = format!(
            "WEBVTT\nX-TIMESTAMP-MAP=LOCAL:00:00:00.000,MPEGTS:126000\n\n00:00:0{}.500 --> 00:00:0{}.000\nCue {index}\n",
            start,
            start + 3
        );
        std::fs::write(subtitles.join(format!("{index}.vtt")), cue).unwrap();
        writeln!(text, "#EXTINF:4.0,\n{index}.vtt").unwrap();
    }
    text.push_str("#EXT-X-ENDLIST\n");
    std::fs::write(subtitles.join("index.m3u8"), text).unwrap();
    std::fs::write(
        folder.join("master.m3u8"),
        "#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-INDEPENDENT-SEGMENTS\n\
         #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aud\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"en/index.m3u8\"\n\
         #EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"aud\",NAME=\"Deutsch\",LANGUAGE=\"de\",DEFAULT=NO,AUTOSELECT=YES,CHANNELS=\"2\",URI=\"de/index.m3u8\"\n\
         #EXT-X-MEDIA:TYPE=SUBTITLES,GROUP-ID=\"sub\",NAME=\"English\",LANGUAGE=\"en\",DEFAULT=YES,AUTOSELECT=YES,FORCED=NO,URI=\"subs/index.m3u8\"\n\
         #EXT-X-STREAM-INF:BANDWIDTH=400000,RESOLUTION=160x90,CODECS=\"avc1.42c00b,mp4a.40.2\",AUDIO=\"aud\",SUBTITLES=\"sub\"\n\
         video/index.m3u8\n",
    )
    .unwrap();
}

/// HEVC, AC-3 and Enhanced AC-3 in Transport Streams.
pub(crate) fn other_codecs(root: &Path) {
    let hevc = [
        "-c:v",
        "libx265",
        "-preset",
        "ultrafast",
        "-x265-params",
        "log-level=none:keyint=25:bframes=2",
    ];
    for (name, video, audio) in [("hevc_ac3", &hevc[..], "ac3"), ("h264_eac3", VIDEO, "eac3")] {
        let folder = fresh(root, name);
        let source = inputs("160x90", 25, 4, 440);
        let audio = &["-c:a", audio, "-ac", "6", "-b:a", "192k"];
        ffmpeg(
            &folder,
            &[&strs(&source), video, audio, HLS, &["index.m3u8"]],
        );
    }
}

/// Moves all times of a Transport Stream, in 33 bits.
pub(crate) fn move_times(bytes: &mut [u8], ticks: u64) {
    for packet in bytes.chunks_mut(188) {
        let (begins, adaptation) = (packet[1] & 0x40 != 0, packet[3] & 0x20 != 0);
        let start = if adaptation {
            5 + usize::from(packet[4])
        } else {
            4
        };
        if !begins || packet.get(start..start + 3) != Some(&[0, 0, 1]) {
            continue;
        }
        let flags = packet[start + 7];
        for (flag, at) in [(0x80, start + 9), (0x40, start + 14)] {
            if flags & flag == 0 {
                continue;
            }
            let field = &mut packet[at..at + 5];
            let time = u64::from(field[0] >> 1 & 7) << 30
                | u64::from(field[1]) << 22
                | u64::from(field[2] >> 1) << 15
                | u64::from(field[3]) << 7
                | u64::from(field[4] >> 1);
            let moved = (time + ticks) % (1 << 33);
            let low = |bits: u64| u8::try_from(bits & 0xff).unwrap();
            field[0] = field[0] & 0xf1 | low(moved >> 30 & 7) << 1;
            field[1] = low(moved >> 22);
            field[2] = low(moved >> 15 << 1) | 1;
            field[3] = low(moved >> 7);
            field[4] = low(moved << 1) | 1;
        }
    }
}

/// Sound that few players have in MP4.
pub(crate) fn odd_audio(root: &Path) {
    let folder = fresh(root, "odd");
    let source = inputs("160x90", 25, 4, 440);
    let audio = &["-c:a", "mp2", "-ac", "2", "-b:a", "64k"];
    ffmpeg(
        &folder,
        &[&strs(&source), VIDEO, audio, HLS, &["index.m3u8"]],
    );
}

/// HEVC in fragmented MP4.
pub(crate) fn hevc(root: &Path) {
    let folder = fresh(root, "hevc");
    let source = inputs("160x90", 25, 4, 440);
    ffmpeg(
        &folder,
        &[
            &strs(&source),
            &["-c:v", "libx265", "-preset", "ultrafast", "-x265-params"],
            &["log-level=none:keyint=25", "-tag:v", "hvc1"],
            AUDIO,
            HLS,
            &["-hls_segment_type", "fmp4", "index.m3u8"],
        ],
    );
}

/// Two encodings joined by a discontinuity: TS that differ in size and rate, and fragmented MP4 with a map each.
///
/// The latter are alike in their parameters, since ffmpeg reads no second map that says something else.
pub(crate) fn discontinuous(root: &Path) {
    for (name, kind, ending, second) in [
        ("disc", "mpegts", "ts", ("192x108", 30)),
        ("maps", "fmp4", "m4s", ("160x90", 25)),
    ] {
        let folder = fresh(root, name);
        for (part, (size, rate), tone) in [("a", ("160x90", 25), 440), ("b", second, 880)] {
            let source = inputs(size, rate, 4, tone);
            ffmpeg(
                &folder,
                &[
                    &strs(&source),
                    VIDEO,
                    AUDIO,
                    HLS,
                    &[
                        "-hls_segment_type",
                        kind,
                        "-hls_fmp4_init_filename",
                        &format!("{part}.mp4"),
                        "-hls_segment_filename",
                        &format!("{part}%d.{ending}"),
                        &format!("{part}.m3u8"),
                    ],
                ],
            );
        }
        let first = read(&folder.join("a.m3u8"));
        let second = read(&folder.join("b.m3u8"));
        let body = second
            .lines()
            .skip_while(|line| !line.starts_with("#EXTINF") && !line.starts_with("#EXT-X-MAP"));
        let mut text = first.replace("#EXT-X-ENDLIST\n", "#EXT-X-DISCONTINUITY\n");
        for line in body {
            writeln!(text, "{line}").unwrap();
        }
        std::fs::write(folder.join("index.m3u8"), text).unwrap();
    }
}

/// Packed AAC with ID3 time stamps: no video at all.
pub(crate) fn audio_only(root: &Path) {
    let folder = fresh(root, "audio");
    ffmpeg(
        &folder,
        &[
            &[
                "-f",
                "lavfi",
                "-i",
                "sine=frequency=440:sample_rate=48000:duration=8",
            ],
            AUDIO,
            &[
                "-f",
                "segment",
                "-segment_time",
                "2",
                "-segment_format",
                "adts",
                "-segment_format_options",
                "write_id3v2=1",
            ],
            &[
                "-segment_list_type",
                "m3u8",
                "-segment_list",
                "index.m3u8",
                "s%d.aac",
            ],
        ],
    );
    let path = folder.join("index.m3u8");
    let text = read(&path);
    if !text.contains("ENDLIST") {
        std::fs::write(&path, text + "#EXT-X-ENDLIST\n").unwrap();
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}
