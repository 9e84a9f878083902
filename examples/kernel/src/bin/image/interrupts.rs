//! The timer's handler allocates and frees, whatever the CPU is doing at that moment.
//!
//! Invariant: a handler uses the pool, and never the interrupted code's cache.

use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicBool, AtomicU64, Ordering, compiler_fence};

use x86_64::VirtAddr;
use x86_64::instructions::tables::load_tss;
use x86_64::structures::gdt::{Descriptor, GlobalDescriptorTable};
use x86_64::structures::idt::InterruptDescriptorTable;
use x86_64::structures::tss::TaskStateSegment;

use crate::apic::{self, CPUS};
use crate::frames::POOL;
use crate::machine::say;
use crate::owners::{self, Owner};

/// Bytes of a CPU's stack for interrupts, as in `boot.s`.
const STACK: usize = 1 << 14;

/// What each CPU counts.
pub struct Counts {
    /// Interrupts that allocated and freed.
    pub served: AtomicU64,
    /// Those of them that found the CPU inside a call on the pool.
    pub inside: AtomicU64,
    /// Interrupts for which the pool had nothing.
    pub short: AtomicU64,
    /// The CPU is inside a call on the pool.
    pub calling: AtomicBool,
}

/// Of each CPU, which alone writes them.
pub static COUNTS: [Counts; CPUS] = [const {
    Counts {
        served: AtomicU64::new(0),
        inside: AtomicU64::new(0),
        short: AtomicU64::new(0),
        calling: AtomicBool::new(false),
    }
}; CPUS];

unsafe extern "C" {
    fn timer_entry();
    fn fault_entry();
    static interrupt_stacks: u8;
}

/// The tables that a CPU needs for interrupts.
pub struct Tables {
    segments: GlobalDescriptorTable,
    task: TaskStateSegment,
    handlers: InterruptDescriptorTable,
}

impl Tables {
    /// Nothing yet.
    pub fn new() -> Self {
        Tables {
            segments: GlobalDescriptorTable::new(),
            task: TaskStateSegment::new(),
            handlers: InterruptDescriptorTable::new(),
        }
    }

    /// Fills them for a CPU, and has it use them.
    ///
    /// # Safety
    /// This is that CPU, which comes here once. The tables stay where they are for ever.
    pub unsafe fn load(&mut self, cpu: usize) {
        let top = (&raw const interrupt_stacks).addr() + (cpu + 1) * STACK;
        self.task.interrupt_stack_table[0] = VirtAddr::new(top as u64);
        // The same two as in `boot.s`, so the registers go on as they are.
        self.segments.append(Descriptor::kernel_code_segment());
        self.segments.append(Descriptor::kernel_data_segment());
        // SAFETY: the task segment stays where it is, by the caller's promise.
        let task = unsafe { Descriptor::tss_segment_unchecked(&raw const self.task) };
        let task = self.segments.append(task);
        // SAFETY: both entries are code for it, which saves what it changes or never returns. The
        // first stack of the table is set above. The tables stay, by the caller's promise.
        unsafe {
            let fault = VirtAddr::new(fault_entry as *const () as u64);
            self.handlers.page_fault.set_handler_addr(fault).set_stack_index(0);
            self.handlers.double_fault.set_handler_addr(fault).set_stack_index(0);
            self.handlers.general_protection_fault.set_handler_addr(fault).set_stack_index(0);
            self.handlers.invalid_opcode.set_handler_addr(fault).set_stack_index(0);
            self.handlers.divide_error.set_handler_addr(fault).set_stack_index(0);
            self.handlers[apic::SPURIOUS_VECTOR].set_handler_addr(fault).set_stack_index(0);
            let timer = VirtAddr::new(timer_entry as *const () as u64);
            self.handlers[apic::TIMER_VECTOR].set_handler_addr(timer).set_stack_index(0);
            self.segments.load_unsafe();
            load_tss(task);
            self.handlers.load_unsafe();
        }
    }
}

/// The timer's handler: one frame, and some in bulk.
#[unsafe(no_mangle)]
extern "C" fn timer() {
    let cpu = apic::current_cpu();
    let counts = &COUNTS[cpu];
    let count = |count: &AtomicU64| _ = count.fetch_add(1, Ordering::Relaxed);
    if counts.calling.load(Ordering::Relaxed) {
        count(&counts.inside);
    }
    count(if allocate_and_free(Owner::handler(cpu)) { &counts.served } else { &counts.short });
    apic::end_interrupt();
}

/// Whether the pool had both a frame and some in bulk.
fn allocate_and_free(me: Owner) -> bool {
    let Ok(pool) = POOL.get() else { return false };
    let one = pool.alloc_raw();
    let mut out = [MaybeUninit::uninit(); 8];
    let (some, _) = pool.alloc_bulk_raw(&mut out);
    for &frame in one.iter().chain(some.iter()) {
        owners::claim(frame, me);
    }
    for &frame in one.iter().chain(some.iter()) {
        owners::give_up(frame, me);
    }
    let had_all = one.is_ok() && some.len() == 8;
    // SAFETY: the frames were allocated above, and nothing points to them.
    let freed = unsafe {
        one.map_or(Ok(()), |frame| pool.free_raw(frame)).and_then(|()| pool.free_bulk_raw(some))
    };
    freed.unwrap_or_else(|error| panic!("in a handler: {error}"));
    had_all
}

/// An exception: one of the two words on top of the stack is the address of the instruction.
#[unsafe(no_mangle)]
extern "C" fn fault(first: u64, second: u64, address: u64) -> ! {
    panic!("an exception: stack {first:#x} {second:#x}, address {address:#x}");
}

/// Notes that this CPU is inside a call on the pool while `call` runs.
pub fn inside<R>(cpu: usize, call: impl FnOnce() -> R) -> R {
    let calling = &COUNTS[cpu].calling;
    calling.store(true, Ordering::Relaxed);
    compiler_fence(Ordering::SeqCst);
    let result = call();
    compiler_fence(Ordering::SeqCst);
    calling.store(false, Ordering::Relaxed);
    result
}

/// Says what the handlers did. Every CPU had to be interrupted.
pub fn report(cpus: usize) {
    let each = |of: fn(&Counts) -> &AtomicU64| {
        COUNTS[..cpus].iter().map(move |counts| of(counts).load(Ordering::Relaxed))
    };
    let served: u64 = each(|counts| &counts.served).sum();
    let least = each(|counts| &counts.served).min().unwrap_or(0);
    let (inside, short): (u64, u64) =
        (each(|counts| &counts.inside).sum(), each(|counts| &counts.short).sum());
    assert!(least > 0, "every CPU is interrupted");
    say!("{served} interrupts allocated and freed, {least} or more on each CPU; {short} got less");
    say!("{inside} of all interrupts came inside a call on the pool");
}
