//! Packets of a Transport Stream (ISO/IEC 13818-1 section 2.4.3).

/// Bytes of a packet.
pub(super) const PACKET: usize = 188;

/// What every packet begins with.
pub(super) const SYNC: u8 = 0x47;

/// The PID of packets that only fill up.
pub(super) const NULL: u16 = 0x1fff;

/// One packet.
#[derive(Clone, Copy, Debug)]
pub(super) struct Packet<'a> {
    pub(super) pid: u16,
    pub(super) counter: u8,
    /// `None` if it has an adaptation field only.
    pub(super) payload: Option<&'a [u8]>,
    second: u8,
    fourth: u8,
    adaptation: u8,
}

impl<'a> Packet<'a> {
    /// Reads a packet; `None` if its fields reach beyond it.
    #[inline]
    pub(super) fn read(bytes: &'a [u8; PACKET]) -> Option<Self> {
        let [_, second, third, fourth, rest @ ..] = bytes;
        let (has_adaptation, has_payload) = (fourth & 0x20 != 0, fourth & 0x10 != 0);
        let (mut flags, mut payload) = (0, rest.as_slice());
        if has_adaptation {
            let (length, after) = payload.split_first()?;
            let (adaptation, after) = after.split_at_checked(usize::from(*length))?;
            flags = adaptation.first().copied().unwrap_or_default();
            payload = after;
        }
        Some(Self {
            pid: u16::from(second & 0x1f) << 8 | u16::from(*third),
            counter: fourth & 0x0f,
            payload: has_payload.then_some(payload),
            second: *second,
            fourth: *fourth,
            adaptation: flags,
        })
    }

    /// A PES packet or a section begins in it.
    pub(super) fn starts_unit(&self) -> bool {
        self.second & 0x40 != 0
    }

    /// Somebody before us has noticed that it is damaged.
    pub(super) fn has_error(&self) -> bool {
        self.second & 0x80 != 0
    }

    pub(super) fn is_scrambled(&self) -> bool {
        self.fourth & 0xc0 != 0
    }

    /// The counter need not go on from the packet before.
    pub(super) fn is_discontinuity(&self) -> bool {
        self.adaptation & 0x80 != 0
    }

    /// Decoding may begin here.
    pub(super) fn is_random_access(&self) -> bool {
        self.adaptation & 0x40 != 0
    }
}
