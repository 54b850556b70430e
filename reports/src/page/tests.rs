use super::{Paint, Side, Style, Table, labelled, wrap};

#[test]
fn columns_are_aligned_and_lines_do_not_end_in_blanks() {
    let mut table = Table::new(&[("who", Side::Left), ("n", Side::Right), ("why", Side::Left)]);
    table.row(["worker-1", "7", "crash"].map(String::from));
    table.row(["store", "1,024", ""].map(String::from));
    let text = table.render(2, Paint::NONE);
    assert_eq!(text, "  who           n  why\n  worker-1      7  crash\n  store     1,024\n");
}

#[test]
fn colours_change_no_column() {
    let mut table = Table::new(&[("a", Side::Right), ("b", Side::Left)]);
    table.styled_row([("1".to_string(), Style::Red), ("long".to_string(), Style::Green)]);
    let colourful = table.render(0, Paint(true));
    let mut plain = colourful.replace("\x1b[0m", "");
    for code in ["\x1b[2m", "\x1b[1;31m", "\x1b[1;32m"] {
        assert!(plain.contains(code));
        plain = plain.replace(code, "");
    }
    assert_eq!(plain, table.render(0, Paint::NONE));
}

#[test]
fn text_is_broken_at_blanks_and_a_long_word_stays_whole() {
    assert_eq!(wrap("one two three", 7), ["one two", "three"]);
    assert_eq!(wrap("a verylongword b", 4), ["a", "verylongword", "b"]);
    assert_eq!(wrap("", 4), [""]);
}

#[test]
fn what_has_a_label_is_indented_to_its_right() {
    let text = "word ".repeat(30);
    let page = labelled("label", &text, 2, 8, Paint::NONE);
    let lines: Vec<&str> = page.lines().collect();
    assert!(lines[0].starts_with("  label   word"));
    assert!(lines[1].starts_with("          word"));
    assert!(lines.iter().all(|line| line.len() <= super::WIDTH));
}
