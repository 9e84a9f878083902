//! What a user asks of who holds which page: the feature `track`.
//!
//! Invariant: it only looks. What it says is of about the moment at which the iterator comes to a page.

use crate::error::{BadPage, PageError, Taint};
use crate::history::History;
use crate::mode::Mode;
use crate::page::PageId;
use crate::pool::{CloseError, Pool};
use crate::tracker::Outstanding;

impl<M: Mode> Pool<M> {
    /// The pages that are out, in the order of their numbers: where the call is that allocated each, through which
    /// cache, and how long ago; and of a page that is lent, since when. In every mode. Needs the feature `track`.
    ///
    /// It is a look in motion: while others allocate and free, a page that is named may be free a moment later, and one
    /// that was just allocated may be missing. But what it says of a page is always of one allocation. It takes no
    /// lock, and looks at each page of the pool.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(1000).build()?;
    /// let mut rx = pool.cache_named("rx").build()?;
    /// let page = rx.alloc()?; // here
    /// let held = pool.outstanding().next().expect("a page is out");
    /// assert_eq!((held.page, held.name, held.lent), (page.id(), Some("rx"), None));
    /// assert_eq!(held.location.expect("it stands still").line(), line!() - 3);
    /// println!("{held}"); // page 0: out for 1.5µs, by src/main.rs:7:15 through cache 0 "rx"
    ///
    /// let id = page.lend();
    /// assert!(pool.outstanding().next().is_some_and(|held| held.lent.is_some()));
    /// # // SAFETY: the page was just lent, and nobody wrote it.
    /// # drop(unsafe { pool.reclaim(id) }?);
    /// assert_eq!(pool.outstanding().count(), 0);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// A hunt for leaks, while the program runs:
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use pagesheaf::{Age, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// # let pool = Pool::builder(1000).build()?;
    /// let long = Some(Age::Time(Duration::from_secs(60)));
    /// for held in pool.outstanding().filter(|held| held.age > long) {
    ///     eprintln!("{held}: {}", held.history);
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn outstanding(&self) -> impl Iterator<Item = Outstanding> {
        self.core.tracker.outstanding(&self.core.slots)
    }

    /// The last events of a page, whether it is out or not; none of a page that the pool does not have. Needs the
    /// feature `track`.
    ///
    /// ```
    /// # use pagesheaf::{Checked, Event, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).mode::<Checked>().build()?;
    /// let page = pool.alloc()?;
    /// let id = page.id();
    /// drop(page);
    /// assert!(pool.history(id).events().eq([Event::Allocated, Event::Dropped]));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// What was wrong with a page, and what happened before:
    ///
    /// ```
    /// # use pagesheaf::{Checked, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).mode::<Checked>().build()?;
    /// let id = pool.alloc_raw()?;
    /// // SAFETY: the page is ours, and nobody wrote it; the second free is refused, as this mode does.
    /// let error = unsafe { pool.free_raw(id).and_then(|()| pool.free_raw(id)) };
    /// assert_eq!(pool.history(id).to_string(), "allocated, freed, freed again");
    /// assert!(error.expect_err("it is free").to_string().contains("freed again"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn history(&self, id: PageId) -> History {
        self.core.tracker.history(id)
    }
}

impl<M: Mode> CloseError<M> {
    /// The pages that are out, and who has them, as [`Pool::outstanding`] says. Other than [`ids`](Self::ids), it has
    /// them while other handles live, too. Needs the feature `track`.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// let page = pool.alloc()?;
    /// let error = pool.close().expect_err("a page is out");
    /// assert!(error.outstanding().map(|held| held.page).eq([page.id()]));
    /// println!("{error}"); // with a line for each of the first 8
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn outstanding(&self) -> impl Iterator<Item = Outstanding> {
        self.pool.outstanding()
    }
}

impl PageError {
    /// The last events of the first bad page, as they were when the call ended. Needs the feature `track`.
    ///
    /// ```
    /// # use pagesheaf::{Checked, Event, Pool};
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).mode::<Checked>().build()?;
    /// let id = pool.alloc_raw()?;
    /// // SAFETY: the page is ours, and nobody wrote it. The second free breaks the rules, and is refused.
    /// let freed = unsafe { pool.free_raw(id).and_then(|()| pool.free_raw(id)) };
    /// assert_eq!(freed.expect_err("it is free").history().last(), Some(Event::FreedAgain));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn history(&self) -> History {
        self.trail.0
    }
}

impl BadPage {
    /// The last events of the page, as they were when it was asked for. Needs the feature `track`.
    ///
    /// ```
    /// # use pagesheaf::Pool;
    /// # if Pool::builder(1).build().is_err() { return Ok(()) }
    /// let pool = Pool::builder(100).build()?;
    /// for bad in pool.bad_pages() {
    ///     eprintln!("{}: {}", bad.page, bad.history());
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[must_use]
    pub fn history(&self) -> History {
        self.trail.0
    }
}

impl Taint {
    /// The last events of the page, as they were when it tainted the pool. Needs the feature `track`.
    ///
    /// ```
    /// # use pagesheaf::{Pool, Taint};
    /// fn log(taint: &Taint) {
    ///     eprintln!("{taint}: {}", taint.history());
    /// }
    /// let builder = Pool::builder(1000).on_taint(log);
    /// # let _ = builder;
    /// ```
    #[must_use]
    pub fn history(&self) -> History {
        self.trail.0
    }
}
