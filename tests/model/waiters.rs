//! Several tasks that wait for pages of one pool, in two classes: who is served, in which order, and what is left of
//! those that give up. Pages wait as well, for a device, or in a cache whose thread makes no call.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};

use super::fenced::Devices;
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

/// How many pages go to the device at one time, at the most.
const BURST: usize = 4;

/// The only clock: it stands until a step lets it go on.
#[derive(Default)]
struct Clock(Mutex<(u64, Vec<Waker>)>);

impl Clock {
    /// A future that is ready when the clock has gone on.
    fn sleep(self: &Arc<Self>) -> impl Future<Output = ()> + use<> {
        let clock = Arc::clone(self);
        let began = clock.0.lock().expect("no panic").0;
        poll_fn(move |context| {
            let mut inner = clock.0.lock().expect("no panic");
            if inner.0 > began {
                return Poll::Ready(());
            }
            inner.1.push(context.waker().clone());
            Poll::Pending
        })
    }

    fn tick(&self) {
        let mut inner = self.0.lock().expect("no panic");
        inner.0 += 1;
        inner.1.drain(..).for_each(Waker::wake);
    }
}

/// How one waits.
#[derive(Clone, Copy, Debug)]
struct How {
    want: usize,
    is_critical: bool,
    /// It looks again whenever the clock goes on.
    looks: bool,
}

/// A task that waits.
struct Waiter<M: Mode> {
    future: Pin<Box<dyn Future<Output = Result<Batch<M>, WaitError>>>>,
    woken: Arc<Woken>,
    how: How,
}

