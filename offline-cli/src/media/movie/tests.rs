//! What the tables of a movie say, read by somebody else.

use mp4_atom::{DecodeMaybe, Ftyp, Mdat, Moov, Trak};

use super::super::elementary::audio_frame::{AudioFormat, AudioKind};
use super::super::samples::{Format, Sample, Stream};
use super::*;

const TIMESCALE: u64 = 141_120_000;

fn audio() -> Format {
    Format::Audio(AudioFormat {
        kind: AudioKind::Aac,
        rate: 44_100,
        channels: 2,
        details: [2, 4, 2, 0, 0, 0],
    })
}

/// Video as it comes out of fragments.
fn video() -> Format {
    Format::Entry {
        handler: *b"vide",
        entry: b"\0\0\0\x56none".iter().copied().chain([0; 78]).collect(),
        width: 320,
        height: 180,
    }
}

/// A stream of samples of 10 bytes each, the first of them at `decode`.
fn stream(format: Format, decode: i64, composition: i32, duration: u32, count: usize) -> Stream {
    let sample = |index: usize| Sample {
        decode: (index == 0).then_some(decode),
        composition,
        duration: Some(duration),
        size: 10,
        is_sync: true,
        format: 0,
    };
    Stream {
        id: 0,
        timescale: 90_000,
        formats: vec![format],
        samples: (0..count).map(sample).collect(),
        data: Vec::new(),
    }
}

fn track(source: u16, streams: &[(u64, Stream)]) -> TrackBuilder {
    let mut track = TrackBuilder::new("", "", true);
    for (segment, (part, stream)) in (0..).zip(streams) {
        let place = Place {
            source,
            segment,
            stream: 0,
        };
        track.add(*part, stream, place).unwrap();
    }
    track
}

fn moov(head: &[u8]) -> Moov {
    let mut bytes = head;
    assert!(Ftyp::decode_maybe(&mut bytes).unwrap().is_some());
    let moov = Moov::decode_maybe(&mut bytes).unwrap();
    // The samples come last: it can be played while it is loaded.
    assert_eq!(bytes.get(4..8), Some(&b"mdat"[..]));
    assert!(Mdat::decode_maybe(&mut bytes).is_ok_and(|data| data.is_none()));
    moov.unwrap()
}

/// How long nothing is shown, what of the media is shown first, and for how long.
fn edits(track: &Trak) -> (u64, Option<u64>, u64) {
    let list = track.edts.as_ref().unwrap().elst.as_ref().unwrap();
    match list.entries.as_slice() {
        [only] => (0, only.media_time, only.segment_duration),
        [empty, shown] if empty.media_time.is_none() => (
            empty.segment_duration,
            shown.media_time,
            shown.segment_duration,
        ),
        other => panic!("{other:?}"),
    }
}

#[test]
fn edit_lists_keep_audio_and_video_in_step_to_the_tick() {
    // Video is shown 7,200 ticks after it is decoded, and begins 7,313 ticks after audio.
    let heard = stream(audio(), 126_001, 0, 1024, 100);
    let shown = stream(video(), 126_114, 7_200, 3_600, 50);
    let tracks = vec![track(0, &[(0, shown)]), track(1, &[(0, heard)])];
    let parts = place(&tracks);
    let layout = lay_out(tracks, parts).unwrap();
    let moov = moov(&layout.head);
    let [video, audio] = moov.trak.as_slice() else {
        panic!("two tracks");
    };
    let movie_ticks = TIMESCALE / 90_000;
    assert_eq!(
        edits(video),
        (7_313 * movie_ticks, Some(7_200), 180_000 * movie_ticks)
    );
    assert_eq!(edits(audio), (0, Some(0), 102_400 * (TIMESCALE / 44_100)));
    assert_eq!(u64::from(moov.mvhd.timescale), TIMESCALE);
    assert_eq!(moov.mvhd.duration, 102_400 * (TIMESCALE / 44_100));
    let distances = &audio.mdia.minf.stbl.stts.entries;
    assert_eq!(distances.len(), 1, "{distances:?}");
    assert_eq!(layout.length, layout.head.len() as u64 + 1500);
}

#[test]
fn parts_follow_each_other_as_far_apart_as_their_longest_track() {
    // The times of the second part begin anew; audio lasts longer in the first one, and begins later in the second.
    let shown = [
        (7, stream(video(), 900_000, 0, 3_600, 50)),
        (8, stream(video(), 0, 0, 3_600, 50)),
    ];
    let heard = [
        (7, stream(audio(), 900_000, 0, 1024, 100)),
        (8, stream(audio(), 900, 0, 1024, 80)),
    ];
    let tracks = vec![track(0, &shown), track(1, &heard)];
    let parts = place(&tracks);
    let first = 102_400 * (FLICKS / 44_100);
    assert_eq!(parts.in_movie(8, 0), first);
    let layout = lay_out(tracks, parts).unwrap();
    let moov = moov(&layout.head);
    let distances: Vec<Vec<(u32, u32)>> = (moov.trak.iter())
        .map(|track| {
            let entries = track.mdia.minf.stbl.stts.entries.iter();
            entries
                .map(|entry| (entry.sample_count, entry.sample_delta))
                .collect()
        })
        .collect();
    // Ticks of 90 kHz and of 44.1 kHz: what is left of the first part comes to the last sample of it.
    let gap = u32::try_from(convert(first, FLICKS, 90_000)).unwrap() - 49 * 3_600;
    assert_eq!(
        distances,
        [
            vec![(49, 3_600), (1, gap), (50, 3_600)],
            vec![(99, 1024), (1, 1024 + 441), (80, 1024)]
        ]
    );
}

#[test]
fn who_reads_from_start_to_end_meets_each_segment_once() {
    // Audio lags behind video, over the ends of segments.
    let shown = (0..4).map(|index| (0, stream(video(), index * 180_000, 0, 3_600, 50)));
    let heard = (0..4).map(|index| (0, stream(audio(), index * 180_000 + 60_000, 0, 1024, 86)));
    let (shown, heard): (Vec<_>, Vec<_>) = (shown.collect(), heard.collect());
    let apart = (0..4).map(|index| (0, stream(audio(), index * 180_000 + 30_000, 0, 1024, 86)));
    let tracks = vec![
        track(0, &shown),
        track(0, &heard),
        track(1, &apart.collect::<Vec<_>>()),
    ];
    let parts = place(&tracks);
    let layout = lay_out(tracks, parts).unwrap();
    for source in 0..2 {
        let own = layout
            .chunks
            .iter()
            .filter(|chunk| chunk.place.source == source);
        let segments: Vec<u32> = own.map(|chunk| chunk.place.segment).collect();
        assert!(segments.is_sorted(), "{segments:?}");
    }
    // And what is shown together lies together.
    let second: Vec<u16> = layout
        .chunks
        .iter()
        .skip(4)
        .take(6)
        .map(|chunk| chunk.track)
        .collect();
    assert!((0..3).all(|track| second.contains(&track)), "{second:?}");
}
