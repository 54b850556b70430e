//! Lines, bands, marks and bars.

use plotters::style::{Color, RGBAColor, WHITE};

use super::{At, Frame, Pen, Spec};
use crate::plot::{Dash, Hatch, Layer, Look, Mark};

/// The width of a line, and the size of a mark.
const STROKE: f64 = 2.2;
const MARK: f64 = 4.0;
/// Between the lines of a hatching.
const HATCH: f64 = 6.0;

impl Pen<'_> {
    pub(super) fn layer(&self, layer: &Layer, spec: &Spec<'_>, all: &[Layer]) {
        match layer {
            Layer::Line { points, look, .. } => {
                let path: Vec<At> = points.iter().map(|point| spec.at(*point)).collect();
                self.dashed(&path, STROKE, *look);
                path.iter().for_each(|at| self.mark(*at, *look));
            }
            Layer::Band { points, look } => {
                let low = points.iter().map(|(x, low, _)| spec.at((*x, *low)));
                let high = points.iter().rev().map(|(x, _, high)| spec.at((*x, *high)));
                let outline: Vec<At> = low.chain(high).collect();
                self.polygon(&outline, look.colour.rgb().mix(0.15));
            }
            Layer::Marks { points, look, .. } => {
                for (x, y, low, high) in points {
                    self.whisker(spec.at((*x, *low)), spec.at((*x, *high)), *look);
                    self.mark(spec.at((*x, *y)), *look);
                }
            }
            Layer::Bars { points, look, .. } => {
                let half = bar_width(all, spec) / 2.0;
                for (x, low, high) in points.iter().filter(|(_, low, high)| high > low) {
                    let ((x, bottom), (_, top)) = (spec.at((*x, *low)), spec.at((*x, *high)));
                    let bar = Frame { left: x - half, top, right: x + half, bottom };
                    self.block(bar, look.colour.rgb().to_rgba());
                    self.hatch(bar, look.hatch);
                }
            }
            Layer::Across { y, look, .. } => {
                let y = spec.y(*y);
                let path = [(spec.inner.left, y), (spec.inner.right, y)];
                self.dashed(&path, 1.6, *look);
            }
            // With their names, at last.
            Layer::Upright { .. } => {}
        }
    }

    /// A line, broken as it should be.
    pub(super) fn dashed(&self, path: &[At], width: f64, look: Look) {
        let colour = look.colour.rgb().to_rgba();
        let (on, off) = match look.dash {
            Dash::Solid => return self.line(path, width, colour),
            Dash::Long => (10.0, 5.0),
            Dash::Short => (5.0, 4.0),
            Dash::Dots => (2.0, 3.5),
        };
        pieces(path, on, off).iter().for_each(|piece| self.line(piece, width, colour));
    }

    /// A mark with a white rim, so that lines behind it do not blur it.
    pub(super) fn mark(&self, at: At, look: Look) {
        let colour = look.colour.rgb().to_rgba();
        let rim = WHITE.to_rgba();
        for (size, colour) in [(MARK + 1.2, rim), (MARK, colour)] {
            let around = |corners: &[At]| -> Vec<At> {
                corners.iter().map(|(x, y)| (at.0 + x * size, at.1 + y * size)).collect()
            };
            match look.mark {
                Mark::None => {}
                Mark::Circle => self.disc(at, size, colour),
                Mark::Square => {
                    let corner = 0.9;
                    let corners = [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)];
                    let corners = corners.map(|(x, y)| (x * corner, y * corner));
                    self.polygon(&around(&corners), colour);
                }
                Mark::Triangle => {
                    self.polygon(&around(&[(0.0, -1.2), (1.1, 0.8), (-1.1, 0.8)]), colour)
                }
                Mark::Diamond => {
                    let corners = [(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)];
                    self.polygon(&around(&corners), colour)
                }
            }
        }
    }

    fn whisker(&self, low: At, high: At, look: Look) {
        let colour = look.colour.rgb().to_rgba();
        self.line(&[low, high], 1.3, colour);
        for (x, y) in [low, high] {
            self.line(&[(x - 3.5, y), (x + 3.5, y)], 1.3, colour);
        }
    }

    fn hatch(&self, bar: Frame, hatch: Hatch) {
        let colour: RGBAColor = WHITE.mix(0.6);
        let kinds: &[Hatch] = match hatch {
            Hatch::Crossed => &[Hatch::Rising, Hatch::Falling],
            Hatch::Plain => &[],
            _ => std::slice::from_ref(&hatch),
        };
        for kind in kinds {
            hatching(bar, *kind).iter().for_each(|line| self.line(line, 1.1, colour));
        }
        // What lies on it is set off.
        self.line(&[(bar.left, bar.top), (bar.right, bar.top)], 1.0, WHITE.to_rgba());
    }
}

/// The width of all bars of a panel: nearly as wide as they are close.
fn bar_width(layers: &[Layer], spec: &Spec<'_>) -> f64 {
    let bars = layers.iter().filter_map(|layer| match layer {
        Layer::Bars { points, .. } => Some(points),
        _ => None,
    });
    let mut places: Vec<f64> = bars.flatten().map(|(x, ..)| spec.x(*x)).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    let apart = places.windows(2).map(|pair| pair[1] - pair[0]).fold(90.0, f64::min);
    apart * 0.72
}

/// A path as pieces that are drawn and gaps that are not.
fn pieces(path: &[At], on: f64, off: f64) -> Vec<Vec<At>> {
    let (mut pieces, mut piece) =
        (Vec::new(), path.first().copied().into_iter().collect::<Vec<_>>());
    let (mut drawing, mut left) = (true, on);
    for pair in path.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        loop {
            let (dx, dy) = (to.0 - from.0, to.1 - from.1);
            let long = libm::sqrt(dx * dx + dy * dy);
            if long <= left {
                left -= long;
                if drawing {
                    piece.push(to);
                }
                break;
            }
            from = (from.0 + dx / long * left, from.1 + dy / long * left);
            if drawing {
                piece.push(from);
                pieces.push(std::mem::take(&mut piece));
            } else {
                piece = vec![from];
            }
            drawing = !drawing;
            left = if drawing { on } else { off };
        }
    }
    if drawing {
        pieces.push(piece);
    }
    pieces.retain(|piece| piece.len() > 1);
    pieces
}

/// Lines over a rectangle.
fn hatching(bar: Frame, hatch: Hatch) -> Vec<[At; 2]> {
    let Frame { left, top, right, bottom } = bar;
    let (wide, tall) = (right - left, bottom - top);
    let mut lines = Vec::new();
    if hatch == Hatch::Level {
        let mut y = top + HATCH / 2.0;
        while y < bottom {
            lines.push([(left, y), (right, y)]);
            y += HATCH / 1.4;
        }
        return lines;
    }
    // Along `x + y = c` from the upper left corner, or the same seen in a mirror.
    let mut c = HATCH;
    while c < wide + tall {
        let (a, b) = ((c.min(wide), c - c.min(wide)), (c - c.min(tall), c.min(tall)));
        let place = |(x, y): At| match hatch {
            Hatch::Falling => (right - x, top + y),
            _ => (left + x, top + y),
        };
        lines.push([place(a), place(b)]);
        c += HATCH * 1.4;
    }
    lines
}
