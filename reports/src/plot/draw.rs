//! Where everything of a plot goes.

use std::convert::Infallible;

use plotters::coord::CoordTranslate;
use plotters::coord::types::RangedCoordf64;
use plotters::coord::{Shift, cartesian::Cartesian2d};
use plotters::element::{Circle, PathElement, Polygon, Rectangle};
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use super::canvas::{Canvas, Picture, STEPS, width};
use super::font::Weight;
use super::scale::{position, ticks};
use super::{Axis, Colour, Panel, Plot};

mod labels;
mod layers;

/// Sizes in pixels.
const WIDTH: f64 = 1_000.0;
const MARGIN: f64 = 32.0;
/// Between panels side by side.
const GAP: f64 = 28.0;
const TITLE: f64 = 19.0;
const SUBTITLE: f64 = 12.5;
const LABEL: f64 = 11.0;
const NOTE: f64 = 9.5;
/// Lines of labels are this far apart.
const LINE: f64 = 15.0;

const GRID: RGBColor = RGBColor(230, 234, 239);
const AXIS: RGBColor = RGBColor(123, 135, 148);

/// A place in pixels.
type At = (f64, f64);

/// A rectangle in pixels.
#[derive(Clone, Copy)]
struct Frame {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

/// What draws.
struct Pen<'a> {
    area: DrawingArea<Canvas<'a>, Shift>,
}

/// The picture of a plot.
pub(super) fn draw(plot: &Plot) -> Picture {
    let wide = WIDTH - 2.0 * MARGIN;
    let title = wrap(&plot.title, TITLE, Weight::Bold, wide);
    let subtitle = wrap(&plot.subtitle, SUBTITLE, Weight::Regular, wide);
    let wrapped = |note: &String| wrap(note, NOTE, Weight::Regular, wide);
    let notes: Vec<String> = plot.notes.iter().flat_map(wrapped).collect();
    let columns = plot.columns.max(1);
    let rows = plot.panels.len().div_ceil(columns);
    let tall = match (columns, rows) {
        (1, 1) => 430.0,
        (1, _) => 290.0,
        (_, 1) => 390.0,
        _ => 320.0,
    };
    let keys = labels::legend(&plot.legend, MARGIN, MARGIN + wide);
    let key_rows = keys.last().map_or(0, |(row, _)| row + 1);
    let above = 24.0 + title.len() as f64 * 25.0 + subtitle.len() as f64 * 18.0;
    let head = above + key_rows as f64 * labels::KEY_LINE + 14.0;
    let foot = notes.len() as f64 * 14.0 + 26.0;
    let height = head + rows as f64 * tall + foot;

    let mut picture = Picture::new((WIDTH as u32, height as u32));
    let pen = Pen { area: Canvas(&mut picture).into_drawing_area() };
    pen.done(pen.area.fill(&WHITE));
    let mut y = 24.0;
    for line in &title {
        pen.text(
            line,
            (MARGIN, y),
            TITLE,
            Weight::Bold,
            Colour::Ink.dark(),
            (HPos::Left, VPos::Top),
        );
        y += 25.0;
    }
    for line in &subtitle {
        let (at, colour) = ((MARGIN, y), Colour::Muted.dark());
        pen.text(line, at, SUBTITLE, Weight::Regular, colour, (HPos::Left, VPos::Top));
        y += 18.0;
    }
    for ((row, x), (look, label)) in keys.iter().zip(&plot.legend) {
        pen.key((*x, above + 14.0 + *row as f64 * labels::KEY_LINE), *look, label);
    }
    let each = (wide - GAP * (columns - 1) as f64) / columns as f64;
    for (number, panel) in plot.panels.iter().enumerate() {
        let (row, column) = (number / columns, number % columns);
        let left = MARGIN + column as f64 * (each + GAP);
        let top = head + row as f64 * tall;
        pen.panel(panel, Frame { left, top, right: left + each, bottom: top + tall - 18.0 });
    }
    let mut y = height - foot + 6.0;
    for line in &notes {
        let (at, colour) = ((MARGIN, y), Colour::Muted.dark());
        pen.text(line, at, NOTE, Weight::Regular, colour, (HPos::Left, VPos::Top));
        y += 14.0;
    }
    drop(pen);
    picture
}

