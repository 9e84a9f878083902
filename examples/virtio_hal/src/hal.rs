//! What drivers need of the system, from a pool in a static.

use std::ptr::{NonNull, copy_nonoverlapping};

use pagesheaf::{Page, Pool, StaticPool};
use virtio_drivers::{BufferDirection, Hal, PAGE_SIZE, PhysAddr};

/// The memory that drivers share with their devices.
pub static DRIVERS: StaticPool = StaticPool::new();

/// Bytes of a page of the pool: four pages of the drivers, so that a queue fits one.
pub const BYTES: usize = 4 * PAGE_SIZE;

/// Where devices see the pool's first page. In a kernel this is the physical address.
const DEVICE_BASE: PhysAddr = 0x4000_0000;

/// The pool, as drivers and devices see it.
pub struct PoolHal;

/// The pool. Whoever has a page of it is too late to find that it is not built.
fn pool() -> &'static Pool {
    DRIVERS.get().expect("memory of the pool is in use")
}

/// Gives up a page: where devices see it, and where the program does.
fn give_out(page: Page) -> (PhysAddr, NonNull<u8>) {
    let id = page.into_raw();
    let seen = pool().offset(id).map(|offset| DEVICE_BASE + offset);
    seen.zip(pool().ptr(id)).expect("it is a page of the pool")
}

/// What a device finds at an address.
pub fn at(address: PhysAddr) -> *mut u8 {
    let offset = address.checked_sub(DEVICE_BASE).expect("an address of the pool");
    let id = pool().id_at_offset(offset).expect("an address of the pool");
    let page = pool().ptr(id).expect("it is a page of the pool");
    page.as_ptr().wrapping_add(offset as usize % BYTES)
}

/// The owner of the page that a device sees at an address.
///
/// # Safety
/// The page was given up by `into_raw`, and is taken back once; its bytes are initialised.
unsafe fn take_back(address: PhysAddr) -> Page {
    let id = pool().id_at(at(address).addr()).expect("an address of the pool");
    // SAFETY: passed on to the caller.
    unsafe { Page::from_raw(pool(), id) }
}

// SAFETY: a page of the pool is zeroed, aligned to its size, and nobody else's until it is freed;
// buffers are copied to and from such pages.
unsafe impl Hal for PoolHal {
    fn dma_alloc(pages: usize, _direction: BufferDirection) -> (PhysAddr, NonNull<u8>) {
        // To the drivers address 0 is an error: no pool yet, no page, or too small a page.
        let page = if pages * PAGE_SIZE > BYTES { None } else { DRIVERS.alloc_zeroed().ok() };
        page.map_or((0, NonNull::dangling()), give_out)
    }

    unsafe fn dma_dealloc(paddr: PhysAddr, _vaddr: NonNull<u8>, _pages: usize) -> i32 {
        // SAFETY: the driver gives up what `dma_alloc` gave it, which was zeroed; drivers and
        // devices write bytes only.
        drop(unsafe { take_back(paddr) });
        0
    }

    unsafe fn mmio_phys_to_virt(_paddr: PhysAddr, _size: usize) -> NonNull<u8> {
        unreachable!("there is no such device here")
    }

    /// The device sees the pool only, so the buffer is copied.
    unsafe fn share(buffer: NonNull<[u8]>, direction: BufferDirection) -> PhysAddr {
        assert!(buffer.len() <= BYTES, "a buffer of {} bytes", buffer.len());
        let mut page = DRIVERS.alloc().unwrap_or_else(|reason| panic!("a buffer: {reason}"));
        if direction != BufferDirection::DeviceToDriver {
            let start = buffer.cast::<u8>().as_ptr();
            // SAFETY: the driver promises that nobody writes the buffer now; it fits a page.
            unsafe { copy_nonoverlapping(start, page.as_mut_ptr(), buffer.len()) };
        }
        give_out(page).0
    }

    unsafe fn unshare(paddr: PhysAddr, buffer: NonNull<[u8]>, direction: BufferDirection) {
        // SAFETY: the driver names what `share` returned, once; the device wrote bytes only.
        let page = unsafe { take_back(paddr) };
        if direction != BufferDirection::DriverToDevice {
            let start = buffer.cast::<u8>().as_ptr();
            // SAFETY: the driver promises that nobody else uses the buffer now; it fits a page.
            unsafe { copy_nonoverlapping(page.as_ptr(), start, buffer.len()) };
        }
    }
}
