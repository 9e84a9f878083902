//! What is known of one page: its events, and who allocated it when.
//!
//! Invariant: whatever threads do at the same time, what [`Record::look`] returns was stored by one allocation: a check
//! word over the other words says so. Whoever writes never waits for anybody, nor for who reads: so signal handlers may
//! write, and who is stopped in the middle leaves a record that is not reported, until the page's next allocation.

use crate::history::{Event, History};
use crate::sync::{Atomic, Ordering, defect, ordering, zeroed};

/// So often a reader looks at a record that is changing.
const LOOKS: usize = 2;

/// 2⁶⁴ divided by the golden ratio.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;

/// Who allocated a page, and when: numbers that the tracker makes sense of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Held {
    /// Where the call is.
    pub(crate) site: u64,
    /// Through what.
    pub(crate) holder: u64,
    /// When.
    pub(crate) since: u64,
    /// Since when the page is lent; 0 while it is not.
    pub(crate) lent: u64,
}

impl Held {
    /// What tells these four words from any four others. Each step is a bijection of what came before, so words of two
    /// records have the check of one by chance only: once in 2⁶⁴ times.
    fn check(self) -> u64 {
        let words = [self.site, self.holder, self.since, self.lent];
        let mix = |bits: u64, word: u64| {
            let bits = (bits ^ word).wrapping_mul(GOLDEN);
            bits ^ bits >> 29
        };
        words.into_iter().fold(GOLDEN, mix)
    }
}

/// One page's. Zeroes are a page that nobody has had yet.
pub(crate) struct Record {
    history: Atomic<u64>,
    site: Atomic<u64>,
    holder: Atomic<u64>,
    since: Atomic<u64>,
    lent: Atomic<u64>,
    /// The check of the four above.
    check: Atomic<u64>,
}

zeroed!(Record(history, site, holder, since, lent, check));

impl Record {
    /// The page's events.
    pub(crate) fn history(&self) -> History {
        // Acquire: pairs with the Release of `change`, so that what an allocation has stored before can be seen.
        History::of(self.history.load(ordering!(Acquire, "track-order")))
    }

    /// Changes the events, whoever else does.
    fn change(&self, next: impl Fn(History) -> History) {
        let mut seen = self.history.load(Ordering::Relaxed);
        loop {
            let new = next(History::of(seen)).word();
            // Release: who sees that the page is out sees who allocated it. Pairs with the Acquire of `history`; a
            // later change passes that on.
            match self.history.compare_exchange(seen, new, Ordering::Release, Ordering::Relaxed) {
                Ok(_) => return,
                Err(current) => seen = current,
            }
        }
    }

    /// The page's owner has just got it.
    pub(crate) fn allocated(&self, by: Held) {
        self.store(by);
        self.note(Event::Allocated);
    }

    /// Something happened, whether the page was out or not.
    pub(crate) fn note(&self, event: Event) {
        self.change(|history| history.then(event));
    }

    /// Something happened to a page that is out; if it is not, something else.
    pub(crate) fn note_out(&self, event: Event, otherwise: Event) {
        self.change(|history| history.then(if history.is_out() { event } else { otherwise }));
    }

    /// The page is about to be freed, in this way. If it is not out, it is freed again.
    pub(crate) fn freed(&self, how: Event) {
        self.note_out(how, Event::FreedAgain);
    }

    /// The free that was about to be was refused.
    pub(crate) fn free_refused(&self) {
        self.change(|history| match history.last() {
            Some(Event::Freed | Event::Dropped | Event::Fenced) => {
                history.but_last(Event::FreeRefused)
            }
            _ => history,
        });
    }

    /// The page went to a device at this moment, or came back at 0.
    pub(crate) fn lent(&self, at: u64) {
        if let Some(held) = self.held() {
            self.store(Held { lent: at, ..held });
        }
        self.note_out(if at == 0 { Event::Reclaimed } else { Event::Lent }, Event::UsedFree);
    }

    /// The call is said to be elsewhere.
    pub(crate) fn moved(&self, site: u64) {
        if let Some(held) = self.held() {
            self.store(Held { site, ..held });
        }
    }

    fn store(&self, held: Held) {
        let Held { site, holder, since, lent } = held;
        let words = [&self.site, &self.holder, &self.since, &self.lent, &self.check];
        // Relaxed: who reads compares the check, and the event that follows publishes them.
        for (word, value) in words.into_iter().zip([site, holder, since, lent, held.check()]) {
            word.store(value, Ordering::Relaxed);
        }
    }

