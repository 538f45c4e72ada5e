//! `offline probe`

use std::path::Path;
use std::time::Duration;

use super::download;
use crate::Result;
use crate::cli::Probe;
use crate::render::output::{self, Output};
use crate::render::table::table;
use crate::render::text::{clock, printable};
use crate::session::{
    BytesFrom, DownloadRequest, Probe as Probed, ProbedFix, ProbedRendition, ProbedVariant,
};

/// How many findings a person is shown.
const SHOWN: usize = 20;

/// How many characters of a fix a person is shown.
const LONGEST_REMEDY: usize = 60;

pub(super) async fn run(arguments: &Probe, place: &Path, output: Output) -> Result<u8> {
    let mut request = DownloadRequest::new(arguments.url.clone());
    arguments.choice.make(&mut request)?;
    super::set_base(&mut request, arguments.base_url.as_ref())?;
    let probe = super::network(&arguments.connection, request.origin(), output)?
        .probe(&request, super::free(place))
        .await?;
    if output.json {
        output::json(&probe)?;
        return Ok(0);
    }
    let time = clock(Duration::try_from_secs_f64(probe.duration).unwrap_or_default());
    let live = if probe.live { ", live" } else { "" };
    output::line(&format!(
        "{} playlist, {time}, {} segments{live}",
        probe.kind, probe.segments
    ))?;
    if let Some(protection) = &probe.protection {
        output::line(&format!("protected: {protection}"))?;
    }
    let mark = |selected| {
        if selected {
            "*".to_owned()
        } else {
            String::new()
        }
    };
    for (heading, variants) in [
        ("VARIANT", &probe.variants),
        ("I-FRAMES", &probe.i_frame_variants),
    ] {
        if variants.is_empty() {
            continue;
        }
        let rows = variants
            .iter()
            .map(|one| [vec![mark(one.selected)], variant(one)].concat());
        output::line(&table(
            &["", heading, "PEAK", "SIZE", "CODECS"],
            &[2, 3],
            rows.collect(),
        ))?;
    }
    if !probe.renditions.is_empty() {
        let rows = probe.renditions.iter().map(|rendition| {
            vec![
                mark(rendition.selected),
                rendition.kind.clone(),
                rendition.name.clone(),
                rendition.language.clone().unwrap_or_else(dash),
                rendition.group.clone(),
                about(rendition.bytes, rendition.bytes_from),
                remarks(rendition),
            ]
        });
        output::line(&table(
            &["", "RENDITION", "NAME", "LANGUAGE", "GROUP", "SIZE", ""],
            &[5],
            rows.collect(),
        ))?;
    }
    if probe.bytes.is_some() {
        let chosen = download::room(
            &about(probe.bytes, probe.bytes_from),
            probe.bytes_from,
            probe.free,
        );
        output::line(&format!("a download takes {chosen}"))?;
    }
    findings(&probe)?;
    if probe.fits == Some(false) {
        output.message(download::DOES_NOT_FIT);
    }
    Ok(0)
}

fn dash() -> String {
    "-".to_owned()
}

/// A variant in a table: resolution, peak bitrate, size, codecs.
pub(super) fn variant(variant: &ProbedVariant) -> Vec<String> {
    let peak = variant.bandwidth;
    vec![
        variant.resolution.clone().unwrap_or_else(dash),
        peak.map_or_else(dash, |rate| format!("{} kbit/s", rate / 1000)),
        about(variant.bytes, variant.bytes_from),
        variant.codecs.clone().unwrap_or_else(dash),
    ]
}

/// How many bytes there are, where that is known.
fn about(bytes: Option<u64>, from: Option<BytesFrom>) -> String {
    match bytes {
        None => "-".to_owned(),
        Some(_) => download::bytes(bytes, from, from == Some(BytesFrom::ByteRanges)),
    }
}

/// What else there is to know of a rendition.
fn remarks(rendition: &ProbedRendition) -> String {
    let last = |word: &String| word.rsplit('.').next().unwrap_or_default().to_owned();
    let mut remarks: Vec<String> = rendition.characteristics.iter().map(last).collect();
    if rendition.forced {
        remarks.insert(0, "forced".to_owned());
    }
    if rendition.in_band {
        remarks.insert(0, "inside the variants".to_owned());
    }
    remarks.join(", ")
}

/// What is wrong, the most serious first.
fn findings(probe: &Probed) -> Result<()> {
    if !probe.diagnostics.is_empty() {
        let rows = probe.diagnostics.iter().take(SHOWN).map(|found| {
            let severity = if found.forgiven {
                "forgiven"
            } else {
                &found.severity
            };
            vec![
                severity.to_owned(),
                found.playlist.clone(),
                format!("{}:{}", found.line, found.column),
                found.rule.clone(),
                found.message.clone(),
                found.fix.as_ref().map(remedy).unwrap_or_default(),
            ]
        });
        output::line(&table(
            &["SEVERITY", "PLAYLIST", "PLACE", "RULE", "FINDING", "FIX"],
            &[],
            rows.collect(),
        ))?;
    }
    let more = probe.diagnostics.len().saturating_sub(SHOWN);
    if more + probe.diagnostics_left_out > 0 {
        output::line(&format!(
            "{} more findings; --json shows {}",
            more + probe.diagnostics_left_out,
            probe.diagnostics.len()
        ))?;
    }
    for note in &probe.notes {
        output::line(&printable(note))?;
    }
    Ok(())
}

/// How to put something right, in few words.
fn remedy(fix: &ProbedFix) -> String {
    let replacement = fix.replacement.trim_end();
    let mut shown: String = replacement.chars().take(LONGEST_REMEDY).collect();
    if shown.len() < replacement.len() {
        shown.push_str("...");
    }
    match (fix.start == fix.end, shown.is_empty()) {
        (_, true) => "remove".to_owned(),
        (true, false) => format!("insert {shown}"),
        (false, false) => format!("write {shown}"),
    }
}