/// Breaks a text into lines no wider than so many pixels.
fn wrap(text: &str, size: f64, weight: Weight, most: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ').filter(|word| !word.is_empty()) {
        match lines.last_mut() {
            Some(line) if width(&format!("{line} {word}"), size, weight) <= most => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_string()),
        }
    }
    lines
}

impl Colour {
    const fn rgb(self) -> RGBColor {
        match self {
            Colour::Blue => RGBColor(0, 114, 178),
            Colour::Vermillion => RGBColor(213, 94, 0),
            Colour::Green => RGBColor(0, 158, 115),
            Colour::Purple => RGBColor(204, 121, 167),
            Colour::Orange => RGBColor(230, 159, 0),
            Colour::Sky => RGBColor(86, 180, 233),
            Colour::Ink => RGBColor(31, 41, 51),
            Colour::Muted => RGBColor(123, 135, 148),
        }
    }
    /// For text: dark enough on white.
    const fn dark(self) -> RGBColor {
        match self {
            Colour::Blue => RGBColor(0, 90, 145),
            Colour::Vermillion => RGBColor(170, 72, 0),
            Colour::Green => RGBColor(0, 115, 84),
            Colour::Purple => RGBColor(150, 70, 115),
            Colour::Orange => RGBColor(150, 100, 0),
            Colour::Sky => RGBColor(30, 110, 160),
            Colour::Ink => RGBColor(31, 41, 51),
            Colour::Muted => RGBColor(97, 110, 124),
        }
    }
}

fn steps(length: f64) -> i32 {
    libm::round(length * STEPS) as i32
}
fn spot((x, y): At) -> (i32, i32) {
    (steps(x), steps(y))
}

