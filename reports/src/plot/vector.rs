//! Shapes as SVG.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::canvas::{At, Paint, Picture, Shape};
use super::font::{Face, Piece, Weight};
use crate::page::escaped;

/// A picture as SVG; its title is told to whoever cannot see it.
pub(super) fn svg(picture: &Picture, title: &str) -> String {
    let (width, height) = picture.size;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
         viewBox=\"0 0 {width} {height}\" role=\"img\">\n<title>{}</title>\n<defs>\n",
        escaped(title)
    );
    let mut used: BTreeSet<(Weight, u16)> = BTreeSet::new();
    let mut body = String::new();
    for shape in &picture.shapes {
        one(&mut body, shape, &mut used);
    }
    for (weight, glyph) in used {
        let outline = outline(&Face::of(weight), glyph);
        if !outline.is_empty() {
            let _ = writeln!(out, "<path id=\"{}\" d=\"{outline}\"/>", name(weight, glyph));
        }
    }
    out + "</defs>\n" + &body + "</svg>\n"
}

fn name(weight: Weight, glyph: u16) -> String {
    let weight = if weight == Weight::Bold { 'b' } else { 'r' };
    format!("{weight}{glyph}")
}

/// A number with at most three digits after the point.
fn number(value: f32) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    if text == "-0" { "0".to_string() } else { text.to_string() }
}

fn colour(paint: Paint, what: &str) -> String {
    let (red, green, blue) = paint.rgb;
    let alpha = match paint.alpha {
        alpha if alpha >= 1.0 => String::new(),
        alpha => format!(" {what}-opacity=\"{}\"", number(alpha)),
    };
    format!("{what}=\"#{red:02x}{green:02x}{blue:02x}\"{alpha}")
}

fn points(points: &[At]) -> String {
    let all = points.iter().map(|(x, y)| format!("{} {}", number(*x), number(*y)));
    all.collect::<Vec<_>>().join("L")
}

fn one(out: &mut String, shape: &Shape, used: &mut BTreeSet<(Weight, u16)>) {
    let _ = match shape {
        Shape::Fill { points: of, paint } => {
            writeln!(out, "<path d=\"M{}Z\" {}/>", points(of), colour(*paint, "fill"))
        }
        Shape::Stroke { points: of, width, paint } => writeln!(
            out,
            "<path d=\"M{}\" fill=\"none\" {} stroke-width=\"{}\" stroke-linejoin=\"round\"/>",
            points(of),
            colour(*paint, "stroke"),
            number(*width)
        ),
        Shape::Disc { at, radius, paint } => writeln!(
            out,
            "<circle cx=\"{}\" cy=\"{}\" r=\"{}\" {}/>",
            number(at.0),
            number(at.1),
            number(*radius),
            colour(*paint, "fill")
        ),
        Shape::Text { text, at, size, weight, paint } => {
            let face = Face::of(*weight);
            let _ = write!(
                out,
                "<g aria-label=\"{}\" transform=\"translate({} {}) scale({})\" {}>",
                escaped(text),
                number(at.0),
                number(at.1),
                format_args!("{:.6}", size / face.em),
                colour(*paint, "fill")
            );
            for placed in face.line(text).0 {
                let glyph = placed.glyph.0;
                used.insert((*weight, glyph));
                if !face.outline(placed.glyph).is_empty() {
                    let x = number(placed.x * face.em);
                    let _ = write!(out, "<use href=\"#{}\" x=\"{x}\"/>", name(*weight, glyph));
                }
            }
            writeln!(out, "</g>")
        }
    };
}

/// The outline of a glyph as the data of a path, y downwards.
fn outline(face: &Face, glyph: u16) -> String {
    let mut out = String::new();
    for piece in face.outline(ab_glyph::GlyphId(glyph)) {
        let (letter, points) = match piece {
            Piece::Move(a) => ('M', vec![a]),
            Piece::Line(a) => ('L', vec![a]),
            Piece::Quad(a, b) => ('Q', vec![a, b]),
            Piece::Cubic(a, b, c) => ('C', vec![a, b, c]),
        };
        out.push(letter);
        let points = points.iter().map(|point| format!("{} {}", number(point.x), number(-point.y)));
        out.push_str(&points.collect::<Vec<_>>().join(" "));
    }
    out
}
