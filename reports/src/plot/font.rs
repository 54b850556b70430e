//! Two weights of DejaVu Sans, compiled in; see `reports/fonts/LICENSE`.

use ab_glyph::{Font, FontRef, GlyphId, OutlineCurve, Point};

/// A weight.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Weight {
    Regular,
    Bold,
}

/// A font of one weight.
pub(super) struct Face {
    font: FontRef<'static>,
    /// Units of its outlines in one em.
    pub(super) em: f32,
}

/// A glyph of a line of text: which, and where its origin is, in ems from the start.
pub(super) struct Placed {
    pub(super) glyph: GlyphId,
    pub(super) x: f32,
}

/// A piece of an outline, in units of the font with y upwards.
pub(super) enum Piece {
    Move(Point),
    Line(Point),
    Quad(Point, Point),
    Cubic(Point, Point, Point),
}

impl Face {
    pub(super) fn of(weight: Weight) -> Face {
        let bytes: &'static [u8] = match weight {
            Weight::Regular => include_bytes!("../../fonts/DejaVuSans.ttf"),
            Weight::Bold => include_bytes!("../../fonts/DejaVuSans-Bold.ttf"),
        };
        let font = FontRef::try_from_slice(bytes).expect("the font is well formed");
        let em = font.units_per_em().expect("the font has units");
        Face { font, em }
    }

    /// A line of text, glyph by glyph, and its width, in ems.
    pub(super) fn line(&self, text: &str) -> (Vec<Placed>, f32) {
        let (mut glyphs, mut x, mut before) = (Vec::new(), 0.0, None);
        for c in text.chars() {
            let glyph = self.font.glyph_id(c);
            if let Some(before) = before {
                x += self.font.kern_unscaled(before, glyph);
            }
            glyphs.push(Placed { glyph, x: x / self.em });
            x += self.font.h_advance_unscaled(glyph);
            before = Some(glyph);
        }
        (glyphs, x / self.em)
    }

    /// The outline of a glyph; empty for a space.
    pub(super) fn outline(&self, glyph: GlyphId) -> Vec<Piece> {
        let (mut pieces, mut at) = (Vec::new(), None);
        for curve in self.font.outline(glyph).map(|outline| outline.curves).unwrap_or_default() {
            let (from, to, piece) = match curve {
                OutlineCurve::Line(a, b) => (a, b, Piece::Line(b)),
                OutlineCurve::Quad(a, b, c) => (a, c, Piece::Quad(b, c)),
                OutlineCurve::Cubic(a, b, c, d) => (a, d, Piece::Cubic(b, c, d)),
            };
            if at != Some(from) {
                pieces.push(Piece::Move(from));
            }
            pieces.push(piece);
            at = Some(to);
        }
        pieces
    }

    /// Whether it has a glyph for a character.
    #[cfg(test)]
    pub(super) fn has(&self, c: char) -> bool {
        self.font.glyph_id(c).0 != 0
    }
}
