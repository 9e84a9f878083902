//! The original's design without its gauges: queues of buffers that own memory of the heap, each queue in turn.
//!
//! It is here to tell what the gauges cost from what the queues do, and has what the workloads call. A buffer keeps its
//! bytes initialised, so that nothing is written when it is used again.

use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::atomic::{AtomicUsize, Ordering};

use crossbeam_queue::SegQueue;

/// Its values are all `ConsumeBuffer`s.
pub struct Pool<const S: usize, T: 'static> {
    queues: [Queue<T>; S],
    next: AtomicUsize,
}

struct Queue<T> {
    idle: SegQueue<T>,
    count: AtomicUsize,
    max: usize,
    trim: usize,
}

impl<T> Queue<T> {
    const fn empty() -> Self {
        Queue { idle: SegQueue::new(), count: AtomicUsize::new(0), max: 0, trim: 0 }
    }
}

impl<const S: usize, T: Default + Trim> Pool<S, T> {
    pub const fn new(limit: usize, trim: usize, _name: &'static str) -> Self {
        let mut queues = [const { Queue::empty() }; S];
        let mut at = 0;
        while at < S {
            (queues[at].max, queues[at].trim) = (limit / S, trim);
            at += 1;
        }
        Pool { queues, next: AtomicUsize::new(0) }
    }

    fn get(&'static self) -> Pooled<T> {
        let queue = &self.queues[self.next.fetch_add(1, Ordering::Relaxed) % S];
        let idle = queue.idle.pop();
        if idle.is_some() {
            queue.count.fetch_sub(1, Ordering::Relaxed);
        }
        Pooled { inner: idle.unwrap_or_default(), queue }
    }

    pub fn get_with(&'static self, f: impl Fn(&mut T)) -> Pooled<T> {
        let mut pooled = self.get();
        f(&mut pooled);
        pooled
    }
}

impl<const S: usize> Pool<S, ConsumeBuffer> {
    pub fn with_slice(&'static self, bytes: &[u8]) -> Pooled<ConsumeBuffer> {
        let mut pooled = self.get();
        pooled.expand(bytes.len());
        pooled.copy_from_slice(bytes);
        pooled
    }
}

pub struct Pooled<T: Default + Trim + 'static> {
    inner: T,
    queue: &'static Queue<T>,
}

impl<T: Default + Trim> Drop for Pooled<T> {
    fn drop(&mut self) {
        let Queue { idle, count, max, trim } = self.queue;
        self.inner.trim(*trim);
        if count.fetch_add(1, Ordering::Relaxed) < *max {
            idle.push(mem::take(&mut self.inner));
        } else {
            count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

impl<T: Default + Trim> Deref for Pooled<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T: Default + Trim> DerefMut for Pooled<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

/// What is done to a value before it is kept.
pub trait Trim {
    fn trim(&mut self, bytes: usize);
}

/// The bytes between `head` and `end` count.
#[derive(Default)]
pub struct ConsumeBuffer {
    bytes: Vec<u8>,
    head: usize,
    end: usize,
}

impl ConsumeBuffer {
    pub fn pop_front(&mut self, count: usize) {
        assert!(count <= self.end - self.head, "{count} bytes of {}", self.end - self.head);
        self.head += count;
    }

    pub fn expand(&mut self, count: usize) {
        if self.bytes.len() < count {
            self.bytes.reserve_exact(count - self.bytes.len());
            self.bytes.resize(count, 0);
        }
        self.end = count;
    }

    pub fn truncate(&mut self, count: usize) {
        self.end = self.end.min(self.head + count);
    }

    pub fn add_prefix(&mut self, prefix: &[u8]) -> bool {
        let Some(start) = self.head.checked_sub(prefix.len()) else { return false };
        self.bytes[start..self.head].copy_from_slice(prefix);
        self.head = start;
        true
    }
}

impl Trim for ConsumeBuffer {
    fn trim(&mut self, bytes: usize) {
        (self.head, self.end) = (0, 0);
        self.bytes.truncate(bytes);
        self.bytes.shrink_to(bytes);
    }
}

impl Deref for ConsumeBuffer {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.bytes[self.head..self.end]
    }
}

impl DerefMut for ConsumeBuffer {
    fn deref_mut(&mut self) -> &mut [u8] {
        &mut self.bytes[self.head..self.end]
    }
}
