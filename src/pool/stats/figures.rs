//! Statistics for programs that watch programs: every figure has a name with its unit, and a line that explains it.
//!
//! Invariant: every figure of [`Stats`] is in the table once. A name that ends in `_total` is of what only grows.

use core::fmt;

use super::Stats;

/// A figure: its name, what it is, and where it stands.
type Figure = (&'static str, &'static str, fn(&Stats) -> u64);

const FIGURES: &[Figure] = &[
    ("capacity_pages", "All pages of the pool.", |s| s.pages.capacity),
    ("free_pages", "Pages in the zone.", |s| s.pages.free),
    ("cached_pages", "Free pages in caches and depots.", |s| s.pages.cached),
    ("out_pages", "Pages that have an owner.", |s| s.pages.out),
    ("lent_pages", "Pages handed to devices.", |s| s.pages.lent),
    ("bad_pages", "Pages withheld after a fault.", |s| s.pages.bad),
    ("offline_pages", "Pages that are not given out before they come online.", |s| s.pages.offline),
    ("fenced_pages", "Pages that wait for their ticket to pass.", |s| s.pages.fenced),
    ("promised_pages", "Pages in the hands of those who wait for more.", |s| s.pages.promised),
    ("lost_pages", "Pages lost to a forked child.", |s| s.pages.lost),
    ("allocated_pages_total", "Pages allocated through caches.", |s| s.calls.allocated),
    ("freed_pages_total", "Pages freed through caches.", |s| s.calls.freed),
    ("alloc_calls_total", "Calls that allocated.", |s| s.calls.alloc_calls),
    ("free_calls_total", "Calls that freed.", |s| s.calls.free_calls),
    ("short_calls_total", "Allocations that came back short.", |s| s.calls.short),
    ("failed_exact_calls_total", "All-or-none allocations that got nothing.", |s| {
        s.calls.failed_exact
    }),
    ("depot_refills_total", "Refills from the depots.", |s| s.calls.depot_refills),
    ("shared_refills_total", "Refills from shared caches.", |s| s.calls.shared_refills),
    ("idle_refills_total", "Refills from idle caches.", |s| s.calls.idle_refills),
    ("zone_refills_total", "Refills from the zone.", |s| s.calls.zone_refills),
    ("depot_flushes_total", "Flushes to the depots.", |s| s.calls.depot_flushes),
    ("zone_flushes_total", "Flushes to the zone.", |s| s.calls.zone_flushes),
    ("uncached_pages_total", "Pages allocated without a cache.", |s| s.uncached),
    // No counter: it is put together from counts of different moments, and can come down.
    ("dropped_pages", "Pages freed without a cache.", |s| s.dropped),
    ("verified_pages_total", "Poisoned pages that were verified as they left.", |s| {
        s.poison_checks
    }),
    ("faults_total", "Faults seen.", |s| s.faults),
    ("purged_pages_total", "Pages whose memory went back to the system.", |s| s.purged),
];

impl Stats {
    /// Calls `visit` with each figure: its name, a line that explains it, and its value. A name ends in
    /// its unit, and in `_total` if the figure only grows; the others go up and down.
    ///
    /// ```
    /// # use pagesheaf::{Checked, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).mode::<Checked>().build()?;
    /// let page = pool.alloc()?;
    /// let stats = pool.stats().expect("the mode collects them");
    /// stats.each(|name, help, value| println!("{name} = {value}: {help}"));
    /// stats.each(|name, _, value| assert!(name != "out_pages" || value == 1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn each(&self, mut visit: impl FnMut(&'static str, &'static str, u64)) {
        FIGURES.iter().for_each(|(name, help, value)| visit(name, help, value(self)));
    }

    /// The text that a Prometheus server scrapes, of several pools, each with the name that its label
    /// has. Print it into the answer to `GET /metrics`, as `text/plain; version=0.0.4`.
    ///
    /// ```
    /// # use pagesheaf::{Checked, Pool, Stats};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).mode::<Checked>().build()?;
    /// let stats = pool.stats().expect("the mode collects them");
    /// let text = Stats::prometheus(&[("rx", stats), ("tx", stats)]).to_string();
    /// assert!(text.starts_with("# HELP pagesheaf_capacity_pages All pages of the pool.\n"));
    /// assert!(text.contains("\npagesheaf_capacity_pages{pool=\"tx\"} 100\n"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn prometheus(pools: &[(&str, Stats)]) -> impl fmt::Display {
        Text(pools)
    }
}

/// The text of several pools.
struct Text<'a>(&'a [(&'a str, Stats)]);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        FIGURES.iter().try_for_each(|(name, help, value)| {
            let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
            writeln!(f, "# HELP pagesheaf_{name} {help}\n# TYPE pagesheaf_{name} {kind}")?;
            self.0.iter().try_for_each(|(pool, stats)| {
                writeln!(f, "pagesheaf_{name}{{pool=\"{}\"}} {}", Label(pool), value(stats))
            })
        })
    }
}

/// The value of a label, as it stands between quotes.
struct Label<'a>(&'a str);

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c {
            '\\' => f.write_str("\\\\"),
            '"' => f.write_str("\\\""),
            '\n' => f.write_str("\\n"),
            c => write!(f, "{c}"),
        })
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::collections::BTreeSet;
    use std::string::ToString;
    use std::vec::Vec;

    use super::*;
    use crate::mode::{Checked, ModeFlags};
    use crate::pool::{Calls, Pages};

    /// Statistics in which each figure has a value of its own.
    fn distinct() -> Stats {
        let mut next = 1..;
        let mut one = || next.next().expect("a number");
        let pages = Pages {
            capacity: one(),
            free: one(),
            cached: one(),
            out: one(),
            lent: one(),
            bad: one(),
            offline: one(),
            fenced: one(),
            promised: one(),
            lost: one(),
        };
        let calls = Calls {
            allocated: one(),
            freed: one(),
            alloc_calls: one(),
            free_calls: one(),
            short: one(),
            failed_exact: one(),
            depot_refills: one(),
            shared_refills: one(),
            idle_refills: one(),
            zone_refills: one(),
            depot_flushes: one(),
            zone_flushes: one(),
        };
        Stats {
            mode: ModeFlags::of::<Checked>(),
            pages,
            calls,
            uncached: one(),
            dropped: one(),
            poison_checks: one(),
            faults: one(),
            purged: one(),
        }
    }

    #[test]
    fn each_figure_is_told_once_in_the_order_of_the_struct() {
        let mut values = Vec::new();
        let mut names = BTreeSet::new();
        distinct().each(|name, help, value| {
            assert!(names.insert(name), "{name} twice");
            assert!(help.ends_with('.') && !help.contains(['\\', '\n']), "{help}");
            assert!(name.bytes().all(|c| c.is_ascii_lowercase() || c == b'_'), "{name}");
            values.push(value);
        });
        assert!(values.iter().copied().eq(1..=27), "{values:?}");
    }

    #[test]
    fn a_label_stays_between_its_quotes() {
        let text = Stats::prometheus(&[("a \"b\"\\\n", distinct())]).to_string();
        assert!(text.contains("\npagesheaf_purged_pages_total{pool=\"a \\\"b\\\"\\\\\\n\"} 27\n"));
        assert_eq!(text.lines().count(), 3 * 27);
    }

    #[test]
    fn what_can_shrink_is_no_counter() {
        let text = Stats::prometheus(&[("rx", distinct())]).to_string();
        assert!(text.contains("# TYPE pagesheaf_dropped_pages gauge\n"));
        assert!(text.contains("# TYPE pagesheaf_faults_total counter\n"));
    }
}
