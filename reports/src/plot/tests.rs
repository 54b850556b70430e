use stormglass_scenarios::sweep::grid::Unit;

use super::font::{Face, Weight};
use super::*;

fn plot() -> Plot {
    let points: Vec<(f64, f64)> = (0..6).map(|n| (f64::from(1 << n), f64::from(n))).collect();
    let line = |number: usize| Layer::Line {
        points: points.iter().map(|(x, y)| (*x, y * (1.0 + number as f64 / 50.0))).collect(),
        look: Look::of(number),
        label: format!("series {number} & <co>"),
    };
    let mut layers = vec![
        Layer::Band {
            points: points.iter().map(|(x, y)| (*x, y * 0.8, y * 1.3)).collect(),
            look: Look::of(0),
        },
        Layer::Bars {
            points: points.iter().map(|(x, y)| (*x, 0.0, y / 2.0)).collect(),
            look: Look::of(4),
            label: "bars".to_string(),
        },
    ];
    layers.extend((0..4).map(line));
    layers.push(Layer::Marks {
        points: points.iter().map(|(x, y)| (*x, *y, y - 0.5, y + 0.5)).collect(),
        look: Look::of(5),
        label: "marks".to_string(),
    });
    for (x, label) in [(4.0, "Young 4 s"), (4.1, "Daly 4.1 s"), (5.0, "exact 5 s")] {
        let (look, label) = (Look::line(Colour::Ink, Dash::Dots), label.to_string());
        layers.push(Layer::Upright { x, look, label });
    }
    let x = Axis::around("interval", Unit::Seconds, true, points.iter().map(|point| point.0));
    let heights = layers.iter().flat_map(Layer::heights).collect::<Vec<_>>();
    let y = Axis::around("outage", Unit::Seconds, false, heights.into_iter());
    Plot {
        title: "A title that is long enough to be broken into two lines, which it has to be, for \
                it goes on and on"
            .to_string(),
        subtitle: "made up".to_string(),
        legend: (0..8).map(|n| (Look::of(n), format!("a line of the name {n}"))).collect(),
        panels: vec![Panel { title: "one".to_string(), x, y, layers }],
        columns: 1,
        notes: vec!["stormglass sweep".to_string()],
    }
}

#[test]
fn the_same_plot_gives_the_same_bytes() {
    assert_eq!(svg(&plot()), svg(&plot()));
    assert_eq!(png(&plot()), png(&plot()));
}

#[test]
fn svg_has_no_font_and_tells_its_title() {
    let svg = svg(&plot());
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert!(svg.contains("<title>A title that is long enough"));
    assert!(!svg.contains("<text") && !svg.contains("font-family"));
    assert!(svg.contains("aria-label=\"series 0 &amp; &lt;co&gt;\""));
    // Nothing is left open.
    for tag in ["svg", "g", "defs", "title"] {
        let (open, close) = (format!("<{tag}"), format!("</{tag}>"));
        assert_eq!(
            svg.matches(&format!("{open} ")).count() + svg.matches(&format!("{open}>")).count(),
            svg.matches(&close).count(),
            "{tag}"
        );
    }
}

#[test]
fn png_is_of_the_size_that_it_says() {
    let png = png(&plot());
    assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes(png[at..at + 4].try_into().unwrap());
    assert_eq!(number(16), 2_000);
    assert!(number(20) > 800, "{}", number(20));
    let length = number(33) as usize;
    assert_eq!(&png[37..41], b"IDAT");
    let data = miniz_oxide::inflate::decompress_to_vec_zlib(&png[41..41 + length]).unwrap();
    assert_eq!(data.len(), (2_000 * 3 + 1) * number(20) as usize);
    assert!(png.ends_with(&[0xae, 0x42, 0x60, 0x82]));
}

/// Whatever figures say has a glyph: letters, digits and signs.
#[test]
fn the_fonts_have_what_is_written() {
    for weight in [Weight::Regular, Weight::Bold] {
        let face = Face::of(weight);
        for c in (' '..='~').chain("\u{2212}\u{2013}\u{b7}\u{b1}\u{d7}\u{b5}\u{2264}".chars()) {
            assert!(face.has(c), "{c:?} in {weight:?}");
        }
    }
}

/// No two labels of a picture overlap, and none leaves it.
#[test]
fn labels_stand_apart() {
    let picture = draw::draw(&plot());
    let boxes: Vec<(String, f32, f32, f32, f32)> = picture
        .shapes
        .iter()
        .filter_map(|shape| match shape {
            canvas::Shape::Text { text, at, size, weight, .. } => {
                let wide = canvas::width(text, f64::from(*size), *weight) as f32;
                let (left, base) = *at;
                Some((text.clone(), left, base - size * 0.75, left + wide, base + size * 0.2))
            }
            _ => None,
        })
        .collect();
    assert!(boxes.len() > 20);
    let (width, height) = (picture.size.0 as f32, picture.size.1 as f32);
    for (at, (text, left, top, right, bottom)) in boxes.iter().enumerate() {
        assert!(*left >= 0.0 && *right <= width && *top >= 0.0 && *bottom <= height, "{text}");
        for (other, l, t, r, b) in &boxes[at + 1..] {
            let apart = right <= l || r <= left || bottom <= t || b <= top;
            assert!(apart, "`{text}` touches `{other}`");
        }
    }
}
