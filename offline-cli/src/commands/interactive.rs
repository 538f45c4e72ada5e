//! `offline download -i`: what is to be taken is asked at the terminal.

use std::io::{IsTerminal, stderr, stdin};
use std::path::Path;

use hls_parse::RenditionRequest;

use super::{download, probe};
use crate::cli::{self, Answer, Answered, Choice, Question};
use crate::render::output::{self, Output};
use crate::render::table::table;
use crate::session::{DownloadRequest, Network, Offer, OfferedLanguage, OfferedVariant};
use crate::{Error, ErrorKind, Result};

/// Holds for whatever declares what every variant has to.
const EVERY_VARIANT: &str = "peak-bitrate>0";

/// Whether there is somebody who can be asked.
pub(super) fn check(output: Output) -> Result<()> {
    let flags = "say what to take with --variant, --audio and --subtitles; `offline probe URL` shows what there is";
    if output.json || output.quiet {
        return Err(
            Error::usage("--interactive asks, which --json and --quiet leave no room for")
                .hint(flags),
        );
    }
    if stdin().is_terminal() && stderr().is_terminal() {
        return Ok(());
    }
    Err(Error::usage("--interactive asks, and there is no terminal to ask at").hint(flags))
}

/// Asks what nothing is said of, and says how to say it. Interrupts and the end of the input leave with nothing changed.
pub(super) async fn choose(
    said: &Choice,
    request: DownloadRequest,
    network: &Network,
    place: &Path,
    output: Output,
) -> Result<Choice> {
    let interrupted = download::interrupt();
    let answered = tokio::select! {
        answered = ask(said, request, network, place, output) => answered?,
        () = interrupted => return Err(left(output)),
    };
    let words = answered.words();
    if !words.is_empty() {
        let line = cli::without_asking(std::env::args_os(), words);
        output.message(&format!("the same without being asked:\n  {line}"));
    }
    Ok(said.with(&answered))
}

fn left(output: Output) -> Error {
    // What follows is not to be on the line of the question.
    output.message("");
    Error::new(
        ErrorKind::Cancelled,
        "nothing was chosen, and nothing has changed",
    )
}

async fn ask(
    said: &Choice,
    mut request: DownloadRequest,
    network: &Network,
    place: &Path,
    output: Output,
) -> Result<Answered> {
    output.message("looking at what there is ...");
    let offer = network.offer(&request, super::free(place)).await?;
    let mut answered = Answered::default();
    let mut has_asked = false;
    if !said.says_variants() {
        let variants = offer.variants(&request)?;
        if variants.len() > 1 {
            has_asked = true;
            ask_variants(&offer, &variants, &mut answered, output).await?;
            said.with(&answered).make(&mut request)?;
        }
    }
    let audio = offer.audio(&request)?;
    if !said.says_audio() && audio.len() > 1 {
        has_asked = true;
        answered.audio = ask_languages("AUDIO", "audio languages", &audio, output).await?;
    }
    let subtitles = offer.subtitles(&request)?;
    if !said.says_subtitles() && !subtitles.is_empty() {
        has_asked = true;
        answered.subtitles =
            ask_languages("SUBTITLES", "subtitle languages", &subtitles, output).await?;
    }
    if !has_asked {
        output.message("there is nothing to choose");
    }
    Ok(answered)
}

async fn ask_variants(
    offer: &Offer,
    variants: &[OfferedVariant],
    answered: &mut Answered,
    output: Output,
) -> Result<()> {
    let rows = variants.iter().enumerate().filter_map(|(row, variant)| {
        let cells = probe::variant(offer.probe.variants.get(variant.index)?);
        Some([vec![(row + 1).to_string()], cells].concat())
    });
    let header = ["", "VARIANT", "PEAK", "SIZE", "CODECS"];
    output.message(&table(&header, &[0, 2, 3], rows.collect()));
    // A variant has no name of its own.
    let names = vec![String::new(); variants.len()];
    let question = Question {
        names: &names,
        may_be_none: false,
    };
    let selected = variants.iter().map(|variant| variant.selected);
    let chosen = match put(question, "variants", selected, output).await? {
        Answer::Default | Answer::None => return Ok(()),
        Answer::All => {
            answered.variant = EVERY_VARIANT.parse().ok();
            answered.all_variants = true;
            return Ok(());
        }
        Answer::Entries(chosen) => chosen,
    };
    let qualifiers = chosen.into_iter().filter_map(|row| variants.get(row));
    let mut qualifiers = qualifiers.map(|variant| variant.qualifier.clone());
    answered.variant = qualifiers.next();
    answered.beside = qualifiers.collect();
    Ok(())
}

async fn ask_languages(
    heading: &str,
    what: &str,
    languages: &[OfferedLanguage],
    output: Output,
) -> Result<Option<RenditionRequest>> {
    let rows = languages.iter().enumerate().map(|(row, language)| {
        vec![
            (row + 1).to_string(),
            language.tag.clone(),
            language.renditions.join("; "),
        ]
    });
    output.message(&table(&["", heading, "NAME"], &[0], rows.collect()));
    let names: Vec<String> = languages.iter().map(|one| one.tag.clone()).collect();
    let question = Question {
        names: &names,
        may_be_none: true,
    };
    let selected = languages.iter().map(|language| language.selected);
    Ok(match put(question, what, selected, output).await? {
        Answer::Default => None,
        Answer::All => Some(RenditionRequest::All),
        Answer::None => Some(RenditionRequest::None),
        Answer::Entries(chosen) => {
            let tags = chosen.into_iter().filter_map(|row| names.get(row).cloned());
            Some(RenditionRequest::Languages(tags.collect()))
        }
    })
}

/// Puts a question until it is answered.
async fn put(
    question: Question<'_>,
    what: &str,
    selected: impl Iterator<Item = bool>,
    output: Output,
) -> Result<Answer> {
    let default: Vec<String> = (1..)
        .zip(selected)
        .filter(|(_, is_selected)| *is_selected)
        .map(|(number, _): (usize, bool)| number.to_string())
        .collect();
    let default = if default.is_empty() {
        "none".to_owned()
    } else {
        default.join(",")
    };
    let none = if question.may_be_none { ", none" } else { "" };
    loop {
        output::question(&format!("Which {what} (1,2, all{none}) [{default}]: "));
        let Some(line) = line().await? else {
            return Err(left(output));
        };
        match question.read(&line) {
            Ok(answer) => return Ok(answer),
            Err(mistake) => output.message(&mistake),
        }
    }
}

/// A line of standard input; `None` when it has ended.
async fn line() -> Result<Option<String>> {
    let (tell, told) = futures::channel::oneshot::channel();
    // Nothing waits for this thread, which nobody but the person at the terminal can end.
    std::thread::spawn(move || {
        let mut line = String::new();
        let read = stdin().read_line(&mut line);
        let _ = tell.send(read.map(|bytes| (bytes > 0).then_some(line)));
    });
    match told.await {
        Ok(read) => read.map_err(|error| Error::usage("the answer cannot be read").because(error)),
        Err(_) => Ok(None),
    }
}
