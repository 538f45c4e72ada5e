//! What holds of the choice of auxiliary contents, whatever the ladder.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use hls_parse::{
    AuxiliaryRequest, Multivariant, RenditionKind, RenditionRequest, SelectionOptions,
    SelectionRequest,
};
use proptest::prelude::*;

use crate::multivariant;

const LANGUAGES: [&str; 4] = ["en", "fr", "de", "la"];

/// A ladder of variants, each by its video and its group, and the languages of each group.
fn ladder() -> impl Strategy<Value = Multivariant> {
    let variants = proptest::collection::vec((0_usize..4, 0_usize..3, 1_u64..9), 1..8);
    let groups = proptest::collection::vec(proptest::bits::u8::between(0, 4), 3);
    (variants, groups).prop_map(|(variants, groups)| {
        let mut text = String::from("#EXTM3U\n");
        for (group, languages) in groups.iter().enumerate() {
            let spoken = LANGUAGES.iter().enumerate();
            for (_, language) in spoken.filter(|(bit, _)| languages & (1 << bit) != 0) {
                writeln!(
                    text,
                    "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"{group}\",NAME=\"{language}\",LANGUAGE=\"{language}\",URI=\"{group}{language}\""
                )
                .unwrap();
            }
        }
        for (video, group, bandwidth) in variants {
            writeln!(
                text,
                "#EXT-X-STREAM-INF:BANDWIDTH={bandwidth},AUDIO=\"{group}\"\nvideo{video}"
            )
            .unwrap();
        }
        multivariant(&text)
    })
}

fn wanted() -> impl Strategy<Value = Vec<AuxiliaryRequest>> {
    let languages = proptest::sample::subsequence(LANGUAGES.to_vec(), 1..3);
    let auxiliary = languages.prop_map(|languages| AuxiliaryRequest {
        request: SelectionRequest {
            audio: RenditionRequest::Languages(
                languages.into_iter().map(ToOwned::to_owned).collect(),
            ),
            ..SelectionRequest::default()
        },
        ..AuxiliaryRequest::default()
    });
    proptest::collection::vec(auxiliary, 1..4)
}

fn videos<'a>(of: &'a Multivariant, variants: &[usize]) -> BTreeSet<&'a str> {
    let urls = variants.iter().map(|&index| of.variants[index].url());
    urls.map(url::Url::as_str).collect()
}

/// How many of some languages the group of a variant lacks.
fn lacking(of: &Multivariant, variant: usize, languages: &[String]) -> usize {
    let group = of.variants[variant].audio();
    let has = |language: &&String| {
        !of.renditions.iter().any(|rendition| {
            rendition.kind == RenditionKind::Audio
                && Some(rendition.group_id()) == group
                && rendition.language() == Some(language)
        })
    };
    languages.iter().filter(has).count()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, ..ProptestConfig::default() })]

    #[test]
    fn an_auxiliary_adds_a_video_only_where_none_that_is_taken_has_as_much(
        resolved in ladder(),
        auxiliary in wanted(),
    ) {
        let request = SelectionRequest::default();
        for count in 0..auxiliary.len() {
            let select = |count: usize| {
                let options = SelectionOptions {
                    auxiliary: auxiliary[..count].to_vec(),
                    ..SelectionOptions::default()
                };
                resolved.select_with(&request, &options).unwrap()
            };
            let (before, after) = (select(count), select(count + 1));
            let RenditionRequest::Languages(languages) = &auxiliary[count].request.audio else {
                unreachable!("every auxiliary wants languages");
            };
            let chosen = after.auxiliary[count].unwrap();
            let taken = videos(&resolved, &before.variants);
            let least = (0..resolved.variants.len())
                .map(|variant| lacking(&resolved, variant, languages))
                .min()
                .unwrap();
            prop_assert_eq!(lacking(&resolved, chosen, languages), least);
            let suffices = (0..resolved.variants.len()).any(|variant| {
                taken.contains(resolved.variants[variant].url().as_str())
                    && lacking(&resolved, variant, languages) == least
            });
            if suffices {
                prop_assert_eq!(videos(&resolved, &after.variants), taken);
            }
            // Nothing that was chosen before is given up for it.
            prop_assert!(after.variants.starts_with(&before.variants));
            prop_assert!(before.renditions.iter().all(|one| after.renditions.contains(one)));
        }
    }
}
