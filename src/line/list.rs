//! The list itself, in the hands of whoever has locked it.
//!
//! Invariant: a node is in the list from when its spot has entered until it has left, and its memory stays where it is
//! and valid for as long: a spot is pinned, and leaves when it is dropped. Its parts are touched by whoever has the
//! list alone.

use core::marker::PhantomPinned;
use core::num::NonZero;
use core::ptr::NonNull;
use core::task::Waker;

use super::{Class, FIRST, Line, Wake};
use crate::sync::{Atomic, ExclusiveCell, Ordering, defect};

/// The two queues, critical ones first.
pub(super) struct Listed {
    queues: [Queue; 2],
    /// Whose turn it is.
    first: Option<NonNull<Node>>,
    /// How many have come, ever.
    came: u32,
}

/// Those of one class.
#[derive(Clone, Copy, Default)]
struct Queue {
    first: Option<NonNull<Node>>,
    last: Option<NonNull<Node>>,
}

/// What lies in a spot, and in the list while that is in line.
pub(super) struct Node {
    class: Class,
    is_thread: bool,
    /// 1 while it is the turn of this one. Written by who has the list.
    turn: Atomic<u32>,
    /// For which bit its thread sleeps.
    bit: Atomic<u32>,
    parts: ExclusiveCell<Parts>,
    /// Others have its address.
    _pinned: PhantomPinned,
}

/// What belongs to whoever has the list.
#[derive(Default)]
struct Parts {
    before: Option<NonNull<Node>>,
    after: Option<NonNull<Node>>,
    waker: Option<Waker>,
}

// SAFETY: its parts are reached by whoever has the list alone; all else are atomics, or stays as it is.
unsafe impl Sync for Node {}
// SAFETY: nothing in it belongs to a thread.
unsafe impl Send for Node {}

impl Listed {
    pub(super) fn new() -> Self {
        Listed { queues: [Queue::default(); 2], first: None, came: 0 }
    }
}

impl Node {
    pub(super) fn new(class: Class, is_thread: bool) -> Self {
        Node {
            class,
            is_thread,
            turn: Atomic::new(0),
            bit: Atomic::new(1),
            parts: ExclusiveCell::new(Parts::default()),
            _pinned: PhantomPinned,
        }
    }

    /// Whether it is this one's turn.
    pub(super) fn has_turn(&self) -> bool {
        // Acquire: pairs with the Release of who gave it the turn, and who saw to what came before.
        self.turn.load(Ordering::Acquire) != 0
    }

    /// For which bits its thread sleeps: for its own, by which it is told that it has the turn, and while it has that,
    /// for the one by which the first in line is told that pages have come.
    pub(super) fn bits(&self) -> NonZero<u32> {
        let own = self.own_bit();
        if self.has_turn() && !defect!("line-first") { FIRST | own } else { own }
    }

    fn own_bit(&self) -> NonZero<u32> {
        NonZero::new(self.bit.load(Ordering::Relaxed)).unwrap_or(NonZero::<u32>::MIN)
    }

    pub(super) fn is_thread(&self) -> bool {
        self.is_thread
    }
}

/// The list, until [`Self::unlock`].
#[must_use]
pub(super) struct Locked<'a>(&'a Line);

impl<'a> Locked<'a> {
    /// The caller has just set the lock.
    pub(super) fn new(line: &'a Line) -> Self {
        Locked(line)
    }

    fn listed(&mut self) -> &mut Listed {
        // SAFETY: this is the one who has the list, which it reaches through here alone.
        unsafe { self.0.waiting.listed.get_mut() }
    }

