//! A magazine in use: its end and its addresses, at hand for the one who has it.
//!
//! Invariant: while a magazine is loaded, the length kept beside it is the true one. In modes that check,
//! magazines are *watched*: others look at the head, so that has a copy of the length at all times. In modes
//! that do not, the head's is zero meanwhile, and gets the true one when the magazine is closed. A
//! [`LoadedMagazine`] points into the tables that it was opened from: a slot is dropped together with them,
//! and an [`OpenMagazine`] borrows them. The owner works on figures of its own, and only *writes* the shared
//! line.
//!
//! Where the last id lies is kept as an address too: `top` is that of the entry at `start + len`. Lengths
//! are stored before ids are copied where nobody looks: a store behind the copy would wait for it, and the
//! next call for the store.

use core::marker::PhantomData;
use core::mem::MaybeUninit;

use super::{Head, Link, Magazine, Magazines};
use crate::mode::{Bare, Mode};
use crate::page::{Location, PageId, as_words};
use crate::sync::{Atomic, Ordering, all_below, copy_in, copy_out, load_exclusive, ordering};

/// What the owner of a loaded magazine knows of it, beside its length.
pub(crate) struct LoadedMagazine {
    /// The entry after the last id, and not the first one: a copy's address is then one figure, and not two.
    top: *const Atomic<u32>,
    head: *const Head,
    start: Location,
    magazine: Magazine,
}

/// How many ids a loaded magazine holds, and how many it can hold, which never changes.
pub(crate) struct Length {
    /// Only the owner writes it; others may read it as a hint, or for a report.
    pub(crate) now: Atomic<u32>,
    pub(crate) capacity: u32,
}

impl Length {
    pub(crate) fn new(now: u32, capacity: usize) -> Self {
        Length { now: Atomic::new(now), capacity: capacity as u32 }
    }
}

/// A magazine that a call has for itself.
pub(crate) struct OpenMagazine<'t> {
    len: Length,
    loaded: LoadedMagazine,
    tables: PhantomData<&'t Magazines>,
}

impl Magazines {
    /// Opens a magazine.
    pub(crate) fn open<M: Mode>(&self, magazine: Magazine) -> OpenMagazine<'_> {
        let number = magazine.number();
        let start = self.start(number);
        // Where nobody checks, nothing is expected to be corrupt.
        let len = if M::CHECKS { self.len(number) } else { self.len_as_said(number) };
        // Of the whole table: a pointer to one entry would not be good for the next.
        // SAFETY: the length is at most the capacity, so the location is in the table.
        let top = unsafe { self.entries.at((start + len) as usize) };
        if !M::CHECKS {
            self.set_len(&magazine, 0);
        }
        let head = core::ptr::from_ref(self.head(number));
        let loaded = LoadedMagazine { top, head, start, magazine };
        OpenMagazine { len: Length::new(len, self.capacity()), loaded, tables: PhantomData }
    }
}

impl OpenMagazine<'_> {
    /// Splits the magazine into what others may read, and what its owner alone has.
    pub(crate) fn into_parts(self) -> (u32, LoadedMagazine) {
        (self.len.now.load(Ordering::Relaxed), self.loaded)
    }

    /// The magazine, to change.
    pub(crate) fn as_mut(&mut self) -> MagazineMut<'_> {
        MagazineMut { len: &self.len, loaded: &mut self.loaded }
    }

    /// Closes the magazine, for a depot, and says how many ids it has.
    pub(crate) fn close<M: Mode>(mut self, magazines: &Magazines) -> (Magazine, u32) {
        let mut magazine = self.as_mut();
        let len = magazine.len();
        (magazine.close::<M>(magazines), len)
    }
}

/// A loaded magazine and its length, to change.
pub(crate) struct MagazineMut<'a> {
    len: &'a Length,
    loaded: &'a mut LoadedMagazine,
}

impl<'a> MagazineMut<'a> {
    /// A loaded magazine, which has this length.
    #[inline(always)]
    pub(crate) fn new(len: &'a Length, loaded: &'a mut LoadedMagazine) -> Self {
        MagazineMut { len, loaded }
    }

