//! `offline inspect`

use std::ops::Range;
use std::time::Duration;

use asset_store::Store;
use cache_inspect::Inspection;

use crate::Result;
use crate::render::output::{self, Output};
use crate::render::paint::Tone;
use crate::render::table::painted;
use crate::render::text::{self, clock, printable, size};
use crate::session::InspectedInterstitial;
use crate::session::library::{self, Inspected};

/// Characters that are shown of what a stream says of itself.
const LONGEST_SAYING: usize = 100;

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

/// The beginning of a long text.
fn shortened(text: &str) -> String {
    let mut shown: String = text.chars().take(LONGEST_SAYING).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

/// What is known of it beside what is stored.
fn about(inspected: &Inspected) -> Vec<(&str, String)> {
    let mut about = Vec::new();
    if let Some(artwork) = &inspected.artwork {
        let length = size(artwork.bytes);
        about.push(("artwork", format!("{}, {length}", artwork.media_type)));
    }
    let metadata = inspected.metadata.iter();
    about.extend(metadata.map(|(key, value)| (key.as_str(), value.clone())));
    for said in &inspected.session_data {
        let value = match (&said.value, &said.json) {
            (Some(value), _) => value.clone(),
            (None, Some(json)) => json.to_string(),
            (None, None) => continue,
        };
        about.push(("says", format!("{}: {}", said.id, shortened(&value))));
    }
    about
}

fn describe(inspected: &Inspected) -> String {
    let found = &inspected.inspection;
    let mut lines = vec![format!(
        "{}  [{}]",
        printable(found.title.as_deref().unwrap_or(&found.id)),
        found.id
    )];
    let mut line = |name: &str, value: &str| {
        let value = match (name, printable(value)) {
            ("state", value) => Tone::of(inspected.state).paint(&value),
            ("offline", value) if found.playable_offline => Tone::Good.paint(&value),
            ("offline", value) => Tone::Open.paint(&value),
            (_, value) => value,
        };
        lines.push(format!("{:<12}{value}", printable(name)));
    };
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
    if !found.key_systems.is_empty() {
        line("protected", &found.key_systems.join(", "));
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
    for (name, value) in about(inspected) {
        line(name, &value);
    }
    line("policy", &super::policy::describe(&inspected.policy));
    let selection = &found.media_selection;
    for (kind, options) in [
        ("audio", &selection.audio),
        ("subtitles", &selection.subtitles),
        ("captions", &selection.closed_captions),
    ] {
        for option in options {
            let name = option.name.as_deref().unwrap_or("unnamed");
            let language = option.language.as_deref();
            let words = text::rendition(name, language, option.forced, &option.characteristics);
            line(kind, &words);
        }
    }
    for group in &found.groups {
        let lacking = group.options.iter().filter(|option| !option.complete);
        let names: Vec<&str> = lacking.filter_map(|one| one.name.as_deref()).collect();
        if !names.is_empty() {
            let names = names.join(", ");
            line("lacking", &format!("{names} in group {}", group.group));
        }
    }
    for (name, time) in [
        ("verified", found.freshness.last_verified),
        ("played", found.freshness.last_played),
    ] {
        if let Some(time) = time {
            line(name, &text::date(time));
        }
    }
    if let Some(drift) = &found.freshness.drift {
        let when = found.freshness.last_compared.map(text::date);
        line("drift", &format!("{}: {drift}", when.unwrap_or_default()));
    }
    for interstitial in &inspected.interstitials {
        line("in between", &in_between(interstitial));
    }
    lines.push(variants(found));
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

fn in_between(interstitial: &InspectedInterstitial) -> String {
    let bytes: u64 = interstitial.assets.iter().map(|asset| asset.bytes).sum();
    let there = match (&interstitial.reason, interstitial.complete) {
        (_, true) => format!("complete, {}", size(bytes)),
        (Some(reason), false) => format!("left out: {reason}"),
        (None, false) if bytes > 0 => format!("incomplete, {}", size(bytes)),
        (None, false) => "not downloaded".to_owned(),
    };
    format!("{}: {there}", interstitial.id)
}

/// What is there of each variant.
fn variants(found: &Inspection) -> String {
    let rows = found
        .variants
        .iter()
        .filter(|variant| variant.segments > 0)
        .map(|variant| {
            let (state, tone) = if variant.complete {
                ("complete", Tone::Good)
            } else {
                ("incomplete", Tone::Open)
            };
            let cells = vec![
                variant.id.clone(),
                variant.resolution.map_or_else(
                    || "-".to_owned(),
                    |(width, height)| format!("{width}x{height}"),
                ),
                variant
                    .bandwidth
                    .map_or_else(|| "-".to_owned(), |rate| format!("{} kbit/s", rate / 1000)),
                format!("{}/{}", variant.segments_present, variant.segments),
                state.to_owned(),
            ];
            (cells, tone)
        });
    painted(
        &["VARIANT", "SIZE", "PEAK", "SEGMENTS", ""],
        &[2, 3],
        rows.collect(),
    )
}
