//! The lines of which manifests, logs, HEAD and the state of partials consist.
//!
//! A line is 16 hexadecimal digits (the first 8 bytes of the BLAKE3 of the text), a space, the text
//! (JSON in one line) and a line feed. A line that does not check is not there.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Error, ErrorKind};

const CHECKSUM_DIGITS: usize = 16;

/// What the intact lines of a file say.
pub(crate) struct Parsed<T> {
    pub(crate) records: Vec<T>,
    /// Lines that do not check although an intact one follows them: damage, not a torn end.
    pub(crate) damaged: usize,
    /// Where the last intact line starts and ends; 0 when there is none.
    pub(crate) last_start: usize,
    pub(crate) intact_end: usize,
}

/// The line for `record`.
pub(crate) fn encode<T: Serialize>(record: &T) -> Result<Vec<u8>, Error> {
    let text = serde_json::to_string(record)
        .map_err(|error| Error::new(ErrorKind::Io, format!("cannot write a record: {error}")))?;
    let mut line = checksum(text.as_bytes()).into_bytes();
    line.push(b' ');
    line.extend_from_slice(text.as_bytes());
    line.push(b'\n');
    Ok(line)
}

/// The records in `bytes`, of which lines that do not check are left out.
pub(crate) fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Parsed<T> {
    let mut parsed = Parsed {
        records: Vec::new(),
        damaged: 0,
        last_start: 0,
        intact_end: 0,
    };
    let mut unreadable = 0_usize;
    let mut start = 0_usize;
    for line in bytes.split_inclusive(|&byte| byte == b'\n') {
        let end = start.saturating_add(line.len());
        if let Some(record) = decode(line) {
            parsed.records.push(record);
            parsed.damaged = parsed.damaged.saturating_add(unreadable);
            parsed.last_start = start;
            parsed.intact_end = end;
            unreadable = 0;
        } else {
            unreadable = unreadable.saturating_add(1);
        }
        start = end;
    }
    parsed
}

fn decode<T: DeserializeOwned>(line: &[u8]) -> Option<T> {
    let line = line.strip_suffix(b"\n")?;
    let (sum, rest) = line.split_at_checked(CHECKSUM_DIGITS)?;
    let text = rest.strip_prefix(b" ")?;
    let hash = blake3::hash(text);
    if hash.to_hex().as_bytes().get(..CHECKSUM_DIGITS) != Some(sum) {
        return None;
    }
    serde_json::from_slice(text).ok()
}

fn checksum(text: &[u8]) -> String {
    let mut digits = blake3::hash(text).to_hex().to_string();
    digits.truncate(CHECKSUM_DIGITS);
    digits
}
