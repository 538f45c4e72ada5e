//! What one segment is, whatever its format.

use serde::Serialize;

use super::container::{Container, identify};
use super::initialization::Initialization;
use super::packed_audio::PackedAudio;
use super::problem::{Problem, ProblemKind, Problems};
use super::stream::Stream;
use super::ts::TransportStream;
use super::webvtt::WebVtt;
use super::{fragmented, mp4};

/// What one segment is, told from its bytes alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Segment {
    /// Its format.
    pub container: Container,
    /// Its elementary streams.
    pub streams: Vec<Stream>,
    /// What is wrong with it: at most 16 problems, in the order in which they were found. Without any, it is whole.
    pub problems: Vec<Problem>,
}

/// Reads a segment in clear, with the initialization section that is in force.
///
/// ```
/// use cache_inspect::media::{Container, ProblemKind, examine};
///
/// let segment = examine(b"<html><title>Please log in</title></html>", None);
/// assert_eq!(segment.container, Container::Html);
/// assert_eq!(segment.problems[0].kind, ProblemKind::NotMedia);
/// ```
pub fn examine(bytes: &[u8], initialization: Option<&Initialization>) -> Segment {
    let container = identify(bytes);
    let (streams, problems) = match container {
        Container::MpegTs => {
            let known = match initialization {
                Some(Initialization::MpegTs(known)) => known.as_slice(),
                _ => &[],
            };
            let found = TransportStream::read(bytes, known);
            (found.streams, found.problems)
        }
        Container::Mp4 => fragmented::read(bytes, movie(initialization)),
        Container::Adts | Container::Ac3 | Container::Eac3 | Container::Mp3 => {
            let found = PackedAudio::read(bytes, container);
            (vec![found.stream()], found.problems)
        }
        Container::WebVtt => {
            let found = WebVtt::read(bytes);
            (vec![found.stream()], found.problems)
        }
        _ => (Vec::new(), vec![not_media(bytes, container)]),
    };
    let mut segment = Segment {
        container,
        streams,
        problems,
    };
    if segment.container.is_segment() {
        let mut problems = Problems::default();
        let fits = match initialization {
            Some(Initialization::Mp4(_)) => container == Container::Mp4,
            Some(Initialization::MpegTs(_)) => container == Container::MpegTs,
            None => true,
        };
        if !fits {
            let what = format!("it is {container}, which its initialization section is not for");
            problems.push(Problem::new(ProblemKind::OtherTracks, what));
        }
        problems.extend(segment.problems);
        segment.problems = problems.into_vec();
    }
    segment
}

fn movie(initialization: Option<&Initialization>) -> Option<&mp4::InitSection> {
    match initialization {
        Some(Initialization::Mp4(section)) => Some(section),
        _ => None,
    }
}

fn not_media(bytes: &[u8], container: Container) -> Problem {
    let what = if bytes.is_empty() {
        "it has no bytes".to_owned()
    } else if container == Container::Unknown {
        "its bytes are in no format of media segments".to_owned()
    } else {
        format!("it is {container}, which is no format of media segments")
    };
    Problem::new(ProblemKind::NotMedia, what)
}
