//! MPEG-2 Transport Streams (ISO/IEC 13818-1): packets, tables, and the PES packets of each stream.

mod packet;
mod scan;
mod tables;
mod timestamp;

pub(crate) use scan::{Scanner, Unit};
pub(crate) use tables::{Section, Stream, checksum};
pub(crate) use timestamp::{Clock, PesHeader};
