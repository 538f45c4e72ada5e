//! From an asset that does not play offline to the reasons why.

use crate::catalog::VariantDescription;
use crate::inspect::View;
use crate::track_state::TrackState;
use crate::why::Why;

impl View<'_> {
    pub(crate) fn why_not(&self) -> Vec<Why> {
        let mut why = Vec::new();
        if !self.asset.complete {
            why.push(Why::NotFinished);
        }
        if self.asset.variants.is_empty() {
            why.push(Why::NoVariants);
            return why;
        }
        let mut selected = (self.asset.variants.iter())
            .filter(|variant| self.is_selected(variant))
            .peekable();
        if selected.peek().is_none() {
            why.push(Why::NoVariantSelected);
        }
        let mut key_systems: Vec<String> = Vec::new();
        for variant in selected {
            why.extend(self.why_no_media(variant));
            why.extend(self.why_no_audio(variant));
            for system in self.licences(variant) {
                if !key_systems.iter().any(|known| known == system) {
                    key_systems.push(system.to_owned());
                }
            }
        }
        if !key_systems.is_empty() {
            why.push(Why::NeedsLicence { key_systems });
        }
        why
    }

    fn is_selected(&self, variant: &VariantDescription) -> bool {
        (variant.tracks.first())
            .and_then(|index| self.asset.tracks.get(*index))
            .is_some_and(|track| track.selected)
    }

    fn why_no_media(&self, variant: &VariantDescription) -> Option<Why> {
        let variant_id = variant.id.clone();
        match self.own_state(variant) {
            Some(state) if state.is_complete() => None,
            Some(state) if state.incomplete.missing > 0 => Some(Why::MediaIncomplete {
                variant: variant_id,
                incomplete: state.incomplete,
            }),
            _ => Some(Why::NoMedia {
                variant: variant_id,
            }),
        }
    }

    fn why_no_audio(&self, variant: &VariantDescription) -> Option<Why> {
        let best = self.best_audio(variant);
        if !self.needs_audio(variant) || best.is_some_and(|(_, state)| state.is_complete()) {
            return None;
        }
        let variant_id = variant.id.clone();
        let is_lacking = |state: &TrackState| state.incomplete.missing > 0;
        match best {
            Some((track, state)) if state.present > 0 || track.selected && is_lacking(state) => {
                Some(Why::AudioIncomplete {
                    variant: variant_id,
                    name: track.name.clone(),
                    incomplete: state.incomplete,
                })
            }
            _ => Some(Why::NoAudio {
                variant: variant_id,
            }),
        }
    }
}