impl Pen<'_> {
    /// Drawing on a list never fails.
    fn done(&self, drawn: Result<(), DrawingAreaErrorKind<Infallible>>) {
        drawn.expect("shapes are put on a list");
    }

    fn text(
        &self,
        text: &str,
        at: At,
        size: f64,
        weight: Weight,
        colour: RGBColor,
        (h, v): (HPos, VPos),
    ) {
        let style = if weight == Weight::Bold { FontStyle::Bold } else { FontStyle::Normal };
        let font = ("sans-serif", size * STEPS).into_font().style(style);
        let style = TextStyle::from(font).color(&colour).pos(Pos::new(h, v));
        self.done(self.area.draw_text(text, &style, spot(at)));
    }

    fn line(&self, points: &[At], width: f64, colour: RGBAColor) {
        let style = colour.stroke_width(steps(width) as u32);
        let points: Vec<(i32, i32)> = points.iter().map(|at| spot(*at)).collect();
        if points.len() > 1 {
            self.done(self.area.draw(&PathElement::new(points, style)));
        }
    }

    fn polygon(&self, points: &[At], colour: RGBAColor) {
        let points: Vec<(i32, i32)> = points.iter().map(|at| spot(*at)).collect();
        self.done(self.area.draw(&Polygon::new(points, colour.filled())));
    }

    fn disc(&self, at: At, radius: f64, colour: RGBAColor) {
        self.done(self.area.draw(&Circle::new(spot(at), steps(radius), colour.filled())));
    }

    fn block(&self, frame: Frame, colour: RGBAColor) {
        let corners = [spot((frame.left, frame.top)), spot((frame.right, frame.bottom))];
        self.done(self.area.draw(&Rectangle::new(corners, colour.filled())));
    }

    fn panel(&self, panel: &Panel, frame: Frame) {
        let mut top = frame.top;
        if !panel.title.is_empty() {
            let (at, colour) = ((frame.left, top), Colour::Ink.dark());
            self.text(&panel.title, at, SUBTITLE, Weight::Bold, colour, (HPos::Left, VPos::Top));
            top += 21.0;
        }
        let muted = Colour::Muted.dark();
        let at = (frame.left, top);
        self.text(&panel.y.label, at, LABEL, Weight::Regular, muted, (HPos::Left, VPos::Top));
        top += 20.0;
        let up = ticks(&panel.y, ((frame.bottom - top) / 42.0) as usize);
        let widths = up.iter().map(|tick| width(&tick.label, LABEL, Weight::Regular));
        let left = frame.left + widths.fold(0.0, f64::max) + 10.0;
        let right = frame.right - labels::room(panel);
        let uprights = labels::uprights(panel, left, right);
        top += uprights.rows as f64 * LINE + 4.0;
        let inner = Frame { left, top, right, bottom: frame.bottom - 40.0 };
        let spec = Spec::new(panel, inner);
        let along = ticks(&panel.x, ((right - left) / 74.0) as usize);
        for tick in up.iter().filter(|tick| !tick.label.is_empty()) {
            let y = spec.y(tick.at);
            self.line(&[(left, y), (right, y)], 1.0, GRID.to_rgba());
            let (at, anchor) = ((left - 7.0, y), (HPos::Right, VPos::Center));
            self.text(&tick.label, at, LABEL, Weight::Regular, muted, anchor);
        }
        for tick in &along {
            let x = spec.x(tick.at);
            if !tick.label.is_empty() {
                self.line(&[(x, top), (x, inner.bottom)], 1.0, GRID.to_rgba());
            }
        }
        for layer in &panel.layers {
            self.layer(layer, &spec, &panel.layers);
        }
        self.line(&[(left, inner.bottom), (right, inner.bottom)], 1.2, AXIS.to_rgba());
        for tick in &along {
            let (x, long) = (spec.x(tick.at), if tick.label.is_empty() { 3.0 } else { 5.0 });
            self.line(&[(x, inner.bottom), (x, inner.bottom + long)], 1.0, AXIS.to_rgba());
            let (at, anchor) = ((x, inner.bottom + 9.0), (HPos::Center, VPos::Top));
            self.text(&tick.label, at, LABEL, Weight::Regular, muted, anchor);
        }
        let at = ((left + right) / 2.0, inner.bottom + 26.0);
        self.text(&panel.x.label, at, LABEL, Weight::Regular, muted, (HPos::Center, VPos::Top));
        self.uprights(&uprights, &spec);
        self.beside(panel, &spec);
    }
}

/// From values to pixels, by plotters' coordinates.
struct Spec<'a> {
    x: &'a Axis,
    y: &'a Axis,
    inner: Frame,
    plane: Cartesian2d<RangedCoordf64, RangedCoordf64>,
}

impl<'a> Spec<'a> {
    fn new(panel: &'a Panel, inner: Frame) -> Spec<'a> {
        let (x, y) = (&panel.x, &panel.y);
        let range = |axis: &Axis| position(axis, axis.from)..position(axis, axis.to);
        let across = steps(inner.left)..steps(inner.right);
        let up = steps(inner.bottom)..steps(inner.top);
        let plane = Cartesian2d::new(range(x), range(y), (across, up));
        Spec { x, y, inner, plane }
    }

    /// The place of a point.
    fn at(&self, (x, y): (f64, f64)) -> At {
        let (x, y) = self.plane.translate(&(position(self.x, x), position(self.y, y)));
        (f64::from(x) / STEPS, f64::from(y) / STEPS)
    }
    fn x(&self, x: f64) -> f64 {
        self.at((x, self.y.from)).0
    }
    fn y(&self, y: f64) -> f64 {
        self.at((self.x.from, y)).1
    }
}
