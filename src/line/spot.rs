//! A place in the line, which whoever waits has in its own frame or future.
//!
//! Invariant: a spot that has entered is pinned, and leaves the line before its memory goes: its drop sees to it.

use core::num::NonZero;
use core::pin::Pin;
use core::task::Waker;
use core::time::Duration;

use super::list::Node;
use super::{Class, Line, TASK, THREAD, Wake, one};
use crate::park::calmly;
use crate::sync::{Atomic, Ordering, defect, pause, sleep_on};
use crate::zone::Floor;

/// A place in the line of a core.
pub(crate) struct Spot<'a> {
    line: &'a Line,
    floor: Floor,
    node: Node,
    /// 0 before it has come; else one of the below, and the number of forks above it. The owner's alone.
    state: Atomic<u64>,
}

/// Who waits counts, but is not in the list yet.
const CAME: u64 = 1;

/// It is in the list.
const ENTERED: u64 = 2;

/// Where the number of forks begins.
const FORKS: u64 = 1 << 32;

/// Who sleeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sleeper {
    #[allow(dead_code, reason = "without `std` no thread sleeps")]
    Thread,
    Task,
}

impl<'a> Spot<'a> {
    /// A place that is not in the line yet.
    pub(crate) fn new(line: &'a Line, class: Class, who: Sleeper, floor: Floor) -> Self {
        Spot { line, floor, node: Node::new(class, who == Sleeper::Thread), state: Atomic::new(0) }
    }

    /// Relaxed, here and below: the owner's own word.
    fn state(&self) -> u64 {
        let (state, forks) = (self.state.load(Ordering::Relaxed), self.forks());
        // What was before a fork is over.
        if state & !(FORKS - 1) == forks { state % FORKS } else { 0 }
    }

    fn forks(&self) -> u64 {
        u64::from(self.line.waiting.forks.load(Ordering::Relaxed)) * FORKS
    }

    fn set_state(&self, state: u64) {
        self.state.store(self.forks() | state, Ordering::Relaxed);
    }

    fn unit(&self) -> u64 {
        if self.node.is_thread() { THREAD } else { TASK }
    }

    /// Says that somebody waits, if it was not said yet: then it returns `true`.
    pub(crate) fn come(&self) -> bool {
        let new = self.state() == 0;
        if new {
            // Relaxed: the caller makes a fence.
            if self.line.is_marked {
                self.line.waiting.floors.fetch_add(one(self.floor), Ordering::Relaxed);
            }
            self.line.at_end.fetch_add(self.unit(), Ordering::Relaxed);
            self.set_state(CAME);
        }
        new
    }

    /// Says that it waits no more.
    fn goes(&self) {
        self.line.at_end.fetch_sub(self.unit(), Ordering::Relaxed);
        if self.line.is_marked {
            self.line.waiting.floors.fetch_sub(one(self.floor), Ordering::Relaxed);
        }
    }

    /// Enters the line, at its end, if it is not in there. `false` if the list is busy: try again.
    pub(crate) fn try_enter(self: Pin<&Self>) -> bool {
        if self.state() == ENTERED {
            return true;
        }
        let Some(mut locked) = self.line.try_lock() else { return false };
        let (stale, lost) = locked.push(&self.get_ref().node);
        let wake = locked.unlock();
        self.set_state(ENTERED);
        self.line.wake(lost);
        self.line.wake(wake);
        calmly(|| drop(stale));
        true
    }

    /// Whether it is this one's turn.
    pub(crate) fn is_first(&self) -> bool {
        self.state() == ENTERED && self.node.has_turn()
    }

    /// Leaves the waker that is called when it is this one's turn, and when pages come while it is. It has entered.
    /// `false` if the list is busy: try again.
    pub(crate) fn try_leave_waker(&self, waker: &Waker) -> bool {
        let waker = waker.clone();
        let Some(mut locked) = self.line.try_lock() else { return false };
        let old = locked.set_waker(&self.node, waker);
        let wake = locked.unlock();
        self.line.wake(wake);
        calmly(|| drop(old));
        true
    }

    /// Sleeps at most for so long, unless the event word has changed since it was `seen`.
    #[allow(dead_code, reason = "without `std` no thread sleeps")]
    pub(crate) fn sleep(&self, seen: u32, most: Duration) {
        sleep_on(&self.line.waiting.event, seen, self.bits(), most);
    }

    /// For which bits it sleeps.
    #[allow(dead_code, reason = "without `std` no thread sleeps")]
    pub(super) fn bits(&self) -> NonZero<u32> {
        self.node.bits()
    }

    /// Leaves the line, and wakes who is next. It waits for the list: for a few steps of whoever has it.
    pub(crate) fn leave(&self) {
        let state = self.state();
        self.set_state(0);
        if state == ENTERED {
            let mut locked = loop {
                match self.line.try_lock() {
                    Some(locked) => break locked,
                    None => pause(),
                }
            };
            let (waker, next) = locked.remove(&self.node);
            let noted = locked.unlock();
            // Who is next is the first: there is nobody else to be woken for a note.
            let next = match next {
                Wake::Nobody => noted,
                next => next,
            };
            self.goes();
            if !defect!("line-next") {
                self.line.wake(next);
            }
            calmly(|| drop(waker));
        } else if state == CAME {
            self.goes();
        }
    }
}

impl Drop for Spot<'_> {
    fn drop(&mut self) {
        self.leave();
    }
}
