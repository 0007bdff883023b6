//! Charts: horizontal bars, drawn by a library as SVG that the page's own style colours for light, dark
//! and print. Each stands beside a table with the same numbers.

use plotters::prelude::*;

/// Pixels: of a row, of the legend above, of the labels on the left, and of the numbers on the right.
const ROW: u32 = 24;
const TOP: u32 = 30;
const LABELS: u32 = 330;
const NUMBERS: u32 = 110;
const WIDTH: u32 = 900;
/// Characters of a label that have room.
const LABEL: usize = 46;
const FONT: &str = "sans-serif";

/// The colours of the page's tones, such that they are told apart on white and on black.
pub(super) const GOOD: RGBColor = RGBColor(0x4f, 0x8a, 0x6b);
pub(super) const WARN: RGBColor = RGBColor(0xc5, 0x8a, 0x2e);
pub(super) const UNKNOWN: RGBColor = RGBColor(0x8d, 0x78, 0xbd);
pub(super) const PLAIN: RGBColor = RGBColor(0x5b, 0x7f, 0xa6);

/// One bar: its label, and the numbers that it is made of.
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) numbers: Vec<u64>,
}

/// Draws bars, each made of the same parts. Empty where there is nothing to draw, or it could not be
/// drawn: the table beside it has the numbers.
pub(super) fn bars(parts: &[(&str, RGBColor)], bars: &[Bar]) -> String {
    let most = bars.iter().map(|bar| bar.numbers.iter().sum::<u64>()).max().unwrap_or(0);
    if bars.is_empty() || most == 0 {
        return String::new();
    }
    let rows = u32::try_from(bars.len()).unwrap_or(u32::MAX);
    let mut svg = String::new();
    let drawn = {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, TOP + ROW * rows + 8)).into_drawing_area();
        draw(&area, parts, bars, most).and_then(|()| area.present().map_err(drop))
    };
    if drawn.is_err() {
        return String::new();
    }
    svg
}

type Area<'a> = DrawingArea<SVGBackend<'a>, plotters::coord::Shift>;

fn draw(area: &Area<'_>, parts: &[(&str, RGBColor)], bars: &[Bar], most: u64) -> Result<(), ()> {
    let text = (FONT, 13).into_font().color(&BLACK);
    let mut x = pixels(LABELS);
    for (name, colour) in parts.iter().filter(|(name, _)| !name.is_empty()) {
        area.draw(&Rectangle::new([(x, 6), (x + 10, 16)], colour.filled())).map_err(drop)?;
        area.draw(&Text::new((*name).to_owned(), (x + 15, 4), text.clone())).map_err(drop)?;
        x += 110;
    }
    let wide = f64::from(WIDTH - LABELS - NUMBERS);
    for (row, bar) in (0..).zip(bars) {
        let y = pixels(TOP) + row * pixels(ROW);
        let label = label(&bar.label);
        let at = (pixels(LABELS) - 8, y + 2);
        let right = text.clone().pos(plotters::style::text_anchor::Pos::new(
            plotters::style::text_anchor::HPos::Right,
            plotters::style::text_anchor::VPos::Top,
        ));
        area.draw(&Text::new(label, at, right)).map_err(drop)?;
        let mut from = 0_u64;
        for (number, (_, colour)) in bar.numbers.iter().zip(parts) {
            let place = |count: u64| pixels(LABELS) + scaled(count, most, wide);
            let corners = [(place(from), y + 2), (place(from + number), y + 17)];
            if *number > 0 {
                area.draw(&Rectangle::new(corners, colour.filled())).map_err(drop)?;
            }
            from += number;
        }
        let numbers: Vec<_> = bar.numbers.iter().map(u64::to_string).collect();
        let at = (pixels(LABELS) + scaled(from, most, wide) + 6, y + 2);
        area.draw(&Text::new(numbers.join(" / "), at, text.clone())).map_err(drop)?;
    }
    let line = [(pixels(LABELS), pixels(TOP) - 4), (pixels(LABELS), pixels(TOP + ROW * (bars.len() as u32)))];
    area.draw(&PathElement::new(line.to_vec(), BLACK)).map_err(drop)
}

fn pixels(number: u32) -> i32 {
    i32::try_from(number).unwrap_or(i32::MAX)
}

fn scaled(count: u64, most: u64, wide: f64) -> i32 {
    (count as f64 / most as f64 * wide).round() as i32
}

/// A label that has room. Other people's names may be long.
fn label(text: &str) -> String {
    match text.char_indices().nth(LABEL) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(label: &str, numbers: &[u64]) -> Bar {
        Bar { label: label.to_owned(), numbers: numbers.to_vec() }
    }

    #[test]
    fn a_hostile_label_stays_text() {
        let svg = bars(&[("n", PLAIN)], &[bar("<script>alert(1)</script>\"", &[1])]);
        assert!(svg.contains("&lt;script&gt;") && !svg.contains("<script"), "{svg}");
    }

    #[test]
    fn what_the_pages_policy_forbids_is_not_drawn() {
        let svg = bars(&[("a", GOOD), ("b", WARN)], &[bar("x", &[1, 2]), bar("y", &[0, 3])]);
        assert!(svg.starts_with("<svg"), "{svg}");
        for forbidden in ["style=", "<style", "href", "<image", "url("] {
            assert!(!svg.contains(forbidden), "{forbidden}: {svg}");
        }
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert_eq!(bars(&[("a", GOOD)], &[]), "");
        assert_eq!(bars(&[("a", GOOD)], &[bar("x", &[0])]), "");
    }
}
