//! Charts, drawn as SVG that stands in the page.
//!
//! Colours are names as much as colours: the page's style sheet replaces those that are hard to see in the dark.

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;

/// The size of a chart's drawing; the page scales it.
const SIZE: (u32, u32) = (480, 360);
/// Text and lines; the page shows it in its own text colour.
const INK: RGBColor = RGBColor(0, 0, 0);
/// The lines behind; likewise.
const GRID: RGBColor = RGBColor(0xcc, 0xcc, 0xcd);
/// The colours of lines and bars.
const PALETTE: [RGBColor; 10] = [
    RGBColor(0x00, 0x72, 0xb2),
    RGBColor(0xd5, 0x5e, 0x00),
    RGBColor(0x00, 0x9e, 0x73),
    RGBColor(0xcc, 0x79, 0xa7),
    RGBColor(0xe6, 0x9f, 0x00),
    RGBColor(0x3a, 0x3f, 0x45),
    RGBColor(0x6f, 0x4b, 0xb2),
    RGBColor(0x8c, 0x56, 0x4b),
    RGBColor(0x7f, 0x7f, 0x7f),
    RGBColor(0x9a, 0xa8, 0x1f),
];

/// One line of a chart: a value at each place on the axis, where there is one.
pub struct Line {
    pub name: String,
    pub colour: Colour,
    pub dashed: bool,
    pub values: Vec<Option<f64>>,
}

/// A place in the palette.
#[derive(Clone, Copy)]
pub struct Colour(pub usize);

impl Colour {
    fn rgb(self) -> RGBColor {
        PALETTE[self.0]
    }

    /// As the drawing names it.
    pub fn name(self) -> String {
        let RGBColor(red, green, blue) = self.rgb();
        format!("#{red:02X}{green:02X}{blue:02X}")
    }
}

/// Lines over sizes, on a scale of tens.
pub fn lines(sizes: &[usize], lines: &[Line]) -> Result<String> {
    let values = || lines.iter().flat_map(|line| line.values.iter().flatten().copied());
    let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(0.0, f64::max));
    draw(|area| {
        let mut chart = ChartBuilder::on(area);
        chart.margin(12).margin_right(20).x_label_area_size(50).y_label_area_size(64);
        let down = (low * 0.8..high * 1.25).log_scale();
        let mut chart = chart.build_cartesian_2d(0..sizes.len() - 1, down).map_err(told)?;
        let mut mesh = chart.configure_mesh();
        mesh.x_desc("pages to a call").y_desc("ns per page").x_labels(sizes.len());
        mesh.axis_style(INK).bold_line_style(GRID).light_line_style(TRANSPARENT);
        mesh.label_style(("sans-serif", 17).into_font().color(&INK));
        let size = |at: &usize| sizes[*at].to_string();
        mesh.x_label_formatter(&size).y_label_formatter(&|ns| figure(*ns));
        mesh.draw().map_err(told)?;
        for line in lines {
            let points = line.values.iter().enumerate();
            let points: Vec<_> = points.filter_map(|(at, ns)| Some((at, (*ns)?))).collect();
            let style = line.colour.rgb().stroke_width(2);
            if line.dashed {
                let dashes = DashedLineSeries::new(points.iter().copied(), 6, 5, style);
                chart.draw_series(dashes).map_err(told)?;
            } else {
                chart.draw_series(LineSeries::new(points.iter().copied(), style)).map_err(told)?;
            }
            let dots = points.into_iter().map(|point| Circle::new(point, 3, style.filled()));
            chart.draw_series(dots).map_err(told)?;
        }
        Ok(())
    })
}

/// Bars for each step, one for each name, with its value beside it. Values above `most` end there, and say what they
/// are.
pub fn bars(steps: &[String], bars: &[Line], most: f64) -> Result<String> {
    let slots = bars.len() + 1;
    let (steps_count, height) = (steps.len() as i32, 60);
    draw(|area| {
        let left = 112;
        let scale = f64::from(SIZE.0 as i32 - left - 84) / most;
        let text = |size: u32| ("sans-serif", size).into_font().color(&INK);
        for (step, name) in steps.iter().enumerate() {
            let top = 20 + step as i32 * (SIZE.1 as i32 - 30) / steps_count.max(1);
            area.draw(&Text::new(name.clone(), (8, top + height / 2 - 16), text(18)))
                .map_err(told)?;
            for (at, bar) in bars.iter().enumerate() {
                let Some(value) = bar.values[step] else { continue };
                let thick = height / slots as i32;
                let upper = top + at as i32 * (thick + 2);
                let right = left + (value.min(most) * scale).round().max(1.0) as i32;
                let corners = [(left, upper), (right, upper + thick)];
                let style = bar.colour.rgb().filled();
                area.draw(&Rectangle::new(corners, style)).map_err(told)?;
                let beyond = if value > most { "→ " } else { "" };
                let label = format!("{beyond}{} ns", figure(value));
                area.draw(&Text::new(label, (right + 6, upper + 1), text(17))).map_err(told)?;
            }
        }
        Ok(())
    })
}

/// A number with as many digits as mean something.
pub fn figure(value: f64) -> String {
    match value {
        ..0.1 => format!("{value:.3}"),
        ..10.0 => format!("{value:.2}"),
        ..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

fn draw(body: impl FnOnce(&DrawingArea<SVGBackend, Shift>) -> Result<()>) -> Result<String> {
    let mut svg = String::new();
    let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
    body(&area)?;
    area.present().map_err(told)?;
    drop(area);
    Ok(svg)
}

/// An error of the drawing, in words: it may hold what cannot leave the thread.
fn told(error: impl std::fmt::Display) -> anyhow::Error {
    anyhow!("the chart could not be drawn: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(values: &[Option<f64>], dashed: bool) -> Line {
        let colour = Colour(usize::from(dashed));
        Line { name: "a".into(), colour, dashed, values: values.to_vec() }
    }

    #[test]
    fn a_line_has_a_dot_for_each_value_and_sizes_below() {
        let values = [Some(10.0), None, Some(0.5)];
        let svg = lines(&[1, 8, 64], &[line(&values, false), line(&values, true)]).expect("svg");
        assert!(svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"));
        assert_eq!(svg.matches("<circle").count(), 4);
        for colour in [Colour(0), Colour(1)] {
            assert!(svg.matches(&colour.name()).count() > 2);
        }
        for label in ["\n1\n", "\n8\n", "\n64\n", "ns per page"] {
            assert!(svg.contains(label), "{label:?} in {svg}");
        }
    }

    #[test]
    fn a_bar_beyond_the_scale_ends_there_and_says_its_value() {
        let steps = ["bare".to_owned(), "hardened".to_owned()];
        let svg = bars(&steps, &[line(&[Some(0.2), Some(400.0)], false)], 2.0).expect("svg");
        assert!(svg.contains("0.20 ns") && svg.contains("→ 400 ns"), "{svg}");
        assert_eq!(svg.matches("<rect").count(), 2);
    }

    #[test]
    fn figures_have_the_digits_that_mean_something() {
        let told = [0.0123, 0.5, 12.34, 1234.5].map(figure);
        assert_eq!(told, ["0.012", "0.50", "12.3", "1234"]);
    }
}
