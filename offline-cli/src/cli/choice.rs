//! What of a stream is taken.

use std::str::FromStr;

use clap::Args;
use hls_parse::{
    AuxiliaryRequest, MediaSelectionCriteria, Qualifier, RenditionRequest, SelectionRequest,
};

use crate::session::DownloadRequest;
use crate::{Error, Result};

/// Which variants and renditions to take. What is not said is as in the last download into the asset.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "What to take")]
pub struct Choice {
    /// Which variant, in order of preference: for example `height<=1080 && codec=hvc1` or `max:height`
    /// [default: the highest peak bitrate]
    #[arg(long, value_name = "EXPR")]
    pub variant: Vec<Qualifier>,

    /// Every variant that fits, not only the best of them: several qualities in one asset
    #[arg(long)]
    pub all_variants: bool,

    /// Audio languages, comma separated, or `all` or `none` [default: the stream's own]
    #[arg(long, value_name = "LANGS")]
    pub audio: Option<RenditionRequest>,

    /// The one audio rendition that has this characteristic, such as `describes-video`, in the first
    /// of the languages that there is
    #[arg(long, value_name = "WORD")]
    pub audio_with: Vec<String>,

    /// Subtitle languages, comma separated, or `all` or `none` [default: the stream's own]; forced
    /// ones come with the audio in their language
    #[arg(long, value_name = "LANGS")]
    pub subtitles: Option<RenditionRequest>,

    /// The one rendition of subtitles that has this characteristic, such as
    /// `transcribes-spoken-dialog`, in the first of the languages that there is
    #[arg(long, value_name = "WORD")]
    pub subtitles_with: Vec<String>,

    /// More to have beside, for example `audio=fr subtitles=fr,de` or `variant=height<=480`; without
    /// another video where one that is taken goes with it, unless `separate` is said
    #[arg(long, value_name = "WHAT")]
    pub auxiliary: Vec<Auxiliary>,

    /// Pictures to search by too (the I-frame playlist that fits the variant)
    #[arg(long)]
    pub iframes: bool,
}

/// More to have beside the primary content. What it does not say is as there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Auxiliary {
    variant: Vec<Qualifier>,
    audio: Option<RenditionRequest>,
    audio_with: Vec<String>,
    subtitles: Option<RenditionRequest>,
    subtitles_with: Vec<String>,
    separate: bool,
}

impl Choice {
    /// Makes the choices that are said, and leaves the others as they are.
    pub(crate) fn make(&self, request: &mut DownloadRequest) -> Result<()> {
        if !self.variant.is_empty() {
            request.selection.variants.clone_from(&self.variant);
            // Whoever names a variant anew means that one.
            request.options.every_match = false;
        }
        request.options.every_match |= self.all_variants;
        request.options.i_frames |= self.iframes;
        let primary = &mut request.selection;
        choose(
            (&self.audio, &self.audio_with),
            (&mut primary.audio, &mut request.options.audio),
        )?;
        choose(
            (&self.subtitles, &self.subtitles_with),
            (&mut primary.subtitles, &mut request.options.subtitles),
        )?;
        if !self.auxiliary.is_empty() {
            let auxiliary = self.auxiliary.iter().map(|wanted| wanted.beside(request));
            request.options.auxiliary = auxiliary.collect::<Result<_>>()?;
        }
        Ok(())
    }
}

impl Choice {
    /// Whether variants are said.
    pub(crate) fn says_variants(&self) -> bool {
        !self.variant.is_empty() || self.all_variants
    }

    /// Whether audio renditions are said.
    pub(crate) fn says_audio(&self) -> bool {
        self.audio.is_some() || !self.audio_with.is_empty()
    }

    /// Whether subtitles are said.
    pub(crate) fn says_subtitles(&self) -> bool {
        self.subtitles.is_some() || !self.subtitles_with.is_empty()
    }

    /// These choices and those that were answered.
    #[must_use]
    pub(crate) fn with(&self, answered: &Answered) -> Self {
        let mut choice = self.clone();
        choice.variant.extend(answered.variant.clone());
        choice.all_variants |= answered.all_variants;
        let auxiliary = answered.beside.iter().cloned().map(Auxiliary::of_variant);
        choice.auxiliary.extend(auxiliary);
        choice.audio = choice.audio.or_else(|| answered.audio.clone());
        choice.subtitles = choice.subtitles.or_else(|| answered.subtitles.clone());
        choice
    }
}

