//! Who waits for pages: no wake-up is lost, and whoever leaves the line leaves nothing behind.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Wake, Waker};

use loom_tests::{Device, every_mode, race};
use pagesheaf::{Mode, Page, PageBatch, Pool};

use crate::common::{builder, is_whole, pool};

/// How often it was woken, by a number that loom does not know.
#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A task that waits for pages, which it drops when it has them.
pub struct Task {
    future: Option<Pin<Box<dyn Future<Output = ()> + Send>>>,
    woken: Arc<Woken>,
}

impl Task {
    pub fn new<M: Mode>(pool: &Pool<M>, want: usize) -> Self {
        let pool = pool.clone();
        Self::of(async move {
            let mut batch = PageBatch::<M, 2>::empty();
            pool.alloc_bulk_async(&mut batch, want).await.expect("it can be served");
            assert_eq!(batch.len(), want);
        })
    }

    /// One that comes before all others.
    fn critical<M: Mode>(pool: &Pool<M>, want: usize) -> Self {
        let pool = pool.clone();
        Self::of(async move {
            let mut batch = PageBatch::<M, 2>::empty();
            let done = pool.critical().alloc_bulk_async(&mut batch, want).await;
            done.expect("it can be served");
            assert_eq!(batch.len(), want);
        })
    }

    fn of(future: impl Future<Output = ()> + Send + 'static) -> Self {
        Task { future: Some(Box::pin(future)), woken: Arc::default() }
    }

    /// Whether it is served, or was before.
    pub fn poll(&mut self) -> bool {
        let waker = Waker::from(Arc::clone(&self.woken));
        let mut context = Context::from_waker(&waker);
        let done =
            self.future.as_mut().is_none_or(|future| future.as_mut().poll(&mut context).is_ready());
        if done {
            self.future = None;
        }
        done
    }

    /// Polls it as often as it was woken. It does not sleep for ever: all that it wants is free.
    #[track_caller]
    pub fn settle(self) {
        settle([self]);
    }
}

/// Polls each as often as it was woken. They do not all sleep: all that they want is free.
#[track_caller]
fn settle<const N: usize>(mut tasks: [Task; N]) {
    while tasks.iter().any(|task| task.future.is_some()) {
        let woken = tasks.iter_mut().filter(|task| task.woken.0.swap(0, Ordering::SeqCst) > 0);
        let polled = woken.map(Task::poll).count();
        assert!(polled > 0, "all sleep, and pages are free");
    }
}

/// A pool with so many shared slots, of which all pages are out.
pub fn taken<M: Mode>(pages: usize, shared: usize) -> (Pool<M>, Vec<Page<M>>) {
    let pool = pool::<M>(pages, 1, shared, 2);
    let all = (0..pages).map(|_| pool.alloc().expect("a new pool")).collect();
    (pool, all)
}

/// The only page is dropped while a task comes to wait for it, in a pool with so many shared slots.
fn a_drop_against_who_comes_to_wait<M: Mode>(shared: usize) {
    let (pool, mut all) = taken::<M>(1, shared);
    let mut task = Task::new(&pool, 1);
    let page = all.pop();
    race(move || drop(page), || task.poll());
    task.settle();
    is_whole(&pool);
}

every_mode! {
    /// A page is dropped, past all slots, while a task comes to wait for it.
    all, Composite, at least 100;
    fn a_free_is_seen_by_who_comes_to_wait<M: Mode>() {
        a_drop_against_who_comes_to_wait::<M>(0);
    }
}

every_mode! {
    /// The same, where the page goes into a shared slot.
    all, Composite, at least 100;
    fn a_drop_into_a_shared_slot_is_seen_by_who_waits<M: Mode>() {
        a_drop_against_who_comes_to_wait::<M>(1);
    }
}

every_mode! {
    /// A page whose ticket has passed comes free by who looks, while a task comes to wait for it.
    one, Composite, at least 1_000;
    fn what_is_reaped_is_seen_by_who_comes_to_wait<M: Mode>() {
        let (device, fences) = Device::new();
        let pool = builder::<M>(1, 1, 0, 1).fences(fences).build().expect("a small pool");
        let mut batch = PageBatch::<M, 2>::empty();
        assert_eq!(pool.alloc_bulk(&mut batch, 1).allocated, 1);
        pool.free_bulk_after(&mut batch, 1).expect("a magazine is left");
        device.pass(1);
        let (mut task, other) = (Task::new(&pool, 1), pool.clone());
        race(move || other.reap_fences(), || task.poll());
        task.settle();
        is_whole(&pool);
    }
}

