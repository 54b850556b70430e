//! A sweep as one HTML page that needs nothing else: the figure, its numbers, and how to get it
//! again.

use stormglass_scenarios::sweep::Swept;
use stormglass_scenarios::sweep::facts::Measure;

use crate::page::escaped;
use crate::plot::{Plot, quantity, svg};

const STYLE: &str = "\
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, sans-serif; color: #1f2933; background: #f5f7fa; margin: 0; }
main { max-width: 1064px; margin: 0 auto; padding: 24px 16px 64px; }
figure { margin: 0; background: #fff; border: 1px solid #e4e7eb; border-radius: 6px; }
figure svg { display: block; width: 100%; height: auto; }
h2 { font-size: 17px; margin: 32px 0 8px; }
pre, code { font: 13px/1.5 ui-monospace, monospace; }
pre { background: #1f2933; color: #e4e7eb; padding: 12px 16px; border-radius: 6px; \
overflow-x: auto; }
.scroll { overflow-x: auto; background: #fff; border: 1px solid #e4e7eb; border-radius: 6px; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th, td { padding: 4px 12px; text-align: right; white-space: nowrap; }
th { color: #616e7c; font-weight: 600; border-bottom: 1px solid #e4e7eb; }
td { border-bottom: 1px solid #f0f2f5; font-variant-numeric: tabular-nums; }
th.at, td.at { text-align: left; }
p.quiet { color: #616e7c; font-size: 13px; }
";

/// What a page shows besides the figure.
#[derive(Clone, Copy, Debug)]
pub struct Page<'a> {
    /// The question, if it is a shipped figure's.
    pub asks: Option<&'a str>,
    /// The figure.
    pub plot: &'a Plot,
    /// The rows.
    pub swept: &'a Swept,
    /// What the table shows.
    pub measures: &'a [Measure],
    /// What is said besides, in plain text; may be empty.
    pub says: &'a str,
    /// How to get it again.
    pub command: &'a str,
}

/// The page.
pub fn html(page: &Page<'_>) -> String {
    let title = escaped(&page.plot.title);
    let asks = page.asks.map_or(String::new(), |asks| format!("<p>{}</p>\n", escaped(asks)));
    let says = match page.says {
        "" => String::new(),
        says => format!("<h2>Held against the formulas</h2>\n<pre>{}</pre>\n", escaped(says)),
    };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>{title}</title>\n\
         <style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n{asks}<figure>\n{}</figure>\n{says}\
         <h2>Numbers</h2>\n{}<p class=\"quiet\">Medians, in brackets the 5th and 95th percentile. \
         The same in points.csv, each run in runs.csv.</p>\n<h2>Again</h2>\n<pre>{}</pre>\n\
         </main>\n</body>\n</html>\n",
        svg(page.plot),
        table(page.swept, page.measures),
        escaped(page.command),
    )
}

fn table(swept: &Swept, measures: &[Measure]) -> String {
    let axes =
        swept.grid.axes.iter().map(|axis| format!("<th class=\"at\">{}", escaped(&axis.name)));
    let names = measures.iter().map(|measure| format!("<th>{}", escaped(measure.label())));
    let head: String = axes.chain(["<th>runs".to_string()]).chain(names).collect();
    let mut rows = String::new();
    for (cell, point) in swept.points.iter().enumerate() {
        let at = swept.grid.cell(cell).into_iter();
        let at = at.map(|point| format!("<td class=\"at\">{}", escaped(&point.label)));
        let runs = match point.failed() {
            0 => format!("<td>{}", point.runs.len()),
            failed => format!("<td>{}, {failed} did not hold", point.runs.len()),
        };
        let values = measures.iter().map(|measure| {
            let summary = point.summary(*measure);
            let of = |value| quantity(value, measure.unit());
            match summary.samples {
                0 => "<td>".to_string(),
                1 => format!("<td>{}", of(summary.p50)),
                _ => format!("<td>{} ({} to {})", of(summary.p50), of(summary.p5), of(summary.p95)),
            }
        });
        let cells: String = at.chain([runs]).chain(values).collect();
        rows += &format!("<tr>{cells}\n");
    }
    format!("<div class=\"scroll\"><table>\n<tr>{head}\n{rows}</table></div>\n")
}
