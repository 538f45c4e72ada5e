//! What is played in between, in a real browser.

use std::path::Path;

use segment_fetch::testing::Origin;

use crate::browser::{drive, has_browser};
use crate::environment::{Environment, has};
use crate::media;
use crate::serve::Serving;

/// Seconds of one colour with a tone.
fn colour(root: &Path, name: &str, seconds: u32) {
    let folder = root.join(name);
    std::fs::create_dir_all(&folder).unwrap();
    let picture = format!("color=c={name}:size=320x180:rate=25:duration={seconds}");
    let sound = format!("sine=frequency=440:sample_rate=48000:duration={seconds}");
    let coding = [
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-g",
        "25",
        "-pix_fmt",
        "yuv420p",
        "-c:a",
        "aac",
        "-ac",
        "2",
    ];
    let hls = ["-f", "hls", "-hls_time", "2", "-hls_playlist_type", "vod"];
    let sources = ["-f", "lavfi", "-i", &picture, "-f", "lavfi", "-i", &sound];
    media::ffmpeg(&folder, &[&sources, &coding, &hls, &["index.m3u8"]]);
}

#[test]
fn the_page_plays_them_in_place_and_asks_nobody_else() {
    if !has_browser() || !has("ffmpeg") {
        return;
    }
    let environment = Environment::new();
    let root = environment.path("origin");
    colour(&root, "lime", 8);
    colour(&root, "blue", 3);
    colour(&root, "red", 3);
    let origin = Origin::directory(&root).unwrap();
    // A list before the film, and an advertisement four seconds into it.
    let list = serde_json::json!({
        "ASSETS": [{"URI": origin.url("/blue/index.m3u8"), "DURATION": 3}]
    });
    std::fs::write(root.join("list.json"), list.to_string()).unwrap();
    let range = |id: &str, seconds: u32, what: &str| {
        format!(
            "#EXT-X-DATERANGE:ID=\"{id}\",CLASS=\"com.apple.hls.interstitial\",\
             START-DATE=\"2026-01-01T00:00:{seconds:02}Z\",X-RESUME-OFFSET=0,{what}\n"
        )
    };
    let (list, red) = (origin.url("/list.json"), origin.url("/red/index.m3u8"));
    let breaks = range("before", 0, &format!("CUE=\"PRE\",X-ASSET-LIST=\"{list}\""))
        + &range("within", 4, &format!("X-ASSET-URI=\"{red}\""))
        + "#EXT-X-PROGRAM-DATE-TIME:2026-01-01T00:00:00Z\n";
    let playlist = root.join("lime/index.m3u8");
    let text = std::fs::read_to_string(&playlist).unwrap();
    let at = text.find("#EXTINF").unwrap();
    std::fs::write(playlist, format!("{}{breaks}{}", &text[..at], &text[at..])).unwrap();
    let url = origin.url("/lime/index.m3u8");
    environment
        .run(["download", url.as_str(), "--interstitials", "--id", "film"])
        .fine();
    drop(origin);

    let serving = Serving::start(&environment);
    drive("interstitials.mjs", [&serving.url]).fine();
}
