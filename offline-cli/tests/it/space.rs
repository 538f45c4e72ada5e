//! Room for a download: what its playlists tell of its size decides whether it begins, and no more.

use asset_store::{Store, StoreOptions};
use offline_cli::session::{DownloadRequest, Network, Session};
use offline_cli::{Error, ErrorKind};
use segment_fetch::testing::{Origin, Resource, Site};

use crate::stream::{Plain, playlist, requests, transport_stream};

/// Downloads into a new store of this quota. Nothing stays reserved, and of what failed nothing is listed.
fn download(origin: &Origin, quota: u64) -> Result<u64, Error> {
    let folder = tempfile::tempdir().unwrap();
    let options = StoreOptions {
        quota: Some(quota),
        ..StoreOptions::default()
    };
    let store = Store::open_with(folder.path().join("store"), &options).unwrap();
    let session = Session::new(store.clone(), Network::new().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let request = DownloadRequest::new(origin.url("/index.m3u8"));
    let done = runtime.block_on(session.download(request, std::future::pending(), |_| {}));
    let usage = store.usage().unwrap();
    assert_eq!(usage.reserved_bytes, 0);
    assert_eq!(usage.assets.is_empty(), done.is_err());
    done.map(|outcome| outcome.bytes)
}

/// Ten segments of 4 s and 18.8 kB, and a Multivariant Playlist that says this of them.
fn declared(attributes: &str) -> Plain {
    let plain = Plain::new(10, 100);
    let text = format!("#EXTM3U\n#EXT-X-STREAM-INF:{attributes}\nmedia.m3u8\n");
    plain
        .origin
        .site()
        .route("/index.m3u8", Resource::new(text));
    plain
}

#[test]
fn an_average_bit_rate_that_does_not_fit_is_refused() {
    // Its nine tenths are 225 kB.
    let plain = declared("BANDWIDTH=80000,AVERAGE-BANDWIDTH=50000");
    let error = download(&plain.origin, 220_000).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::DiskFull);
    assert!(error.to_string().contains("at least 225.0 kB"), "{error}");
    assert_eq!(plain.requests(0), 0);
    assert!(download(&plain.origin, 230_000).unwrap() > 188_000);
}

#[test]
fn what_is_only_a_peak_refuses_nothing() {
    for attributes in [
        "BANDWIDTH=900000000",
        "BANDWIDTH=900000000,AVERAGE-BANDWIDTH=900000000",
        "BANDWIDTH=800000000,AVERAGE-BANDWIDTH=900000000",
    ] {
        let plain = declared(attributes);
        assert!(download(&plain.origin, 230_000).unwrap() > 188_000);
    }
}

#[test]
fn bit_rates_of_segments_count() {
    let site = Site::new();
    let text = playlist(10).replacen("#EXTINF", "#EXT-X-BITRATE:50\n#EXTINF", 1);
    site.route("/index.m3u8", Resource::new(text));
    for index in 0..10 {
        let segment = Resource::new(transport_stream(index + 1, 100));
        site.route(&format!("/segments/{index}.ts"), segment);
    }
    let origin = Origin::serve(site).unwrap();
    let error = download(&origin, 220_000).unwrap_err();
    assert!(error.to_string().contains("at least 225.0 kB"), "{error}");
    assert_eq!(requests(&origin, "/segments/0.ts"), 0);
    download(&origin, 230_000).unwrap();
}

#[test]
fn byte_ranges_are_counted_exactly() {
    let site = Site::new();
    let mut text = playlist(0).replace("#EXT-X-ENDLIST\n", "");
    for index in 0..10 {
        text += &format!(
            "#EXTINF:4,\n#EXT-X-BYTERANGE:18800@{}\nbig.ts\n",
            index * 18_800
        );
    }
    text += "#EXT-X-ENDLIST\n";
    let all = 188_000 + u64::try_from(text.len()).unwrap();
    site.route("/index.m3u8", Resource::new(text));
    site.route("/big.ts", Resource::new(transport_stream(1, 1000)));
    let origin = Origin::serve(site).unwrap();
    let error = download(&origin, all - 1).unwrap_err();
    assert!(error.to_string().contains("at least 188.0 kB"), "{error}");
    assert_eq!(requests(&origin, "/big.ts"), 0);
    assert_eq!(download(&origin, all).unwrap(), all);
}
