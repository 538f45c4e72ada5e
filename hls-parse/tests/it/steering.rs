//! Pathways, and clones of them.

use hls_parse::{
    ErrorKind, PathwayClone, SelectionOptions, SelectionRequest, SteeringManifest, UriReplacement,
};

use crate::multivariant;
use crate::selection::RICH;

fn clone_of(base: &str, id: &str, host: &str) -> PathwayClone {
    PathwayClone {
        base_id: base.into(),
        id: id.into(),
        uri_replacement: UriReplacement {
            host: Some(host.into()),
            params: [("token", "a b&c"), ("alpha", "1")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into(),
            ..UriReplacement::default()
        },
    }
}

#[test]
fn pathways_are_cloned_with_their_groups() {
    let mut resolved = multivariant(RICH);
    let (variants, renditions) = (resolved.variants.len(), resolved.renditions.len());
    let mut clone = clone_of("B", "C", "c.example.com:8443");
    clone.uri_replacement.per_rendition_uris =
        [("en".to_owned(), "https://r.example.com/e".to_owned())].into();
    let again = clone_of("C", "D", "d.example.com");
    assert!(resolved.clone_pathways(&[clone.clone(), again]).is_empty());
    assert_eq!(resolved.pathways(), ["A", "B", "C", "D"]);
    let copy = &resolved.variants[variants];
    assert_eq!(
        copy.url().as_str(),
        "https://c.example.com:8443/high?x=1&alpha=1&token=a%20b%26c"
    );
    assert_eq!(copy.audio(), Some("a-C"));
    assert_eq!(copy.stable_variant_id(), Some("high"));
    let english = resolved.renditions[renditions..]
        .iter()
        .find(|rendition| rendition.stable_rendition_id().is_some())
        .unwrap();
    assert_eq!(
        (english.group_id(), english.url().unwrap().as_str()),
        ("a-C", "https://r.example.com/e")
    );
    assert_eq!(resolved.i_frame_variants.len(), 9);
    assert_eq!(
        resolved.i_frame_variants[8].url().host_str(),
        Some("d.example.com")
    );
    // The same once more changes nothing.
    assert!(resolved.clone_pathways(&[clone]).is_empty());
    assert_eq!(resolved.i_frame_variants.len(), 9);

    let manifest = SteeringManifest {
        pathway_priority: vec!["X".into(), "D".into(), "A".into()],
        ..SteeringManifest::default()
    };
    let preferred = manifest.preferred_pathway(&resolved).unwrap();
    assert_eq!(preferred, "D");
    let options = SelectionOptions {
        pathway: Some(preferred.to_owned()),
        ..SelectionOptions::default()
    };
    let selection = resolved.select_with(&SelectionRequest::default(), &options);
    let selection = selection.unwrap();
    for playlist in resolved.media_playlists(&selection) {
        assert_eq!(playlist.url.host_str(), Some("d.example.com"));
    }
}

#[test]
fn clones_that_cannot_be_made_are_left_out_and_named() {
    let mut resolved = multivariant(RICH);
    let before = resolved.variants.len();
    let errors = resolved.clone_pathways(&[
        clone_of("Z", "1", "example.com"),
        clone_of("B", "2", "exa mple/.com"),
        clone_of("B", "3", ""),
        clone_of("B", "", "example.com"),
        clone_of("B", "4", "user@example.com"),
    ]);
    assert_eq!(errors.len(), 5);
    assert!(
        errors
            .iter()
            .all(|error| error.kind() == ErrorKind::InvalidPathwayClone)
    );
    assert_eq!(resolved.variants.len(), before);
    // What doubles with each clone ends somewhere.
    let many: Vec<_> = (0..20_000)
        .map(|number| clone_of("B", &format!("n{number}"), "example.com"))
        .collect();
    let errors = resolved.clone_pathways(&many);
    assert_eq!(errors.last().unwrap().kind(), ErrorKind::LimitExceeded);
}
