//! The small picture of an item's last days: stock as an area with the reorder line, sales as bars below.
//!
//! As PNG for mails (a mail shows no SVG) and as SVG for pages. It has no letters: what it shows is said
//! in words beside it, by [`StockChart::caption`].

use jiff::civil::Date;
use parstock_domain::fixed::Quantity;
use serde::{Deserialize, Serialize};

use crate::format::Style;

/// Days of a chart at most; earlier ones are left out.
pub const CHART_DAYS_MAX: usize = 400;

/// An item's last days.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StockChart {
    /// The last day.
    pub ends_on: Date,
    /// What lay there at the end of each day, the last at the end; empty when it was never counted.
    pub on_hand: Vec<Quantity>,
    /// What was sold on each of the same days.
    pub sales: Vec<Quantity>,
    /// The reorder point, if it is known.
    pub reorder_point: Option<Quantity>,
}

/// Pixels of the PNG. It is shown at half the size, so that it is sharp on dense screens.
pub(crate) const WIDTH: usize = 1120;
pub(crate) const HEIGHT: usize = 240;
/// The part above shows the stock, the part below the sales.
const STOCK_BOTTOM: usize = 168;
const SALES_TOP: usize = 184;

/// The colours of the PNG's palette, by index.
#[derive(Clone, Copy)]
enum Ink {
    Paper,
    Area,
    Line,
    Reorder,
    Sales,
    Axis,
}

/// Red, green and blue of each [`Ink`], in its order.
const PALETTE: [[u8; 3]; 6] = [
    [0xff, 0xff, 0xff],
    [0xc9, 0xdd, 0xf2],
    [0x12, 0x4a, 0x86],
    [0xc2, 0x2f, 0x1d],
    [0x5f, 0x6b, 0x76],
    [0x8a, 0x94, 0x9e],
];

/// A grid of palette indices.
struct Canvas {
    pixels: Vec<u8>,
}

impl Canvas {
    fn new() -> Self {
        Self { pixels: vec![Ink::Paper as u8; WIDTH * HEIGHT] }
    }

    /// Fills the columns `left..right` of the rows `top..bottom`, as far as they lie on the canvas.
    fn fill(&mut self, left: usize, right: usize, top: usize, bottom: usize, ink: Ink) {
        for y in top..bottom.min(HEIGHT) {
            let row = y * WIDTH;
            if let Some(pixels) = self.pixels.get_mut(row + left.min(WIDTH)..row + right.min(WIDTH)) {
                pixels.fill(ink as u8);
            }
        }
    }

    /// Two palette indices a byte.
    fn packed(&self) -> Vec<u8> {
        self.pixels.chunks(2).map(|pair| pair.iter().fold(0, |byte, pixel| byte << 4 | pixel)).collect()
    }
}

/// `value ÷ most` of `length`, 0 below zero.
fn scaled(value: Quantity, most: Quantity, length: usize) -> usize {
    if value <= Quantity::ZERO || most <= Quantity::ZERO {
        return 0;
    }
    let length = i128::try_from(length).unwrap_or(0);
    let scaled = i128::from(value.e4().min(most.e4())) * length / i128::from(most.e4());
    usize::try_from(scaled).unwrap_or(0)
}

/// The last [`CHART_DAYS_MAX`] values.
fn tail(values: &[Quantity]) -> &[Quantity] {
    values.get(values.len().saturating_sub(CHART_DAYS_MAX)..).unwrap_or(values)
}

impl StockChart {
    fn on_hand(&self) -> &[Quantity] {
        tail(&self.on_hand)
    }

    fn sales(&self) -> &[Quantity] {
        tail(&self.sales)
    }

    fn days(&self) -> usize {
        self.on_hand().len().max(self.sales().len())
    }

    /// What the top of the stock part stands for.
    fn most_on_hand(&self) -> Quantity {
        self.on_hand().iter().copied().chain(self.reorder_point).max().unwrap_or(Quantity::ZERO)
    }

    fn most_sold(&self) -> Quantity {
        self.sales().iter().copied().max().unwrap_or(Quantity::ZERO)
    }

