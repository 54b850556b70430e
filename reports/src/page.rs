//! Pages of text: colours, tables and line breaks. No line is wider than [`WIDTH`] columns, where
//! words allow it.

use std::io::IsTerminal;

#[cfg(test)]
mod tests;

/// Columns of a page.
pub const WIDTH: usize = 100;

/// Colours, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint(bool);

/// What a text looks like on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Style {
    /// As it is.
    #[default]
    Plain,
    /// Headings.
    Bold,
    /// What may be passed over.
    Dim,
    /// Good.
    Green,
    /// Bad.
    Red,
    /// Neither.
    Yellow,
}

impl Paint {
    /// No colours.
    pub const NONE: Paint = Paint(false);

    /// Colours if standard output is a terminal and nobody objects (`NO_COLOR`, `TERM=dumb`).
    pub fn of_stdout() -> Paint {
        let objects = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
        let dumb = std::env::var_os("TERM").is_some_and(|term| term == "dumb");
        Paint(std::io::stdout().is_terminal() && !objects && !dumb)
    }

    /// A text in a style.
    pub fn text(self, style: Style, text: &str) -> String {
        let code = match style {
            Style::Plain => return text.to_string(),
            Style::Bold => "1",
            Style::Dim => "2",
            Style::Green => "1;32",
            Style::Red => "1;31",
            Style::Yellow => "33",
        };
        match self.0 {
            true => format!("\x1b[{code}m{text}\x1b[0m"),
            false => text.to_string(),
        }
    }
}

/// On which side the cells of a column stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// A table with a heading, aligned.
#[derive(Clone, Debug)]
pub struct Table {
    columns: Vec<(String, Side)>,
    rows: Vec<Vec<(String, Style)>>,
}

impl Table {
    /// A table with these columns.
    pub fn new(columns: &[(&str, Side)]) -> Table {
        let columns = columns.iter().map(|(name, side)| (name.to_string(), *side)).collect();
        Table { columns, rows: Vec::new() }
    }

    /// Adds a row of plain cells.
    pub fn row(&mut self, cells: impl IntoIterator<Item = String>) {
        self.styled_row(cells.into_iter().map(|cell| (cell, Style::Plain)));
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If it has more or fewer cells than there are columns.
    pub fn styled_row(&mut self, cells: impl IntoIterator<Item = (String, Style)>) {
        let row: Vec<(String, Style)> = cells.into_iter().collect();
        assert_eq!(row.len(), self.columns.len(), "a cell for each column");
        self.rows.push(row);
    }

    /// The table, indented, its heading dim.
    pub fn render(&self, indent: usize, paint: Paint) -> String {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| columns(&row[column].0));
            cells.chain([columns(&self.columns[column].0)]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.columns.len()).map(width).collect();
        let heading = self.columns.iter().map(|(name, _)| (name.clone(), Style::Dim)).collect();
        let mut out = String::new();
        for row in std::iter::once(&heading).chain(&self.rows) {
            let mut line = " ".repeat(indent);
            let mut blank = 0;
            for ((cell, (_, side)), width) in row.iter().zip(&self.columns).zip(&widths) {
                let pad = width - columns(&cell.0);
                let (before, after) = if *side == Side::Left { (0, pad) } else { (pad, 0) };
                if !cell.0.is_empty() {
                    line.push_str(&" ".repeat(blank + before));
                    line.push_str(&paint.text(cell.1, &cell.0));
                    blank = after + 2;
                } else {
                    blank += width + 2;
                }
            }
            out.push_str(&line);
            out.push('\n');
        }
        out
    }
}

/// Text that may stand between tags and in attributes, of HTML, SVG and XML. Characters that XML
/// cannot hold are left out.
pub fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c if c.is_control() && c != '\n' || "\u{fffe}\u{ffff}".contains(c) => {}
            c => out.push(c),
        }
    }
    out
}

/// Columns that a text takes: its characters, of which none here is wider than one.
pub fn columns(text: &str) -> usize {
    text.chars().count()
}

/// Breaks a text into lines of at most `width` columns, at blanks.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is always a line");
        if line.is_empty() {
            line.push_str(word);
        } else if columns(line) + 1 + columns(word) <= width {
            line.push(' ');
            line.push_str(word);
        } else {
            lines.push(word.to_string());
        }
    }
    lines
}

/// A text below a label: `label` stands in the first line, the rest is indented to its right.
pub fn labelled(
    label: &str,
    text: &str,
    indent: usize,
    label_width: usize,
    paint: Paint,
) -> String {
    let left = indent + label_width;
    let mut out = String::new();
    for (number, line) in wrap(text, WIDTH - left).into_iter().enumerate() {
        let label = if number == 0 { label } else { "" };
        let pad = " ".repeat(label_width.saturating_sub(columns(label)));
        let label = if label.is_empty() { String::new() } else { paint.text(Style::Dim, label) };
        out.push_str(&format!("{}{label}{pad}{line}\n", " ".repeat(indent)));
    }
    out
}
