//! Tables that align and fit the terminal.

use comfy_table::{CellAlignment, ContentArrangement, Table};

use super::text::printable;

/// A table with a header line; `right` names the columns that hold numbers.
pub(crate) fn table(header: &[&str], right: &[usize], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(comfy_table::presets::NOTHING);
    // Into a file or a pipe lines are as long as they are; on a terminal they fit.
    if let Some((_, width)) = console::Term::stdout().size_checked() {
        table
            .set_content_arrangement(ContentArrangement::Dynamic)
            .set_width(width);
    }
    table.set_header(header.iter().copied());
    for row in rows {
        table.add_row(row.iter().map(|cell| printable(cell)));
    }
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
        .map(str::trim_end)
        .collect::<Vec<_>>()
        .join("\n")
}

#[cfg(test)]
mod tests {
    use console::measure_text_width;

    use super::table;

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
}
