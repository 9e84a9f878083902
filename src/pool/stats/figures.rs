//! Statistics for programs that watch programs: every figure has a name with its unit, and a line that explains it.
//!
//! Invariant: every figure of [`Stats`] is in the tables once, and in their order. A name that ends in `_total` is of
//! what only grows.

mod by_cache;

use core::fmt;

use super::{Calls, Pages, Stats};

/// A figure of something: its name, what it is, and where it stands.
type Figure<T> = (&'static str, &'static str, fn(&T) -> u64);

const PAGES: &[Figure<Pages>] = &[
    ("capacity_pages", "All pages of the pool.", |it| it.capacity),
    ("free_pages", "Pages in the zone.", |it| it.free),
    ("cached_pages", "Free pages in caches and depots.", |it| it.cached),
    ("out_pages", "Pages that have an owner.", |it| it.out),
    ("lent_pages", "Pages handed to devices.", |it| it.lent),
    ("bad_pages", "Pages withheld after a fault.", |it| it.bad),
    ("offline_pages", "Pages that are not given out before they come online.", |it| it.offline),
    ("fenced_pages", "Pages that wait for their ticket to pass.", |it| it.fenced),
    ("promised_pages", "Pages in the hands of those who wait for more.", |it| it.promised),
    ("lost_pages", "Pages lost to a forked child.", |it| it.lost),
];

const CALLS: &[Figure<Calls>] = &[
    ("allocated_pages_total", "Pages allocated through caches.", |it| it.allocated),
    ("freed_pages_total", "Pages freed through caches.", |it| it.freed),
    ("alloc_calls_total", "Calls that allocated.", |it| it.alloc_calls),
    ("free_calls_total", "Calls that freed.", |it| it.free_calls),
    ("short_calls_total", "Allocations that came back short.", |it| it.short),
    ("failed_exact_calls_total", "All-or-none allocations that got nothing.", |it| it.failed_exact),
    ("depot_refills_total", "Refills from the depots.", |it| it.depot_refills),
    ("shared_refills_total", "Refills from shared caches.", |it| it.shared_refills),
    ("idle_refills_total", "Refills from idle caches.", |it| it.idle_refills),
    ("zone_refills_total", "Refills from the zone.", |it| it.zone_refills),
    ("depot_flushes_total", "Flushes to the depots.", |it| it.depot_flushes),
    ("zone_flushes_total", "Flushes to the zone.", |it| it.zone_flushes),
];

const OTHERS: &[Figure<Stats>] = &[
    ("uncached_pages_total", "Pages allocated without a cache.", |it| it.uncached),
    // No counter: it is put together from counts of different moments, and can come down.
    ("dropped_pages", "Pages freed without a cache.", |it| it.dropped),
    ("verified_pages_total", "Poisoned pages that were verified as they left.", |it| {
        it.poison_checks
    }),
    ("faults_total", "Faults seen.", |it| it.faults),
    ("purged_pages_total", "Pages whose memory went back to the system.", |it| it.purged),
];

/// Calls `visit` with each figure of a table.
fn each<T>(of: &T, table: &[Figure<T>], visit: &mut impl FnMut(&'static str, &'static str, u64)) {
    table.iter().for_each(|(name, help, value)| visit(name, help, value(of)));
}

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
        each(&self.pages, PAGES, &mut visit);
        each(&self.calls, CALLS, &mut visit);
        each(self, OTHERS, &mut visit);
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
    ///
    /// [`Pool::prometheus_by_cache`](crate::Pool::prometheus_by_cache) has the figures of each cache, by its name.
    #[must_use]
    pub fn prometheus(pools: &[(&str, Stats)]) -> impl fmt::Display {
        Text(pools)
    }
}

/// The text of several pools.
struct Text<'a>(&'a [(&'a str, Stats)]);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.table(f, PAGES, |stats| &stats.pages)?;
        self.table(f, CALLS, |stats| &stats.calls)?;
        self.table(f, OTHERS, |stats| stats)
    }
}

impl Text<'_> {
    fn table<T>(
        &self,
        f: &mut fmt::Formatter<'_>,
        table: &[Figure<T>],
        part: fn(&Stats) -> &T,
    ) -> fmt::Result {
        table.iter().try_for_each(|(name, help, value)| {
            head(f, "pagesheaf", name, help)?;
            self.0.iter().try_for_each(|(pool, stats)| {
                let value = value(part(stats));
                writeln!(f, "pagesheaf_{name}{{pool=\"{}\"}} {value}", Label(pool))
            })
        })
    }
}

/// What stands above the lines of a figure.
fn head(f: &mut fmt::Formatter<'_>, of: &str, name: &str, help: &str) -> fmt::Result {
    let kind = if name.ends_with("_total") { "counter" } else { "gauge" };
    writeln!(f, "# HELP {of}_{name} {help}\n# TYPE {of}_{name} {kind}")
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
