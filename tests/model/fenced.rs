//! What each operation does to the world: pages wait for a device.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use super::shares::Shares;
use super::steps::of;
use super::world::{ROOM, World};
use crate::common::*;

/// What uses pages after their owners do, in the order of tickets.
#[derive(Default)]
pub struct Device(AtomicU64);

impl Device {
    /// The last ticket that has passed.
    pub fn done(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    /// All tickets up to this one have passed.
    pub fn pass(&self, ticket: u64) {
        self.0.store(ticket, Ordering::Release);
    }
}

impl Fence for Device {
    fn passed(&self, ticket: u64) -> bool {
        self.done() >= ticket
    }
}

/// A device for each of two threads, and both as the fences of a pool.
#[derive(Clone, Copy)]
struct Two {
    devices: [&'static Device; 2],
    fences: &'static [&'static dyn Fence],
}

/// Fences are statics. So devices that no world has any more are those of the next one, whose tickets go on from there.
static SPARE: Mutex<Vec<Two>> = Mutex::new(Vec::new());

/// The devices of a pool's worlds.
pub struct Devices(Two);

impl Devices {
    pub fn new() -> Arc<Self> {
        let spare = SPARE.lock().expect("no panic").pop();
        Arc::new(Devices(spare.unwrap_or_else(|| {
            let devices = std::array::from_fn(|_| &*Box::leak(Box::<Device>::default()));
            let fences: [&'static dyn Fence; 2] = devices.map(|device| device as _);
            Two { devices, fences: Box::leak(Box::new(fences)) }
        })))
    }

    /// That of the first fence.
    pub fn first(&self) -> &'static Device {
        self.0.devices[0]
    }

    pub fn fences(&self) -> &'static [&'static dyn Fence] {
        self.0.fences
    }
}

impl Drop for Devices {
    fn drop(&mut self) {
        SPARE.lock().expect("no panic").push(self.0);
    }
}

/// What waits for one of the devices.
pub struct Fenced {
    device: &'static Device,
    fence: usize,
    last: u64,
    /// What waits for each ticket that has not passed.
    tickets: VecDeque<(u64, Vec<PageId>)>,
}

impl Fenced {
    pub fn of(devices: &Devices, fence: usize) -> Self {
        let device = devices.0.devices[fence];
        let last = device.done();
        Fenced { device, fence, last, tickets: VecDeque::new() }
    }

    /// How many pages the device uses.
    pub fn pages(&self) -> u64 {
        self.tickets.iter().map(|(_, ids)| ids.len() as u64).sum()
    }
}

impl<M: Mode, S: Shares<M>> World<M, S> {
    /// Gives up pages that the device of this thread still uses.
    pub fn free_after(&mut self, which: u8, mut batch: PageBatch<M, ROOM>) {
        let ids = batch.ids().to_vec();
        self.fenced.last += 1;
        let ticket = Ticket::new(self.fenced.fence, self.fenced.last);
        let free = match of(&mut self.caches, which) {
            Some(cache) if which > 50 => cache.free_bulk_after(&mut batch, ticket),
            _ => self.pool.free_bulk_after(&mut batch, ticket),
        };
        match free {
            Ok(()) => {
                assert!(batch.is_empty());
                self.fenced.tickets.push_back((ticket.value, ids));
            }
            Err(error) => {
                let injected = self.is_injected(error == FenceError::Injected);
                assert!(injected || error == FenceError::NoMagazine, "{error}");
                assert_eq!(batch.ids(), ids);
                self.batches.push(batch);
            }
        }
    }

    /// The device is done with what it was given first.
    pub fn pass_tickets(&mut self, most: usize) {
        for _ in 0..most {
            let Some((ticket, ids)) = self.fenced.tickets.pop_front() else { break };
            self.lets_go(&ids);
            self.fenced.device.pass(ticket);
        }
    }

    /// The device is done with everything, and somebody looks.
    pub fn pass_all(&mut self) {
        self.pass_tickets(usize::MAX);
        self.pool.reap_fences();
        if self.alone {
            assert_eq!(self.pool.audit().pages.fenced, 0);
        }
    }
}
