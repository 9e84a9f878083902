//! Upkeep: what has not been needed for a while goes from the depots to the zone, and its memory to the system.
//!
//! Invariant: a page's memory is given back only while its bit is held here ([`Held`]), so nobody else has it. What is
//! needed is told by allocations alone: pages are surplus if so many stayed where they are in each of the last periods,
//! or are more than was allocated in any. A period is the time between two calls.

use super::Core;
use super::exact::ExactTurn;
use crate::magazine::MagazineMut;
use crate::mode::{Mode, Policy};
use crate::page::PageId;
use crate::slot::Slot;
use crate::sync::{Atomic, Ordering, defect, publish_fence};
use crate::zone::Held;

/// For how many periods something must have been surplus.
const PERIODS: usize = 4;

/// How many system calls one call makes to give memory back.
const SYSTEM_CALLS: usize = 1024;

/// What [`Pool::maintain`](crate::Pool::maintain) did.
///
/// ```
/// # use pagesheaf::Pool;
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).build()?;
/// let done = pool.maintain();
/// println!("{} pages moved to the zone, and {} to the system", done.moved, done.purged);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[must_use]
pub struct Maintained {
    /// Pages that came free because their tickets had passed: see
    /// [`Pool::free_bulk_after`](crate::Pool::free_bulk_after).
    pub reaped: usize,
    /// Pages that went from the depots to the zone.
    pub moved: usize,
    /// Pages that went there from caches through which nobody has allocated for a while.
    pub stolen: usize,
    /// Pages whose memory the system has back.
    pub purged: usize,
    /// Of these, in whole areas: so many areas. An area has 2 MiB, or 64 pages where these are
    /// larger; where pages have less than 512 bytes it is 4,096 pages.
    pub areas: usize,
    /// Why no memory was given back, or not all that was surplus.
    pub not_purged: Option<NotPurged>,
}

/// Why [`Pool::maintain`](crate::Pool::maintain) gives no memory back.
///
/// ```
/// # use pagesheaf::{NotPurged, Pool, Region};
/// # if Pool::builder(1).build().is_err() { return Ok(()) }
/// let pool = Pool::builder(100).region(Region::heap()).build()?;
/// match pool.maintain().not_purged {
///     Some(NotPurged::Off) => { /* a region of the heap is never purged */ }
///     Some(why) => eprintln!("no memory was given back: {why:?}"),
///     None => {}
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NotPurged {
    /// Another thread is in the call, which did nothing.
    Busy,
    /// The region is not one that is purged: see [`Mapping::purge`](crate::Mapping::purge).
    Off,
    /// Pages are lent, or wait for a ticket: a device may have pinned the region.
    Lent,
    /// As many system calls were made as one call makes, 1,024. The next call goes on.
    Later,
    /// The system refused.
    System {
        /// Its error number.
        code: i32,
    },
}

/// What upkeep remembers, and whose turn it is. The turn guards figures only, so all is relaxed; and whoever takes it
/// over from one who stands still is no less sound.
pub(crate) struct Upkeep {
    turn: ExactTurn,
    /// Which period it is.
    period: Atomic<u32>,
    /// Pages that had been allocated through slots when this period began.
    allocated: Atomic<u64>,
    /// At the end of each of the last periods: pages in the depots.
    in_depots: [Atomic<u64>; PERIODS],
    /// Pages allocated through slots in each.
    demand: [Atomic<u64>; PERIODS],
    /// The fewest pages that were free in the zone, in each.
    in_zone: [Atomic<u64>; PERIODS],
    /// Pages whose memory was given back, ever.
    purged: Atomic<u64>,
}

impl Upkeep {
    pub(super) fn new() -> Self {
        let all = |figure| core::array::from_fn(|_| Atomic::new(figure));
        Upkeep {
            turn: ExactTurn::new(),
            period: Atomic::new(0),
            allocated: Atomic::new(0),
            // Nothing is surplus before there were so many periods.
            in_depots: all(0),
            demand: all(u64::MAX),
            in_zone: all(0),
            purged: Atomic::new(0),
        }
    }

    /// Takes the turn from whoever has it; the caller is alone.
    pub(super) fn reset(&self) {
        self.turn.reset();
    }

    /// Pages whose memory was given back, ever.
    pub(crate) fn purged(&self) -> u64 {
        self.purged.load(Ordering::Relaxed)
    }
}

/// A figure of this period takes the place of the oldest one.
fn note(figures: &[Atomic<u64>; PERIODS], period: u32, figure: usize) {
    figures[period as usize % PERIODS].store(figure as u64, Ordering::Relaxed);
}

fn of_all(figures: &[Atomic<u64>; PERIODS]) -> [usize; PERIODS] {
    let number = |figure: u64| usize::try_from(figure).unwrap_or(usize::MAX);
    core::array::from_fn(|at| number(figures[at].load(Ordering::Relaxed)))
}

fn least(figures: &[Atomic<u64>; PERIODS]) -> usize {
    of_all(figures).into_iter().fold(usize::MAX, usize::min)
}

