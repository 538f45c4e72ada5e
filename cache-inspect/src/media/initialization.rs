//! What a Media Initialization Section says, whatever its format.

use serde::Serialize;

use super::container::{Container, identify};
use super::mp4::InitSection;
use super::problem::{Problem, ProblemKind};
use super::ts::TransportStream;

/// A Media Initialization Section (EXT-X-MAP).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Initialization {
    /// The boxes before the fragments of an MP4 file.
    Mp4(InitSection),
    /// The tables of a Transport Stream: PIDs and types of its streams.
    MpegTs(Vec<(u16, u8)>),
}

impl Initialization {
    /// Reads an initialization section.
    ///
    /// # Errors
    /// If it is none, or if it is damaged: the first thing that is wrong.
    pub fn read(bytes: &[u8]) -> Result<Self, Problem> {
        match identify(bytes) {
            Container::Mp4 => Ok(Self::Mp4(InitSection::read(bytes)?)),
            Container::MpegTs => {
                let found = TransportStream::read(bytes, &[]);
                let is_fatal = |problem: &Problem| problem.kind != ProblemKind::Empty;
                match found.problems.into_iter().find(is_fatal) {
                    Some(problem) => Err(problem),
                    None => Ok(Self::MpegTs(found.programs)),
                }
            }
            other => {
                let what = format!("it is {other}, which is no initialization section");
                Err(Problem::new(ProblemKind::NotMedia, what))
            }
        }
    }
}
