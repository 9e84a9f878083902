//! What the counts must be, whatever they were before.

use super::figures::{Figures, Row};

/// Most instructions per page of `Checked`, scattered, at 64.
const CHECKED: f64 = 20.0;

/// Most of the calls for one page, `alloc` and `free`, where the page moved (`keep_2048`).
const SINGLE: f64 = 130.0;

/// A stealable cache takes so many times the instructions of a plain one, at most, for one page.
const STEALABLE: f64 = 1.1;

/// As much where 2,048 pages are out: two loops keep the mark's address, and one of them spills.
const STEALABLE_OUT: f64 = 1.12;

/// And so many more a page, at most, at 64.
const STEALABLE_MORE: f64 = 1.0;

/// What a stealable cache costs above a plain one, if that is too much.
fn too_dear(row: &Row, figures: &Figures) -> Option<String> {
    let plain = row.mode.strip_suffix("+stealable")?;
    let same = |it: &&Row| {
        (&it.shape, it.bulk, &it.order, it.mode.as_str())
            == (&row.shape, row.bulk, &row.order, plain)
    };
    let plain = figures.all().find(same)?.own;
    let most = match row.bulk {
        1 if row.shape == "hot_pair" => plain * STEALABLE,
        1 => plain * STEALABLE_OUT,
        64 => plain + STEALABLE_MORE,
        _ => return None,
    };
    let Row { shape, mode, bulk, own, .. } = row;
    (*own > most)
        .then(|| format!("{shape}, {mode}, {bulk}: {own} instructions per page, more than {most}"))
}

/// What lending costs above the pair of calls, if it does: in one pass, or by a batch of some pages.
fn dearer_than_in_two(row: &Row, figures: &Figures) -> Option<String> {
    let way = match row.mode.strip_suffix("-batch") {
        // A page alone is dearer: an iterator is made for it.
        Some(_) if row.bulk == 1 => return None,
        Some(way) => way,
        None => &row.mode,
    };
    let in_two = format!("{way}-in-two");
    let same = |it: &&Row| (it.mode.as_str(), it.bulk) == (in_two.as_str(), row.bulk);
    let in_two = figures.rows.iter().find(same)?.instructions;
    let Row { mode, bulk, instructions, .. } = row;
    let text = || format!("{mode}, {bulk}: {instructions} instructions per page, in two {in_two}");
    (*instructions > in_two).then(text)
}

/// The laws that do not hold, in words.
pub fn broken(figures: &Figures) -> Vec<String> {
    let mut broken = Vec::new();
    for row in &figures.rows {
        let (mode, order, bulk) = (row.mode.as_str(), &row.order, row.bulk);
        if (mode, order.as_str(), bulk) == ("Checked", "scattered", 64)
            && row.instructions > CHECKED
        {
            broken.push(format!(
                "Checked takes {} instructions per page, more than {CHECKED}",
                row.instructions
            ));
        }
        // A hardened free claims each page by a compare-and-swap, so that one of two that race is told.
        // Pages that go to a device are claimed one by one, and counted once a call, at each end.
        let locked = if mode.contains("lent") { 2.0 + 2.0 / f64::from(bulk) } else { 0.0 };
        if mode != "Hardened" && row.locked > locked {
            broken.push(format!(
                "{mode}, {bulk} {order}: {} locked instructions per page",
                row.locked
            ));
        }
    }
    broken.extend(figures.all().filter_map(|row| too_dear(row, figures)));
    broken.extend(figures.rows.iter().filter_map(|row| dearer_than_in_two(row, figures)));
    let single = |row: &&Row| {
        (row.mode.as_str(), row.shape.as_str(), row.bulk) == ("single", "keep_2048", 1)
    };
    broken.extend(figures.all().filter(single).filter(|row| row.own > SINGLE).map(|row| {
        format!("a page that moved takes {} instructions, more than {SINGLE}", row.own)
    }));
    for it in figures.moves.iter().filter(|it| it.locked > it.most()) {
        broken.push(format!(
            "{}, {}: {} locked instructions for {} magazines and {} words of the zone, more than {}",
            it.mode, it.shape, it.locked, it.magazines, it.words, it.most()
        ));
    }
    broken
}
