//! What stands in the way of downloading and playing on this machine, and what to do about it.
//!
//! Every check only looks: nothing is created or changed, in the store or anywhere else.

mod machine;
mod stored;

use std::path::Path;

use serde::Serialize;

/// What `offline doctor` answers.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Diagnosis {
    /// Where the store is, or would be.
    pub store: String,
    /// Whether nothing is bad.
    pub is_well: bool,
    /// What was looked at, in this order.
    pub findings: Vec<Finding>,
}

/// What came of one check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Finding {
    /// How it is.
    pub state: FindingState,
    /// What was looked at: `store`, `index`, `locks`, `assets`, `permissions`, `space`, `clock`, `tls`, `ffmpeg` or
    /// `players`.
    pub check: &'static str,
    /// What there is to say.
    pub finding: String,
    /// What to do about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub advice: Option<String>,
}

/// How something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum FindingState {
    /// As it should be.
    Ok,
    /// Good to know.
    Note,
    /// In the way.
    Bad,
}

impl FindingState {
    /// `ok`, `note` or `bad`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Bad => "bad",
        }
    }
}

impl Finding {
    fn ok(check: &'static str, finding: impl Into<String>) -> Self {
        Self {
            state: FindingState::Ok,
            check,
            finding: finding.into(),
            advice: None,
        }
    }

    fn note(check: &'static str, finding: impl Into<String>) -> Self {
        Self {
            state: FindingState::Note,
            ..Self::ok(check, finding)
        }
    }

    fn bad(check: &'static str, finding: impl Into<String>, advice: impl Into<String>) -> Self {
        Self {
            state: FindingState::Bad,
            ..Self::ok(check, finding)
        }
        .advise(advice)
    }

    fn advise(self, advice: impl Into<String>) -> Self {
        Self {
            advice: Some(advice.into()),
            ..self
        }
    }
}

/// Looks at the store in a folder, which need not be there, and at the machine. Creates and changes nothing.
pub fn examine(place: &Path) -> Diagnosis {
    let (mut findings, store) = stored::examine(place);
    findings.push(machine::space(place, store.as_ref()));
    findings.push(machine::clock(store.as_ref()));
    findings.push(machine::tls());
    findings.extend(machine::programs());
    Diagnosis {
        store: place.display().to_string(),
        is_well: findings
            .iter()
            .all(|finding| finding.state != FindingState::Bad),
        findings,
    }
}
