//! A device that gives random bytes, as far as its driver can tell: it works while it is notified.

use std::sync::atomic::{AtomicU16, Ordering};

use virtio_drivers::transport::{DeviceStatus, DeviceType, InterruptStatus, Transport};
use virtio_drivers::{Error, PhysAddr, Result};

use crate::hal::at;

/// The feature bit that every device has which is not of the legacy kind.
const VERSION_1: u64 = 1 << 32;

/// Where a queue of a driver is: the addresses of its three parts.
struct Queue {
    size: u16,
    descriptors: PhysAddr,
    available: PhysAddr,
    used: PhysAddr,
    /// How many requests were answered.
    answered: u16,
}

/// The device.
pub struct Entropy {
    legacy: bool,
    status: DeviceStatus,
    queue: Option<Queue>,
}

/// The random byte at a position.
pub fn random(at: usize) -> u8 {
    (at.wrapping_mul(0x9e37_79b9) >> 7) as u8
}

impl Entropy {
    /// A device whose queues are in one piece, if it is of the legacy kind.
    pub fn new(legacy: bool) -> Self {
        Entropy { legacy, status: DeviceStatus::empty(), queue: None }
    }
}

/// A value in the memory of the driver.
///
/// # Safety
/// The driver has written such a value there.
unsafe fn read<T: Copy>(address: PhysAddr) -> T {
    // SAFETY: passed on to the caller.
    unsafe { at(address).cast::<T>().read_unaligned() }
}

impl Queue {
    /// How many requests the driver, or answers the device, has put into its part of the queue.
    fn count(&self, part: PhysAddr) -> &AtomicU16 {
        // SAFETY: both parts start with two aligned words of 16 bits, the second of which both
        // sides use as an atomic; they are there for as long as the queue is.
        unsafe { AtomicU16::from_ptr(at(part + 2).cast()) }
    }

    /// Answers all requests that are there.
    fn answer(&mut self) {
        while self.answered != self.count(self.available).load(Ordering::Acquire) {
            let entry = PhysAddr::from(self.answered % self.size);
            // SAFETY: the driver has put the number of a descriptor there, and in that the address
            // and the length of a buffer.
            let (first, buffer, bytes) = unsafe {
                let first = read::<u16>(self.available + 4 + 2 * entry);
                let descriptor = self.descriptors + 16 * PhysAddr::from(first);
                (first, read::<PhysAddr>(descriptor), read::<u32>(descriptor + 8))
            };
            let start = at(buffer);
            let used = at(self.used + 4 + 8 * entry).cast::<[u32; 2]>();
            // SAFETY: the buffer, and this entry, are the device's until it says that it is done.
            unsafe {
                (0..bytes as usize).for_each(|at| start.add(at).write(random(at)));
                used.write_unaligned([first.into(), bytes]);
            }
            self.answered = self.answered.wrapping_add(1);
            self.count(self.used).store(self.answered, Ordering::Release);
        }
    }
}

impl Transport for Entropy {
    fn device_type(&self) -> DeviceType {
        DeviceType::EntropySource
    }

    fn read_device_features(&mut self) -> u64 {
        if self.legacy { 0 } else { VERSION_1 }
    }

    fn write_driver_features(&mut self, _features: u64) {}

    fn max_queue_size(&mut self, _queue: u16) -> u32 {
        8
    }

    fn notify(&mut self, _queue: u16) {
        self.queue.as_mut().expect("the driver has a queue").answer();
    }

    fn get_status(&self) -> DeviceStatus {
        self.status
    }

    fn set_status(&mut self, status: DeviceStatus) {
        self.status = status;
    }

    fn set_guest_page_size(&mut self, _bytes: u32) {}

    fn requires_legacy_layout(&self) -> bool {
        self.legacy
    }

    fn queue_set(
        &mut self,
        _queue: u16,
        size: u32,
        descriptors: PhysAddr,
        available: PhysAddr,
        used: PhysAddr,
    ) {
        let size = u16::try_from(size).expect("at most 8");
        self.queue = Some(Queue { size, descriptors, available, used, answered: 0 });
    }

    fn queue_unset(&mut self, _queue: u16) {
        self.queue = None;
    }

    fn queue_used(&mut self, _queue: u16) -> bool {
        self.queue.is_some()
    }

    fn ack_interrupt(&mut self) -> InterruptStatus {
        InterruptStatus::empty()
    }

    fn read_config_generation(&self) -> u32 {
        0
    }

    fn read_config_space<T>(&self, _offset: usize) -> Result<T> {
        Err(Error::ConfigSpaceMissing)
    }

    fn write_config_space<T>(&mut self, _offset: usize, _value: T) -> Result<()> {
        Err(Error::ConfigSpaceMissing)
    }
}
