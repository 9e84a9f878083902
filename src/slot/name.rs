//! What the owner of a slot is called.
//!
//! Invariant: a name that is read was written whole, by one writer: whoever has the slot. Readers never wait: where a
//! name is just changing, they may find none.

use core::str;

use crate::sync::{Atomic, Ordering, defect, ordering};

/// So often a reader looks at a name that is changing.
const LOOKS: usize = 4;

/// A name that others may read while it changes.
pub(crate) struct Name {
    /// Odd while the two below change, and another one each time.
    version: Atomic<u32>,
    /// Where the name starts; 0 if there is none.
    start: Atomic<u64>,
    len: Atomic<u64>,
}

impl Name {
    pub(crate) fn new() -> Self {
        Name { version: Atomic::new(0), start: Atomic::new(0), len: Atomic::new(0) }
    }

    /// Names the slot, or takes its name off. The caller has the slot.
    pub(crate) fn set(&self, name: Option<&'static str>) {
        let (start, len) =
            name.map_or((0, 0), |name| (name.as_ptr().expose_provenance(), name.len()));
        // Relaxed: the slot's lock orders one writer after the other.
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version.wrapping_add(1), Ordering::Relaxed);
        // Release: whoever sees one of the two sees that the version is odd. Pairs with the Acquire of `get`.
        self.start.store(start as u64, ordering!(Release, "name-order"));
        self.len.store(len as u64, ordering!(Release, "name-order"));
        // Release: whoever sees the version sees both. Pairs with the Acquire of `get`.
        self.version.store(version.wrapping_add(2), Ordering::Release);
    }

    /// The name, if there is one.
    pub(crate) fn get(&self) -> Option<&'static str> {
        (0..LOOKS).find_map(|_| self.look()).flatten()
    }

    /// Tells the name that the slot has now from those that it had before, and will have. Whoever has the slot asks.
    #[allow(
        dead_code,
        reason = "records of pages have it, in builds with the feature `track` only"
    )]
    pub(crate) fn version(&self) -> u32 {
        // Relaxed: it changes with the slot's owner only.
        self.version.load(Ordering::Relaxed)
    }

    /// The name, if there is one, and it has been that of this version all the while.
    #[allow(
        dead_code,
        reason = "records of pages have it, in builds with the feature `track` only"
    )]
    pub(crate) fn get_version(&self, version: u32) -> Option<&'static str> {
        let name = self.get()?;
        // Relaxed: the look was an Acquire of a version that is not newer than this one; they only grow.
        (self.version.load(Ordering::Relaxed) == version).then_some(name)
    }

    /// The name, if it does not change meanwhile.
    fn look(&self) -> Option<Option<&'static str>> {
        // Acquire: pairs with the last Release of `set`, and, for the other two, with theirs: what is written after
        // this look began makes the version another one.
        let version = self.version.load(Ordering::Acquire);
        let (start, len) = (self.start.load(Ordering::Acquire), self.len.load(Ordering::Acquire));
        let same = version.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == version;
        if !same && !defect!("name-torn") {
            return None;
        }
        if start == 0 {
            return Some(None);
        }
        let start = core::ptr::with_exposed_provenance::<u8>(start as usize);
        // SAFETY: both were stored of one name, which lives for ever.
        Some(Some(unsafe {
            str::from_utf8_unchecked(core::slice::from_raw_parts(start, len as usize))
        }))
    }
}

#[cfg(test)]
mod tests;
