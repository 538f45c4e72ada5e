//! `offline verify`

use asset_store::Store;

use crate::Result;
use crate::cli::Verify;
use crate::render::output::{self, Output};
use crate::render::paint::Tone;
use crate::render::text::{clock, printable, size};
use crate::session::library;
use crate::session::repair::{self, RepairEvent};
use crate::session::upkeep::{self, AssetFinding, Verified, VerifiedMedia};

pub(super) fn run(store: Option<&Store>, arguments: &Verify, output: Output) -> Result<u8> {
    let Some(store) = store else {
        return match &arguments.id {
            Some(wanted) => Err(library::unknown(wanted)),
            None => answer(&Verified::default(), output),
        };
    };
    let id = arguments
        .id
        .as_deref()
        .map(|wanted| library::find(store, wanted))
        .transpose()?;
    let mut verified = upkeep::verify(store, id.as_ref(), &mut |_| {})?;
    if arguments.repair && !verified.is_clean() {
        let network = super::network_options(&arguments.connection, output);
        let repaired = repair::repair(store, &mut verified, &network, |event| match event {
            RepairEvent::Began(id) => output.message(&format!("fetching what {id} lacks")),
            RepairEvent::Failed(id, error) => {
                output.message(&format!("error: {id}: {}", error.one_line()));
            }
        });
        super::runtime()?.block_on(repaired)?;
    }
    if arguments.deep {
        verified.media = Some(upkeep::verify_media(store, id.as_ref())?);
    }
    answer(&verified, output)
}

fn answer(verified: &Verified, output: Output) -> Result<u8> {
    let code = u8::from(!verified.is_clean());
    if output.json {
        output::json(verified)?;
        return Ok(code);
    }
    for (what, tone, findings) in [
        ("damaged", Tone::Bad, &verified.damaged),
        ("missing", Tone::Bad, &verified.missing),
        ("repaired", Tone::Good, &verified.repaired),
    ] {
        for finding in findings {
            let place = format!("{} {}: {}", finding.id, finding.path, finding.what);
            output::line(&format!("{} {}", tone.paint(what), printable(&place)))?;
        }
    }
    if let Some(media) = &verified.media {
        describe_media(media)?;
    }
    output::line(&format!(
        "{} blobs checked, {}: {} damaged, {} missing, {} repaired",
        verified.checked,
        size(verified.bytes),
        verified.damaged.len(),
        verified.missing.len(),
        verified.repaired.len()
    ))?;
    if verified.damaged.len() + verified.missing.len() > 0 && verified.repaired.is_empty() {
        output.message("`offline verify --repair` fetches them again");
    }
    Ok(code)
}

/// What is wrong with the media, by time.
fn describe_media(media: &VerifiedMedia) -> Result<()> {
    // A note that every segment earns is one line.
    let is_same = |one: &AssetFinding, other: &AssetFinding| {
        !one.harmful
            && !other.harmful
            && one.id == other.id
            && one.finding.problem == other.finding.problem
    };
    for alike in media.findings.chunk_by(is_same) {
        let [first, .., last] = alike else {
            alike.iter().try_for_each(describe_finding)?;
            continue;
        };
        output::line(&printable(&format!(
            "note {} from {} to {}, {} times: {}",
            first.id,
            clock(first.finding.start),
            clock(last.finding.start),
            alike.len(),
            first.finding.problem
        )))?;
    }
    let harmful = media.findings.iter().filter(|one| one.harmful).count();
    let encrypted = match media.encrypted {
        0 => String::new(),
        count => format!(", {count} without their key"),
    };
    output::line(&format!(
        "{} segments looked into, {}: {harmful} wrong{encrypted}",
        media.segments,
        size(media.bytes)
    ))
}

fn describe_finding(found: &AssetFinding) -> Result<()> {
    let (verdict, tone) = if found.harmful {
        ("wrong", Tone::Bad)
    } else {
        ("note", Tone::Advice)
    };
    let place = format!(
        "{} at {} {}: {}",
        found.id,
        clock(found.finding.start),
        found.finding.path,
        found.finding.problem
    );
    output::line(&format!("{} {}", tone.paint(verdict), printable(&place)))
}
