//! The two fences on the machine itself: a model knows nothing of processors, and of the system.

extern crate std;

use std::println;
use std::sync::Arc;
use std::thread;

use super::*;

/// How often both threads store and then look.
const ROUNDS: usize = if cfg!(miri) { 20 } else { 20_000 };

/// A word on a line of its own.
#[repr(align(128))]
struct Alone(Atomic<u32>);

/// Two threads that each store one word and load the other's: at least one should see what the other stored.
struct Both([Alone; 2], [Alone; 2]);

impl Both {
    fn new() -> Self {
        let two = || [0; 2].map(|_| Alone(Atomic::new(0)));
        Both(two(), two())
    }

    /// Meets the other thread in round `round`, from 1 on; stores, calls `fence`, and says whether it saw what the
    /// other stored in this round.
    fn sees(&self, own: usize, round: u32, fence: impl FnOnce()) -> bool {
        let Both(words, rounds) = self;
        rounds[own].0.store(round, Ordering::Release);
        for spins in 1.. {
            if rounds[1 - own].0.load(Ordering::Acquire) >= round {
                break;
            }
            // One processor for both would spin for nothing.
            if spins % 1000 == 0 { thread::yield_now() } else { core::hint::spin_loop() }
        }
        words[own].0.store(round, Ordering::Relaxed);
        fence();
        words[1 - own].0.load(Ordering::Relaxed) >= round
    }
}

/// In how many rounds neither thread saw the other.
fn unseen(light: fn(), heavy: fn()) -> usize {
    let both = Arc::new(Both::new());
    let of = |both: Arc<Both>, own: usize, fence: fn()| {
        thread::spawn(move || {
            let rounds = 1..=ROUNDS as u32;
            rounds.map(|round| both.sees(own, round, fence)).collect::<std::vec::Vec<_>>()
        })
    };
    let (owner, thief) = (of(Arc::clone(&both), 0, light), of(both, 1, heavy));
    let [owner, thief] = [owner, thief].map(|thread| thread.join().expect("no panic"));
    owner.iter().zip(&thief).filter(|(owner, thief)| !**owner && !**thief).count()
}

/// Where the system refuses, nothing is shown, and the test says so.
#[test]
fn a_light_and_a_heavy_fence_hide_nothing() {
    register_fences();
    if heavy_fence(fence_all_threads).is_none() {
        println!("skipped: the system refuses to fence other threads");
        return;
    }
    let fenced = || assert!(heavy_fence(fence_all_threads).is_some());
    assert_eq!(unseen(light_fence, fenced), 0);
}

/// The control: that something is hidden without the heavy fence depends on the machine, and is printed only.
#[test]
fn without_the_heavy_fence_stores_may_stay_hidden() {
    let unseen = unseen(light_fence, || ());
    println!("without the heavy fence neither thread saw the other in {unseen} of {ROUNDS} rounds");
}

/// A caller's fence that was not made is no proof of one.
#[test]
fn a_fence_that_is_refused_proves_nothing() {
    assert!(heavy_fence(|| false).is_none() && heavy_fence(|| true).is_some());
}
