//! Room for what a recording brings next: how much it will be in the end, nobody knows.

use super::recorder::Recorder;
use crate::session::DownloadEvent;
use crate::{ErrorKind, Result};

/// Room is made for so much at once, or for the first of the others that the policy allows.
const AT_ONCE: [u64; 4] = [64 << 20, 16 << 20, 4 << 20, 1 << 20];

/// For how much of a recording room was made.
#[derive(Debug, Default)]
pub(super) struct Room {
    /// How many bytes it has when more is asked for.
    ask_at: u64,
    was_short: bool,
}

impl Recorder<'_> {
    /// Makes room for what comes next, as far as the policy of the store allows. It goes on in any case: what is live comes only once.
    pub(super) fn make_room(&mut self, observe: &mut impl FnMut(DownloadEvent)) {
        if self.bytes < self.room.ask_at {
            return;
        }
        let mut made = AT_ONCE[0];
        let asked = AT_ONCE.into_iter().map(|bytes| {
            made = bytes;
            self.session.make_room_for(&self.id, bytes, observe)
        });
        // One answer that is not "too much", if there is one.
        let is_other = |answer: &Result<()>| !matches!(answer, Err(error) if error.kind() == ErrorKind::DiskFull);
        let answer = { asked }.find(is_other);
        if let Some(Err(error)) = &answer {
            tracing::warn!(%error, "no room could be made for the recording");
        }
        let is_short = answer.is_none();
        if is_short {
            made = AT_ONCE[0];
            if !self.room.was_short {
                let note = "the policy of the store makes no more room; the recording goes on as long as the disk has some";
                observe(DownloadEvent::Note {
                    note: note.to_owned(),
                });
            }
        }
        self.room = Room {
            ask_at: self.bytes.saturating_add(made / 2),
            was_short: is_short,
        };
    }
}
