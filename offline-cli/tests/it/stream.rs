//! Small streams made of bytes that only look like media: for everything that does not decode.

use std::fmt::Write as _;

use aes::cipher::{Array, BlockModeEncrypt, KeyIvInit};
use segment_fetch::testing::{Origin, Resource, Site};

/// Bytes that differ per seed and look like a transport stream.
pub(crate) fn transport_stream(seed: u64, packets: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(packets * 188);
    while bytes.len() < packets * 188 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let is_first = bytes.len().is_multiple_of(188);
        bytes.push(if is_first {
            0x47
        } else {
            state.to_le_bytes()[3]
        });
    }
    bytes
}

/// AES-128-CBC with PKCS#7 padding.
pub(crate) fn encrypt(clear: &[u8], key: [u8; 16], iv: [u8; 16]) -> Vec<u8> {
    let padding = 16 - clear.len() % 16;
    let mut bytes = clear.to_vec();
    bytes.extend(std::iter::repeat_n(u8::try_from(padding).unwrap(), padding));
    let (blocks, rest) = Array::slice_as_chunks_mut(bytes.as_mut_slice());
    assert!(rest.is_empty());
    cbc::Encryptor::<aes::Aes128>::new(&Array::from(key), &Array::from(iv)).encrypt_blocks(blocks);
    bytes
}

/// An origin with a Media Playlist of plain segments under `/media.m3u8`.
pub(crate) struct Plain {
    pub(crate) origin: Origin,
    pub(crate) segments: Vec<Vec<u8>>,
}

impl Plain {
    pub(crate) fn new(count: usize, packets: usize) -> Self {
        let site = Site::new();
        let segments: Vec<Vec<u8>> = (0..count)
            .map(|index| transport_stream(index as u64 + 1, packets))
            .collect();
        for (index, segment) in segments.iter().enumerate() {
            site.route(&segment_path(index), Resource::new(segment.clone()));
        }
        site.route("/media.m3u8", Resource::new(playlist(count)));
        Self {
            origin: Origin::serve(site).unwrap(),
            segments,
        }
    }

    pub(crate) fn url(&self) -> String {
        self.origin.url("/media.m3u8").to_string()
    }

    /// What was exported is what the origin has.
    pub(crate) fn assert_exported(&self, folder: &std::path::Path) {
        for (index, segment) in self.segments.iter().enumerate() {
            let path = folder.join(format!("media/segment-{index:08}.ts"));
            assert!(
                std::fs::read(path).unwrap() == *segment,
                "segment {index} differs"
            );
        }
    }

    /// How often each segment was asked for.
    pub(crate) fn requests(&self, index: usize) -> usize {
        requests(&self.origin, &segment_path(index))
    }
}

pub(crate) fn segment_path(index: usize) -> String {
    format!("/segments/{index}.ts")
}

pub(crate) fn requests(origin: &Origin, path: &str) -> usize {
    origin
        .site()
        .requests()
        .iter()
        .filter(|request| request.path == path)
        .count()
}

pub(crate) fn playlist(count: usize) -> String {
    let mut text = String::from(
        "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:4\n#EXT-X-PLAYLIST-TYPE:VOD\n",
    );
    for index in 0..count {
        writeln!(text, "#EXTINF:4,\nsegments/{index}.ts").unwrap();
    }
    text.push_str("#EXT-X-ENDLIST\n");
    text
}
