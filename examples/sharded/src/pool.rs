//! The pool, and the value that goes back to it.

use std::fmt;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::pages::Pages;
use crate::reuse::Reuse;

/// A pool for a `static`: of pages, or of values with memory of their own in `S` lists.
pub struct Pool<const S: usize, T: 'static> {
    pages: Pages,
    shelves: [Shelf<T>; S],
    /// The list for whoever comes next: each in turn.
    next: AtomicUsize,
    name: &'static str,
}

/// Values that lie idle.
struct Shelf<T> {
    idle: Mutex<Vec<T>>,
    trim: usize,
    max: usize,
}

impl<T> Shelf<T> {
    const fn empty() -> Self {
        Shelf { idle: Mutex::new(Vec::new()), trim: 0, max: 0 }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<T>> {
        // A panic while it was locked has left a list of values, as before.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<const S: usize, T: Default + Reuse> Pool<S, T> {
    /// A pool of `limit` buffers of `trim` bytes. Memory is there when it is needed.
    pub const fn new(limit: usize, trim: usize, name: &'static str) -> Self {
        let max = limit / S;
        let mut shelves = [const { Shelf::empty() }; S];
        let mut at = 0;
        while at < S {
            (shelves[at].trim, shelves[at].max) = (trim, max);
            at += 1;
        }
        Pool { pages: Pages::new(max * S, trim), shelves, next: AtomicUsize::new(0), name }
    }

    /// A value with a page or memory from the last time, if there is one, and else a new one.
    pub fn get(&'static self) -> Pooled<T> {
        if T::PAGED {
            return self.pooled(T::over(&self.pages, true), 0);
        }
        let at = self.turn();
        let idle = self.shelves[at].idle().pop();
        self.pooled(idle.unwrap_or_default(), at)
    }

    /// A value without memory. If it comes to need some, that is the pool's.
    pub fn get_empty(&'static self) -> Pooled<T> {
        let at = if T::PAGED { 0 } else { self.next.load(Ordering::Relaxed) % S };
        self.pooled(T::over(&self.pages, false), at)
    }

    /// A value as [`get`](Self::get) has it, and changed.
    pub fn get_with(&'static self, f: impl Fn(&mut T)) -> Pooled<T> {
        let mut pooled = self.get();
        f(&mut pooled);
        pooled
    }

    /// A value that comes from elsewhere. Memory of the heap is kept if the pool is one of such.
    pub fn from_owned(&'static self, inner: T) -> Pooled<T> {
        let at = if T::PAGED { 0 } else { self.turn() };
        self.pooled(inner, at)
    }

    /// The pool of pages, for its figures and for upkeep; `None` if there is none. Not in the original.
    pub fn pages(&self) -> Option<&pagesheaf::Pool> {
        if T::PAGED { self.pages.pool() } else { None }
    }

    fn turn(&self) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed) % S
    }

    fn pooled(&'static self, inner: T, at: usize) -> Pooled<T> {
        Pooled { inner, shelf: &self.shelves[at] }
    }
}

impl<'a, const S: usize, T: Default + Extend<&'a u8> + Reuse> Pool<S, T> {
    /// A value with these bytes.
    pub fn with_slice(&'static self, v: &'a [u8]) -> Pooled<T> {
        let mut pooled = self.get();
        pooled.extend(v);
        pooled
    }
}

impl<const S: usize, T> fmt::Debug for Pool<S, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let idle: usize = self.shelves.iter().map(|shelf| shelf.idle().len()).sum();
        let mut this = f.debug_struct("Pool");
        this.field("name", &self.name).field("pages", &self.pages).field("idle", &idle);
        this.finish()
    }
}

/// A value of a pool, to which it goes back when this is dropped.
pub struct Pooled<T: Default + Reuse + 'static> {
    inner: T,
    shelf: &'static Shelf<T>,
}

impl<T: Default + Reuse> Pooled<T> {
    /// The value, which does not go back. Its page does, when the value is dropped.
    pub fn into_inner(mut self) -> T {
        mem::take(&mut self.inner)
    }
}

impl<T: Default + Reuse> Drop for Pooled<T> {
    fn drop(&mut self) {
        if T::PAGED || !self.inner.reuse(self.shelf.trim) {
            return;
        }
        let mut idle = self.shelf.idle();
        if idle.len() < self.shelf.max {
            idle.push(mem::take(&mut self.inner));
        }
    }
}

impl<T: Default + Reuse> Deref for Pooled<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: Default + Reuse> DerefMut for Pooled<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T: Default + Reuse + fmt::Debug> fmt::Debug for Pooled<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pooled").field("inner", &self.inner).finish_non_exhaustive()
    }
}
