//! Threads are spread over shared slots, and move on where they meet.

extern crate std;

use std::collections::BTreeSet;
use std::thread_local;
use std::vec::Vec;

use super::*;
use crate::inner::tests::build;
use crate::mode::Checked;

/// Bytes from one thread's pointer to the next's: in one block, by the size of a stack, with a page that guards it, and
/// far apart.
#[cfg(target_pointer_width = "64")]
const STRIDES: [usize; 14] = [
    64,
    2304,
    1 << 12,
    1 << 16,
    (1 << 16) + 4096,
    1 << 20,
    2 << 20,
    (2 << 20) + 4096,
    8 << 20,
    (8 << 20) + 4096,
    10 << 20,
    64 << 20,
    1 << 32,
    1 << 40,
];

/// A thread's pointer, or what 32 bits leave of it.
const POINTER: usize = 0x7f3a_9c2b_1740_u64 as usize;

/// The numbers of so many threads.
#[cfg(target_pointer_width = "64")]
fn numbers(threads: usize, stride: usize) -> impl Iterator<Item = u32> {
    (0..threads).map(move |thread| hash(POINTER.wrapping_add(thread * stride)))
}

#[test]
#[cfg(target_pointer_width = "64")]
fn few_threads_are_not_in_their_own_entries() {
    for stride in STRIDES {
        let own: BTreeSet<_> = numbers(16, stride).map(Starts::home).collect();
        assert!(own.len() >= 10, "16 threads by {stride} have {} entries", own.len());
    }
}

#[test]
#[cfg(target_pointer_width = "64")]
fn threads_get_one_slot_after_the_other_for_good() {
    for (slots, stride) in [1, 2, 3, 8, 64].iter().flat_map(|&n| STRIDES.map(|it| (n, it))) {
        let starts = Starts::new(slots, None);
        for _ in 0..3 {
            for (thread, number) in numbers(32, stride).enumerate() {
                assert_eq!(starts.at(number), (thread + 1) % slots, "thread {thread} by {stride}");
            }
        }
    }
    assert_eq!(Starts::new(0, None).at(7), 0);
}

#[test]
fn a_thread_starts_where_it_moved_to() {
    let starts = Starts::new(16_384, None);
    for number in [1, 77, 1 << 20, u32::MAX / 3, u32::MAX] {
        for to in [0, 77, 16_383] {
            starts.keep(number, to);
            assert_eq!(starts.at(number), to, "{number}");
        }
    }
}

#[test]
fn a_new_thread_takes_the_entry_of_one_that_ended() {
    let starts = Starts::new(4, None);
    for thread in 0..100_000 {
        let number = hash(POINTER.wrapping_add(thread << 12));
        let start = starts.at(number);
        assert_eq!((start, starts.at(number)), ((thread + 1) % 4, start));
    }
}

#[test]
fn threads_that_look_the_same_stay_where_they_are() {
    let starts = Starts::new(4, None);
    starts.keep(0, 3);
    assert_eq!(starts.at(0), 0);
}

#[test]
fn a_hint_of_the_cpu_comes_before_the_thread() {
    thread_local!(static CPU: core::cell::Cell<usize> = const { core::cell::Cell::new(0) });
    let starts = Starts::new(4, Some(|| CPU.get()));
    for cpu in [0, 3, 1, 7, usize::MAX] {
        CPU.set(cpu);
        for number in [0, 77, 1 << 20, u32::MAX] {
            // Where a slot was busy is no reason to leave the CPU's.
            starts.keep(number, 2);
            assert_eq!(starts.at(number), cpu % 4, "{number}");
        }
    }
    assert_eq!(Starts::new(0, Some(|| 7)).at(3), 0);
}

#[test]
fn no_two_threads_have_the_same_key() {
    let barrier = std::sync::Barrier::new(8);
    let keys: BTreeSet<_> = std::thread::scope(|scope| {
        let key = || {
            let keys = (thread_key(), thread_key());
            barrier.wait();
            assert_eq!(keys, (thread_key(), thread_key()), "it is a thread's for good");
            keys.0
        };
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(key)).collect();
        threads.into_iter().map(|it| it.join().expect("no panic")).collect()
    });
    assert_eq!(keys.len(), if thread_key() == 0 { 1 } else { 8 });
}

#[test]
fn every_free_shared_slot_is_found() {
    let pool = build::<Checked>(|builder| builder.max_caches(1).shared_caches(64));
    let shared = &pool.core.slots[1..];
    // Each thread starts to look at another slot.
    for _ in 0..3 {
        let all = || {
            let guards: Vec<_> = (0..64).map_while(|_| pool.core.borrow_slot()).collect();
            assert_eq!(guards.len(), 64);
            assert!(pool.core.borrow_slot().is_none());
            assert!(shared.iter().all(Slot::is_locked));
        };
        std::thread::scope(|scope| scope.spawn(all).join().expect("no panic"));
    }
}

/// Two threads that start with the same slot would take its line from one another, and much else, as long as
/// they live.
#[test]
fn a_thread_that_found_its_slot_busy_starts_elsewhere() {
    let pool = build::<Checked>(|builder| builder.max_caches(1).shared_caches(4));
    let core = &*pool.core;
    if thread_key() == 0 {
        // Without `std` threads cannot be told apart.
        return;
    }
    let number = |slot: &Slot| core.slots.iter().position(|it| core::ptr::eq(it, slot));
    let here = || core.shared_here().and_then(number).expect("a slot");
    let of = |guard: &SlotGuard<'_>| number(guard.shared()).expect("a slot of this core");
    let before = here();
    let first = core.borrow_slot().expect("one is free");
    assert_eq!((of(&first), here()), (before, before), "it was free");
    let mut guards = Vec::from([first]);
    for further in 1..4 {
        let guard = core.borrow_slot().expect("one is free");
        let slot = of(&guard);
        assert_eq!((slot - 1, here()), ((before - 1 + further) % 4, slot));
        guards.push(guard);
    }
    // Where all are busy, there is no better one.
    let last = here();
    assert!(core.borrow_slot().is_none());
    assert_eq!(here(), last);
}
