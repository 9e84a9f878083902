//! The line of those who wait for pages: threads and tasks, in the order in which they came.
//!
//! Invariant: the list is only *tried* by whoever brings pages: who finds it busy leaves a note ([`PENDING`]), and its
//! holder sees that before it lets go. So a free waits for nobody, also in a signal handler. Only who leaves the line
//! waits for the list, which is never held for longer than a few steps, and never while code of the caller's runs: a
//! waker is called, cloned and dropped outside of it.
//!
//! No wake-up is lost. Who waits says so first ([`Line::come`]), makes a fence, and looks for pages afterwards; who
//! brings pages publishes them, makes a fence, and looks afterwards whether anybody waits. So one of the two sees the
//! other. A task leaves its waker in the list before it looks, and a thread reads the event word before; so what comes
//! later wakes the one, and keeps the other from going to sleep.
//!
//! Only who has the turn has pages in hand. A critical one that comes takes the turn of an ordinary one, which is woken
//! to give back what it has: else each of the two could have what the other waits for.

mod list;
mod spot;
#[cfg(test)]
mod tests;

use core::num::NonZero;
use core::task::Waker;

use list::{Listed, Locked};
pub(crate) use spot::{Sleeper, Spot};

use crate::park::calmly;
use crate::sync::{Atomic, ExclusiveCell, Ordering, defect, ordering, wake_threads};
use crate::zone::Floor;

/// A task that waits.
const TASK: u64 = 1;

/// A thread that waits. There are fewer than 2³² tasks.
const THREAD: u64 = 1 << 32;

/// Bits for how many wait with a floor. If more do, some are told of pages that they may not have.
const FLOOR_BITS: u32 = 21;

/// One who waits with this floor. One that may go lower counts for more than all that may not.
fn one(floor: Floor) -> u64 {
    1 << (FLOOR_BITS * floor as u32)
}

/// In the lock: somebody has the list.
const HELD: u32 = 1;

/// In the lock: pages have come, and whoever has the list is to look whom to wake.
const PENDING: u32 = 2;

/// The bit of the event word for which the first in line sleeps. The others are for those behind it.
const FIRST: NonZero<u32> = NonZero::new(1 << 31).expect("a bit");

/// Who is served first: of those who wait at one time, a critical one comes before all ordinary ones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Who may have what lies below the pool's marks.
    Critical,
    /// Everybody else.
    Ordinary,
}

/// Who waits for pages, and what is promised to them.
pub(crate) struct Line {
    /// Who waits: calls look at it as they end.
    at_end: Atomic<u64>,
    /// Wakers are left to upkeep.
    defers: bool,
    /// Pages stay for others, so that it matters how far down somebody may go who waits.
    is_marked: bool,
    /// On no lines of its own: the core begins with its depots, which are found sooner so.
    waiting: Waiting,
}

/// What is written while somebody waits.
struct Waiting {
    /// Changes when pages have come, and when somebody is the first. Threads sleep on it.
    event: Atomic<u32>,
    lock: Atomic<u32>,
    /// How many wait with each floor, where that matters: [`FLOOR_BITS`] bits for each.
    floors: Atomic<u64>,
    /// How often the process was forked, or the line forgotten otherwise.
    forks: Atomic<u32>,
    /// Pages that those who wait have in hand.
    promised: Atomic<u64>,
    listed: ExclusiveCell<Listed>,
}

// SAFETY: the list is reached through its lock only, which is handed on with Acquire and Release; all else are atomics.
unsafe impl Sync for Line {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Line {}

/// Whom a step wakes, when nothing is held any more.
#[must_use]
enum Wake {
    Nobody,
    /// The threads that sleep for these bits.
    Threads(NonZero<u32>),
    Task(Waker),
}

impl Line {
    /// A line of nobody.
    pub(crate) fn new(defers: bool, is_marked: bool) -> Self {
        Line {
            at_end: Atomic::new(0),
            defers,
            is_marked,
            waiting: Waiting {
                event: Atomic::new(0),
                lock: Atomic::new(0),
                floors: Atomic::new(0),
                forks: Atomic::new(0),
                promised: Atomic::new(0),
                listed: ExclusiveCell::new(Listed::new()),
            },
        }
    }

    /// Who waits, as a number that is 0 if nobody does.
    #[inline(always)]
    pub(crate) fn waiters(&self) -> u64 {
        // Relaxed: who publishes pages and comes here has made a fence between; here and below.
        self.at_end.load(Ordering::Relaxed)
    }

    /// Whether anybody waits.
    #[inline(always)]
    pub(crate) fn is_waited_in(&self) -> bool {
        self.waiters() != 0
    }

    /// Whether code of users' is left to upkeep.
    pub(crate) fn defers(&self) -> bool {
        self.defers
    }

