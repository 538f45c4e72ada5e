//! How what was taken becomes settled, in order: stored, or missing for good.

use hls_parse::NewSegment;
use url::Url;

use super::row::{Origin, Row};
use super::track::{Shared, Target, Track};
use super::written::{Needs, Written};
use crate::session::download::Gap;
use crate::session::source;

/// How many segments are kept to recognize the stream by.
const RECENT: usize = 8;

impl Track {
    /// Notes that something is stored, or cannot be had.
    pub(super) fn settle(&mut self, target: Target, is_there: bool) {
        let waiting = match target {
            Target::Segment(number) => vec![number],
            shared => {
                let settled = if is_there {
                    Shared::There
                } else {
                    Shared::Missing
                };
                match self.shared.insert(shared, settled) {
                    Some(Shared::Coming(waiting)) => waiting,
                    _ => Vec::new(),
                }
            }
        };
        for number in waiting {
            let Some(row) = self.row_mut(number) else {
                continue;
            };
            row.outstanding = row.outstanding.saturating_sub(1);
            row.has_failed |= !is_there;
            if row.outstanding == 0 && !row.has_failed && row.is_encrypted() {
                row.outstanding = 1;
                self.unopened.push(number);
            }
        }
        self.settle_front();
    }

    pub(super) fn row_mut(&mut self, number: u64) -> Option<&mut Row> {
        let at = usize::try_from(number.checked_sub(self.front)?).ok()?;
        self.rows.get_mut(at)
    }

    /// Where a whole segment that is not settled stands at its origin.
    pub(super) fn origin_of(&self, number: u64) -> Option<Origin> {
        let at = usize::try_from(number.checked_sub(self.front)?).ok()?;
        let row = self.rows.get(at).filter(|row| !row.is_part)?;
        row.origin
    }

    /// Whether segments are on their way.
    pub(super) fn is_waiting(&self) -> bool {
        !self.rows.is_empty()
    }

    /// Writes down what is settled. A hole goes with what comes after it: by that a later run knows where to go on.
    pub(super) fn settle_front(&mut self) {
        loop {
            let hole = self.rows.iter().take_while(|row| row.origin.is_none());
            let hole = hole.count();
            if self.rows.get(hole).is_none_or(|row| row.outstanding > 0) {
                return;
            }
            for _ in 0..=hole {
                if let Some(row) = self.rows.pop_front() {
                    self.write(row);
                }
            }
        }
    }

    fn write(&mut self, mut row: Row) {
        let number = self.front;
        row.segment.gap |= row.has_failed;
        self.note_gaps(&row, number);
        self.stored = self.stored.saturating_add(u64::from(!row.segment.gap));
        self.write_down(&row.segment, row.needs.as_ref());
        self.unfinished = row.origin.filter(|_| row.is_part).map(|at| at.number);
        if row.is_part {
            // The stream is not recognized by it.
            return;
        }
        match (
            &row.origin,
            self.recent.back().and_then(|recent| recent.origin),
        ) {
            (Some(origin), Some(before)) => {
                let follows = before.epoch == origin.epoch
                    && before.number.checked_add(1) == Some(origin.number);
                if !follows {
                    self.recent.clear();
                }
            }
            (None, _) => return,
            _ => {}
        }
        self.recent.push_back(row);
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }

    /// Adds a segment to what is settled.
    pub(super) fn write_down(&mut self, segment: &NewSegment, needs: Option<&Needs>) {
        let number = self.front;
        self.front = self.front.saturating_add(1);
        if let Some(whole) = &mut self.whole {
            whole.push(segment.clone(), needs);
        }
        let tail = self.tail.get_or_insert_with(|| Written::new(number, 0));
        // What is in force goes on, whoever reads the tail alone.
        let inherited = (tail.len == 0).then_some(&self.in_force);
        tail.push(segment.clone(), needs.or(inherited));
        if let Some(needs) = needs {
            self.in_force = needs.clone();
        }
    }

    /// Lists what is missing by the name it would have. What was never seen has no address but that of its playlist.
    fn note_gaps(&mut self, row: &Row, number: u64) {
        let name = format!("{}/segment-{number:08}", self.name);
        let unseen = match (row.origin, row.left_out) {
            (None, _) => Some(name),
            (_, 0) => None,
            (_, count) => Some(format!("{count} segments before {name}")),
        };
        self.gaps.extend(unseen.map(|path| Gap {
            path,
            url: source::shown(&self.url),
        }));
        if row.has_failed
            && let (Some(path), Ok(url)) = (&row.path, Url::parse(&row.segment.uri))
        {
            self.gaps.push(Gap {
                path: path.clone(),
                url: source::shown(&url),
            });
        }
    }

    /// Ends it with what is there: what is on its way counts as missing, unless nothing comes after it.
    pub(super) fn finish(&mut self) {
        let is_stored = |row: &Row| row.path.is_some() && row.outstanding == 0 && !row.has_failed;
        while self.rows.back().is_some_and(|row| !is_stored(row)) {
            self.rows.pop_back();
        }
        for row in &mut self.rows {
            row.has_failed |= row.outstanding > 0;
            row.outstanding = 0;
        }
        self.settle_front();
        if self.dropped > 0 {
            self.gaps.push(Gap {
                path: format!(
                    "{} segments from {}/segment-{:08} on",
                    self.dropped, self.name, self.front
                ),
                url: source::shown(&self.url),
            });
            self.dropped = 0;
        }
    }

    /// Segments that are stored, with their keys and maps.
    pub(super) fn resources(&self) -> u64 {
        let others = u64::try_from(self.numbers.len()).unwrap_or(u64::MAX);
        self.stored.saturating_add(others)
    }
}
