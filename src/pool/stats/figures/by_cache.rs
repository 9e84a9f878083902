//! The figures of each cache, for the same programs.
//!
//! Invariant: a cache's lines have its number, so that no two are of the same labels, and its name, if it has one.

use core::fmt;

use super::{CALLS, Label, each, head};
use crate::mode::Mode;
use crate::pool::{Calls, Holder, Pool};

impl Calls {
    /// Calls `visit` with each figure: its name, a line that explains it, and its value, as
    /// [`Stats::each`](crate::Stats::each).
    ///
    /// ```
    /// # use pagesheaf::{Checked, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).mode::<Checked>().build()?;
    /// let rx = pool.cache_named("rx").build()?;
    /// for (number, calls) in pool.per_cache() {
    ///     calls.each(|name, _, value| println!("{name} of cache {number} = {value}"));
    /// }
    /// # drop(rx);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn each(&self, mut visit: impl FnMut(&'static str, &'static str, u64)) {
        each(self, CALLS, &mut visit);
    }
}

impl<M: Mode> Pool<M> {
    /// The text that a Prometheus server scrapes of the caches of several pools, each with the name that its label has:
    /// how many free pages each cache holds, and, in modes with statistics, what it did ([`Calls`]). A cache's lines
    /// have its number and its [name](Self::cache_named). Print it behind
    /// [`Stats::prometheus`](crate::Stats::prometheus).
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(1000).magazine_capacity(64).build()?;
    /// let rx = pool.cache_named("rx").min(64).build()?;
    /// let text = Pool::prometheus_by_cache(&[("packets", &pool)]).to_string();
    /// let line = "pagesheaf_cache_held_pages{pool=\"packets\",cache=\"0\",name=\"rx\"} 64\n";
    /// assert!(text.contains(line), "{text}");
    /// # drop(rx);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn prometheus_by_cache<'a>(pools: &'a [(&'a str, &'a Pool<M>)]) -> impl fmt::Display {
        Text(pools)
    }
}

/// The text of several pools' caches.
struct Text<'a, M: Mode>(&'a [(&'a str, &'a Pool<M>)]);

impl<M: Mode> fmt::Display for Text<'_, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines(f, "held_pages", "Free pages that the cache holds.", |holder, _| {
            holder.pages as u64
        })?;
        let calls = if M::STATS { CALLS } else { &[] };
        calls
            .iter()
            .try_for_each(|(name, help, value)| self.lines(f, name, help, |_, calls| value(&calls)))
    }
}

impl<M: Mode> Text<'_, M> {
    /// A figure of each cache.
    fn lines(
        &self,
        f: &mut fmt::Formatter<'_>,
        name: &str,
        help: &str,
        value: impl Fn(Holder, Calls) -> u64,
    ) -> fmt::Result {
        head(f, "pagesheaf_cache", name, help)?;
        for (label, pool) in self.0 {
            for (holder, _, calls) in pool.caches() {
                let (number, cache) = (holder.number, Label(holder.name.unwrap_or_default()));
                write!(f, "pagesheaf_cache_{name}{{pool=\"{}\",cache=\"{number}\",", Label(label))?;
                writeln!(f, "name=\"{cache}\"}} {}", value(holder, calls))?;
            }
        }
        Ok(())
    }
}
