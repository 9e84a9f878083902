//! Magazines whose pages wait for a ticket: a queue for each fence.
//!
//! Invariant: a fenced magazine is in the queue of its fence, or in one call's hands. Its note says which fence that
//! is, and how many pages were given up, and its ticket is the largest of theirs; only who has the magazine writes
//! either, and the queue's word publishes them. Nobody allocates from it: to the pool its pages are out.
//!
//! A queue is a depot whose two stacks are its two ends: magazines come on one, newest on top, and when the other is
//! empty they are turned over to it, one by one, so that the oldest is on its top. So a call that stands still hides
//! one magazine at the most, and a look at the oldest ticket takes none. Who turns magazines over while others do may
//! leave a newer one above an older one, and tickets may come in another order than they grow: whoever looks at the
//! oldest, and finds an older one behind it, puts it where new ones come.

use super::{Depot, Stack};
use crate::magazine::{Link, Magazine, Magazines};
use crate::metadata::{MetadataBlock, MetadataLayout, MetadataSlice, Padded, Span};
use crate::mode::Mode;
use crate::sync::{Atomic, Ordering};
use crate::ticket::{Fence, Fences};

/// The most fences that a pool can have: as many as a link can tell depots apart, but one.
pub(crate) const FENCES_MAX: usize = Link::DEPOTS - 1;

/// The end of a queue on which magazines come.
pub(crate) const NEW: Stack = Stack::Nonempty;

/// The end from which they leave.
pub(crate) const OLD: Stack = Stack::Empty;

/// So many magazines at each end are looked at for whether they are older: more than threads that turn some over at one
/// time.
const LOOKED_AT: usize = 64;

/// Bits of a note that say how many pages were given up. Above them is the fence's number and 1: a note of 0 is that of
/// a magazine that is not fenced.
const PAGES_BITS: u32 = 16;

/// What a call has noted of a magazine that it has.
#[derive(Clone, Copy)]
pub(crate) struct Noted {
    pub(crate) fence: usize,
    pub(crate) pages: u32,
    pub(crate) ticket: u64,
}

/// The queues of a pool's fences, and what their magazines wait for.
pub(crate) struct FencedMagazines {
    fences: Fences,
    queues: MetadataSlice<Padded<Depot>>,
    pub(crate) notes: MetadataSlice<Atomic<u32>>,
    pub(crate) tickets: MetadataSlice<Atomic<u64>>,
    /// Pages that wait.
    pages: Atomic<u64>,
}

/// How the tables of fenced magazines are cut.
pub(crate) struct FencedLayout {
    queues: Span<Padded<Depot>>,
    notes: Span<Atomic<u32>>,
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
        let Some(notes) = layout.table(magazines) else { return None };
        let Some(tickets) = layout.table(magazines) else { return None };
        Some(FencedLayout { queues, notes, tickets })
    }
}

impl FencedMagazines {
    pub(crate) fn new(block: &mut MetadataBlock, layout: FencedLayout, fences: Fences) -> Self {
        let queue = |number: usize| {
            let bits = Link::fenced_bits(number as u32);
            Padded(Depot { bits, ..Depot::without_magazines() })
        };
        FencedMagazines {
            fences,
            queues: block.fill(layout.queues, queue),
            notes: block.fill_zero(layout.notes),
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

    /// The queues.
    pub(crate) fn queues(&self) -> impl Iterator<Item = &Depot> {
        self.queues.iter().map(|queue| &**queue)
    }

    /// How often a queue was cut off because it was corrupt.
    pub(crate) fn cuts(&self) -> u64 {
        self.queues().map(Depot::cuts).sum()
    }

    /// What is noted of a magazine, if it is fenced. Of one that others have it is a look.
    pub(crate) fn noted(&self, number: u32) -> Option<Noted> {
        // Relaxed, here and below: the queue's word has brought it, or it is the caller's own, or a look.
        let note = self.notes.get(number as usize)?.load(Ordering::Relaxed);
        let fence = ((note >> PAGES_BITS) as usize).checked_sub(1)?;
        let ticket = self.tickets[number as usize].load(Ordering::Relaxed);
        let pages = note & ((1 << PAGES_BITS) - 1);
        (fence < self.count()).then_some(Noted { fence, pages, ticket })
    }

    /// Notes what a magazine waits for from now on, and counts its pages; `None` if it waits for nothing any more.
    pub(crate) fn note(&self, magazine: &Magazine, noted: Option<Noted>) {
        let number = magazine.number();
        let before = self.noted(number).map_or(0, |noted| noted.pages);
        let Some(word) = self.notes.get(number as usize) else { return };
        let now = noted.map_or(0, |noted| noted.pages);
        let note = noted.map_or(0, |noted| (noted.fence as u32 + 1) << PAGES_BITS | noted.pages);
        // Relaxed: what publishes the magazine publishes both, and the count is a figure.
        if let Some(noted) = noted {
            self.tickets[number as usize].store(noted.ticket, Ordering::Relaxed);
        }
        word.store(note, Ordering::Relaxed);
        self.pages.fetch_add(u64::from(now).wrapping_sub(before.into()), Ordering::Relaxed);
    }

    /// Puts a magazine of `len` ids at an end of a fence's queue.
    pub(crate) fn push(
        &self,
        magazines: &Magazines,
        fence: usize,
        magazine: Magazine,
        (end, len): (Stack, u32),
    ) {
        self.queues[fence].push(magazines, magazine, len, end);
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
    pub(crate) fn pop_oldest<M: Mode>(
        &self,
        magazines: &Magazines,
        fence: usize,
    ) -> Option<Magazine> {
        self.queues[fence].pop::<M>(magazines, OLD)
    }

    /// The ticket of a fence's oldest magazine, if there is one. It stays where it is: so it may be another's a moment
    /// later.
    pub(crate) fn oldest<M: Mode>(&self, magazines: &Magazines, fence: usize) -> Option<u64> {
        let queue = &self.queues[fence];
        if queue.top(OLD) == 0 {
            // As many as there are in all, and no more, though others may push meanwhile.
            for _ in 1..magazines.count() {
                let Some(newest) = queue.pop::<M>(magazines, NEW) else { break };
                let len = magazines.noted_len::<M>(&newest);
                self.push(magazines, fence, newest, (OLD, len));
            }
        }
        self.noted(queue.top(OLD)).map(|noted| noted.ticket)
    }

    /// Whether a magazine behind the oldest waits for a smaller ticket than this. A look.
    pub(crate) fn hides_older(&self, magazines: &Magazines, fence: usize, ticket: u64) -> bool {
        let is_number = |number: &u32| (1..magazines.count()).contains(number);
        let below = |&number: &u32| Some(magazines.link(number).below());
        [OLD, NEW].into_iter().any(|end| {
            let stack = core::iter::successors(Some(self.queues[fence].top(end)), below);
            let mut looked = stack.take(LOOKED_AT).take_while(is_number);
            looked.any(|number| self.noted(number).is_some_and(|noted| noted.ticket < ticket))
        })
    }

    /// Takes all magazines off the queues, without looking at them; the notes stay. The caller is alone.
    pub(crate) fn forget_queues(&self) {
        self.queues().for_each(Depot::forget);
    }

    /// No magazine waits for anything any more. The caller is alone. Returns how many pages did.
    pub(crate) fn forget_notes(&self) -> u64 {
        // Relaxed: the caller is alone.
        self.notes.iter().for_each(|note| note.store(0, Ordering::Relaxed));
        self.pages.swap(0, Ordering::Relaxed)
    }
}
