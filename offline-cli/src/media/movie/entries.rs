//! Sample entries of what comes out of Transport Streams and packed audio.

use mp4_atom::{
    Ac3, Ac3SpecificBox, Audio, Avc1, Avcc, AvccExt, Eac3, Ec3IndependentSubstream, Ec3SpecificBox,
    Encode, Esds, Hev1, Hvc1, HvcCArray, Hvcc, Mp4a, Visual, esds,
};

use super::super::elementary::audio_frame::{AudioFormat, AudioKind};
use super::super::elementary::parameter_sets::{ParameterSets, Sequence, VideoKind};
use super::super::{Damaged, Result};

fn encode(entry: &impl Encode) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    entry
        .encode(&mut bytes)
        .map_err(|_| Damaged("its format cannot be described"))?;
    Ok(bytes)
}

/// The entry of video, with the width and height of its picture.
pub(super) fn video(sets: &ParameterSets) -> Result<(Vec<u8>, u32, u32)> {
    if !sets.is_whole() {
        return Err(Damaged("its video has no parameter sets"));
    }
    let sequence = sets
        .sequence()
        .ok_or(Damaged("the parameter sets of its video cannot be read"))?;
    let size = |length: u32| u16::try_from(length).map_err(|_| Damaged("its picture is too large"));
    let visual = Visual {
        data_reference_index: 1,
        width: size(sequence.width)?,
        height: size(sequence.height)?,
        ..Visual::default()
    };
    let entry = match sets.kind {
        VideoKind::H264 => h264(sets, &sequence, visual)?,
        VideoKind::Hevc => hevc(sets, &sequence, visual)?,
    };
    Ok((entry, sequence.width, sequence.height))
}

fn h264(sets: &ParameterSets, sequence: &Sequence, visual: Visual) -> Result<Vec<u8>> {
    let (Some(first), Some(picture)) = (sets.sequence.first(), sets.picture.first()) else {
        return Err(Damaged("its video has no parameter sets"));
    };
    let mut avcc =
        Avcc::new(first, picture).map_err(|_| Damaged("its format cannot be described"))?;
    if sets.sequence.len() == 1 {
        avcc.picture_parameter_sets.clone_from(&sets.picture);
    }
    if !matches!(avcc.avc_profile_indication, 66 | 77 | 88) {
        avcc.ext = Some(AvccExt {
            chroma_format: sequence.chroma_format,
            bit_depth_luma: sequence.bit_depth_luma,
            bit_depth_chroma: sequence.bit_depth_chroma,
            sequence_parameter_sets_ext: Vec::new(),
        });
    }
    encode(&Avc1 {
        visual,
        avcc,
        ..Avc1::default()
    })
}

fn hevc(sets: &ParameterSets, sequence: &Sequence, visual: Visual) -> Result<Vec<u8>> {
    let [first, c0, c1, c2, c3, constraints @ .., level] = sequence.profile;
    let changes = sets.sequence.len() > 1;
    let array = |nal_unit_type: u8, sets: &[Vec<u8>]| HvcCArray {
        completeness: !changes,
        nal_unit_type,
        nalus: sets.to_vec(),
    };
    let hvcc = Hvcc {
        configuration_version: 1,
        general_profile_space: first >> 6,
        general_tier_flag: first & 0x20 != 0,
        general_profile_idc: first & 0x1f,
        general_profile_compatibility_flags: [c0, c1, c2, c3],
        general_constraint_indicator_flags: constraints,
        general_level_idc: level,
        chroma_format_idc: sequence.chroma_format,
        bit_depth_luma_minus8: sequence.bit_depth_luma.saturating_sub(8),
        bit_depth_chroma_minus8: sequence.bit_depth_chroma.saturating_sub(8),
        num_temporal_layers: sequence.temporal_layers,
        temporal_id_nested: sequence.is_temporally_nested,
        length_size_minus_one: 3,
        arrays: vec![
            array(32, &sets.video),
            array(33, &sets.sequence),
            array(34, &sets.picture),
        ],
        ..Hvcc::default()
    };
    // Only the second may have other parameter sets in its samples.
    if changes {
        encode(&Hev1 {
            visual,
            hvcc,
            ..Hev1::default()
        })
    } else {
        encode(&Hvc1 {
            visual,
            hvcc,
            ..Hvc1::default()
        })
    }
}

/// The entry of audio.
pub(super) fn audio(format: &AudioFormat) -> Result<Vec<u8>> {
    let audio = Audio {
        data_reference_index: 1,
        channel_count: format.channels.into(),
        sample_size: 16,
        // Higher rates than 16 bits hold are in the configuration alone.
        sample_rate: u16::try_from(format.rate).unwrap_or(0).into(),
    };
    let [first, second, third, acmod, low_frequencies, bit_rate_code] = format.details;
    match format.kind {
        AudioKind::Aac if third == 0 => Err(Damaged(
            "its AAC says in a program config element which channels it has",
        )),
        AudioKind::Aac => {
            let configuration = [first << 3 | second >> 1, (second & 1) << 7 | third << 3];
            let mut es_desc = esds::EsDescriptor::default();
            es_desc.dec_config.object_type_indication = 0x40;
            es_desc.dec_config.stream_type = 5;
            es_desc.dec_config.dec_specific = Some(esds::DecoderSpecific {
                profile: first,
                freq_index: second,
                chan_conf: third,
                raw: configuration.to_vec(),
            });
            encode(&Mp4a {
                audio,
                esds: Esds { es_desc },
                btrt: None,
                taic: None,
            })
        }
        AudioKind::Ac3 => encode(&Ac3 {
            audio,
            dac3: Ac3SpecificBox {
                fscod: first,
                bsid: second,
                bsmod: third,
                acmod,
                lfeon: low_frequencies != 0,
                bit_rate_code,
            },
        }),
        AudioKind::Eac3 => encode(&Eac3 {
            audio,
            dec3: Ec3SpecificBox {
                data_rate: 0,
                substreams: vec![Ec3IndependentSubstream {
                    fscod: first,
                    bsid: second,
                    asvc: false,
                    bsmod: third,
                    acmod,
                    lfeon: low_frequencies != 0,
                    num_dep_sub: 0,
                    chan_loc: None,
                }],
            },
        }),
    }
}