    /// The same, for a shorter time.
    #[inline(always)]
    pub(crate) fn reborrow(&mut self) -> MagazineMut<'_> {
        MagazineMut { len: self.len, loaded: self.loaded }
    }

    /// How many ids the magazine holds.
    #[inline(always)]
    pub(crate) fn len(&self) -> u32 {
        // SAFETY: only the owner of a loaded magazine writes its length, and `loaded` is borrowed alone.
        unsafe { load_exclusive(&self.len.now) }
    }

    /// How many more it can hold.
    #[inline(always)]
    pub(crate) fn remaining(&self) -> usize {
        self.remaining_beside(self.len())
    }

    /// How many more it can hold than these, which it holds.
    #[inline(always)]
    pub(crate) fn remaining_beside(&self, len: u32) -> usize {
        (self.len.capacity - len) as usize
    }

    /// Its number.
    pub(crate) fn number(&self) -> u32 {
        self.loaded.magazine.number()
    }

    /// Whether all ids that it holds are below this one.
    #[inline]
    pub(crate) fn ids_are_below(&self, end: u32) -> bool {
        self.len() == 0 || self.entries_are_below(end)
    }

    #[inline(never)]
    fn entries_are_below(&self, end: u32) -> bool {
        self.head().turn.reads();
        // SAFETY: only the owner of a loaded magazine writes its entries, and `loaded` is borrowed.
        unsafe { all_below(self.entries(), end) }
    }

    /// Notes that the magazine is in a slot. `magazines` are the tables that it was opened from.
    pub(crate) fn note_in_slot(&mut self, magazines: &Magazines) {
        magazines.set_link(&self.loaded.magazine, Link::IN_SLOT);
    }

    /// Its first location.
    pub(crate) fn start(&self) -> Location {
        self.loaded.start
    }

    /// Exchanges what two loaded magazines hold.
    #[inline(always)]
    pub(crate) fn swap(&mut self, other: &mut MagazineMut<'_>) {
        let (own, others) = (self.len(), other.len());
        self.len.now.store(others, Ordering::Relaxed);
        other.len.now.store(own, Ordering::Relaxed);
        core::mem::swap(self.loaded, other.loaded);
    }

    /// Takes the magazine out, and leaves none: the caller loads one before anything else is done.
    fn close<M: Mode>(&mut self, magazines: &Magazines) -> Magazine {
        let magazine = core::mem::replace(&mut self.loaded.magazine, Magazine(0));
        if !M::CHECKS {
            magazines.set_len(&magazine, self.len());
        }
        magazine
    }

    /// Gives the magazine, and says how many ids it has where the mode checks, for another, or the same again if
    /// `exchange` has none. Returns whether it had one.
    ///
    /// `magazines` are the tables that the magazine was opened from, and `exchange` gives one of them.
    pub(crate) fn exchange<M: Mode>(
        &mut self,
        magazines: &Magazines,
        exchange: impl FnOnce(Magazine, u32) -> Result<Magazine, Magazine>,
    ) -> bool {
        let len = if M::CHECKS { self.len() } else { 0 };
        let exchanged = exchange(self.close::<M>(magazines), len);
        let done = exchanged.is_ok();
        let (Ok(magazine) | Err(magazine)) = exchanged;
        let (len, LoadedMagazine { top, head, start, magazine, .. }) =
            magazines.open::<M>(magazine).into_parts();
        self.len.now.store(len, Ordering::Relaxed);
        let loaded = &mut *self.loaded;
        (loaded.top, loaded.head, loaded.start) = (top, head, start);
        loaded.magazine = magazine;
        done
    }

    /// The last ids, up to `most` of them.
    #[inline(always)]
    pub(crate) fn last(&mut self, most: usize) -> Entries<'_> {
        let len = self.len();
        let count = (len as usize).min(most);
        Entries { magazine: self.reborrow(), left: len - count as u32, count }
    }

    /// The last `count` ids, all but `left`.
    ///
    /// # Safety
    /// The magazine holds `left + count` ids.
    #[inline(always)]
    pub(crate) unsafe fn last_unchecked(self, left: u32, count: usize) -> Entries<'a> {
        debug_assert!(self.len() as usize == left as usize + count);
        Entries { magazine: self, left, count }
    }

    /// The vacant entries, up to `most` of them.
    #[inline(always)]
    pub(crate) fn room(&mut self, most: usize) -> Room<'_> {
        let len = self.len();
        let count = self.remaining_beside(len).min(most);
        Room { magazine: self.reborrow(), len, end: len + count as u32, count }
    }

    /// The first `count` vacant entries, from `len` to `end`: the caller has all three in registers.
    ///
    /// # Safety
    /// The magazine holds `len` ids, and has room for `count` more, which makes `end`.
    #[inline(always)]
    pub(crate) unsafe fn room_unchecked(self, len: u32, end: u32, count: usize) -> Room<'a> {
        debug_assert!(len == self.len() && count <= self.remaining());
        debug_assert!(end as usize == len as usize + count);
        Room { magazine: self, len, end, count }
    }

    /// The ids that the magazine held, one by one, with their locations, from the first on. It holds none
    /// from now on: the caller puts the pages elsewhere.
    pub(crate) fn take_ids<M: Mode>(&mut self) -> impl Iterator<Item = (Location, PageId)> {
        let len = self.len();
        let entries = self.clear::<M>();
        (self.loaded.start..self.loaded.start + len).zip(entries).map(|(location, entry)| {
            // Relaxed: the owner reads its own stores, or those of the owners before.
            (location, PageId::new(entry.load(Ordering::Relaxed)))
        })
    }

    /// Forgets all ids, and returns the entries that they were in: nobody else looks at them any more.
    pub(crate) fn clear<M: Mode>(&mut self) -> &'a [Atomic<u32>] {
        self.head().turn.reads();
        let len = self.len() as usize;
        let first = self.loaded.top.wrapping_sub(len);
        self.set_end::<M>(0, first);
        // SAFETY: the magazine has as many entries below its top, in tables that outlive it.
        unsafe { core::slice::from_raw_parts(first, len) }
    }

    fn head(&self) -> &Head {
        // SAFETY: the head is in the tables that the magazine was opened from, which live.
        unsafe { &*self.loaded.head }
    }

    /// The entries below the end.
    fn entries(&self) -> &[Atomic<u32>] {
        let len = self.len() as usize;
        // SAFETY: `top` has as many entries below it, in tables that live.
        unsafe { core::slice::from_raw_parts(self.loaded.top.sub(len), len) }
    }

    /// Moves the end to so many ids, of which the last lies below `top`.
    ///
    /// Release, also when the end moves down: a looker that reads this store must see every entry stored
    /// before it, or it would take an id that has long left for one that is still there. Pairs with the
    /// Acquire in `entries_from`.
    #[inline(always)]
    fn set_end<M: Mode>(&mut self, len: u32, top: *const Atomic<u32>) {
        self.loaded.top = top;
        self.len.now.store(len, Ordering::Relaxed);
        if M::CHECKS {
            self.head().len.store(len, ordering!(Release, "foreign-publish"));
        }
    }
}

