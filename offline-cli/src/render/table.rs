//! Tables that align and fit the terminal.

use comfy_table::{CellAlignment, Table};
use console::measure_text_width;

use super::paint::Tone;
use super::text::{printable, shortened};

/// Between two columns.
const GAP: usize = 2;
/// No column gets narrower than this.
const NARROWEST: usize = 8;

/// A table with a header line; `right` names the columns that hold numbers.
///
/// On a terminal each row is one line of it: long texts are cut, the longest first, and the first column last. Numbers never are, and nothing is in a file
/// or a pipe.
pub(crate) fn table(header: &[&str], right: &[usize], rows: Vec<Vec<String>>) -> String {
    lines(header, right, rows, terminal_width()).join("\n")
}

/// A table whose last column has a meaning.
pub(crate) fn painted(header: &[&str], right: &[usize], rows: Vec<(Vec<String>, Tone)>) -> String {
    let (rows, tones): (Vec<_>, Vec<_>) = rows.into_iter().unzip();
    let last: Vec<String> = rows.iter().filter_map(|row| row.last().cloned()).collect();
    let mut lines = lines(header, right, rows, terminal_width());
    for ((line, tone), cell) in lines.iter_mut().skip(1).zip(tones).zip(last) {
        // One that was cut stays as it is.
        if let Some(before) = line.strip_suffix(cell.as_str()) {
            *line = format!("{before}{}", tone.paint(&cell));
        }
    }
    lines.join("\n")
}

fn terminal_width() -> Option<usize> {
    let (_, width) = console::Term::stdout().size_checked()?;
    Some(usize::from(width))
}

fn lines(
    header: &[&str],
    right: &[usize],
    mut rows: Vec<Vec<String>>,
    width: Option<usize>,
) -> Vec<String> {
    for cell in rows.iter_mut().flatten() {
        *cell = printable(cell);
    }
    if let Some(width) = width {
        cut(header, right, &mut rows, width);
    }
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    table.set_header(header.iter().copied());
    table.add_rows(rows);
    for &index in right {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    let text = table.to_string();
    text.lines()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// Cuts texts until the rows fit, or nothing more can be cut.
fn cut(header: &[&str], right: &[usize], rows: &mut [Vec<String>], width: usize) {
    let widest = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let cells = cells.map(|cell| measure_text_width(cell));
        let name = header.get(column).map(|name| measure_text_width(name));
        cells.chain(name).max().unwrap_or_default()
    };
    let mut widths: Vec<usize> = (0..header.len()).map(widest).collect();
    let gaps = GAP.saturating_mul(header.len().saturating_sub(1));
    loop {
        let total = widths
            .iter()
            .fold(gaps, |sum, width| sum.saturating_add(*width));
        let Some(over) = total.checked_sub(width).filter(|over| *over > 0) else {
            break;
        };
        let texts = widths.iter().copied().enumerate();
        let texts = texts.filter(|(column, width)| !right.contains(column) && *width > NARROWEST);
        // By what can be shown of it afterwards; the first column is what a row is called by.
        let Some((longest, _)) = texts.max_by_key(|(column, width)| (*column > 0, *width)) else {
            break;
        };
        if let Some(width) = widths.get_mut(longest) {
            *width = width.saturating_sub(over.clamp(1, 4)).max(NARROWEST);
        }
    }
    for row in rows {
        for (cell, width) in row.iter_mut().zip(&widths) {
            if measure_text_width(cell) > *width {
                *cell = shortened(cell, *width).into_owned();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use console::measure_text_width;
    use proptest::prelude::*;

    use super::{NARROWEST, lines, table};

    #[test]
    fn columns_align_whatever_the_characters_take() {
        let names = [
            "Film",
            "千と千尋の神隠し",
            "🎬 Kino",
            "Ame\u{301}lie",
            "한국어",
        ];
        let rows = names.map(|name| vec![name.to_owned(), "7".to_owned(), "|".to_owned()]);
        let text = table(&["NAME", "SIZE", "END"], &[1], rows.to_vec());
        let places: Vec<usize> = text
            .lines()
            .skip(1)
            .map(|line| measure_text_width(line.split('|').next().unwrap_or_default()))
            .collect();
        assert_eq!(places.len(), names.len(), "{text}");
        assert!(places.windows(2).all(|pair| pair[0] == pair[1]), "{text}");
    }

    const HEADER: [&str; 4] = ["ID", "TITLE", "SIZE", "STATE"];

    #[test]
    fn the_title_is_cut_and_says_so() {
        let row = |title: &str| {
            let cells = ["film-0b5a31c7", title, "4.3 GB", "completed"];
            cells.map(str::to_owned).to_vec()
        };
        let rows = vec![
            row("Film"),
            row("A title that goes on for much longer than any line of a terminal"),
            row("千と千尋の神隠し、それから、もっともっと長い題名"),
        ];
        let shown = lines(&HEADER, &[2], rows.clone(), Some(60));
        assert_eq!(
            shown,
            [
                "ID             TITLE                        SIZE  STATE",
                "film-0b5a31c7  Film                       4.3 GB  completed",
                "film-0b5a31c7  A title that goes on for…  4.3 GB  completed",
                "film-0b5a31c7  千と千尋の神隠し、それか…  4.3 GB  completed",
            ]
        );
        let whole = lines(&HEADER, &[2], rows.clone(), None);
        assert!(
            whole
                .iter()
                .zip(&rows)
                .skip(1)
                .all(|(line, _)| !line.contains('…'))
        );
        assert!(whole[2].contains(&rows[1][1]) && whole[3].contains(&rows[2][1]));
    }

    proptest! {
        /// Where there is room for the numbers and the least of the texts, no line is longer than the terminal is wide, and numbers are whole.
        #[test]
        fn rows_fit(rows in prop::collection::vec(("\\PC{0,40}", "\\PC{0,90}", 0..u32::MAX, "[a-z]{1,20}"), 0..6), width in 40..160_usize) {
            let numbers: Vec<String> = rows.iter().map(|row| row.2.to_string()).collect();
            let rows = rows.into_iter().map(|row| vec![row.0, row.1, row.2.to_string(), row.3]).collect();
            let shown = lines(&HEADER, &[2], rows, Some(width));
            let least = 3 * NARROWEST + 10 + 6;
            prop_assert!(least <= 40);
            prop_assert_eq!(shown.len(), numbers.len() + 1);
            for line in &shown {
                prop_assert!(measure_text_width(line) <= width, "{} {}", line, width);
            }
            for (line, number) in shown.iter().skip(1).zip(numbers) {
                prop_assert!(line.contains(&number), "{} {}", line, number);
            }
        }
    }
}