    /// What it shows, in words: `Last 90 days to Mon 23 Nov: stock from 41 to 8, reorder point 20,
    /// at most 4 sold a day`.
    pub fn caption(&self, style: &Style) -> String {
        let days = crate::format::counted(self.days(), "day", "days");
        let mut caption = format!("Last {days} to {}", style.day(self.ends_on));
        if let (Some(first), Some(last)) = (self.on_hand().first(), self.on_hand().last()) {
            caption.push_str(&format!(
                ": stock from {} to {}",
                style.quantity(*first),
                style.quantity(*last)
            ));
        }
        if let Some(point) = self.reorder_point {
            caption.push_str(&format!(", reorder point {}", style.quantity(point)));
        }
        if self.most_sold() > Quantity::ZERO {
            caption.push_str(&format!(", at most {} sold a day", style.quantity(self.most_sold())));
        }
        caption
    }

    /// The chart as PNG. The same chart gives the same bytes.
    ///
    /// # Errors
    /// The encoder's, a bug.
    pub fn png(&self) -> Result<Vec<u8>, png::EncodingError> {
        let mut canvas = Canvas::new();
        let days = self.days().max(1);
        let most = self.most_on_hand();
        let top_of = |value| STOCK_BOTTOM - scaled(value, most, STOCK_BOTTOM - 8);
        let mut before: Option<usize> = None;
        let missing = days.saturating_sub(self.on_hand().len());
        for (index, value) in self.on_hand().iter().enumerate() {
            let (left, right) = ((index + missing) * WIDTH / days, (index + missing + 1) * WIDTH / days);
            let top = top_of(*value);
            canvas.fill(left, right, top, STOCK_BOTTOM, Ink::Area);
            canvas.fill(left, right, top.saturating_sub(2), top + 2, Ink::Line);
            if let Some(before) = before {
                let (high, low) = (before.min(top), before.max(top));
                canvas.fill(left, left + 4, high.saturating_sub(2), low + 2, Ink::Line);
            }
            before = Some(top);
        }
        if let Some(point) = self.reorder_point {
            let y = top_of(point);
            for dash in (0..WIDTH).step_by(24) {
                canvas.fill(dash, dash + 14, y.saturating_sub(2), y + 2, Ink::Reorder);
            }
        }
        canvas.fill(0, WIDTH, STOCK_BOTTOM, STOCK_BOTTOM + 2, Ink::Axis);
        let missing = days.saturating_sub(self.sales().len());
        for (index, value) in self.sales().iter().enumerate() {
            let (left, right) = ((index + missing) * WIDTH / days, (index + missing + 1) * WIDTH / days);
            let gap = usize::from(right - left > 4) * 2;
            let height = scaled(*value, self.most_sold(), HEIGHT - 2 - SALES_TOP);
            canvas.fill(left, right - gap, HEIGHT - 2 - height, HEIGHT - 2, Ink::Sales);
        }
        canvas.fill(0, WIDTH, HEIGHT - 2, HEIGHT, Ink::Axis);

        let mut bytes = Vec::new();
        let size = |pixels| u32::try_from(pixels).unwrap_or(u32::MAX);
        let mut encoder = png::Encoder::new(&mut bytes, size(WIDTH), size(HEIGHT));
        encoder.set_color(png::ColorType::Indexed);
        encoder.set_depth(png::BitDepth::Four);
        encoder.set_palette(PALETTE.concat());
        encoder.set_compression(png::Compression::High);
        encoder.set_filter(png::Filter::NoFilter);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&canvas.packed())?;
        writer.finish()?;
        Ok(bytes)
    }

    /// The chart as an SVG figure with its caption. It holds no text from outside: only figures and our own
    /// words.
    pub(crate) fn figure(&self, style: &Style) -> String {
        const WIDE: usize = 720;
        const HIGH: usize = 168;
        const STOCK: (usize, usize) = (6, 116);
        const SALES: (usize, usize) = (126, 166);
        let days = self.days().max(1);
        let most = self.most_on_hand();
        let x = |day: usize| day * WIDE / days;
        let y = |value| STOCK.1 - scaled(value, most, STOCK.1 - STOCK.0);
        let caption = self.caption(style);
        let mut svg = format!(
            "<figure class=\"chart\"><svg viewBox=\"0 0 {WIDE} {HIGH}\" role=\"img\" aria-label=\"{caption}\">"
        );
        let missing = days.saturating_sub(self.on_hand().len());
        let mut line = String::new();
        for (index, value) in self.on_hand().iter().enumerate() {
            let (from, to) = (x(index + missing), x(index + missing + 1));
            let height = y(*value);
            let step = if line.is_empty() { 'M' } else { 'L' };
            line.push_str(&format!("{step}{from} {height}L{to} {height}"));
        }
        if !line.is_empty() {
            let (from, to, bottom) = (x(missing), x(days), STOCK.1);
            svg.push_str(&format!("<path class=\"area\" d=\"{line}L{to} {bottom}L{from} {bottom}Z\"/>"));
            svg.push_str(&format!("<path class=\"line\" d=\"{line}\"/>"));
        }
        svg.push_str(&format!("<path class=\"axis\" d=\"M0 {}H{WIDE}M0 {}H{WIDE}\"/>", STOCK.1, SALES.1));
        if let Some(point) = self.reorder_point {
            svg.push_str(&format!("<path class=\"reorder\" d=\"M0 {}H{WIDE}\"/>", y(point)));
        }
        let missing = days.saturating_sub(self.sales().len());
        for (index, value) in self.sales().iter().enumerate() {
            let height = scaled(*value, self.most_sold(), SALES.1 - SALES.0);
            if height > 0 {
                let from = x(index + missing);
                let width = (x(index + missing + 1) - from).saturating_sub(1).max(1);
                let top = SALES.1 - height;
                svg.push_str(&format!(
                    "<rect class=\"sales\" x=\"{from}\" y=\"{top}\" width=\"{width}\" height=\"{height}\"/>"
                ));
            }
        }
        svg.push_str(&format!("</svg><figcaption>{caption}</figcaption></figure>"));
        svg
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bytes of a chart in a mail at most.
    const PNG_BYTES_MAX: usize = 6 * 1024;

    fn q(value: i64) -> Quantity {
        Quantity::from_whole(value).unwrap()
    }

    fn jagged(days: i64) -> StockChart {
        // squares modulo a prime come in a jumbled order
        StockChart {
            ends_on: "2026-11-24".parse().unwrap(),
            on_hand: (0..days).map(|day| q(day * day * 31 % 997)).collect(),
            sales: (0..days).map(|day| q(day * day * 7 % 101)).collect(),
            reorder_point: Some(q(400)),
        }
    }

    fn decoded(chart: &StockChart) -> Vec<u8> {
        let bytes = chart.png().unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
        let mut buffer = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut buffer).unwrap();
        assert_eq!((info.width as usize, info.height as usize), (WIDTH, HEIGHT));
        buffer.iter().flat_map(|byte| [byte >> 4, byte & 15]).collect()
    }

    #[test]
    fn the_worst_chart_is_small_and_the_same_each_time() {
        let chart = jagged(90);
        let bytes = chart.png().unwrap();
        assert!(bytes.len() < PNG_BYTES_MAX, "{} bytes", bytes.len());
        assert_eq!(bytes, chart.png().unwrap());
    }

    #[test]
    fn heights_follow_the_figures() {
        let chart = StockChart {
            ends_on: "2026-11-24".parse().unwrap(),
            on_hand: vec![q(100), q(50), q(0), q(-5)],
            sales: vec![q(0), q(50), q(100), q(0)],
            reorder_point: None,
        };
        let pixels = decoded(&chart);
        let count = |day: usize, ink: Ink| {
            let x = day * WIDTH / 4 + WIDTH / 8;
            (0..HEIGHT).filter(|y| pixels[y * WIDTH + x] == ink as u8).count()
        };
        // full, half and no height of the stock part, two rows of which the line covers
        assert_eq!([0, 1, 2, 3].map(|day| count(day, Ink::Area)), [158, 78, 0, 0]);
        assert_eq!([0, 1, 2, 3].map(|day| count(day, Ink::Sales)), [0, 27, 54, 0]);
    }

    #[test]
    fn odd_charts_are_drawn_too() {
        let empty = StockChart { ends_on: "2026-11-24".parse().unwrap(), ..StockChart::default() };
        let only_sales = StockChart { on_hand: vec![], ..jagged(30) };
        let uneven = StockChart { sales: vec![q(1)], ..jagged(1000) };
        let huge = StockChart {
            on_hand: vec![Quantity::from_e4(i64::MAX), Quantity::from_e4(i64::MIN)],
            ..empty.clone()
        };
        let style = Style::new("AUD", "2026-11-24T08:00:00+11:00[Australia/Sydney]".parse().unwrap());
        for chart in [empty, only_sales, uneven, huge] {
            assert_eq!(decoded(&chart).len(), WIDTH * HEIGHT);
            assert!(chart.figure(&style).ends_with("</figure>"));
        }
    }
}
