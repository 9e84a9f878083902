//! Several tasks that wait for pages of one pool, in two classes: who is served, in which order, and what is left of
//! those that give up.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use crate::common::*;

/// The most that one waits for.
const MOST: usize = 6;

/// How many wait at one time, at the most.
const WAITERS: usize = 5;

/// Whether it was woken since it was polled.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::SeqCst);
    }
}

type Batch<M> = PageBatch<M, MOST>;

/// A task that waits.
struct Waiter<M: Mode> {
    future: Pin<Box<dyn Future<Output = Batch<M>>>>,
    woken: Arc<Woken>,
    is_critical: bool,
    want: usize,
}

/// A pool, who waits for its pages, in the order in which they came, and what is out.
pub struct Waiters<M: Mode> {
    /// Of somebody who does not wait. It is dropped before the pool is closed.
    cache: Option<Cache<M>>,
    pool: Pool<M>,
    waiters: Vec<Waiter<M>>,
    pages: Vec<Page<M>>,
    /// Of which one drops what it was given.
    batches: Vec<Batch<M>>,
}

impl<M: Mode> Waiters<M> {
    /// A pool of so many pages, and of one shared slot or none, with marks or without.
    pub fn new(pages: usize, shared: usize, has_marks: bool) -> Self {
        // All that one can wait for lies above the marks.
        let (least, low, reserve) = if has_marks { (MOST + 4, 4, 2) } else { (MOST, 0, 0) };
        let pool = build::<M>(pages.max(least), |builder| {
            let builder = builder.max_caches(1).shared_caches(shared).magazine_capacity(4);
            builder.low(low).critical_reserve(reserve)
        });
        let cache = pool.cache().ok();
        Waiters { cache, pool, waiters: Vec::new(), pages: Vec::new(), batches: Vec::new() }
    }

    pub fn step(&mut self, [kind, a]: [u8; 2]) {
        let a = usize::from(a);
        match kind % 11 {
            // It may be quicker than those who wait.
            0 => self.pages.extend(self.pool.alloc().ok()),
            1 | 2 if !self.pages.is_empty() => drop(self.pages.swap_remove(a % self.pages.len())),
            3 if !self.batches.is_empty() => drop(self.batches.swap_remove(a % self.batches.len())),
            4 if self.waiters.len() < WAITERS => {
                self.come(a % MOST + 1, (a / MOST).is_multiple_of(3))
            }
            5 | 6 if !self.waiters.is_empty() => self.poll(a % self.waiters.len()),
            // It gives up.
            7 if !self.waiters.is_empty() => drop(self.waiters.remove(a % self.waiters.len())),
            // A cache gives up what it holds, and answers at its next call.
            8 => self.pages.extend(self.cache.as_mut().and_then(|cache| cache.alloc().ok())),
            9 if !self.pages.is_empty() => {
                let page = self.pages.swap_remove(a % self.pages.len());
                match &mut self.cache {
                    Some(cache) => cache.free(page),
                    None => self.pool.free(page),
                }
            }
            10 => _ = self.pool.maintain(),
            _ => {}
        }
        self.check();
    }

    fn come(&mut self, want: usize, is_critical: bool) {
        let pool = self.pool.clone();
        let future = async move {
            let mut batch = Batch::<M>::empty();
            let done = match is_critical {
                true => pool.critical().alloc_bulk_async(&mut batch, want).await,
                false => pool.alloc_bulk_async(&mut batch, want).await,
            };
            done.expect("the pool has so many");
            batch
        };
        let woken = Arc::default();
        self.waiters.push(Waiter { future: Box::pin(future), woken, is_critical, want });
        self.poll(self.waiters.len() - 1);
    }

    /// Who is served was the first of its class, and no critical one waited where it is none.
    fn poll(&mut self, at: usize) {
        let waiter = &mut self.waiters[at];
        waiter.woken.0.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&waiter.woken));
        if let Poll::Ready(batch) = waiter.future.as_mut().poll(&mut Context::from_waker(&waker)) {
            let Waiter { is_critical, want, .. } = self.waiters.remove(at);
            assert_eq!(batch.len(), want);
            let overtaken = self.waiters[..at].iter().any(|it| it.is_critical == is_critical);
            let critical = !is_critical && self.waiters.iter().any(|it| it.is_critical);
            assert!(!overtaken && !critical, "served before its turn");
            self.batches.push(batch);
        }
    }

    /// No page is lost, and none is promised to nobody.
    fn check(&self) {
        let pages = self.pool.audit().pages;
        let out = self.pages.len() + self.batches.iter().map(PageBatch::len).sum::<usize>();
        assert!(pages.adds_up() && pages.out == out as u64, "{pages}, and {out} have an owner");
        assert!(!self.waiters.is_empty() || pages.promised == 0, "{pages}");
    }

    /// Everything is let go: whoever waits is served, and is woken for it.
    pub fn end(mut self) {
        self.cache = None;
        self.pages.clear();
        while !self.waiters.is_empty() {
            self.batches.clear();
            let woken = |it: &Waiter<M>| it.woken.0.load(Ordering::SeqCst);
            let Some(at) = self.waiters.iter().position(woken) else {
                let wants: Vec<_> =
                    self.waiters.iter().map(|it| (it.is_critical, it.want)).collect();
                panic!("all sleep: {wants:?}, {}", self.pool);
            };
            self.poll(at);
            self.check();
        }
        self.batches.clear();
        assert_whole(self.pool);
    }
}
