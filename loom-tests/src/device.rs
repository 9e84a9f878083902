//! What is done with pages in the order of tickets.

use std::sync::atomic::Ordering;

use pagesheaf::Fence;

use crate::run::AtomicU64;

/// Something that uses pages which their owners have given up, and says up to which ticket it is done.
pub struct Device(AtomicU64);

impl Device {
    /// One that has done nothing yet, and the fences of a pool that has only it. Both are leaked: a pool keeps its
    /// fences for good.
    #[must_use]
    pub fn new() -> (&'static Self, &'static [&'static dyn Fence]) {
        let device: &'static Self = Box::leak(Box::new(Device(AtomicU64::new(0))));
        let fences: &'static [&'static dyn Fence] = Box::leak(Box::new([device as &dyn Fence]));
        (device, fences)
    }

    /// It is done with all up to this ticket.
    pub fn pass(&self, ticket: u64) {
        // Release: pairs with the Acquire in `passed`: its last use comes before the next owner's.
        self.0.store(ticket, Ordering::Release);
    }
}

impl Fence for Device {
    fn passed(&self, ticket: u64) -> bool {
        self.0.load(Ordering::Acquire) >= ticket
    }
}
