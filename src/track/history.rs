//! What happened to a page: its last sixteen events, in one word.
//!
//! Invariant: the last event alone says whether the page is out. No events are a word of 0, as a page's is that nobody
//! has had yet.

use core::fmt;
use core::time::Duration;

/// Something that happened to a page: see [`History`].
///
/// ```
/// # #[cfg(feature = "track")] {
/// # use pagesheaf::{Event, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).build()?;
/// let page = pool.alloc()?;
/// assert_eq!(pool.history(page.id()).last(), Some(Event::Allocated));
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Event {
    /// A call allocated it.
    Allocated = 1,
    /// A call freed it.
    Freed,
    /// The drop of its owner freed it; of a block, [`Freed`](Self::Freed).
    Dropped,
    /// It was freed while it was not out: a double free, or it was never allocated.
    FreedAgain,
    /// A free of it was refused, and it stayed out.
    FreeRefused,
    /// It went to a device.
    Lent,
    /// It came back from a device.
    Reclaimed,
    /// References were added.
    Retained,
    /// References were given up.
    Released,
    /// Its block was split.
    Split,
    /// Another call was refused for it, and it stayed out.
    Refused,
    /// Another call was made for it, refused or not, while it was not out.
    UsedFree,
    /// It was found bad while it was free, and is withheld.
    Withheld,
    /// [`CloseError::recover_forgotten`](crate::CloseError::recover_forgotten) put it back.
    Recovered,
    /// It was given up with a ticket: see [`Pool::free_bulk_after`](crate::Pool::free_bulk_after).
    Fenced,
}

/// All of them, by their numbers, from 1 on.
const EVENTS: [Event; 15] = [
    Event::Allocated,
    Event::Freed,
    Event::Dropped,
    Event::FreedAgain,
    Event::FreeRefused,
    Event::Lent,
    Event::Reclaimed,
    Event::Retained,
    Event::Released,
    Event::Split,
    Event::Refused,
    Event::UsedFree,
    Event::Withheld,
    Event::Recovered,
    Event::Fenced,
];

/// Bits of an event.
const BITS: u32 = 4;

/// So many events are kept.
const KEPT: u32 = u64::BITS / BITS;

impl Event {
    /// The event of a number, if it is one's.
    fn of(number: u64) -> Option<Self> {
        EVENTS.get((number as usize).checked_sub(1)?).copied()
    }

    /// Whether a page is out whose last event this is.
    fn leaves_out(self) -> bool {
        match self {
            Event::Allocated
            | Event::FreeRefused
            | Event::Lent
            | Event::Reclaimed
            | Event::Retained
            | Event::Released
            | Event::Split
            | Event::Refused => true,
            Event::Freed
            | Event::Dropped
            | Event::FreedAgain
            | Event::UsedFree
            | Event::Withheld
            | Event::Recovered
            | Event::Fenced => false,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Event::Allocated => "allocated",
            Event::Freed => "freed",
            Event::Dropped => "dropped",
            Event::FreedAgain => "freed again",
            Event::FreeRefused => "free refused",
            Event::Lent => "lent",
            Event::Reclaimed => "reclaimed",
            Event::Retained => "retained",
            Event::Released => "released",
            Event::Split => "split",
            Event::Refused => "call refused",
            Event::UsedFree => "used while free",
            Event::Withheld => "withheld",
            Event::Recovered => "recovered",
            Event::Fenced => "freed with a ticket",
        })
    }
}

/// The last 16 events of a page: see [`Pool::history`](crate::Pool::history). Needs the feature `track`.
///
/// ```
/// # #[cfg(feature = "track")] {
/// # use pagesheaf::{Checked, Event, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).mode::<Checked>().build()?;
/// let id = pool.alloc()?.id();
/// let history = pool.history(id);
/// assert!(history.events().rev().eq([Event::Dropped, Event::Allocated]));
/// assert!(!history.is_out() && !history.is_empty());
/// println!("{history}"); // allocated, dropped
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct History(u64);

impl History {
    /// The events that a word has.
    pub(crate) const fn of(word: u64) -> Self {
        History(word)
    }

    /// The word.
    pub(crate) const fn word(self) -> u64 {
        self.0
    }

    /// These events, and another one. The oldest goes, if there are 16.
    pub(crate) const fn then(self, event: Event) -> Self {
        History(self.0 << BITS | event as u64)
    }

    /// These events, with another one in place of the last.
    pub(crate) const fn but_last(self, event: Event) -> Self {
        History(self.0 >> BITS).then(event)
    }

