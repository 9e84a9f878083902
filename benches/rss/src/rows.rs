//! Figures, printed as they come.

use serde::Serialize;

/// A figure, as `cargo xtask rss` reads it.
#[derive(Serialize)]
struct Row<'a> {
    case: &'a str,
    figure: &'a str,
    mode: &'a str,
    value: f64,
    unit: &'a str,
    /// The bound, if there is one.
    at_most: Option<f64>,
}

/// Where the figures of a case go.
pub struct Rows {
    case: &'static str,
}

impl Rows {
    pub(crate) fn of(case: &'static str) -> Self {
        Rows { case }
    }

    /// A figure that has a bound.
    pub fn bounded(&mut self, figure: &str, mode: &str, value: f64, unit: &str, at_most: f64) {
        self.print(&Row { case: self.case, figure, mode, value, unit, at_most: Some(at_most) });
    }

    /// A figure that has none.
    pub fn unbounded(&mut self, figure: &str, mode: &str, value: f64, unit: &str) {
        self.print(&Row { case: self.case, figure, mode, value, unit, at_most: None });
    }

    fn print(&mut self, row: &Row<'_>) {
        println!("{}", serde_json::to_string(row).expect("figures are JSON"));
    }
}
