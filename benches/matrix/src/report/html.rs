//! The report as one page that needs nothing else: no network, no script.

use anyhow::Result;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::chart::{self, Colour, Line};
use super::{AGAINST, Group, RATIOS, ladder as steps, ratios, verdict};
use crate::case::Shape;
use crate::contender::Order;
use crate::entry::Kind;
use crate::measure::Row;
use crate::meta::Meta;

/// What may be loaded: nothing but the page's own style.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'";
/// What each safety step adds: the steps, and who takes them.
const LADDER: [(&str, &str); 5] = [
    ("bare", "Bare"),
    ("+ refcount", "Bare+refcount"),
    ("+ checks", "NoStats"),
    ("+ stats", "Checked"),
    ("hardened", "Hardened"),
];
/// Who has which place in the palette, in every chart; and the places that are left for rivals.
const COLOURS: [(&str, usize); 11] = [
    ("Bare", 0),
    ("Checked", 1),
    ("NoChecks", 2),
    ("NoRefcount", 3),
    ("NoStats", 4),
    ("raw", 5),
    ("single", 6),
    ("driver-lifo", 7),
    ("copy-floor", 8),
    ("ring-only", 8),
    ("driver-fifo", 9),
];
const RIVALS: [usize; 7] = [2, 3, 4, 5, 6, 7, 9];
/// Who is in the tables only: one is far above all others, the other is a step of the ladder.
const UNDRAWN: [&str; 2] = ["Hardened", "Bare+refcount"];
/// The size at which the ladder is climbed.
const LADDER_BULK: usize = 64;

/// The page.
pub fn page(rows: &[Row], meta: &Meta) -> Result<String> {
    let groups = Group::all(rows);
    let shapes = groups.chunk_by(|left, right| left.case.shape == right.case.shape);
    let sections = shapes.map(section).collect::<Result<Vec<_>>>()?;
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                title { "pagesheaf: what every mode costs" }
                style { (PreEscaped(include_str!("style.css"))) }
            }
            body {
                h1 { "What every mode costs" }
                p.verdict { @for told in verdict::verdict(rows) { (told) br; } }
                @for (against, lines) in verdict::places(rows) {
                    details { summary { (against) ": where, and in what share of its time" }
                        ul { @for line in lines { li { (line) } } }
                    }
                }
                p { @for line in meta.to_string().lines() { (line) br; }
                    @for line in meta.ending().lines() { (line) br; }
                    "Measured by " code { (meta.command()) } "." }
                p { "Figures are medians, per page allocated and freed, of contenders that took turns in one process: "
                    "ns; below it cycles of the time stamp counter and how many times the floor, and the tenth and the "
                    "ninetieth percentile in ns. "
                    "The floor is a plain copy of page numbers out and back. Compare them within this page only." }
                @if !meta.crates.is_empty() {
                    p { "Crates: " (meta.crates.join("; ")) "." }
                }
                @if !meta.left_out.is_empty() {
                    p { "Left out:" }
                    ul { @for what in &meta.left_out { li { (what) } } }
                }
                (ladder(&groups)?)
                (hardening(&groups))
                @for section in &sections { (section) }
            }
        }
    };
    Ok(page.into_string())
}

/// A shape in all its forms: the charts, and then the tables.
fn section(forms: &[Group]) -> Result<Markup> {
    let charts = forms.iter().map(charts).collect::<Result<Vec<_>>>()?;
    let shape = forms[0].case.shape;
    Ok(html! {
        section {
            h2 { (shape.name()) ": " (shape.what()) }
            div.charts { @for chart in &charts { (chart) } }
            @for form in forms {
                h3 { (form.case.label()) }
                @if let Some(distances) = form.distances() { p { (distances) } }
                (table(form, &form.contenders(), cell))
                @let rivals = form.rivals();
                @if !rivals.is_empty() {
                    p { (RATIOS) "." }
                    (table(form, &rivals, |group, row| html! { td { (ratios(group, row)) } }))
                }
            }
        }
    })
}

/// The charts of a form, if there are sizes to draw a line through: us, and the rivals beside us.
fn charts(group: &Group) -> Result<Markup> {
    if group.bulks().len() < 3 {
        return Ok(html! {});
    }
    let some = |kinds: &[Kind]| -> Vec<_> {
        let names = group.contenders().into_iter();
        names.filter(|name| kinds.contains(&group.kind(name)) && !UNDRAWN.contains(name)).collect()
    };
    let ours = some(&[Kind::Floor, Kind::Recycler, Kind::Calls, Kind::Mode]);
    let mut rivals = some(&[Kind::Rival]);
    if !rivals.is_empty() {
        rivals.splice(0..0, some(&[Kind::Floor]).into_iter().chain(AGAINST));
    }
    let label = group.case.label();
    let hardened = group.contenders().contains(&"Hardened");
    let hardened = if hardened { " Hardened is in the table." } else { "" };
    Ok(html! {
        (figure(group, &ours, &format!("{label}.{hardened}"))?)
        (figure(group, &rivals, &format!("{label}: rivals beside two modes."))?)
    })
}

