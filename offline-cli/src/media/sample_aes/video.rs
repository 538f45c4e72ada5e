//! H.264: of each slice the first 32 bytes are clear, then one block of ten is encrypted.

use std::ops::Range;

use aes::cipher::{Array, BlockModeDecrypt};

use super::super::elementary::annex_b;
use super::SampleKey;

const CLEAR: usize = 32;
const BLOCK: usize = 16;
/// An encrypted block and the nine clear ones after it.
const STRIDE: usize = 10 * BLOCK;

/// Room that is used again from sample to sample.
#[derive(Debug, Default)]
pub(super) struct Room {
    units: Vec<Range<usize>>,
    plain: Vec<u8>,
}

/// Decrypts the slices of a byte stream in place. Encrypted bytes were escaped once more, which can only have made
/// a NAL unit longer: what is left over is filled with zeros, which belong to no NAL unit.
pub(super) fn decrypt(stream: &mut [u8], key: &SampleKey, room: &mut Room) {
    room.units.clear();
    room.units.extend(annex_b::nal_units(stream));
    for range in &room.units {
        let Some(nal) = stream.get_mut(range.clone()) else {
            continue;
        };
        let is_slice = nal
            .first()
            .is_some_and(|first| matches!(first & 0x1f, 1 | 5));
        if !is_slice || nal.len() <= CLEAR + BLOCK {
            continue;
        }
        if annex_b::is_escaped(nal) {
            annex_b::unescape(nal, &mut room.plain);
            let (plain, rest) = nal.split_at_mut(room.plain.len().min(nal.len()));
            plain.copy_from_slice(&room.plain);
            rest.fill(0);
            decrypt_slice(plain, key);
        } else {
            decrypt_slice(nal, key);
        }
    }
}

fn decrypt_slice(nal: &mut [u8], key: &SampleKey) {
    let mut cipher = key.cipher();
    let mut position = CLEAR;
    while nal.len().saturating_sub(position) > BLOCK {
        let block = nal
            .get_mut(position..)
            .and_then(|rest| rest.first_chunk_mut::<BLOCK>());
        if let Some(block) = block {
            let mut array = Array::from(*block);
            cipher.decrypt_block(&mut array);
            *block = array.into();
        }
        position += STRIDE;
    }
}

#[cfg(test)]
mod tests {
    use aes::Aes128;
    use aes::cipher::{BlockModeEncrypt, KeyIvInit};
    use proptest::prelude::*;

    use super::*;

    /// The same the other way round, as the specification words it.
    fn encrypt(nal: &[u8], key: &SampleKey) -> Vec<u8> {
        let mut cipher = cbc::Encryptor::<Aes128>::new(&Array::from(key.key), &Array::from(key.iv));
        let mut bytes = nal.to_vec();
        let mut position = CLEAR;
        while bytes.len() > position + BLOCK {
            let mut block = Array::try_from(&bytes[position..position + BLOCK]).unwrap();
            cipher.encrypt_block(&mut block);
            bytes[position..position + BLOCK].copy_from_slice(&block);
            position += STRIDE;
        }
        let mut zeros = 0;
        let mut escaped = Vec::new();
        for byte in bytes {
            if zeros >= 2 && byte <= 3 {
                escaped.push(3);
                zeros = 0;
            }
            zeros = if byte == 0 { zeros + 1 } else { 0 };
            escaped.push(byte);
        }
        escaped
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_encrypted_comes_back(
            mut clear in proptest::collection::vec(1_u8.., 1..700), key: [u8; 16], iv: [u8; 16],
        ) {
            clear[0] = 0x65;
            let key = SampleKey { key, iv };
            let mut stream = vec![0, 0, 0, 1];
            stream.extend(encrypt(&clear, &key));
            let length = stream.len();
            decrypt(&mut stream, &key, &mut Room::default());
            prop_assert_eq!(stream.len(), length);
            prop_assert_eq!(&stream[4..4 + clear.len()], &clear[..]);
            prop_assert!(stream[4 + clear.len()..].iter().all(|byte| *byte == 0));
        }

        #[test]
        fn any_bytes_are_taken(mut bytes in proptest::collection::vec(0_u8..4, 0..400)) {
            decrypt(&mut bytes, &SampleKey { key: [1; 16], iv: [2; 16] }, &mut Room::default());
        }
    }
}
