//! Colour on a terminal, for what the words say as well.
//!
//! Without `--color` it is the environment that decides: `NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE`, `TERM=dumb`, and whether it is a terminal.

use console::Style;

use crate::cli::Color;
use crate::session::DownloadState;

/// What a word is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    /// All is well.
    Good,
    /// Not there yet, or to be looked at.
    Open,
    /// Something is wrong.
    Bad,
    /// What could be done.
    Advice,
}

impl Tone {
    pub(crate) fn of(state: DownloadState) -> Self {
        match state {
            DownloadState::Completed => Self::Good,
            DownloadState::Failed => Self::Bad,
            _ => Self::Open,
        }
    }

    fn style(self) -> Style {
        let style = Style::new();
        match self {
            Self::Good => style.green(),
            Self::Open => style.yellow(),
            Self::Bad => style.red().bold(),
            Self::Advice => style.cyan(),
        }
    }

    /// The words for standard output.
    pub(crate) fn paint(self, words: &str) -> String {
        self.style().apply_to(words).to_string()
    }
}

/// Takes in what was said on the command line.
pub(crate) fn choose(color: Color) {
    let is_on = match color {
        Color::Auto => return,
        Color::Always => true,
        Color::Never => false,
    };
    console::set_colors_enabled(is_on);
    console::set_colors_enabled_stderr(is_on);
}

/// A message for standard error: what it is, is told by its first word.
pub(crate) fn message(text: &str) -> String {
    let painted = text.split_once(": ").and_then(|(word, rest)| {
        let tone = match word {
            "error" => Tone::Bad,
            "warning" | "paused" | "cancelled" => Tone::Open,
            "hint" | "note" => Tone::Advice,
            _ => return None,
        };
        let word = tone.style().for_stderr().apply_to(format!("{word}:"));
        Some(format!("{word} {rest}"))
    });
    painted.unwrap_or_else(|| text.to_owned())
}
