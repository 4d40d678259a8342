//! Plain text: tables with columns as wide as their widest cell, numbers to the right; counted nouns.

/// A table in the making.
#[derive(Debug, Default)]
pub struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these headings.
    pub fn new(headings: &[&str]) -> Self {
        let mut table = Table::default();
        table.row(headings.iter().map(|heading| (*heading).to_owned()));
        table
    }

    /// Adds a row.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.rows.push(cells.into_iter().collect());
    }

    /// The table as lines of text, the headings underlined.
    pub fn render(&self) -> String {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for (number, row) in self.rows.iter().enumerate() {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                let pad = " ".repeat(width - cell.chars().count());
                let is_number = number > 0
                    && cell.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '+');
                let cell = if is_number {
                    pad + cell
                } else {
                    cell.clone() + &pad
                };
                line.push_str(&cell);
                line.push_str("  ");
            }
            text.push_str(line.trim_end());
            text.push('\n');
            if number == 0 {
                text.push_str(
                    &"-".repeat(widths.iter().sum::<usize>() + 2 * columns.saturating_sub(1)),
                );
                text.push('\n');
            }
        }
        text
    }
}

/// "1 fault", "2 faults".
pub fn counted(count: usize, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}
