//! The crate `mp4` reads the same as we do from files that are right.

use std::io::Cursor;

use cache_inspect::media::mp4::{InitSection, fragments};
use mp4::{
    AacConfig, AvcConfig, BoxHeader, BoxType, MediaConfig, MoofBox, Mp4Config, Mp4Reader,
    Mp4Sample, Mp4Writer, ReadBox, TrackConfig, TrackType,
};

use crate::mp4_bytes::segment;

/// A file with H.264 and AAC, written by the crate `mp4`.
fn file() -> Vec<u8> {
    let config = Mp4Config {
        major_brand: "isom".parse().unwrap(),
        minor_version: 512,
        compatible_brands: vec!["iso2".parse().unwrap(), "mp41".parse().unwrap()],
        timescale: 90_000,
    };
    let mut writer = Mp4Writer::write_start(Cursor::new(Vec::new()), &config).unwrap();
    let video = AvcConfig {
        width: 320,
        height: 180,
        seq_param_set: vec![0x67, 0x64, 0, 0x0d],
        pic_param_set: vec![0x68, 0xef],
    };
    for (track_type, timescale, media_conf) in [
        (TrackType::Video, 12_800, MediaConfig::AvcConfig(video)),
        (
            TrackType::Audio,
            48_000,
            MediaConfig::AacConfig(AacConfig::default()),
        ),
    ] {
        let track = TrackConfig {
            track_type,
            timescale,
            language: "und".to_owned(),
            media_conf,
        };
        writer.add_track(&track).unwrap();
    }
    for track in [1, 2] {
        let sample = Mp4Sample {
            start_time: 0,
            duration: 512,
            rendering_offset: 0,
            is_sync: true,
            bytes: b"sample".as_slice().into(),
        };
        writer.write_sample(track, &sample).unwrap();
    }
    writer.write_end().unwrap();
    writer.into_writer().into_inner()
}

#[test]
fn tracks_are_the_same() {
    let bytes = file();
    let size = bytes.len() as u64;
    let theirs = Mp4Reader::read_header(Cursor::new(&bytes), size).unwrap();
    let ours = InitSection::read(&bytes).unwrap();

    assert_eq!(ours.brands[0].0, theirs.major_brand().value);
    let compatible: Vec<_> = theirs
        .compatible_brands()
        .iter()
        .map(|brand| brand.value)
        .collect();
    assert_eq!(
        ours.brands[1..]
            .iter()
            .map(|brand| brand.0)
            .collect::<Vec<_>>(),
        compatible
    );
    assert_eq!(ours.fragmented, theirs.is_fragmented());
    assert_eq!(ours.tracks.len(), theirs.tracks().len());
    for track in &ours.tracks {
        let theirs = &theirs.tracks()[&track.id];
        assert_eq!(track.timescale.get(), theirs.timescale());
        assert_eq!(track.handler.0, theirs.trak.mdia.hdlr.handler_type.value);
        assert_eq!(
            track.sample_entries[0].format.0,
            theirs.box_type().unwrap().value
        );
    }
}

#[test]
fn fragments_are_the_same() {
    let bytes = segment();
    let ours = fragments(&bytes).next().unwrap().unwrap();

    let mut reader = Cursor::new(&bytes);
    reader.set_position(ours.offset);
    let header = BoxHeader::read(&mut reader).unwrap();
    assert_eq!(header.name, BoxType::MoofBox);
    let theirs = MoofBox::read_box(&mut reader, header.size).unwrap();

    assert_eq!(ours.sequence, theirs.mfhd.sequence_number);
    assert_eq!(ours.tracks.len(), theirs.trafs.len());
    for (ours, theirs) in ours.tracks.iter().zip(&theirs.trafs) {
        assert_eq!(ours.id, theirs.tfhd.track_id);
        let tfdt = theirs.tfdt.as_ref().unwrap();
        assert_eq!(ours.base_decode_time, Some(tfdt.base_media_decode_time));
        let trun = theirs.trun.as_ref().unwrap();
        assert_eq!(ours.samples, u64::from(trun.sample_count));
        let ticks: u64 = trun.sample_durations.iter().copied().map(u64::from).sum();
        assert_eq!(ours.ticks, ticks);
    }
}