/// So many ids at the end of a loaded magazine: proof that it holds them.
pub(crate) struct Entries<'a> {
    magazine: MagazineMut<'a>,
    left: u32,
    count: usize,
}

impl Entries<'_> {
    /// How many.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The location of the first.
    pub(crate) fn location(&self) -> Location {
        self.magazine.loaded.start + self.left
    }

    /// Takes them, in the order in which they were put. `out` is as long.
    #[inline(always)]
    pub(crate) fn pop<M: Mode>(mut self, out: &mut [MaybeUninit<PageId>]) {
        assert_eq!(out.len(), self.count);
        self.magazine.head().turn.reads();
        // The magazine holds as many ids below its top.
        let first = self.magazine.loaded.top.wrapping_sub(out.len());
        self.magazine.set_end::<M>(self.left, first);
        // SAFETY: the entries from there on held ids just now, and only the owner writes them.
        unsafe { copy_out(first, as_words(out)) };
    }
}

/// So many vacant entries of a loaded magazine: proof that it has room.
pub(crate) struct Room<'a> {
    magazine: MagazineMut<'a>,
    len: u32,
    /// How many ids the magazine holds when all the room is filled.
    end: u32,
    count: usize,
}

impl<'a> Room<'a> {
    /// How many.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// The magazine, with the entries that were committed.
    #[inline(always)]
    pub(crate) fn into_magazine(self) -> MagazineMut<'a> {
        self.magazine
    }

    /// The location of the first.
    #[inline(always)]
    pub(crate) fn location(&self) -> Location {
        self.magazine.loaded.start + self.len
    }

    /// The vacant entries, to be written and then committed.
    #[inline(always)]
    pub(crate) fn entries(&self) -> &'a [Atomic<u32>] {
        self.magazine.head().turn.writes();
        // SAFETY: the magazine has so many entries from its top on, in tables that outlive it.
        unsafe { core::slice::from_raw_parts(self.magazine.loaded.top, self.count) }
    }

    /// Fills the room with as many ids, where nobody looks: in modes without checks.
    #[inline(always)]
    pub(crate) fn push_unchecked(self, ids: &[PageId]) {
        assert_eq!(ids.len(), self.count);
        self.magazine.head().turn.writes();
        let top = self.magazine.loaded.top;
        // SAFETY: the entries are written at once, before anybody can look: nobody does in these modes.
        unsafe { self.commit_all::<Bare>() };
        // SAFETY: there is room for all ids, and nobody else touches the entries.
        unsafe { copy_in(top, bytemuck::cast_slice(ids)) };
    }

    /// Moves the magazine's end up over the first `n` of the entries; the room is what is left.
    ///
    /// # Safety
    /// `n` is at most the count, and the entries have been written with ids of pages that are the magazine's
    /// now.
    #[inline(always)]
    pub(crate) unsafe fn commit<M: Mode>(&mut self, n: usize) {
        let top = self.magazine.loaded.top.wrapping_add(n);
        (self.len, self.count) = (self.len + n as u32, self.count - n);
        self.magazine.set_end::<M>(self.len, top);
    }

    /// Moves the magazine's end up over all of the entries.
    ///
    /// # Safety
    /// As [`Self::commit`].
    #[inline(always)]
    pub(crate) unsafe fn commit_all<M: Mode>(mut self) {
        let top = self.magazine.loaded.top.wrapping_add(self.count);
        self.magazine.set_end::<M>(self.end, top);
    }
}
