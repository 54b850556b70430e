//! Shapes as PNG: coverage by the exact area (ab_glyph's rasterizer), colours laid one over the
//! other, and a file of the plainest kind.

use ab_glyph_rasterizer::{Point, Rasterizer, point};

use super::canvas::{At, Paint, Picture, Shape};
use super::font::{Face, Piece, Weight};

/// Pixels of the file for one of the picture.
const SCALE: f32 = 2.0;
/// How hard zlib tries, of 10.
const EFFORT: u8 = 6;

/// A picture as PNG.
pub(super) fn png(picture: &Picture) -> Vec<u8> {
    let (width, height) = picture.size;
    let (width, height) = ((width as f32 * SCALE) as usize, (height as f32 * SCALE) as usize);
    let mut page = Page { width, height, rgb: vec![255; width * height * 3] };
    for shape in &picture.shapes {
        page.shape(shape);
    }
    encode(&page)
}

struct Page {
    width: usize,
    height: usize,
    rgb: Vec<u8>,
}

/// Closed outlines that are filled together.
#[derive(Default)]
struct Area {
    lines: Vec<(Point, Point)>,
}

impl Area {
    /// A polygon. Those of one area are turned the same way, so that what they share counts once.
    fn polygon(&mut self, points: &[Point]) {
        let pairs = || points.iter().zip(points.iter().cycle().skip(1));
        let turn: f32 = pairs().map(|(a, b)| a.x * b.y - b.x * a.y).sum();
        match turn >= 0.0 {
            true => self.lines.extend(pairs().map(|(a, b)| (*a, *b))),
            false => self.lines.extend(pairs().map(|(a, b)| (*b, *a))),
        }
    }

    fn disc(&mut self, at: Point, radius: f32) {
        const CORNERS: usize = 32;
        let corner = |number: usize| {
            let angle = number as f32 / CORNERS as f32 * 2.0 * core::f32::consts::PI;
            point(at.x + radius * libm::cosf(angle), at.y + radius * libm::sinf(angle))
        };
        self.polygon(&(0..CORNERS).map(corner).collect::<Vec<_>>());
    }

    fn stroke(&mut self, points: &[Point], width: f32) {
        let half = width / 2.0;
        for pair in points.windows(2) {
            let (a, b) = (pair[0], pair[1]);
            let (dx, dy) = (b.x - a.x, b.y - a.y);
            let long = libm::sqrtf(dx * dx + dy * dy);
            if long > 0.0 {
                let (x, y) = (-dy / long * half, dx / long * half);
                let corners = [(a, 1.0), (b, 1.0), (b, -1.0), (a, -1.0)];
                self.polygon(&corners.map(|(p, side)| point(p.x + x * side, p.y + y * side)));
            }
        }
        // Round joints; thin lines need none.
        if width > 2.0 {
            for joint in points.iter().skip(1).take(points.len().saturating_sub(2)) {
                self.disc(*joint, half);
            }
        }
    }
}

impl Page {
    fn shape(&mut self, shape: &Shape) {
        let scaled = |points: &[At]| -> Vec<Point> {
            points.iter().map(|(x, y)| point(x * SCALE, y * SCALE)).collect()
        };
        let mut area = Area::default();
        match shape {
            Shape::Fill { points, paint } => {
                area.polygon(&scaled(points));
                self.fill(&area, *paint);
            }
            Shape::Stroke { points, width, paint } => {
                area.stroke(&scaled(points), width * SCALE);
                self.fill(&area, *paint);
            }
            Shape::Disc { at, radius, paint } => {
                area.disc(point(at.0 * SCALE, at.1 * SCALE), radius * SCALE);
                self.fill(&area, *paint);
            }
            Shape::Text { text, at, size, weight, paint } => {
                self.text(text, *at, size * SCALE, *weight, *paint);
            }
        }
    }

    fn text(&mut self, text: &str, at: At, size: f32, weight: Weight, paint: Paint) {
        let face = Face::of(weight);
        let scale = size / face.em;
        for placed in face.line(text).0 {
            let (x, y) = (at.0 * SCALE + placed.x * size, at.1 * SCALE);
            let on_page = |p: Point| point(x + p.x * scale, y - p.y * scale);
            let (mut area, mut from) = (Area::default(), point(0.0, 0.0));
            for piece in face.outline(placed.glyph) {
                from = match piece {
                    Piece::Move(to) => to,
                    Piece::Line(to) => {
                        area.lines.push((on_page(from), on_page(to)));
                        to
                    }
                    Piece::Quad(by, to) => {
                        let curve = |t: f32| mix(mix(from, by, t), mix(by, to, t), t);
                        area.curve(|t| on_page(curve(t)));
                        to
                    }
                    Piece::Cubic(a, b, to) => {
                        let (one, two) = (
                            |t| mix(mix(from, a, t), mix(a, b, t), t),
                            |t| mix(mix(a, b, t), mix(b, to, t), t),
                        );
                        area.curve(|t| on_page(mix(one(t), two(t), t)));
                        to
                    }
                };
            }
            self.fill(&area, paint);
        }
    }

