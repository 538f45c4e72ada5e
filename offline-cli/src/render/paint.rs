//! Colour on a terminal, for what the words say as well.
//!
//! Without `--color` it is the environment that decides: `NO_COLOR` before `CLICOLOR_FORCE` before `CLICOLOR`, `TERM=dumb`, and whether it is a terminal.

use console::{Style, Term};

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
    let is_on = |term: Term| match color {
        Color::Auto => is_wanted(term.is_term(), |name| std::env::var(name).ok()),
        Color::Always => true,
        Color::Never => false,
    };
    console::set_colors_enabled(is_on(Term::stdout()));
    console::set_colors_enabled_stderr(is_on(Term::stderr()));
}

/// By the conventions of no-color.org and bixense.com/clicolors; what is empty is not set.
fn is_wanted(is_terminal: bool, variable: impl Fn(&str) -> Option<String>) -> bool {
    let said = |name| variable(name).filter(|value| !value.is_empty());
    if said("NO_COLOR").is_some() {
        return false;
    }
    if said("CLICOLOR_FORCE").is_some_and(|value| value != "0") {
        return true;
    }
    let is_off = said("CLICOLOR").is_some_and(|value| value == "0");
    let is_dumb = said("TERM").is_some_and(|value| value == "dumb");
    is_terminal && !is_off && !is_dumb
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

#[cfg(test)]
mod tests {
    use super::is_wanted;

    #[test]
    fn the_environment_decides_in_the_usual_order() {
        for (variables, at_a_terminal, elsewhere) in [
            (&[][..], true, false),
            (&["NO_COLOR=1"], false, false),
            (&["NO_COLOR="], true, false),
            (&["CLICOLOR=0"], false, false),
            (&["CLICOLOR=1"], true, false),
            (&["TERM=dumb"], false, false),
            (&["CLICOLOR_FORCE=1", "TERM=dumb", "CLICOLOR=0"], true, true),
            (&["CLICOLOR_FORCE=0"], true, false),
            (&["CLICOLOR_FORCE=1", "NO_COLOR=1"], false, false),
        ] {
            let variable = |name: &str| {
                let pairs = variables.iter().filter_map(|pair| pair.split_once('='));
                let mut values = pairs.filter(|(key, _)| *key == name);
                values.next().map(|(_, value)| value.to_owned())
            };
            assert_eq!(is_wanted(true, variable), at_a_terminal, "{variables:?}");
            assert_eq!(is_wanted(false, variable), elsewhere, "{variables:?}");
        }
    }
}
