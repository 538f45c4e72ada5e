//! WebVTT in the samples of fragmented MP4 (ISO/IEC 14496-30): what is shown while a sample lasts.

use cache_inspect::media::mp4::{Boxes, Mp4Box};

use super::demux::{self, Maps};
use super::fragments::Initialization;
use super::samples::{Format, Stream};
use super::webvtt::{Cue, Segment};
use super::{Damaged, Result};

/// Bytes of a sample entry before its boxes.
const ENTRY_FIELDS: usize = 8;

/// The cues of a segment, in the time of its media. A cue that goes on is in each of the samples that it lasts.
pub(crate) fn read(initialization: &[u8], bytes: &[u8]) -> Result<Segment> {
    let maps = Maps::new(vec![Initialization::read(initialization)?]);
    let read = |offset: u64, length: usize| {
        let found = usize::try_from(offset)
            .ok()
            .and_then(|start| bytes.get(start..)?.get(..length.min(bytes.len() - start)));
        found
            .map(<[u8]>::to_vec)
            .ok_or_else(|| std::io::ErrorKind::UnexpectedEof.into())
    };
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    let demuxed = demux::fragmented(&maps, 0, length, true, read)?;
    let mut segment = Segment::default();
    for stream in &demuxed.streams {
        segment.styles.append(&mut styles(stream)?);
        add(&mut segment, stream)?;
    }
    Ok(segment)
}

/// What the configuration of the track says before the first cue.
fn styles(stream: &Stream) -> Result<Vec<String>> {
    let mut styles = Vec::new();
    for format in &stream.formats {
        let entry = match format {
            Format::Entry { entry, .. } => Boxes::new(entry).next(),
            _ => None,
        };
        let entry = entry
            .transpose()?
            .filter(|entry| entry.kind().0 == *b"wvtt")
            .ok_or(Damaged("its subtitles are not WebVTT"))?;
        for found in entry.children_after(ENTRY_FIELDS)? {
            let found = found?;
            if found.kind().0 == *b"vttC" {
                styles.append(&mut Segment::read(found.payload()).styles);
            }
        }
    }
    Ok(styles)
}

fn add(segment: &mut Segment, stream: &Stream) -> Result<()> {
    let milliseconds = |ticks: i64| {
        let time = i128::from(ticks) * 1000 / i128::from(stream.timescale.max(1));
        i64::try_from(time).unwrap_or(i64::MAX / 1000)
    };
    let (mut data, mut time) = (stream.data.as_slice(), 0_i64);
    for sample in &stream.samples {
        let size = usize::try_from(sample.size).unwrap_or(usize::MAX);
        let (bytes, rest) = data
            .split_at_checked(size)
            .ok_or(Damaged("it cannot be read"))?;
        data = rest;
        let start = sample.decode.unwrap_or(time);
        time = start.saturating_add(sample.duration.unwrap_or(0).into());
        for found in Boxes::new(bytes) {
            let found = found?;
            // `vtte` is nothing to show, `vtta` a comment.
            if found.kind().0 == *b"vttc" {
                let cue = cue(&found, milliseconds(start), milliseconds(time))?;
                segment.cues.push(cue);
            }
        }
    }
    Ok(())
}

fn cue(found: &Mp4Box<'_>, start: i64, end: i64) -> Result<Cue> {
    let (mut identifier, mut settings, mut text) = Default::default();
    for part in found.children()? {
        let part = part?;
        let to = match &part.kind().0 {
            b"iden" => &mut identifier,
            b"sttg" => &mut settings,
            b"payl" => &mut text,
            _ => continue,
        };
        *to = String::from_utf8_lossy(part.payload()).into_owned();
    }
    Ok(Cue::new(start, end, &identifier, &settings, &text))
}