    /// The events, from the oldest to the last.
    ///
    /// ```
    /// # #[cfg(feature = "track")] {
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// let page = pool.alloc()?;
    /// for event in pool.history(page.id()).events() {
    ///     println!("{event}");
    /// }
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn events(self) -> impl DoubleEndedIterator<Item = Event> + use<> {
        let kept = (0..KEPT).rev().map(move |at| self.0 >> (at * BITS) & ((1 << BITS) - 1));
        kept.filter_map(Event::of)
    }

    /// The last event.
    ///
    /// ```
    /// # #[cfg(feature = "track")] {
    /// # use pagesheaf::{Event, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// let id = pool.alloc()?.lend();
    /// assert_eq!(pool.history(id).last(), Some(Event::Lent));
    /// # // SAFETY: no device has the page.
    /// # unsafe { pool.reclaim(id) }?;
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn last(self) -> Option<Event> {
        Event::of(self.0 & ((1 << BITS) - 1))
    }

    /// Whether nothing is known.
    ///
    /// ```
    /// # #[cfg(feature = "track")] {
    /// # use pagesheaf::{PageId, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// assert!(pool.history(PageId::new(42)).is_empty(), "nobody has had it");
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether the page is out, by its last event.
    ///
    /// ```
    /// # #[cfg(feature = "track")] {
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// let page = pool.alloc()?;
    /// assert!(pool.history(page.id()).is_out());
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn is_out(self) -> bool {
        self.last().is_some_and(Event::leaves_out)
    }
}

impl fmt::Display for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_empty() {
            return f.write_str("none");
        }
        self.events()
            .enumerate()
            .try_for_each(|(at, event)| write!(f, "{}{event}", if at == 0 { "" } else { ", " }))
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "History({self})")
    }
}

/// How long ago something happened. Needs the feature `track`.
///
/// ```
/// # #[cfg(feature = "track")] {
/// # use pagesheaf::{Age, Pool};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).build()?;
/// let page = pool.alloc()?;
/// match pool.outstanding().next().and_then(|held| held.age) {
///     Some(Age::Time(time)) => println!("for {time:?}"),
///     Some(age) => println!("for {age}"),
///     None => println!("it is changing hands"),
/// }
/// # drop(page);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Age {
    /// So many calls have allocated since: in a build without `std`, which has no clock.
    Calls(u64),
    /// So much time has passed, by the system's monotonic clock: in a build with `std`.
    Time(Duration),
}

impl fmt::Display for Age {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Age::Calls(1) => f.write_str("1 call"),
            Age::Calls(calls) => write!(f, "{calls} calls"),
            Age::Time(time) => write!(f, "{time:.1?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    extern crate std;

    use std::string::ToString;
    use std::vec::Vec;

    use super::*;

    #[test]
    fn an_event_has_the_number_of_its_place() {
        for (at, event) in EVENTS.into_iter().enumerate() {
            assert_eq!((event as usize, Event::of(event as u64)), (at + 1, Some(event)));
        }
        assert_eq!((Event::of(0), Event::of(16)), (None, None));
    }

    #[test]
    fn the_last_sixteen_events_are_kept() {
        let mut history = History::default();
        assert_eq!(
            (history.to_string(), history.last(), history.is_out()),
            ("none".into(), None, false)
        );
        for event in EVENTS {
            history = history.then(event);
            assert_eq!((history.last(), history.is_out()), (Some(event), event.leaves_out()));
        }
        assert!(history.events().eq(EVENTS));
        for event in [Event::Lent, Event::Lent, Event::Lent] {
            history = history.then(event);
        }
        let last: Vec<_> = history.events().rev().take(4).collect();
        assert_eq!(last, [Event::Lent, Event::Lent, Event::Lent, Event::Fenced]);
        assert_eq!((history.events().count(), history.events().next()), (16, Some(Event::Dropped)));
        assert_eq!(history.but_last(Event::Freed).last(), Some(Event::Freed));
        assert_eq!(history.but_last(Event::Freed).events().nth_back(1), Some(Event::Lent));
    }

    #[test]
    fn ages_say_their_unit() {
        let age = Age::Time(Duration::from_millis(3250));
        assert_eq!((age.to_string(), Age::Calls(1).to_string()), ("3.2s".into(), "1 call".into()));
        assert_eq!(Age::Calls(2).to_string(), "2 calls");
    }

    #[test]
    fn another_event_takes_the_place_of_the_last() {
        let [one, two, three] = [EVENTS[0], EVENTS[1], EVENTS[2]];
        let history = History::default().then(one).then(two);
        assert_eq!(history.but_last(three), History::default().then(one).then(three));
        assert!(History::default().is_empty() && !history.is_empty());
    }
}
