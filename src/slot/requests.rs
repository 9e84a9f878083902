//! What others want of a slot: the word that its fast paths look at.
//!
//! Invariant: the word is 0, or larger than any count of ids that a call can leave; then no fast path runs. Its
//! count says how many calls of the slot's holder are to give up the slot's pages. Anybody raises it; each such call
//! lowers it by one as it begins. So a request wears off, whoever made it, and one that comes in the middle of a call
//! is for the next. The marks are the holder's own.

use crate::sync::{Atomic, Ordering, defect, ordering};

/// One call that is to answer. Larger than any count of ids.
const CALL: u64 = 1 << 32;

/// The most calls that are asked for, whoever asks and however often.
pub(crate) const CALLS_MOST: u32 = 1 << 16;

/// The holder's last allocation got nothing, and it has asked the others.
const DRY: u64 = 1 << 60;

/// The holder's last allocation left pages for somebody who had got nothing.
const HELD_BACK: u64 = 1 << 61;

/// The holder's last call got all of more pages than a magazine holds.
const LARGE: u64 = 1 << 62;

/// Others take from the slot, or may: its owner is idle and has not come back yet, or somebody has claimed it. The
/// owner has its own ways to end that.
const AWAY: u64 = 1 << 59;

/// Somebody waits: all calls are to answer, until nobody does.
const AWAITED: u64 = 1 << 58;

/// All marks.
const MARKS: u64 = DRY | HELD_BACK | LARGE | AWAY | AWAITED;

/// What the slot's holder is asked for, and what its last call noted.
pub(crate) struct Requests(Atomic<u64>);

/// What the word said as a call began.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    /// How many calls are to answer, this one among them.
    pub(crate) calls: u32,
    /// The call before got nothing.
    pub(crate) was_dry: bool,
    /// The call before left pages for others.
    pub(crate) was_held_back: bool,
    /// The call before got all of more pages than a magazine holds.
    pub(crate) was_large: bool,
    /// Somebody waits for pages, or did.
    pub(crate) is_awaited: bool,
}

impl Requests {
    pub(super) fn new() -> Self {
        Requests(Atomic::new(0))
    }

    /// Whether the holder's next call has something to see to.
    #[inline(always)]
    pub(crate) fn are_there(&self) -> bool {
        self.0.load(Ordering::Relaxed) != 0
    }

    /// How many calls are to answer.
    pub(crate) fn calls(&self) -> u32 {
        calls(self.0.load(Ordering::Relaxed))
    }

    /// Asks the holder to give up the slot's pages at its next call.
    pub(crate) fn ask_once(&self) {
        self.ask(|calls| calls.max(1));
    }

    /// Asks the holder to give up the slot's pages at so many more calls.
    pub(crate) fn ask_more(&self, more: u32) {
        self.ask(|calls| (calls + more).min(CALLS_MOST));
    }

    fn ask(&self, then: impl Fn(u32) -> u32) {
        if !defect!("pressure") {
            self.update(|word| with_calls(word, then(calls(word))));
        }
    }

    /// Takes back all requests but one: who asks for pages without end has got some.
    pub(crate) fn withdraw(&self) {
        self.update(|word| with_calls(word, calls(word).min(1)));
    }

    /// Asks the holder to give up the slot's pages at all calls, while somebody waits.
    pub(crate) fn ask_while_awaited(&self) {
        if !defect!("supply-asked") {
            // Release: pairs with the Acquire of who takes the mark off, and then sees that somebody waits.
            self.0.fetch_or(AWAITED, ordering!(Release, "supply-mark"));
        }
    }

    /// Whether somebody waits, or did.
    pub(crate) fn is_awaited(&self) -> bool {
        self.0.load(Ordering::Relaxed) & AWAITED != 0
    }

    /// Nobody waits any more, or so it seemed: the mark goes, unless somebody does. Says whether.
    pub(crate) fn end_awaited(&self, awaited: impl FnOnce() -> bool) -> bool {
        // Acquire: as above. Who waits says so before it makes its mark.
        self.0.fetch_and(!AWAITED, ordering!(Acquire, "supply-unmark"));
        let awaited = awaited();
        if awaited && !defect!("supply-unmarked") {
            self.0.fetch_or(AWAITED, Ordering::Release);
        }
        awaited
    }

