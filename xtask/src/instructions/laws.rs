//! What the counts must be, whatever they were before.

use super::figures::Figures;

/// Most instructions per page of `Checked`, scattered, at 64.
const CHECKED: f64 = 20.0;

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
        if mode != "Hardened" && row.locked > 0.0 {
            broken.push(format!(
                "{mode}, {bulk} {order}: {} locked instructions per page",
                row.locked
            ));
        }
    }
    for it in figures.moves.iter().filter(|it| it.locked > it.most()) {
        broken.push(format!(
            "{}, {}: {} locked instructions for {} magazines and {} words of the zone, more than {}",
            it.mode, it.shape, it.locked, it.magazines, it.words, it.most()
        ));
    }
    broken
}
