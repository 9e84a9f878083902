//! What a pool says when few of its pages are left.

use core::fmt;

use super::Count;

/// A mark of a pool's free pages: the count of those that are in no cache and no depot.
///
/// ```
/// # use pagesheaf::{Pool, Pressure, Watermark};
/// fn shed(pressure: &Pressure) {
///     if pressure.watermark == Watermark::Reserve {
///         eprintln!("{} pages are left: only critical calls get them", pressure.free);
///     }
/// }
/// let builder = Pool::builder(1000).low(100).critical_reserve(20).on_pressure(shed);
/// # let _ = builder;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Watermark {
    /// [`Builder::low`](crate::Builder::low): bulk calls get no more.
    Low,
    /// [`Builder::critical_reserve`](crate::Builder::critical_reserve): only
    /// [`Pool::critical`](crate::Pool::critical) gets more.
    Reserve,
}

/// What [`Builder::on_pressure`](crate::Builder::on_pressure) is told.
///
/// ```
/// # use pagesheaf::{Pool, Pressure, Watermark};
/// fn shed(pressure: &Pressure) {
///     match pressure.watermark {
///         Watermark::Low => { /* drop what can be read again */ }
///         _ => eprintln!("{pressure}"),
///     }
/// }
/// let builder = Pool::builder(1000).low(100).critical_reserve(20).on_pressure(shed);
/// # let _ = builder;
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Pressure {
    /// The mark that the call has crossed.
    pub watermark: Watermark,
    /// How many pages are left, about: others may be at work.
    pub free: usize,
}

impl fmt::Display for Pressure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.watermark {
            Watermark::Low => "the low mark",
            Watermark::Reserve => "the critical reserve",
        };
        write!(f, "{mark} is reached: {} left", Count(self.free as u64, "free page"))
    }
}
