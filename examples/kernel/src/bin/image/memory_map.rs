//! What the boot protocol (PVH) says: which memory is usable, and the command line.
//!
//! Invariant: ranges have whole frames only, and no frame in common.

use core::alloc::Layout;
use core::ffi::{CStr, c_char};
use core::mem::MaybeUninit;
use core::ops::Range;
use core::ptr::{self, NonNull};
use core::slice;

use crate::frames::FRAME;

/// The most ranges.
const RANGES: usize = 32;
/// What a start info begins with.
const MAGIC: u32 = 0x336e_c578;
/// The kind of memory that is usable.
const USABLE: u32 = 1;

/// `hvm_start_info` of the protocol.
#[repr(C)]
struct StartInfo {
    magic: u32,
    version: u32,
    flags: u32,
    modules: u32,
    module_list: u64,
    command_line: u64,
    acpi: u64,
    memory_map: u64,
    memory_entries: u32,
    reserved: u32,
}

/// `hvm_memmap_table_entry` of the protocol.
#[repr(C)]
struct Entry {
    address: u64,
    size: u64,
    kind: u32,
    reserved: u32,
}

/// What the loader said.
pub struct Boot {
    /// Usable memory.
    pub map: MemoryMap,
    command_line: &'static CStr,
}

impl Boot {
    /// Reads it.
    ///
    /// # Safety
    /// The loader passed this address, and nobody has written there. The command line is valid
    /// until somebody does.
    pub unsafe fn read(start_info: usize) -> Self {
        // SAFETY: it has a start info, by the caller's promise.
        let info: &StartInfo = unsafe { &*ptr::with_exposed_provenance(start_info) };
        assert!(info.magic == MAGIC && info.version >= 1, "a start info with a memory map");
        let entries = ptr::with_exposed_provenance(info.memory_map as usize);
        // SAFETY: so many entries are there, by the protocol.
        let entries: &[Entry] =
            unsafe { slice::from_raw_parts(entries, info.memory_entries as usize) };
        let mut map = MemoryMap { ranges: [const { 0..0 }; RANGES], len: 0 };
        for entry in entries.iter().filter(|entry| entry.kind == USABLE) {
            let (start, end) = (entry.address as usize, (entry.address + entry.size) as usize);
            map.add(start.next_multiple_of(FRAME)..end / FRAME * FRAME);
        }
        let text = ptr::with_exposed_provenance::<c_char>(info.command_line as usize);
        let command_line = if text.is_null() {
            c""
        } else {
            // SAFETY: it ends with a zero, by the protocol.
            unsafe { CStr::from_ptr(text) }
        };
        Boot { map, command_line }
    }

    /// The number behind `name=` in the command line.
    pub fn number(&self, name: &str) -> Option<usize> {
        let mut words = self.command_line.to_str().ok()?.split(' ');
        words.find_map(|word| word.strip_prefix(name)?.strip_prefix('=')?.parse().ok())
    }
}

/// Ranges of memory.
pub struct MemoryMap {
    ranges: [Range<usize>; RANGES],
    len: usize,
}

impl MemoryMap {
    /// The ranges that are left.
    pub fn usable(&self) -> &[Range<usize>] {
        &self.ranges[..self.len]
    }

    fn add(&mut self, range: Range<usize>) {
        if !range.is_empty() {
            self.ranges[self.len] = range;
            self.len += 1;
        }
    }

    /// Takes memory out: it is in use.
    pub fn take(&mut self, used: Range<usize>) {
        let mut before = [const { 0..0 }; RANGES];
        before.swap_with_slice(&mut self.ranges);
        let len = core::mem::take(&mut self.len);
        for range in &before[..len] {
            self.add(range.start..range.end.min(used.start));
            self.add(range.start.max(used.end)..range.end);
        }
    }

    /// Leaves nothing from an address on.
    pub fn limit(&mut self, end: usize) {
        self.take(end..usize::MAX);
    }

    /// The upper half of the largest range, from a multiple of `align` on.
    pub fn upper_half(&self, align: usize) -> Range<usize> {
        let largest = self.usable().iter().max_by_key(|range| range.len());
        let largest = largest.expect("there is memory");
        (largest.start + largest.len() / 2).next_multiple_of(align)..largest.end
    }

    /// Takes out memory for a table.
    pub fn carve(&mut self, layout: Layout) -> NonNull<[MaybeUninit<u8>]> {
        let align = layout.align().max(FRAME);
        let starts = self.usable().iter().map(|range| {
            let start = range.start.next_multiple_of(align);
            (start, range.end.saturating_sub(start))
        });
        let fits = starts.filter(|&(_, room)| room >= layout.size()).min_by_key(|&(_, room)| room);
        let (start, _) = fits.unwrap_or_else(|| panic!("no memory for {layout:?}"));
        self.take(start..(start + layout.size()).next_multiple_of(FRAME));
        let bytes = NonNull::new(ptr::with_exposed_provenance_mut(start));
        NonNull::slice_from_raw_parts(bytes.expect("not at address 0"), layout.size())
    }
}
