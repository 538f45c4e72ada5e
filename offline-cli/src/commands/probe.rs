//! `offline probe`

use std::time::Duration;

use crate::Result;
use crate::cli::Probe;
use crate::render::output::{self, Output};
use crate::render::table::table;
use crate::render::text::{clock, size};
use crate::session::Network;

pub(super) async fn run(arguments: &Probe, output: Output) -> Result<u8> {
    let probe = Network::new()?
        .probe(&arguments.url, &super::selection(&arguments.choice))
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
    let dash = || "-".to_owned();
    if !probe.variants.is_empty() {
        let rows = probe.variants.iter().map(|variant| {
            vec![
                mark(variant.selected),
                variant.resolution.clone().unwrap_or_else(dash),
                variant
                    .bandwidth
                    .map_or_else(dash, |rate| format!("{} kbit/s", rate / 1000)),
                variant
                    .estimated_bytes
                    .map_or_else(dash, |bytes| format!("~{}", size(bytes))),
                variant.codecs.clone().unwrap_or_else(dash),
            ]
        });
        output::line(&table(
            &["", "VARIANT", "PEAK", "SIZE", "CODECS"],
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
            ]
        });
        output::line(&table(
            &["", "RENDITION", "NAME", "LANGUAGE", "GROUP"],
            &[],
            rows.collect(),
        ))?;
    }
    for found in &probe.diagnostics {
        output::line(&crate::render::text::printable(&format!(
            "{}:{}: {} [{}]: {}",
            found.line, found.column, found.severity, found.rule, found.message
        )))?;
    }
    Ok(0)
}
