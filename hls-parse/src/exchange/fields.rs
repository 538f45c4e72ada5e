//! What of the types of m3u8-rs is different after we have held it.

use m3u8_rs::{MasterPlaylist, MediaPlaylist, MediaSegment};

use super::{Loss, LossPlace, LossReason, Lost};

/// Reports the fields that are not equal.
macro_rules! compare {
    ($losses:expr, $place:expr, $one:expr, $two:expr, [$($field:ident),+ $(,)?]) => {
        $(if $one.$field != $two.$field {
            $losses.push(loss(stringify!($field), $place, LossReason::NoField));
        })+
    };
}

pub(super) fn media(theirs: &MediaPlaylist, again: &MediaPlaylist) -> Vec<Loss> {
    let mut losses = Vec::new();
    compare!(
        losses,
        LossPlace::Playlist,
        theirs,
        again,
        [
            version,
            target_duration,
            media_sequence,
            discontinuity_sequence,
            end_list,
            playlist_type,
            i_frames_only,
            start,
            independent_segments,
            unknown_tags,
        ]
    );
    if theirs.segments.len() != again.segments.len() {
        losses.push(loss("segments", LossPlace::Playlist, LossReason::NoField));
    }
    for (index, (one, two)) in theirs.segments.iter().zip(&again.segments).enumerate() {
        segment(LossPlace::Segment(index), one, two, &mut losses);
    }
    losses
}

fn segment(place: LossPlace, one: &MediaSegment, two: &MediaSegment, losses: &mut Vec<Loss>) {
    compare!(
        losses,
        place,
        one,
        two,
        [
            uri,
            title,
            byte_range,
            discontinuity,
            key,
            map,
            daterange,
            unknown_tags
        ]
    );
    // Both are numbers, or they would not have been written.
    if one.duration.to_bits() != two.duration.to_bits() {
        losses.push(loss("duration", place, LossReason::Precision));
    }
    // Dates are equal whatever their offsets.
    let (stated, kept) = (one.program_date_time, two.program_date_time);
    if stated != kept {
        losses.push(loss("program_date_time", place, LossReason::Precision));
    } else if stated.map(|date| date.to_rfc3339()) != kept.map(|date| date.to_rfc3339()) {
        losses.push(loss("program_date_time", place, LossReason::Offset));
    }
    if let (Some(one), Some(two)) = (&one.daterange, &two.daterange) {
        let offsets = |range: &m3u8_rs::DateRange| {
            let end = range.end_date.map(|date| date.to_rfc3339());
            (range.start_date.to_rfc3339(), end)
        };
        if one == two && offsets(one) != offsets(two) {
            losses.push(loss("daterange", place, LossReason::Offset));
        }
    }
}

pub(super) fn multivariant(theirs: &MasterPlaylist, again: &MasterPlaylist) -> Vec<Loss> {
    let mut losses = Vec::new();
    let playlist = LossPlace::Playlist;
    compare!(
        losses,
        playlist,
        theirs,
        again,
        [version, start, independent_segments]
    );
    let mut lists = |name, differences: Vec<usize>, same_length: bool| {
        if !same_length {
            losses.push(loss(name, playlist, LossReason::NoField));
        }
        for index in differences {
            losses.push(loss(name, LossPlace::Entry(index), LossReason::NoField));
        }
    };
    /// Compares lists by entry.
    macro_rules! entries {
        ($($field:ident),+) => {
            $(lists(
                stringify!($field),
                different(&theirs.$field, &again.$field),
                theirs.$field.len() == again.$field.len(),
            );)+
        };
    }
    entries!(
        variants,
        session_data,
        session_key,
        alternatives,
        unknown_tags
    );
    losses
}

fn different<T: PartialEq>(one: &[T], two: &[T]) -> Vec<usize> {
    let pairs = one.iter().zip(two).enumerate();
    pairs
        .filter(|(_, (one, two))| one != two)
        .map(|(index, _)| index)
        .collect()
}

fn loss(field: &'static str, place: LossPlace, why: LossReason) -> Loss {
    Loss {
        what: Lost::Field(field),
        place,
        why,
        line: None,
    }
}
