//! What is typed in answer to a question with a numbered list.

/// What was chosen from a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing was typed: what would have been chosen anyway.
    Default,
    /// Everything.
    All,
    /// Nothing.
    None,
    /// These entries, from 0, in the order in which they were typed, each once.
    Entries(Vec<usize>),
}

/// A list that is numbered from 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question<'a> {
    /// What an entry may be called beside its number, such as a language.
    pub(crate) names: &'a [String],
    /// Whether nothing at all may be chosen.
    pub(crate) may_be_none: bool,
}

impl Question<'_> {
    /// Reads what was typed: numbers or names with commas between, `all`, `none`, or nothing.
    ///
    /// # Errors
    /// What is wrong with it and what would not be, for whoever typed it.
    pub(crate) fn read(self, typed: &str) -> Result<Answer, String> {
        let typed = typed.trim();
        match typed.to_ascii_lowercase().as_str() {
            "" => return Ok(Answer::Default),
            "all" => return Ok(Answer::All),
            "none" if self.may_be_none => return Ok(Answer::None),
            _ => {}
        }
        let mut entries = Vec::new();
        let separated = typed.split([',', ' ']);
        for word in separated.filter(|word| !word.is_empty()) {
            let entry = self.entry(word).ok_or_else(|| self.mistake(word))?;
            if !entries.contains(&entry) {
                entries.push(entry);
            }
        }
        if entries.is_empty() {
            return Err(self.mistake(typed));
        }
        Ok(Answer::Entries(entries))
    }

    fn entry(self, word: &str) -> Option<usize> {
        let by_name = |name: &String| name.eq_ignore_ascii_case(word);
        let named = self.names.iter().position(by_name);
        named.or_else(|| {
            let number: usize = word.parse().ok()?;
            let entry = number.checked_sub(1)?;
            (entry < self.names.len()).then_some(entry)
        })
    }

    fn mistake(self, word: &str) -> String {
        let word = crate::render::text::printable(word);
        let numbers = match self.names.len() {
            0 | 1 => "1".to_owned(),
            last => format!("1 to {last}, several with commas between"),
        };
        let none = if self.may_be_none { ", `none`" } else { "" };
        format!(
            "`{word}` is not in the list; type {numbers}, `all`{none}, or nothing for what is in brackets"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(typed: &str) -> Result<Answer, String> {
        let names = ["en", "pt-BR", "de"].map(str::to_owned);
        let question = Question {
            names: &names,
            may_be_none: true,
        };
        question.read(typed)
    }

    #[test]
    fn answers_are_numbers_names_or_a_word_for_several() {
        for (typed, expected) in [
            ("", Answer::Default),
            ("  \n", Answer::Default),
            ("all", Answer::All),
            (" None ", Answer::None),
            ("2", Answer::Entries(vec![1])),
            ("3,1", Answer::Entries(vec![2, 0])),
            ("3, 1,3,de", Answer::Entries(vec![2, 0])),
            ("pt-br 1", Answer::Entries(vec![1, 0])),
            ("1,", Answer::Entries(vec![0])),
        ] {
            assert_eq!(read(typed), Ok(expected), "{typed:?}");
        }
    }

    #[test]
    fn what_is_not_in_the_list_is_said_with_what_is() {
        for wrong in [
            "0",
            "4",
            "-1",
            "1,4",
            "fr",
            "1-3",
            "all,1",
            "none,1",
            ",",
            "99999999999999999999999",
        ] {
            let mistake = read(wrong).unwrap_err();
            assert!(mistake.contains("1 to 3"), "{wrong}: {mistake}");
        }
        let question = Question {
            names: &["en".to_owned()],
            may_be_none: false,
        };
        assert!(!question.read("none").unwrap_err().contains("`none`,"));
        assert!(!question.read("\x1b[2J").unwrap_err().contains('\x1b'));
    }
}
