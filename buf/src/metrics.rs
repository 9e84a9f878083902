//! A pool's figures, given to the crate `metrics`.

use alloc::format;
use alloc::string::String;

use metrics::{SharedString, Unit, counter, describe_counter, describe_gauge, gauge};
use pagesheaf::Stats;

/// Tells the program's recorder what each figure of [`record`] is: its unit, and a line of help. Once is enough, after
/// the recorder is installed.
///
/// ```
/// # if pagesheaf::Pool::builder(1).build().is_err() { return Ok(()) }
/// use pagesheaf::Pool;
///
/// let pool = Pool::builder(100).build()?;
/// if let Some(stats) = pool.stats() {
///     pagesheaf_buf::describe(&stats);
///     pagesheaf_buf::record("uploads", &stats);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn describe(stats: &Stats) {
    stats.each(|figure, help, _| {
        let name: String = format!("pagesheaf_{figure}");
        if figure.ends_with("_total") {
            describe_counter!(name, Unit::Count, help);
        } else {
            describe_gauge!(name, Unit::Count, help);
        }
    });
}

/// Gives all figures of a pool to the recorder of the program: counters for those that only grow, whose names end in
/// `_total`, gauges for the others. Each is named `pagesheaf_…` and has the label `pool`. Call it as often as they are
/// to be looked at.
///
/// ```
/// # if pagesheaf::Pool::builder(1).build().is_err() { return Ok(()) }
/// use pagesheaf::Pool;
///
/// let pool = Pool::builder(100).build()?;
/// if let Some(stats) = pool.stats() {
///     pagesheaf_buf::record("uploads", &stats);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn record(pool: impl Into<SharedString>, stats: &Stats) {
    let pool = pool.into();
    stats.each(|figure, _, value| {
        let name: String = format!("pagesheaf_{figure}");
        if figure.ends_with("_total") {
            counter!(name, "pool" => pool.clone()).absolute(value);
        } else {
            gauge!(name, "pool" => pool.clone()).set(value as f64);
        }
    });
}