    /// What one allocation has stored, unless it changes.
    fn held(&self) -> Option<Held> {
        (0..LOOKS).find_map(|_| {
            // Relaxed: as in `store`.
            let load = |word: &Atomic<u64>| word.load(Ordering::Relaxed);
            let held = Held {
                site: load(&self.site),
                holder: load(&self.holder),
                since: load(&self.since),
                lent: load(&self.lent),
            };
            (load(&self.check) == held.check() || defect!("track-torn")).then_some(held)
        })
    }

    /// What is known of a page that is out: its events, and who has it, unless that is changing.
    pub(crate) fn look(&self) -> Option<(History, Option<Held>)> {
        let history = self.history();
        if !history.is_out() {
            return None;
        }
        Some((history, self.held()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sync::Zeroed;

    const BY: Held = Held { site: 1, holder: 2, since: 3, lent: 0 };

    #[test]
    fn a_page_that_nobody_had_is_not_out() {
        let record = Record::zero();
        assert!(record.look().is_none() && record.history().is_empty());
        record.freed(Event::Freed);
        assert!(record.look().is_none());
        assert!(record.history().events().eq([Event::FreedAgain]));
    }

    #[test]
    fn a_page_is_out_until_it_is_freed() {
        let record = Record::zero();
        record.allocated(BY);
        assert_eq!(record.look().expect("it is out").1, Some(BY));
        record.freed(Event::Freed);
        assert!(record.look().is_none());
        record.freed(Event::Dropped);
        // What is free, and is freed again, does not come out by being refused.
        record.free_refused();
        assert!(record.look().is_none());
        assert!(record.history().events().eq([Event::Allocated, Event::Freed, Event::FreedAgain]));
    }

    #[test]
    fn a_refused_free_leaves_its_page_out() {
        let record = Record::zero();
        record.allocated(BY);
        for how in [Event::Freed, Event::Dropped] {
            record.freed(how);
            record.free_refused();
            assert_eq!(record.look().expect("it is out").1, Some(BY));
        }
        record.note_out(Event::FreeRefused, Event::FreedAgain);
        assert!(record.look().is_some());
        assert_eq!(record.history().events().filter(|&it| it == Event::FreeRefused).count(), 3);
    }

    #[test]
    fn a_lent_page_says_since_when() {
        let record = Record::zero();
        record.allocated(BY);
        record.lent(7);
        assert_eq!(record.look().expect("it is out").1, Some(Held { lent: 7, ..BY }));
        record.lent(0);
        record.moved(9);
        assert_eq!(record.look().expect("it is out").1, Some(Held { site: 9, ..BY }));
    }

    #[test]
    fn words_of_two_records_have_no_check() {
        let other = Held { site: 4, holder: 5, since: 6, lent: 8 };
        let (record, mixed) = (Record::zero(), Held { since: 6, ..BY });
        record.allocated(BY);
        record.since.store(mixed.since, Ordering::Relaxed);
        assert_eq!(record.look().expect("it is out").1, None);
        for check in [BY.check(), other.check()] {
            assert_ne!(check, mixed.check());
        }
        record.allocated(other);
        assert_eq!(record.look().expect("it is out").1, Some(other));
    }

    /// Each step can be undone: so no two records that differ in one word have the same check.
    #[test]
    fn a_check_can_be_undone_word_by_word() {
        // Newton: each round doubles the bits that are right.
        let inverse =
            (0..6).fold(1, |x: u64, _| x.wrapping_mul(2_u64.wrapping_sub(GOLDEN.wrapping_mul(x))));
        assert_eq!(GOLDEN.wrapping_mul(inverse), 1);
        let undone = |bits: u64, word: u64| {
            let bits = bits ^ bits >> 29 ^ bits >> 58;
            bits.wrapping_mul(inverse) ^ word
        };
        for words in [[0; 4], [1, 2, 3, 4], [u64::MAX, 7 << 40, 1 << 63, 0x5555_5555_5555_5555]] {
            let [site, holder, since, lent] = words;
            let check = Held { site, holder, since, lent }.check();
            assert_eq!(words.into_iter().rev().fold(check, undone), GOLDEN);
        }
    }
}
