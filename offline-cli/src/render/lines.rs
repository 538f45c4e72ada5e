//! Lines at the bottom of a terminal that change in place.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use console::{Term, measure_text_width};

use super::output::Output;
use super::text::shortened;

const EVERY: Duration = Duration::from_millis(125);
/// Without any news they are drawn again so often: time goes on, and windows change their size.
const TICK: Duration = Duration::from_millis(500);
/// What stays free at the right: what a terminal echoes of two Ctrl-C, `^C^C`, must not make a line wrap.
const MARGIN: usize = 5;
/// Longer lines are no better to read.
const WIDEST: usize = 100;

/// The lines of all that is under way, in blocks. Clones are the same lines. Where standard error is no terminal there are none.
#[derive(Clone, Debug)]
pub(crate) struct Lines(Option<Arc<Mutex<State>>>);

/// The lines that are shown by this process.
static SHOWN: Mutex<Weak<Mutex<State>>> = Mutex::new(Weak::new());

/// What makes the lines of a block, now and in so many columns.
type Drawing = Box<dyn FnMut(Instant, usize) -> Vec<String> + Send>;

/// One block of lines, gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Block {
    lines: Lines,
    number: usize,
}

struct State {
    term: Term,
    blocks: BTreeMap<usize, Drawing>,
    next: usize,
    /// The widths of the lines on the terminal.
    drawn: Vec<usize>,
    at: Option<Instant>,
}

impl Lines {
    pub(crate) fn new(output: Output) -> Self {
        let term = Term::stderr();
        let is_dumb = std::env::var_os("TERM").is_some_and(|name| name == "dumb");
        let is_shown = !output.json && !output.quiet && term.is_term() && !is_dumb;
        Self(is_shown.then(|| {
            let state = Arc::new(Mutex::new(State {
                term,
                blocks: BTreeMap::new(),
                next: 0,
                drawn: Vec::new(),
                at: None,
            }));
            *shown() = Arc::downgrade(&state);
            let ticking = Arc::downgrade(&state);
            std::thread::spawn(move || tick(&ticking));
            state
        }))
    }

    /// A block below the others.
    pub(crate) fn block(&self) -> Block {
        let number = self.state().map_or(0, |mut state| {
            state.next += 1;
            state.next
        });
        Block {
            lines: self.clone(),
            number,
        }
    }

    /// Whether there are any.
    pub(crate) fn are_shown(&self) -> bool {
        self.0.is_some()
    }