    fn node(&self, at: NonNull<Node>) -> &'a Node {
        // SAFETY: it is in the list, or about to enter or leave it by its owner: its memory is valid.
        unsafe { at.as_ref() }
    }

    fn parts(&mut self, at: NonNull<Node>) -> &mut Parts {
        let node = self.node(at);
        // SAFETY: they belong to who has the list, which reaches them through here alone.
        unsafe { node.parts.get_mut() }
    }

    /// Puts a node at the end of its queue. Returns a waker that a fork has left in it, and who has lost its turn by
    /// this: to be woken, because it may have pages in hand.
    pub(super) fn push(&mut self, node: &Node) -> (Option<Waker>, Wake) {
        let at = NonNull::from(node);
        let listed = self.listed();
        listed.came = listed.came.wrapping_add(1);
        // All but the one for which the first sleeps.
        let bit = 1 << (listed.came % (u32::BITS - 1));
        node.bit.store(bit, Ordering::Relaxed);
        // Also of one that had it before a fork.
        node.turn.store(0, Ordering::Relaxed);
        let before = listed.queues[node.class as usize].last.replace(at);
        match before {
            Some(before) => self.parts(before).after = Some(at),
            None => self.listed().queues[node.class as usize].first = Some(at),
        }
        let stale = core::mem::replace(self.parts(at), Parts { before, ..Parts::default() });
        let first = self.listed().first;
        // It is this one's, which looks next, or nobody's anew.
        let _ = self.next_turn();
        let lost = first.filter(|_| self.listed().first != first && !defect!("line-turn"));
        (stale.waker, lost.map_or(Wake::Nobody, |at| self.wake_of(at)))
    }

    /// Takes a node out. Returns its waker, to be dropped when nothing is held, and who is next.
    pub(super) fn remove(&mut self, node: &Node) -> (Option<Waker>, Wake) {
        let at = NonNull::from(node);
        let Parts { before, after, waker } = core::mem::take(self.parts(at));
        match before {
            Some(before) => self.parts(before).after = after,
            None => self.listed().queues[node.class as usize].first = after,
        }
        match after {
            Some(after) => self.parts(after).before = before,
            None => self.listed().queues[node.class as usize].last = before,
        }
        (waker, self.next_turn())
    }

    /// Whose turn it is has changed, or not. Returns whom to wake for it.
    fn next_turn(&mut self) -> Wake {
        let listed = self.listed();
        let [critical, ordinary] = listed.queues;
        let next = critical.first.or(ordinary.first);
        let last = core::mem::replace(&mut listed.first, next);
        if next == last {
            return Wake::Nobody;
        }
        // One that has left the line is not asked any more whether it has the turn; its memory is still there.
        if let Some(last) = last {
            self.node(last).turn.store(0, Ordering::Relaxed);
        }
        let Some(next) = next else { return Wake::Nobody };
        let node = self.node(next);
        // Release: pairs with the Acquire of its owner.
        node.turn.store(1, Ordering::Release);
        self.wake_of(next)
    }

    /// How one in the list is woken.
    fn wake_of(&mut self, at: NonNull<Node>) -> Wake {
        let node = self.node(at);
        if node.is_thread { Wake::Threads(node.own_bit()) } else { self.waker_of(at) }
    }

    fn waker_of(&mut self, at: NonNull<Node>) -> Wake {
        self.parts(at).waker.take().map_or(Wake::Nobody, Wake::Task)
    }

    /// Leaves a waker, and returns the one that was there, to be dropped when nothing is held.
    pub(super) fn set_waker(&mut self, node: &Node, waker: Waker) -> Option<Waker> {
        self.parts(NonNull::from(node)).waker.replace(waker)
    }

    /// The list is empty, and nothing of it is touched.
    pub(super) fn forget(&mut self) {
        *self.listed() = Listed::new();
    }

    /// Gives the list up. Returns whom to wake then: if somebody has left a note meanwhile, the first in line. A
    /// thread sleeps on the event word, and needs none of this.
    pub(super) fn unlock(mut self) -> Wake {
        if self.0.try_unlock() {
            return Wake::Nobody;
        }
        let first = self.listed().first.filter(|&at| !self.node(at).is_thread);
        let wake = first.map_or(Wake::Nobody, |at| self.waker_of(at));
        self.0.unlock();
        wake
    }
}
