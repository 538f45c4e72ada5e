//! `offline doctor`

use std::path::Path;

use crate::Result;
use crate::render::output::{self, Output};
use crate::render::paint::Tone;
use crate::render::text::printable;
use crate::session::doctor::{self, FindingState};

pub(super) fn run(place: &Path, output: Output) -> Result<u8> {
    let diagnosis = doctor::examine(place);
    if output.json {
        output::json(&diagnosis)?;
    } else {
        for finding in &diagnosis.findings {
            let (state, check) = (finding.state.name(), finding.check);
            let said = printable(&finding.finding);
            let tone = match finding.state {
                FindingState::Ok => Tone::Good,
                FindingState::Note => Tone::Open,
                _ => Tone::Bad,
            };
            let state = tone.paint(&format!("{state:<6}"));
            output::line(&format!("{state}{check:<13}{said}"))?;
            if let Some(advice) = &finding.advice {
                output::line(&format!("{:<6}{:<13}→ {}", "", "", printable(advice)))?;
            }
        }
    }
    Ok(u8::from(!diagnosis.is_well))
}
