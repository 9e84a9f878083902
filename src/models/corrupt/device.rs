//! Pages that wait for a device, in a trial.

use std::boxed::Box;

use super::{Sharing, World};
use crate::error::Call;
use crate::inner::Faults;
use crate::page::GivenUp;
use crate::sync::{Atomic, Ordering};
use crate::ticket::Fence;

/// What uses pages that were given up, until it is told to end.
pub(super) struct Device(Atomic<u64>);

impl Fence for Device {
    fn passed(&self, ticket: u64) -> bool {
        self.0.load(Ordering::Relaxed) >= ticket
    }
}

impl Device {
    /// This thread's, which has done nothing since now, and the fences of a pool that has only it. One pool at a time
    /// has them: it is leaked once.
    pub(super) fn of_thread() -> (&'static Self, &'static [&'static dyn Fence]) {
        std::thread_local! {
            static DEVICE: &'static Device = Box::leak(Box::new(Device(Atomic::new(0))));
            static FENCES: &'static [&'static dyn Fence] =
                Box::leak(Box::new([DEVICE.with(|device| *device as &dyn Fence)]));
        }
        let device = DEVICE.with(|device| *device);
        device.0.store(0, Ordering::Relaxed);
        (device, FENCES.with(|fences| *fences))
    }

    /// The ticket of what it is given now.
    fn next(&self) -> u64 {
        self.0.load(Ordering::Relaxed) + 1
    }

    /// It is done with all that it has been given.
    pub(super) fn pass_next(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl<M: Sharing> World<M> {
    /// Gives up pages that the device still uses.
    pub(super) fn fence(&mut self, n: usize) {
        let ids = self.some(n);
        let (core, mut faults) = (&self.pool().core, Faults::default());
        let Some(room) = core.room_for_fenced(0, ids.len()) else {
            return self.out.extend(ids);
        };
        let ticket = self.device.next();
        // SAFETY: pages that are out are given up once.
        let given_up = unsafe { GivenUp::new(&ids) };
        let pages = core.fence_pages(room, ticket, given_up, &mut faults);
        let _ = core.record_or_panic(&faults, pages, Call::FreeBulkAfter);
        self.fenced.extend(ids);
    }
}
