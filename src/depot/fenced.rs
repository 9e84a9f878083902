//! Magazines whose pages wait for a ticket: a queue for each fence.
//!
//! Invariant: a fenced magazine is in the queue of its fence, or in one call's hands. Its mark says which fence that
//! is, and its ticket is the largest of its pages'; only who has the magazine writes either, and the queue's word
//! publishes them. Nobody allocates from it: to the pool its pages are out.
//!
//! A queue is a depot whose two stacks are its two ends: magazines come on one, newest on top, and when the other is
//! empty they are turned over to it, one by one, so that the oldest is on its top. So a call that stands still hides
//! one magazine at the most. Who turns them over while others take may leave a newer one above an older one; that
//! waits a little longer then.

use super::{Depot, Stack};
use crate::magazine::{Link, Magazine, Magazines};
use crate::metadata::{MetadataBlock, MetadataLayout, MetadataSlice, Span};
use crate::mode::Mode;
use crate::sync::{Atomic, Ordering};
use crate::ticket::{Fence, Fences};

/// The most fences that a pool can have: as many as a link can tell depots apart, but one.
pub(crate) const FENCES_MAX: usize = Link::DEPOTS - 1;

/// The end of a queue on which magazines come.
pub(crate) const NEW: Stack = Stack::Nonempty;

/// The end from which they leave.
pub(crate) const OLD: Stack = Stack::Empty;

/// The queues of a pool's fences, and what their magazines wait for.
pub(crate) struct FencedMagazines {
    fences: Fences,
    queues: MetadataSlice<Depot>,
    /// Of each magazine: its fence's number and 1, or 0 if it is not fenced.
    marks: MetadataSlice<Atomic<u32>>,
    tickets: MetadataSlice<Atomic<u64>>,
    /// Pages that wait.
    pages: Atomic<u64>,
}

/// How the tables of fenced magazines are cut.
pub(crate) struct FencedLayout {
    queues: Span<Depot>,
    marks: Span<Atomic<u32>>,
    tickets: Span<Atomic<u64>>,
}

impl FencedLayout {
    /// Tables for so many fences, and `count` magazines.
    pub(crate) const fn new(
        layout: &mut MetadataLayout,
        fences: usize,
        count: usize,
    ) -> Option<Self> {
        let magazines = if fences == 0 { 0 } else { count + 1 };
        let Some(queues) = layout.table(fences) else { return None };
        let Some(marks) = layout.table(magazines) else { return None };
        let Some(tickets) = layout.table(magazines) else { return None };
        Some(FencedLayout { queues, marks, tickets })
    }
}

impl FencedMagazines {
    pub(crate) fn new(block: &mut MetadataBlock, layout: FencedLayout, fences: Fences) -> Self {
        let queue = |number: usize| Depot {
            bits: Link::fenced_bits(number as u32),
            ..Depot::without_magazines()
        };
        FencedMagazines {
            fences,
            queues: block.fill(layout.queues, queue),
            marks: block.fill_zero(layout.marks),
            tickets: block.fill_zero(layout.tickets),
            pages: Atomic::new(0),
        }
    }

    /// How many fences there are.
    pub(crate) fn count(&self) -> usize {
        self.queues.len()
    }

    /// The fence with this number.
    pub(crate) fn fence(&self, number: usize) -> Option<&'static dyn Fence> {
        self.fences.get(number)
    }

    /// Pages that wait for a ticket, as of about now.
    #[inline]
    pub(crate) fn pages(&self) -> u64 {
        // Relaxed: a figure.
        self.pages.load(Ordering::Relaxed)
    }

    pub(crate) fn count_pages(&self, n: u64) {
        self.pages.fetch_add(n, Ordering::Relaxed);
    }

    pub(crate) fn uncount_pages(&self, n: u64) {
        self.pages.fetch_sub(n, Ordering::Relaxed);
    }

    /// How often a queue was cut off because it was corrupt.
    pub(crate) fn cuts(&self) -> u64 {
        self.queues.iter().map(Depot::cuts).sum()
    }

    /// What a magazine waits for.
    pub(crate) fn ticket(&self, magazine: &Magazine) -> u64 {
        // Relaxed: the queue's word has brought it, or it is the caller's own.
        self.tickets[magazine.number() as usize].load(Ordering::Relaxed)
    }

    /// Whether a magazine waits for a fence, as of about now.
    pub(crate) fn is_fenced(&self, number: u32) -> bool {
        // Relaxed: a look.
        self.marks.get(number as usize).is_some_and(|mark| mark.load(Ordering::Relaxed) != 0)
    }

    /// Notes what a magazine waits for from now on.
    pub(crate) fn mark(&self, magazine: &Magazine, fence: usize, ticket: u64) {
        let number = magazine.number() as usize;
        // Relaxed: the queue's word publishes both.
        self.tickets[number].store(ticket, Ordering::Relaxed);
        self.marks[number].store(fence as u32 + 1, Ordering::Relaxed);
    }

    /// Notes that a magazine waits for nothing any more.
    pub(crate) fn unmark(&self, magazine: &Magazine) {
        if let Some(mark) = self.marks.get(magazine.number() as usize) {
            // Relaxed: what publishes the magazine publishes this.
            mark.store(0, Ordering::Relaxed);
        }
    }

    /// Puts a magazine at an end of its fence's queue.
    pub(crate) fn push(&self, magazines: &Magazines, magazine: Magazine, end: Stack) {
        let len = magazines.len(magazine.number());
        let mark = self.marks[magazine.number() as usize].load(Ordering::Relaxed);
        if let Some(queue) = self.queues.get((mark as usize).wrapping_sub(1)) {
            queue.push(magazines, magazine, len, end);
        }
    }

    /// Takes the magazine at an end of a fence's queue, if it has room.
    pub(crate) fn pop_with_room<M: Mode>(
        &self,
        magazines: &Magazines,
        fence: usize,
        end: Stack,
    ) -> Option<Magazine> {
        let queue = &self.queues[fence];
        let has_room = (1..magazines.capacity()).contains(&queue.next_len(magazines, end));
        if has_room { queue.pop::<M>(magazines, end) } else { None }
    }

    /// Takes the oldest magazine of a fence.
    pub(crate) fn oldest<M: Mode>(&self, magazines: &Magazines, fence: usize) -> Option<Magazine> {
        let queue = &self.queues[fence];
        if let Some(oldest) = queue.pop::<M>(magazines, OLD) {
            return Some(oldest);
        }
        // As many as there are in all, and no more, though others may push meanwhile.
        for _ in 1..magazines.count() {
            let Some(newest) = queue.pop::<M>(magazines, NEW) else { break };
            self.push(magazines, newest, OLD);
        }
        queue.pop::<M>(magazines, OLD)
    }

    /// Takes all magazines off the queues, without looking at them; they keep their marks. The caller is alone.
    pub(crate) fn forget_queues(&self) {
        self.queues.iter().for_each(Depot::forget);
        // Relaxed: the caller is alone; here and below.
        self.pages.store(0, Ordering::Relaxed);
    }

    /// No magazine waits for anything any more. The caller is alone.
    pub(crate) fn forget_marks(&self) {
        self.marks.iter().for_each(|mark| mark.store(0, Ordering::Relaxed));
    }
}
