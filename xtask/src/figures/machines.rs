//! The figures of this machine beside those of the machine before, and which orders changed.

use std::fmt::Write as _;

use anyhow::Result;

use super::faster::{OURS, RECYCLER};
use super::parts::{OTHERS, POOLS, figure, machine, wrapped};
use super::prices::BESIDE;
use super::record::{BULKS, Earlier, Record};

/// Below so many ns for a cache line to the other core and back, the two are near: see the matrix' `Distance`.
const NEAR: f64 = 200.0;

/// At 64 pages a call, now and before; and who was faster than whom, where that is another one now.
pub fn machines(record: &Record) -> Result<String> {
    let Some(before) = &record.before else {
        return Ok("One machine has been recorded so far.\n".to_owned());
    };
    let mut shapes = BESIDE.to_vec();
    shapes.retain(|shape| before.ns("Bare", shape, 64).is_some());
    let said = format!(
        "Ns a page at 64 pages a call, on {} and, behind the stroke, on {}:",
        machine(&record.meta),
        machine(&before.meta)
    );
    let heads: Vec<_> = shapes.iter().map(|shape| format!("`{shape}`")).collect();
    let (heads, rule) = (heads.join(" | "), "--:|".repeat(shapes.len()));
    let mut text = format!("{}\n| | {heads} |\n|---|{rule}\n", wrapped(&said, "", ""));
    let ours = ["Bare", "Compact", "Checked", "Hardened"].map(|name| (name, format!("`{name}`")));
    let others = OTHERS.map(|(name, shown)| (name, shown.to_owned()));
    for (name, shown) in ours.into_iter().chain(others) {
        let cells = shapes.iter().map(|shape| {
            let both = [record.ns(name, shape, 64), before.ns(name, shape, 64)];
            cell(both.map(|ns| ns.map(figure)))
        });
        writeln!(text, "| {shown} | {} |", cells.collect::<Vec<_>>().join(" | "))?;
    }
    let lines = shapes.iter().map(|shape| {
        let both = [record.line(shape, 64), before.line(shape, 64)];
        cell(both.map(|line| line.map(|line| format!("{line:.0}"))))
    });
    writeln!(text, "| a cache line | {} |", lines.collect::<Vec<_>>().join(" | "))?;
    let (changed, compared) = changed(record, before);
    let said = format!(
        "Of {compared} comparisons of `Bare` and `Checked` with others, at 1 and 64 pages a call \
         and by cores that were as far apart on both, {} came out the other way:",
        changed.len()
    );
    writeln!(text, "\n{}", wrapped(&said, "", ""))?;
    changed.iter().for_each(|line| text += &wrapped(line, "- ", "  "));
    Ok(text)
}

/// What is now, and what was before; nothing where neither is known.
fn cell(both: [Option<String>; 2]) -> String {
    match both {
        [None, None] => String::new(),
        both => both.map(Option::unwrap_or_default).join(" / "),
    }
}

/// Each comparison whose order is another one now, and how many were made.
fn changed(record: &Record, before: &Earlier) -> (Vec<String>, usize) {
    let (mut changed, mut compared) = (Vec::new(), 0);
    for (shape, bulk) in BESIDE.into_iter().flat_map(|shape| BULKS.map(|bulk| (shape, bulk))) {
        let near =
            [record.line(shape, bulk), before.line(shape, bulk)].map(|it| it.map(|ns| ns < NEAR));
        if near[0] != near[1] {
            continue;
        }
        let both = |name| Some([record.ns(name, shape, bulk)?, before.ns(name, shape, bulk)?]);
        let others = OTHERS.into_iter().chain(POOLS).chain([RECYCLER]);
        for ((name, shown), ours) in others.flat_map(|it| OURS.map(|ours| (it, ours))) {
            let (Some(own), Some(theirs)) = (both(ours), both(name)) else { continue };
            compared += 1;
            let [now, then] = [0, 1].map(|at| own[at] < theirs[at]);
            let [own, theirs] = [own, theirs].map(|both| both.map(figure));
            // What is the same as it is shown has no order.
            if now != then && own[0] != theirs[0] && own[1] != theirs[1] {
                let (is, was) = if now { ("faster", "slower") } else { ("slower", "faster") };
                changed.push(format!(
                    "`{shape}`, {bulk}: `{ours}` is {is} than {shown} ({} against {}), and was \
                     {was} ({} against {})",
                    own[0], theirs[0], own[1], theirs[1]
                ));
            }
        }
    }
    (changed, compared)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_that_is_another_one_now_is_told_with_its_figures() {
        let rows = |checked: f64, queue: f64| {
            [("Checked", checked), ("Bare", 0.5), ("ArrayQueue", queue)]
                .map(|(name, ns)| {
                    format!(
                        r#"{{"shape": "hot_pair", "bulk": 64, "order": "scattered", "touched": false,
                        "colour": false, "contender": "{name}", "kind": "mode", "ns": {ns}}}"#
                    )
                })
                .join(", ")
        };
        let of = |machine: &str, rows: &str| {
            format!(
                r#""meta": {{"machine": "{machine}", "cores": 2, "rustc": "rustc 1.95.0 (x)",
                "commit": "c", "unix_time": 0, "kept": 1.0}}, "rows": [{rows}]"#
            )
        };
        let (now, then) = (of("A", &rows(1.0, 2.0)), of("B", &rows(4.0, 3.0)));
        let record =
            Record::parse(&format!(r#"{{{now}, "before": {{{then}}}}}"#)).expect("figures");
        let text = machines(&record).expect("a part").replace('\n', " ");
        assert!(text.contains("on A, 2 cores") && text.contains("on B, 2 cores"), "{text}");
        assert!(text.contains("Of 2 comparisons") && text.contains(" 1 came out"), "{text}");
        let line = "`hot_pair`, 64: `Checked` is faster than `ArrayQueue<u32>` (1.00 against 2.00), and \
            was slower (4.00 against 3.00)";
        assert!(text.replace("   ", " ").contains(line), "{text}");
    }
}
