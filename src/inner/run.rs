//! A run: pages of a checked free that come from locations side by side.
//!
//! Invariant: a page is put only if its own word, loaded once, says that it is out and comes from
//! its location of the run.

use crate::magazine::names;
use crate::page::{AtomicPageState, Location, PageId};
use crate::sync::{Atomic, LONG, Ordering, SHORT, STEP, defect, fetch_ahead};

/// Pages that may have left locations side by side, to be put into locations side by side.
pub(super) struct Run<'a> {
    pub(super) words: &'a [AtomicPageState],
    pub(super) ids: &'a [PageId],
    /// The location where the first was last.
    pub(super) last: Location,
    /// The entries from there on.
    pub(super) beside: &'a [Atomic<u32>],
    /// The entries where they go to.
    pub(super) to: &'a [Atomic<u32>],
    /// The location of the first of these.
    pub(super) location: Location,
}

/// So many words are near: a mebibyte, which a processor's second cache has room for.
const NEAR: usize = 1 << 18;

/// In a large pool words come from afar: those of all the pages are on their way before the first
/// is looked at.
#[inline(always)]
pub(super) fn fetch_words(words: &[AtomicPageState], ids: &[PageId]) {
    if words.len() > NEAR {
        fetch_far(words, ids);
    }
}

/// By itself: beside what a small pool does, its loop would take registers.
#[inline(never)]
fn fetch_far(words: &[AtomicPageState], ids: &[PageId]) {
    ids.iter().filter_map(|id| words.get(id.index() as usize)).for_each(|word| fetch_ahead(word));
}

impl Run<'_> {
    /// Puts pages while their words say that they are whole and were last in `last` and the
    /// locations after it, and `is_out` agrees. Says how many, if that is not all. If `MOVED` is false, `last` is
    /// the location they go to.
    ///
    /// A long run goes by steps. In a shorter one, and in what is left of a long one, entries that
    /// name their page already are left alone where there are more than [`SHORT`]: the next bulk
    /// will copy them by the vector, and would wait for stores that each wrote a part of one.
    #[inline(always)]
    pub(super) fn push<const MOVED: bool>(
        self,
        is_out: impl Fn(&Atomic<u32>, PageId) -> bool,
    ) -> Result<(), usize> {
        let n = self.ids.len().min(self.beside.len()).min(self.to.len());
        let (ids, beside, to) = (&self.ids[..n], &self.beside[..n], &self.to[..n]);
        // Made anew for each use, or the one that `steps` has a reference to would have to be in
        // memory for all.
        let run = || Run { ids, beside, to, ..self };
        let mut at = if n < LONG { 0 } else { run().steps::<MOVED>(&is_out) };
        let look = !MOVED && n > SHORT;
        while at < n {
            let from_to = [self.last, self.location].map(|first| first + at as Location);
            if !run().put::<MOVED>(from_to, ids[at], &beside[at], &to[at], &is_out, look) {
                return Err(at);
            }
            at += 1;
        }
        if n < self.ids.len() { Err(n) } else { Ok(()) }
    }

    /// As `push`, but perhaps only the first pages, by whole steps.
    #[inline(never)]
    fn steps<const MOVED: bool>(&self, is_out: &impl Fn(&Atomic<u32>, PageId) -> bool) -> usize {
        // Of pages that moved, `push_relocated` sees to it, or they have been asked for here
        // before.
        if !MOVED {
            fetch_words(self.words, self.ids);
        }
        let (ids, _) = self.ids.as_chunks::<STEP>();
        let (beside, _) = self.beside.as_chunks::<STEP>();
        let (to, _) = self.to.as_chunks::<STEP>();
        // Three counters: a sum of them for each page would be an instruction more.
        let (mut at, mut from_to) = (0, [self.last, self.location]);
        for ((ids, beside), to) in ids.iter().zip(beside).zip(to) {
            for step in 0..STEP {
                let (id, beside, to) = (ids[step], &beside[step], &to[step]);
                let from_to = from_to.map(|location| location + step as Location);
                if !self.put::<MOVED>(from_to, id, beside, to, is_out, false) {
                    return self.stopped(at);
                }
            }
            (at, from_to) = (at + STEP, from_to.map(|location| location + STEP as Location));
        }
        at
    }

    /// Puts a page, if it is as [`Self::push`] says and was in the first location; it goes to the other one. With a
    /// `look`, an entry that names it already stays as it is.
    #[inline(always)]
    fn put<const MOVED: bool>(
        &self,
        [last, location]: [Location; 2],
        id: PageId,
        beside: &Atomic<u32>,
        to: &Atomic<u32>,
        is_out: impl Fn(&Atomic<u32>, PageId) -> bool,
        look: bool,
    ) -> bool {
        let Some(word) = self.words.get(id.index() as usize) else { return false };
        if !word.is_resting_at(last) || !is_out(beside, id) {
            return false;
        }
        if MOVED {
            word.rest(location);
        }
        // Relaxed: only the owner of the magazine, who is the caller, writes it.
        if !look || !names(to, id) {
            // Relaxed: `commit` publishes it.
            to.store(id.index(), Ordering::Relaxed);
        }
        true
    }

    /// How many pages have been put, where it is known of the first `at`: counted here, so that it
    /// costs nothing where a run does not stop. A page has been put if its word names its entry,
    /// and that names it; one that is so by itself, because it has come back to where it was, is as
    /// good.
    #[cold]
    #[inline(never)]
    fn stopped(&self, mut at: usize) -> usize {
        let put = |at: &usize| {
            let Some((&id, entry)) = self.ids.get(*at).zip(self.to.get(*at)) else { return false };
            let word = self.words.get(id.index() as usize);
            word.is_some_and(|word| word.is_resting_at(self.location + *at as Location))
                && (names(entry, id) || defect!("run-stopped"))
        };
        while put(&at) {
            at += 1;
        }
        at
    }
}