/// A chart of these, with its legend.
fn figure(group: &Group, names: &[&str], caption: &str) -> Result<Markup> {
    let bulks = group.bulks();
    let value = |name: &str, bulk: &usize| group.row(name, *bulk).map(|row| row.figures.ns);
    let mut others = 0;
    let mut lines = Vec::new();
    for name in names {
        let values: Vec<_> = bulks.iter().map(|bulk| value(name, bulk)).collect();
        if values.iter().all(Option::is_none) {
            continue;
        }
        let known = COLOURS.iter().find(|known| known.0 == *name);
        let mut dashed = matches!(group.kind(name), Kind::Floor | Kind::Recycler);
        let colour = known.map_or_else(
            || {
                dashed = others >= RIVALS.len();
                others += 1;
                RIVALS[(others - 1) % RIVALS.len()]
            },
            |known| known.1,
        );
        lines.push(Line { name: (*name).to_owned(), colour: Colour(colour), dashed, values });
    }
    if lines.is_empty() {
        return Ok(html! {});
    }
    let svg = chart::lines(&bulks, &lines)?;
    Ok(framed(&svg, &lines, caption))
}

/// A drawing with the names of its lines below it.
fn framed(svg: &str, lines: &[Line], caption: &str) -> Markup {
    html! {
        figure {
            (PreEscaped(svg))
            ul.legend {
                @for line in lines {
                    li {
                        svg.swatch viewBox="0 0 24 10" aria-hidden="true" {
                            line x1="0" y1="5" x2="24" y2="5" stroke=(line.colour.name()) stroke-width="3"
                                stroke-dasharray=[line.dashed.then_some("5 4")] {}
                        }
                        (line.name)
                    }
                }
            }
            figcaption { (caption) }
        }
    }
}

/// Sizes down, contenders across.
fn table(group: &Group, names: &[&str], cell: fn(&Group, &Row) -> Markup) -> Markup {
    let cell = |row: Option<&Row>| row.map_or(html! { td { "–" } }, |row| cell(group, row));
    html! {
        div.scroll tabindex="0" {
            table {
                thead { tr { th scope="col" { "n" } @for name in names { th scope="col" { (name) } } } }
                tbody {
                    @for bulk in group.bulks() {
                        tr {
                            th scope="row" { (bulk) }
                            @for name in names { (cell(group.row(name, bulk))) }
                        }
                    }
                }
            }
        }
    }
}

/// Ns, and below it cycles and how many times the floor, and the spread.
fn cell(group: &Group, row: &Row) -> Markup {
    let figures = row.figures;
    let spread = format!("{} – {}", chart::figure(figures.p10), chart::figure(figures.p90));
    let kept = format!("{:.0} % of the samples kept", figures.kept * 100.0);
    let cycles = row.cycles.map(|cycles| format!("{} cy", chart::figure(cycles)));
    let times = group.over_floor(row).map(|times| format!("×{}", chart::figure(times)));
    let below: Vec<_> = cycles.into_iter().chain(times).collect();
    let ns = chart::figure(figures.ns);
    html! { td title=(kept) { (ns) small { (below.join(" · ")) } small { (spread) } } }
}

