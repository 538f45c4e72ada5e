//! `offline inspect`

use std::ops::Range;
use std::time::Duration;

use asset_store::Store;

use crate::Result;
use crate::render::output::{self, Output};
use crate::render::table::table;
use crate::render::text::{clock, date, printable, size};
use crate::session::library::{self, Inspected};
use crate::session::record;

/// Missing segments that are shown one by one.
const MISSING_SHOWN: usize = 10;

pub(super) fn run(store: &Store, wanted: &str, output: Output) -> Result<u8> {
    let inspected = library::inspect(store, &library::find(store, wanted)?)?;
    if output.json {
        output::json(&inspected)?;
        return Ok(0);
    }
    output::line(&describe(&inspected))?;
    Ok(0)
}

fn describe(inspected: &Inspected) -> String {
    let found = &inspected.inspection;
    let mut lines = vec![format!(
        "{}  [{}]",
        printable(found.title.as_deref().unwrap_or(&found.id)),
        found.id
    )];
    let mut line = |name: &str, value: &str| lines.push(format!("{name:<12}{}", printable(value)));
    line("from", &inspected.url);
    let reason = inspected
        .reason
        .as_ref()
        .map(|reason| format!(": {reason}"))
        .unwrap_or_default();
    line("state", &format!("{}{reason}", inspected.state.name()));
    if found.playable_offline {
        line("offline", "plays");
    } else {
        for why in &found.why_not {
            line("offline", &format!("does not play: {why}"));
        }
    }
    line("time", &clock(found.duration));
    line("size", &size(found.bytes));
    let range = |range: &Range<Duration>| format!("{}-{}", clock(range.start), clock(range.end));
    line(
        "loaded",
        &found
            .loaded_time_ranges
            .iter()
            .map(range)
            .collect::<Vec<_>>()
            .join(" "),
    );
    let policy = &inspected.policy;
    let pinned = if policy.pinned { ", pinned" } else { "" };
    let expires = policy
        .expires
        .and_then(record::time)
        .map_or_else(|| "never".to_owned(), date);
    line(
        "policy",
        &format!("{} priority, expires {expires}{pinned}", policy.priority),
    );
    for (kind, options) in [
        ("audio", &found.media_selection.audio),
        ("subtitles", &found.media_selection.subtitles),
    ] {
        for option in options {
            let name = option.name.as_deref().unwrap_or("unnamed");
            line(
                kind,
                &option.language.as_ref().map_or_else(
                    || name.to_owned(),
                    |language| format!("{name} ({language})"),
                ),
            );
        }
    }
    let rows = found
        .variants
        .iter()
        .filter(|variant| variant.segments > 0)
        .map(|variant| {
            vec![
                variant.id.clone(),
                variant.resolution.map_or_else(
                    || "-".to_owned(),
                    |(width, height)| format!("{width}x{height}"),
                ),
                variant
                    .bandwidth
                    .map_or_else(|| "-".to_owned(), |rate| format!("{} kbit/s", rate / 1000)),
                format!("{}/{}", variant.segments_present, variant.segments),
                if variant.complete {
                    "complete"
                } else {
                    "incomplete"
                }
                .to_owned(),
            ]
        });
    lines.push(table(
        &["VARIANT", "SIZE", "PEAK", "SEGMENTS", ""],
        &[2, 3],
        rows.collect(),
    ));
    for missing in found.missing.iter().take(MISSING_SHOWN) {
        lines.push(format!(
            "missing at {}: {}",
            clock(missing.start),
            printable(&missing.url)
        ));
    }
    if found.missing.len() > MISSING_SHOWN {
        lines.push(format!(
            "… and {} more",
            found.missing.len() - MISSING_SHOWN
        ));
    }
    lines.join("\n")
}
