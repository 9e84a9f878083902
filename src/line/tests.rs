//! The line by itself: whose turn it is.

extern crate std;

use core::pin::{Pin, pin};
use core::task::Waker;
use std::sync::Arc;
use std::task::Wake;

use super::{Class, FIRST, HELD, Line, Sleeper, Spot};
use crate::sync::{Atomic, Ordering};
use crate::zone::Floor;

struct Count(Atomic<u32>);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Count {
    fn new() -> (Arc<Self>, Waker) {
        let count = Arc::new(Count(Atomic::new(0)));
        (Arc::clone(&count), Waker::from(count))
    }

    fn take(&self) -> u32 {
        self.0.swap(0, Ordering::Relaxed)
    }
}

fn enter(spot: Pin<&Spot<'_>>, waker: &Waker) {
    assert!(spot.come());
    assert!(spot.try_enter() && spot.try_leave_waker(waker));
    assert!(!spot.come(), "it has come");
}

/// A critical one that comes later is served first; then it is the first ordinary one's turn again.
#[test]
fn a_critical_one_goes_before_all_ordinary_ones() {
    let line = Line::new(false, false);
    let [one, two, hurry] = [(); 3].map(|()| Count::new());
    let first = pin!(Spot::new(&line, Class::Ordinary, Sleeper::Task, Floor::None));
    let second = pin!(Spot::new(&line, Class::Ordinary, Sleeper::Task, Floor::None));
    let critical = pin!(Spot::new(&line, Class::Critical, Sleeper::Task, Floor::None));
    let (first, second, critical) = (first.into_ref(), second.into_ref(), critical.into_ref());
    enter(first, &one.1);
    enter(second, &two.1);
    assert!(first.is_first() && !second.is_first());
    enter(critical, &hurry.1);
    assert!(critical.is_first() && !first.is_first());
    assert_eq!(one.0.take(), 1, "it gives back what it has in hand");
    assert!(first.try_leave_waker(&one.1));
    line.raise();
    assert_eq!((one.0.take(), two.0.take(), hurry.0.take()), (0, 0, 1));
    critical.leave();
    assert!(first.is_first());
    assert_eq!((one.0.take(), two.0.take()), (1, 0), "its turn again");
    first.leave();
    assert!(second.is_first());
    assert_eq!(two.0.take(), 1);
    second.leave();
    assert!(!line.is_waited_in());
}

/// Only the first sleeps for the bit by which pages are told; the next one for its own, until it is the first.
#[test]
fn pages_that_come_wake_one_thread() {
    let line = Line::new(false, false);
    let first = pin!(Spot::new(&line, Class::Ordinary, Sleeper::Thread, Floor::None));
    let second = pin!(Spot::new(&line, Class::Ordinary, Sleeper::Thread, Floor::None));
    let (first, second) = (first.into_ref(), second.into_ref());
    for spot in [first, second] {
        assert!(spot.come() && spot.try_enter());
    }
    let is_told = |spot: Pin<&Spot<'_>>| spot.bits().get() & FIRST.get() != 0;
    assert!(is_told(first) && !is_told(second));
    assert_ne!(first.bits().get() & !FIRST.get(), second.bits().get());
    let seen = line.event();
    first.leave();
    assert!(is_told(second));
    assert_ne!(line.event(), seen, "who is about to sleep looks again");
}

/// Whoever finds the list busy leaves a note, which its holder answers as it lets go.
#[test]
fn a_note_is_answered_by_who_has_the_list() {
    let line = Line::new(false, false);
    let (count, waker) = Count::new();
    let spot = pin!(Spot::new(&line, Class::Ordinary, Sleeper::Task, Floor::None));
    let spot = spot.into_ref();
    enter(spot, &waker);
    let locked = line.try_lock().expect("nobody has it");
    line.raise();
    assert!(line.try_lock().is_none() && !spot.try_leave_waker(&waker));
    assert_eq!(count.take(), 0);
    line.wake(locked.unlock());
    assert_eq!((count.take(), line.waiting.lock.load(Ordering::Relaxed)), (1, 0));
    let locked = line.try_lock().expect("it was given up");
    assert_eq!(line.waiting.lock.load(Ordering::Relaxed), HELD);
    line.wake(locked.unlock());
    assert_eq!(count.take(), 0, "there was no note");
    spot.leave();
    assert!(!line.is_waited_in());
}