/// A pool, who waits for its pages, in the order in which they came, and what is out.
pub struct Waiters<M: Mode> {
    /// Of somebody who does not wait. It is dropped before the pool is closed.
    cache: Option<Cache<M>>,
    /// Of a thread that makes few calls, from which others may take.
    still: Option<Cache<M, true>>,
    clock: Arc<Clock>,
    devices: Arc<Devices>,
    /// How many pages wait for each ticket that has not passed.
    tickets: VecDeque<(u64, usize)>,
    last: u64,
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
        let devices = Devices::new();
        let pool = build::<M>(pages.max(least), |builder| {
            let builder = builder.max_caches(2).shared_caches(shared).magazine_capacity(4);
            let builder = builder.low(low).critical_reserve(reserve).fences(devices.fences());
            #[cfg(feature = "fault-injection")]
            let builder = if pages.is_multiple_of(5) {
                builder.fault_plan(FaultPlan::new(pages as u64).probability(0.1))
            } else {
                builder
            };
            builder
        });
        Waiters {
            cache: pool.cache().ok(),
            still: pool.cache_stealable().ok(),
            clock: Arc::default(),
            tickets: VecDeque::new(),
            last: devices.first().done(),
            devices,
            pool,
            waiters: Vec::new(),
            pages: Vec::new(),
            batches: Vec::new(),
        }
    }

    pub fn step(&mut self, [kind, a]: [u8; 2]) {
        let a = usize::from(a);
        match kind % 16 {
            // It may be quicker than those who wait.
            0 => self.pages.extend(self.pool.alloc().ok()),
            1 | 2 if !self.pages.is_empty() => drop(self.pages.swap_remove(a % self.pages.len())),
            3 if !self.batches.is_empty() => drop(self.batches.swap_remove(a % self.batches.len())),
            4 if self.waiters.len() < WAITERS => {
                let (want, a) = (a % MOST + 1, a / MOST);
                let (is_critical, looks) = (a.is_multiple_of(3), (a / 3).is_multiple_of(2));
                self.come(How { want, is_critical, looks });
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
            11 => self.pages.extend(self.still.as_mut().and_then(|cache| cache.alloc().ok())),
            12 if !self.pages.is_empty() => {
                let page = self.pages.swap_remove(a % self.pages.len());
                match &mut self.still {
                    Some(cache) => cache.free(page),
                    None => self.pool.free(page),
                }
            }
            13 => self.free_after(a % BURST + 1),
            14 => self.pass(),
            15 => self.clock.tick(),
            _ => {}
        }
        self.check();
    }

    /// Gives up pages that a device still uses.
    fn free_after(&mut self, most: usize) {
        let mut batch = Batch::<M>::empty();
        while batch.len() < most
            && let Some(page) = self.pages.pop()
        {
            batch.push(page).expect("there is room");
        }
        let (ticket, pages) = (Ticket::new(0, self.last + 1), batch.len());
        match self.pool.free_bulk_after(&mut batch, ticket) {
            Ok(()) if pages == 0 => {}
            Ok(()) => {
                self.last = ticket.value;
                self.tickets.push_back((ticket.value, pages));
            }
            Err(_) => self.pages.extend(std::iter::from_fn(|| batch.pop())),
        }
    }

    /// The device is done with what it was given first. Nobody hears of it.
    fn pass(&mut self) {
        if let Some((ticket, _)) = self.tickets.pop_front() {
            self.devices.first().pass(ticket);
        }
    }

    fn come(&mut self, how: How) {
        let (pool, clock) = (self.pool.clone(), Arc::clone(&self.clock));
        let How { want, is_critical, looks } = how;
        let future = async move {
            let (mut batch, sleep) = (Batch::<M>::empty(), || clock.sleep());
            let critical = pool.critical();
            match (is_critical, looks) {
                (true, true) => critical.alloc_bulk_async_with(&mut batch, want, sleep).await,
                (true, false) => critical.alloc_bulk_async(&mut batch, want).await,
                (false, true) => pool.alloc_bulk_async_with(&mut batch, want, sleep).await,
                (false, false) => pool.alloc_bulk_async(&mut batch, want).await,
            }?;
            Ok(batch)
        };
        self.waiters.push(Waiter { future: Box::pin(future), woken: Arc::default(), how });
        self.poll(self.waiters.len() - 1);
    }

    /// Who is served was the first of its class, and no critical one waited where it is none.
    fn poll(&mut self, at: usize) {
        let waiter = &mut self.waiters[at];
        waiter.woken.0.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&waiter.woken));
        let polled = waiter.future.as_mut().poll(&mut Context::from_waker(&waker));
        let Poll::Ready(done) = polled else { return };
        let How { is_critical, want, .. } = self.waiters.remove(at).how;
        let batch = match done {
            Ok(batch) => batch,
            Err(error) => {
                let injected = WaitReason::Refused(ShortReason::Injected);
                assert!(cfg!(feature = "fault-injection") && error.reason == injected, "{error}");
                return;
            }
        };
        assert_eq!(batch.len(), want);
        let overtaken = self.waiters[..at].iter().any(|it| it.how.is_critical == is_critical);
        let critical = !is_critical && self.waiters.iter().any(|it| it.how.is_critical);
        assert!(!overtaken && !critical, "served before its turn");
        self.batches.push(batch);
    }

    /// Who is to be served next.
    fn first(&self) -> Option<&Waiter<M>> {
        let critical = self.waiters.iter().find(|it| it.how.is_critical);
        critical.or(self.waiters.first())
    }

    /// No page is lost, and none is promised to nobody.
    fn check(&self) {
        let pages = self.pool.audit().pages;
        let out = self.pages.len() + self.batches.iter().map(PageBatch::len).sum::<usize>();
        assert!(pages.adds_up() && pages.out == out as u64, "{pages}, and {out} have an owner");
        assert!(!self.waiters.is_empty() || pages.promised == 0, "{pages}");
        let most: usize = self.tickets.iter().map(|(_, pages)| pages).sum();
        assert!(pages.fenced >= most as u64, "{pages}, and {most} wait for the device");
    }

    /// Everything is let go: whoever waits is served, and is woken for it. What lies where nobody tells of it is found
    /// when the clock goes on, by who looks then, and for others by upkeep.
    pub fn end(mut self) {
        self.cache = None;
        // Nobody can take from it where no system makes all threads' fences.
        if cfg!(not(feature = "std")) {
            self.still = None;
        }
        self.pages.clear();
        while !self.tickets.is_empty() {
            self.pass();
        }
        while let Some(first) = self.first() {
            let looks = first.how.looks;
            self.batches.clear();
            let before = self.waiters.len();
            self.serve_woken();
            if self.waiters.len() == before {
                if looks {
                    self.clock.tick()
                } else {
                    _ = self.pool.maintain()
                }
                self.serve_woken();
                let served = self.waiters.len() < before;
                assert!(served, "all sleep: {}, {}", self.waits(), self.pool);
            }
        }
        self.batches.clear();
        self.still = None;
        self.pool.reap_fences();
        assert_whole(self.pool);
    }

    /// Polls those who were woken until nobody is.
    fn serve_woken(&mut self) {
        // Who finds the list in somebody's hands, or pages on their way, is polled again.
        for _ in 0..1000 {
            let woken = |it: &Waiter<M>| it.woken.0.load(Ordering::SeqCst);
            let Some(at) = self.waiters.iter().position(woken) else { return };
            self.poll(at);
            self.check();
        }
        panic!("woken again and again: {}, {}", self.waits(), self.pool);
    }

    fn waits(&self) -> String {
        format!("{:?}", self.waiters.iter().map(|it| it.how).collect::<Vec<_>>())
    }
}