/// What each safety step adds, at one size.
fn ladder(groups: &[Group]) -> Result<Markup> {
    let plain = |shape| {
        let mut groups = groups.iter();
        groups.find(|group| {
            group.case.shape == shape && group.case.order == Order::Scattered && !group.case.touched
        })
    };
    let of = |shape: Shape| {
        let group = plain(shape)?;
        let value = |(_, name)| group.row(name, LADDER_BULK).map(|row| row.figures.ns);
        let values: Vec<_> = LADDER.map(value).into();
        let whole = values.iter().filter(|value| value.is_some()).count() > 1;
        let colour = Colour(usize::from(shape == Shape::Keep2048));
        whole.then(|| Line { name: shape.name().to_owned(), colour, dashed: false, values })
    };
    let lines: Vec<_> = [Shape::HotPair, Shape::Keep2048].into_iter().filter_map(of).collect();
    if lines.is_empty() {
        return Ok(html! {});
    }
    let steps = LADDER.map(|(step, _)| step.to_owned());
    // Hardened writes every byte of a page: on its scale nothing else could be seen.
    let most = lines.iter().flat_map(|line| line.values[..4].iter().flatten());
    let most = most.copied().fold(0.1, f64::max);
    let cut = lines.iter().any(|line| line.values[4].is_some_and(|ns| ns > most));
    let cut = if cut { "; the bar of hardened is cut off" } else { "" };
    let svg = chart::bars(&steps, &lines, most)?;
    Ok(html! {
        section {
            h2 { "The ladder: what each safety step adds, at n = " (LADDER_BULK) }
            div.charts {
                (framed(&svg, &lines, &format!("ns per page{cut}.")))
            }
            div.scroll tabindex="0" {
                table {
                    thead { tr {
                        th scope="col" { "step" }
                        th scope="col" { "mode" }
                        @for line in &lines { th scope="col" { (line.name) } th scope="col" { "added" } }
                    } }
                    tbody {
                        @for (at, (step, name)) in LADDER.iter().enumerate() {
                            tr {
                                th scope="row" { (step) }
                                td { (name) }
                                @for line in &lines {
                                    td { (or_dash(line.values[at], chart::figure)) }
                                    td { (or_dash(added(&line.values, at), signed)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    })
}

/// What each hardening switch costs.
fn hardening(groups: &[Group]) -> Markup {
    let Some(ladder) = steps::ladder(groups) else { return html! {} };
    html! {
        section {
            h2 { (steps::title()) }
            div.scroll tabindex="0" {
                table {
                    thead { tr {
                        th scope="col" { "step" }
                        @for head in &ladder.heads { th scope="col" { (head) } }
                    } }
                    tbody {
                        @for (what, figures) in &ladder.lines {
                            tr {
                                th scope="row" { (what) }
                                @for figure in figures {
                                    td {
                                        (or_dash(figure.map(|it| it.0), chart::figure))
                                        @if let Some((_, Some(times))) = figure {
                                            small { "×" (chart::figure(*times)) }
                                        }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What a step adds to the one before it.
fn added(values: &[Option<f64>], at: usize) -> Option<f64> {
    let before = *values.get(at.checked_sub(1)?)?;
    Some(values[at]? - before?)
}

fn or_dash(value: Option<f64>, told: impl Fn(f64) -> String) -> String {
    value.map_or("–".to_owned(), told)
}

/// A difference, without a sign where it is none.
fn signed(ns: f64) -> String {
    if ns.abs() < 0.005 { "0.00".to_owned() } else { format!("{ns:+.2}") }
}

#[cfg(test)]
mod tests {
    use super::super::tests::row;
    use super::*;

    fn rows() -> Vec<Row> {
        let mut rows = Vec::new();
        for bulk in [1, 8, 64] {
            for (name, ns) in [("copy-floor", 0.2), ("Bare", 0.3), ("NoStats", 0.9)] {
                rows.push(row(Shape::HotPair, bulk, name, ns));
            }
            let rival = row(Shape::HotPair, bulk, "a<b>&c", 0.1);
            rows.push(Row { kind: Kind::Rival, ..rival });
        }
        rows
    }

    #[test]
    fn the_page_needs_nothing_else_and_says_first_who_is_faster() {
        let page = page(&rows(), &Meta::default()).expect("a page");
        for outside in ["<script", "<link", "<img", "@import", "url(", "src="] {
            assert!(!page.contains(outside), "{outside}");
        }
        assert!(page.contains("name=\"viewport\"") && page.contains("prefers-color-scheme"));
        let paragraph = page.split("<p").nth(1).expect("a paragraph");
        assert!(paragraph.contains("A rival was faster than Bare in 3 of 3"), "{paragraph}");
    }

    #[test]
    fn who_is_left_out_is_named() {
        let mut meta = Meta::default();
        meta.left_out.push("snmalloc: cmake is not installed".to_owned());
        meta.crates.push("BytesMut: bytes 1.12.2".to_owned());
        let page = page(&rows(), &meta).expect("a page");
        assert!(page.contains("<p>Crates: BytesMut: bytes 1.12.2.</p>"));
        assert!(page.contains("<li>snmalloc: cmake is not installed</li>"));
    }

    #[test]
    fn names_are_escaped() {
        let page = page(&rows(), &Meta::default()).expect("a page");
        assert!(!page.contains("a<b>") && page.contains("<th scope=\"col\">a&lt;b&gt;&amp;c</th>"));
    }

    #[test]
    fn every_figure_has_its_table() {
        let page = page(&rows(), &Meta::default()).expect("a page");
        // The ladder, the modes and the rivals; the last two are of one table, and the rivals' ratios have their own.
        assert_eq!((page.matches("<figure>").count(), page.matches("<table>").count()), (3, 3));
        assert!(page.contains("<td>0.33 / –</td>"));
        assert!(page.contains("0.30<small>0.60 cy · ×1.50</small><small>0.30 – 0.30</small>"));
    }

    #[test]
    fn the_ladder_of_hardening_has_a_table() {
        let mut rows = rows();
        rows.push(row(Shape::HotPair, 64, "Checked", 0.5));
        rows.push(row(Shape::HotPair, 64, "Checked+shuffle", 2.0));
        let page = page(&rows, &Meta::default()).expect("a page");
        assert_eq!(page.matches("<table>").count(), 4);
        assert!(page.contains("shuffle alone</th><td>2.00<small>×4.00</small></td>"));
    }

    #[test]
    fn a_step_adds_to_the_one_before_it() {
        let values = [Some(0.25), Some(0.5), None, Some(1.0)];
        let all: Vec<_> = (0..4).map(|at| added(&values, at)).collect();
        assert_eq!(all, [None, Some(0.25), None, None]);
    }
}
