//! The picture has all that it should, can be read in both schemes, and is that of the figures.

use serde_json::json;

use super::super::tests::row;
use super::*;
use crate::measure::Row;

/// Where the project keeps its figures, and the picture of them.
const FIGURES: &str = include_str!("../../../../../docs/figures.json");
const PICTURE: &str = include_str!("../../../../../docs/matrix.svg");

fn rows() -> Vec<Row> {
    let mut rows = Vec::new();
    for (shape, bulk) in PANELS.map(|panel| (panel.shape, panel.bulk)) {
        for (name, kind, ns) in [
            ("copy-floor", Kind::Floor, 0.1),
            ("Bare", Kind::Mode, 0.25),
            ("Checked", Kind::Mode, 0.5),
            ("Checked+claim", Kind::Mode, 7.77),
            ("slow<T>", Kind::Rival, 1500.0),
            ("quick", Kind::Rival, 0.375),
        ] {
            rows.push(Row { kind, ..row(shape, bulk, name, ns) });
        }
    }
    rows.push(row(Shape::HotPair, 8, "Bare", 8.88));
    rows
}

fn drawn(rows: &[Row]) -> Result<String> {
    let meta = json!({ "machine": "a machine", "cores": 2, "rustc": "rustc 1.0 (a)", "unix_time": 1_484_000_000 });
    draw(json!({ "meta": meta, "rows": rows }))
}

#[test]
fn the_picture_of_the_project_is_that_of_its_figures() {
    let figures = serde_json::from_str(FIGURES).expect("figures");
    let told = "`cargo xtask figures --keep` draws it";
    assert!(draw(figures).expect("a picture") == PICTURE, "{told}");
}

#[test]
fn every_contender_has_a_mark_and_its_figure_in_each_panel() {
    let svg = drawn(&rows()).expect("a picture");
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    for figure in ["0.10", "0.25", "0.50", "0.38", "1500"] {
        let shown = format!(">{figure}</text>");
        assert_eq!(svg.matches(&shown).count(), PANELS.len(), "{figure} in {svg}");
    }
    assert_eq!(svg.matches("<circle").count(), 5 * PANELS.len());
    // Neither a step of the ladder nor another size.
    assert!(!svg.contains("7.77") && !svg.contains("8.88"));
    let places = ["Bare", "Checked (default)", "quick", "slow&lt;T&gt;", "plain copy of the ids"];
    let places = places.map(|name| svg.find(&format!(">{name}</text>")).expect(name));
    assert!(places.is_sorted(), "modes, others from fast to slow, the floor");
}

#[test]
fn it_says_the_unit_the_machine_and_the_figures_in_words() {
    let svg = drawn(&rows()).expect("a picture");
    for said in [
        "Nanoseconds per page",
        "lower is better",
        "a machine, 2 cores; rustc 1.0; 2017-01-09.",
        "Bare: 0.25, 0.25, 0.25, 0.25.",
        "role=\"img\"",
    ] {
        assert!(svg.contains(said), "{said} in {svg}");
    }
}

#[test]
fn marks_and_figures_stay_in_their_panels() {
    let scale = Scale { low: 0.06, high: 1500.0 };
    assert!((scale.x(0.06), scale.x(1500.0)) == (0.0, PLOT));
    assert_eq!(scale.tens().collect::<Vec<_>>(), [0.1, 1.0, 10.0, 100.0, 1000.0]);
    // Five characters of twelve pixels beside the last mark.
    const { assert!(PLOT + 9.0 + 5.0 * 8.0 <= PITCH) };
    let last = LEFT + (PANELS.len() - 1) as f64 * PITCH + PLOT + 9.0 + 4.0 * 8.0;
    assert!(last <= WIDTH, "{last}");
}

#[test]
fn nothing_to_draw_is_an_error() {
    assert!(drawn(&[row(Shape::Random, 64, "Bare", 1.0)]).is_err());
    assert!(draw(json!({ "rows": [] })).is_err());
}

/// How bright a colour is, as the guidelines for web content define it.
fn luminance(colour: &str) -> f64 {
    let part = |at: usize| {
        let value = u8::from_str_radix(&colour[at..at + 2], 16).expect("a colour");
        let value = f64::from(value) / 255.0;
        if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5)
}

#[test]
fn both_schemes_colour_all_and_can_be_read() {
    let svg = drawn(&rows()).expect("a picture");
    let (light, dark) = svg.split_once("@media (prefers-color-scheme: dark)").expect("both");
    for (scheme, text) in [(LIGHT, light), (DARK, dark)] {
        let ground = luminance(scheme[0].2);
        for (property, class, colour) in scheme {
            assert!(text.contains(&format!(".{class} {{ {property}: {colour} }}")), "{class}");
            let (over, under) = (luminance(colour).max(ground), luminance(colour).min(ground));
            let contrast = (over + 0.05) / (under + 0.05);
            let least = match class {
                "ground" | "line" => 1.0,
                "ink" | "soft" => 4.5,
                _ => 3.0,
            };
            assert!(contrast >= least, "{class}: {contrast}");
        }
    }
    // What is drawn has a class with a colour.
    for tag in ["<text ", "<rect ", "<circle ", "<line "] {
        for drawn in svg.split(tag).skip(1) {
            let class = drawn.split('"').nth(1).expect("a class");
            let known = LIGHT.iter().any(|(_, known, _)| class.split(' ').any(|it| it == *known));
            assert!(drawn.starts_with("class=\"") && known, "{tag}{class}");
        }
    }
}