every_mode! {
    /// One task waits, and another comes while a page is dropped: whoever has the list then wakes the
    /// first one.
    all, Composite, at least 40;
    fn a_note_in_the_line_is_answered<M: Mode>() {
        let (pool, mut all) = taken::<M>(1, 0);
        let [mut first, mut second] = [(); 2].map(|()| Task::new(&pool, 1));
        assert!(!first.poll());
        first.woken.0.store(0, Ordering::SeqCst);
        let page = all.pop();
        race(move || drop(page), || second.poll());
        first.settle();
        second.settle();
        is_whole(&pool);
    }
}

every_mode! {
    /// The first one gives up, with a page in hand, while the other page is dropped: the next one gets
    /// both.
    all, Composite, at least 100;
    fn who_gives_up_wakes_the_next<M: Mode>() {
        let (pool, mut all) = taken::<M>(2, 0);
        let [mut first, mut second] = [(); 2].map(|()| Task::new(&pool, 2));
        assert!(!first.poll() && !second.poll());
        drop(all.pop());
        assert!(!first.poll());
        assert_eq!(pool.audit().pages.promised, 1);
        second.woken.0.store(0, Ordering::SeqCst);
        let page = all.pop();
        race(move || drop(page), || first.future = None);
        second.settle();
        is_whole(&pool);
    }
}

/// Two pages, of which the first in line has one in hand, and who has the other.
fn half_served<M: Mode>() -> (Pool<M>, Task, Page<M>) {
    let (pool, mut all) = taken::<M>(2, 0);
    let mut first = Task::new(&pool, 2);
    assert!(!first.poll());
    drop(all.pop());
    assert!(!first.poll());
    assert_eq!(pool.audit().pages.promised, 1);
    first.woken.0.store(0, Ordering::SeqCst);
    (pool, first, all.pop().expect("the other page"))
}

every_mode! {
    /// The first has a page in hand and sleeps; a critical one comes for both pages while the other one is
    /// dropped. It gets both: who has lost its turn is woken, and gives back what it had.
    all, Composite, at least 100;
    fn who_loses_its_turn_gives_back<M: Mode>() {
        let (pool, first, page) = half_served::<M>();
        let mut critical = Task::critical(&pool, 2);
        race(move || drop(page), || critical.poll());
        settle([first, critical]);
        is_whole(&pool);
    }
}

every_mode! {
    /// The same, where the first looks while its turn goes to the critical one.
    one, Dry, at least 1_000;
    fn a_turn_that_is_lost_during_a_look_keeps_no_page<M: Mode>() {
        let (pool, mut first, page) = half_served::<M>();
        let mut critical = Task::critical(&pool, 2);
        drop(page);
        let (critical, _) = race(
            move || {
                critical.poll();
                critical
            },
            || first.poll(),
        );
        settle([first, critical]);
        is_whole(&pool);
    }
}

every_mode! {
    /// The first gives up, and has nothing in hand: what it was woken for is the next one's.
    all, Composite, at least 30;
    fn who_has_nothing_and_gives_up_wakes_the_next<M: Mode>() {
        let (pool, mut all) = taken::<M>(1, 0);
        let [mut first, mut second] = [(); 2].map(|()| Task::new(&pool, 1));
        assert!(!first.poll() && !second.poll());
        second.woken.0.store(0, Ordering::SeqCst);
        let page = all.pop();
        race(move || drop(page), || first.future = None);
        second.settle();
        is_whole(&pool);
    }
}

every_mode! {
    /// A slot takes off the mark of one who waited, while another comes to wait: the next drop is seen.
    all, Composite, at least 100;
    fn a_mark_stays_while_somebody_waits<M: Mode>() {
        let (pool, mut all) = taken::<M>(2, 1);
        assert!(!Task::new(&pool, 1).poll());
        let mut task = Task::new(&pool, 2);
        let page = all.pop();
        race(move || drop(page), || task.poll());
        // As if it had been polled by chance: it has seen what was there.
        while task.woken.0.swap(0, Ordering::SeqCst) > 0 {
            task.poll();
        }
        drop(all);
        task.settle();
        is_whole(&pool);
    }
}
