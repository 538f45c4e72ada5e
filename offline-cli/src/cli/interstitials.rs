//! What is played in between.

use clap::Args;
use hls_parse::{Qualifier, RenditionRequest};

use crate::session::{DownloadRequest, InterstitialCriterion, InterstitialRequest};
use crate::{Error, Result};

/// Which interstitials to take.
#[derive(Debug, Default, Args)]
pub struct Interstitials {
    /// Advertisements and the like that are played in between: all, or those named, comma separated:
    /// `pre`, `mid`, `post`, `id=ID`, `id=START*`; `none` [default: none]
    #[arg(long = "interstitials", value_name = "WHICH", num_args = 0..=1, require_equals = true, value_delimiter = ',', default_missing_value = "all", conflicts_with = "live")]
    pub which: Option<Vec<String>>,

    /// Which variant of them, like --variant [default: as of the stream itself]
    #[arg(long, value_name = "EXPR", requires = "which")]
    pub interstitial_variant: Vec<Qualifier>,

    /// Their audio, like --audio [default: as of the stream itself]
    #[arg(long, value_name = "LANGS", requires = "which")]
    pub interstitial_audio: Option<RenditionRequest>,

    /// Their subtitles, like --subtitles [default: as of the stream itself]
    #[arg(long, value_name = "LANGS", requires = "which")]
    pub interstitial_subtitles: Option<RenditionRequest>,
}

impl Interstitials {
    /// Makes the choices that are said, after those of the primary content.
    pub(crate) fn make(&self, request: &mut DownloadRequest) -> Result<()> {
        let Some(criteria) = &self.which else {
            return Ok(());
        };
        if criteria.iter().any(|word| word == "none") {
            if criteria.len() > 1 {
                let reason = "--interstitials=none goes with nothing else";
                return Err(Error::usage(reason));
            }
            request.interstitials = None;
            return Ok(());
        }
        let criteria = criteria.iter().map(|word| word.parse());
        let criteria: Result<Vec<InterstitialCriterion>> = criteria.collect();
        let mut wanted = InterstitialRequest::new(criteria?);
        let is_own = !self.interstitial_variant.is_empty()
            || self.interstitial_audio.is_some()
            || self.interstitial_subtitles.is_some();
        if is_own {
            let mut selection = request.selection.clone();
            if !self.interstitial_variant.is_empty() {
                selection.variants.clone_from(&self.interstitial_variant);
            }
            if let Some(audio) = &self.interstitial_audio {
                selection.audio.clone_from(audio);
            }
            if let Some(subtitles) = &self.interstitial_subtitles {
                selection.subtitles.clone_from(subtitles);
            }
            wanted.selection = Some(selection);
        }
        request.interstitials = Some(wanted);
        Ok(())
    }
}
