//! What is wrong with media bytes.

use std::fmt;

use serde::Serialize;

use crate::error::{Error, ErrorKind};

/// One thing that is wrong with a segment or an initialization section. Displayed as a fragment for people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Problem {
    /// What kind of problem it is.
    pub kind: ProblemKind,
    /// Where it is, in bytes from the start of the file, if it is at one place.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offset: Option<u64>,
    /// What is wrong, in words.
    pub what: String,
}

/// The kind of a [`Problem`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ProblemKind {
    /// The bytes are no media, or not in a format of media segments.
    NotMedia,
    /// The bytes end too early.
    Truncated,
    /// The bytes contradict themselves, or some of them are lost.
    Damaged,
    /// There is a container without media in it.
    Empty,
    /// What is needed to read the segment is not there: an initialization section, the tables of a Transport Stream.
    NoInitialization,
    /// The segment has other tracks than its initialization section, or than the segments before it.
    OtherTracks,
    /// Its times do not continue those before.
    TimeJump,
    /// It is not as long as announced.
    Duration,
    /// It does not open with its key, or what comes out is no media.
    Key,
    /// The cache does not give its bytes back.
    Unreadable,
    /// It does not begin with a frame that can be decoded alone, although the playlist says so.
    NotIndependent,
    /// It has no time stamp where its format asks for one.
    NoTimestamp,
}

impl ProblemKind {
    /// The media does not play as it should. What is not harmful deviates from a specification, and players cope with it.
    pub fn is_harmful(self) -> bool {
        !matches!(self, Self::NotIndependent | Self::NoTimestamp)
    }
}

impl Problem {
    pub(crate) fn new(kind: ProblemKind, what: impl Into<String>) -> Self {
        Self {
            kind,
            offset: None,
            what: what.into(),
        }
    }

    pub(crate) fn at(kind: ProblemKind, offset: usize, what: impl Into<String>) -> Self {
        Self {
            offset: Some(u64::try_from(offset).unwrap_or(u64::MAX)),
            ..Self::new(kind, what)
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self {
            kind: match error.kind() {
                ErrorKind::Truncated => ProblemKind::Truncated,
                _ => ProblemKind::Damaged,
            },
            offset: Some(error.offset()),
            what: error.to_string(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

/// More of one file say nothing new, and would let a damaged one fill the memory.
const MAX_PROBLEMS: usize = 16;

/// The first problems of a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Problems(Vec<Problem>);

impl Problems {
    pub(crate) fn push(&mut self, problem: Problem) {
        if self.0.len() < MAX_PROBLEMS {
            self.0.push(problem);
        }
    }

    pub(crate) fn into_vec(self) -> Vec<Problem> {
        self.0
    }
}

impl Extend<Problem> for Problems {
    fn extend<I: IntoIterator<Item = Problem>>(&mut self, problems: I) {
        problems.into_iter().for_each(|problem| self.push(problem));
    }
}
