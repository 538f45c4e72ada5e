//! What ffmpeg makes of a stream or a file.

use std::process::Command;

/// What a player sees: one line for each decoded frame with its time and the hash of its picture or sound.
pub(crate) fn frames(input: &str, map: &str) -> Vec<String> {
    frames_with(&[], input, map)
}

/// The same of a playlist that grows, which ffmpeg would start at its end.
pub(crate) fn frames_from_start(input: &str, map: &str) -> Vec<String> {
    frames_with(&["-live_start_index", "0"], input, map)
}

fn frames_with(options: &[&str], input: &str, map: &str) -> Vec<String> {
    let output = Command::new("ffmpeg")
        .args(["-hide_banner", "-loglevel", "error", "-nostdin"])
        .args(options)
        .args(["-i", input, "-map", map, "-f", "framehash", "-"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .map(str::to_owned)
        .collect()
}

/// The hashes of all frames, or of the packets they come in, none of them dropped or doubled for the sake of an even rate.
pub(crate) fn hashes(input: &str, map: &str, codec: &[&str]) -> Vec<String> {
    let output = Command::new("ffmpeg")
        .args([
            "-hide_banner",
            "-loglevel",
            "error",
            "-nostdin",
            "-i",
            input,
            "-map",
            map,
        ])
        .args(codec)
        .args(["-fps_mode", "passthrough", "-f", "framehash", "-"])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.rsplit(',').next().map(str::to_owned))
        .collect()
}

/// The languages of the tracks of a kind.
pub(crate) fn languages(input: &str, kind: &str) -> Vec<String> {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", kind])
        .args([
            "-show_entries",
            "stream_tags=language",
            "-of",
            "csv=p=0",
            input,
        ])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.lines().map(str::to_owned).collect()
}

/// When the first packet of a stream is shown, in seconds.
pub(crate) fn first_time(input: &str, stream: &str) -> f64 {
    let output = Command::new("ffprobe")
        .args(["-v", "error", "-select_streams", stream])
        .args([
            "-show_entries",
            "packet=pts_time",
            "-of",
            "csv=p=0",
            "-read_intervals",
            "%+2",
        ])
        .arg(input)
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let times = text
        .lines()
        .filter_map(|line| line.trim_end_matches(',').parse().ok());
    times.fold(f64::INFINITY, f64::min)
}
