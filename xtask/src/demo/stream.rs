//! A small real stream: made by ffmpeg when it is there, else silence that this file writes itself.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use crate::run::{self, Result, say};

/// Seconds.
const LENGTH: u32 = 30;

/// Makes a stream in a folder and returns the name of its playlist.
pub(crate) fn make(folder: &Path) -> Result<&'static str> {
    if run::has("ffmpeg") {
        with_ffmpeg(folder)
    } else {
        say("ffmpeg is not installed: the demo is half a minute of silence");
        silence(folder)
    }
}

/// Two variants of a test picture with a tone.
fn with_ffmpeg(folder: &Path) -> Result<&'static str> {
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg
        .current_dir(folder)
        .args(["-hide_banner", "-loglevel", "error", "-nostdin", "-y"]);
    ffmpeg.args([
        "-f",
        "lavfi",
        "-i",
        &format!("testsrc2=size=640x360:rate=25:duration={LENGTH}"),
    ]);
    ffmpeg.args([
        "-f",
        "lavfi",
        "-i",
        &format!("sine=frequency=440:sample_rate=48000:duration={LENGTH}"),
    ]);
    ffmpeg.args([
        "-filter_complex",
        "[0:v]split=2[a][b];[a]scale=320:180[low]",
    ]);
    ffmpeg.args(["-map", "[low]", "-map", "1:a", "-map", "[b]", "-map", "1:a"]);
    ffmpeg.args([
        "-c:v",
        "libx264",
        "-preset",
        "veryfast",
        "-g",
        "50",
        "-sc_threshold",
        "0",
        "-pix_fmt",
        "yuv420p",
    ]);
    ffmpeg.args([
        "-b:v:0", "200k", "-b:v:1", "600k", "-c:a", "aac", "-b:a", "64k",
    ]);
    ffmpeg.args([
        "-f",
        "hls",
        "-hls_time",
        "4",
        "-hls_playlist_type",
        "vod",
        "-master_pl_name",
        "master.m3u8",
    ]);
    ffmpeg.args(["-var_stream_map", "v:0,a:0,name:low v:1,a:1,name:high"]);
    ffmpeg.args([
        "-hls_segment_filename",
        "%v/segment%03d.ts",
        "%v/index.m3u8",
    ]);
    run::status(&mut ffmpeg)?;
    Ok("master.m3u8")
}

/// Packed audio (RFC 8216bis §3.1.4): ADTS frames of silence behind an ID3 tag with the time stamp.
pub(crate) fn silence(folder: &Path) -> Result<&'static str> {
    const RATE: u64 = 44_100;
    const SAMPLES_PER_FRAME: u64 = 1024;
    const FRAMES_PER_SEGMENT: u64 = 172;
    let segments = u64::from(LENGTH) * RATE / (SAMPLES_PER_FRAME * FRAMES_PER_SEGMENT);
    let mut playlist = String::from(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:4\n#EXT-X-PLAYLIST-TYPE:VOD\n",
    );
    for segment in 0..segments {
        let first_sample = segment * FRAMES_PER_SEGMENT * SAMPLES_PER_FRAME;
        let mut bytes = time_stamp(first_sample * 90_000 / RATE);
        for _ in 0..FRAMES_PER_SEGMENT {
            bytes.extend_from_slice(&SILENT_FRAME);
        }
        let name = format!("segment{segment:03}.aac");
        let path = folder.join(&name);
        fs::write(&path, bytes).map_err(|error| format!("{}: {error}", path.display()))?;
        let microseconds = FRAMES_PER_SEGMENT * SAMPLES_PER_FRAME * 1_000_000 / RATE;
        let _ = write!(
            playlist,
            "#EXTINF:{}.{:06},\n{name}\n",
            microseconds / 1_000_000,
            microseconds % 1_000_000
        );
    }
    playlist.push_str("#EXT-X-ENDLIST\n");
    let path = folder.join("index.m3u8");
    fs::write(&path, playlist).map_err(|error| format!("{}: {error}", path.display()))?;
    Ok("index.m3u8")
}

/// An ADTS header (MPEG-4, AAC-LC, 44.1 kHz, mono, 13 bytes in all) and a frame that decodes to silence.
const SILENT_FRAME: [u8; 13] = [
    0xff, 0xf1, 0x50, 0x40, 0x01, 0xbf, 0xfc, 0x00, 0xc8, 0x00, 0x80, 0x23, 0x80,
];

/// An ID3v2.4 PRIV frame with the 90 kHz time stamp of the first sample.
fn time_stamp(ticks: u64) -> Vec<u8> {
    const OWNER: &[u8] = b"com.apple.streaming.transportStreamTimestamp\0";
    // Below 128, so the synchsafe form is the number itself.
    let frame = u8::try_from(OWNER.len() + 8).unwrap_or_default();
    let mut tag = vec![b'I', b'D', b'3', 4, 0, 0, 0, 0, 0, frame + 10];
    tag.extend_from_slice(b"PRIV");
    tag.extend_from_slice(&[0, 0, 0, frame, 0, 0]);
    tag.extend_from_slice(OWNER);
    tag.extend_from_slice(&(ticks & 0x1_ffff_ffff).to_be_bytes());
    tag
}