    /// Lays a colour over an area.
    fn fill(&mut self, area: &Area, paint: Paint) {
        let all = || area.lines.iter().flat_map(|(a, b)| [a, b]);
        let low = all().fold((f32::MAX, f32::MAX), |low, p| (low.0.min(p.x), low.1.min(p.y)));
        let high = all().fold((0.0f32, 0.0f32), |high, p| (high.0.max(p.x), high.1.max(p.y)));
        let (left, top) = (low.0.max(0.0) as usize, low.1.max(0.0) as usize);
        let right = ((high.0 + 1.0) as usize).min(self.width);
        let bottom = ((high.1 + 1.0) as usize).min(self.height);
        if left >= right || top >= bottom {
            return;
        }
        let (wide, tall) = (right - left, bottom - top);
        let mut raster = Rasterizer::new(wide + 1, tall + 1);
        let inside = |p: &Point| {
            let (x, y) = (p.x - left as f32, p.y - top as f32);
            point(x.clamp(0.0, wide as f32), y.clamp(0.0, tall as f32))
        };
        area.lines.iter().for_each(|(a, b)| raster.draw_line(inside(a), inside(b)));
        let (width, rgb) = (self.width, &mut self.rgb);
        raster.for_each_pixel_2d(|x, y, coverage| {
            let (x, y) = (left + x as usize, top + y as usize);
            if coverage <= 0.0 || x >= right || y >= bottom {
                return;
            }
            let cover = coverage.min(1.0) * paint.alpha;
            let at = (y * width + x) * 3;
            let (red, green, blue) = paint.rgb;
            for (old, new) in rgb[at..at + 3].iter_mut().zip([red, green, blue]) {
                let mixed = f32::from(*old) + (f32::from(new) - f32::from(*old)) * cover;
                *old = (mixed + 0.5) as u8;
            }
        });
    }
}

impl Area {
    /// A curve from 0 to 1, in straight pieces that are too short to be seen.
    fn curve(&mut self, at: impl Fn(f32) -> Point) {
        const PIECES: usize = 8;
        for piece in 0..PIECES {
            let (from, to) = (piece as f32 / PIECES as f32, (piece + 1) as f32 / PIECES as f32);
            self.lines.push((at(from), at(to)));
        }
    }
}

fn mix(a: Point, b: Point, t: f32) -> Point {
    point(a.x + (b.x - a.x) * t, a.y + (b.y - a.y) * t)
}

/// PNG with eight bits a colour. Rows are written as they are: plots are flat, and any filter makes
/// the file larger.
fn encode(page: &Page) -> Vec<u8> {
    const UNFILTERED: u8 = 0;
    let row = page.width * 3;
    let mut data = Vec::with_capacity((row + 1) * page.height);
    for line in page.rgb.chunks(row) {
        data.push(UNFILTERED);
        data.extend_from_slice(line);
    }
    let mut header = Vec::new();
    header.extend((page.width as u32).to_be_bytes());
    header.extend((page.height as u32).to_be_bytes());
    // Eight bits a sample, true colour, and the only ways to compress, filter and not interlace.
    header.extend([8, 2, 0, 0, 0]);
    let mut out = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut out, *b"IHDR", &header);
    chunk(&mut out, *b"IDAT", &miniz_oxide::deflate::compress_to_vec_zlib(&data, EFFORT));
    chunk(&mut out, *b"IEND", &[]);
    out
}

fn chunk(out: &mut Vec<u8>, name: [u8; 4], data: &[u8]) {
    out.extend((data.len() as u32).to_be_bytes());
    let from = out.len();
    out.extend(name);
    out.extend_from_slice(data);
    let sum = checksum(&out[from..]);
    out.extend(sum.to_be_bytes());
}

/// CRC-32 as PNG has it.
fn checksum(data: &[u8]) -> u32 {
    !data.iter().fold(!0u32, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| {
            if sum & 1 == 1 { (sum >> 1) ^ 0xedb8_8320 } else { sum >> 1 }
        })
    })
}

#[cfg(test)]
mod tests {
    use super::checksum;

    #[test]
    fn the_checksum_is_that_of_the_standard() {
        assert_eq!(checksum(b"123456789"), 0xcbf4_3926);
        // Of every PNG's last chunk.
        assert_eq!(checksum(b"IEND"), 0xae42_6082);
    }
}