    fn state(&self) -> Option<MutexGuard<'_, State>> {
        let state = self.0.as_ref()?;
        Some(state.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Block {
    /// Shows what this makes, from now on; it is asked some times a second. It must neither say nor log anything.
    pub(crate) fn show(&self, drawing: impl FnMut(Instant, usize) -> Vec<String> + Send + 'static) {
        if let Some(mut state) = self.lines.state() {
            state.blocks.insert(self.number, Box::new(drawing));
            if state.at.is_none_or(|at| at.elapsed() >= EVERY) {
                state.redraw();
            }
        }
    }

    /// Takes the lines away.
    pub(crate) fn clear(&self) {
        if let Some(mut state) = self.lines.state()
            && state.blocks.remove(&self.number).is_some()
        {
            state.redraw();
        }
    }
}

fn shown() -> MutexGuard<'static, Weak<Mutex<State>>> {
    SHOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes whole lines to standard error, above those that change.
pub(super) fn above(text: &[u8]) -> io::Result<()> {
    let shown = shown().upgrade();
    let write = || {
        let mut error = io::stderr().lock();
        error.write_all(text).and_then(|()| error.flush())
    };
    let Some(shown) = shown else {
        return write();
    };
    let mut state = shown.lock().unwrap_or_else(PoisonError::into_inner);
    state.erase();
    let written = write();
    state.draw();
    written
}

/// Draws again and again, until there is nothing to draw any more.
fn tick(lines: &Weak<Mutex<State>>) {
    loop {
        std::thread::sleep(TICK);
        let Some(state) = lines.upgrade() else {
            return;
        };
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        if !state.blocks.is_empty() && state.at.is_none_or(|at| at.elapsed() >= EVERY) {
            state.redraw();
        }
    }
}

/// Where what is logged goes: above the lines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Above;

impl io::Write for Above {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        above(text)?;
        Ok(text.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("State")
            .field("blocks", &self.blocks.len())
            .field("drawn", &self.drawn)
            .finish_non_exhaustive()
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        self.clear();
    }
}

impl State {
    fn size(&self) -> (usize, usize) {
        let (rows, columns) = self.term.size_checked().unwrap_or((24, 80));
        (usize::from(rows).max(2), usize::from(columns).max(1))
    }

    fn room(&self) -> usize {
        let (_, columns) = self.size();
        columns.saturating_sub(MARGIN).clamp(1, WIDEST)
    }

    /// Lines that were drawn in a wider window take several rows in a narrower one.
    fn erase(&mut self) {
        let (_, columns) = self.size();
        let rows = rows(&self.drawn, columns);
        self.drawn.clear();
        let up = match rows {
            0 => return,
            1 => String::new(),
            rows => format!("\x1b[{}A", rows - 1),
        };
        self.write(&format!("{up}\r\x1b[J"));
    }

    fn redraw(&mut self) {
        self.erase();
        self.draw();
    }

    fn draw(&mut self) {
        let (rows, _) = self.size();
        let (room, now) = (self.room(), Instant::now());
        let blocks = self.blocks.values_mut();
        let lines: Vec<String> = blocks.flat_map(|drawing| drawing(now, room)).collect();
        // The last ones say most.
        let shown = lines.get(lines.len().saturating_sub(rows - 1)..);
        let mut text = String::new();
        let mut drawn = Vec::new();
        for line in shown.unwrap_or_default() {
            let line = shortened(line, room);
            drawn.push(measure_text_width(&line));
            let _ = write!(text, "{}{line}", if text.is_empty() { "" } else { "\n" });
        }
        self.drawn = drawn;
        self.at = Some(now);
        self.write(&text);
    }

    fn write(&mut self, text: &str) {
        // Nobody is left to tell when standard error is closed.
        let _ = self.term.write_all(text.as_bytes());
        let _ = self.term.flush();
    }
}

/// The rows that lines of these widths take.
fn rows(widths: &[usize], columns: usize) -> usize {
    let rows = widths.iter().map(|width| width.div_ceil(columns).max(1));
    rows.sum()
}

/// A share as a line: its name, a bar where there is room for one, and as many of the parts as fit, the first ones first.
/// What has one width today has it tomorrow.
pub(crate) fn share(name: &str, share: f64, parts: &[String], room: usize) -> String {
    let mut line = format!("{name}{:>3.0} %", (share * 100.0).floor());
    let bar = match room {
        90.. => 20,
        70.. => 5,
        _ => 0,
    };
    if bar > 0 {
        line.push(' ');
        for place in 0..bar {
            let is_full = (f64::from(place) + 0.5) / f64::from(bar) <= share;
            line.push(if is_full { '━' } else { '─' });
        }
    }
    for part in parts {
        if measure_text_width(&line) + 2 + measure_text_width(part.trim_end()) > room {
            break;
        }
        line.push_str("  ");
        line.push_str(part);
    }
    shortened(line.trim_end(), room).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_was_drawn_wider_takes_the_rows_that_it_wraps_into() {
        assert_eq!(rows(&[], 80), 0);
        assert_eq!(rows(&[0, 75], 80), 2);
        assert_eq!(rows(&[40, 41, 75], 40), 1 + 2 + 2);
    }

    #[test]
    fn a_line_fits_and_drops_what_comes_last() {
        let parts = [
            "12.3 MB",
            "1:05/10:00",
            "4.2 MB/s",
            "0:20 left",
            "2 retries",
        ];
        let parts = parts.map(str::to_owned);
        for room in 1..=120 {
            let line = share("東京 ", 0.5, &parts, room);
            assert!(measure_text_width(&line) <= room, "{line}");
        }
        assert_eq!(share("", 0.5, &parts, 35), " 50 %  12.3 MB  1:05/10:00");
        let wide = share("", 0.5, &parts, 75);
        assert_eq!(
            wide,
            " 50 % ━━━──  12.3 MB  1:05/10:00  4.2 MB/s  0:20 left  2 retries"
        );
        assert!(!share("", 0.999, &parts, 35).contains("100"));
    }
}
