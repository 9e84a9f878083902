//! The matrix as one picture: an SVG that readers see in a document, in light and in dark.
//!
//! It is drawn from figures as they are written to a file, so that a picture can be drawn again
//! without a new run.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result, ensure};
use maud::{Markup, PreEscaped, html};
use serde::Deserialize;
use serde_json::Value;

use super::ladder;
use crate::case::{Case, Shape};
use crate::contender::Order;
use crate::entry::Kind;

/// A run, as far as it is drawn.
#[derive(Deserialize)]
struct Run {
    meta: Told,
    rows: Vec<Point>,
}

/// What a run says of itself.
#[derive(Deserialize)]
struct Told {
    machine: String,
    cores: usize,
    rustc: String,
    unix_time: u64,
}

/// A figure.
#[derive(Deserialize)]
struct Point {
    #[serde(flatten)]
    case: Case,
    contender: String,
    kind: Kind,
    ns: f64,
}

/// A column: what is done, at how many pages to a call.
struct Panel {
    shape: Shape,
    bulk: usize,
    heads: [&'static str; 2],
}

const PANELS: [Panel; 4] = [
    Panel { shape: Shape::HotPair, bulk: 1, heads: ["1 page a call", "one thread"] },
    Panel { shape: Shape::HotPair, bulk: 64, heads: ["64 pages a call", "one thread"] },
    Panel { shape: Shape::TwoThreads, bulk: 64, heads: ["64 pages a call", "two threads at once"] },
    Panel { shape: Shape::Pipe, bulk: 64, heads: ["64 pages a call", "one allocates, one frees"] },
];

/// What a pool is in unless its user says otherwise.
const DEFAULT: &str = "Checked";
/// Whose names alone would say too little.
const NAMES: [(&str, &str); 12] = [
    (DEFAULT, "Checked (default)"),
    ("copy-floor", "plain copy of the ids"),
    ("ring-only", "plain copy of the ids"),
    ("Mutex<Vec>", "Mutex<Vec<u32>>, bulk"),
    ("Mutex<Vec<Box>>", "Mutex<Vec<Box<[u8]>>>"),
    ("ArrayQueue", "ArrayQueue<u32>"),
    ("SegQueue", "SegQueue<u32>"),
    ("rte_mempool ring", "DPDK rte_mempool"),
    ("rte_mempool stack", "rte_mempool, stack"),
    ("rte_mempool lf_stack", "rte_mempool, lf_stack"),
    ("rte_pktmbuf", "DPDK rte_pktmbuf"),
    ("malloc", "malloc (glibc)"),
];

/// Colours of a scheme: the ground, text, weak text, lines, modes, others, and the floor.
type Scheme = [(&'static str, &'static str, &'static str); 7];

/// The property, the class that has it, and its colour.
const LIGHT: Scheme = [
    ("fill", "ground", "#ffffff"),
    ("fill", "ink", "#1b1f24"),
    ("fill", "soft", "#57606a"),
    ("stroke", "line", "#d8dee4"),
    ("fill", "mode", "#0969da"),
    ("fill", "rival", "#bc4c00"),
    ("fill", "floor", "#6e7781"),
];
const DARK: Scheme = [
    ("fill", "ground", "#0d1117"),
    ("fill", "ink", "#e6edf3"),
    ("fill", "soft", "#9ea7b3"),
    ("stroke", "line", "#30363d"),
    ("fill", "mode", "#58a6ff"),
    ("fill", "rival", "#f0883e"),
    ("fill", "floor", "#8b949e"),
];

const WIDTH: f64 = 800.0;
/// Where panels start, how far apart they are, and how much of each is for the marks.
const LEFT: f64 = 198.0;
const PITCH: f64 = 149.0;
const PLOT: f64 = 98.0;
/// Where lines start, and how high each is.
const TOP: f64 = 92.0;
const LINE: f64 = 21.0;

/// A line of the picture.
enum Line {
    Heading(&'static str),
    Contender { name: String, class: &'static str, values: [Option<f64>; PANELS.len()] },
}

/// Draws what was written of a run.
pub fn draw(run: Value) -> Result<String> {
    let run: Run = serde_json::from_value(run).context("these are no figures of a run")?;
    let lines = lines(&run.rows);
    ensure!(!lines.is_empty(), "none of these figures is in the picture");
    let scale = Scale::over(&lines);
    let bottom = TOP + lines.len() as f64 * LINE;
    let height = bottom + 62.0;
    let view = format!("0 0 {WIDTH} {height}");
    let style =
        format!("{STYLE}{}@media (prefers-color-scheme: dark) {{\n{}}}\n", css(&LIGHT), css(&DARK));
    let svg = html! {
        svg xmlns="http://www.w3.org/2000/svg" width=(WIDTH) height=(height) viewBox=(view)
            role="img" aria-labelledby="title desc" {
            title id="title" { "What a page costs in each mode of pagesheaf, beside other allocators" }
            desc id="desc" { (told(&lines)) }
            style { (PreEscaped(style)) }
            rect.ground width=(WIDTH) height=(height) rx="8" {}
            text.ink.title x="20" y="30" { "Nanoseconds per page, allocated and freed" }
            text.soft x="20" y="49" { "lower is better; the scale is logarithmic" }
            @for (at, panel) in PANELS.iter().enumerate() { (axis(at, panel, &scale, bottom)) }
            @for (at, line) in lines.iter().enumerate() { (drawn(line, at, &scale)) }
            text.soft.small x="20" y=(bottom + 44.0) { (run.meta.line()) }
        }
    };
    Ok(svg.into_string().replace("><", ">\n<") + "\n")
}

/// Fonts and strokes, the same in both schemes.
const STYLE: &str = "
text { font: 13px system-ui, -apple-system, 'Segoe UI', 'Helvetica Neue', 'DejaVu Sans', sans-serif }
.title { font-size: 17px; font-weight: 600 }
.head { font-weight: 600 }
.small { font-size: 11px }
.name { font-size: 12px }
.figure { font-size: 12px; font-variant-numeric: tabular-nums }
.line { stroke-width: 1; fill: none }
";

fn css(scheme: &Scheme) -> String {
    let rule =
        |(property, class, colour): &(_, _, _)| format!(".{class} {{ {property}: {colour} }}\n");
    scheme.iter().map(rule).collect()
}

impl Told {
    fn line(&self) -> String {
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(self.unix_time);
        let time = humantime::format_rfc3339_seconds(time).to_string();
        let (day, _) = time.split_once('T').unwrap_or((&time, ""));
        let rustc = self.rustc.split(" (").next().unwrap_or_default();
        let Told { machine, cores, .. } = self;
        format!(
            "Medians of one run in which all took turns: {machine}, {cores} cores; {rustc}; {day}."
        )
    }
}

/// The lines in their order: modes, others from fast to slow, and the floor.
fn lines(rows: &[Point]) -> Vec<Line> {
    let mut found = BTreeMap::<&str, (Kind, [Option<f64>; PANELS.len()])>::new();
    let mut order = Vec::new();
    for row in rows.iter().filter(|row| !ladder::is_step(&row.contender)) {
        let Case { shape, bulk, out, order: pages, touched, colour } = row.case;
        let plain = out.is_none() && pages == Order::Scattered && !touched && !colour;
        let panel = PANELS.iter().position(|panel| (panel.shape, panel.bulk) == (shape, bulk));
        let (true, Some(panel)) = (plain, panel) else { continue };
        // Two floors, of which each shape has one.
        let name = if row.contender == "ring-only" { "copy-floor" } else { &row.contender };
        let entry = found.entry(name).or_insert((row.kind, [None; PANELS.len()]));
        entry.1[panel] = Some(row.ns);
        if !order.contains(&name) {
            order.push(name);
        }
    }
    let group = |heading, class, kind| {
        let of_kind = |name: &&&str| found[**name].0 == kind && **name != "Bare+refcount";
        let mut names: Vec<_> = order.iter().filter(of_kind).copied().collect();
        if kind == Kind::Rival {
            let bulk = |name: &str| found[name].1[1].unwrap_or(f64::INFINITY);
            names.sort_by(|one, other| bulk(one).total_cmp(&bulk(other)));
        }
        let one = |name: &str| {
            let known = NAMES.iter().find(|known| known.0 == name);
            let shown = known.map_or(name, |known| known.1).to_owned();
            Line::Contender { name: shown, class, values: found[name].1 }
        };
        let heading = (!names.is_empty()).then_some(Line::Heading(heading));
        heading.into_iter().chain(names.into_iter().map(one)).collect::<Vec<_>>()
    };
    let groups = [
        group("pagesheaf, by mode", "mode", Kind::Mode),
        group("others", "rival", Kind::Rival),
        group("without an allocator", "floor", Kind::Floor),
    ];
    groups.into_iter().flatten().collect()
}

/// Where a value stands in its panel: tens are equally far apart.
struct Scale {
    low: f64,
    high: f64,
}

impl Scale {
    fn over(lines: &[Line]) -> Self {
        let values = lines.iter().flat_map(|line| match line {
            Line::Contender { values, .. } => &values[..],
            Line::Heading(_) => &[],
        });
        let values: Vec<_> = values.flatten().copied().collect();
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        Scale { low: low * 0.6, high: values.iter().copied().fold(low * 10.0, f64::max) }
    }

    fn x(&self, value: f64) -> f64 {
        (value / self.low).ln() / (self.high / self.low).ln() * PLOT
    }

    /// The powers of ten on it.
    fn tens(&self) -> impl Iterator<Item = f64> {
        let (first, last) = (self.low.log10().ceil() as i32, self.high.log10().floor() as i32);
        (first..=last).map(|power| 10_f64.powi(power))
    }
}

/// What stands above and behind a panel.
fn axis(at: usize, panel: &Panel, scale: &Scale, bottom: f64) -> Markup {
    let left = LEFT + at as f64 * PITCH;
    let tick =
        |ten: f64| if ten >= 1000.0 { format!("{}k", ten / 1000.0) } else { ten.to_string() };
    html! {
        text.ink.head x=(left) y=(TOP - 22.0) { (panel.heads[0]) }
        text.soft.small x=(left) y=(TOP - 7.0) { (panel.heads[1]) }
        @for ten in scale.tens() {
            @let x = round(left + scale.x(ten));
            line.line x1=(x) x2=(x) y1=(TOP + 2.0) y2=(bottom + 4.0) {}
            // Every other one, which is all that there is room for.
            @if ten.log10().round() as i32 % 2 != 0 {
                text.soft.small x=(x) y=(bottom + 18.0) text-anchor="middle" { (tick(ten)) }
            }
        }
        text.soft.small x=(round(left + PLOT + 14.0)) y=(bottom + 18.0) { "ns" }
    }
}

fn drawn(line: &Line, at: usize, scale: &Scale) -> Markup {
    let middle = TOP + (at as f64 + 0.5) * LINE;
    let base = middle + 4.5;
    match line {
        Line::Heading(heading) => html! { text.soft.head x="20" y=(base) { (heading) } },
        Line::Contender { name, class, values } => html! {
            text.ink.name.head[name.starts_with(DEFAULT)] x="28" y=(base) { (name) }
            @for (panel, value) in values.iter().enumerate() {
                @let left = LEFT + panel as f64 * PITCH;
                @if let Some(ns) = value {
                    @let x = scale.x(*ns);
                    rect class=(class) x=(left) y=(middle - 1.5) width=(round(x)) height="3" opacity="0.35" {}
                    circle class=(class) cx=(round(left + x)) cy=(middle) r="4.5" {}
                    text.ink.figure x=(round(left + x + 9.0)) y=(base) { (figure(*ns)) }
                }
            }
        },
    }
}

/// The figures in words, for who cannot see them.
fn told(lines: &[Line]) -> String {
    let heads = PANELS.map(|panel| panel.heads.join(", ")).join("; ");
    let figures = lines.iter().filter_map(|line| match line {
        Line::Contender { name, values, .. } => {
            let figures = values.map(|value| value.map_or("–".to_owned(), figure));
            Some(format!("{name}: {}", figures.join(", ")))
        }
        Line::Heading(_) => None,
    });
    let figures: Vec<_> = figures.collect();
    format!("Nanoseconds per page, in this order: {heads}. {}.", figures.join(". "))
}

/// A number with as many digits as the eye can use.
fn figure(ns: f64) -> String {
    match ns {
        ..10.0 => format!("{ns:.2}"),
        ..100.0 => format!("{ns:.1}"),
        _ => format!("{ns:.0}"),
    }
}

/// To a tenth of a pixel.
fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests;
