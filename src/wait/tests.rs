//! What a task that waits does while others are in the middle of calls, and what it can take.

extern crate std;

use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::boxed::Box;
use std::sync::Arc;
use std::task::Wake;
use std::vec::Vec;

use crate::error::WaitError;
use crate::inner::tests::in_modes;
use crate::mode::Mode;
use crate::owned::PageBatch;
use crate::pool::Pool;
use crate::sync::{Atomic, LOOKS, Ordering};

struct Count(Atomic<u32>);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// A task's waker, and how often it was woken.
struct Task(Arc<Count>, Waker);

impl Task {
    fn new() -> Self {
        let count = Arc::new(Count(Atomic::new(0)));
        Task(Arc::clone(&count), Waker::from(count))
    }

    /// Polls its future. Says what came of it, and how often the task was woken meanwhile.
    fn poll<F: Future<Output = Result<(), WaitError>>>(
        &self,
        future: Pin<&mut F>,
    ) -> (Poll<F::Output>, u32) {
        let ready = future.poll(&mut Context::from_waker(&self.1));
        (ready, self.woken())
    }

    fn woken(&self) -> u32 {
        self.0.0.swap(0, Ordering::Relaxed)
    }
}

/// A pool of 8 pages with one slot for caches and one that is shared; without an allocator there is none.
fn pool<M: Mode>() -> Option<Pool<M>> {
    let builder = Pool::builder(8).page_size(256).magazine_capacity(4).mode::<M>();
    builder.max_caches(1).shared_caches(1).build().ok()
}

/// A call may hide pages in its slot: who waits looks again soon, but not for ever.
fn who_waits_looks_again_while_a_slot_is_in_a_call<M: Mode>() {
    let Some(pool) = pool::<M>() else { return };
    let (task, mut batch) = (Task::new(), PageBatch::<M, 8>::empty());
    let out = pool.alloc().expect("a page");
    let mut pages = Box::pin(pool.alloc_bulk_async(&mut batch, 8));
    for _ in 0..2 {
        let slot = pool.core.borrow_slot().expect("nobody has it");
        for _ in 0..LOOKS {
            assert_eq!(task.poll(pages.as_mut()), (Poll::Pending, 1));
        }
        assert_eq!(task.poll(pages.as_mut()), (Poll::Pending, 0), "the call takes long");
        drop(slot);
        // Nothing is hidden any more: what comes wakes it.
        assert_eq!(task.poll(pages.as_mut()), (Poll::Pending, 0));
    }
    assert_eq!(pool.audit().pages.promised, 7);
    drop(out);
    assert_eq!(task.woken(), 1);
    assert_eq!(task.poll(pages.as_mut()), (Poll::Ready(Ok(())), 0));
    drop(pages);
    assert_eq!((batch.len(), pool.audit().pages.promised), (8, 0));
}

/// All that is missing, and not only some, and behind what came from elsewhere.
fn who_waits_takes_what_a_stealable_cache_holds<M: Mode>() {
    let Some(pool) = pool::<M>() else { return };
    let mut cache = pool.cache_stealable().expect("a cache");
    let (task, mut batch) = (Task::new(), PageBatch::<M, 8>::empty());
    assert_eq!(cache.alloc_bulk(&mut batch, 3).allocated, 3);
    cache.free_bulk(&mut batch);
    let held = pool.core.slots[0].cached();
    assert!((3..8).contains(&held));
    let mut pages = Box::pin(pool.alloc_bulk_async(&mut batch, 8));
    let (ready, _) = task.poll(pages.as_mut());
    if !ready.is_ready() {
        // Where the system makes no fence, the cache is asked, and its next call gives them up.
        cache.drain();
        assert_eq!(task.poll(pages.as_mut()).0, Poll::Ready(Ok(())));
    }
    drop(pages);
    let mut ids: Vec<_> = batch.ids().iter().map(|id| id.index()).collect();
    ids.sort_unstable();
    assert!(ids.into_iter().eq(0..8));
    let pages = pool.audit().pages;
    assert!(pages.adds_up() && (pages.out, pages.promised) == (8, 0), "{pages}");
}

/// What its own cache holds, too: nobody but its owner could take that.
fn who_waits_gives_up_what_its_cache_holds<M: Mode>() {
    let Some(pool) = pool::<M>() else { return };
    let mut cache = pool.cache().expect("a cache");
    let (task, mut batch) = (Task::new(), PageBatch::<M, 8>::empty());
    let out = pool.alloc().expect("a page");
    assert_eq!(cache.alloc_bulk(&mut batch, 3).allocated, 3);
    cache.free_bulk(&mut batch);
    assert!(pool.core.slots[0].cached() >= 3);
    let mut pages = Box::pin(cache.alloc_bulk_async(&mut batch, 8));
    assert_eq!(task.poll(pages.as_mut()).0, Poll::Pending);
    assert_eq!((pool.core.slots[0].cached(), pool.audit().pages.promised), (0, 7));
    drop(out);
    assert_eq!(task.poll(pages.as_mut()).0, Poll::Ready(Ok(())));
}

/// Else each of the two could have what the other waits for.
fn who_loses_its_turn_gives_back_what_it_has<M: Mode>() {
    let Some(pool) = pool::<M>() else { return };
    let (first, second) = (Task::new(), Task::new());
    let [mut batch, mut others] = [(); 2].map(|()| PageBatch::<M, 8>::empty());
    let out = pool.alloc().expect("a page");
    let mut pages = Box::pin(pool.alloc_bulk_async(&mut batch, 8));
    assert_eq!(first.poll(pages.as_mut()), (Poll::Pending, 0));
    assert_eq!(pool.audit().pages.promised, 7);
    let critical = pool.critical();
    let mut more = Box::pin(critical.alloc_bulk_async(&mut others, 5));
    assert_eq!(second.poll(more.as_mut()), (Poll::Pending, 0));
    assert_eq!(first.woken(), 1, "it is no longer its turn");
    assert_eq!(first.poll(pages.as_mut()), (Poll::Pending, 0));
    assert_eq!((pool.audit().pages.promised, second.woken()), (0, 1));
    assert_eq!(second.poll(more.as_mut()).0, Poll::Ready(Ok(())));
    drop(more);
    others.clear();
    drop(out);
    assert_eq!(first.poll(pages.as_mut()).0, Poll::Ready(Ok(())));
}

in_modes! {
    who_waits_looks_again_while_a_slot_is_in_a_call: Bare, Checked, Hardened;
    who_waits_takes_what_a_stealable_cache_holds: Bare, Checked, Hardened;
    who_waits_gives_up_what_its_cache_holds: Bare, Checked, Hardened;
    who_loses_its_turn_gives_back_what_it_has: Bare, Checked, Hardened;
}