impl<M: Mode> Core<M> {
    /// Ends a period. `fence_others` is that of [`Self::steal_idle`].
    pub(crate) fn maintain(&self, fence_others: impl Fn() -> bool) -> Maintained {
        let upkeep = &*self.upkeep;
        let mut done = Maintained { reaped: self.reap_fences(), ..Maintained::default() };
        let Some(_turn) = upkeep.turn.try_take() else {
            done.not_purged = Some(NotPurged::Busy);
            return done;
        };
        let period = upkeep.period.load(Ordering::Relaxed);
        upkeep.period.store(period.wrapping_add(1), Ordering::Relaxed);
        note(&upkeep.in_zone, period, self.zone.low_water());
        done.stolen = self.empty_quiet(fence_others);
        done.moved = self.trim_depots(period);
        if self.region.info.purgeable {
            self.purge(least(&upkeep.in_zone), &mut done);
        } else {
            done.not_purged = Some(NotPurged::Off);
        }
        upkeep.purged.fetch_add(done.purged as u64, Ordering::Relaxed);
        done
    }

    /// Moves to the zone what caches hold through which nobody has allocated in any of the last periods, as far as
    /// nobody is using them. Returns how many pages.
    fn empty_quiet(&self, fence_others: impl Fn() -> bool) -> usize {
        self.slots.iter().for_each(|slot| slot.quiet.end_period(slot.counters.allocated.get()));
        let is_quiet = |slot: &Slot| slot.quiet.periods() >= PERIODS as u64;
        let shared = self.slots[self.owned_slots..].iter();
        let shared = shared.filter(|slot| slot.cached() > 0 && is_quiet(slot));
        let empty = |slot: &Slot| {
            let guard = slot.try_lock_or(defect!("quiet"));
            guard.map_or(0, |mut guard| self.empty_slot(guard.as_mut()))
        };
        shared.map(empty).sum::<usize>() + self.steal_idle(is_quiet, fence_others)
    }

    /// Moves to the zone what is surplus in the depots. Returns how many pages.
    fn trim_depots(&self, period: u32) -> usize {
        let upkeep = &*self.upkeep;
        let allocated = self.slots.iter().map(|slot| slot.counters.allocated.get()).sum::<u64>();
        let before = upkeep.allocated.load(Ordering::Relaxed);
        upkeep.allocated.store(allocated, Ordering::Relaxed);
        let in_slots = self.slots.iter().map(Slot::cached).sum();
        let now = self.cached().saturating_sub(in_slots);
        note(&upkeep.in_depots, period, now);
        note(&upkeep.demand, period, allocated.wrapping_sub(before) as usize);
        let demand = of_all(&upkeep.demand).into_iter().fold(0, usize::max);
        let surplus = least(&upkeep.in_depots).max(now.saturating_sub(demand));
        let mut moved = 0;
        for turn in 1..self.magazines.count() as usize {
            if moved >= surplus {
                break;
            }
            let flush = |magazine: MagazineMut<'_>| moved += self.flush(magazine);
            if !self.with_depot_magazine(self.depots.home(turn), flush) {
                break;
            }
        }
        for figure in &upkeep.in_depots {
            // What has just left did not stay.
            let stayed = figure.load(Ordering::Relaxed).saturating_sub(moved as u64);
            figure.store(stayed, Ordering::Relaxed);
        }
        moved
    }

    /// Gives the memory of so many free pages back, less those that have none: whole areas first, from the far end. Of
    /// an area of which more was used nothing goes back as a whole: it would be touched again.
    fn purge(&self, surplus: usize, done: &mut Maintained) {
        let wanted = surplus.saturating_sub(self.zone.known_zero());
        let mut calls = 0;
        for area in (0..self.zone.areas()).rev() {
            if done.purged >= wanted || done.not_purged.is_some() {
                return;
            }
            if let Some(held) = self.zone.hold_area(area, wanted - done.purged) {
                done.areas += usize::from(self.purge_held(held, &mut calls, done) > 0);
            }
        }
        for index in (0..self.zone.words()).rev() {
            if done.purged >= wanted || done.not_purged.is_some() {
                return;
            }
            if let Some(held) = self.zone.hold_worn(index, wanted - done.purged) {
                self.purge_held(held, &mut calls, done);
            }
        }
    }

    /// Gives the memory of held pages back. Returns of how many.
    fn purge_held(&self, mut held: Held<'_>, calls: &mut usize, done: &mut Maintained) -> usize {
        let size = self.page_size();
        let purged = held.give_back(|first, pages| {
            // Whoever has them may have pinned the region.
            if self.lent() + self.fenced.pages() > 0 {
                done.not_purged = Some(NotPurged::Lent);
            }
            if *calls >= SYSTEM_CALLS {
                done.not_purged = Some(NotPurged::Later);
            }
            if done.not_purged.is_some() {
                return first..first;
            }
            *calls += 1;
            let start = self.address(PageId::new(first as u32));
            // SAFETY: the pages are held, so nobody else has them, and hold nothing that is needed: poison is taken
            // off below.
            match unsafe { self.region.purge(start, pages * size) } {
                Ok(bytes) => {
                    if M::POISONS {
                        // Also of those at the ends that lost a part: they are held as the others are.
                        let touched = first + bytes.start / size..first + bytes.end.div_ceil(size);
                        let ids = touched.map(|index| PageId::new(index as u32));
                        ids.for_each(|id| _ = self.take_poison_mark(id));
                    }
                    first + bytes.start.div_ceil(size)..first + bytes.end / size
                }
                Err(code) => {
                    done.not_purged = Some(NotPurged::System { code });
                    first..first
                }
            }
        });
        held.put_back(|id| self.taint(id));
        publish_fence();
        done.purged += purged;
        purged
    }
}

#[cfg(test)]
mod tests;
