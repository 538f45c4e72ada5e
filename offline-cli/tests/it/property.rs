//! For any presentation and any schedule of faults: what is exported is what the origin had, or there is an error.

use std::path::Path;

use asset_store::{AssetId, Store};
use offline_cli::playback::export;
use offline_cli::session::{DownloadRequest, Network, Session};
use proptest::prelude::*;
use segment_fetch::testing::{Fault, Origin, Resource, Site};

use crate::stream::{encrypt, transport_stream};

/// How a segment is addressed and protected.
#[derive(Clone, Debug)]
struct Made {
    packets: usize,
    /// Part of the one big file, with or without its offset said.
    ranged: Option<bool>,
    /// Key number and whether the IV is said; `None` is clear.
    key: Option<(u8, bool)>,
    discontinuity: bool,
}

fn made() -> impl Strategy<Value = Made> {
    (
        1_usize..40,
        proptest::option::of(any::<bool>()),
        proptest::option::of((0_u8..3, any::<bool>())),
        any::<bool>(),
    )
        .prop_map(|(packets, ranged, key, discontinuity)| Made {
            packets,
            ranged,
            key,
            discontinuity,
        })
}

fn fault() -> impl Strategy<Value = Fault> {
    prop_oneof![
        4 => Just(Fault::None),
        1 => (0_u64..4000).prop_map(Fault::Cut),
        1 => Just(Fault::Reset),
        1 => Just(Fault::IgnoreRange),
        1 => Just(Fault::ShiftedRange),
        1 => Just(Fault::ShortRange),
        1 => Just(Fault::NoContentRange),
        1 => Just(Fault::Chunked),
        1 => Just(Fault::Html),
        1 => Just(Fault::Gzip),
        1 => (1_u64..50).prop_map(Fault::AnnounceMore),
        1 => Just(Fault::RetryAfter { status: 503, value: "0".to_owned() }),
    ]
}

/// Builds the site; returns the clear bytes of each segment.
fn site(segments: &[Made]) -> (Site, Vec<Vec<u8>>) {
    let site = Site::new();
    let mut text = String::from(
        "#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:1000\n",
    );
    let mut big = Vec::new();
    let mut clear_segments = Vec::new();
    let mut previous_ranged = false;
    for (index, made) in segments.iter().enumerate() {
        let clear = transport_stream(index as u64 + 1, made.packets);
        let iv = (1000 + index as u128).to_be_bytes();
        let explicit = [u8::try_from(index).unwrap(); 16];
        if made.discontinuity {
            text.push_str("#EXT-X-DISCONTINUITY\n");
        }
        let bytes = match made.key {
            None => {
                text.push_str("#EXT-X-KEY:METHOD=NONE\n");
                clear.clone()
            }
            Some((key, false)) => {
                text.push_str(&format!("#EXT-X-KEY:METHOD=AES-128,URI=\"key{key}\"\n"));
                encrypt(&clear, [key; 16], iv)
            }
            Some((key, true)) => {
                let hex = format!("{:032X}", u128::from_be_bytes(explicit));
                text.push_str(&format!(
                    "#EXT-X-KEY:METHOD=AES-128,URI=\"key{key}\",IV=0x{hex}\n"
                ));
                encrypt(&clear, [key; 16], explicit)
            }
        };
        text.push_str("#EXTINF:2,\n");
        if let Some(said) = made.ranged {
            let offset = if said || !previous_ranged {
                format!("@{}", big.len())
            } else {
                String::new()
            };
            text.push_str(&format!(
                "#EXT-X-BYTERANGE:{}{offset}\nbig.ts\n",
                bytes.len()
            ));
            big.extend_from_slice(&bytes);
        } else {
            text.push_str(&format!("s{index}.ts\n"));
            site.route(&format!("/s{index}.ts"), Resource::new(bytes));
        }
        previous_ranged = made.ranged.is_some();
        clear_segments.push(clear);
    }
    text.push_str("#EXT-X-ENDLIST\n");
    site.route("/big.ts", Resource::new(big));
    for key in 0..3_u8 {
        site.route(&format!("/key{key}"), Resource::new(vec![key; 16]));
    }
    site.route("/media.m3u8", Resource::new(text));
    (site, clear_segments)
}

fn exported_segments(folder: &Path, count: usize) -> Vec<Vec<u8>> {
    (0..count)
        .map(|index| {
            std::fs::read(folder.join(format!("media/segment-{:08}.ts", 1000 + index))).unwrap()
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn stored_bytes_are_right_or_there_is_an_error(
        segments in proptest::collection::vec(made(), 1..8),
        faults in proptest::collection::vec((0_usize..8, fault()), 0..4),
    ) {
        let (site, clear) = site(&segments);
        for (index, fault) in &faults {
            let path = match segments.get(*index).map(|made| made.ranged) {
                Some(Some(_)) => "/big.ts".to_owned(),
                Some(None) => format!("/s{index}.ts"),
                None => "/key0".to_owned(),
            };
            site.script(&path, [fault.clone()]);
        }
        let origin = Origin::serve(site).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path().join("store")).unwrap();
        let session = Session::new(store.clone(), Network::new().unwrap());
        let id = AssetId::new("a").unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut request = DownloadRequest::new(origin.url("/media.m3u8"));
        request.id = Some(id.clone());
        let mut attempts = 0;
        // Every fault comes once, so some attempt finds none left.
        while let Err(error) = runtime.block_on(session.download(request.clone(), std::future::pending(), |_| {})) {
            attempts += 1;
            prop_assert!(attempts <= faults.len(), "{}", error.one_line());
        }
        let out = folder.path().join("out");
        export::hls(&store, &id, &out, |_| {}).unwrap();
        prop_assert!(exported_segments(&out, clear.len()) == clear);
        let verified = store.verify(None, &mut |_| {}).unwrap();
        prop_assert!(verified.is_good(), "{:?}", verified);
    }
}
