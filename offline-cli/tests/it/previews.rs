//! The pictures by which one searches, in a real browser.

use std::path::Path;

use segment_fetch::testing::Origin;

use crate::browser::{drive, has_browser};
use crate::environment::{Environment, has};
use crate::media;
use crate::serve::Serving;

/// A stream of forty seconds with an I-frame playlist.
fn i_frames(root: &Path) {
    let folder = root.join("iframe");
    std::fs::create_dir_all(&folder).unwrap();
    let source = [
        "-f",
        "lavfi",
        "-i",
        "testsrc2=size=320x180:rate=25:duration=40",
    ];
    let video = [
        "-c:v",
        "libx264",
        "-preset",
        "ultrafast",
        "-g",
        "50",
        "-sc_threshold",
        "0",
    ];
    let shape = [
        "-pix_fmt",
        "yuv420p",
        "-profile:v",
        "baseline",
        "-b:v",
        "200k",
    ];
    let hls = ["-f", "hls", "-hls_time", "4", "-hls_playlist_type", "vod"];
    media::ffmpeg(&folder, &[&source, &video, &shape, &hls, &["index.m3u8"]]);
    let only = ["-hls_flags", "iframes_only+single_file", "-hls_time", "2"];
    media::ffmpeg(
        &folder,
        &[
            &[
                "-i",
                "index.m3u8",
                "-c",
                "copy",
                "-f",
                "hls",
                "-hls_playlist_type",
                "vod",
            ],
            &only,
            &["-hls_segment_filename", "iframes.ts", "iframes.m3u8"],
        ],
    );
    let codecs = "RESOLUTION=320x180,CODECS=\"avc1.42c00d\"";
    let text = format!(
        "#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-STREAM-INF:BANDWIDTH=400000,{codecs}\nindex.m3u8\n\
         #EXT-X-I-FRAME-STREAM-INF:BANDWIDTH=90000,{codecs},URI=\"iframes.m3u8\"\n"
    );
    std::fs::write(folder.join("master.m3u8"), text).unwrap();
}

#[test]
fn the_seek_slider_shows_pictures_of_the_i_frame_playlist() {
    if !has_browser() || !has("ffmpeg") {
        return;
    }
    let environment = Environment::new();
    let root = environment.path("origin");
    std::fs::create_dir_all(&root).unwrap();
    i_frames(&root);
    let origin = Origin::directory(&root).unwrap();
    let url = origin.url("/iframe/master.m3u8");
    environment
        .run(["download", url.as_str(), "--iframes", "--id", "film"])
        .fine();
    drop(origin);
    let serving = Serving::start(&environment);
    drive("preview.mjs", [&serving.url]).fine();
}