/// What was answered, where the command line says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) variant: Option<Qualifier>,
    /// Every variant that `variant` matches.
    pub(crate) all_variants: bool,
    /// More variants.
    pub(crate) beside: Vec<Qualifier>,
    pub(crate) audio: Option<RenditionRequest>,
    pub(crate) subtitles: Option<RenditionRequest>,
}

impl Answered {
    /// The flags that say the same.
    pub(crate) fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        let mut say = |flag: &str, value: String| words.extend([format!("--{flag}"), value]);
        if let Some(qualifier) = &self.variant {
            say("variant", qualifier.to_string());
        }
        for qualifier in &self.beside {
            say("auxiliary", format!("variant={qualifier}"));
        }
        for (flag, languages) in [("audio", &self.audio), ("subtitles", &self.subtitles)] {
            if let Some(languages) = languages {
                say(flag, languages.to_string());
            }
        }
        if self.all_variants {
            words.push("--all-variants".to_owned());
        }
        words
    }
}

impl Auxiliary {
    fn of_variant(qualifier: Qualifier) -> Self {
        Self {
            variant: vec![qualifier],
            ..Self::default()
        }
    }

    fn beside(&self, primary: &DownloadRequest) -> Result<AuxiliaryRequest> {
        let mut auxiliary = AuxiliaryRequest {
            request: SelectionRequest {
                variants: self.variant.clone(),
                audio: primary.selection.audio.clone(),
                subtitles: primary.selection.subtitles.clone(),
            },
            audio: primary.options.audio.clone(),
            subtitles: primary.options.subtitles.clone(),
            separate_video: self.separate,
        };
        choose(
            (&self.audio, &self.audio_with),
            (&mut auxiliary.request.audio, &mut auxiliary.audio),
        )?;
        choose(
            (&self.subtitles, &self.subtitles_with),
            (&mut auxiliary.request.subtitles, &mut auxiliary.subtitles),
        )?;
        Ok(auxiliary)
    }
}

/// Puts what is said of renditions of one kind into a request and its criteria.
fn choose(
    (languages, characteristics): (&Option<RenditionRequest>, &[String]),
    (request, criteria): (&mut RenditionRequest, &mut Option<MediaSelectionCriteria>),
) -> Result<()> {
    if let Some(languages) = languages {
        request.clone_from(languages);
        *criteria = None;
    }
    if characteristics.is_empty() {
        return Ok(());
    }
    let languages = match request {
        RenditionRequest::Languages(languages) => languages.clone(),
        RenditionRequest::Automatic => Vec::new(),
        RenditionRequest::All | RenditionRequest::None => {
            return Err(Error::usage(format!(
                "`{request}` and a characteristic, which chooses one rendition, contradict each other"
            ))
            .hint("name languages, or nothing but the characteristic"));
        }
    };
    *criteria = Some(MediaSelectionCriteria {
        languages,
        required_characteristics: characteristics.iter().map(|word| whole(word)).collect(),
        ..MediaSelectionCriteria::default()
    });
    Ok(())
}

/// `describes-video` is `public.accessibility.describes-video`.
fn whole(characteristic: &str) -> String {
    match characteristic {
        whole if whole.contains('.') => whole.to_owned(),
        "easy-to-read" | "machine-generated" => format!("public.{characteristic}"),
        word => format!("public.accessibility.{word}"),
    }
}

impl FromStr for Auxiliary {
    type Err = String;

    /// Words with spaces between: `variant=EXPR`, which may have spaces of its own, `audio=LANGS`, `audio-with=WORD`, and so on.
    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let keys = [
            "variant",
            "audio",
            "audio-with",
            "subtitles",
            "subtitles-with",
        ];
        let mut said: Vec<(&str, String)> = Vec::new();
        for word in text.split_whitespace() {
            let new = word.split_once('=').and_then(|(key, value)| {
                Some((*keys.iter().find(|known| **known == key)?, value.to_owned()))
            });
            match (new, said.last_mut()) {
                (Some(new), _) => said.push(new),
                (None, _) if word == "separate" => said.push(("separate", String::new())),
                (None, Some(("variant", expression))) => {
                    expression.push(' ');
                    expression.push_str(word);
                }
                _ => {
                    return Err(format!(
                        "`{word}` is none of variant=EXPR, audio=LANGS, audio-with=WORD, subtitles=LANGS, subtitles-with=WORD, separate"
                    ));
                }
            }
        }
        if said.is_empty() {
            return Err("it asks for nothing; write for example `audio=fr`".to_owned());
        }
        let mut auxiliary = Self::default();
        for (key, value) in said {
            let languages = || {
                value
                    .parse()
                    .map(Some)
                    .map_err(|error: hls_parse::Error| error.to_string())
            };
            match key {
                "variant" => {
                    let qualifier = value.parse::<Qualifier>();
                    auxiliary
                        .variant
                        .push(qualifier.map_err(|error| error.to_string())?);
                }
                "audio" => auxiliary.audio = languages()?,
                "subtitles" => auxiliary.subtitles = languages()?,
                "audio-with" => auxiliary.audio_with.push(value),
                "subtitles-with" => auxiliary.subtitles_with.push(value),
                _ => auxiliary.separate = true,
            }
        }
        Ok(auxiliary)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Auxiliary {
        text.parse().unwrap()
    }

