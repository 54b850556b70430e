//! What plotters draws on: a list of shapes, from back to front.
//!
//! plotters has whole numbers for coordinates; they are eighths of a pixel here, so that lines and
//! letters stand where they belong.

use std::convert::Infallible;

use plotters_backend::text_anchor::{HPos, VPos};
use plotters_backend::{
    BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind,
    FontStyle,
};

use super::font::{Face, Weight};

/// Steps of a coordinate in one pixel.
pub(super) const STEPS: f64 = 8.0;

/// A point in pixels.
pub(super) type At = (f32, f32);

/// A colour: red, green, blue, and how much it covers.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) struct Paint {
    pub(super) rgb: (u8, u8, u8),
    pub(super) alpha: f32,
}

/// What is drawn. Lengths are in pixels.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Shape {
    Fill {
        points: Vec<At>,
        paint: Paint,
    },
    Stroke {
        points: Vec<At>,
        width: f32,
        paint: Paint,
    },
    Disc {
        at: At,
        radius: f32,
        paint: Paint,
    },
    /// Its base line begins at `at`.
    Text {
        text: String,
        at: At,
        size: f32,
        weight: Weight,
        paint: Paint,
    },
}

/// A picture.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Picture {
    /// In pixels.
    pub(super) size: (u32, u32),
    pub(super) shapes: Vec<Shape>,
}

impl Picture {
    pub(super) fn new(size: (u32, u32)) -> Picture {
        Picture { size, shapes: Vec::new() }
    }
}

/// How wide a line of text is, in pixels.
pub(super) fn width(text: &str, size: f64, weight: Weight) -> f64 {
    f64::from(Face::of(weight).line(text).1) * size
}

/// A picture that plotters draws on.
pub(super) struct Canvas<'a>(pub(super) &'a mut Picture);

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

fn pixel((x, y): BackendCoord) -> At {
    ((f64::from(x) / STEPS) as f32, (f64::from(y) / STEPS) as f32)
}
fn pixels(length: u32) -> f32 {
    (f64::from(length) / STEPS) as f32
}
fn paint(colour: BackendColor) -> Paint {
    Paint { rgb: colour.rgb, alpha: colour.alpha as f32 }
}
fn weight(style: FontStyle) -> Weight {
    if matches!(style, FontStyle::Bold) { Weight::Bold } else { Weight::Regular }
}

impl Canvas<'_> {
    fn shape(&mut self, shape: Shape) -> Drawn {
        self.0.shapes.push(shape);
        Ok(())
    }
}

impl DrawingBackend for Canvas<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        let (width, height) = self.0.size;
        (width * STEPS as u32, height * STEPS as u32)
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, at: BackendCoord, colour: BackendColor) -> Drawn {
        self.draw_rect(at, (at.0 + 1, at.1 + 1), &colour, true)
    }

    fn draw_line<S: BackendStyle>(
        &mut self,
        from: BackendCoord,
        to: BackendCoord,
        style: &S,
    ) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(
        &mut self,
        (left, top): BackendCoord,
        (right, bottom): BackendCoord,
        style: &S,
        fill: bool,
    ) -> Drawn {
        let corners = [(left, top), (right, top), (right, bottom), (left, bottom)];
        match fill {
            true => self.fill_polygon(corners, style),
            false => self.draw_path(corners.into_iter().chain([(left, top)]), style),
        }
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        path: I,
        style: &S,
    ) -> Drawn {
        let points = path.into_iter().map(pixel).collect();
        let (width, paint) = (pixels(style.stroke_width()), paint(style.color()));
        self.shape(Shape::Stroke { points, width, paint })
    }

    fn draw_circle<S: BackendStyle>(
        &mut self,
        centre: BackendCoord,
        radius: u32,
        style: &S,
        _fill: bool,
    ) -> Drawn {
        let (at, radius, paint) = (pixel(centre), pixels(radius), paint(style.color()));
        self.shape(Shape::Disc { at, radius, paint })
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(
        &mut self,
        corners: I,
        style: &S,
    ) -> Drawn {
        let (points, paint) = (corners.into_iter().map(pixel).collect(), paint(style.color()));
        self.shape(Shape::Fill { points, paint })
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, at: BackendCoord) -> Drawn {
        let (size, weight) = (style.size() / STEPS, weight(style.style()));
        let (x, y) = pixel(at);
        let long = width(text, size, weight);
        let before = match style.anchor().h_pos {
            HPos::Left => 0.0,
            HPos::Center => long / 2.0,
            HPos::Right => long,
        };
        // Of an em: how far capitals rise above the base line, and letters hang below it.
        let below = match style.anchor().v_pos {
            VPos::Top => 0.73,
            VPos::Center => 0.365,
            VPos::Bottom => -0.22,
        };
        let at = (x - before as f32, y + (below * size) as f32);
        let (text, paint) = (text.to_string(), paint(style.color()));
        self.shape(Shape::Text { text, at, size: size as f32, weight, paint })
    }

    fn estimate_text_size<T: BackendTextStyle>(
        &self,
        text: &str,
        style: &T,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let size = style.size();
        Ok((width(text, size, weight(style.style())) as u32, size as u32))
    }
}
