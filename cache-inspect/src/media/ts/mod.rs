//! MPEG-2 Transport Streams (ISO/IEC 13818-1): packets, tables, time stamps and continuity.
//!
//! ```
//! use cache_inspect::media::{ProblemKind, ts::TransportStream};
//!
//! let mut bytes = vec![0xff; 188 * 3];
//! for packet in bytes.chunks_mut(188) {
//!     packet[..4].copy_from_slice(&[0x47, 0x1f, 0xff, 0x10]);
//! }
//! let stream = TransportStream::read(&bytes, &[]);
//! assert_eq!(stream.packets, 3);
//! assert_eq!(stream.problems[0].kind, ProblemKind::NoInitialization);
//! ```

mod packet;
mod pes;
mod pid;
mod tables;

use serde::Serialize;

use self::packet::{NULL, PACKET, Packet, SYNC};
use self::pid::{Pid, Role};
use self::tables::Table;
use super::problem::{Problem, ProblemKind, Problems};
use super::stream::{Stream, StreamKind};

/// What a Transport Stream has.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct TransportStream {
    /// How many packets there are.
    pub packets: u64,
    /// The PID and the type of each stream (table 2-34), as the tables say or as was known before.
    pub programs: Vec<(u16, u8)>,
    /// The streams that the tables name and that have PES packets.
    pub streams: Vec<Stream>,
    /// What is wrong with it.
    pub problems: Vec<Problem>,
}

impl TransportStream {
    /// Reads all packets. `known` are the streams of an initialization section: their PIDs and types.
    pub fn read(bytes: &[u8], known: &[(u16, u8)]) -> Self {
        let mut reader = Reader::new(known);
        let (packets, rest) = bytes.as_chunks::<PACKET>();
        let mut lost = false;
        for (number, packet) in packets.iter().enumerate() {
            let is_packet = packet.first() == Some(&SYNC);
            if is_packet {
                reader.packet(packet, number * PACKET);
            } else if !lost {
                let offset = number * PACKET;
                let what = format!("no packet begins at byte {offset}");
                reader
                    .problems
                    .push(Problem::at(ProblemKind::Damaged, offset, what));
            }
            lost = !is_packet;
        }
        if !rest.is_empty() {
            let what = format!("the last packet lacks {} bytes", PACKET - rest.len());
            let offset = bytes.len() - rest.len();
            reader
                .problems
                .push(Problem::at(ProblemKind::Truncated, offset, what));
        }
        reader.finish(packets.len())
    }
}

/// How many PIDs there can be.
const PIDS: usize = 1 << 13;

/// What is known of the stream while its packets are read.
struct Reader {
    /// For each PID one more than its index into `pids`; 0 while it has none.
    index: [u16; PIDS],
    pids: Vec<Pid>,
    programs: Vec<(u16, u8)>,
    has_damaged_table: bool,
    problems: Problems,
}

impl Reader {
    fn new(known: &[(u16, u8)]) -> Self {
        let mut reader = Self {
            index: [0; PIDS],
            pids: Vec::new(),
            programs: known.to_vec(),
            has_damaged_table: false,
            problems: Problems::default(),
        };
        if let Some(association) = reader.pid(0) {
            association.role = Role::Association;
        }
        reader
    }

    /// What is known of a PID, which is nothing at first.
    fn pid(&mut self, pid: u16) -> Option<&mut Pid> {
        let index = self.index.get_mut(usize::from(pid))?;
        if *index == 0 {
            self.pids.push(Pid::new(pid));
            *index = u16::try_from(self.pids.len()).ok()?;
        }
        self.pids.get_mut(usize::from(*index) - 1)
    }

    fn packet(&mut self, bytes: &[u8; PACKET], offset: usize) {
        let Some(packet) = Packet::read(bytes) else {
            let what = format!("the packet at byte {offset} has fields beyond its end");
            self.problems
                .push(Problem::at(ProblemKind::Damaged, offset, what));
            return;
        };
        if packet.pid == NULL {
            return;
        }
        if packet.has_error() {
            let what = format!("the packet at byte {offset} is marked as damaged");
            self.problems
                .push(Problem::at(ProblemKind::Damaged, offset, what));
        }
        let Some(pid) = self.pid(packet.pid) else {
            return;
        };
        let Some(payload) = pid.next_payload(&packet, offset) else {
            return;
        };
        if pid.role == Role::Elementary {
            let cut = pid.elementary(&packet, payload, offset);
            self.problems.extend(cut);
            return;
        }
        let mut tables = Vec::new();
        let mut assembly = std::mem::take(&mut pid.assembly);
        assembly.push(payload, packet.starts_unit(), |section| {
            tables.push(tables::read(section));
        });
        pid.assembly = assembly;
        for table in tables {
            self.table(table, offset);
        }
    }

    fn table(&mut self, table: Table, offset: usize) {
        match table {
            Table::Programs(maps) => {
                for pid in maps {
                    // The network information table is not among them, and PID 0 stays what it is.
                    if let Some(map) = self.pid(pid)
                        && map.role == Role::Elementary
                    {
                        map.role = Role::Map;
                    }
                }
            }
            Table::Streams(streams) => {
                for (pid, kind) in streams {
                    let known = (self.programs.iter_mut()).find(|(known, _)| *known == pid);
                    if let Some(known) = known {
                        known.1 = kind;
                    } else if self.programs.len() < MAX_STREAMS {
                        self.programs.push((pid, kind));
                    }
                }
            }
            Table::Damaged if !self.has_damaged_table => {
                self.has_damaged_table = true;
                let what = format!("the table at byte {offset} is damaged");
                self.problems
                    .push(Problem::at(ProblemKind::Damaged, offset, what));
            }
            Table::Damaged | Table::Other => {}
        }
    }

    fn finish(mut self, packets: usize) -> TransportStream {
        if self.programs.is_empty() {
            let what = "no program map table says which streams there are";
            self.problems
                .push(Problem::new(ProblemKind::NoInitialization, what));
        }
        let mut streams = Vec::new();
        for pid in &self.pids {
            self.problems.extend(pid.problems());
            let kind = self.programs.iter().find(|(known, _)| *known == pid.number);
            if let Some((_, kind)) = kind
                && pid.units > 0
            {
                streams.push(pid.stream(*kind));
            }
        }
        let is_media = |stream: &Stream| stream.kind != StreamKind::Other;
        if !self.programs.is_empty() && !streams.iter().any(is_media) {
            let what = "none of its streams has video or audio";
            self.problems.push(Problem::new(ProblemKind::Empty, what));
        }
        TransportStream {
            packets: u64::try_from(packets).unwrap_or(u64::MAX),
            programs: self.programs,
            streams,
            problems: self.problems.into_vec(),
        }
    }
}

/// More streams than any real program has.
const MAX_STREAMS: usize = 64;