    /// How far down the one may go of those who wait that may go lowest. Asked where it matters, behind a fence, as
    /// [`Self::waiters`].
    pub(crate) fn lowest_floor(&self) -> Floor {
        let floors = self.waiting.floors.load(Ordering::Relaxed);
        match [Floor::None, Floor::Reserve].into_iter().find(|floor| floors >= one(*floor)) {
            Some(floor) => floor,
            None => Floor::Low,
        }
    }

    /// Pages that those who wait have in hand.
    pub(crate) fn promised(&self) -> u64 {
        self.waiting.promised.load(Ordering::Relaxed)
    }

    /// So many pages are promised from now on.
    pub(crate) fn promise(&self, pages: usize) {
        self.waiting.promised.fetch_add(pages as u64, Ordering::Relaxed);
    }

    /// So many pages are no longer promised: their waiter has them, or has put them back.
    pub(crate) fn end_promise(&self, pages: usize) {
        self.waiting.promised.fetch_sub(pages as u64, Ordering::Relaxed);
    }

    /// Nothing is promised any more; the caller is alone.
    pub(crate) fn forget_promises(&self) {
        self.waiting.promised.store(0, Ordering::Relaxed);
    }

    /// What the event word says. Who goes to sleep does so only if it still says that.
    #[allow(dead_code, reason = "without `std` no thread sleeps")]
    pub(crate) fn event(&self) -> u32 {
        // Acquire: pairs with the Release of whoever raised it, whose pages can be found then.
        self.waiting.event.load(Ordering::Acquire)
    }

    fn change_event(&self) {
        // Release: as above.
        self.waiting.event.fetch_add(1, Ordering::Release);
    }

    /// Pages have come where anybody can have them: whoever is the first in line is told.
    #[cold]
    pub(crate) fn raise(&self) {
        let who = self.at_end.load(Ordering::Relaxed);
        if who >= THREAD {
            self.change_event();
            wake_threads(&self.waiting.event, FIRST);
        }
        if who % THREAD >= TASK && !self.defers {
            self.wake_first_task();
        }
    }

    /// Tells the first in line to look, also where wakers are left to upkeep, of which this is a part.
    pub(crate) fn look_again(&self) {
        if self.is_waited_in() {
            self.change_event();
            wake_threads(&self.waiting.event, FIRST);
            self.wake_first_task();
        }
    }

    fn wake_first_task(&self) {
        // Release: whoever has the list wakes who looks at what was published before. Acquire: as in `try_lock`.
        let old = self.waiting.lock.fetch_or(HELD | PENDING, Ordering::AcqRel);
        if old & HELD == 0 {
            self.wake(Locked::new(self).unlock());
        }
    }

    /// The list, if nobody has it.
    fn try_lock(&self) -> Option<Locked<'_>> {
        // Acquire: pairs with the Release of whoever had it.
        let old = self.waiting.lock.fetch_or(HELD, ordering!(Acquire, "line-lock"));
        (old & HELD == 0).then(|| Locked::new(self))
    }

    /// The list is free again. Says whether pages have come meanwhile.
    fn try_unlock(&self) -> bool {
        // Release: pairs with the Acquire of the next.
        let (release, relaxed) = (ordering!(Release, "line-unlock"), Ordering::Relaxed);
        if self.waiting.lock.compare_exchange(HELD, 0, release, relaxed).is_ok() {
            return true;
        }
        if defect!("line-pending") {
            self.waiting.lock.store(0, Ordering::Release);
            return true;
        }
        false
    }

    /// As [`Self::try_unlock`], when the one to wake has been found.
    fn unlock(&self) {
        // Acquire: pairs with the Release of whoever left the note. The first in line is woken after this.
        self.waiting.lock.swap(0, Ordering::AcqRel);
    }

    /// Wakes whom a step has found. Nothing is held here.
    fn wake(&self, wake: Wake) {
        match wake {
            Wake::Nobody => {}
            Wake::Threads(bits) => {
                self.change_event();
                wake_threads(&self.waiting.event, bits);
            }
            Wake::Task(waker) => calmly(|| waker.wake()),
        }
    }

    /// In a forked child, or where nobody waits any more: the line is empty. Whoever was in it is no longer, and
    /// nothing of it is touched: its memory may be gone.
    pub(crate) fn forget(&self) {
        // Relaxed: the caller is alone.
        self.at_end.store(0, Ordering::Relaxed);
        self.waiting.floors.store(0, Ordering::Relaxed);
        self.waiting.forks.fetch_add(1, Ordering::Relaxed);
        self.waiting.lock.store(0, Ordering::Relaxed);
        if let Some(mut locked) = self.try_lock() {
            locked.forget();
            self.wake(locked.unlock());
        }
    }
}
