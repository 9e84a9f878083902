//! The oracle: who has each frame, kept apart from the pool. A frame that two have ends the kernel.

use core::sync::atomic::{AtomicU8, Ordering};

use pagesheaf::PageId;

use crate::frames::MOST;

/// Whoever has a frame. 0 is nobody.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Owner(u8);

impl Owner {
    /// On its way from a CPU to another.
    pub const MAIL: Owner = Owner(0xff);

    /// The frame is offline: nobody may get it.
    pub const OFFLINE: Owner = Owner(0xfe);

    /// What runs on a CPU.
    pub fn cpu(cpu: usize) -> Self {
        Owner(cpu as u8 + 1)
    }

    /// The handler of interrupts on a CPU.
    pub fn handler(cpu: usize) -> Self {
        Owner(cpu as u8 + 0x81)
    }
}

static OWNERS: [AtomicU8; MOST] = [const { AtomicU8::new(0) }; MOST];

/// Makes a frame that one has another's. Acquire and Release: who gets it sees what was done to it.
fn change(frame: PageId, from: u8, to: u8) {
    let owner = &OWNERS[frame.index() as usize];
    if let Err(other) = owner.compare_exchange(from, to, Ordering::AcqRel, Ordering::Relaxed) {
        panic!("frame {frame} goes from owner {from:#x} to {to:#x}, but {other:#x} has it");
    }
}

/// The pool has just given out a frame.
pub fn claim(frame: PageId, owner: Owner) {
    change(frame, 0, owner.0);
}

/// A frame is about to be freed.
pub fn give_up(frame: PageId, owner: Owner) {
    change(frame, owner.0, 0);
}

/// A frame changes hands.
pub fn pass(frame: PageId, from: Owner, to: Owner) {
    change(frame, from.0, to.0);
}

/// How many frames somebody has.
pub fn out() -> usize {
    OWNERS.iter().filter(|owner| owner.load(Ordering::Relaxed) != 0).count()
}