    /// Whether the owner goes idle, comes back, or has let others take.
    pub(super) fn is_away(&self) -> bool {
        self.0.load(Ordering::Relaxed) & AWAY != 0
    }

    /// The owner lets others take from the slot, or somebody has claimed it.
    pub(crate) fn set_away(&self) {
        self.0.fetch_or(AWAY, Ordering::Relaxed);
    }

    /// The owner has the slot again, or the claim has ended.
    pub(super) fn end_away(&self) {
        // Release where a thief does it in the owner's stead, which is a defect: see `slot::claim`.
        let old = defect!("claim-old-length");
        self.0.fetch_and(!AWAY, if old { Ordering::Release } else { Ordering::Relaxed });
    }

    /// As [`Self::end_away`], of an owner who was idle: who was short of some pages could take what it wanted.
    pub(super) fn come_back(&self) {
        self.update(|word| match calls(word) {
            0 | 1 => with_calls(word & !AWAY, 0),
            _ => word & !AWAY,
        });
    }

    /// The word, for the fast path's compare.
    #[inline(always)]
    pub(super) fn gate(&self) -> &Atomic<u64> {
        &self.0
    }

    /// The slot has a new holder. Who waits still does.
    pub(crate) fn forget(&self) {
        self.update(|word| word & AWAITED);
    }

    /// A call of the holder begins, and learns what it is asked for: it is one of those that are to answer. The marks
    /// are gone: they were for an allocation. If it is none, what the last one noted stays for the next, as long as no
    /// fast path can run anyway.
    pub(super) fn begin(&self, allocates: bool) -> Asked {
        let word = self.update(|word| {
            let stays = if allocates || calls(word) == 0 { 0 } else { word & (DRY | HELD_BACK) };
            with_calls(stays | word & (AWAY | AWAITED), calls(word).saturating_sub(1))
        });
        Asked {
            calls: calls(word),
            was_dry: word & DRY != 0,
            was_held_back: word & HELD_BACK != 0,
            was_large: word & LARGE != 0,
            is_awaited: word & AWAITED != 0,
        }
    }

    /// The holder's call got nothing.
    pub(crate) fn note_dry(&self) {
        self.update(|word| word | DRY);
    }

    /// The holder's call got all of more pages than a magazine holds.
    pub(crate) fn note_large(&self) {
        self.update(|word| word | LARGE);
    }

    /// The holder's call left pages for others.
    pub(super) fn note_held_back(&self) {
        self.update(|word| word | HELD_BACK);
    }

    /// Changes the word, and returns what it was. It is written only if it changes: the line stays where it is.
    fn update(&self, f: impl Fn(u64) -> u64) -> u64 {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let changed = f(word);
            if changed == word {
                return word;
            }
            let relaxed = Ordering::Relaxed;
            match self.0.compare_exchange_weak(word, changed, relaxed, relaxed) {
                Ok(_) => return word,
                Err(current) => word = current,
            }
        }
    }
}

/// How many calls a word asks for.
fn calls(word: u64) -> u32 {
    (word / CALL) as u32 & (2 * CALLS_MOST - 1)
}