/// Of threads and tasks in one line each is told by its own means.
#[test]
fn a_thread_is_told_by_the_event() {
    let line = Line::new(true, false);
    let (count, waker) = Count::new();
    let thread = pin!(Spot::new(&line, Class::Ordinary, Sleeper::Thread, Floor::None));
    let task = pin!(Spot::new(&line, Class::Ordinary, Sleeper::Task, Floor::None));
    let (thread, task) = (thread.into_ref(), task.into_ref());
    assert!(thread.come() && thread.try_enter());
    enter(task, &waker);
    let seen = line.event();
    line.raise();
    assert!(line.event() != seen && count.take() == 0);
    thread.leave();
    assert!(task.is_first() && count.take() == 1);
    let seen = line.event();
    line.raise();
    assert_eq!((line.event(), count.take()), (seen, 0), "wakers are left to upkeep");
    line.look_again();
    assert_eq!(count.take(), 0, "its waker was called and it has left no other");
    assert!(task.try_leave_waker(&waker));
    line.look_again();
    assert_eq!(count.take(), 1);
}

/// After a fork nobody is in line; who goes on enters anew.
#[test]
fn a_line_that_was_forgotten_is_entered_anew() {
    let line = Line::new(false, false);
    let (count, waker) = Count::new();
    let [gone, kept] =
        [(); 2].map(|()| Spot::new(&line, Class::Ordinary, Sleeper::Task, Floor::None));
    let (gone, kept) = (pin!(gone), pin!(kept));
    let (gone, kept) = (gone.into_ref(), kept.into_ref());
    enter(gone, &waker);
    enter(kept, &waker);
    line.promise(3);
    line.forget();
    assert!(!line.is_waited_in() && !gone.is_first());
    assert_eq!(line.promised(), 3, "what was promised is not lost");
    enter(kept, &waker);
    assert!(kept.is_first());
    line.raise();
    assert_eq!(count.take(), 1);
    gone.leave();
    assert!(kept.is_first());
    kept.leave();
    assert!(!line.is_waited_in());
}

/// Whoever may go lowest decides whether pages are told of.
#[test]
fn the_lowest_floor_is_that_of_who_may_go_lowest() {
    let line = Line::new(false, true);
    let spot = |floor| Spot::new(&line, Class::Ordinary, Sleeper::Task, floor);
    assert_eq!(line.lowest_floor(), Floor::Low, "of nobody");
    let [low, single, other, critical] =
        [Floor::Low, Floor::Reserve, Floor::Reserve, Floor::None].map(spot);
    let lowest = |spot: &Spot<'_>| {
        spot.come();
        line.lowest_floor()
    };
    assert_eq!([&low, &single, &other].map(lowest), [Floor::Low, Floor::Reserve, Floor::Reserve]);
    assert_eq!(lowest(&critical), Floor::None);
    drop(critical);
    single.leave();
    assert_eq!(line.lowest_floor(), Floor::Reserve, "there is another");
    drop((single, other));
    assert_eq!(line.lowest_floor(), Floor::Low);
}

/// However many have come before.
#[test]
fn nobody_but_the_first_sleeps_for_its_bit() {
    let line = Line::new(false, false);
    let first = pin!(Spot::new(&line, Class::Ordinary, Sleeper::Thread, Floor::None));
    let first = first.into_ref();
    assert!(first.come() && first.try_enter());
    let mut seen = 0;
    for _ in 0..70 {
        let another = pin!(Spot::new(&line, Class::Ordinary, Sleeper::Thread, Floor::None));
        let another = another.into_ref();
        assert!(another.come() && another.try_enter());
        let bits = another.bits().get();
        assert!(bits.is_power_of_two() && bits != FIRST.get());
        seen |= bits;
        another.leave();
    }
    assert_eq!(seen, !FIRST.get());
    first.leave();
}
