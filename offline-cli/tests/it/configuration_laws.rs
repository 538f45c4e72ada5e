//! Whatever is chosen: what was selected is what is offered, and it is not fetched again.

use asset_store::{AssetId, Durability, Store, StoreOptions};
use hls_parse::{AuxiliaryRequest, Context, RenditionRequest, SelectionOptions, SelectionRequest};
use offline_cli::playback::export;
use offline_cli::session::{DownloadRequest, Network, Session};
use proptest::prelude::*;

use crate::configuration::{MASTER, TRACKS, media_since, rich};
use crate::stream::requests;

fn renditions() -> impl Strategy<Value = RenditionRequest> {
    prop_oneof![
        Just(RenditionRequest::Automatic),
        Just(RenditionRequest::All),
        Just(RenditionRequest::Languages(vec!["fr".into()])),
        Just(RenditionRequest::Languages(vec!["en".into(), "xx".into()])),
    ]
}

fn content() -> impl Strategy<Value = SelectionRequest> {
    let variants = proptest::sample::subsequence(
        vec!["height=360", "height<=720", "channels=6", "height=1"],
        0..3,
    );
    let subtitles = prop_oneof![4 => renditions(), 1 => Just(RenditionRequest::None)];
    (variants, renditions(), subtitles).prop_map(|(variants, audio, subtitles)| SelectionRequest {
        variants: variants.iter().map(|text| text.parse().unwrap()).collect(),
        audio,
        subtitles,
    })
}

fn choice() -> impl Strategy<Value = (SelectionRequest, SelectionOptions)> {
    let auxiliary =
        (content(), any::<bool>()).prop_map(|(request, separate_video)| AuxiliaryRequest {
            request,
            separate_video,
            ..AuxiliaryRequest::default()
        });
    let auxiliary = proptest::collection::vec(auxiliary, 0..3);
    let choice = (content(), auxiliary, any::<bool>(), any::<bool>());
    choice.prop_map(|(selection, auxiliary, every_match, i_frames)| {
        let options = SelectionOptions {
            auxiliary,
            every_match,
            i_frames,
            ..SelectionOptions::default()
        };
        (selection, options)
    })
}

/// One download after the other. A variant without its sound is offered only where no other has any, so all are without or none is.
fn choices() -> impl Strategy<Value = Vec<(SelectionRequest, SelectionOptions)>> {
    let choices = proptest::collection::vec(choice(), 1..3);
    let silent = proptest::bool::weighted(0.1);
    (choices, silent).prop_map(|(mut choices, silent)| {
        if silent {
            for (selection, options) in &mut choices {
                selection.audio = RenditionRequest::None;
                for auxiliary in &mut options.auxiliary {
                    auxiliary.request.audio = RenditionRequest::None;
                }
            }
        }
        choices
    })
}

/// The exported playlist, read as a player reads it.
fn offered(folder: &std::path::Path) -> hls_parse::Multivariant {
    let text = std::fs::read(folder.join("index.m3u8")).unwrap();
    let parsed = hls_parse::parse(&text).unwrap();
    let context = Context::new("http://local/index.m3u8".parse().unwrap());
    parsed
        .playlist
        .as_multivariant()
        .unwrap()
        .resolve(&context)
        .unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn what_was_selected_is_offered_and_not_fetched_again(
        choices in choices(),
    ) {
        let origin = rich();
        let folder = tempfile::tempdir().unwrap();
        let fast = StoreOptions {
            durability: Durability::Relaxed,
            ..StoreOptions::default()
        };
        let store = Store::open_with(folder.path().join("store"), &fast).unwrap();
        let session = Session::new(store.clone(), Network::new().unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let url = origin.url("/master.m3u8");
        let id = AssetId::new("a").unwrap();
        let parsed = hls_parse::parse(MASTER.as_bytes()).unwrap();
        let playlist = parsed.playlist.as_multivariant().unwrap();
        let multivariant = playlist.resolve(&Context::new(url.clone())).unwrap();
        let download = |request: &DownloadRequest| {
            let download = session.download(request.clone(), std::future::pending(), |_| {});
            runtime.block_on(download).unwrap();
        };
        let mut wanted = Vec::new();
        for (selection, options) in choices {
            let mut request = DownloadRequest::new(url.clone());
            request.id = Some(id.clone());
            request.selection = selection;
            request.options = options;
            download(&request);
            let chosen = multivariant.select_with(&request.selection, &request.options).unwrap();
            let playlists = multivariant.media_playlists(&chosen).into_iter();
            wanted.extend(playlists.map(|playlist| playlist.url.to_string()));
            let before = origin.site().requests().len();
            download(&request);
            let again = DownloadRequest::augmenting(&store, url.clone(), Some(id.clone())).unwrap();
            prop_assert_eq!(&again.selection, &request.selection);
            prop_assert_eq!(&again.options, &request.options);
            download(&again);
            prop_assert_eq!(media_since(&origin, before), Vec::<String>::new());
        }
        // Nothing was fetched twice.
        for track in TRACKS.iter().filter(|track| **track != "v1080") {
            let path = format!("/{track}/0.ts");
            prop_assert!(requests(&origin, &path) <= 1, "{}", path);
        }
        let out = folder.path().join("out");
        export::hls(&store, &id, &out, |_| {}).unwrap();
        let local = offered(&out);
        wanted.sort();
        wanted.dedup();
        let tracks = std::fs::read_dir(&out).unwrap().filter(|entry| entry.as_ref().unwrap().path().is_dir()).count();
        prop_assert_eq!(tracks, wanted.len(), "each of {:?} and nothing else", wanted);
        let mut named: Vec<String> = local.variants.iter().map(|one| one.url().to_string())
            .chain(local.renditions.iter().filter_map(|one| Some(one.url()?.to_string())))
            .chain(local.i_frame_variants.iter().map(|one| one.url().to_string()))
            .collect();
        named.sort();
        named.dedup();
        prop_assert_eq!(named.len(), wanted.len());
    }
}