/// A word that asks for so many calls, and is otherwise as it was.
fn with_calls(word: u64, calls: u32) -> u64 {
    word & MARKS | (u64::from(calls) * CALL)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How many ids, or how much room, a call must leave to take the fast path.
    fn least_left(requests: &Requests) -> i64 {
        requests.gate().load(Ordering::Relaxed) as i64
    }

    fn calls_of(requests: &Requests) -> u32 {
        requests.calls()
    }

    #[test]
    fn a_request_wears_off() {
        let requests = Requests::new();
        requests.ask_once();
        requests.ask_once();
        assert_eq!(calls_of(&requests), 1, "asked already");
        requests.ask_more(8);
        for left in (0..9).rev() {
            assert_eq!((requests.begin(true).calls, calls_of(&requests)), (left + 1, left));
        }
        assert!(!requests.are_there());
        assert_eq!((requests.begin(true).calls, requests.are_there()), (0, false));
    }

    /// The call has given up its pages by then, and files others.
    #[test]
    fn what_is_asked_in_the_middle_of_a_call_is_for_the_next() {
        let requests = Requests::new();
        for before in [0, 1] {
            (0..before).for_each(|_| requests.ask_once());
            assert_eq!(requests.begin(false).calls, before);
            requests.ask_once();
            assert_eq!((requests.begin(true).calls, requests.are_there()), (1, false));
        }
    }

    #[test]
    fn what_is_noted_twice_stays_noted() {
        let requests = Requests::new();
        for _ in 0..2 {
            requests.note_dry();
            requests.note_large();
            requests.note_held_back();
        }
        let asked = requests.begin(true);
        assert!(asked.was_dry && asked.was_large && asked.was_held_back && !asked.is_awaited);
        let asked = requests.begin(true);
        assert!(!asked.was_dry && !asked.was_large && !asked.was_held_back && !asked.is_awaited);
    }

    #[test]
    fn no_request_asks_for_more_than_the_most() {
        let requests = Requests::new();
        (0..2 * CALLS_MOST).for_each(|_| requests.ask_more(8));
        assert_eq!(calls_of(&requests), CALLS_MOST);
        assert!(least_left(&requests) > i64::from(u32::MAX));
        requests.withdraw();
        assert_eq!(calls_of(&requests), 1);
    }

    #[test]
    fn marks_last_until_the_next_call() {
        let requests = Requests::new();
        requests.note_dry();
        requests.note_held_back();
        requests.note_large();
        requests.ask_more(8);
        assert!(least_left(&requests) > i64::from(u32::MAX));
        requests.withdraw();
        let asked = requests.begin(false);
        assert!(asked.was_large, "what was freed is for others");
        let Asked { calls, was_dry, was_held_back, was_large, .. } = requests.begin(true);
        assert_eq!((calls, was_dry, was_held_back, was_large), (0, true, true, false));
        requests.ask_once();
        let Asked { calls, was_dry, was_held_back, was_large, .. } = requests.begin(true);
        assert_eq!((calls, was_dry, was_held_back, was_large), (1, false, false, false));
        requests.note_dry();
        assert!(requests.are_there() && requests.begin(false).was_dry);
        assert!(!requests.are_there(), "a fast path is not off for good");
    }

    #[test]
    fn a_slot_is_awaited_until_nobody_waits() {
        let requests = Requests::new();
        requests.ask_more(2);
        requests.note_dry();
        assert!(!requests.is_awaited());
        requests.ask_while_awaited();
        assert!(requests.is_awaited() && requests.end_awaited(|| true) && requests.is_awaited());
        assert!(!requests.end_awaited(|| false) && !requests.is_awaited());
        // Nothing else is changed.
        let asked = requests.begin(true);
        assert_eq!((asked.calls, asked.was_dry, asked.is_awaited), (2, true, false));
    }

    /// What was asked of the one before is not; who waits still does.
    #[test]
    fn a_new_holder_starts_afresh() {
        let requests = Requests::new();
        for awaited in [false, true] {
            requests.ask_more(3);
            requests.note_dry();
            requests.note_large();
            requests.set_away();
            if awaited {
                requests.ask_while_awaited();
            }
            requests.forget();
            assert!(!requests.is_away() && requests.is_awaited() == awaited);
            let Asked { calls, was_dry, was_large, .. } = requests.begin(true);
            assert_eq!((calls, was_dry, was_large), (0, false, false));
        }
    }

    /// One request is for what others could take meanwhile; more are of somebody who is dry.
    #[test]
    fn an_owner_that_is_back_need_not_give_up_what_others_could_take() {
        for (asked, left) in [(0, 0), (1, 0), (2, 2), (8, 8)] {
            let requests = Requests::new();
            requests.note_dry();
            requests.set_away();
            requests.ask_more(asked);
            requests.come_back();
            assert!(!requests.is_away());
            let Asked { calls, was_dry, .. } = requests.begin(true);
            assert_eq!((calls, was_dry), (left, true));
        }
    }
}