    #[test]
    fn auxiliaries_are_words_with_spaces_between() {
        let read = read(
            "variant=height<=480 && codec=avc1 audio=fr,de variant=max:height separate subtitles=none audio-with=describes-video",
        );
        assert_eq!(
            read.variant
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>(),
            ["height<=480 && codec=avc1", "max:height"]
        );
        assert_eq!(read.audio, Some("fr,de".parse().unwrap()));
        assert_eq!(read.subtitles, Some(RenditionRequest::None));
        assert!(read.separate);
        assert_eq!(read.audio_with, ["describes-video"]);
        for wrong in [
            "",
            "fr",
            "audio=",
            "audio=fr de",
            "variant=hight=4",
            "video=fr",
            "subtitles=a_b",
        ] {
            assert!(wrong.parse::<Auxiliary>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_was_answered_can_be_said() {
        use clap::Parser;

        use crate::cli::{Cli, Command};

        let answered = Answered {
            variant: Some("height=1080 && codec=hvc1".parse().unwrap()),
            all_variants: true,
            beside: vec![
                "height=480 && peak-bitrate=800000".parse().unwrap(),
                "frame-rate=29.97".parse().unwrap(),
            ],
            audio: Some("en,pt-BR".parse().unwrap()),
            subtitles: Some(RenditionRequest::None),
        };
        let mut words = ["offline", "download", "http://a/b"]
            .map(str::to_owned)
            .to_vec();
        words.extend(answered.words());
        let Command::Download(said) = Cli::try_parse_from(words).unwrap().command else {
            panic!("another command");
        };
        assert_eq!(said.choice, Choice::default().with(&answered));
        assert!(
            said.choice.says_variants() && said.choice.says_audio() && said.choice.says_subtitles()
        );
        assert!(Answered::default().words().is_empty());
        assert_eq!(
            Choice::default().with(&Answered::default()),
            Choice::default()
        );
    }

    #[test]
    fn what_is_not_said_is_as_before() {
        let mut request = DownloadRequest::new("https://example.com/a.m3u8".parse().unwrap());
        let first = Choice {
            variant: vec!["height<=480".parse().unwrap()],
            all_variants: true,
            audio: Some("de".parse().unwrap()),
            audio_with: vec!["describes-video".into()],
            ..Choice::default()
        };
        first.make(&mut request).unwrap();
        let criteria = request.options.audio.clone().unwrap();
        assert_eq!(criteria.languages, ["de"]);
        assert_eq!(
            criteria.required_characteristics,
            ["public.accessibility.describes-video"]
        );
        let before = request.clone();
        Choice::default().make(&mut request).unwrap();
        assert_eq!(request.selection, before.selection);
        assert_eq!(request.options, before.options);
        let second = Choice {
            auxiliary: vec![read("subtitles=fr")],
            audio: Some("en".parse().unwrap()),
            ..Choice::default()
        };
        second.make(&mut request).unwrap();
        assert_eq!(request.selection.variants, before.selection.variants);
        assert_eq!(request.options.audio, None);
        assert!(request.options.every_match);
        let auxiliary = &request.options.auxiliary[0];
        assert_eq!(auxiliary.request.audio, "en".parse().unwrap());
        assert_eq!(auxiliary.request.subtitles, "fr".parse().unwrap());
        let contradiction = Choice {
            audio: Some(RenditionRequest::All),
            audio_with: vec!["describes-video".into()],
            ..Choice::default()
        };
        assert!(contradiction.make(&mut request).is_err());
    }
}
